//! `GET /files/download`, whole or a range of it.

use std::io;

use cap_std::fs::{File, OpenOptions, OpenOptionsExt};
use http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, LAST_MODIFIED, RANGE,
};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};
use tokio_util::io::ReaderStream;

use futures_util::StreamExt;
use jiff::Timestamp;

use super::{Place, at, failure, parameter};
use crate::isolate::place::Place as Spot;
use crate::web::Call;
use crate::web::reply::{Body, Failure, Reply, full};

/// How much is read at once, in bytes.
pub(super) const CHUNK: usize = 256 * 1024;

/// Opens a regular file. A pipe in its place must not make the server wait.
pub(super) fn open(spot: &Spot, path: &str) -> Result<(File, u64, Timestamp), Failure> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits());
    let file = spot
        .dir
        .open_with(&spot.path, &options)
        .map_err(|error| failure::io(&error, path))?;
    let metadata = file.metadata().map_err(|error| failure::io(&error, path))?;
    if !metadata.is_file() {
        return Err(failure::invalid(path, "is no regular file"));
    }
    let modified = metadata
        .modified()
        .ok()
        .map(cap_std::time::SystemTime::into_std);
    let modified = modified
        .and_then(|time| Timestamp::try_from(time).ok())
        .unwrap_or_default();
    Ok((file, metadata.len(), modified))
}

pub(super) fn stream(file: File, length: u64) -> Body {
    stream_of(tokio::fs::File::from_std(file.into_std()), length)
}

fn stream_of(file: tokio::fs::File, length: u64) -> Body {
    let chunks = ReaderStream::with_capacity(file.take(length), CHUNK);
    StreamBody::new(chunks.map(|chunk| chunk.map(Frame::data))).boxed_unsync()
}

/// A name for a header: plain for old clients, exact for the others.
pub(super) fn disposition(kind: &str, name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() && c != '"' && c != '\\' || c == ' ' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let exact = utf8_percent_encode(name, NON_ALPHANUMERIC);
    format!("{kind}filename=\"{plain}\"; filename*=utf-8''{exact}")
}

/// The bytes asked for, from the first to after the last.
fn range(header: &str, length: u64) -> Option<Result<(u64, u64), ()>> {
    let spec = header.trim().strip_prefix("bytes=")?;
    let (from, to) = spec.split_once('-').filter(|_| !spec.contains(','))?;
    let (from, to) = (from.trim(), to.trim());
    let range = if from.is_empty() {
        let last: u64 = to.parse().ok()?;
        (length.saturating_sub(last), length)
    } else {
        let from: u64 = from.parse().ok()?;
        let to = if to.is_empty() {
            length
        } else {
            to.parse::<u64>().ok()?.saturating_add(1)
        };
        (from, to.min(length))
    };
    Some(if range.0 < range.1 {
        Ok(range)
    } else {
        Err(())
    })
}

pub(super) async fn download(place: &Place, call: &Call) -> Result<Reply, Failure> {
    let path = parameter(call, "path")?.to_owned();
    let name = path.clone();
    let (file, length, modified) = at(place, &path, move |spot| open(&spot, &name)).await?;
    let wanted = call
        .headers
        .get(RANGE)
        .and_then(|value| value.to_str().ok());
    let wanted = wanted.and_then(|header| range(header, length));
    let name = super::info::last(&path);
    let decorate = |reply: Reply, length: u64| {
        let modified = modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        reply
            .header(CONTENT_DISPOSITION, &disposition("attachment; ", name))
            .header(CONTENT_LENGTH, &length.to_string())
            .header(LAST_MODIFIED, &modified)
            .header(ACCEPT_RANGES, "bytes")
    };
    match wanted {
        None => {
            let reply = Reply::new(200, "application/octet-stream", stream(file, length));
            Ok(decorate(reply, length))
        }
        Some(Err(())) => Ok(Reply::new(416, "", full(bytes::Bytes::new()))
            .header(CONTENT_RANGE, &format!("bytes */{length}"))),
        Some(Ok((from, to))) => {
            let mut file = tokio::fs::File::from_std(file.into_std());
            let sought: io::Result<u64> = file.seek(SeekFrom::Start(from)).await;
            sought.map_err(|error| failure::io(&error, &path))?;
            let body = stream_of(file, to - from);
            let reply = Reply::new(206, "application/octet-stream", body);
            let covered = format!("bytes {from}-{}/{length}", to - 1);
            Ok(decorate(reply, to - from).header(CONTENT_RANGE, &covered))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges_are_cut_to_the_file() {
        assert_eq!(range("bytes=0-3", 10), Some(Ok((0, 4))));
        assert_eq!(range("bytes=4-", 10), Some(Ok((4, 10))));
        assert_eq!(range("bytes=-3", 10), Some(Ok((7, 10))));
        assert_eq!(range("bytes=5-100", 10), Some(Ok((5, 10))));
        assert_eq!(range("bytes=10-", 10), Some(Err(())));
        assert_eq!(range("bytes=0-1,4-5", 10), None);
        assert_eq!(range("lines=0-1", 10), None);
    }
}
