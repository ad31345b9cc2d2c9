//! The one kind of `multipart/form-data` that an upload needs: a path, then the file.

use std::fmt::Write as _;

use bytes::Bytes;
use http::HeaderValue;

use crate::error::Error;

/// What goes before and after the file's bytes.
pub(crate) struct Frame {
    pub(crate) before: Bytes,
    pub(crate) after: Bytes,
    pub(crate) content_type: HeaderValue,
}

/// The frame of one file for `POST /files/bulk-upload`: the field `files[0].path`, then `files[0].file`.
pub(crate) fn frame(path: &str) -> Result<Frame, Error> {
    // random, so that no content can be made to hold it
    let mut random = [0u8; 16];
    getrandom::fill(&mut random).map_err(|_| Error::build("the system gives no random bytes"))?;
    let boundary = random
        .iter()
        .fold(String::from("daytona-"), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
    let before = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"files[0].path\"\r\n\r\n{path}\r\n\
         --{boundary}\r\ncontent-disposition: form-data; name=\"files[0].file\"; filename=\"{}\"\r\n\
         content-type: application/octet-stream\r\n\r\n",
        quoted(path)
    );
    let after = format!("\r\n--{boundary}--\r\n");
    let content_type = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"))
        .map_err(|_| Error::build("no boundary"))?;
    Ok(Frame {
        before: before.into(),
        after: after.into(),
        content_type,
    })
}

/// As browsers write a file name between quotes; the path field before it is the one that counts.
fn quoted(name: &str) -> String {
    name.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}
