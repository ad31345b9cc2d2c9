//! What a pass found and did.

use std::time::Duration;

use daytona_api::models::SandboxListItem;
use jiff::Timestamp;
use sandbox_core::Error;

/// What became of one sandbox.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SweepOutcome {
    /// It was deleted.
    Removed,
    /// It would have been: this was a dry run.
    WouldRemove,
    /// It was gone by the second look.
    Gone,
    /// It stays, for this reason.
    Spared(&'static str),
    /// It may still be there: the second look or the delete failed.
    Failed(Error),
}

/// A sandbox of the namespace that was last active long ago.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Swept {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its state, in Daytona's words.
    pub state: String,
    /// For how long it has been idle, by the server's clock; `None` if the server does not say.
    pub idle: Option<Duration>,
    /// What became of it.
    pub outcome: SweepOutcome,
}

impl Swept {
    pub(super) fn of(row: &SandboxListItem, now: Timestamp, outcome: SweepOutcome) -> Self {
        let active = row
            .last_activity_at
            .as_deref()
            .or(row.created_at.as_deref());
        let active = active.and_then(|time| time.parse::<Timestamp>().ok());
        Self {
            id: row.id.clone(),
            name: row.name.clone(),
            state: row
                .state
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            idle: active.and_then(|active| Duration::try_from(now.duration_since(active)).ok()),
            outcome,
        }
    }
}

/// What one [`sweep`](super::Sweeper::sweep) found and did. Sandboxes that are on their way out are not in it.
#[derive(Clone, Debug, Default)]
pub struct SweepReport {
    swept: Vec<Swept>,
}

impl SweepReport {
    pub(super) fn push(&mut self, swept: Swept) {
        self.swept.push(swept);
    }

    pub(super) fn sort(&mut self) {
        self.swept.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Every sandbox that was looked at, by name.
    #[must_use]
    pub fn swept(&self) -> &[Swept] {
        &self.swept
    }

    /// How many were removed; in a dry run, how many would have been.
    #[must_use]
    pub fn removed(&self) -> usize {
        let removed = |swept: &&Swept| {
            matches!(
                swept.outcome,
                SweepOutcome::Removed | SweepOutcome::WouldRemove
            )
        };
        self.swept.iter().filter(removed).count()
    }

    /// How many may still be there although they should not.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.swept
            .iter()
            .filter(|swept| matches!(swept.outcome, SweepOutcome::Failed(_)))
            .count()
    }
}
