use std::collections::VecDeque;
use std::fmt;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use serde_json::Value;

use super::Files;
use crate::client::Daytona;
use crate::client::redact::clean;
use crate::client::send::Streamed;
use crate::error::{Error, ErrorKind};
use crate::models::toolbox::FilesDownloadRequest;
use crate::request::{Call, check_path};
use crate::response::next;
use crate::routes::toolbox as routes;
use crate::wire::parts::{Event, Head, Parts, boundary};

/// The most of a part that says why a file cannot be had, in bytes.
const LONGEST_ERROR: usize = 64 << 10;
/// The most of a message that is kept, in bytes.
const MESSAGE_KEPT: usize = 1024;

/// Several files of one answer, one after the other; from [`Files::download_many`].
///
/// The connection is held until the end or until this is dropped.
pub struct BulkDownload {
    client: Daytona,
    got: Streamed,
    parts: Parts,
    /// What has not come yet, in the order asked for.
    wanted: VecDeque<String>,
    /// In the bytes of a file.
    inside: bool,
}

/// One file of a [`BulkDownload`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BulkFile {
    /// The path, as it was asked for.
    pub path: String,
    /// Its size in bytes, where the server tells it.
    pub length: Option<u64>,
    /// Why it cannot be had; it has no bytes then.
    pub error: Option<FileError>,
}

/// Why one of several files cannot be had, in the server's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileError {
    /// The status that a request for this file alone would have had.
    pub status: Option<u16>,
    /// Such as `FILE_NOT_FOUND`, `FILE_ACCESS_DENIED`, `INVALID_FILE_PATH`, `FILE_READ_FAILED`.
    pub code: Option<String>,
    /// What happened.
    pub message: Option<String>,
}

impl Files {
    /// Reads several files in one request, as a stream: `POST /files/bulk-download`. A file that cannot be had does
    /// not keep the others from it: see [`BulkFile::error`].
    ///
    /// # Errors
    ///
    /// See [`Files`]; no path, and a path twice, before anything is sent.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(files: daytona_api::api::Files) -> Result<(), daytona_api::Error> {
    /// let mut all = files.download_many(["a.txt", "b.txt"]).await?;
    /// while let Some(file) = all.next_file().await? {
    ///     match file.error {
    ///         Some(error) => eprintln!("{}: {:?}", file.path, error.message),
    ///         None => println!("{}: {} bytes", file.path, all.bytes(1 << 20).await?.len()),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn download_many<P: Into<String>>(
        &self,
        paths: impl IntoIterator<Item = P> + Send,
    ) -> Result<BulkDownload, Error> {
        let route = &routes::DOWNLOAD_FILES;
        let build = |what| Error::build(what).with_operation(route.id);
        let paths: Vec<String> = paths.into_iter().map(Into::into).collect();
        if paths.is_empty() {
            return Err(build("there is no file to download"));
        }
        for (at, path) in paths.iter().enumerate() {
            check_path(path).map_err(|error| error.with_operation(route.id))?;
            if paths.iter().take(at).any(|before| before == path) {
                return Err(build("the same path twice in one download"));
            }
        }
        let client = &self.toolbox.client;
        let wanted = paths.iter().cloned().collect();
        let call = Call::new(route, &[])?
            .json(&FilesDownloadRequest { paths })?
            .accept("*/*")
            .idempotent()
            .total(client.shared.config.timeouts.transfer);
        let got = client.stream(&self.toolbox.base, call).await?;
        let kind = got.headers.get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let Some(boundary) = boundary(kind) else {
            let what = "the server answered with something else than several files";
            return Err(Error::new(ErrorKind::Decode, what).with_operation(route.id));
        };
        Ok(BulkDownload {
            client: client.clone(),
            parts: Parts::new(boundary),
            got,
            wanted,
            inside: false,
        })
    }
}

impl BulkDownload {
    /// The next file, or `None` after the last. What is left of the one before is passed over.
    ///
    /// # Errors
    ///
    /// Where the connection breaks off or stalls, and where the answer ends before all files have come, holds a file
    /// that was not asked for, or is malformed.
    ///
    /// # Cancel safety
    ///
    /// Not safe where a file cannot be had: dropped while the reason comes in, that file is passed over.
    pub async fn next_file(&mut self) -> Result<Option<BulkFile>, Error> {
        while self.next().await?.is_some() {}
        if self.parts.is_done() {
            return Ok(None);
        }
        match self.event().await? {
            Event::Part(head) => self.file(head).await.map(Some),
            Event::End if self.wanted.is_empty() => Ok(None),
            Event::End => Err(wrong("the answer ends before all files have come")),
            Event::Data(_) | Event::Close => Err(wrong("bytes outside of a file")),
        }
    }

    /// The next bytes of the current file, or `None` at its end.
    ///
    /// # Errors
    ///
    /// As [`next_file`](Self::next_file).
    ///
    /// # Cancel safety
    ///
    /// Safe: no bytes are lost.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if !self.inside {
            return Ok(None);
        }
        if let Event::Data(data) = self.event().await? {
            return Ok(Some(data));
        }
        self.inside = false;
        Ok(None)
    }

    /// All that is left of the current file, in memory.
    ///
    /// # Errors
    ///
    /// As [`next_file`](Self::next_file); [`ErrorKind::TooLarge`] beyond `limit` bytes.
    ///
    /// # Cancel safety
    ///
    /// Not safe: what had come is lost.
    pub async fn bytes(&mut self, limit: usize) -> Result<Bytes, Error> {
        let mut all = BytesMut::new();
        while let Some(data) = self.next().await? {
            if all.len() + data.len() > limit {
                let what = format!("the file is larger than {limit} bytes");
                let error = Error::new(ErrorKind::TooLarge, what);
                return Err(error.with_operation(routes::DOWNLOAD_FILES.id));
            }
            all.extend_from_slice(&data);
        }
        Ok(all.freeze())
    }

    async fn event(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.parts.next().map_err(wrong)? {
                return Ok(event);
            }
            let piece = next(&mut self.got.body, self.got.patience).await;
            let piece = piece.map_err(|error| error.with_operation(routes::DOWNLOAD_FILES.id))?;
            let piece = piece.ok_or_else(|| wrong("the answer is cut off"))?;
            self.parts.feed(&piece);
        }
    }

    async fn file(&mut self, head: Head) -> Result<BulkFile, Error> {
        self.inside = true;
        let at = match &head.file {
            Some(name) => self.wanted.iter().position(|wanted| wanted == name),
            None => Some(0),
        };
        let Some(path) = at.and_then(|at| self.wanted.remove(at)) else {
            return Err(wrong("the server sent a file that was not asked for"));
        };
        let error = if head.field == "error" {
            let text = self.bytes(LONGEST_ERROR).await?;
            Some(self.reason(&text))
        } else {
            None
        };
        Ok(BulkFile {
            path,
            length: head.length.filter(|_| error.is_none()),
            error,
        })
    }

    fn reason(&self, text: &[u8]) -> FileError {
        let own = self.client.shared.config.credential.secret();
        let kept = |text: &str| clean(text, std::iter::once(own.expose()), MESSAGE_KEPT);
        let Ok(Value::Object(reason)) = serde_json::from_slice(text) else {
            return FileError {
                message: Some(kept(&String::from_utf8_lossy(text))),
                ..FileError::default()
            };
        };
        let word = |name: &str| reason.get(name).and_then(Value::as_str).map(kept);
        let status = reason.get("statusCode").and_then(Value::as_u64);
        FileError {
            status: status.and_then(|status| u16::try_from(status).ok()),
            code: word("code"),
            message: word("message"),
        }
    }
}

fn wrong(what: &'static str) -> Error {
    Error::new(ErrorKind::Decode, what).with_operation(routes::DOWNLOAD_FILES.id)
}

impl fmt::Debug for BulkDownload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkDownload")
            .field("wanted", &self.wanted)
            .finish_non_exhaustive()
    }
}
