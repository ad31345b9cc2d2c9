use super::Toolbox;
use crate::error::Error;
use crate::models::toolbox::{
    PtyCreateRequest, PtyCreateResponse, PtyListResponse, PtyResizeRequest, PtySessionInfo,
};
use crate::request::Call;
use crate::routes::toolbox as routes;

/// Terminals in a sandbox; from [`Toolbox::pty`].
///
/// All fail where the sandbox does not run (status 400), is gone (404) or cannot be reached. Status 404 is also
/// no such terminal.
///
/// ```no_run
/// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
/// let pty = toolbox.pty();
/// pty.create("main", |_| {}).await?;
/// pty.resize("main", 120, 40).await?;
/// pty.delete("main").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Pty {
    pub(super) toolbox: Toolbox,
}

impl Pty {
    pub(crate) fn new(toolbox: Toolbox) -> Self {
        Self { toolbox }
    }

    /// All terminals: `GET /process/pty`.
    ///
    /// # Errors
    ///
    /// See [`Pty`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let pty = toolbox.pty();
    /// let terminals = pty.list().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list(&self) -> Result<Vec<PtySessionInfo>, Error> {
        let found: PtyListResponse = self
            .toolbox
            .fetch(Call::new(&routes::LIST_PTY_SESSIONS, &[])?)
            .await?;
        Ok(found.sessions)
    }

    /// Makes a terminal without connecting to it: `POST /process/pty`. `set` may give `cols` and `rows` (1 to
    /// 1,000; default 80 by 24), `cwd`, `envs`, and `lazy_start`, which starts the shell with the first
    /// connection. Gives its id.
    ///
    /// # Errors
    ///
    /// See [`Pty`]. A conflict where there is one of this name; status 400 for a size that is out of range. Not
    /// retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be made all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let pty = toolbox.pty();
    /// pty.create("main", |new| new.cols = Some(120)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create(
        &self,
        id: &str,
        set: impl FnOnce(&mut PtyCreateRequest) + Send,
    ) -> Result<String, Error> {
        let mut body = PtyCreateRequest {
            id: Some(id.to_owned()),
            ..PtyCreateRequest::default()
        };
        set(&mut body);
        let call = Call::new(&routes::CREATE_PTY_SESSION, &[])?.json(&body)?;
        let call = call.hide(body.envs.iter().flatten().map(|(_, value)| value));
        let made: PtyCreateResponse = self.toolbox.fetch(call).await?;
        Ok(made.session_id)
    }

    /// One terminal: `GET /process/pty/{id}`.
    ///
    /// # Errors
    ///
    /// See [`Pty`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let pty = toolbox.pty();
    /// let terminal = pty.get("main").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get(&self, id: &str) -> Result<PtySessionInfo, Error> {
        self.toolbox
            .fetch(Call::new(&routes::GET_PTY_SESSION, &[id])?)
            .await
    }

    /// Kills what runs in a terminal and removes it: `DELETE /process/pty/{id}`.
    ///
    /// # Errors
    ///
    /// See [`Pty`]. After a retry, not found may mean that the first attempt did it.
    ///
    /// # Cancel safety
    ///
    /// It may be removed all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let pty = toolbox.pty();
    /// pty.delete("main").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        self.toolbox
            .act(Call::new(&routes::DELETE_PTY_SESSION, &[id])?)
            .await
    }

    /// Changes the size of a terminal, 1 to 1,000 each way: `POST /process/pty/{id}/resize`.
    ///
    /// # Errors
    ///
    /// See [`Pty`]. Status 410 where it is unknown or has ended, 400 for a size that is out of range.
    ///
    /// # Cancel safety
    ///
    /// It may be changed all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let pty = toolbox.pty();
    /// pty.resize("main", 120, 40).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn resize(&self, id: &str, cols: u16, rows: u16) -> Result<PtySessionInfo, Error> {
        let body = PtyResizeRequest {
            cols: i64::from(cols),
            rows: i64::from(rows),
        };
        self.toolbox
            .fetch(
                Call::new(&routes::RESIZE_PTY_SESSION, &[id])?
                    .json(&body)?
                    .idempotent(),
            )
            .await
    }
}
