//! What an answer says about the file that it is of.

use std::time::Duration;

use http::header::{CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue};

use crate::client::send::Streamed;
use crate::error::{Error, ErrorKind};
use crate::routes::toolbox as routes;

/// A file that was changed this long before the answer has another time once it is changed again: the times of
/// answers are whole seconds.
const SETTLED: Duration = Duration::from_secs(2);

/// By what a version of a file is known for certain.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mark(HeaderValue);

impl Mark {
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        if let Some(tag) = headers.get(ETAG) {
            // a weak one is the same for contents that differ
            return tag.as_bytes().starts_with(b"\"").then(|| Self(tag.clone()));
        }
        let modified = headers.get(LAST_MODIFIED)?;
        let time = |value: &HeaderValue| httpdate::parse_http_date(value.to_str().ok()?).ok();
        let settled = time(modified)? + SETTLED;
        (settled <= time(headers.get(DATE)?)?).then(|| Self(modified.clone()))
    }

    pub(super) fn value(&self) -> &HeaderValue {
        &self.0
    }
}

pub(super) fn number(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.trim().parse().ok()
}

/// At which byte of the file an answer begins; of a partial one from `bytes 5-9/10`.
pub(super) fn first_byte(got: &Streamed) -> Result<u64, Error> {
    if got.status != 206 {
        return Ok(0);
    }
    let text = got
        .headers
        .get(CONTENT_RANGE)
        .and_then(|value| value.to_str().ok());
    let range = text.and_then(|text| text.trim().strip_prefix("bytes"));
    range
        .and_then(|range| range.split_once('-'))
        .and_then(|(first, _)| first.trim().parse().ok())
        .ok_or_else(|| {
            let what = "the server does not say which range it sent";
            Error::new(ErrorKind::Decode, what).with_operation(routes::DOWNLOAD_FILE.id)
        })
}

/// The length of the whole file, where the answer tells it.
pub(super) fn total(got: &Streamed) -> Option<u64> {
    if got.status != 206 {
        return got.headers.get(CONTENT_LENGTH).and_then(number);
    }
    let text = got.headers.get(CONTENT_RANGE)?.to_str().ok()?;
    text.rsplit_once('/')?.1.trim().parse().ok()
}
