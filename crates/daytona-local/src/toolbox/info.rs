//! Where programs and files are.

use serde_json::json;

use super::Place;
use crate::web::reply::Reply;

pub(super) fn version() -> Reply {
    Reply::json(
        200,
        &json!({ "version": concat!("local-", env!("CARGO_PKG_VERSION")) }),
    )
}

/// The home is the work folder too, unless its image has another.
pub(super) fn workdir(place: &Place) -> Reply {
    Reply::json(200, &json!({ "dir": place.cell.workdir }))
}

pub(super) fn home(place: &Place) -> Reply {
    Reply::json(200, &json!({ "dir": place.cell.home }))
}
