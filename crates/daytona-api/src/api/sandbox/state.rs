use super::Sandboxes;
use crate::error::Error;
use crate::models::{CreateSandboxSnapshot, ForkSandbox, ResizeSandbox, Sandbox};
use crate::request::{Call, flag};
use crate::routes::control_plane as routes;

/// What it is doing, and what it came from.
impl Sandboxes {
    /// Pauses a sandbox, which keeps its memory: `POST /sandbox/{id_or_name}/pause`. Only classes `linux-vm`
    /// and `windows` can be paused. The answer comes before it is paused.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]. Status 400 where it does not run, 422 where its class cannot be paused. Not retried
    /// once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// The sandbox may be paused all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.sandboxes().pause("my-sandbox").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn pause(&self, id_or_name: &str) -> Result<Sandbox, Error> {
        self.same(
            id_or_name,
            Call::new(&routes::PAUSE_SANDBOX, &[id_or_name])?,
        )
        .await
    }

    /// Moves the disk of a stopped sandbox to cheaper storage: `POST /sandbox/{id_or_name}/archive`. The answer
    /// comes before it is archived. Starting it again takes longer.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]. Status 400 where it is not stopped, or is deleted when it stops. Not retried once it
    /// may have been sent.
    ///
    /// # Cancel safety
    ///
    /// The sandbox may be archived all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.sandboxes().archive("my-sandbox").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn archive(&self, id_or_name: &str) -> Result<Sandbox, Error> {
        self.same(
            id_or_name,
            Call::new(&routes::ARCHIVE_SANDBOX, &[id_or_name])?,
        )
        .await
    }

    /// Recovers a sandbox from an error that its `recoverable` says can be mended: `POST
    /// /sandbox/{id_or_name}/recover`. With `skip_start` it is left stopped.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]. Status 400 where there is nothing to recover from. Not retried once it may have been
    /// sent.
    ///
    /// # Cancel safety
    ///
    /// The sandbox may recover all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let sandbox = api.sandboxes().get("my-sandbox").await?;
    /// if sandbox.recoverable == Some(true) {
    ///     api.sandboxes().recover(&sandbox.id, false).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn recover(&self, id_or_name: &str, skip_start: bool) -> Result<Sandbox, Error> {
        let call = Call::new(&routes::RECOVER_SANDBOX, &[id_or_name])?;
        self.same(id_or_name, call.query("skipStart", flag(skip_start)))
            .await
    }

    /// Gives a sandbox other resources: `POST /sandbox/{id_or_name}/resize`. `change` sets what shall be
    /// different: `cpu` in cores, `memory` and `disk` in GiB, each at least 1. A running sandbox can only get
    /// more, and its disk can only grow while it is stopped.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]. Status 400 where nothing would change, or it would shrink. Not retried once it may
    /// have been sent.
    ///
    /// # Cancel safety
    ///
    /// The sandbox may be resized all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.sandboxes().resize("my-sandbox", |to| to.memory = Some(8)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn resize(
        &self,
        id_or_name: &str,
        change: impl FnOnce(&mut ResizeSandbox) + Send,
    ) -> Result<Sandbox, Error> {
        let mut body = ResizeSandbox::default();
        change(&mut body);
        self.same(
            id_or_name,
            Call::new(&routes::RESIZE_SANDBOX, &[id_or_name])?.json(&body)?,
        )
        .await
    }

    /// Makes a snapshot of a sandbox that is started or stopped, from which others can be created: `POST
    /// /sandbox/{id_or_name}/snapshot`. With `include_memory` it holds the memory too. The answer comes before
    /// the snapshot is there; see [`Snapshots::wait_until_active`](crate::api::Snapshots::wait_until_active).
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]. Also a conflict where the name is taken. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// The snapshot may be made all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.sandboxes().create_snapshot("my-sandbox", "with-tools:1", false).await?;
    /// let minute = std::time::Duration::from_secs(60);
    /// api.snapshots().wait_until_active("with-tools:1", minute).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_snapshot(
        &self,
        id_or_name: &str,
        name: &str,
        include_memory: bool,
    ) -> Result<Sandbox, Error> {
        let body = CreateSandboxSnapshot {
            name: name.to_owned(),
            include_memory: include_memory.then_some(true),
        };
        let call = Call::new(&routes::CREATE_SANDBOX_SNAPSHOT, &[id_or_name])?.json(&body)?;
        self.same(id_or_name, call).await
    }

    /// Makes a copy of a running sandbox with all its state: `POST /sandbox/{id_or_name}/fork`. Only the class
    /// `linux-vm` can be forked. `name` is the copy's (default: its id). Gives the copy.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]. Status 400 where it does not run, 422 where its class cannot be forked; a conflict
    /// where the name is taken. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// The copy may be made all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let copy = api.sandboxes().fork("my-sandbox", Some("my-copy")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn fork(&self, id_or_name: &str, name: Option<&str>) -> Result<Sandbox, Error> {
        let body = ForkSandbox {
            name: name.map(str::to_owned),
        };
        self.sandbox(Call::new(&routes::FORK_SANDBOX, &[id_or_name])?.json(&body)?)
            .await
    }

    /// The sandboxes forked from this one: `GET /sandbox/{id_or_name}/forks`; those that are gone too, if
    /// wanted.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let copies = api.sandboxes().forks("my-sandbox", false).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn forks(
        &self,
        id_or_name: &str,
        include_destroyed: bool,
    ) -> Result<Vec<Sandbox>, Error> {
        let call = Call::new(&routes::GET_SANDBOX_FORKS, &[id_or_name])?;
        self.client
            .list_of(call.query("includeDestroyed", flag(include_destroyed)))
            .await
    }

    /// The sandbox that this one was forked from: `GET /sandbox/{id_or_name}/parent`.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`]. Not found also where it is no fork.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let original = api.sandboxes().parent("my-copy").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn parent(&self, id_or_name: &str) -> Result<Sandbox, Error> {
        self.sandbox(Call::new(&routes::GET_SANDBOX_PARENT, &[id_or_name])?)
            .await
    }

    /// The sandboxes that this one was forked from, the nearest first: `GET /sandbox/{id_or_name}/ancestors`.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let line = api.sandboxes().ancestors("my-copy").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn ancestors(&self, id_or_name: &str) -> Result<Vec<Sandbox>, Error> {
        self.client
            .list_of(Call::new(&routes::GET_SANDBOX_ANCESTORS, &[id_or_name])?)
            .await
    }
}
