//! The files routes. Every access goes through a folder handle that the kernel confines (`openat2`), so neither `..` nor
//! a link, nor a link made at the wrong moment, leads out.

mod bulk;
mod change;
mod download;
mod failure;
mod info;
mod text;
mod tree;
mod upload;

use std::sync::Arc;

use super::Place;
use crate::isolate::place::Place as Spot;
use crate::server::Call;
use crate::server::reply::{Failure, Reply};
use crate::server::unserved::not_served;

use failure::{denied, missing_parameter};

pub(super) async fn handle(place: &Place, call: Call) -> Result<Reply, Failure> {
    match call.matched.route.unwrap_or_default() {
        "ListFiles" => info::list(place, &call).await,
        "GetFileInfo" => info::info(place, &call).await,
        "DownloadFile" => download::download(place, &call).await,
        "DownloadFiles" => bulk::download(place, call).await,
        "UploadFile" => upload::upload(place, call, true).await,
        "uploadFile_deprecated" => upload::upload(place, call, false).await,
        "UploadFiles" => bulk::upload(place, call).await,
        "CreateFolder" => change::folder(place, &call).await,
        "DeleteFile" => change::delete(place, &call).await,
        "MoveFile" => change::rename(place, &call).await,
        "SetFilePermissions" => change::permissions(place, &call).await,
        "FindInFiles" => text::find(place, &call).await,
        "SearchFiles" => text::search(place, &call).await,
        "ReplaceInFiles" => text::replace(place, call).await,
        route => Err(not_served(route)),
    }
}

/// The parameter of the query, which must be there.
fn parameter<'a>(call: &'a Call, name: &str) -> Result<&'a str, Failure> {
    call.query
        .get(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| missing_parameter(name))
}

/// Runs on a thread that may block, with the spot that a path names.
async fn at<T: Send + 'static>(
    place: &Place,
    path: &str,
    work: impl FnOnce(Spot) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let (cell, path) = (Arc::clone(&place.cell), path.to_owned());
    blocking(move || {
        let spot = cell
            .place(&path)
            .map_err(|refusal| failure::refused(refusal, &path))?;
        work(spot)
    })
    .await
}

/// As [`at`], for work that changes something there.
async fn change_at<T: Send + 'static>(
    place: &Place,
    path: &str,
    work: impl FnOnce(Spot) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let name = path.to_owned();
    at(place, path, move |spot| {
        if spot.writable {
            work(spot)
        } else {
            Err(denied(&name))
        }
    })
    .await
}

/// As [`change_at`], for the name itself where it is a link.
async fn change_itself<T: Send + 'static>(
    place: &Place,
    path: &str,
    work: impl FnOnce(Spot) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let (cell, path) = (Arc::clone(&place.cell), path.to_owned());
    blocking(move || {
        let spot = cell.place_itself(&path);
        let spot = spot.map_err(|refusal| failure::refused(refusal, &path))?;
        if spot.writable {
            work(spot)
        } else {
            Err(denied(&path))
        }
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Failure::internal("internal server error: file access")))
}
