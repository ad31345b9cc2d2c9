//! Answers, and errors as the toolbox words them.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};
use serde::Serialize;

use super::body::{self, Body};

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(bytes) => with_type(status, "application/json", body::full(bytes)),
        Err(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(body::empty());
    *response.status_mut() = status;
    response
}

/// An answer with this body, which may stream.
pub(crate) fn with_type(
    status: StatusCode,
    content_type: &'static str,
    body: Body,
) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// An error of the toolbox or of the proxy before it: the envelope newer daemons send everywhere.
pub(crate) fn envelope(
    status: StatusCode,
    message: &str,
    method: &Method,
    path: &str,
) -> Response<Body> {
    envelope_with_code(status, code_of(status), message, method, path)
}

/// [`envelope`] with a code of its own, such as `FILE_NOT_FOUND`.
pub(crate) fn envelope_with_code(
    status: StatusCode,
    code: &str,
    message: &str,
    method: &Method,
    path: &str,
) -> Response<Body> {
    json(
        status,
        &serde_json::json!({
            "statusCode": status.as_u16(),
            "message": message,
            "code": code,
            "source": "DAYTONA_DAEMON",
            "timestamp": format!("{:.3}", jiff::Timestamp::now()),
            "path": path,
            "method": method.as_str(),
        }),
    )
}

fn code_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "BAD_REQUEST",
        StatusCode::UNAUTHORIZED => "UNAUTHORIZED",
        StatusCode::FORBIDDEN => "FORBIDDEN",
        StatusCode::NOT_FOUND => "NOT_FOUND",
        StatusCode::REQUEST_TIMEOUT => "REQUEST_TIMEOUT",
        StatusCode::CONFLICT => "CONFLICT",
        StatusCode::GONE => "GONE",
        StatusCode::UNPROCESSABLE_ENTITY => "UNPROCESSABLE_ENTITY",
        StatusCode::NOT_IMPLEMENTED => "NOT_IMPLEMENTED",
        _ => "INTERNAL_SERVER_ERROR",
    }
}
