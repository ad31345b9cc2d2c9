//! Answers and errors.

use std::io;

use bytes::Bytes;
use daytona_api::routes::Api;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::storage::xml;

pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

pub(crate) fn full(bytes: Bytes) -> Body {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// An answer that is not yet sent.
#[derive(Debug)]
pub(crate) struct Reply(pub(crate) Response<Body>);

impl Reply {
    pub(crate) fn new(status: u16, content_type: &'static str, body: Body) -> Self {
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if !content_type.is_empty() {
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        Self(response)
    }

    pub(crate) fn json(status: u16, body: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(body).unwrap_or_default();
        Self::new(
            status,
            "application/json; charset=utf-8",
            full(bytes.into()),
        )
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self::new(status, "", full(Bytes::new()))
    }

    /// Adds a header; one that cannot be sent is left out.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers_mut().append(name, value);
        }
        self
    }
}

/// An error as the documents describe it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "BAD_REQUEST", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "NOT_FOUND", message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, "CONFLICT", message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "INTERNAL_SERVER_ERROR", message)
    }

    /// The two APIs spell errors differently.
    pub(crate) fn render(&self, api: Api, method: &str, path: &str, now: Timestamp) -> Reply {
        let status = StatusCode::from_u16(self.status).unwrap_or_default();
        let now = now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
        if api == Api::ObjectStorage {
            let body = xml::error(self.code, &self.message);
            return Reply::new(self.status, "application/xml", full(body.into()));
        }
        let body = match api {
            Api::Toolbox => json!({
                "statusCode": self.status,
                "message": self.message,
                "code": self.code,
                "timestamp": now,
                "path": path,
                "method": method,
                "source": "DAYTONA_DAEMON",
            }),
            _ => json!({
                "path": path,
                "timestamp": now,
                "statusCode": self.status,
                "error": status.canonical_reason().unwrap_or("Error"),
                "message": self.message,
            }),
        };
        Reply::json(self.status, &body)
    }
}
