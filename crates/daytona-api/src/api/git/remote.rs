//! What talks to another repository, with credentials for the one call.

use crate::api::{SecretText, Toolbox};
use crate::error::Error;
use crate::models::toolbox::{GitCloneRequest, GitPullRequest, GitPushRequest};
use crate::request::Call;
use crate::routes::toolbox as routes;

/// Clones a repository; from [`Git::clone_repository`](super::Git::clone_repository).
///
/// ```no_run
/// # async fn example(git: daytona_api::api::Git) -> Result<(), daytona_api::Error> {
/// git.clone_repository("https://example.org/app.git", "app")
///     .branch("main")
///     .depth(1)
///     .credentials("ada", "token")
///     .send()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct GitClone {
    toolbox: Toolbox,
    body: GitCloneRequest,
}

impl GitClone {
    pub(super) fn new(toolbox: Toolbox, url: String, path: String) -> Self {
        let body = GitCloneRequest {
            url,
            path,
            ..GitCloneRequest::default()
        };
        Self { toolbox, body }
    }

    /// The branch to check out (default: that of the remote). Only this one is cloned.
    pub fn branch(mut self, branch: impl Into<String>) -> Self {
        self.body.branch = Some(branch.into());
        self
    }

    /// The commit to check out.
    pub fn commit(mut self, commit: impl Into<String>) -> Self {
        self.body.commit_id = Some(commit.into());
        self
    }

    /// How many commits to fetch (default: all). Older servers fetch all.
    pub fn depth(mut self, commits: u32) -> Self {
        self.body.depth = Some(i64::from(commits));
        self
    }

    /// Does not check the certificate of the remote.
    pub fn insecure_skip_tls(mut self, skip: bool) -> Self {
        self.body.insecure_skip_tls = Some(skip);
        self
    }

    /// The user and the password or token for the remote. They are used for this call only, and never appear in
    /// errors or Debug.
    pub fn credentials(
        mut self,
        username: impl Into<String>,
        password: impl Into<SecretText>,
    ) -> Self {
        self.body.username = Some(username.into());
        self.body.password = Some(password.into().expose().to_owned());
        self
    }

    /// Clones it.
    ///
    /// # Errors
    ///
    /// See [`Git`](super::Git). A conflict where the folder is there. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be done all the same.
    pub async fn send(self) -> Result<(), Error> {
        let call = Call::new(&routes::CLONE_REPOSITORY, &[])?.json(&self.body)?;
        let call = call.hide(&self.body.password).hide([&self.body.url]);
        let wait = self.toolbox.client.shared.config.timeouts.transfer;
        self.toolbox.act(call.wait(wait).total(wait)).await
    }
}

/// Fetches and merges; from [`Git::pull`](super::Git::pull).
///
/// ```no_run
/// # async fn example(git: daytona_api::api::Git) -> Result<(), daytona_api::Error> {
/// git.pull("app").send().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct GitPull {
    toolbox: Toolbox,
    body: GitPullRequest,
}

impl GitPull {
    pub(super) fn new(toolbox: Toolbox, path: String) -> Self {
        let body = GitPullRequest {
            path,
            ..GitPullRequest::default()
        };
        Self { toolbox, body }
    }

    /// The remote (default `origin`).
    pub fn remote(mut self, remote: impl Into<String>) -> Self {
        self.body.remote = Some(remote.into());
        self
    }

    /// The branch (default: the current one).
    pub fn branch(mut self, branch: impl Into<String>) -> Self {
        self.body.branch = Some(branch.into());
        self
    }

    /// The user and the password or token for the remote. They are used for this call only, and never appear in
    /// errors or Debug.
    pub fn credentials(
        mut self,
        username: impl Into<String>,
        password: impl Into<SecretText>,
    ) -> Self {
        self.body.username = Some(username.into());
        self.body.password = Some(password.into().expose().to_owned());
        self
    }

    /// Pulls. Nothing new is no error.
    ///
    /// # Errors
    ///
    /// See [`Git`](super::Git). A conflict where the merge cannot be done. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be done all the same.
    pub async fn send(self) -> Result<(), Error> {
        let call = Call::new(&routes::PULL_CHANGES, &[])?.json(&self.body)?;
        let call = call.hide(&self.body.password);
        let wait = self.toolbox.client.shared.config.timeouts.transfer;
        self.toolbox.act(call.wait(wait).total(wait)).await
    }
}

/// Sends commits; from [`Git::push`](super::Git::push).
///
/// ```no_run
/// # async fn example(git: daytona_api::api::Git) -> Result<(), daytona_api::Error> {
/// git.push("app").set_upstream(true).credentials("ada", "token").send().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct GitPush {
    toolbox: Toolbox,
    body: GitPushRequest,
}

impl GitPush {
    pub(super) fn new(toolbox: Toolbox, path: String) -> Self {
        let body = GitPushRequest {
            path,
            ..GitPushRequest::default()
        };
        Self { toolbox, body }
    }

    /// The remote (default `origin`).
    pub fn remote(mut self, remote: impl Into<String>) -> Self {
        self.body.remote = Some(remote.into());
        self
    }

    /// The branch (default: the current one).
    pub fn branch(mut self, branch: impl Into<String>) -> Self {
        self.body.branch = Some(branch.into());
        self
    }

    /// Makes the branch follow the remote one.
    pub fn set_upstream(mut self, set: bool) -> Self {
        self.body.set_upstream = Some(set);
        self
    }

    /// The user and the password or token for the remote. They are used for this call only, and never appear in
    /// errors or Debug.
    pub fn credentials(
        mut self,
        username: impl Into<String>,
        password: impl Into<SecretText>,
    ) -> Self {
        self.body.username = Some(username.into());
        self.body.password = Some(password.into().expose().to_owned());
        self
    }

    /// Pushes.
    ///
    /// # Errors
    ///
    /// See [`Git`](super::Git). A conflict where the remote has other commits. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be done all the same.
    pub async fn send(self) -> Result<(), Error> {
        let call = Call::new(&routes::PUSH_CHANGES, &[])?.json(&self.body)?;
        let call = call.hide(&self.body.password);
        let wait = self.toolbox.client.shared.config.timeouts.transfer;
        self.toolbox.act(call.wait(wait).total(wait)).await
    }
}
