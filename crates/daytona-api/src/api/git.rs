mod branches;
mod config;
mod remote;

use super::Toolbox;
use crate::error::Error;
use crate::models::toolbox::{
    GitAddRemoteRequest, GitAddRequest, GitCommitInfo, GitCommitRequest, GitCommitResponse,
    GitInitRequest, GitRemote, GitStatus, ListRemotesResponse,
};
use crate::request::Call;
use crate::routes::toolbox as routes;

pub use self::remote::{GitClone, GitPull, GitPush};

/// Git in a sandbox; from [`Toolbox::git`]. A `path` is that of the repository, absolute or relative to the
/// work-dir.
///
/// All fail where the sandbox does not run (status 400), is gone (404) or cannot be reached. Status 404 is also
/// no such repository, branch or commit, 401 and 403 are refusals of the remote. [`code`](Error::code) says
/// what went wrong, such as `GIT_AUTH_FAILED`, where the server is new enough.
///
/// ```no_run
/// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
/// let git = toolbox.git();
/// git.clone_repository("https://example.org/app.git", "app").credentials("ada", "token").send().await?;
/// let status = git.status("app").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Git {
    toolbox: Toolbox,
}

impl Git {
    pub(crate) fn new(toolbox: Toolbox) -> Self {
        Self { toolbox }
    }

    /// Clones a repository: `POST /git/clone`. See [`GitClone`].
    pub fn clone_repository(&self, url: impl Into<String>, path: impl Into<String>) -> GitClone {
        GitClone::new(self.toolbox.clone(), url.into(), path.into())
    }

    /// Fetches and merges: `POST /git/pull`. See [`GitPull`].
    pub fn pull(&self, path: impl Into<String>) -> GitPull {
        GitPull::new(self.toolbox.clone(), path.into())
    }

    /// Sends commits: `POST /git/push`. See [`GitPush`].
    pub fn push(&self, path: impl Into<String>) -> GitPush {
        GitPush::new(self.toolbox.clone(), path.into())
    }

    /// Makes a repository: `POST /git/init`. `set` may make it `bare` and give the `initial_branch`.
    ///
    /// # Errors
    ///
    /// See [`Git`]. Older servers answer 404. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be made all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let git = toolbox.git();
    /// git.init("app", |new| new.initial_branch = Some("main".into())).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn init(
        &self,
        path: &str,
        set: impl FnOnce(&mut GitInitRequest) + Send,
    ) -> Result<(), Error> {
        let mut body = GitInitRequest {
            path: path.to_owned(),
            ..GitInitRequest::default()
        };
        set(&mut body);
        self.toolbox
            .act(Call::new(&routes::INIT_REPOSITORY, &[])?.json(&body)?)
            .await
    }

    /// What has changed: `GET /git/status`.
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
    /// let status = git.status("app").await?;
    /// println!("{} and {} files", status.current_branch, status.file_status.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn status(&self, path: &str) -> Result<GitStatus, Error> {
        self.toolbox
            .fetch(Call::new(&routes::GET_STATUS, &[])?.query("path", path))
            .await
    }

    /// Stages files, relative to the repository; `.` is all of them: `POST /git/add`.
    ///
    /// # Errors
    ///
    /// See [`Git`].
    ///
    /// # Cancel safety
    ///
    /// They may be staged all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let git = toolbox.git();
    /// git.add("app", ["."]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn add<I, S>(&self, path: &str, files: I) -> Result<(), Error>
    where
        I: IntoIterator<Item = S> + Send,
        S: Into<String>,
    {
        let body = GitAddRequest {
            path: path.to_owned(),
            files: files.into_iter().map(Into::into).collect(),
        };
        self.toolbox
            .act(
                Call::new(&routes::ADD_FILES, &[])?
                    .json(&body)?
                    .idempotent(),
            )
            .await
    }

    /// Commits what is staged: `POST /git/commit`. `set` may allow an empty commit. Gives the commit's hash.
    ///
    /// # Errors
    ///
    /// See [`Git`]. Fails where nothing is staged. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be committed all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let git = toolbox.git();
    /// let hash = git.commit("app", "Fix it", "Ada", "ada@example.org", |_| {}).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn commit(
        &self,
        path: &str,
        message: &str,
        author: &str,
        email: &str,
        set: impl FnOnce(&mut GitCommitRequest) + Send,
    ) -> Result<String, Error> {
        let mut body = GitCommitRequest {
            path: path.to_owned(),
            message: message.to_owned(),
            author: author.to_owned(),
            email: email.to_owned(),
            ..GitCommitRequest::default()
        };
        set(&mut body);
        let call = Call::new(&routes::COMMIT_CHANGES, &[])?.json(&body)?;
        let made: GitCommitResponse = self.toolbox.fetch(call).await?;
        Ok(made.hash)
    }

    /// The commits of the current branch, the newest first: `GET /git/history`.
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
    /// for commit in git.history("app").await? {
    ///     println!("{} {}", commit.hash, commit.message);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn history(&self, path: &str) -> Result<Vec<GitCommitInfo>, Error> {
        self.toolbox
            .list_of(Call::new(&routes::GET_COMMIT_HISTORY, &[])?.query("path", path))
            .await
    }

    /// The remotes: `GET /git/remotes`.
    ///
    /// # Errors
    ///
    /// See [`Git`]. Older servers answer 404.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let git = toolbox.git();
    /// let remotes = git.remotes("app").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn remotes(&self, path: &str) -> Result<Vec<GitRemote>, Error> {
        let call = Call::new(&routes::LIST_REMOTES, &[])?.query("path", path);
        let found: ListRemotesResponse = self.toolbox.fetch(call).await?;
        Ok(found.remotes)
    }

    /// Adds a remote: `POST /git/remotes`. `set` may ask to `fetch` from it, and to `overwrite` one of the same
    /// name.
    ///
    /// # Errors
    ///
    /// See [`Git`]. A conflict where there is one of this name. The URL is in no error. Not retried once it may
    /// have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be added all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let git = toolbox.git();
    /// git.add_remote("app", "origin", "https://example.org/app.git", |_| {}).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn add_remote(
        &self,
        path: &str,
        name: &str,
        url: &str,
        set: impl FnOnce(&mut GitAddRemoteRequest) + Send,
    ) -> Result<(), Error> {
        let mut body = GitAddRemoteRequest {
            path: path.to_owned(),
            name: name.to_owned(),
            url: url.to_owned(),
            ..GitAddRemoteRequest::default()
        };
        set(&mut body);
        let call = Call::new(&routes::ADD_REMOTE, &[])?.json(&body)?;
        self.toolbox.act(call.hide([&body.url])).await
    }
}
