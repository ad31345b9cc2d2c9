use http::HeaderValue;

use super::{DownloadBuilder, Toolbox, Upload};
use crate::client::redact::clean;
use crate::error::{Error, ErrorKind};
use crate::models::toolbox::{FileInfo, UploadFilesResponse, UploadedFile};
use crate::request::{Call, check_path};
use crate::routes::toolbox as routes;

/// Files and folders of a sandbox; from [`Toolbox::files`].
///
/// Paths are absolute or relative to the sandbox's work-dir; `~` means nothing. An empty path or one with NUL is
/// an error before anything is sent. What does not exist is [`is_not_found`](Error::is_not_found).
///
/// ```no_run
/// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
/// let files = toolbox.files();
/// files.create_folder("src", None).await?;
/// files.upload("src/main.py", "print(6*7)\n").await?;
/// for file in files.list("src").await? {
///     println!("{} {}", file.name, file.size);
/// }
/// let text = files.download("src/main.py").bytes().await?;
/// files.delete("src", true).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Files {
    pub(in crate::api) toolbox: Toolbox,
}

/// What to change about a file; see [`Files::set_permissions`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Permissions {
    mode: Option<u32>,
    owner: Option<String>,
    group: Option<String>,
}

impl Permissions {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The mode bits, such as `0o755`.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    /// The owner, a name or a number.
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// The group, a name or a number.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }
}

/// Paths of uploads are fields of a form.
pub(super) fn check_upload(path: &str) -> Result<(), Error> {
    check_path(path)?;
    if path.contains(['\r', '\n']) {
        return Err(Error::build("an upload's path must not hold line breaks"));
    }
    Ok(())
}

fn octal(mode: u32) -> Result<String, Error> {
    if mode > 0o7777 {
        return Err(Error::build("a mode has at most four octal digits"));
    }
    Ok(format!("{mode:04o}"))
}

/// What an upload that may have begun leaves.
fn cut_off(error: Error, path: &str) -> Error {
    if error.may_have_reached_server() {
        error.with_left(path)
    } else {
        error
    }
}

impl Files {
    pub(crate) fn new(toolbox: Toolbox) -> Self {
        Self { toolbox }
    }

    /// What is in the folder `path`: `GET /files`.
    ///
    /// # Errors
    ///
    /// See [`Files`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(files: daytona_api::api::Files) -> Result<(), daytona_api::Error> {
    /// let names: Vec<_> = files.list("/tmp").await?.into_iter().map(|file| file.name).collect();
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list(&self, path: &str) -> Result<Vec<FileInfo>, Error> {
        check_path(path)?;
        let call = Call::new(&routes::LIST_FILES, &[])?.query("path", path);
        let limit = self.toolbox.client.shared.config.limits.metadata;
        let found: Option<Vec<FileInfo>> = self
            .toolbox
            .client
            .json(&self.toolbox.base, call, limit)
            .await?;
        Ok(found.unwrap_or_default())
    }

    /// What `path` is; a symbolic link is followed: `GET /files/info`.
    ///
    /// # Errors
    ///
    /// See [`Files`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(files: daytona_api::api::Files) -> Result<(), daytona_api::Error> {
    /// let size = files.info("/etc/hostname").await?.size;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn info(&self, path: &str) -> Result<FileInfo, Error> {
        check_path(path)?;
        let call = Call::new(&routes::GET_FILE_INFO, &[])?.query("path", path);
        let limit = self.toolbox.client.shared.config.limits.metadata;
        self.toolbox
            .client
            .json(&self.toolbox.base, call, limit)
            .await
    }

    /// Writes a file, in place of one that is there; folders above it are made:
    /// `POST /files/bulk-upload` with one file. That route is the one that old and new servers share.
    ///
    /// `content` is anything that becomes an [`Upload`]: bytes, text, a local file, or a stream of known length.
    /// Memory does not grow with the size of a file or stream.
    ///
    /// # Errors
    ///
    /// See [`Files`]. Never sent again once a byte of it may have been written; the file may then be there, in
    /// part or in whole, which is what [`left_behind`](Error::left_behind) says. [`upload_new`](Self::upload_new)
    /// is for files that must not be seen in part.
    ///
    /// # Cancel safety
    ///
    /// Not safe: the file may be there in part.
    ///
    /// ```no_run
    /// # async fn example(files: daytona_api::api::Files) -> Result<(), daytona_api::Error> {
    /// use daytona_api::api::Upload;
    ///
    /// files.upload("notes.txt", "hello\n").await?;
    /// files.upload("model.bin", Upload::file("model.bin").await?).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn upload(&self, path: &str, content: impl Into<Upload> + Send) -> Result<(), Error> {
        check_upload(path)?;
        let (body, content_type) = content.into().framed(path)?;
        let timeouts = &self.toolbox.client.shared.config.timeouts;
        let call = Call::new(&routes::UPLOAD_FILES, &[])?
            .body(body, content_type)
            .wait(timeouts.body_idle)
            .total(timeouts.transfer);
        let answer = self.toolbox.client.done(&self.toolbox.base, call).await;
        let answer = answer.map_err(|error| cut_off(error, path))?;
        // newer servers answer with what failed, older ones with a status
        let answer: UploadFilesResponse = serde_json::from_slice(&answer).unwrap_or_default();
        let failed = answer.errors.unwrap_or_default();
        if !failed.is_empty() {
            let own = self
                .toolbox
                .client
                .shared
                .config
                .credential
                .secret()
                .expose();
            let said = clean(&failed.join(", "), std::iter::once(own), 1024);
            let what = format!("the server took the upload but could not write the file: {said}");
            let error = Error::new(ErrorKind::Decode, what).with_left(path);
            return Err(error.with_operation(routes::UPLOAD_FILES.id));
        }
        Ok(())
    }

    /// Writes a file as [`upload`](Self::upload) does, its bytes sent as they are, without a form around them:
    /// `POST /files/upload-v2`. Older servers do not know the route and answer with status 404.
    ///
    /// # Errors
    ///
    /// See [`Files`]. Never sent again once a byte of it may have been written.
    ///
    /// # Cancel safety
    ///
    /// Not safe: the file may be there in part.
    ///
    /// ```no_run
    /// # async fn example(files: daytona_api::api::Files) -> Result<(), daytona_api::Error> {
    /// use daytona_api::api::Upload;
    ///
    /// let sent = files.upload_v2("model.bin", Upload::file("model.bin").await?).await?;
    /// println!("{}", sent.path);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn upload_v2(
        &self,
        path: &str,
        content: impl Into<Upload> + Send,
    ) -> Result<UploadedFile, Error> {
        let route = &routes::UPLOAD_FILE;
        check_path(path).map_err(|error| error.with_operation(route.id))?;
        let config = &self.toolbox.client.shared.config;
        let kind = HeaderValue::from_static("application/octet-stream");
        let call = Call::new(route, &[])?
            .query("path", path)
            .body(content.into().raw(), kind)
            .wait(config.timeouts.body_idle)
            .total(config.timeouts.transfer);
        let limit = config.limits.metadata;
        let sent = self
            .toolbox
            .client
            .json(&self.toolbox.base, call, limit)
            .await;
        sent.map_err(|error| cut_off(error, path))
    }

    /// Reads a file, or a part of it, as a stream: `GET /files/download`. See [`DownloadBuilder`].
    pub fn download(&self, path: impl Into<String>) -> DownloadBuilder {
        DownloadBuilder::new(self.toolbox.clone(), path.into())
    }

    /// Deletes a file, or with `recursive` a folder and all in it: `DELETE /files`.
    ///
    /// # Errors
    ///
    /// See [`Files`]; status 400 for a folder without `recursive`. After a retry, not found may mean that the
    /// first attempt did it.
    ///
    /// # Cancel safety
    ///
    /// It may be deleted all the same.
    ///
    /// ```no_run
    /// # async fn example(files: daytona_api::api::Files) -> Result<(), daytona_api::Error> {
    /// files.delete("build", true).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete(&self, path: &str, recursive: bool) -> Result<(), Error> {
        check_path(path)?;
        let mut call = Call::new(&routes::DELETE_FILE, &[])?.query("path", path);
        if recursive {
            call = call.query("recursive", "true");
        }
        self.done(call).await
    }

    /// Makes a folder and those above it; one that is there is fine: `POST /files/folder`. The mode is `0o755`
    /// unless given.
    ///
    /// # Errors
    ///
    /// See [`Files`].
    ///
    /// # Cancel safety
    ///
    /// It may be made all the same.
    ///
    /// ```no_run
    /// # async fn example(files: daytona_api::api::Files) -> Result<(), daytona_api::Error> {
    /// files.create_folder("private", Some(0o700)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_folder(&self, path: &str, mode: Option<u32>) -> Result<(), Error> {
        check_path(path)?;
        let mode = octal(mode.unwrap_or(0o755))?;
        let call = Call::new(&routes::CREATE_FOLDER, &[])?
            .query("path", path)
            .query("mode", &mode);
        self.done(call.idempotent()).await
    }

    /// Moves a file or folder: `POST /files/move`.
    ///
    /// # Errors
    ///
    /// See [`Files`]; [`is_conflict`](Error::is_conflict) where the destination is taken. Not retried once it may
    /// have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be moved all the same.
    ///
    /// ```no_run
    /// # async fn example(files: daytona_api::api::Files) -> Result<(), daytona_api::Error> {
    /// files.move_file("draft.txt", "final.txt").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn move_file(&self, source: &str, destination: &str) -> Result<(), Error> {
        check_path(source)?;
        check_path(destination)?;
        let call = Call::new(&routes::MOVE_FILE, &[])?
            .query("source", source)
            .query("destination", destination);
        self.done(call).await
    }

    /// Changes mode, owner or group: `POST /files/permissions`.
    ///
    /// # Errors
    ///
    /// See [`Files`].
    ///
    /// # Cancel safety
    ///
    /// They may be changed all the same.
    ///
    /// ```no_run
    /// # async fn example(files: daytona_api::api::Files) -> Result<(), daytona_api::Error> {
    /// use daytona_api::api::Permissions;
    ///
    /// files.set_permissions("run.sh", Permissions::new().mode(0o755)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set_permissions(&self, path: &str, permissions: Permissions) -> Result<(), Error> {
        check_path(path)?;
        let mut call = Call::new(&routes::SET_FILE_PERMISSIONS, &[])?.query("path", path);
        if let Some(owner) = &permissions.owner {
            call = call.query("owner", owner);
        }
        if let Some(group) = &permissions.group {
            call = call.query("group", group);
        }
        if let Some(mode) = permissions.mode {
            call = call.query("mode", &octal(mode)?);
        }
        self.done(call.idempotent()).await
    }

    async fn done(&self, call: Call) -> Result<(), Error> {
        self.toolbox
            .client
            .done(&self.toolbox.base, call)
            .await
            .map(drop)
    }
}
