//! Members of a request's JSON.

use serde_json::{Map, Value};

use crate::web::Call;
use crate::web::reply::Failure;

pub(super) fn invalid(message: impl std::fmt::Display) -> Failure {
    Failure::new(
        400,
        "INVALID_REQUEST_BODY",
        format!("invalid body request: {message}"),
    )
}

/// The body, which must be an object; without one an empty object.
pub(super) async fn body(call: &mut Call) -> Result<Map<String, Value>, Failure> {
    match call
        .json()
        .await
        .map_err(|failure| invalid(failure.message))?
    {
        Value::Object(members) => Ok(members),
        Value::Null => Ok(Map::new()),
        _ => Err(invalid("not an object")),
    }
}

/// A text, `None` where it is missing, null or empty.
pub(super) fn text<'a>(
    body: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a str>, Failure> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(invalid(format!("{name} must be a string"))),
    }
}

pub(super) fn flag(body: &Map<String, Value>, name: &str) -> Result<bool, Failure> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(invalid(format!("{name} must be true or false"))),
    }
}
