//! Uploads of one file, raw or as a form.

use std::path::Path;

use bytes::Bytes;
use cap_std::fs::{OpenOptions, OpenOptionsExt};
use futures_util::{Stream, StreamExt};
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use multer::Multipart;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{Place, change_at, failure, parameter};
use crate::isolate::place::Place as Spot;
use crate::web::Call;
use crate::web::reply::{Failure, Reply};

/// Makes the folders above and opens the file for writing, empty.
fn create(spot: &Spot, path: &str) -> Result<cap_std::fs::File, Failure> {
    let wrong = |error: std::io::Error| failure::io(&error, path);
    if let Some(parent) = spot.path.parent().filter(|parent| *parent != Path::new("")) {
        spot.dir.create_dir_all(parent).map_err(wrong)?;
    }
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o644)
        .custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits());
    let file = spot.dir.open_with(&spot.path, &options).map_err(wrong)?;
    if !file.metadata().map_err(wrong)?.is_file() {
        return Err(failure::invalid(path, "is no regular file"));
    }
    Ok(file)
}

/// Writes what comes, chunk by chunk; the number of bytes.
pub(super) async fn write<E: std::fmt::Display>(
    place: &Place,
    path: &str,
    mut chunks: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<u64, Failure> {
    let name = path.to_owned();
    let file = change_at(place, path, move |spot| create(&spot, &name)).await?;
    let mut file = tokio::fs::File::from_std(file.into_std());
    let mut written = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk =
            chunk.map_err(|error| Failure::bad(format!("bad request: broken body: {error}")))?;
        written += chunk.len() as u64;
        file.write_all(&chunk)
            .await
            .map_err(|error| failure::io(&error, path))?;
    }
    file.flush()
        .await
        .map_err(|error| failure::io(&error, path))?;
    Ok(written)
}

/// The form in a body, if its type says that it is one.
pub(super) fn form(call: &mut Call) -> Result<Option<Multipart<'static>>, Failure> {
    let kind = call
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let Some(kind) = kind.filter(|kind| kind.trim_start().starts_with("multipart/")) else {
        return Ok(None);
    };
    let boundary = multer::parse_boundary(kind)
        .map_err(|error| Failure::bad(format!("bad request: {error}")))?;
    let body = call
        .body
        .take()
        .ok_or_else(|| Failure::bad("bad request: no body"))?;
    Ok(Some(Multipart::new(body.into_data_stream(), boundary)))
}

pub(super) async fn upload(
    place: &Place,
    mut call: Call,
    described: bool,
) -> Result<Reply, Failure> {
    let path = parameter(&call, "path")?.to_owned();
    match form(&mut call)? {
        Some(mut form) => loop {
            let field = form
                .next_field()
                .await
                .map_err(|error| Failure::bad(format!("bad request: {error}")))?
                .ok_or_else(|| Failure::bad("bad request: the form has no field `file`"))?;
            if field.name() == Some("file") {
                write(place, &path, field).await?;
                break;
            }
        },
        None => {
            let body: Incoming = call
                .body
                .take()
                .ok_or_else(|| Failure::bad("bad request: no body"))?;
            write(place, &path, body.into_data_stream()).await?;
        }
    }
    if !described {
        return Ok(Reply::empty(200));
    }
    let name = super::info::last(&path);
    Ok(Reply::json(
        200,
        &json!({ "name": name, "path": path, "type": "file" }),
    ))
}
