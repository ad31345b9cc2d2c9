use super::files::check_upload;
use super::{Files, Upload};
use crate::error::Error;
use crate::wire::random;

impl Files {
    /// Writes a file that is not there yet, so that it is never seen in part: its bytes go beside it as
    /// [`upload`](Self::upload) sends them, under a name of their own, and are moved into place once all are there.
    ///
    /// # Errors
    ///
    /// See [`Files`]; [`is_conflict`](Error::is_conflict) where something is at `path` already, which stays as it is.
    /// After an error nothing is at `path`, but where the answer to the move was lost. What was sent is removed; where
    /// that is not certain, [`left_behind`](Error::left_behind) names it: a server may carry out an upload that was cut
    /// off after it was asked to remove it.
    ///
    /// # Cancel safety
    ///
    /// Nothing is at `path` in part; a hidden file beside it, whose name begins with `.daytona-`, may stay.
    ///
    /// ```no_run
    /// # async fn example(files: daytona_api::api::Files) -> Result<(), daytona_api::Error> {
    /// use daytona_api::api::Upload;
    ///
    /// files.upload_new("model.bin", Upload::file("model.bin").await?).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn upload_new(
        &self,
        path: &str,
        content: impl Into<Upload> + Send,
    ) -> Result<(), Error> {
        check_upload(path)?;
        let name = format!(".daytona-{}", random::hex::<8>()?);
        let beside = match path.rsplit_once('/') {
            Some((parent, _)) => format!("{parent}/{name}"),
            None => name,
        };
        let (error, is_over) = match self.upload(&beside, content).await {
            Ok(()) => match self.move_file(&beside, path).await {
                Ok(()) => return Ok(()),
                Err(error) => (error, true),
            },
            Err(error) if !error.may_have_reached_server() => return Err(error),
            Err(error) => (error, false),
        };
        let error = error.without_left();
        match self.delete(&beside, false).await {
            Ok(()) => Err(error),
            Err(gone) if gone.is_not_found() && is_over => Err(error),
            // what was cut off may be made yet where it is not there
            Err(_) => Err(error.with_left(&beside)),
        }
    }
}
