//! How long the server keeps a sandbox that nobody renews.

use std::time::Duration;

use crate::validate::Invalid;

/// Seconds in the unit the server counts in.
const MINUTE: u64 = 60;
/// Below three minutes the server may stop a sandbox that is in use: it records activity with a lag of up to 115 s.
const FLOOR: u64 = 3;
const EPHEMERAL_CEILING: u64 = 60;
/// What Daytona takes as the longest archive interval, in minutes (30 days).
const CEILING: u64 = 43_200;

/// What the server does with a sandbox by itself, whatever becomes of this process.
///
/// The environment renews every sandbox it holds once a minute, so a lease only runs out when the process has ended,
/// hangs, or has lost its network. All durations are whole minutes: Daytona counts in nothing smaller.
///
/// The default is [`Lease::Ephemeral`] with five minutes. There is no lease that never ends: an "ephemeral sandbox
/// that is never stopped" cannot be expressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lease {
    /// The server deletes the sandbox once it has been idle for this long.
    ///
    /// On the wire: `autoStopInterval` of that many minutes with `autoDeleteInterval` 0 (stopping means deleting), and
    /// `ttlMinutes` of three times as many as a second net on the servers that know it. After a SIGKILL of the client
    /// a running sandbox is gone within this time plus about a minute.
    Ephemeral {
        /// Idle time before the server deletes: whole minutes, 3 to 60. Default: 5 minutes.
        idle: Duration,
    },
    /// The server stops the sandbox when idle and keeps its disk; in the end it deletes it, or archives it for good.
    ///
    /// A stopped or archived sandbox is woken by the next open of its key. `close()` of the environment deletes these
    /// sandboxes too; the intervals bound what a process that died without closing leaves behind. A row that broke (in
    /// the states `error` and `build_failed`) is beyond them: [`Sweeper`](crate::Sweeper) removes it.
    Persist {
        /// Idle time before the sandbox is stopped: whole minutes, 3 minutes to 30 days.
        stop: Duration,
        /// Time stopped before its disk moves to cheaper storage: whole minutes, 1 minute to 30 days. `None`: as late
        /// as the server allows, which is 30 days. What is archived stays for ever: Daytona deletes by itself only what
        /// is stopped (server 0.190).
        archive: Option<Duration>,
        /// Time stopped before it is deleted: whole minutes, 1 minute to 30 days, and less than `archive`. `None`:
        /// never; then a process that dies without closing leaves the sandbox until someone deletes it.
        delete: Option<Duration>,
    },
}

impl Default for Lease {
    fn default() -> Self {
        Self::ephemeral(Duration::from_secs(5 * MINUTE))
    }
}

impl Lease {
    /// A lease after which the server deletes; `idle` is whole minutes, 3 to 60.
    ///
    /// ```
    /// use std::time::Duration;
    /// use daytona_env::Lease;
    ///
    /// assert_eq!(Lease::default(), Lease::ephemeral(Duration::from_secs(300)));
    /// ```
    #[must_use]
    pub const fn ephemeral(idle: Duration) -> Self {
        Self::Ephemeral { idle }
    }

    /// A lease after which the server stops, then (24 h later) deletes; archiving as late as the server allows.
    ///
    /// ```
    /// use std::time::Duration;
    /// use daytona_env::Lease;
    ///
    /// let lease = Lease::persist(Duration::from_secs(15 * 60));
    /// assert!(matches!(lease, Lease::Persist { archive: None, delete: Some(_), .. }));
    /// ```
    #[must_use]
    pub const fn persist(stop: Duration) -> Self {
        Self::Persist {
            stop,
            archive: None,
            delete: Some(Duration::from_secs(24 * 60 * MINUTE)),
        }
    }

    /// Whether the server deletes the sandbox instead of stopping it.
    #[must_use]
    pub const fn is_ephemeral(&self) -> bool {
        matches!(self, Self::Ephemeral { .. })
    }

    /// What is sent, or why this lease cannot be.
    pub(crate) fn intervals(&self) -> Result<Intervals, Invalid> {
        match *self {
            Self::Ephemeral { idle } => {
                let stop = minutes("idle", idle, FLOOR, EPHEMERAL_CEILING)?;
                Ok(Intervals {
                    stop,
                    archive: None,
                    delete: 0,
                    ttl: Some(stop * 3),
                })
            }
            Self::Persist {
                stop,
                archive,
                delete,
            } => {
                let stop = minutes("stop", stop, FLOOR, CEILING)?;
                let archive =
                    archive.map_or(Ok(0), |archive| minutes("archive", archive, 1, CEILING))?;
                let delete = delete.map_or(Ok(-1), |delete| {
                    minutes("delete", delete, 1, CEILING).map(u32::cast_signed)
                })?;
                let archived_after = if archive == 0 {
                    CEILING
                } else {
                    archive.into()
                };
                if i64::from(delete) >= archived_after.cast_signed() {
                    return Err(Invalid::new(format!(
                        "`lease`: `delete` must be shorter than `archive`, which is {archived_after} minutes: Daytona \
                         deletes by itself only what is stopped, so what is archived first would stay for ever; give \
                         `delete: None` if it shall"
                    )));
                }
                Ok(Intervals {
                    stop,
                    archive: Some(archive),
                    delete,
                    ttl: None,
                })
            }
        }
    }
}

/// A lease in the server's own terms: minutes, with 0 and negatives meaning what they mean there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Intervals {
    /// `autoStopInterval`; never 0, which would mean "never".
    pub(crate) stop: u32,
    /// `autoArchiveInterval`; 0 is the server's own maximum. Not sent for a sandbox that is never merely stopped.
    pub(crate) archive: Option<u32>,
    /// `autoDeleteInterval`; 0 deletes on stop, negative never.
    pub(crate) delete: i32,
    /// `ttlMinutes`, counted by the wall clock in any state.
    pub(crate) ttl: Option<u32>,
}

impl Intervals {
    /// Whether a reply shows that the server took the two intervals the lease rests on.
    pub(crate) fn echo(&self, stop: Option<i64>, delete: Option<i64>) -> Echo {
        let same = |wanted: i64, got: Option<i64>| got == Some(wanted);
        // every negative spells "never"
        let delete_holds = same(self.delete.into(), delete)
            || (self.delete < 0 && delete.is_some_and(|got| got < 0));
        if same(self.stop.into(), stop) && delete_holds {
            Echo::Holds
        } else if stop.is_none() || delete.is_none() {
            Echo::Absent
        } else {
            Echo::Differs
        }
    }

    /// After how long without renewal the server stops it, which for the ephemeral kind means that it is gone.
    pub(crate) const fn idle(&self) -> Duration {
        Duration::from_secs(self.stop as u64 * MINUTE)
    }

    /// How long after the last renewal the server itself removes the sandbox, if it ever does.
    ///
    /// One minute on top covers the server's own lag: it flushes activity and looks for expired leases every ten
    /// seconds each, then stops the container.
    pub(crate) fn server_bound(&self) -> Option<Duration> {
        let stop = u64::from(self.stop) * MINUTE;
        let delete = u64::try_from(self.delete).ok()? * MINUTE;
        Some(Duration::from_secs(stop + delete + MINUTE))
    }

    /// How long after the time to live was last set the server removes the sandbox, in whatever state, where it shows
    /// that it counts one.
    pub(crate) fn time_to_live_bound(&self) -> Option<Duration> {
        let ttl = u64::from(self.ttl?);
        Some(Duration::from_secs((ttl + 1) * MINUTE))
    }

    /// Renewals between two re-anchorings of the time to live: one renewal a minute makes this once per lease.
    pub(crate) const fn renewals_per_anchor(&self) -> u32 {
        self.stop
    }
}

/// What a reply says about the intervals we asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Echo {
    /// Both are there, as asked.
    Holds,
    /// At least one is missing: another look may show it.
    Absent,
    /// At least one is there and is not what we asked for.
    Differs,
}

fn minutes(field: &str, value: Duration, floor: u64, ceiling: u64) -> Result<u32, Invalid> {
    let whole = value.as_secs() / MINUTE;
    let exact = value.subsec_nanos() == 0 && value.as_secs().is_multiple_of(MINUTE);
    match u32::try_from(whole) {
        Ok(sent) if exact && (floor..=ceiling).contains(&whole) => Ok(sent),
        _ => Err(Invalid::new(format!(
            "`lease`: `{field}` must be a whole number of minutes from {floor} to {ceiling}, got {value:?}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn mins(n: u64) -> Duration {
        Duration::from_secs(n * MINUTE)
    }

    fn kept(archive: Option<u64>, delete: Option<u64>) -> Lease {
        Lease::Persist {
            stop: mins(15),
            archive: archive.map(mins),
            delete: delete.map(mins),
        }
    }

    #[test]
    fn the_default_lease_is_five_minutes_then_delete() {
        let wire = Lease::default().intervals().unwrap();
        assert_eq!(
            wire,
            Intervals {
                stop: 5,
                archive: None,
                delete: 0,
                ttl: Some(15)
            }
        );
        assert_eq!(wire.server_bound(), Some(mins(6)));
        assert_eq!(wire.renewals_per_anchor(), 5);
    }

    #[test]
    fn floors_and_ceilings() {
        for (lease, wanted) in [
            (Lease::ephemeral(mins(3)), true),
            (Lease::ephemeral(mins(60)), true),
            (Lease::ephemeral(mins(2)), false),
            (Lease::ephemeral(mins(61)), false),
            (Lease::ephemeral(Duration::ZERO), false),
            (Lease::ephemeral(Duration::from_secs(200)), false),
            (Lease::ephemeral(Duration::from_millis(300_001)), false),
            (Lease::ephemeral(Duration::MAX), false),
            (Lease::persist(mins(3)), true),
            (Lease::persist(mins(2)), false),
            (Lease::persist(Duration::ZERO), false),
            (
                Lease::Persist {
                    stop: mins(15),
                    archive: Some(mins(0)),
                    delete: None,
                },
                false,
            ),
            (
                Lease::Persist {
                    stop: mins(15),
                    archive: Some(mins(1)),
                    delete: None,
                },
                true,
            ),
            (
                Lease::Persist {
                    stop: mins(15),
                    archive: None,
                    delete: Some(mins(0)),
                },
                false,
            ),
            (kept(Some(60), Some(59)), true),
            (kept(Some(60), Some(60)), false),
            (kept(Some(1), Some(1440)), false),
            (kept(None, Some(43_199)), true),
            (kept(None, Some(43_200)), false),
        ] {
            assert_eq!(lease.intervals().is_ok(), wanted, "{lease:?}");
        }
    }

    #[test]
    fn the_text_names_field_range_and_value() {
        insta::assert_snapshot!(
            Lease::ephemeral(mins(2)).intervals().unwrap_err(),
            @"`lease`: `idle` must be a whole number of minutes from 3 to 60, got 120s"
        );
    }

    #[test]
    fn persist_in_the_servers_terms() {
        let kept = Lease::Persist {
            stop: mins(15),
            archive: None,
            delete: None,
        }
        .intervals()
        .unwrap();
        assert_eq!(
            kept,
            Intervals {
                stop: 15,
                archive: Some(0),
                delete: -1,
                ttl: None
            }
        );
        assert_eq!(kept.server_bound(), None);
        assert_eq!(
            Lease::persist(mins(15)).intervals().unwrap().server_bound(),
            Some(mins(15 + 24 * 60 + 1))
        );
    }

    #[test]
    fn an_echo_is_checked_by_value() {
        let wire = Lease::default().intervals().unwrap();
        assert_eq!(wire.echo(Some(5), Some(0)), Echo::Holds);
        assert_eq!(wire.echo(Some(15), Some(0)), Echo::Differs);
        assert_eq!(wire.echo(Some(5), Some(-1)), Echo::Differs);
        assert_eq!(wire.echo(None, Some(0)), Echo::Absent);
        assert_eq!(wire.echo(Some(15), None), Echo::Absent);
        let kept = Lease::Persist {
            stop: mins(5),
            archive: None,
            delete: None,
        }
        .intervals()
        .unwrap();
        assert_eq!(kept.echo(Some(5), Some(-7)), Echo::Holds);
    }
}
