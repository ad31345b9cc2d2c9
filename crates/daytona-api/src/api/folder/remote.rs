//! The sandbox's side: an archive in its work-dir, and `tar`.

use std::time::Duration;

use super::Files;
use crate::api::image::quoted;
use crate::client::redact::clean;
use crate::error::Error;
use crate::request::check_path;

/// How long to remove what lies about may take.
const CLEANING: Duration = Duration::from_secs(60);

/// The most of what `tar` says that is kept, in bytes.
const KEPT: usize = 1024;

/// What is made in the sandbox on the way; removed in the background if this is dropped.
#[derive(Debug)]
pub(super) struct Remote {
    files: Files,
    folder: String,
    archive: String,
    /// Where the archive is unpacked, beside the folder.
    beside: String,
    dirty: bool,
}

impl Remote {
    pub(super) fn new(files: &Files, folder: &str, random: &str) -> Result<Self, Error> {
        check_path(folder)?;
        let trimmed = folder.trim_end_matches('/');
        // what begins with a dash is no option
        let folder = match trimmed {
            "" => "/".to_owned(),
            path if path.starts_with('/') => path.to_owned(),
            path => format!("./{path}"),
        };
        let parent = match folder.rsplit_once('/') {
            Some(("", _)) | None => "/",
            Some((parent, _)) => parent,
        };
        let beside = format!("{}/.daytona-{random}", parent.trim_end_matches('/'));
        Ok(Self {
            files: files.clone(),
            beside,
            folder,
            archive: format!(".daytona-{random}.tar"),
            dirty: false,
        })
    }

    pub(super) fn archive(&self) -> &str {
        &self.archive
    }

    /// From here on something may lie in the sandbox.
    pub(super) fn begin(&mut self) {
        self.dirty = true;
    }

    /// Writes the archive of the folder.
    pub(super) async fn pack(&mut self) -> Result<(), Error> {
        self.begin();
        // files with several names are files; only one tar has to be asked for that
        let script = format!(
            "umask 077; h=; tar --version 2>/dev/null | grep -q GNU && h=--hard-dereference\n\
             tar $h --exclude={archive} -cf {archive} -C {folder} .",
            archive = self.archive,
            folder = quoted(&self.folder),
        );
        self.run(&script, "the folder could not be packed in the sandbox")
            .await
    }

    /// Unpacks the archive beside the folder.
    pub(super) async fn unpack(&mut self) -> Result<(), Error> {
        let script = format!(
            "mkdir -p {parent} && mkdir {beside} && tar -xof {archive} -C {beside} && rm -f {archive}",
            archive = self.archive,
            beside = quoted(&self.beside),
            parent = quoted(self.beside.rsplit_once('/').map_or(".", |(parent, _)| {
                if parent.is_empty() { "/" } else { parent }
            })),
        );
        self.run(&script, "the folder could not be unpacked in the sandbox")
            .await
    }

    /// Puts what was unpacked in its place.
    pub(super) async fn finish(&mut self) -> Result<(), Error> {
        let moved = self.files.move_file(&self.beside, &self.folder).await;
        match &moved {
            Ok(()) => self.dirty = false,
            Err(_) => self.clean().await,
        }
        moved
    }

    async fn run(&mut self, script: &str, what: &'static str) -> Result<(), Error> {
        let transfer = self.files.toolbox.client.shared.config.timeouts.transfer;
        let process = self.files.toolbox.process();
        let ran = process.execute(script).timeout(transfer).send().await;
        let error = match ran {
            Ok(ran) if ran.exit_code == Some(0) => return Ok(()),
            Ok(ran) => {
                let config = &self.files.toolbox.client.shared.config;
                let own = config.credential.secret();
                let said = clean(&ran.result, std::iter::once(own.expose()), KEPT);
                let code = ran.exit_code;
                let code = code.map_or_else(|| "no exit code".to_owned(), |code| code.to_string());
                Error::failed(format!("{what} ({code})"), Some(said))
            }
            Err(error) => error,
        };
        self.clean().await;
        Err(error)
    }

    /// Removes what lies about. What cannot be removed is told to the log, not as the outcome.
    pub(super) async fn clean(&mut self) {
        if std::mem::take(&mut self.dirty) {
            remove(self.files.clone(), self.cleaning()).await;
        }
    }

    fn cleaning(&self) -> String {
        let beside = quoted(&self.beside);
        format!("rm -rf {} {beside}", self.archive)
    }
}

async fn remove(files: Files, script: String) {
    let process = files.toolbox.process();
    let ran = process.execute(script).timeout(CLEANING).send().await;
    let failed = match ran {
        Ok(ran) => ran.exit_code != Some(0),
        Err(_) => true,
    };
    if failed {
        tracing::warn!("a temporary archive stays behind in the sandbox's work-dir");
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        if !self.dirty {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(remove(self.files.clone(), self.cleaning()));
        }
    }
}
