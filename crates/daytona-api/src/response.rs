//! Answers: read with limits, decoded leniently, refused with a reason.

use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::client::redact::clean;
use crate::client::retry::retry_after;
use crate::error::{Error, ErrorKind, ServerText};
use crate::transport::{Body, TransportError};

const ERROR_READ: usize = 64 << 10;
const ERROR_KEPT: usize = 1 << 10;
const EXCERPT: usize = 200;

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body, where it is JSON of this shape.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// When to give up on a body.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) idle: Duration,
    pub(crate) deadline: Instant,
}

/// The next piece of a body.
pub(crate) async fn next(body: &mut Body, patience: Patience) -> Result<Option<Bytes>, Error> {
    loop {
        let until = (Instant::now() + patience.idle).min(patience.deadline);
        match timeout_at(until, body.frame()).await {
            Ok(None) => return Ok(None),
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Ok(Some(Err(error))) => return Err(broken(error)),
            Err(_) => return Err(Error::new(ErrorKind::Timeout, "the answer's body stalled")),
        }
    }
}

/// A transport's error as ours.
pub(crate) fn broken(error: TransportError) -> Error {
    let kind = match (error.is_timeout(), error.may_have_been_sent()) {
        (_, false) => ErrorKind::Connect,
        (true, true) => ErrorKind::Timeout,
        (false, true) => ErrorKind::Transport,
    };
    let reached = error.may_have_been_sent();
    let what = match kind {
        ErrorKind::Connect => "the server cannot be reached",
        ErrorKind::Timeout => "the server did not answer in time",
        _ => "the connection failed",
    };
    Error::new(kind, what)
        .with_reached(reached)
        .with_timeout(error.is_timeout())
        .with_source(error)
}

/// All of a body, or an error where it is longer than `limit`.
pub(crate) async fn read(body: Body, limit: usize, patience: Patience) -> Result<Bytes, Error> {
    let too_large = || {
        Error::new(
            ErrorKind::TooLarge,
            format!("the answer is larger than {limit} bytes"),
        )
    };
    let mut body = pin!(body);
    if http_body::Body::size_hint(&*body).lower() > limit as u64 {
        return Err(too_large());
    }
    // most bodies come in one piece, which is not copied
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    // one await: each more would have its own room in the future of every call
    while let Some(data) = next(&mut body, patience).await? {
        if first.len() + all.len() + data.len() > limit {
            return Err(too_large());
        }
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// What can be had of an error's body; trouble while reading it does not hide the status.
pub(crate) async fn read_error(body: Body, patience: Patience) -> Bytes {
    let mut body = pin!(body);
    let mut all = BytesMut::new();
    while let Ok(Some(data)) = next(&mut body, patience).await {
        let room = ERROR_READ.saturating_sub(all.len());
        all.extend_from_slice(data.get(..room).unwrap_or(&data));
        if all.len() >= ERROR_READ {
            break;
        }
    }
    all.freeze()
}

/// The error for a status that is no success.
pub(crate) fn refused<'a>(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    secrets: &(impl Iterator<Item = &'a str> + Clone),
) -> Error {
    let wait = retry_after(headers);
    if let Some(error) = redirected(status, wait) {
        return error;
    }
    let mut text = server_text(body);
    let is_html = text.is_none() && is_html(headers, body);
    // what a web server says about a path that it does not know
    let is_text = text.is_none() && matches!(status, 404 | 405 | 501) && is_plain(headers, body);
    let is_route = status == 404 && text.as_ref().is_some_and(is_unknown_route);
    let is_page = is_html || is_text || is_route;
    let what = if is_html {
        format!("the server answered {status} with text/html, not a daytona api")
    } else if is_text {
        format!("the server answered {status} with plain text, not a daytona api")
    } else if is_route {
        format!("the server answered {status}, no such path or not a daytona api")
    } else {
        format!("the server answered {status}")
    };
    if text.is_none() {
        let raw = String::from_utf8_lossy(body);
        let excerpt = clean(&raw, secrets.clone(), EXCERPT);
        text = Some(ServerText {
            message: Some(excerpt).filter(|excerpt| !excerpt.is_empty()),
            ..ServerText::default()
        });
    }
    let mut text = text.unwrap_or_default();
    for part in [&mut text.message, &mut text.code, &mut text.origin] {
        *part = part
            .take()
            .map(|text| clean(&text, secrets.clone(), ERROR_KEPT));
    }
    let error = Error::answered(status, what, text, wait);
    if is_page { error.not_daytona() } else { error }
}

fn redirected(status: u16, wait: Option<Duration>) -> Option<Error> {
    if !(300..400).contains(&status) {
        return None;
    }
    let what = format!("the server answered {status}, a redirect, which is not followed");
    Some(Error::answered(status, what, ServerText::default(), wait))
}

/// As [`refused`], by an object storage: of its XML the code and the message are taken and nothing else, since it may
/// repeat what was signed.
pub(crate) fn refused_by_storage<'a>(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    secrets: &(impl Iterator<Item = &'a str> + Clone),
) -> Error {
    let wait = retry_after(headers);
    if let Some(error) = redirected(status, wait) {
        return error;
    }
    let body = String::from_utf8_lossy(body);
    let element = |name: &str| {
        let (_, after) = body.split_once(&format!("<{name}>"))?;
        let (text, _) = after.split_once(&format!("</{name}>"))?;
        let text = clean(text, secrets.clone(), ERROR_KEPT);
        Some(text).filter(|text| !text.is_empty())
    };
    let text = ServerText {
        code: element("Code"),
        message: element("Message"),
        origin: None,
    };
    let what = match &text.code {
        Some(code) => format!("the object storage answered {status} ({code})"),
        None => format!("the object storage answered {status}"),
    };
    Error::answered(status, what, text, wait)
}

/// Message, code and source in the spellings that servers use.
fn server_text(body: &[u8]) -> Option<ServerText> {
    let Ok(Value::Object(object)) = serde_json::from_slice(body) else {
        return None;
    };
    let text = |names: &[&str]| names.iter().find_map(|name| words(object.get(*name)?));
    Some(ServerText {
        message: text(&["message", "errors", "error"]),
        code: text(&["code", "error_code"]),
        origin: text(&["source"]),
    })
}

/// Codes by which a sandbox says that a part of computer use is missing.
const MISSING: [&str; 2] = ["A11Y_UNAVAILABLE", "RECORDING_FFMPEG_NOT_FOUND"];

/// Whether a 503 of computer use is the sandbox's own word that its image lacks a part of it, and no trouble on the
/// way. Newer daemons say who they are; 0.190 answers a message with details, which nothing else does. Whoever says
/// when to come back means that it will be there.
pub(crate) fn is_missing(headers: &HeaderMap, body: &[u8]) -> bool {
    let Ok(Value::Object(object)) = serde_json::from_slice(body) else {
        return false;
    };
    let text = |name: &str| object.get(name).and_then(words);
    let named = text("code").is_some_and(|code| MISSING.contains(&code.as_str()));
    let own = text("source").is_some_and(|source| source == "DAYTONA_DAEMON");
    let old = text("message").is_some()
        && object.contains_key("details")
        && !["code", "error", "source", "statusCode"]
            .iter()
            .any(|name| object.contains_key(*name));
    retry_after(headers).is_none() && (named || own || old)
}

fn words(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => {
            let parts: Vec<_> = list.iter().filter_map(Value::as_str).collect();
            parts.join(", ")
        }
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

fn is_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let named = headers.get(CONTENT_TYPE).is_some_and(|value| {
        let value = value.as_bytes();
        value
            .windows(4)
            .any(|part| part.eq_ignore_ascii_case(b"html"))
    });
    named || body.trim_ascii_start().starts_with(b"<")
}

/// What Daytona's framework says about a path that it does not know, as without `/api` or on an older server. It knows
/// nothing of the sandbox in that path.
fn is_unknown_route(text: &ServerText) -> bool {
    let words = text.message.as_deref().unwrap_or_default();
    let path = words
        .strip_prefix("Cannot ")
        .and_then(|words| words.split_once(' '));
    path.is_some_and(|(method, path)| {
        method.bytes().all(|byte| byte.is_ascii_uppercase()) && path.starts_with('/')
    })
}

/// Text that is neither empty nor JSON.
fn is_plain(headers: &HeaderMap, body: &[u8]) -> bool {
    let named = headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/plain"));
    named && !body.trim_ascii().is_empty() && serde_json::from_slice::<Value>(body).is_err()
}

/// Decodes a success. Any content type will do, as long as the body is JSON.
pub(crate) fn decode<'a, T: DeserializeOwned>(
    answer: &Answer,
    secrets: impl Iterator<Item = &'a str>,
) -> Result<T, Error> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        let status = answer.status;
        if is_html(&answer.headers, &answer.body) {
            let raw = String::from_utf8_lossy(&answer.body);
            let excerpt = clean(&raw, secrets, EXCERPT);
            let what = format!("this is not a daytona api (got text/html): {excerpt}");
            return Error::new(ErrorKind::Decode, what)
                .with_status(status)
                .not_daytona();
        }
        // serde_json's text may quote a value; its category and place do not
        let what = match error.classify() {
            serde_json::error::Category::Eof => "the answer is cut off",
            serde_json::error::Category::Syntax => "the answer is not json",
            _ => "the answer has another shape than documented",
        };
        let what = format!(
            "{what} (at byte {} of {})",
            error.column(),
            answer.body.len()
        );
        Error::new(ErrorKind::Decode, what).with_status(status)
    })
}
