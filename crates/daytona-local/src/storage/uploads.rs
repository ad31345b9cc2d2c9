//! Uploads in parts.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::Stream;

use super::{Object, stored, xml};
use crate::app::App;
use crate::ident;
use crate::web::reply::Failure;

/// The least that a part may hold which is not the last one.
const LEAST: u64 = 5 << 20;
/// How many uploads may be unfinished.
const MOST: usize = 64;
const MAX_PART: u32 = 10_000;

pub(super) struct Unfinished {
    key: String,
    parts: BTreeMap<u32, Object>,
}

fn unknown() -> Failure {
    let message = "The specified upload does not exist.";
    Failure::new(404, "NoSuchUpload", message)
}

fn bad_part() -> Failure {
    let message = "A part could not be found, or is not what was uploaded.";
    Failure::new(400, "InvalidPart", message)
}

/// Begins an upload; its id.
pub(super) fn begin(app: &App, key: &str) -> Result<String, Failure> {
    let id = ident::uuid();
    let mut inner = app.storage.lock();
    if inner.objects.unfinished.len() >= MOST {
        let message = "Too many uploads are unfinished; reduce your request rate.";
        return Err(Failure::new(503, "SlowDown", message));
    }
    let upload = Unfinished {
        key: key.to_owned(),
        parts: BTreeMap::new(),
    };
    inner.objects.unfinished.insert(id.clone(), upload);
    Ok(id)
}

/// Stores a part in place of the one that had its number; its tag.
pub(super) async fn part<E>(
    app: &Arc<App>,
    key: &str,
    (id, number): (&str, &str),
    pieces: impl Stream<Item = Result<bytes::Bytes, E>> + Unpin,
    length: Option<u64>,
    wanted: Option<&str>,
) -> Result<String, Failure> {
    let number: u32 = number
        .parse()
        .ok()
        .filter(|number| (1..=MAX_PART).contains(number))
        .ok_or_else(|| {
            let message = "Part number must be an integer between 1 and 10000";
            Failure::new(400, "InvalidArgument", message)
        })?;
    let known = |upload: &&mut Unfinished| upload.key == key;
    if app
        .storage
        .lock()
        .objects
        .unfinished
        .get_mut(id)
        .filter(known)
        .is_none()
    {
        return Err(unknown());
    }
    let object = stored::fill(app, pieces, length, wanted).await?;
    let tag = object.etag.clone();
    let old = {
        let mut inner = app.storage.lock();
        let upload = inner.objects.unfinished.get_mut(id).filter(known);
        match upload {
            Some(upload) => Ok(upload.parts.insert(number, object)),
            None => Err(object),
        }
    };
    // dropped without the lock, which they take
    match old {
        Ok(old) => {
            drop(old);
            Ok(tag)
        }
        Err(object) => {
            drop(object);
            Err(unknown())
        }
    }
}

/// Makes the object of the parts that `body` lists.
pub(super) async fn complete(
    app: &Arc<App>,
    key: &str,
    id: &str,
    body: &str,
) -> Result<Object, Failure> {
    let numbers: Vec<u32> = xml::all(body, "PartNumber")
        .iter()
        .map(|number| number.parse().map_err(|_| bad_part()))
        .collect::<Result<_, _>>()?;
    if numbers.is_empty() || !numbers.is_sorted() {
        let message = "The list of parts was empty or not in ascending order.";
        return Err(Failure::new(400, "InvalidPartOrder", message));
    }
    let tags: Vec<String> = xml::all(body, "ETag")
        .iter()
        .map(|tag| tag.replace("&quot;", "\""))
        .collect();
    let parts = {
        let inner = app.storage.lock();
        let upload = inner.objects.unfinished.get(id);
        let upload = upload.filter(|upload| upload.key == key);
        let upload = upload.ok_or_else(unknown)?;
        let mut parts = Vec::with_capacity(numbers.len());
        for (place, number) in numbers.iter().enumerate() {
            let part = upload.parts.get(number).ok_or_else(bad_part)?;
            let tag = tags.get(place).map(|tag| tag.trim_matches('"'));
            if tag != Some(part.etag.trim_matches('"')) {
                return Err(bad_part());
            }
            parts.push(part.clone());
        }
        parts
    };
    let small = parts
        .iter()
        .rev()
        .skip(1)
        .any(|part| part.file.size() < LEAST);
    if small {
        let message = "Your proposed upload is smaller than the minimum allowed size";
        return Err(Failure::new(400, "EntityTooSmall", message));
    }
    let object = match parts.as_slice() {
        [only] => only.clone(),
        parts => stored::join(app, parts).await?,
    };
    abort(app, key, id)?;
    Ok(object)
}

/// Gives an upload up, with all its parts.
pub(super) fn abort(app: &App, key: &str, id: &str) -> Result<(), Failure> {
    let gone = {
        let mut inner = app.storage.lock();
        let ours = inner
            .objects
            .unfinished
            .get(id)
            .is_some_and(|upload| upload.key == key);
        ours.then(|| inner.objects.unfinished.remove(id))
    };
    // dropped without the lock, which its parts take
    match gone {
        Some(gone) => {
            drop(gone);
            Ok(())
        }
        None => Err(unknown()),
    }
}
