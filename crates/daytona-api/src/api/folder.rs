//! Whole folders, as one archive.
//!
//! Daytona has no route for archives, so `tar` in the sandbox writes or reads one, and the archive goes through the
//! routes for one file. Those work on every server version, in constant memory, and a download of one file can be
//! resumed. The archive lies in the sandbox's work-dir, the one place that the routes for commands and for files name
//! alike whatever the isolation.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use http::StatusCode;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::{Files, Progress, Upload};
use crate::error::{Error, ErrorKind};
use crate::wire::{archive, pipe, random};

mod names;
mod pack;
mod remote;
mod scratch;
mod unpack;

use self::remote::Remote;

/// How many pieces wait between the network and the disk.
const WAITING: usize = 4;

/// What a folder to transfer may hold at most.
///
/// Taken over are folders, regular files with their execute bit, and symbolic links that stay inside of the folder:
/// relative, with `..` at their beginning only and no more of them than lead to the folder itself. Everything else is
/// refused with [`ErrorKind::Archive`]: names that are absolute or hold `..`, links that lead out, hard links,
/// devices, pipes, sockets, sparse files, and a name that comes twice.
///
/// ```
/// use daytona_api::api::FolderLimits;
///
/// let mut limits = FolderLimits::default();
/// limits.bytes = 10 << 20;
/// limits.entries = 1_000;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FolderLimits {
    /// Files, folders and links (default 100,000).
    pub entries: u64,
    /// Bytes of all files together (default 16 GiB).
    pub bytes: u64,
    /// Folders inside of each other (default 64).
    pub depth: usize,
}

impl Default for FolderLimits {
    fn default() -> Self {
        Self {
            entries: 100_000,
            bytes: 16 << 30,
            depth: 64,
        }
    }
}

impl FolderLimits {
    /// The longest archive within these limits: each entry has a head, perhaps a long name and link, and padding.
    fn archive(&self) -> u64 {
        let around = self.entries.saturating_mul(16 << 10);
        self.bytes.saturating_add(around).saturating_add(64 << 10)
    }
}

/// What was transferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FolderTransfer {
    /// Files, folders and links, without the folder itself.
    pub entries: u64,
    /// Bytes of all files together.
    pub bytes: u64,
}

type Watcher = Box<dyn FnMut(Progress) + Send>;

/// What the two directions have in common.
struct Setup {
    files: Files,
    remote: String,
    local: PathBuf,
    limits: FolderLimits,
    progress: Option<Watcher>,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("remote", &self.remote)
            .field("local", &self.local)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

macro_rules! settings {
    ($builder:ident) => {
        impl $builder {
            pub(super) fn new(files: Files, remote: String, local: PathBuf) -> Self {
                Self(Setup {
                    files,
                    remote,
                    local,
                    limits: FolderLimits::default(),
                    progress: None,
                })
            }

            /// What the folder may hold at most.
            pub fn limits(mut self, limits: FolderLimits) -> Self {
                self.0.limits = limits;
                self
            }

            /// Calls `watch` with each piece of the archive, which is a little longer than the files in it. To cancel
            /// a transfer, drop its future.
            pub fn on_progress(mut self, watch: impl FnMut(Progress) + Send + 'static) -> Self {
                self.0.progress = Some(Box::new(watch));
                self
            }
        }
    };
}

/// Brings a folder of a sandbox here; from [`Files::download_folder`].
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct DownloadFolder(Setup);

/// Brings a local folder into a sandbox; from [`Files::upload_folder`].
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct UploadFolder(Setup);

settings!(DownloadFolder);
settings!(UploadFolder);

impl DownloadFolder {
    /// Does it. Memory does not grow with the folder, but by the symbolic links in it.
    ///
    /// The archive is unpacked beside the destination, and put in its place once it is whole. The sandbox needs `tar`
    /// and, for a while, room for the archive in its work-dir.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] where something is at the destination already or it cannot be written,
    /// [`ErrorKind::Archive`] and [`ErrorKind::TooLarge`] as [`FolderLimits`] says, [`ErrorKind::Failed`] with the
    /// words of `tar` where it fails, and what a download may fail with. Nothing is at the destination then.
    ///
    /// # Cancel safety
    ///
    /// Nothing is at the destination. What lies beside it and in the sandbox is removed in the background, as long
    /// as the runtime lives.
    pub async fn send(self) -> Result<FolderTransfer, Error> {
        let Setup {
            files,
            remote,
            local,
            limits,
            progress,
        } = self.0;
        let destination = names::destination(&local)?;
        let random = random::hex::<8>()?;
        let mut there = Remote::new(&files, &remote, &random)?;
        there.pack().await?;

        let mut download = files.download(there.archive()).limit(limits.archive());
        if let Some(watch) = progress {
            download = download.on_progress(watch);
        }
        let mut download = download.send().await?;
        if download
            .file_size()
            .is_some_and(|size| size > limits.archive())
        {
            return Err(too_large("the archive is longer than the limits allow"));
        }
        let (pieces, reader) = mpsc::channel(WAITING);
        let unpacking = spawn_blocking(move || {
            let reader = pipe::Reader::new(reader);
            unpack::unpack(reader, &destination, &random, &limits)
        });
        // without the last message nothing is put in place
        let came = loop {
            let piece = match download.next().await {
                Ok(piece) => piece,
                Err(error) => break Err(error),
            };
            let is_last = piece.is_none();
            // nobody takes it where the archive is refused
            if pieces.send(piece).await.is_err() || is_last {
                break Ok(());
            }
        };
        drop(pieces);
        let unpacked = unpacking.await.map_err(died)?;
        there.clean().await;
        came?;
        unpacked
    }
}

impl UploadFolder {
    /// Does it. Memory does not grow with the folder, but by the names in its largest folder.
    ///
    /// The archive is unpacked beside the destination, and put in its place once it is whole. The sandbox needs `tar`
    /// and, for a while, room for the archive in its work-dir. Owners are those of who runs commands in the sandbox.
    ///
    /// # Errors
    ///
    /// [`is_conflict`](Error::is_conflict) where something is at the destination already, [`ErrorKind::Local`] where
    /// the folder cannot be read, [`ErrorKind::Archive`] and [`ErrorKind::TooLarge`] as [`FolderLimits`] says before
    /// anything is sent, [`ErrorKind::Failed`] with the words of `tar` where it fails, and what an upload may fail
    /// with. Nothing is at the destination then, but where the very last call's answer was lost. Where the upload of the
    /// archive was cut off, [`left_behind`](Error::left_behind) names it: it is removed, but a server may go on with
    /// what was cut off.
    ///
    /// # Cancel safety
    ///
    /// As for the errors. What lies in the sandbox is removed in the background, as long as the runtime lives.
    pub async fn send(self) -> Result<FolderTransfer, Error> {
        let Setup {
            files,
            remote,
            local,
            limits,
            progress,
        } = self.0;
        let random = random::hex::<8>()?;
        let mut there = Remote::new(&files, &remote, &random)?;
        let folder = local.clone();
        let measured = spawn_blocking(move || pack::measure(&folder, &limits));
        let (done, length) = measured.await.map_err(died)??;
        // early, rather than after everything was sent
        match files.info(&remote).await {
            Ok(_) => {
                let what = "something is at the destination in the sandbox already";
                return Err(
                    Error::new(ErrorKind::Status, what).with_status(StatusCode::CONFLICT.as_u16())
                );
            }
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
        let (pieces, mut reader) = mpsc::channel::<io::Result<bytes::Bytes>>(WAITING);
        let packing = spawn_blocking(move || pack::pack(&local, &limits, pieces));
        let stream = futures_util::stream::poll_fn(move |cx| reader.poll_recv(cx));
        let mut content = Upload::stream(stream, length);
        if let Some(watch) = progress {
            content = content.on_progress(watch);
        }
        there.begin();
        let sent = files.upload(there.archive(), content).await;
        if let Err(error) = archive::ended(packing.await.map_err(died)?, sent) {
            there.clean().await;
            return Err(error);
        }
        there.unpack().await?;
        there.finish().await?;
        Ok(done)
    }
}

impl Files {
    /// Brings the folder `remote` of the sandbox here, as `local`, which must not exist: see [`DownloadFolder`].
    ///
    /// ```no_run
    /// # async fn example(files: daytona_api::api::Files) -> Result<(), daytona_api::Error> {
    /// let came = files.download_folder("results", "./results").send().await?;
    /// println!("{} entries, {} bytes", came.entries, came.bytes);
    /// # Ok(())
    /// # }
    /// ```
    pub fn download_folder(
        &self,
        remote: impl Into<String>,
        local: impl AsRef<Path>,
    ) -> DownloadFolder {
        DownloadFolder::new(self.clone(), remote.into(), local.as_ref().to_owned())
    }

    /// Brings the folder `local` into the sandbox, as `remote`, which must not exist: see [`UploadFolder`].
    ///
    /// ```no_run
    /// # async fn example(files: daytona_api::api::Files) -> Result<(), daytona_api::Error> {
    /// files
    ///     .upload_folder("./project", "project")
    ///     .on_progress(|progress| eprintln!("{} of {:?}", progress.bytes, progress.total))
    ///     .send()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn upload_folder(
        &self,
        local: impl AsRef<Path>,
        remote: impl Into<String>,
    ) -> UploadFolder {
        UploadFolder::new(self.clone(), remote.into(), local.as_ref().to_owned())
    }
}

fn too_large(what: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::TooLarge, what)
}

fn local(what: impl Into<std::borrow::Cow<'static, str>>, error: io::Error) -> Error {
    Error::new(ErrorKind::Local, what).with_source(error)
}

fn died(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Local, "the work on the local folder ended early").with_source(error)
}
