//! `multipart/form-data`: the forms that uploads need.

use bytes::Bytes;
use http::HeaderValue;

use crate::error::Error;
use crate::wire::random;

/// The frame of the files of one `POST /files/bulk-upload`: of each the field `files[0].path`, then `files[0].file`.
pub(crate) struct Form {
    boundary: String,
}

impl Form {
    pub(crate) fn new() -> Result<Self, Error> {
        // random, so that no content can be made to hold it
        let boundary = format!("daytona-{}", random::hex::<16>()?);
        Ok(Self { boundary })
    }

    pub(crate) fn content_type(&self) -> Result<HeaderValue, Error> {
        HeaderValue::from_str(&format!("multipart/form-data; boundary={}", self.boundary))
            .map_err(|_| Error::build("no boundary"))
    }

    /// What goes before the bytes of the file at this position.
    pub(crate) fn before(&self, position: usize, path: &str) -> Bytes {
        let Self { boundary } = self;
        let line = if position == 0 { "" } else { "\r\n" };
        let text = format!(
            "{line}--{boundary}\r\ncontent-disposition: form-data; name=\"files[{position}].path\"\r\n\r\n{path}\r\n\
             --{boundary}\r\ncontent-disposition: form-data; name=\"files[{position}].file\"; filename=\"{}\"\r\n\
             content-type: application/octet-stream\r\n\r\n",
            quoted(path)
        );
        text.into()
    }

    /// What goes after the bytes of the last file.
    pub(crate) fn end(&self) -> Bytes {
        format!("\r\n--{}--\r\n", self.boundary).into()
    }
}

/// As browsers write a file name between quotes; the path field before it is the one that counts.
fn quoted(name: &str) -> String {
    name.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}
