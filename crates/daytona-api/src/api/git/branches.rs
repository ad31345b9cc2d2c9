use super::Git;
use crate::error::Error;
use crate::models::toolbox::{
    GitBranchRequest, GitCheckoutRequest, GitDeleteBranchRequest, GitResetRequest,
    GitRestoreRequest, ListBranchResponse,
};
use crate::request::Call;
use crate::routes::toolbox as routes;

/// Branches, and what is checked out.
impl Git {
    /// The branches, and the current one where the server tells it: `GET /git/branches`.
    ///
    /// # Errors
    ///
    /// See [`Git`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let git = toolbox.git();
    /// let branches = git.branches("app").await?.branches;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn branches(&self, path: &str) -> Result<ListBranchResponse, Error> {
        self.toolbox
            .fetch(Call::new(&routes::LIST_BRANCHES, &[])?.query("path", path))
            .await
    }

    /// Makes a branch: `POST /git/branches`. Servers check it out, too.
    ///
    /// # Errors
    ///
    /// See [`Git`]. A conflict where there is one of this name. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be made all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let git = toolbox.git();
    /// git.create_branch("app", "try").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_branch(&self, path: &str, name: &str) -> Result<(), Error> {
        let body = GitBranchRequest {
            path: path.to_owned(),
            name: name.to_owned(),
        };
        self.toolbox
            .act(Call::new(&routes::CREATE_BRANCH, &[])?.json(&body)?)
            .await
    }

    /// Deletes a branch: `DELETE /git/branches`.
    ///
    /// # Errors
    ///
    /// See [`Git`]. After a retry, not found may mean that the first attempt did it.
    ///
    /// # Cancel safety
    ///
    /// It may be deleted all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let git = toolbox.git();
    /// git.delete_branch("app", "try").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete_branch(&self, path: &str, name: &str) -> Result<(), Error> {
        let body = GitDeleteBranchRequest {
            path: path.to_owned(),
            name: name.to_owned(),
        };
        self.toolbox
            .act(Call::new(&routes::DELETE_BRANCH, &[])?.json(&body)?)
            .await
    }

    /// Checks out a branch or commit: `POST /git/checkout`.
    ///
    /// # Errors
    ///
    /// See [`Git`]. A conflict where changes would be lost. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be checked out all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let git = toolbox.git();
    /// git.checkout("app", "main").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn checkout(&self, path: &str, branch: &str) -> Result<(), Error> {
        let body = GitCheckoutRequest {
            path: path.to_owned(),
            branch: branch.to_owned(),
        };
        self.toolbox
            .act(Call::new(&routes::CHECKOUT_BRANCH, &[])?.json(&body)?)
            .await
    }

    /// Moves the branch back: `POST /git/reset`. `set` gives the `mode` (`soft`, `mixed`, which is the default,
    /// `hard`, `merge` or `keep`), the `target` (default: `HEAD`), or `files` to unstage.
    ///
    /// # Errors
    ///
    /// See [`Git`]. Older servers answer 404. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be done all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let git = toolbox.git();
    /// git.reset("app", |to| to.mode = Some("hard".into())).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn reset(
        &self,
        path: &str,
        set: impl FnOnce(&mut GitResetRequest) + Send,
    ) -> Result<(), Error> {
        let mut body = GitResetRequest {
            path: path.to_owned(),
            ..GitResetRequest::default()
        };
        set(&mut body);
        self.toolbox
            .act(Call::new(&routes::RESET_CHANGES, &[])?.json(&body)?)
            .await
    }

    /// Takes back changes of files: `POST /git/restore`. `set` may say `staged`, `worktree` and the `source` to
    /// take them from.
    ///
    /// # Errors
    ///
    /// See [`Git`]. Older servers answer 404. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be done all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let git = toolbox.git();
    /// git.restore("app", ["main.py"], |_| {}).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn restore<I, S>(
        &self,
        path: &str,
        files: I,
        set: impl FnOnce(&mut GitRestoreRequest) + Send,
    ) -> Result<(), Error>
    where
        I: IntoIterator<Item = S> + Send,
        S: Into<String>,
    {
        let mut body = GitRestoreRequest {
            path: path.to_owned(),
            files: files.into_iter().map(Into::into).collect(),
            ..GitRestoreRequest::default()
        };
        set(&mut body);
        self.toolbox
            .act(Call::new(&routes::RESTORE_FILES, &[])?.json(&body)?)
            .await
    }
}
