//! `/port`: what listens in the sandbox.

use std::ops::RangeInclusive;

use serde_json::json;

use super::Place;
use crate::isolate::cell::Cell;
use crate::isolate::listen::Listeners;
use crate::web::Call;
use crate::web::reply::{Failure, Reply};

/// The ports that may be asked about one by one.
const ASKED: RangeInclusive<u16> = 3000..=9999;

pub(super) async fn handle(place: &Place, call: &Call) -> Result<Reply, Failure> {
    if call.matched.route == Some("GetPorts") {
        let ports = listeners(&place.cell).await?.ports();
        return Ok(Reply::json(200, &json!({ "ports": ports })));
    }
    let port = call.param(0).parse().ok();
    let port = port.filter(|port| ASKED.contains(port)).ok_or_else(|| {
        let (first, last) = (ASKED.start(), ASKED.end());
        Failure::bad(format!(
            "bad request: port must be a number between {first} and {last}"
        ))
    })?;
    let in_use = listeners(&place.cell).await?.ports().contains(&port);
    Ok(Reply::json(200, &json!({ "isInUse": in_use })))
}

pub(crate) async fn listeners(cell: &Cell) -> Result<Listeners, Failure> {
    let found = cell.listeners().await;
    found.map_err(|error| {
        Failure::internal(format!(
            "internal server error: the ports cannot be read: {error}"
        ))
    })
}
