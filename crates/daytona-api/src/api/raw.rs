//! Generated methods for what has none by hand: administration, and what runners and proxies call.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::Toolbox;
use crate::client::Daytona;
use crate::error::Error;
use crate::request::Call;

pub use crate::generated::raw::ROUTES;

/// Operations of the control plane without comfort; from [`Daytona::raw`].
///
/// Each method is one operation: its parameters of the path, then its query as names and values, then its body.
/// What the documents do not describe comes as JSON, or as the bytes of the answer. Only what is idempotent by its
/// method is retried. A value of a body that the server repeats in an error message is not hidden.
///
/// ```
/// # #[cfg(feature = "test-util")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), daytona_api::Error> {
/// # use daytona_api::{Config, Daytona, test_util::Scripted};
/// let server = Scripted::new().json(200, r#"[{"id":"r-1","name":"mine"}]"#);
/// let api = Daytona::builder(Config::new("key")).transport(server.share()).build()?;
/// let registries = api.raw().list_registries().await?;
/// assert_eq!(registries[0].name, "mine");
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "test-util"))]
/// # fn main() {}
/// ```
///
/// # Errors
///
/// As for every call of this crate.
///
/// # Cancel safety
///
/// What changes something may be carried out all the same.
#[derive(Clone, Debug)]
pub struct ControlPlaneRaw {
    client: Daytona,
}

impl ControlPlaneRaw {
    pub(crate) fn new(client: Daytona) -> Self {
        Self { client }
    }

    pub(crate) async fn fetch<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        self.client.fetch(call).await
    }

    pub(crate) async fn bytes(&self, call: Call) -> Result<Bytes, Error> {
        let client = &self.client;
        client.done(&client.shared.base, call.accept("*/*")).await
    }

    pub(crate) async fn act(&self, call: Call) -> Result<(), Error> {
        self.client.act(call).await
    }
}

/// Operations of a toolbox without comfort; from [`Toolbox::raw`]. As [`ControlPlaneRaw`].
#[derive(Clone, Debug)]
pub struct ToolboxRaw {
    toolbox: Toolbox,
}

impl ToolboxRaw {
    pub(crate) fn new(toolbox: Toolbox) -> Self {
        Self { toolbox }
    }

    pub(crate) async fn fetch<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        self.toolbox.fetch(call).await
    }
}
