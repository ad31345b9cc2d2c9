//! `ls`: the sandboxes that this program or library made.

use std::process::ExitCode;
use std::time::SystemTime;

use daytona_api::Daytona;
use daytona_api::models::{SandboxDesiredState, SandboxListItem, SandboxState};
use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::Timestamp;
use serde::Serialize;

use crate::args::LsArgs;
use crate::error::Failure;
use crate::existing::MANAGED;
use crate::host::HostEnv;
use crate::output;
use crate::progress::Progress;
use crate::signals::Signals;

/// Longest reason of the server's that is shown, in bytes.
const MAX_REASON: usize = 300;
/// In place of a reason that may repeat values that are not known.
const NOT_SHOWN: &str =
    "not shown: the sandbox cannot be looked at, so what its reason must not repeat is not known";
/// Rows looked at at once.
const AT_ONCE: usize = 8;

/// A row, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    name: String,
    state: String,
    created: String,
    namespace: String,
    /// A fingerprint of its parameters and scope, which only the process that made it can compare.
    key: Option<String>,
    /// 1 for the first sandbox of its key, one more for each that replaced a lost one.
    generation: Option<u64>,
    /// Whether other processes may be using it too.
    shared: bool,
    lease: Lease,
    last_activity: Option<String>,
    /// Both by the server's clock; absent where it does not tell its time.
    age_seconds: Option<u64>,
    idle_seconds: Option<u64>,
    /// Why the server gave it up.
    error: Option<String>,
}

/// What the server does with it once nobody renews it.
#[derive(Debug, Serialize)]
struct Lease {
    /// `ephemeral`: deleted when idle. `persist`: stopped when idle. `none`: it never stops by itself.
    kind: &'static str,
    stop_minutes: Option<i64>,
    /// Counted from the stop; absent if it is never deleted.
    delete_minutes: Option<i64>,
}

pub(crate) async fn run(args: LsArgs, host: &HostEnv, signals: &mut Signals) -> ExitCode {
    let listed = tokio::select! {
        listed = list(host) => listed,
        signal = signals.next() => return ExitCode::from(signal.exit_code()),
    };
    match listed {
        Ok(rows) if args.json => output::json(&rows),
        Ok(rows) => print(&rows),
        Err(failure) => return failure.report_as(args.json),
    }
    ExitCode::SUCCESS
}

async fn list(host: &HostEnv) -> Result<Vec<Row>, Failure> {
    let account = host.account()?.ok_or_else(|| {
        Failure::new("no DAYTONA_API_KEY is set, so there is no server to list the sandboxes of").hint(
            "set DAYTONA_API_KEY; for `daytona-env serve`, set DAYTONA_API_URL too. A `run` without a key leaves nothing to list",
        )
    })?;
    let failed = |error| api_failure("cannot list the sandboxes", error).at(Some(&account));
    let api = Daytona::new(account.config()).map_err(failed)?;
    let _progress = Progress::step("listing");
    let items = api
        .sandboxes()
        .list()
        .label(MANAGED.0, MANAGED.1)
        .collect()
        .await
        .map_err(failed)?;
    // only for the ages, so a server that does not tell is no failure
    let now = match items.is_empty() {
        true => None,
        false => api.server().time().await.ok().map(seconds_of),
    };
    let rows = items.into_iter().map(|item| row(item, now, &api));
    Ok(stream::iter(rows).buffered(AT_ONCE).collect().await)
}

/// What is known of one. A reason may repeat the sandbox's environment, which the list does not have and the sandbox
/// itself has.
async fn row(item: SandboxListItem, now: Option<i64>, api: &Daytona) -> Row {
    let error = match item.error_reason.as_deref() {
        None | Some("") => None,
        Some(reason) => match api.sandboxes().get(&item.id).await {
            Ok(found) => {
                let env = found.env.values().map(String::as_str);
                Some(api.redact(reason, env, MAX_REASON))
            }
            Err(error) => {
                tracing::debug!(id = item.id, %error, "a reason is not shown");
                Some(NOT_SHOWN.to_owned())
            }
        },
    };
    Row::of(item, now, error.filter(|reason| !reason.is_empty()))
}

fn seconds_of(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs().cast_signed())
}

/// What to do about an error of the API.
pub(crate) fn advice(error: &daytona_api::Error) -> &'static str {
    if error.is_auth() {
        "check DAYTONA_API_KEY, and that DAYTONA_API_URL is the server it belongs to"
    } else if error.is_conflict() {
        "something else is changing it; try again in a moment"
    } else if error.is_rate_limited() {
        "try again later"
    } else {
        ADDRESS
    }
}

const ADDRESS: &str = "check DAYTONA_API_URL";

/// A failure of the API, with the hint it deserves.
pub(crate) fn api_failure(what: &str, error: daytona_api::Error) -> Failure {
    let hint = match advice(&error) {
        ADDRESS => format!("{ADDRESS}; `daytona-env doctor` shows what is reachable"),
        other => other.to_owned(),
    };
    Failure::new(what).because(error).hint(hint)
}

impl Row {
    fn of(item: SandboxListItem, now: Option<i64>, error: Option<String>) -> Self {
        let label = |key: &str| item.labels.get(key).cloned();
        let since = |time: Option<&str>| {
            let then: Timestamp = time?.parse().ok()?;
            u64::try_from(now? - then.as_second()).ok()
        };
        Self {
            state: state(&item),
            namespace: label("daytona-env.ns").unwrap_or_default(),
            key: label("daytona-env.key"),
            generation: label("daytona-env.generation").and_then(|text| text.parse().ok()),
            shared: label("daytona-env.shared").is_some(),
            lease: Lease::of(&item),
            age_seconds: since(item.created_at.as_deref()),
            idle_seconds: since(item.last_activity_at.as_deref()),
            error,
            last_activity: item.last_activity_at,
            created: item.created_at.unwrap_or_default(),
            id: item.id,
            name: item.name,
        }
    }
}

impl Lease {
    fn of(item: &SandboxListItem) -> Self {
        let stop_minutes = item.auto_stop_interval.filter(|minutes| *minutes > 0);
        let delete_minutes = item.auto_delete_interval.filter(|minutes| *minutes >= 0);
        let kind = match (stop_minutes, delete_minutes) {
            (None, _) => "none",
            (Some(_), Some(0)) => "ephemeral",
            (Some(_), _) => "persist",
        };
        Self {
            kind,
            stop_minutes,
            delete_minutes,
        }
    }
}

/// The state, and that a sandbox is on its way out: the state itself says so only later.
fn state(item: &SandboxListItem) -> String {
    let is = |state: SandboxState| item.state.as_ref() == Some(&state);
    let going = item.desired_state == Some(SandboxDesiredState::Destroyed);
    if going && !is(SandboxState::Destroyed) && !is(SandboxState::Error) {
        return SandboxState::Destroying.to_string();
    }
    item.state
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// Columns as wide as their widest cell.
fn print(rows: &[Row]) {
    if rows.is_empty() {
        output::note("no sandboxes of ours");
        return;
    }
    let cells = |row: &Row| {
        [&row.name, &row.state, &row.created, &row.namespace, &row.id]
            .map(|cell| output::one_line(cell))
    };
    let head = ["NAME", "STATE", "CREATED", "NAMESPACE", "ID"].map(str::to_owned);
    let table: Vec<[String; 5]> = std::iter::once(head)
        .chain(rows.iter().map(cells))
        .collect();
    let mut widths = [0; 5];
    for row in &table {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in &table {
        let padded: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        output::line(padded.join("  ").trim_end());
    }
}
