//! Exchanges on record: what is in a cassette, and how it is written.

mod error;
mod record;
mod replay;
mod request;
mod secrets;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::error::CassetteError;
pub use self::record::Recording;
pub use self::replay::Replaying;

/// The form of the files of this version.
const VERSION: u32 = 1;

/// Exchanges with a server, from a [`Recording`] or a file, for [`Replaying`].
///
/// It is JSON to be read, compared and mended by hand: for each exchange the operation, the request and the answer, with
/// bodies as JSON or text where they are. It holds no secret that the client or the shape of the bodies gives away; what
/// was one is `[redacted]`. [`Recording`] says what that covers, and what it cannot know.
///
/// Debug shows operations only.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cassette {
    cassette: u32,
    exchanges: Vec<Exchange>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Exchange {
    operation: String,
    request: Asked,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response: Option<Told>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Asked {
    method: String,
    url: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Content>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Told {
    status: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Content>,
    /// How a body ended that did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cut: Option<Cut>,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Cut {
    /// The connection broke.
    Broken,
    /// Whoever read it stopped.
    Unread,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Failure {
    phase: Stage,
    sent: bool,
    timeout: bool,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stage {
    Connect,
    Exchange,
    Body,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Content {
    Json(Value),
    Text(String),
    Base64(String),
}

impl Content {
    fn bytes(&self) -> Result<Bytes, CassetteError> {
        Ok(match self {
            Self::Json(value) => value.to_string().into(),
            Self::Text(text) => text.clone().into(),
            Self::Base64(text) => STANDARD
                .decode(text)
                .map_err(|_| CassetteError::unlike("a body is not base64"))?
                .into(),
        })
    }
}

impl Cassette {
    /// Reads a cassette.
    ///
    /// # Errors
    ///
    /// Where the text is not JSON of the form that [`to_json`](Self::to_json) writes, with the place, or of another
    /// version of that form.
    pub fn from_json(text: &str) -> Result<Self, CassetteError> {
        let read: Self =
            serde_json::from_str(text).map_err(|error| CassetteError::unlike(error.to_string()))?;
        if read.cassette != VERSION {
            let what = format!("it is of version {}, not {VERSION}", read.cassette);
            return Err(CassetteError::unlike(what));
        }
        for exchange in &read.exchanges {
            exchange.check()?;
        }
        Ok(read)
    }

    /// The cassette as indented JSON, with a line feed at the end. The same exchanges always give the same text.
    #[must_use]
    pub fn to_json(&self) -> String {
        // strings, numbers and maps with string keys: they can be written
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads a file. It blocks.
    ///
    /// # Errors
    ///
    /// As [`from_json`](Self::from_json), and where the file cannot be read.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, CassetteError> {
        let text = std::fs::read_to_string(path).map_err(CassetteError::file)?;
        Self::from_json(&text)
    }

    /// Writes a file, over one that is there. It blocks.
    ///
    /// # Errors
    ///
    /// Where the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), CassetteError> {
        std::fs::write(path, self.to_json()).map_err(CassetteError::file)
    }

    /// The operations in the order in which they were asked for, by the ids of [`routes`](crate::routes).
    pub fn operations(&self) -> impl Iterator<Item = &str> {
        self.exchanges.iter().map(|one| one.operation.as_str())
    }
}

impl Exchange {
    fn check(&self) -> Result<(), CassetteError> {
        let bodies = self.request.body.iter();
        let bodies = bodies.chain(self.response.iter().flat_map(|told| &told.body));
        for body in bodies {
            drop(body.bytes()?);
        }
        if self.response.is_some() && self.failure.is_some() {
            let what = format!("{} has an answer and a failure", self.operation);
            return Err(CassetteError::unlike(what));
        }
        if let Some(told) = &self.response
            && http::StatusCode::from_u16(told.status).is_err()
        {
            let what = format!("{} is no status of an answer", told.status);
            return Err(CassetteError::unlike(what));
        }
        Ok(())
    }
}

impl fmt::Debug for Cassette {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operations: Vec<&str> = self.operations().collect();
        f.debug_struct("Cassette")
            .field("operations", &operations)
            .finish_non_exhaustive()
    }
}
