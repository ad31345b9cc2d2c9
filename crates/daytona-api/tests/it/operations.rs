//! Every operation with a method by hand: the request it makes, and that its answer is understood.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

mod control;
mod coverage;
mod desktop;
mod once;
mod sandboxes;
mod toolbox;

use std::future::Future;
use std::sync::Mutex;

use daytona_api::api::Toolbox;
use daytona_api::test_util::Scripted;
use daytona_api::{Daytona, Error};

use super::support::scripted;

/// A client, and the server that notes what it asks.
pub(crate) struct Lab {
    server: Scripted,
    api: Daytona,
    /// What the last call failed with.
    failed: Mutex<Option<Error>>,
}

impl Lab {
    fn new() -> Self {
        let server = Scripted::new();
        let api = scripted(&server);
        Self::over(server, api)
    }

    /// With a client of its own that ends at `server`.
    fn over(server: Scripted, api: Daytona) -> Self {
        Self {
            server,
            api,
            failed: Mutex::default(),
        }
    }

    fn toolbox(&self) -> Toolbox {
        let proxy = "https://proxy.app.daytona.io/toolbox";
        self.api.toolbox_at(proxy, "sb-1").unwrap()
    }

    /// Makes `call`, which is answered with `answer`.
    async fn ask<T>(&self, answer: &str, call: impl Future<Output = Result<T, Error>>) -> T {
        let _ = self.server.clone().json(200, answer);
        match call.await {
            Ok(answer) => answer,
            Err(error) => {
                let text = format!("{error:?}");
                *self.failed.lock().unwrap() = Some(error);
                panic!("{text}");
            }
        }
    }

    /// One line for each request: method, path with query, body.
    fn seen(&self) -> String {
        let lines = self.server.requests().into_iter().map(|request| {
            let query = request.query().map(|query| format!("?{query}"));
            let body = String::from_utf8_lossy(request.body());
            let line = format!(
                "{} {}{} {body}",
                request.method(),
                request.path(),
                query.unwrap_or_default(),
            );
            line.trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}
