use super::files::check_upload;
use super::upload::forms;
use super::{Files, Upload};
use crate::client::redact::clean;
use crate::error::Error;
use crate::models::toolbox::{BulkUploadedFile, UploadFilesResponse};
use crate::request::Call;
use crate::response::Answer;
use crate::routes::toolbox as routes;

/// The most of one error that is kept, in bytes.
const ERROR_KEPT: usize = 1024;

/// What became of the files of one [`Files::upload_many`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct BulkUpload {
    /// What was written, with the number of bytes. A server that does not tell leaves it empty, and then an empty
    /// list of errors says that all is there.
    pub written: Vec<BulkUploadedFile>,
    /// Why files could not be written, in the server's words; it names the path.
    pub errors: Vec<String>,
}

impl BulkUpload {
    /// True if every file was written.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.errors.is_empty()
    }
}

impl Files {
    /// Writes several files in one request, as [`upload`](Self::upload) does one: `POST /files/bulk-upload`.
    ///
    /// The files are sent one after the other; memory grows with what is given as bytes, and not with what is given as
    /// local files or streams. A file that cannot be written does not keep the others from it: see
    /// [`BulkUpload::errors`].
    ///
    /// # Errors
    ///
    /// See [`Files`]; no file, and a path that cannot be part of a form, before anything is sent. Never sent again once
    /// a byte may have been written; some of the files may then be there.
    ///
    /// # Cancel safety
    ///
    /// Not safe: some files may be there, one in part.
    ///
    /// ```no_run
    /// # async fn example(files: daytona_api::api::Files) -> Result<(), daytona_api::Error> {
    /// use daytona_api::api::Upload;
    ///
    /// let sent = files
    ///     .upload_many([
    ///         ("src/main.py", Upload::from("import data\n")),
    ///         ("src/data.bin", Upload::file("data.bin").await?),
    ///     ])
    ///     .await?;
    /// for error in &sent.errors {
    ///     eprintln!("{error}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn upload_many<P, U>(
        &self,
        files: impl IntoIterator<Item = (P, U)> + Send,
    ) -> Result<BulkUpload, Error>
    where
        P: Into<String>,
        U: Into<Upload>,
    {
        let route = &routes::UPLOAD_FILES;
        let files: Vec<(String, Upload)> = files
            .into_iter()
            .map(|(path, upload)| (path.into(), upload.into()))
            .collect();
        if files.is_empty() {
            return Err(Error::build("there is no file to upload").with_operation(route.id));
        }
        for (path, _) in &files {
            check_upload(path).map_err(|error| error.with_operation(route.id))?;
        }
        let client = &self.toolbox.client;
        let (body, content_type) = forms(files)?;
        let config = &client.shared.config;
        // 400 is also how a server says that some were written and some not
        let call = Call::new(route, &[])?
            .body(body, content_type)
            .wait(config.timeouts.body_idle)
            .total(config.timeouts.transfer)
            .also(400);
        let limit = config.limits.metadata;
        let answer = client.answer(&self.toolbox.base, call, limit).await?;
        let sent = self.report(&answer);
        match sent {
            Some(sent) if answer.status != 400 || !sent.errors.is_empty() => Ok(sent),
            None if answer.status != 400 => Ok(BulkUpload::default()),
            _ => Err(client.refused(&answer).with_operation(route.id)),
        }
    }

    fn report(&self, answer: &Answer) -> Option<BulkUpload> {
        let UploadFilesResponse { files, errors } = answer.json()?;
        let own = self.toolbox.client.shared.config.credential.secret();
        let errors = errors.unwrap_or_default();
        Some(BulkUpload {
            written: files,
            errors: errors
                .iter()
                .map(|error| clean(error, std::iter::once(own.expose()), ERROR_KEPT))
                .collect(),
        })
    }
}
