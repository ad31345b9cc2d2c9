//! Faults that are drawn from a seed.

use std::collections::HashMap;
use std::time::Duration;

use daytona_api::routes::Route;
use serde::Deserialize;

use super::action::Action;
use super::fault::RequestInfo;

/// A kind of fault that a [`FaultPlan`] draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum FaultKind {
    /// The connection is reset before anything is done.
    ResetBeforeCommit,
    /// The connection is reset after everything is done.
    ResetAfterCommit,
    /// 502 or 503 in HTML, and nothing is done.
    GatewayError,
    /// The same after everything is done.
    GatewayErrorAfterCommit,
    /// 500 in JSON, and nothing is done.
    ServerError,
    /// 429 with `Retry-After: 1`.
    RateLimited,
    /// The answer comes 0.1 to 3 seconds later, by the server's clock.
    Delay,
    /// Everything is done, and the connection is reset somewhere in the first 100 bytes of the body.
    CutBody,
    /// Everything is done, and the JSON of the answer ends in its first 100 bytes.
    TruncateBody,
    /// Everything is done, and the answer is noise.
    Garbage,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::ResetBeforeCommit,
        Self::ResetAfterCommit,
        Self::GatewayError,
        Self::GatewayErrorAfterCommit,
        Self::ServerError,
        Self::RateLimited,
        Self::Delay,
        Self::CutBody,
        Self::TruncateBody,
        Self::Garbage,
    ];

    fn action(self, draw: &mut fastrand::Rng) -> Action {
        let html = |status: u16| {
            (
                status,
                bytes::Bytes::from(format!("<html><h1>{status}</h1></html>")),
            )
        };
        let answer = |status, body, content_type| Action::Answer {
            status,
            body,
            content_type,
            headers: Vec::new(),
        };
        match self {
            Self::ResetBeforeCommit => Action::ResetBefore,
            Self::ResetAfterCommit => Action::ResetAfter,
            Self::GatewayError => {
                let (status, body) = html(draw.u16(502..=503));
                answer(status, body, "text/html")
            }
            Self::GatewayErrorAfterCommit => {
                let (status, body) = html(draw.u16(502..=503));
                Action::AnswerAfter { status, body }
            }
            Self::ServerError => answer(
                500,
                bytes::Bytes::from_static(
                    br#"{"statusCode":500,"message":"Internal server error"}"#,
                ),
                "application/json; charset=utf-8",
            ),
            Self::RateLimited => Action::Answer {
                status: 429,
                body: bytes::Bytes::from_static(
                    br#"{"statusCode":429,"message":"Too Many Requests"}"#,
                ),
                content_type: "application/json; charset=utf-8",
                headers: vec![("retry-after".to_owned(), "1".to_owned())],
            },
            Self::Delay => Action::Delay {
                delay: Duration::from_millis(draw.u64(100..=3000)),
            },
            Self::CutBody => Action::CutBody {
                bytes: draw.usize(0..100),
            },
            Self::TruncateBody => Action::TruncateBody {
                bytes: draw.usize(0..100),
            },
            Self::Garbage => Action::Garbage {
                bytes: draw.usize(1..200),
                seed: draw.u64(..),
            },
        }
    }
}

/// Faults drawn from a seed: which request is hit by what depends on the seed, the operation and how many requests of
/// this operation came before, and on nothing else. The same requests in another order of operations are hit the same.
///
/// ```
/// use daytona_api::routes::control_plane::{CREATE_SANDBOX, DELETE_SANDBOX};
/// use daytona_local::{FaultKind, FaultPlan};
///
/// // A third of all creates and deletes, 20 at most, is lost before or after it was done.
/// let plan = FaultPlan::seeded(7)
///     .percent(33)
///     .on([&CREATE_SANDBOX, &DELETE_SANDBOX])
///     .kinds([FaultKind::ResetBeforeCommit, FaultKind::ResetAfterCommit])
///     .times(20);
/// # drop(plan);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct FaultPlan {
    pub(super) seed: u64,
    pub(super) percent: u8,
    /// Empty for all.
    pub(super) routes: Vec<&'static str>,
    pub(super) kinds: Vec<FaultKind>,
    pub(super) times: Option<u64>,
}

impl FaultPlan {
    /// Hits a tenth of all requests with faults of every kind, without an end.
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            percent: 10,
            routes: Vec::new(),
            kinds: FaultKind::ALL.to_vec(),
            times: None,
        }
    }

    /// How many of a hundred requests are hit. More than 100 counts as 100.
    pub fn percent(mut self, percent: u8) -> Self {
        self.percent = percent.min(100);
        self
    }

    /// Hits only these operations.
    pub fn on<'a>(mut self, routes: impl IntoIterator<Item = &'a Route>) -> Self {
        self.routes = routes.into_iter().map(|route| route.id).collect();
        self
    }

    /// Draws only from these kinds. With none, nothing is hit.
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = FaultKind>) -> Self {
        self.kinds = kinds.into_iter().collect();
        self
    }

    /// Hits `n` requests at most.
    pub fn times(mut self, n: u64) -> Self {
        self.times = Some(n);
        self
    }
}

/// A plan at work.
#[derive(Debug)]
pub(super) struct Drawn {
    plan: FaultPlan,
    /// How many requests of each operation came.
    seen: HashMap<&'static str, u64>,
}

impl Drawn {
    pub(super) fn new(plan: FaultPlan) -> Self {
        Self {
            plan,
            seen: HashMap::new(),
        }
    }

    pub(super) fn seed(&self) -> u64 {
        self.plan.seed
    }

    pub(super) fn limit(&self) -> Option<u64> {
        self.plan.times
    }

    pub(super) fn fits(&self, request: &RequestInfo) -> bool {
        self.plan.routes.is_empty() || self.plan.routes.contains(&request.route)
    }

    pub(super) fn draw(&mut self, request: &RequestInfo) -> Option<Action> {
        let count = self.seen.entry(request.route).or_default();
        *count += 1;
        let mut draw = draw(self.plan.seed, request.route, *count);
        if draw.u8(0..100) >= self.plan.percent {
            return None;
        }
        let kind = *draw.choice(&self.plan.kinds)?;
        Some(kind.action(&mut draw))
    }
}

/// A generator of its own for the `count`th request about `what`.
pub(crate) fn draw(seed: u64, what: &str, count: u64) -> fastrand::Rng {
    let what = what.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let seed = [seed, what, count].iter().fold(0, |sum: u64, number| {
        let mut sum = (sum ^ number).wrapping_add(0x9e37_79b9_7f4a_7c15);
        sum = (sum ^ (sum >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        sum = (sum ^ (sum >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        sum ^ (sum >> 31)
    });
    fastrand::Rng::with_seed(seed)
}
