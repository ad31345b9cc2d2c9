mod accessibility;
mod input;
mod recordings;
mod screenshot;

use super::Toolbox;
use crate::error::Error;
use crate::models::toolbox::{
    ComputerUseStartResponse, ComputerUseStatusResponse, ComputerUseStopResponse, DisplayInfo,
    DisplayInfoResponse, ProcessErrorsResponse, ProcessLogsResponse, ProcessStatusResponse,
    WindowInfo, WindowsResponse,
};
use crate::request::Call;
use crate::routes::toolbox as routes;

pub use self::screenshot::Screenshot;

/// The desktop of a sandbox: screen, mouse, keyboard and what is on them; from [`Toolbox::computer_use`].
/// Places are pixels from the top left.
///
/// All fail where the sandbox does not run (status 400), is gone (404) or cannot be reached; and where its image lacks
/// what they need, with [`is_not_installed`](Error::is_not_installed), in which case they are not tried again.
///
/// ```no_run
/// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
/// let desktop = toolbox.computer_use();
/// desktop.start().await?;
/// desktop.click(100, 200, |_| {}).await?;
/// desktop.type_text("hello", None).await?;
/// let picture = desktop.screenshot().compressed("jpeg", 80, 0.5).send().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ComputerUse {
    toolbox: Toolbox,
}

impl ComputerUse {
    pub(crate) fn new(toolbox: Toolbox) -> Self {
        Self { toolbox }
    }

    /// Starts the desktop: display, window manager, and what shows it: `POST /computeruse/start`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`].
    ///
    /// # Cancel safety
    ///
    /// It may start all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// desktop.start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start(&self) -> Result<ComputerUseStartResponse, Error> {
        self.toolbox
            .fetch(Call::new(&routes::START_COMPUTER_USE, &[])?.idempotent())
            .await
    }

    /// Stops the desktop: `POST /computeruse/stop`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`].
    ///
    /// # Cancel safety
    ///
    /// It may stop all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// desktop.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stop(&self) -> Result<ComputerUseStopResponse, Error> {
        self.toolbox
            .fetch(Call::new(&routes::STOP_COMPUTER_USE, &[])?.idempotent())
            .await
    }

    /// Whether the desktop can be used: `GET /computeruse/status`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// println!("{}", desktop.status().await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn status(&self) -> Result<String, Error> {
        let found: ComputerUseStatusResponse = self
            .toolbox
            .fetch(Call::new(&routes::GET_COMPUTER_USE_SYSTEM_STATUS, &[])?)
            .await?;
        Ok(found.status.unwrap_or_default())
    }

    /// How the processes of the desktop are, in one word: `GET /computeruse/process-status`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// println!("{}", desktop.processes_status().await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn processes_status(&self) -> Result<String, Error> {
        let found: ComputerUseStatusResponse = self
            .toolbox
            .fetch(Call::new(&routes::GET_COMPUTER_USE_STATUS, &[])?)
            .await?;
        Ok(found.status.unwrap_or_default())
    }

    /// Whether one process of the desktop runs, such as `xvfb`: `GET /computeruse/process/{name}/status`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Not found where there is no such process.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// assert!(desktop.process_status("xvfb").await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn process_status(&self, name: &str) -> Result<bool, Error> {
        let found: ProcessStatusResponse = self
            .toolbox
            .fetch(Call::new(&routes::GET_PROCESS_STATUS, &[name])?)
            .await?;
        Ok(found.running.unwrap_or_default())
    }

    /// What one process of the desktop wrote: `GET /computeruse/process/{name}/logs`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Not found where there is no such process.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// println!("{}", desktop.process_logs("xvfb").await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn process_logs(&self, name: &str) -> Result<String, Error> {
        let found: ProcessLogsResponse = self
            .toolbox
            .fetch(Call::new(&routes::GET_PROCESS_LOGS, &[name])?)
            .await?;
        Ok(found.logs.unwrap_or_default())
    }

    /// The errors of one process of the desktop: `GET /computeruse/process/{name}/errors`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Not found where there is no such process.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// println!("{}", desktop.process_errors("xvfb").await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn process_errors(&self, name: &str) -> Result<String, Error> {
        let found: ProcessErrorsResponse = self
            .toolbox
            .fetch(Call::new(&routes::GET_PROCESS_ERRORS, &[name])?)
            .await?;
        Ok(found.errors.unwrap_or_default())
    }

    /// Starts one process of the desktop anew: `POST /computeruse/process/{name}/restart`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Not found where there is no such process. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may start anew all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// desktop.restart_process("xvfb").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn restart_process(&self, name: &str) -> Result<(), Error> {
        self.toolbox
            .act(Call::new(&routes::RESTART_PROCESS, &[name])?)
            .await
    }

    /// The displays: `GET /computeruse/display/info`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// for display in desktop.displays().await? {
    ///     println!("{:?} x {:?}", display.width, display.height);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn displays(&self) -> Result<Vec<DisplayInfo>, Error> {
        let found: DisplayInfoResponse = self
            .toolbox
            .fetch(Call::new(&routes::GET_DISPLAY_INFO, &[])?)
            .await?;
        Ok(found.displays.unwrap_or_default())
    }

    /// The windows: `GET /computeruse/display/windows`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// for window in desktop.windows().await? {
    ///     println!("{:?}", window.title);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn windows(&self) -> Result<Vec<WindowInfo>, Error> {
        let found: WindowsResponse = self
            .toolbox
            .fetch(Call::new(&routes::GET_WINDOWS, &[])?)
            .await?;
        Ok(found.windows.unwrap_or_default())
    }
}
