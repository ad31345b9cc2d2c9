//! What there is.

use std::sync::Arc;

use cap_std::fs::{Dir, Metadata, MetadataExt};
use daytona_api::models::toolbox::FileInfo;
use jiff::Timestamp;

use super::{Place, at, failure, parameter};
use crate::web::Call;
use crate::web::reply::{Failure, Reply};

const MAX_DEPTH: i64 = 64;

pub(super) async fn info(place: &Place, call: &Call) -> Result<Reply, Failure> {
    let path = parameter(call, "path")?.to_owned();
    let info = at(place, &path.clone(), move |spot| {
        let metadata = spot
            .dir
            .metadata(&spot.path)
            .map_err(|error| failure::io(&error, &path))?;
        Ok(describe(last(&path), &path, &metadata))
    })
    .await?;
    Ok(Reply::json(200, &info))
}

pub(super) async fn list(place: &Place, call: &Call) -> Result<Reply, Failure> {
    let path = call
        .query
        .get("path")
        .filter(|path| !path.is_empty())
        .unwrap_or(".")
        .to_owned();
    let depth = match call.query.number("depth")? {
        None => 1,
        Some(depth @ 1..) => depth.min(MAX_DEPTH),
        Some(_) => return Err(Failure::bad("bad request: depth must be at least 1")),
    };
    let cell = Arc::clone(&place.cell);
    let list = at(place, &path.clone(), move |spot| {
        let folder = spot
            .dir
            .open_dir(&spot.path)
            .map_err(|error| failure::io(&error, &path))?;
        let mut found = Vec::new();
        let wrong = |error: std::io::Error| failure::io(&error, &path);
        walk(&folder, &path, depth, &mut found).map_err(wrong)?;
        for (at, volume) in cell.mounts_below(&path) {
            let above = i64::try_from(at.split('/').count()).unwrap_or(i64::MAX);
            if depth > above {
                walk(&volume, &join(&path, &at), depth - above, &mut found).map_err(wrong)?;
            }
        }
        Ok(found)
    })
    .await?;
    Ok(Reply::json(200, &list))
}

fn walk(folder: &Dir, prefix: &str, depth: i64, found: &mut Vec<FileInfo>) -> std::io::Result<()> {
    let mut names = Vec::new();
    for entry in folder.entries()? {
        names.push(entry?.file_name());
    }
    names.sort();
    for name in names {
        let metadata = match folder.metadata(&name) {
            Ok(metadata) => metadata,
            // A link to nowhere is not shown; one that leads out is shown as the link it is.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(_) => match folder.symlink_metadata(&name) {
                Ok(metadata) => metadata,
                Err(_) => continue,
            },
        };
        let text = name.to_string_lossy();
        let path = join(prefix, &text);
        found.push(describe(&text, &path, &metadata));
        let below = folder
            .symlink_metadata(&name)
            .is_ok_and(|metadata| metadata.is_dir());
        if depth > 1
            && below
            && let Ok(folder) = folder.open_dir(&name)
        {
            walk(&folder, &path, depth - 1, found)?;
        }
    }
    Ok(())
}

/// Keeps the prefix as it was asked for.
pub(super) fn join(prefix: &str, name: &str) -> String {
    match prefix {
        "." | "" => name.to_owned(),
        prefix => format!("{}/{name}", prefix.trim_end_matches('/')),
    }
}

/// The last part of a path.
pub(super) fn last(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.is_empty() { "/" } else { name }
}

fn describe(name: &str, path: &str, metadata: &Metadata) -> FileInfo {
    let modified = metadata
        .modified()
        .ok()
        .map(cap_std::time::SystemTime::into_std);
    let modified = modified
        .and_then(|time| Timestamp::try_from(time).ok())
        .unwrap_or_default();
    let mut info = FileInfo::default();
    info.name = name.to_owned();
    info.path = Some(path.to_owned());
    info.size = i64::try_from(metadata.len()).unwrap_or(i64::MAX);
    info.is_dir = metadata.is_dir();
    info.mode = mode(metadata);
    info.permissions = format!("{:04o}", metadata.mode() & 0o777);
    info.owner = metadata.uid().to_string();
    info.group = metadata.gid().to_string();
    info.mod_time = modified
        .strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC")
        .to_string();
    info.modified_at = modified.to_string();
    info
}

/// As `ls` would write it, but `L` for links and `p` for pipes in the way of the daemon's language.
fn mode(metadata: &Metadata) -> String {
    let kind = metadata.file_type();
    let mut text = String::with_capacity(10);
    text.push(if kind.is_dir() {
        'd'
    } else if kind.is_symlink() {
        'L'
    } else if kind.is_file() {
        '-'
    } else {
        'p'
    });
    let bits = metadata.mode();
    for (place, letter) in "rwxrwxrwx".chars().enumerate() {
        text.push(if bits & (0o400 >> place) != 0 {
            letter
        } else {
            '-'
        });
    }
    text
}
