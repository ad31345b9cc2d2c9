//! The jobs that run every ten seconds of the server's time.

use std::time::Duration;

use daytona_api::models::{SandboxDesiredState, SandboxState};
use jiff::Timestamp;

use super::row::Row;
use super::store::{Store, Work};
use crate::clock::{add, between};

pub(crate) const TICK: Duration = Duration::from_secs(10);
const START_TIMEOUT: Duration = Duration::from_secs(15 * 60);
const BUILD_TIMEOUT: Duration = Duration::from_secs(60 * 60);
const PURGE: Duration = Duration::from_secs(24 * 60 * 60);

enum Due {
    Destroy,
    Stop,
    Archive,
    Fail,
}

impl Store {
    /// Runs every job that was due up to `now`, each at its own time, so that a clock that jumps misses nothing.
    pub(crate) fn sweep(&mut self, now: Timestamp) -> Vec<(String, Work)> {
        let mut work = Vec::new();
        while self.next_due() <= now {
            if self.warm_pools.next_due().is_some_and(|at| at <= now) {
                self.warm_pools.step();
                continue;
            }
            if self.snapshots.next_due().is_some_and(|at| at <= now) {
                self.snapshots.step(&self.news);
                continue;
            }
            if self.volumes.next_due().is_some_and(|at| at <= now) {
                let deleted = self.volumes.step(&self.news);
                work.extend(deleted.map(|id| (id, Work::Volume)));
                continue;
            }
            if self
                .steps
                .first()
                .is_some_and(|&(at, _)| at <= self.next_tick)
            {
                self.step();
                continue;
            }
            let tick = self.next_tick;
            if self.rows.is_empty() {
                self.volumes.purge(now);
                self.next_tick = add(now, TICK);
                continue;
            }
            self.next_tick = add(tick, TICK);
            self.tick(tick, &mut work);
        }
        work
    }

    /// When something happens next, if nobody asks for anything.
    pub(crate) fn next_due(&self) -> Timestamp {
        let step = self.steps.first().map(|&(at, _)| at);
        let others = [
            self.volumes.next_due(),
            self.snapshots.next_due(),
            self.warm_pools.next_due(),
        ];
        let steps = step.into_iter().chain(others.into_iter().flatten());
        steps.fold(self.next_tick, Timestamp::min)
    }

    fn step(&mut self) {
        let Some((at, id)) = self.steps.pop_first() else {
            return;
        };
        let Some(row) = self.rows.get_mut(&id) else {
            return;
        };
        row.take_step();
        if let Some(&(next, _)) = row.steps.front() {
            self.steps.insert((next.max(at), id));
        }
    }

    fn tick(&mut self, now: Timestamp, work: &mut Vec<(String, Work)>) {
        self.rows
            .retain(|_, row| !row.destroyed() || between(row.updated_at, now) < PURGE);
        self.volumes.purge(now);
        let mut due = Vec::new();
        for row in self.rows.values_mut() {
            row.renew(now);
            if let Some(what) = next(row, now) {
                due.push((row.id.clone(), what));
            }
        }
        for (id, what) in due {
            match what {
                Due::Destroy => {
                    let left = self.begin_destroy(&id, now);
                    work.extend(left.map(|left| (id, left)));
                }
                Due::Stop => {
                    let left = self.rows.get_mut(&id).and_then(|row| row.begin_stop(now));
                    work.extend(left.map(|left| (id, left)));
                }
                Due::Archive => {
                    if let Some(row) = self.rows.get_mut(&id) {
                        row.aim(SandboxDesiredState::Archived);
                        row.settle(SandboxState::Archived, now);
                    }
                }
                Due::Fail => {
                    if let Some(row) = self.rows.get_mut(&id) {
                        let building = row.state == SandboxState::PendingBuild;
                        row.error_reason = Some("Timeout while starting sandbox".to_owned());
                        row.settle(
                            if building {
                                SandboxState::BuildFailed
                            } else {
                                SandboxState::Error
                            },
                            now,
                        );
                    }
                }
            }
        }
    }
}

fn next(row: &Row, now: Timestamp) -> Option<Due> {
    if row.destroyed() || row.desired == SandboxDesiredState::Destroyed {
        return None;
    }
    if row.auto_destroy_at.is_some_and(|at| at <= now) {
        return Some(Due::Destroy);
    }
    let idle = between(row.last_activity_at, now);
    let past = |minutes: i64| {
        u64::try_from(minutes).is_ok_and(|minutes| idle > Duration::from_secs(minutes * 60))
    };
    if row.pending {
        let limit = match row.state {
            SandboxState::PendingBuild => BUILD_TIMEOUT,
            SandboxState::Creating | SandboxState::Unknown => START_TIMEOUT,
            _ => return None,
        };
        return (between(row.pending_since, now) > limit).then_some(Due::Fail);
    }
    match row.state {
        SandboxState::Started if row.intervals.stop > 0 && past(row.intervals.stop) => {
            Some(if row.ephemeral() {
                Due::Destroy
            } else {
                Due::Stop
            })
        }
        SandboxState::Stopped if row.intervals.delete >= 0 && past(row.intervals.delete) => {
            Some(Due::Destroy)
        }
        SandboxState::Stopped if past(row.intervals.archive) => Some(Due::Archive),
        _ => None,
    }
}
