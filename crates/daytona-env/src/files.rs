//! The files of this machine that an image copies, as part of the key.
//!
//! What is in them is known only once they are read, so the image is a variable of its own: each open looks at the
//! files, and resolves the image in a context that has what they are. From there on the text is the image, in the key,
//! in fingerprints and in the names on which processes agree.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use context_vars::{Source, ValueRef};
use daytona_api::api::{Context, Image};
use daytona_api::{Daytona, ErrorKind as ApiErrorKind, models};
use sandbox_core::{Error, ErrorKind};

use crate::error::{api_error, internal, provider_error};

/// What no context can answer: it is asked before any context is.
pub(crate) const VARIABLE: &str = "daytona-env.image";
/// Begins the line that follows the Dockerfile in the text of the key.
const MARK: &str = "# files ";

pub(crate) struct ImageFiles {
    image: Image,
    /// As they were when they were last read.
    last: Mutex<Option<Context>>,
}

impl fmt::Debug for ImageFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ImageFiles").field(&self.image).finish()
    }
}

impl ImageFiles {
    /// `None` where it copies none.
    pub(crate) fn of(image: &Image) -> Option<Arc<Self>> {
        image.has_local_files().then(|| {
            Arc::new(Self {
                image: image.clone(),
                last: Mutex::default(),
            })
        })
    }

    fn last(&self) -> Option<Context> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }

    /// As they are now.
    async fn read(&self) -> Result<Context, Error> {
        let read = match self.last() {
            Some(last) => last.refreshed().await,
            None => self.image.context().await,
        };
        let context = read.map_err(|error| unreadable(&error))?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(context.clone());
        Ok(context)
    }

    fn text(&self, context: &Context) -> Result<String, Error> {
        let dockerfile = self
            .image
            .dockerfile()
            .map_err(|error| unreadable(&error))?;
        Ok(format!("{dockerfile}{MARK}{}\n", context.digest()))
    }

    /// The image as the key has it.
    pub(crate) async fn key(&self) -> Result<Key, Error> {
        let context = self.read().await?;
        self.text(&context).map(Key)
    }

    /// Brings the files to the server, if they still are what the key says; what it is to build of them.
    pub(crate) async fn bring(
        &self,
        key: &str,
        api: &Daytona,
    ) -> Result<models::CreateBuildInfo, Error> {
        let known = self.last();
        let known = match known {
            Some(known) if self.text(&known)? == key => known,
            _ => {
                let now = self.read().await?;
                if self.text(&now)? != key {
                    return Err(Error::new(
                        ErrorKind::Conflict,
                        "the local files of the image have changed since this open began; open again",
                    ));
                }
                now
            }
        };
        known.upload(api).await.map_err(not_brought)?;
        let dockerfile = self.image.dockerfile();
        let dockerfile = dockerfile.map_err(|_| internal("an image that is wrong was checked"))?;
        let mut info = models::CreateBuildInfo::default();
        info.dockerfile_content = dockerfile.to_owned();
        info.context_hashes = Some(known.hashes().map(str::to_owned).collect());
        Ok(info)
    }
}

/// An image whose files were looked at.
pub(crate) struct Key(String);

impl Key {
    /// The context, with the image in it.
    pub(crate) fn within<'a>(&'a self, context: &'a dyn Source) -> impl Source + 'a {
        Within {
            image: &self.0,
            context,
        }
    }
}

struct Within<'a> {
    image: &'a str,
    context: &'a dyn Source,
}

impl Source for Within<'_> {
    fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        if name == VARIABLE {
            return Some(ValueRef::Str(self.image));
        }
        self.context.get(name)
    }
}

/// The text names the file and says why; nothing was sent.
fn unreadable(error: &daytona_api::Error) -> Error {
    let text = format!("`image`: {error}");
    Error::new(ErrorKind::InvalidInput, text)
}

/// What the storage refuses says nothing about the credential or the parameters of an open.
fn not_brought(error: daytona_api::Error) -> Error {
    const BRING: &str = "upload the files of an image";
    if matches!(
        error.kind(),
        ApiErrorKind::Local | ApiErrorKind::Archive | ApiErrorKind::TooLarge
    ) && error.status().is_none()
    {
        return unreadable(&error).with_operation(BRING);
    }
    let storage = matches!(error.operation(), Some("headObject" | "putObject"));
    match error.status() {
        // new credentials come with the next open
        Some(_) if error.code() == Some("ExpiredToken") => {
            Error::new(ErrorKind::Unavailable, error.to_string()).with_operation(BRING)
        }
        Some(status) if storage && !matches!(status, 429 | 500..=599) => {
            provider_error(BRING, error.to_string())
        }
        None if storage && !error.is_build() => {
            let kind = if error.is_timeout() && !error.is_connect() {
                ErrorKind::Timeout
            } else {
                ErrorKind::Unavailable
            };
            let what = "the files of the image did not reach the object storage";
            Error::new(kind, what)
                .with_source(error)
                .with_operation(BRING)
        }
        _ => api_error(BRING, error),
    }
}
