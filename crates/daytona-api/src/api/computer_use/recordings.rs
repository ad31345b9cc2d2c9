use bytes::Bytes;

use super::ComputerUse;
use crate::error::Error;
use crate::models::toolbox::{
    ListRecordingsResponse, Recording, StartRecordingRequest, StopRecordingRequest,
};
use crate::request::Call;
use crate::routes::toolbox as routes;

/// Videos of the screen.
impl ComputerUse {
    /// Begins to record the screen: `POST /computeruse/recordings/start`. `label` becomes part of the file's
    /// name.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Status 400 or 503 where the sandbox has no ffmpeg. Not retried once it may have
    /// been sent.
    ///
    /// # Cancel safety
    ///
    /// It may begin all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// let recording = desktop.start_recording(Some("login")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start_recording(&self, label: Option<&str>) -> Result<Recording, Error> {
        let body = StartRecordingRequest {
            label: label.map(str::to_owned),
        };
        self.toolbox
            .fetch(Call::new(&routes::START_RECORDING, &[])?.json(&body)?)
            .await
    }

    /// Ends a recording: `POST /computeruse/recordings/stop`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Not found where there is no such recording. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may end all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// let recording = desktop.start_recording(None).await?;
    /// desktop.stop_recording(&recording.id).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stop_recording(&self, id: &str) -> Result<Recording, Error> {
        let body = StopRecordingRequest { id: id.to_owned() };
        self.toolbox
            .fetch(Call::new(&routes::STOP_RECORDING, &[])?.json(&body)?)
            .await
    }

    /// All recordings: `GET /computeruse/recordings`.
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
    /// let recordings = desktop.recordings().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn recordings(&self) -> Result<Vec<Recording>, Error> {
        let found: ListRecordingsResponse = self
            .toolbox
            .fetch(Call::new(&routes::LIST_RECORDINGS, &[])?)
            .await?;
        Ok(found.recordings)
    }

    /// One recording: `GET /computeruse/recordings/{id}`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Not found where there is no such recording.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// let recording = desktop.recording("3f0c8b1e").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn recording(&self, id: &str) -> Result<Recording, Error> {
        self.toolbox
            .fetch(Call::new(&routes::GET_RECORDING, &[id])?)
            .await
    }

    /// Deletes a recording: `DELETE /computeruse/recordings/{id}`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. A conflict while it goes on. After a retry, not found may mean that the first
    /// attempt did it.
    ///
    /// # Cancel safety
    ///
    /// It may be deleted all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// desktop.delete_recording("3f0c8b1e").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete_recording(&self, id: &str) -> Result<(), Error> {
        self.toolbox
            .act(Call::new(&routes::DELETE_RECORDING, &[id])?)
            .await
    }

    /// The video of a recording, in memory: `GET /computeruse/recordings/{id}/download`, at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Not found where there is no such recording;
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) for a larger video. To stream one, download its
    /// `file_path` as a file.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// let video = desktop.download_recording("3f0c8b1e", 64 << 20).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn download_recording(&self, id: &str, limit: usize) -> Result<Bytes, Error> {
        let client = &self.toolbox.client;
        let call = Call::new(&routes::DOWNLOAD_RECORDING, &[id])?.accept("*/*");
        let call = call.total(client.shared.config.timeouts.transfer);
        Ok(client.answer(&self.toolbox.base, call, limit).await?.body)
    }
}
