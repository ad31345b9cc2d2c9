//! Steps that copy files of this machine.

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::Image;
use super::dockerfile::{Copied, copies};
use super::glob::{glob, joined, json_words};
use crate::api::context::{Kind, Local};
use crate::error::Error;

const STEP: &str = "files of this machine that an image copies";
/// The most sources that lines of a Dockerfile may name.
const MOST: usize = 100_000;
/// As long as a path may be.
const LONGEST: usize = 4096;

impl Image {
    /// Copies a file of this machine to `remote`, a path in the image; where that ends in a slash the file keeps its
    /// name. Nothing is read yet: that is when a sandbox or a snapshot is created from the image, or by
    /// [`context`](Self::context). A link is followed.
    ///
    /// `local` is relative to the folder this process is in at the moment. A `~` is a name like any other.
    ///
    /// ```
    /// use daytona_api::api::Image;
    ///
    /// let image = Image::base("debian:12").add_local_file("/srv/app/settings.json", "/app/");
    /// assert_eq!(
    ///     image.dockerfile()?,
    ///     "FROM debian:12\nCOPY [\"srv/app/settings.json\", \"/app/settings.json\"]\n"
    /// );
    /// # Ok::<(), daytona_api::Error>(())
    /// ```
    pub fn add_local_file(self, local: impl AsRef<Path>, remote: impl AsRef<str>) -> Self {
        let (local, remote) = (local.as_ref(), remote.as_ref());
        let Some(name) = local.file_name().and_then(OsStr::to_str) else {
            return self.refuse(format!("{STEP} must have a name in UTF-8"));
        };
        if remote.ends_with('/') {
            self.add(local, &format!("{remote}{name}"), Kind::File)
        } else {
            self.add(local, remote, Kind::File)
        }
    }

    /// Copies what is in a folder of this machine to `remote`, a folder in the image. Taken over are files with their
    /// modes, folders, and symbolic links that stay inside of the folder; a link out of it, a device, a pipe or a
    /// socket is an error, once the folder is read. No `.dockerignore` is looked at, as in the official clients.
    /// Otherwise as [`add_local_file`](Self::add_local_file).
    ///
    /// ```
    /// use daytona_api::api::Image;
    ///
    /// let image = Image::base("debian:12").add_local_dir("app/./src", "/app/src");
    /// assert_eq!(image.dockerfile()?, "FROM debian:12\nCOPY [\"app/src\", \"/app/src\"]\n");
    /// # Ok::<(), daytona_api::Error>(())
    /// ```
    pub fn add_local_dir(self, local: impl AsRef<Path>, remote: impl AsRef<str>) -> Self {
        self.add(local.as_ref(), remote.as_ref(), Kind::Folder)
    }

    fn add(self, local: &Path, remote: &str, kind: Kind) -> Self {
        if remote.is_empty() || remote.contains('\0') {
            return self.refuse(format!("{STEP} need a destination without a zero byte"));
        }
        match self.with(local, kind) {
            Ok((image, archive)) => {
                let line = format!("COPY {}", json_words(&[&archive, remote]));
                image.line(&line)
            }
            Err(image) => image,
        }
    }

    /// Takes a file or folder along, for a step that puts its path in the archive where it likes.
    pub(super) fn with(mut self, local: &Path, kind: Kind) -> Result<(Self, String), Self> {
        match source(local) {
            Ok((source, archive)) => {
                self.context.push(Local {
                    source,
                    archive: archive.clone(),
                    kind,
                    root: None,
                });
                Ok((self, archive))
            }
            Err(why) => Err(self.refuse(why)),
        }
    }

    /// Adds lines of a Dockerfile as they are, whose `COPY` and `ADD` take local files from the folder `context`.
    /// Wildcards are `*`, `?` and `[a-z]`. A source that is absolute or leads out of the folder, by `..` or by a link, is
    /// an error, as for a builder; give such files by [`add_local_file`](Self::add_local_file). So is one that is not
    /// there, that has a variable in it, or is longer than 4096 bytes. All sources together may name 100,000 files and
    /// folders. No `.dockerignore` is looked at.
    ///
    /// It looks for the files at once and blocks the thread meanwhile; they are read later.
    ///
    /// ```
    /// use daytona_api::api::Image;
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let folder = folder.path();
    /// std::fs::write(folder.join("main.py"), "print('hi')").unwrap();
    /// let image = Image::base("python:3.12").dockerfile_commands_in(["COPY *.py /app/"], folder);
    /// assert_eq!(image.dockerfile()?, "FROM python:3.12\nCOPY *.py /app/\n");
    /// # Ok::<(), daytona_api::Error>(())
    /// ```
    pub fn dockerfile_commands_in<S: AsRef<str>>(
        self,
        lines: impl IntoIterator<Item = S>,
        context: impl AsRef<Path>,
    ) -> Self {
        let lines: Vec<S> = lines.into_iter().collect();
        let mut image = self;
        let mut text = String::new();
        for line in &lines {
            if let Err(why) = super::check_lines(line.as_ref()) {
                return image.refuse(why);
            }
            text.push_str(line.as_ref());
            text.push('\n');
        }
        image = image.copying(&text, context.as_ref());
        image.lines.push_str(&text);
        image
    }

    /// Takes the files along that `text` copies from the folder `context`.
    pub(super) fn copying(mut self, text: &str, context: &Path) -> Self {
        let all = copies(text);
        if all.is_empty() {
            return self;
        }
        let Some(folder) = context.to_str() else {
            return self.refuse(format!("{STEP} must be in a folder with a name in UTF-8"));
        };
        let root = match fs::canonicalize(if folder.is_empty() { "." } else { folder }) {
            Ok(root) if root.is_dir() => root,
            Ok(_) => {
                return self.refuse(format!("{STEP} must be in a folder: {folder:?} is none"));
            }
            Err(error) => {
                let kind = error.kind();
                return self.refuse(format!("the folder {folder:?} cannot be read: {kind}"));
            }
        };
        for copied in all {
            let sources = match copied {
                Copied::Sources(sources) => sources,
                Copied::Unknown(why) => return self.refuse(why),
            };
            for pattern in sources {
                let room = MOST.saturating_sub(self.context.len());
                match found(&pattern, folder, &root, room) {
                    Ok(locals) => self.context.extend(locals),
                    Err(why) => return self.refuse(why),
                }
            }
        }
        self
    }

    /// Whether it copies files of this machine.
    #[must_use]
    pub fn has_local_files(&self) -> bool {
        !self.context.is_empty()
    }
}

/// Where a file is, and its path in the archive: normal, and without the slash at the beginning.
fn source(local: &Path) -> Result<(PathBuf, String), String> {
    let text = local
        .to_str()
        .filter(|text| !text.is_empty() && !text.contains('\0'))
        .ok_or_else(|| format!("{STEP} must have a path in UTF-8"))?;
    let absolute = std::path::absolute(text)
        .map_err(|error| format!("{text:?} is no path here: {}", error.kind()))?;
    let mut archive = normal(local);
    if climbs(&archive) {
        // no archive can hold such a name
        archive = normal(&absolute);
    }
    if archive.is_empty() {
        return Err("the root of this machine cannot be copied into an image".to_owned());
    }
    Ok((absolute, archive))
}

/// Without `.`, doubled slashes, and `..` after a name, which is taken back; without a slash at the beginning.
fn normal(path: &Path) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let absolute = path.is_absolute();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str().unwrap_or_default()),
            Component::ParentDir => {
                let back = parts.last().is_some_and(|last| *last != "..");
                if back {
                    parts.pop();
                } else if !absolute {
                    parts.push("..");
                }
            }
            _ => {}
        }
    }
    if parts.is_empty() && !absolute {
        return ".".to_owned();
    }
    parts.join("/")
}

fn climbs(normal: &str) -> bool {
    normal == ".." || normal.starts_with("../")
}

/// What a source of `COPY` names in the folder.
fn found(pattern: &str, folder: &str, root: &Path, room: usize) -> Result<Vec<Local>, String> {
    let outside = || {
        format!(
            "the source {pattern:?} is outside of the build context: give it with add_local_file or add_local_dir"
        )
    };
    if pattern.is_empty() || pattern.contains('\0') {
        return Err("the source of a `COPY` must not be empty".to_owned());
    }
    if pattern.len() > LONGEST {
        return Err(format!(
            "the source of a `COPY` is longer than {LONGEST} bytes"
        ));
    }
    if Path::new(pattern).is_absolute() || climbs(&normal(Path::new(pattern))) {
        return Err(outside());
    }
    let whole = joined(folder, pattern);
    let matched = glob(&whole, room).ok_or_else(|| {
        format!("with the source {pattern:?}, lines name more than {MOST} files and folders")
    })?;
    if matched.is_empty() {
        return Err(format!(
            "the source {pattern:?} names nothing in the build context"
        ));
    }
    let mut locals = Vec::with_capacity(matched.len());
    for path in matched {
        let real = fs::canonicalize(&path)
            .map_err(|error| format!("the source {pattern:?} cannot be read: {}", error.kind()))?;
        if !real.starts_with(root) {
            return Err(outside());
        }
        let absolute = std::path::absolute(&path)
            .map_err(|error| format!("the source {pattern:?} is no path: {}", error.kind()))?;
        // as the official client cuts it, a slash at the beginning included
        let archive = path.strip_prefix(folder).unwrap_or(&path).to_owned();
        locals.push(Local {
            source: absolute,
            archive,
            kind: Kind::Any,
            root: Some(root.to_owned()),
        });
    }
    Ok(locals)
}

impl Image {
    /// Reads all local files of the image and tells what they are. See [`Context`](crate::api::Context).
    ///
    /// The files are read away from the runtime's threads, in constant memory but for the names in the largest folder.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Build`](crate::ErrorKind::Build) with the first thing that was wrong with the steps,
    /// [`ErrorKind::Local`](crate::ErrorKind::Local) where a file cannot be read or changes meanwhile,
    /// [`ErrorKind::Archive`](crate::ErrorKind::Archive) for what is not taken over, and
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) for more than 100,000 entries, 64 nested folders or 5 GiB (what
    /// one object holds) in one of them.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), daytona_api::Error> {
    /// use daytona_api::api::Image;
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("hello.txt");
    /// std::fs::write(&path, "hello").unwrap();
    /// let image = Image::base("debian:12").add_local_file(&path, "/hello.txt");
    /// let before = image.context().await?;
    /// assert_eq!(before.hashes().count(), 1);
    /// std::fs::write(&path, "other").unwrap();
    /// assert_ne!(image.context().await?.digest(), before.digest());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn context(&self) -> Result<crate::api::Context, Error> {
        self.dockerfile()?;
        crate::api::Context::read(&self.context).await
    }
}
