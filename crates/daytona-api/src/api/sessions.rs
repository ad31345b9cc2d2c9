use std::time::Duration;

use super::Toolbox;
use crate::error::{Error, ErrorKind};
use crate::models::toolbox::{
    Command, CreateSessionRequest, Session, SessionCommandLogsResponse, SessionExecuteRequest,
    SessionExecuteResponse, SessionSendInputRequest,
};
use crate::request::Call;
use crate::routes::toolbox as routes;
use crate::wire::markers::{split, unmarked};

/// Shells that stay, in a sandbox; from [`Toolbox::sessions`].
///
/// All fail where the sandbox does not run (status 400), is gone (404) or cannot be reached. Status 404 is also
/// no such session or command.
///
/// ```no_run
/// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
/// let sessions = toolbox.sessions();
/// sessions.create("build").await?;
/// sessions.execute("build", "cd /srv/app").await?;
/// let done = sessions.execute("build", "make").await?;
/// sessions.delete("build").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Sessions {
    pub(super) toolbox: Toolbox,
}

impl Sessions {
    pub(crate) fn new(toolbox: Toolbox) -> Self {
        Self { toolbox }
    }

    /// Starts a session, a shell of its own: `POST /process/session`. `entrypoint` is no name.
    ///
    /// # Errors
    ///
    /// See [`Sessions`]. A conflict where there is one of this name. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be started all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let sessions = toolbox.sessions();
    /// sessions.create("build").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create(&self, id: &str) -> Result<(), Error> {
        let body = CreateSessionRequest {
            session_id: id.to_owned(),
        };
        self.toolbox
            .act(Call::new(&routes::CREATE_SESSION, &[])?.json(&body)?)
            .await
    }

    /// All sessions with their commands, without that of the entrypoint: `GET /process/session`.
    ///
    /// # Errors
    ///
    /// See [`Sessions`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let sessions = toolbox.sessions();
    /// for session in sessions.list().await? {
    ///     println!("{} {}", session.session_id, session.commands.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list(&self) -> Result<Vec<Session>, Error> {
        self.toolbox
            .list_of(Call::new(&routes::LIST_SESSIONS, &[])?)
            .await
    }

    /// One session: `GET /process/session/{id}`.
    ///
    /// # Errors
    ///
    /// See [`Sessions`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let sessions = toolbox.sessions();
    /// let session = sessions.get("build").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get(&self, id: &str) -> Result<Session, Error> {
        self.toolbox
            .fetch(Call::new(&routes::GET_SESSION, &[id])?)
            .await
    }

    /// Ends a session, its processes and its logs: `DELETE /process/session/{id}`. Processes that do not end by
    /// themselves are killed after five seconds.
    ///
    /// # Errors
    ///
    /// See [`Sessions`]. After a retry, not found may mean that the first attempt did it.
    ///
    /// # Cancel safety
    ///
    /// It may be ended all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let sessions = toolbox.sessions();
    /// sessions.delete("build").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        self.toolbox
            .act(Call::new(&routes::DELETE_SESSION, &[id])?.wait(Duration::from_secs(10)))
            .await
    }

    /// Runs a command in a session and waits for its end: `POST /process/session/{session}/exec`. The session's
    /// folder, variables and functions are as earlier commands left them. The server sets no bound; this client
    /// gives up after [`Timeouts::execute`](crate::Timeouts::execute). Standard input is empty.
    ///
    /// # Errors
    ///
    /// See [`Sessions`]. Never sent again once a byte of it may have been written.
    ///
    /// # Cancel safety
    ///
    /// Not safe: the command may go on.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let sessions = toolbox.sessions();
    /// let done = sessions.execute("build", "cd /srv/app && make").await?;
    /// println!("{:?}: {}", done.exit_code, done.stdout.unwrap_or_default());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn execute(
        &self,
        session: &str,
        command: &str,
    ) -> Result<SessionExecuteResponse, Error> {
        let body = SessionExecuteRequest {
            command: command.to_owned(),
            ..SessionExecuteRequest::default()
        };
        let limits = &self.toolbox.client.shared.config;
        let wait = limits.timeouts.execute;
        let call = Call::new(&routes::SESSION_EXECUTE_COMMAND, &[session])?.json(&body)?;
        let call = call.wait(wait).total(wait + limits.timeouts.head);
        let base = &self.toolbox.base;
        let mut done: SessionExecuteResponse = self
            .toolbox
            .client
            .json(base, call, limits.limits.output)
            .await?;
        done.output = done.output.map(|text| unmarked(&text));
        Ok(done)
    }

    /// Starts a command in a session and does not wait: `POST /process/session/{session}/exec`. Gives the
    /// command's id. Its input stays open for [`send_input`](Self::send_input), which is repeated in its output
    /// unless `suppress_input_echo`.
    ///
    /// # Errors
    ///
    /// See [`Sessions`]. Never sent again once a byte of it may have been written.
    ///
    /// # Cancel safety
    ///
    /// Not safe: the command may start.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let sessions = toolbox.sessions();
    /// let command = sessions.start("build", "make test", false).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start(
        &self,
        session: &str,
        command: &str,
        suppress_input_echo: bool,
    ) -> Result<String, Error> {
        let body = SessionExecuteRequest {
            command: command.to_owned(),
            run_async: Some(true),
            suppress_input_echo: suppress_input_echo.then_some(true),
            r#async: None,
        };
        let call = Call::new(&routes::SESSION_EXECUTE_COMMAND, &[session])?.json(&body)?;
        let started: SessionExecuteResponse = self.toolbox.fetch(call).await?;
        if started.cmd_id.is_empty() {
            let what = "the server gives no id of the command";
            return Err(Error::new(ErrorKind::Decode, what)
                .with_operation(routes::SESSION_EXECUTE_COMMAND.id));
        }
        Ok(started.cmd_id)
    }

    /// One command, and how it ended where it has: `GET /process/session/{session}/command/{command}`.
    ///
    /// # Errors
    ///
    /// See [`Sessions`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let sessions = toolbox.sessions();
    /// let command = sessions.start("build", "make", false).await?;
    /// let exit_code = sessions.command("build", &command).await?.exit_code;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn command(&self, session: &str, command: &str) -> Result<Command, Error> {
        self.toolbox
            .fetch(Call::new(
                &routes::GET_SESSION_COMMAND,
                &[session, command],
            )?)
            .await
    }

    /// Writes to the standard input of a command that runs: `POST
    /// /process/session/{session}/command/{command}/input`. Servers add a line break where there is none at the
    /// end.
    ///
    /// # Errors
    ///
    /// See [`Sessions`]. Status 410 where the command has ended. The input is in no error. Not retried once it
    /// may have been sent.
    ///
    /// # Cancel safety
    ///
    /// Not safe: it may be written.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let sessions = toolbox.sessions();
    /// let command = sessions.start("build", "read name; echo $name", true).await?;
    /// sessions.send_input("build", &command, "Ada\n").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send_input(&self, session: &str, command: &str, data: &str) -> Result<(), Error> {
        let body = SessionSendInputRequest {
            data: data.to_owned(),
        };
        let call = Call::new(&routes::SEND_INPUT, &[session, command])?.json(&body)?;
        self.toolbox.act(call.hide([&body.data])).await
    }

    /// The output of a command so far: `GET /process/session/{session}/command/{command}/logs`. Bytes that are
    /// no UTF-8 are replaced.
    ///
    /// # Errors
    ///
    /// See [`Sessions`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let sessions = toolbox.sessions();
    /// let command = sessions.start("build", "make", false).await?;
    /// let logs = sessions.logs("build", &command).await?;
    /// print!("{}", logs.stdout);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn logs(
        &self,
        session: &str,
        command: &str,
    ) -> Result<SessionCommandLogsResponse, Error> {
        let call = Call::new(&routes::GET_SESSION_COMMAND_LOGS, &[session, command])?;
        self.read_logs(call).await
    }

    /// The session of the image's entrypoint: `GET /process/session/entrypoint`.
    ///
    /// # Errors
    ///
    /// See [`Sessions`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let sessions = toolbox.sessions();
    /// let session = sessions.entrypoint().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn entrypoint(&self) -> Result<Session, Error> {
        self.toolbox
            .fetch(Call::new(&routes::GET_ENTRYPOINT_SESSION, &[])?)
            .await
    }

    /// The output of the image's entrypoint so far: `GET /process/session/entrypoint/logs`.
    ///
    /// # Errors
    ///
    /// See [`Sessions`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let sessions = toolbox.sessions();
    /// let logs = sessions.entrypoint_logs().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn entrypoint_logs(&self) -> Result<SessionCommandLogsResponse, Error> {
        self.read_logs(Call::new(&routes::GET_ENTRYPOINT_LOGS, &[])?)
            .await
    }

    async fn read_logs(&self, call: Call) -> Result<SessionCommandLogsResponse, Error> {
        let client = &self.toolbox.client;
        let limit = client.shared.config.limits.output;
        let base = &self.toolbox.base;
        // servers answer in text where they do not know the version of the client
        let answer = client.answer(base, call, limit).await?;
        if let Some(mut logs) = answer.json::<SessionCommandLogsResponse>() {
            logs.output = unmarked(&logs.output);
            return Ok(logs);
        }
        let (stdout, stderr) = split(&answer.body);
        Ok(SessionCommandLogsResponse {
            output: unmarked(&String::from_utf8_lossy(&answer.body)),
            stdout,
            stderr,
        })
    }
}
