//! Faults as JSON, for `daytona-env serve --faults` and the admin endpoint.

use std::time::Duration;

use daytona_api::routes;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::fault::Fault;
use super::plan::{FaultKind, FaultPlan};
use crate::error::Error;

/// Faults as a JSON document: `daytona-env serve --faults FILE` takes one, and so does the admin endpoint
/// ([`ServerBuilder::admin`](crate::ServerBuilder::admin)). The project's `docs/testing-offline.md` has the whole format.
///
/// ```
/// # fn main() -> Result<(), daytona_local::Error> {
/// use daytona_local::FaultScript;
///
/// let script = FaultScript::parse(r#"{
///     "faults": [
///         { "on": "createSandbox", "nth": 2, "do": "resetAfterCommit" },
///         { "method": "DELETE", "path": "/api/sandbox/*", "always": true, "do": { "answer": { "status": 500 } } }
///     ],
///     "plans": [ { "seed": 7, "percent": 5, "kinds": ["delay", "rateLimited"] } ]
/// }"#)?;
/// assert_eq!(script.len(), 3);
/// let error = FaultScript::parse(r#"{ "faults": [ { "on": "createSandboxes", "do": "hang" } ] }"#).unwrap_err();
/// assert_eq!(error.to_string(), "fault 1: there is no operation `createSandboxes`; `createSandbox` is one");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct FaultScript {
    faults: Vec<Fault>,
    plans: Vec<FaultPlan>,
}

impl FaultScript {
    /// Reads a script.
    ///
    /// # Errors
    ///
    /// If it is no JSON, or says something that is not known: a member, an operation, an effect. Nothing of it is
    /// used then.
    pub fn parse(json: &str) -> Result<Self, Error> {
        let document: Document = serde_json::from_str(json)
            .map_err(|error| Error::invalid(format!("the script of faults: {error}")))?;
        let numbered = |kind: &'static str, place: usize| {
            move |problem: String| Error::invalid(format!("{kind} {}: {problem}", place + 1))
        };
        let mut script = Self::default();
        for (place, fault) in document.faults.into_iter().enumerate() {
            script
                .faults
                .push(fault.build().map_err(numbered("fault", place))?);
        }
        for (place, plan) in document.plans.into_iter().enumerate() {
            script
                .plans
                .push(plan.build().map_err(numbered("plan", place))?);
        }
        Ok(script)
    }

    /// How many faults and plans it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.faults.len() + self.plans.len()
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn into_parts(self) -> (Vec<Fault>, Vec<FaultPlan>) {
        (self.faults, self.plans)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    faults: Vec<FaultEntry>,
    #[serde(default)]
    plans: Vec<PlanEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultEntry {
    on: Option<String>,
    method: Option<String>,
    path: Option<String>,
    nth: Option<u64>,
    times: Option<u64>,
    #[serde(default)]
    always: bool,
    #[serde(rename = "do")]
    effect: Effect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanEntry {
    seed: u64,
    percent: Option<u8>,
    #[serde(default)]
    on: Vec<String>,
    kinds: Option<Vec<FaultKind>>,
    times: Option<u64>,
}

#[derive(Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
enum Effect {
    Answer {
        status: u16,
        #[serde(default)]
        body: Value,
        #[serde(default)]
        headers: Map<String, Value>,
    },
    AnswerAfterCommit {
        status: u16,
        #[serde(default)]
        body: Value,
    },
    Raw {
        text: String,
    },
    ResetBeforeCommit,
    ResetAfterCommit,
    CloseAfterCommit,
    CloseAfterAnswer,
    Http10,
    CutBody {
        bytes: usize,
    },
    CutAnswer {
        bytes: usize,
    },
    TruncateBody {
        bytes: usize,
    },
    Garbage {
        bytes: usize,
        seed: u64,
    },
    CommitLate {
        seconds: f64,
    },
    Hang,
    HangAfterCommit,
    Delay {
        seconds: f64,
    },
    Slow {
        bytes_per_second: u64,
    },
    Trickle {
        bytes_per_second: u64,
    },
    Stuck,
    ErrorState {
        reason: String,
    },
    ErrorStateLater {
        reason: String,
    },
    DropFields(Vec<String>),
    SetFields(Map<String, Value>),
    SetHeaders(Map<String, Value>),
    Vanish,
    Stop,
    Swallow,
    RunTwice,
    StaleList {
        seconds: f64,
    },
    FlappingList {
        percent: u8,
        seed: u64,
    },
    LookupCache {
        seconds: f64,
    },
    NegativeCache {
        seconds: f64,
    },
    ClockJump {
        seconds: f64,
    },
    DropEventsAfter {
        events: u64,
    },
    SilentEvents,
    DuplicateEvents,
    ReorderEvents,
    LateEvents {
        seconds: f64,
    },
}

/// The operation of this id, as the router spells it.
fn operation(id: &str) -> Result<&'static str, String> {
    let known = || {
        let all = routes::ALL.iter().chain([
            &routes::EVENT_SOCKET,
            &routes::BUILD_LOG,
            &routes::SNAPSHOT_BUILD_LOG,
        ]);
        all.map(|route| route.id)
    };
    if let Some(id) = known().find(|known| *known == id) {
        return Ok(id);
    }
    let near = known().max_by_key(|known| {
        let common = |a: &mut dyn Iterator<Item = char>, b: &mut dyn Iterator<Item = char>| {
            a.zip(b)
                .take_while(|(a, b)| a.eq_ignore_ascii_case(b))
                .count()
        };
        common(&mut known.chars(), &mut id.chars())
            .max(common(&mut known.chars().rev(), &mut id.chars().rev()))
            .saturating_mul(100)
            .saturating_sub(known.len().abs_diff(id.len()))
    });
    Err(format!(
        "there is no operation `{id}`; `{}` is one",
        near.unwrap_or("createSandbox")
    ))
}

fn duration(seconds: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| format!("{seconds} is no number of seconds to wait"))
}

/// A text stays what it is; anything else is sent as JSON.
fn body(value: &Value) -> String {
    match value {
        Value::Null => "{}".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn header_value(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

impl FaultEntry {
    fn build(self) -> Result<Fault, String> {
        let mut fault = Fault::new(self.on.as_deref().map(operation).transpose()?);
        fault.method = self.method;
        fault.path = self.path;
        fault = match (self.times, self.always) {
            (Some(_), true) => return Err("`times` and `always` contradict each other".to_owned()),
            (Some(times), false) => fault.times(times),
            (None, true) => fault.always(),
            (None, false) => fault,
        };
        if let Some(nth) = self.nth {
            if nth == 0 {
                return Err("`nth` is counted from 1".to_owned());
            }
            fault = fault.nth(nth);
        }
        self.effect.put(fault)
    }
}

impl Effect {
    fn put(self, fault: Fault) -> Result<Fault, String> {
        let status = |status: u16| match status {
            200..=599 => Ok(status),
            _ => Err(format!(
                "{status} is no status of an answer; 200 to 599 are"
            )),
        };
        Ok(match self {
            Self::Answer {
                status: code,
                body: text,
                headers,
            } => headers.iter().fold(
                fault.answer(status(code)?, body(&text)),
                |fault, (name, value)| fault.header(name, &header_value(value)),
            ),
            Self::AnswerAfterCommit {
                status: code,
                body: text,
            } => fault.answer_after_commit(status(code)?, body(&text)),
            Self::Raw { text } => fault.raw(text),
            Self::ResetBeforeCommit => fault.reset_before_commit(),
            Self::ResetAfterCommit => fault.reset_after_commit(),
            Self::CloseAfterCommit => fault.close_after_commit(),
            Self::CloseAfterAnswer => fault.close_after_answer(),
            Self::Http10 => fault.http_1_0(),
            Self::CutBody { bytes } => fault.cut_body(bytes),
            Self::CutAnswer { bytes } => fault.cut_answer(bytes),
            Self::TruncateBody { bytes } => fault.truncate_body(bytes),
            Self::Garbage { bytes, seed } => fault.garbage(bytes, seed),
            Self::CommitLate { seconds } => fault.commit_late(duration(seconds)?),
            Self::Hang => fault.hang(),
            Self::HangAfterCommit => fault.hang_after_commit(),
            Self::Delay { seconds } => fault.delay(duration(seconds)?),
            Self::Slow { bytes_per_second } => fault.slow(bytes_per_second),
            Self::Trickle { bytes_per_second } => fault.trickle(bytes_per_second),
            Self::Stuck => fault.stuck(),
            Self::ErrorState { reason } => fault.error_state(&reason),
            Self::ErrorStateLater { reason } => fault.error_state_later(&reason),
            Self::DropFields(fields) => fault.drop_fields(fields.iter().map(String::as_str)),
            Self::SetFields(fields) => {
                fault.set_fields(fields.iter().map(|(name, v)| (name.as_str(), v.clone())))
            }
            Self::SetHeaders(headers) => {
                let headers: Vec<_> = headers
                    .iter()
                    .map(|(name, value)| (name.as_str(), header_value(value)))
                    .collect();
                fault.set_headers(headers.iter().map(|(name, value)| (*name, value.as_str())))
            }
            Self::Vanish => fault.vanish(),
            Self::Stop => fault.stop(),
            Self::Swallow => fault.swallow(),
            Self::RunTwice => fault.run_twice(),
            Self::StaleList { seconds } => fault.stale_list(duration(seconds)?),
            Self::FlappingList { percent, seed } => fault.flapping_list(percent, seed),
            Self::LookupCache { seconds } => fault.lookup_cache(duration(seconds)?),
            Self::NegativeCache { seconds } => fault.negative_cache(duration(seconds)?),
            Self::ClockJump { seconds } => fault.clock_jump(
                SignedDuration::try_from_secs_f64(seconds)
                    .map_err(|_| format!("{seconds} is no number of seconds to jump"))?,
            ),
            Self::DropEventsAfter { events } => fault.drop_events_after(events),
            Self::SilentEvents => fault.silent_events(),
            Self::DuplicateEvents => fault.duplicate_events(),
            Self::ReorderEvents => fault.reorder_events(),
            Self::LateEvents { seconds } => fault.late_events(duration(seconds)?),
        })
    }
}

impl PlanEntry {
    fn build(self) -> Result<FaultPlan, String> {
        let mut plan = FaultPlan::seeded(self.seed);
        match self.percent {
            Some(percent @ 0..=100) => plan.percent = percent,
            Some(percent) => return Err(format!("{percent} is more than 100 percent")),
            None => {}
        }
        plan.routes = self
            .on
            .iter()
            .map(|id| operation(id))
            .collect::<Result<_, _>>()?;
        if let Some(kinds) = self.kinds {
            plan.kinds = kinds;
        }
        plan.times = self.times;
        Ok(plan)
    }
}
