//! What the event socket tells: every change, as it happens.

use std::sync::Arc;

use daytona_api::models::{SandboxDesiredState, SandboxState};
use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::row::Row;

/// Events that wait for a client that does not read; one that falls further behind is cut off.
const BUFFER: usize = 4096;

/// Hands out what happens.
#[derive(Clone, Debug)]
pub(crate) struct News {
    listeners: broadcast::Sender<Arc<str>>,
    proxy: Arc<str>,
}

impl News {
    pub(crate) fn new(proxy: &str) -> Self {
        Self {
            listeners: broadcast::Sender::new(BUFFER),
            proxy: proxy.into(),
        }
    }

    /// What happens from now on, as packets of Socket.IO.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Arc<str>> {
        self.listeners.subscribe()
    }

    /// Nothing is written where nobody listens.
    pub(crate) fn tell(&self, name: &str, payload: impl FnOnce(&str) -> Value) {
        if self.listeners.receiver_count() > 0 {
            let event = json!([name, payload(&self.proxy)]);
            drop(self.listeners.send(format!("42{event}").into()));
        }
    }

    pub(crate) fn created(&self, row: &Row) {
        self.tell("sandbox.created", |proxy| json!(row.view(proxy)));
    }

    pub(crate) fn changed(&self, row: &Row, old: &SandboxState) {
        if row.state != *old {
            self.tell("sandbox.state.updated", |proxy| {
                json!({ "sandbox": row.view(proxy), "oldState": old, "newState": row.state })
            });
        }
    }

    pub(crate) fn aimed(&self, row: &Row, old: &SandboxDesiredState) {
        if row.desired != *old {
            self.tell("sandbox.desired-state.updated", |proxy| {
                json!({
                    "sandbox": row.view(proxy),
                    "oldDesiredState": old,
                    "newDesiredState": row.desired,
                })
            });
        }
    }
}
