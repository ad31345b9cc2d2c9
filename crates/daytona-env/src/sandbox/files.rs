//! Files of a sandbox, below its workdir.

use std::ops::Range;

use bytes::Bytes;
use daytona_api::models::toolbox::FileInfo;
use sandbox_core::{Error, ErrorKind, FileEntry, path};

use super::{DaytonaSandbox, modified};
use crate::error::api_error;

/// A whole file is read into memory up to this size, in bytes.
const MAX_FILE: u64 = 256 * 1024 * 1024;

impl DaytonaSandbox {
    pub(super) async fn write_file(&self, name: &str, content: Bytes) -> Result<(), Error> {
        const OPERATION: &str = "put";
        self.parts.liveness.check()?;
        let target = path::confine_entry(&self.parts.workdir, name)?;
        match self
            .toolbox(OPERATION)?
            .files()
            .upload(&target, content)
            .await
        {
            Ok(_) => Ok(()),
            Err(error) => Err(self.file_error(OPERATION, name, error).await),
        }
    }

    pub(super) async fn read_file(&self, name: &str) -> Result<Bytes, Error> {
        const OPERATION: &str = "get";
        self.parts.liveness.check()?;
        let target = path::confine_entry(&self.parts.workdir, name)?;
        self.download(OPERATION, name, &target, None).await
    }

    /// Reads part of the whole output of a command, from the file that
    /// [`Output::spill_path`](sandbox_core::Output::spill_path) names. Less comes back where the
    /// file ends; nothing is read beyond 256 MiB at once.
    ///
    /// # Errors
    ///
    /// A path that is no spill file, [`NotFound`](ErrorKind::NotFound), or a failed read.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn read_spill(&self, spill_path: &str, range: Range<u64>) -> Result<Bytes, Error> {
        const OPERATION: &str = "read a spill file";
        self.parts.liveness.check()?;
        only_spill(spill_path)?;
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        self.download(OPERATION, spill_path, spill_path, Some(range))
            .await
    }

    pub(super) async fn delete_spill(&self, spill_path: &str) -> Result<(), Error> {
        const OPERATION: &str = "remove a spill file";
        self.parts.liveness.check()?;
        only_spill(spill_path)?;
        match self
            .toolbox(OPERATION)?
            .files()
            .delete(spill_path, false)
            .await
        {
            Ok(_) => Ok(()),
            Err(error) => match self.file_error(OPERATION, spill_path, error).await {
                error if error.is_not_found() => Ok(()),
                error => Err(error),
            },
        }
    }

    async fn download(
        &self,
        operation: &'static str,
        name: &str,
        target: &str,
        range: Option<Range<u64>>,
    ) -> Result<Bytes, Error> {
        let mut call = self
            .toolbox(operation)?
            .files()
            .download(target)
            .limit(MAX_FILE);
        let ranged = range.is_some();
        if let Some(range) = range {
            call = call.range(range);
        }
        match call.bytes().await {
            Ok(bytes) => Ok(bytes),
            // The range begins behind the end.
            Err(error) if ranged && error.status() == Some(416) => Ok(Bytes::new()),
            Err(error) if error.kind() == daytona_api::ErrorKind::TooLarge => {
                let message = format!("the file is larger than {} MiB", MAX_FILE >> 20);
                Err(Error::new(ErrorKind::TooLarge, message).with_operation(operation))
            }
            Err(error) => Err(self.file_error(operation, name, error).await),
        }
    }

    pub(super) async fn list_dir(&self, name: &str) -> Result<Vec<FileEntry>, Error> {
        const OPERATION: &str = "list";
        self.parts.liveness.check()?;
        let inside = path::normalize(name)?;
        let target = path::confine(&self.parts.workdir, name)?;
        let mut entries = match self.toolbox(OPERATION)?.files().list(&target).await {
            Ok(entries) => entries
                .into_iter()
                .map(|info| entry(&inside, &info))
                .collect::<Vec<_>>(),
            Err(error) => return Err(self.file_error(OPERATION, name, error).await),
        };
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    pub(super) async fn remove_path(&self, name: &str) -> Result<(), Error> {
        const OPERATION: &str = "remove";
        self.parts.liveness.check()?;
        let target = path::confine_entry(&self.parts.workdir, name)?;
        match self.toolbox(OPERATION)?.files().delete(&target, true).await {
            Ok(_) => Ok(()),
            Err(error) => match self.file_error(OPERATION, name, error).await {
                error if error.is_not_found() => Ok(()),
                error => Err(error),
            },
        }
    }

    pub(super) async fn create_dir(&self, name: &str) -> Result<(), Error> {
        const OPERATION: &str = "make a directory";
        self.parts.liveness.check()?;
        let target = path::confine(&self.parts.workdir, name)?;
        match self
            .toolbox(OPERATION)?
            .files()
            .create_folder(&target, None)
            .await
        {
            Ok(_) => Ok(()),
            Err(error) => Err(self.file_error(OPERATION, name, error).await),
        }
    }

    /// A failed call. Whether a 404 is the file's or the sandbox's is asked, unless the answer
    /// says it is the file's.
    async fn file_error(
        &self,
        operation: &'static str,
        name: &str,
        error: daytona_api::Error,
    ) -> Error {
        let file_missing = error.code() == Some("FILE_NOT_FOUND");
        let doubtful = error
            .status()
            .is_none_or(|status| matches!(status, 400 | 404 | 500..));
        let missing = error.is_not_found();
        let mapped = api_error(operation, error);
        if file_missing {
            return not_found(operation, name);
        }
        let mapped = if doubtful {
            self.confirmed(mapped).await
        } else {
            mapped
        };
        if missing && !mapped.is_lost() {
            not_found(operation, name)
        } else {
            mapped
        }
    }
}

fn not_found(operation: &'static str, name: &str) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("there is no {name:?} in the sandbox"),
    )
    .with_operation(operation)
}

fn only_spill(path: &str) -> Result<(), Error> {
    if is_spill(path) {
        return Ok(());
    }
    let message = "this is not the path of a spill file";
    Err(Error::new(ErrorKind::PathEscape, message))
}

/// The paths that the exec script gives out, and no others.
fn is_spill(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let (file, dir) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let nonce = file
        .strip_suffix(".o")
        .or_else(|| file.strip_suffix(".e"))
        .unwrap_or_default();
    path.starts_with('/')
        && !path.contains("/../")
        && (dir == ".denv" || dir.starts_with(".denv-"))
        && nonce.len() == 24
        && nonce.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn entry(dir: &str, info: &FileInfo) -> FileEntry {
    let name = info.name.rsplit('/').next().unwrap_or_default();
    let path = if dir.is_empty() {
        name.to_owned()
    } else {
        format!("{dir}/{name}")
    };
    let mut entry = if info.is_dir {
        FileEntry::dir(path)
    } else {
        FileEntry::file(path, u64::try_from(info.size).unwrap_or_default())
    };
    if let Ok(mode) = u32::from_str_radix(&info.permissions, 8) {
        entry = entry.with_mode(mode);
    }
    match modified::parse(&info.modified_at) {
        Some(time) => entry.with_modified(time),
        None => entry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spill_paths() {
        let nonce = "0123456789abcdef01234567";
        for (path, wanted) in [
            (format!("/tmp/.denv/{nonce}.o"), true),
            (format!("/var/tmp/.denv-{nonce}/{nonce}.e"), true),
            (format!("/tmp/.denv/{nonce}"), false),
            (format!("/tmp/{nonce}.o"), false),
            (format!("tmp/.denv/{nonce}.o"), false),
            (format!("/tmp/../etc/.denv/{nonce}.o"), false),
            ("/etc/passwd".to_owned(), false),
            ("/tmp/.denv/x.o".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(is_spill(&path), wanted, "{path}");
        }
    }

    #[test]
    fn entries_are_relative_to_the_workdir() {
        let mut info = FileInfo::default();
        info.name = "a.txt".to_owned();
        info.size = 3;
        info.permissions = "0640".to_owned();
        info.modified_at = "2026-11-23T02:23:25Z".to_owned();
        let made = entry("sub", &info);
        assert_eq!(
            (made.path.as_str(), made.name.as_str()),
            ("sub/a.txt", "a.txt")
        );
        assert_eq!((made.size, made.mode, made.is_dir), (3, Some(0o640), false));
        assert!(made.modified.is_some());
        assert_eq!(entry("", &info).path, "a.txt");
    }
}
