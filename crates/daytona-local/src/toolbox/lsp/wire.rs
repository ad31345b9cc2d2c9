//! Messages of the Language Server Protocol: JSON behind a head that tells its length.

use std::io;

use bytes::Bytes;
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// The longest line of a head, and the largest message, in bytes. A server that sends more is not listened to.
const LONGEST_LINE: u64 = 4 << 10;
const LARGEST: u64 = 64 << 20;

pub(super) fn written(message: &Value) -> Bytes {
    let body = message.to_string();
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into()
}

/// The next message; `None` at the end between two.
pub(super) async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Value>> {
    let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut length = None;
    let mut begun = false;
    loop {
        let mut line = Vec::new();
        let mut limited = (&mut *from).take(LONGEST_LINE);
        limited.read_until(b'\n', &mut line).await?;
        if line.is_empty() && !begun {
            return Ok(None);
        }
        begun = true;
        let line = line
            .strip_suffix(b"\n")
            .and_then(|line| std::str::from_utf8(line).ok())
            .ok_or_else(|| wrong("the head of a message is none"))?
            .trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| wrong("a line of a head is none"))?;
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse::<u64>().ok();
        }
    }
    let length = length.filter(|&length| length <= LARGEST);
    let length = length.ok_or_else(|| wrong("a message has no length, or too great a one"))?;
    let mut body = Vec::new();
    (&mut *from).take(length).read_to_end(&mut body).await?;
    if (body.len() as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    serde_json::from_slice(&body)
        .map(Some)
        .map_err(|_| wrong("a message is no JSON"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn all(bytes: &[u8]) -> io::Result<Vec<Value>> {
        let mut from = bytes;
        let mut all = Vec::new();
        while let Some(message) = read(&mut from).await? {
            all.push(message);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn messages_are_read_one_after_the_other() {
        let mut bytes = written(&json!({ "a": "ä" })).to_vec();
        bytes.extend(b"content-type: x\r\ncontent-LENGTH:2\r\n\r\n[]");
        bytes.extend(b"Content-Length: 1\n\n7");
        let read = all(&bytes).await.unwrap();
        assert_eq!(read, [json!({ "a": "ä" }), json!([]), json!(7)]);
    }

    #[tokio::test]
    async fn what_is_no_message_is_an_error() {
        for bytes in [
            "rubbish\r\n\r\n",
            "Content-Length: 2\r\n\r\n[",
            "Content-Length: 2\r\n\r\n[[",
            "Content-Length: x\r\n\r\n[]",
            "Content-Length: 99999999999\r\n\r\n[]",
            "X: 1\r\n\r\n[]",
            "Content-Length: 2\r\n",
            "\u{fffd}",
        ] {
            assert!(all(bytes.as_bytes()).await.is_err(), "{bytes:?}");
        }
        assert!(all(&b"x".repeat(9000)).await.is_err());
        assert!(all(b"\xff: 1\r\n\r\n").await.is_err());
    }
}
