//! A request as a cassette keeps it, and the parts of exchanges without secrets.

use std::collections::BTreeMap;
use std::pin::Pin;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use http_body::Body as _;
use zeroize::Zeroizing;

use super::secrets::{Secrets, replaced};
use super::{Asked, CassetteError, Content};
use crate::transport::{About, Body, TransportError};

/// Headers of requests that are kept.
const ASKED: &[&str] = &["accept", "content-type", "if-match", "if-range", "range"];
/// In place of what is drawn anew for each request.
const BOUNDARY: &str = "BOUNDARY";
const SIGNED_AT: &str = "X-Amz-Date=";

/// A request as it was sent.
pub(super) struct Request {
    pub(super) operation: String,
    method: String,
    url: String,
    headers: HeaderMap,
    body: Bytes,
    secrets: Vec<Zeroizing<String>>,
}

impl Request {
    /// Reads a request; it goes on with its body in memory.
    pub(super) async fn read(
        request: http::Request<Body>,
        limit: usize,
    ) -> Result<(Self, http::Request<Body>), TransportError> {
        let (head, mut body) = request.into_parts();
        let about = head.extensions.get::<About>();
        let operation = match about {
            Some(about) => about.operation().to_owned(),
            None => format!("{} {}", head.method, head.uri.path()),
        };
        let mut bytes = Vec::new();
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
        {
            if let Ok(data) = frame?.into_data() {
                bytes.extend_from_slice(&data);
            }
            if bytes.len() > limit {
                return Err(CassetteError::TooLarge { operation, limit }.unsent());
            }
        }
        let bytes = Bytes::from(bytes);
        let secrets =
            about.map(|about| about.secrets().map(|text| Zeroizing::new(text.to_owned())));
        let read = Self {
            operation,
            method: head.method.as_str().to_owned(),
            url: head.uri.to_string(),
            headers: head.headers.clone(),
            body: bytes.clone(),
            secrets: secrets.into_iter().flatten().collect(),
        };
        Ok((read, http::Request::from_parts(head, Body::from(bytes))))
    }

    pub(super) fn learn(&self, secrets: &mut Secrets) {
        for text in &self.secrets {
            secrets.add(text);
        }
        for (name, value) in &self.headers {
            if let Ok(value) = value.to_str()
                && name == AUTHORIZATION
            {
                secrets.add(value);
                secrets.add(value.rsplit(' ').next().unwrap_or_default());
            } else if value.is_sensitive() {
                secrets.add(&String::from_utf8_lossy(value.as_bytes()));
            }
        }
        secrets.learn_url(&self.url);
        if let Ok(value) = serde_json::from_slice(&self.body) {
            secrets.learn(&value, &self.operation);
        }
    }

    pub(super) fn asked(&self, secrets: &Secrets) -> Asked {
        let mut headers = kept(&self.headers, |name| ASKED.contains(&name), secrets);
        let mut body = content(&self.body, secrets, &self.operation);
        let kind = headers.get_mut(CONTENT_TYPE.as_str());
        if let Some((kind, boundary)) = kind.and_then(|kind| {
            let (_, boundary) = kind.split_once("boundary=")?;
            let boundary = boundary.trim_matches('"').to_owned();
            (!boundary.is_empty()).then_some((kind, boundary))
        }) {
            *kind = kind.replace(&boundary, BOUNDARY);
            if let Some(Content::Text(text)) = &mut body {
                *text = text.replace(&boundary, BOUNDARY);
            } else if body.is_some() {
                let bytes = secrets.bytes(&self.body);
                let bytes = replaced(&bytes, boundary.as_bytes(), BOUNDARY.as_bytes());
                body = Some(Content::Base64(STANDARD.encode(bytes)));
            }
        }
        Asked {
            method: self.method.clone(),
            url: undated(secrets.url(&self.url)),
            headers,
            body,
        }
    }
}

/// The address of an object, without the time at which it was signed.
fn undated(url: String) -> String {
    let Some((before, date)) = url.split_once(SIGNED_AT) else {
        return url;
    };
    let after = date.find('&').and_then(|end| date.get(end..));
    format!("{before}{SIGNED_AT}DATE{}", after.unwrap_or_default())
}

pub(super) fn kept(
    headers: &HeaderMap,
    keep: impl Fn(&str) -> bool,
    secrets: &Secrets,
) -> BTreeMap<String, String> {
    let some = headers
        .iter()
        .filter(|(name, _)| keep(HeaderName::as_str(name)));
    let some = some.map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.as_str().to_owned(), secrets.text(&value))
    });
    some.collect()
}

pub(super) fn content(body: &[u8], secrets: &Secrets, operation: &str) -> Option<Content> {
    if body.is_empty() {
        return None;
    }
    if let Ok(value) = serde_json::from_slice(body) {
        return Some(Content::Json(secrets.json(&value, operation)));
    }
    Some(match std::str::from_utf8(body) {
        Ok(text) => Content::Text(secrets.text(text)),
        Err(_) => Content::Base64(STANDARD.encode(secrets.bytes(body))),
    })
}
