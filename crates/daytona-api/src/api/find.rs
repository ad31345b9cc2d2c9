use super::Files;
use crate::error::Error;
use crate::models::toolbox::{Match, ReplaceRequest, ReplaceResult, SearchFilesResponse};
use crate::request::{Call, check_path};
use crate::routes::toolbox as routes;

/// What is in files.
impl Files {
    /// Where a text stands in the files below a folder, with its line from 1: `GET /files/find`. The text is
    /// taken literally; files with NUL near their beginning are left out.
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
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let files = toolbox.files();
    /// for found in files.find("src", "TODO").await? {
    ///     println!("{}:{} {}", found.file, found.line, found.content);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn find(&self, folder: &str, text: &str) -> Result<Vec<Match>, Error> {
        check_path(folder)?;
        let call = Call::new(&routes::FIND_IN_FILES, &[])?.query("path", folder);
        let call = call.query("pattern", text);
        let limit = self.toolbox.client.shared.config.limits.output;
        let found: Option<Vec<Match>> = self
            .toolbox
            .client
            .json(&self.toolbox.base, call, limit)
            .await?;
        Ok(found.unwrap_or_default())
    }

    /// The files and folders below a folder whose names fit a pattern such as `*.py`: `GET /files/search`.
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
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let files = toolbox.files();
    /// let scripts = files.search("src", "*.py").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn search(&self, folder: &str, pattern: &str) -> Result<Vec<String>, Error> {
        check_path(folder)?;
        let call = Call::new(&routes::SEARCH_FILES, &[])?.query("path", folder);
        let call = call.query("pattern", pattern);
        let limit = self.toolbox.client.shared.config.limits.output;
        let found: SearchFilesResponse = self
            .toolbox
            .client
            .json(&self.toolbox.base, call, limit)
            .await?;
        Ok(found.files)
    }

    /// Replaces a text, taken literally, wherever it stands in the files: `POST /files/replace`. Says for each
    /// file whether that went well; a file without the text is no failure.
    ///
    /// # Errors
    ///
    /// See [`Files`]. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be replaced all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let files = toolbox.files();
    /// for result in files.replace(["a.py", "b.py"], "foo", "bar").await? {
    ///     assert_eq!(result.success, Some(true));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn replace<I, S>(
        &self,
        files: I,
        text: &str,
        by: &str,
    ) -> Result<Vec<ReplaceResult>, Error>
    where
        I: IntoIterator<Item = S> + Send,
        S: Into<String>,
    {
        let body = ReplaceRequest {
            files: files.into_iter().map(Into::into).collect(),
            pattern: text.to_owned(),
            new_value: by.to_owned(),
        };
        self.toolbox
            .list_of(Call::new(&routes::REPLACE_IN_FILES, &[])?.json(&body)?)
            .await
    }
}
