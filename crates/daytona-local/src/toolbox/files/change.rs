//! Folders, deletion, moves, permissions.

use std::path::Path;
use std::sync::Arc;

use cap_std::fs::{DirBuilder, DirBuilderExt, Permissions, PermissionsExt};

use super::{Place, blocking, change_at, change_itself, denied, failure, parameter};
use crate::web::Call;
use crate::web::reply::{Failure, Reply};

fn octal(text: &str) -> Result<u32, Failure> {
    let mode = u32::from_str_radix(text, 8)
        .ok()
        .filter(|&mode| mode <= 0o7777);
    mode.ok_or_else(|| Failure::bad(format!("bad request: {text} is no octal mode")))
}

pub(super) async fn folder(place: &Place, call: &Call) -> Result<Reply, Failure> {
    let path = parameter(call, "path")?.to_owned();
    let mode = octal(
        call.query
            .get("mode")
            .filter(|mode| !mode.is_empty())
            .unwrap_or("0755"),
    )?;
    change_at(place, &path.clone(), move |spot| {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(mode);
        let made = spot.dir.create_dir_with(&spot.path, &builder);
        made.map_err(|error| failure::io(&error, &path))
    })
    .await?;
    Ok(Reply::empty(201))
}

pub(super) async fn delete(place: &Place, call: &Call) -> Result<Reply, Failure> {
    let path = parameter(call, "path")?.to_owned();
    let recursive = call.query.flag("recursive").unwrap_or(false);
    change_itself(place, &path.clone(), move |spot| {
        if spot.path == Path::new(".") {
            return Err(failure::invalid(&path, "cannot be deleted"));
        }
        let metadata = spot
            .dir
            .symlink_metadata(&spot.path)
            .map_err(|error| failure::io(&error, &path))?;
        let removed = if !metadata.is_dir() {
            spot.dir.remove_file(&spot.path)
        } else if recursive {
            spot.dir.remove_dir_all(&spot.path)
        } else {
            return Err(failure::invalid(&path, "is a folder: recursive is needed"));
        };
        removed.map_err(|error| failure::io(&error, &path))
    })
    .await?;
    Ok(Reply::empty(204))
}

pub(super) async fn rename(place: &Place, call: &Call) -> Result<Reply, Failure> {
    let source = parameter(call, "source")?.to_owned();
    let destination = parameter(call, "destination")?.to_owned();
    let cell = Arc::clone(&place.cell);
    blocking(move || {
        let refused = failure::refused;
        let from = cell
            .place_itself(&source)
            .map_err(|refusal| refused(refusal, &source))?;
        let to = cell
            .place_itself(&destination)
            .map_err(|refusal| refused(refusal, &destination))?;
        if !from.writable {
            return Err(denied(&source));
        }
        if !to.writable {
            return Err(denied(&destination));
        }
        from.dir
            .symlink_metadata(&from.path)
            .map_err(|error| failure::io(&error, &source))?;
        if to.dir.symlink_metadata(&to.path).is_ok() {
            return Err(Failure::conflict(format!(
                "conflict: {destination} exists already"
            )));
        }
        let renamed = from.dir.rename(&from.path, &to.dir, &to.path);
        renamed.map_err(|error| failure::io(&error, &destination))
    })
    .await?;
    Ok(Reply::empty(200))
}

/// Whether this name or number is the one user a sandbox has.
fn known_owner(name: &str, own: u32) -> Result<(), Failure> {
    let ours = matches!(name, "daytona" | "root" | "0") || name.parse() == Ok(own);
    let unknown = || Failure::bad(format!("bad request: unknown user or group {name}"));
    if ours { Ok(()) } else { Err(unknown()) }
}

pub(super) async fn permissions(place: &Place, call: &Call) -> Result<Reply, Failure> {
    let path = parameter(call, "path")?.to_owned();
    let given = |name: &str| call.query.get(name).filter(|value| !value.is_empty());
    let mode = given("mode").map(octal).transpose()?;
    if let Some(owner) = given("owner") {
        known_owner(owner, nix::unistd::geteuid().as_raw())?;
    }
    if let Some(group) = given("group") {
        known_owner(group, nix::unistd::getegid().as_raw())?;
    }
    change_at(place, &path.clone(), move |spot| {
        let wrong = |error: std::io::Error| failure::io(&error, &path);
        spot.dir.metadata(&spot.path).map_err(wrong)?;
        match mode {
            None => Ok(()),
            Some(mode) => {
                let permissions = Permissions::from_mode(mode);
                spot.dir
                    .set_permissions(&spot.path, permissions)
                    .map_err(wrong)
            }
        }
    })
    .await?;
    Ok(Reply::empty(200))
}
