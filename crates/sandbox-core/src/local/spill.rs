//! What was too long to come back.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;

use crate::{Error, ErrorKind};

/// Less comes back where the file ends.
pub(super) fn read(path: &Path, range: Range<u64>) -> io::Result<Bytes> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(range.start))?;
    let mut bytes = Vec::new();
    let length = range.end.saturating_sub(range.start);
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let error = |kind, message| Error::new(kind, message).with_operation(operation);
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(cause)) if cause.kind() == io::ErrorKind::NotFound => Err(error(
            ErrorKind::NotFound,
            "the spill file is not there any more",
        )),
        Ok(Err(cause)) => {
            Err(error(ErrorKind::Provider, "the spill file cannot be used").with_source(cause))
        }
        Err(cause) => {
            Err(error(ErrorKind::Internal, "the runtime is shutting down").with_source(cause))
        }
    }
}
