//! Whether a row is to go.

use std::collections::BTreeMap;
use std::time::Duration;

use daytona_api::models::{Sandbox, SandboxDesiredState, SandboxListItem, SandboxState};
use jiff::Timestamp;

use crate::labels::{self, NAME_PREFIX};

/// What it takes to be stale.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    pub(super) namespace: &'a str,
    pub(super) instance: &'a str,
    /// Without activity for this long, and for three times its own lease.
    pub(super) idle: Duration,
    pub(super) persistent: bool,
    /// By the server's clock.
    pub(super) now: Timestamp,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// On its way out already.
    Gone,
    /// Not ours, or of another namespace or kind.
    Foreign,
    Spared(&'static str),
    Stale,
}

/// What counts, of an item of a list and of a row alike.
struct Facts<'a> {
    name: &'a str,
    labels: &'a BTreeMap<String, String>,
    state: Option<&'a SandboxState>,
    desired: Option<&'a SandboxDesiredState>,
    stop: Option<i64>,
    delete: Option<i64>,
    active: Option<&'a str>,
    recoverable: Option<bool>,
}

impl Facts<'_> {
    /// Given up by the server, with nothing in it that could be had back.
    fn is_broken(&self) -> bool {
        let failed = matches!(
            self.state,
            Some(SandboxState::Error | SandboxState::BuildFailed)
        );
        failed && self.recoverable != Some(true)
    }
}

impl Judge<'_> {
    pub(super) fn item(&self, item: &SandboxListItem) -> Verdict {
        self.facts(&Facts {
            name: &item.name,
            labels: &item.labels,
            state: item.state.as_ref(),
            desired: item.desired_state.as_ref(),
            stop: item.auto_stop_interval,
            delete: item.auto_delete_interval,
            active: item
                .last_activity_at
                .as_deref()
                .or(item.created_at.as_deref()),
            recoverable: item.recoverable,
        })
    }

    pub(super) fn row(&self, row: &Sandbox) -> Verdict {
        self.facts(&Facts {
            name: &row.name,
            labels: &row.labels,
            state: row.state.as_ref(),
            desired: row.desired_state.as_ref(),
            stop: row.auto_stop_interval,
            delete: row.auto_delete_interval,
            active: row
                .last_activity_at
                .as_deref()
                .or(row.created_at.as_deref()),
            recoverable: row.recoverable,
        })
    }

    fn facts(&self, facts: &Facts<'_>) -> Verdict {
        let gone = matches!(
            facts.state,
            Some(SandboxState::Destroyed | SandboxState::Destroying)
        ) || facts.desired == Some(&SandboxDesiredState::Destroyed);
        if gone {
            return Verdict::Gone;
        }
        let label = |key: &str| facts.labels.get(key).map(String::as_str);
        let ours = label(labels::MANAGED) == Some("1")
            && label(labels::NAMESPACE) == Some(self.namespace)
            && label(labels::VERSION) == Some(labels::CURRENT)
            && facts.name.starts_with(NAME_PREFIX);
        if !ours {
            return Verdict::Foreign;
        }
        if label(labels::INSTANCE) == Some(self.instance) {
            return Verdict::Spared("it belongs to this process");
        }
        // no timer of the server takes a row that broke, whatever its lease
        if facts.delete != Some(0) && !self.persistent && !facts.is_broken() {
            return Verdict::Spared("it is meant to be kept when stopped");
        }
        let Some(active) = facts.active.and_then(|time| time.parse::<Timestamp>().ok()) else {
            return Verdict::Spared("the server does not say when it was last active");
        };
        let idle = Duration::try_from(self.now.duration_since(active)).unwrap_or_default();
        let lease = u64::try_from(facts.stop.unwrap_or_default()).unwrap_or_default() * 60;
        if idle < self.idle.max(Duration::from_secs(lease.saturating_mul(3))) {
            return Verdict::Spared("it was active not long ago");
        }
        Verdict::Stale
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2026-11-26T12:00:00Z";

    /// A row that is stale, with one thing changed.
    fn verdict(change: impl FnOnce(&mut Value)) -> Verdict {
        let mut row = json!({
            "id": "1", "name": "denv-x", "state": "error", "desiredState": "started",
            "autoStopInterval": 5, "autoDeleteInterval": 0, "lastActivityAt": "2026-11-26T11:44:00.000Z",
            "labels": { "daytona-env.managed": "1", "daytona-env.ns": "ns", "daytona-env.instance": "other",
                        "daytona-env.v": "1" },
        });
        change(&mut row);
        let judge = Judge {
            namespace: "ns",
            instance: "mine",
            idle: Duration::from_secs(15 * 60),
            persistent: false,
            now: NOW.parse().unwrap(),
        };
        let listed = judge.item(&serde_json::from_value(row.clone()).unwrap());
        assert_eq!(
            listed,
            judge.row(&serde_json::from_value(row).unwrap()),
            "alike in a list and by itself"
        );
        listed
    }

    #[test]
    fn a_row_must_be_ours_and_stale_in_every_way() {
        assert_eq!(verdict(|_| ()), Verdict::Stale);
        assert_eq!(
            verdict(|row| row["lastActivityAt"] = json!("2026-11-26T11:46:00Z")),
            Verdict::Spared("it was active not long ago")
        );
        assert_eq!(
            verdict(|row| row["autoStopInterval"] = json!(6)),
            Verdict::Spared("it was active not long ago")
        );
        assert_eq!(
            verdict(|row| row["lastActivityAt"] = json!("2026-11-26T13:00:00Z")),
            Verdict::Spared("it was active not long ago")
        );
        assert!(matches!(
            verdict(|row| row["lastActivityAt"] = json!("yesterday")),
            Verdict::Spared(_)
        ));
        assert!(matches!(
            verdict(|row| row["lastActivityAt"] = Value::Null),
            Verdict::Spared(_)
        ));
        for kept in [json!(-1), json!(1440), Value::Null] {
            for (state, recoverable) in [("stopped", json!(false)), ("error", json!(true))] {
                let verdict = verdict(|row| {
                    row["autoDeleteInterval"] = kept.clone();
                    row["state"] = json!(state);
                    row["recoverable"] = recoverable;
                });
                assert_eq!(
                    verdict,
                    Verdict::Spared("it is meant to be kept when stopped")
                );
            }
            for state in ["error", "build_failed"] {
                let verdict = verdict(|row| {
                    row["autoDeleteInterval"] = kept.clone();
                    row["state"] = json!(state);
                });
                assert_eq!(verdict, Verdict::Stale, "nothing else removes it");
            }
        }
        assert_eq!(
            verdict(|row| row["labels"]["daytona-env.instance"] = json!("mine")),
            Verdict::Spared("it belongs to this process")
        );
        for (key, value) in [("managed", "0"), ("ns", "ns2"), ("v", "2")] {
            assert_eq!(
                verdict(|row| row["labels"][format!("daytona-env.{key}")] = json!(value)),
                Verdict::Foreign,
                "{key}"
            );
        }
        assert_eq!(verdict(|row| row["name"] = json!("mine")), Verdict::Foreign);
        assert_eq!(
            verdict(|row| row["desiredState"] = json!("destroyed")),
            Verdict::Gone
        );
        assert_eq!(
            verdict(|row| row["state"] = json!("destroying")),
            Verdict::Gone
        );
    }
}
