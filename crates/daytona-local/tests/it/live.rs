//! Sessions, terminals and the interpreter, through the client of daytona-api.

mod charts;
mod code;
mod lsp;
mod sessions;
mod terminals;

use std::time::Duration;

use daytona_api::api::Toolbox;
use daytona_api::{Config, Daytona};
use daytona_local::{Server, ServerBuilder};

use crate::support::{isolated, plain};

/// A server, and a sandbox that runs.
pub(crate) struct Lab {
    pub(crate) server: Server,
    pub(crate) api: Daytona,
    pub(crate) id: String,
    pub(crate) toolbox: Toolbox,
}

impl Lab {
    pub(crate) async fn new(builder: ServerBuilder) -> Self {
        let server = builder.start().await.unwrap();
        let config = Config::new(server.token()).api_url(server.api_url());
        let api = Daytona::new(config).unwrap();
        let sandbox = api.sandboxes().create().send().await.unwrap();
        let toolbox = api.toolbox(&sandbox).unwrap();
        Self {
            server,
            api,
            id: sandbox.id,
            toolbox,
        }
    }

    /// Without isolation and in namespaces.
    pub(crate) async fn both() -> [Self; 2] {
        let plain = Box::pin(Self::new(plain())).await;
        [plain, Box::pin(Self::new(isolated())).await]
    }
}

/// Fails a test that would hang.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(Duration::from_secs(60), work).await;
    done.unwrap_or_else(|_| panic!("it hangs"))
}
