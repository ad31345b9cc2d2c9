//! From the wire to a typed event.

use super::Event;
use crate::models::Sandbox;
use crate::wire::engine;

impl Event {
    /// `None` where it is no event at all.
    pub(crate) fn read(array: &str) -> Option<Self> {
        let (name, payload) = engine::event::<serde_json::Value>(array)?;
        let payload = payload.unwrap_or_default();
        let known = Self::known(&name, &payload);
        Some(known.unwrap_or(Self::Other { name, payload }))
    }

    fn known(name: &str, payload: &serde_json::Value) -> Option<Self> {
        fn of<T: serde::de::DeserializeOwned>(value: &serde_json::Value) -> Option<T> {
            // a null or a text is nothing that happened to something
            let object = value.is_object();
            object.then(|| T::deserialize(value).ok()).flatten()
        }
        fn state<T: serde::de::DeserializeOwned + Default>(
            payload: &serde_json::Value,
            name: &str,
        ) -> T {
            let value = payload.get(name);
            let read = value.and_then(|value| T::deserialize(value).ok());
            read.unwrap_or_default()
        }
        let sandbox = || {
            let read: Option<Sandbox> = payload.get("sandbox").and_then(of);
            read.filter(|sandbox| !sandbox.id.is_empty()).map(Box::new)
        };
        Some(match name {
            "sandbox.created" => {
                let sandbox: Sandbox = of(payload)?;
                Self::SandboxCreated(Some(sandbox).filter(|it| !it.id.is_empty()).map(Box::new)?)
            }
            "sandbox.state.updated" => Self::SandboxStateUpdated {
                sandbox: sandbox()?,
                old_state: state(payload, "oldState"),
                new_state: state(payload, "newState"),
            },
            "sandbox.desired-state.updated" => Self::SandboxDesiredStateUpdated {
                sandbox: sandbox()?,
                old_desired_state: state(payload, "oldDesiredState"),
                new_desired_state: state(payload, "newDesiredState"),
            },
            "snapshot.created" => Self::SnapshotCreated(Box::new(of(payload)?)),
            "snapshot.state.updated" => Self::SnapshotStateUpdated {
                snapshot: Box::new(payload.get("snapshot").and_then(of)?),
                old_state: state(payload, "oldState"),
                new_state: state(payload, "newState"),
            },
            "snapshot.removed" => Self::SnapshotRemoved(Box::new(of(payload)?)),
            "volume.created" => Self::VolumeCreated(Box::new(of(payload)?)),
            "volume.state.updated" => Self::VolumeStateUpdated {
                volume: Box::new(payload.get("volume").and_then(of)?),
                old_state: state(payload, "oldState"),
                new_state: state(payload, "newState"),
            },
            _ => return None,
        })
    }
}
