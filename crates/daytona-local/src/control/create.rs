//! `POST /sandbox`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use daytona_api::models::{SandboxDesiredState, SandboxState};
use serde_json::{Map, Value};

use super::build_log::BuildLog;
use super::keys::Keys;
use super::row::{Build, Intervals, Row};
use super::snapshots::Template;
use super::{REGION, USER, mounts, secrets};
use crate::clock::add;
use crate::faults::Action;
use crate::image::Plan;
use crate::server::app::App;
use crate::server::reply::{Failure, Reply};

const MAX_ARCHIVE: i64 = 43_200;

pub(crate) fn create(
    app: &App,
    body: &Value,
    plan: Option<Arc<Plan>>,
    fault: Option<&Action>,
) -> Result<Reply, Failure> {
    let body = body
        .as_object()
        .ok_or_else(|| Failure::bad("Invalid JSON in request body"))?;
    let mut row = parse(app, body, plan)?;
    let (id, from_image) = (row.id.clone(), row.build.is_some());
    // a fault of the build, not of a rule: what is wrong with the image shows while it is built
    let unbuilt = row.plan.as_ref().and_then(|plan| plan.failed.clone());
    let mut delay = app.options.create_delay;
    let now = row.created_at;
    let mut store = app.store();
    store.attach(&mut row.volumes)?;
    store.admit(&row.name)?;
    // nothing is taken by a create that is refused
    if fault.is_none() {
        let again = add(now, delay);
        row.warm_pool = store.warm_pools.take(&row, again, now);
    }
    if row.warm_pool.is_some() {
        delay = Duration::ZERO;
    }
    let quiet = matches!(fault, Some(Action::ErrorState { quiet: true, .. }));
    if !delay.is_zero() && !matches!(fault, Some(Action::Stuck)) {
        if from_image {
            row.steps
                .push_back((add(now, delay / 2), SandboxState::Creating));
        }
        let last = match fault {
            Some(Action::ErrorState { reason, .. }) if quiet => {
                row.error_reason = Some(reason.clone());
                row.failed_state()
            }
            _ if unbuilt.is_some() => {
                row.error_reason.clone_from(&unbuilt);
                row.failed_state()
            }
            _ => SandboxState::Started,
        };
        row.steps.push_back((add(now, delay), last));
    }
    let stepwise = !row.steps.is_empty();
    let view = row.view(&app.proxy_url());
    store.insert(row);
    drop(store);
    app.rescheduled.notify_one();
    match fault {
        Some(Action::Stuck) => return Ok(Reply::json(200, &view)),
        Some(Action::ErrorState { reason, .. }) if !(quiet && stepwise) => {
            fail(app, &id, reason);
            return if from_image || quiet {
                Ok(Reply::json(200, &view))
            } else {
                Err(Failure::bad(format!("Sandbox failed to start: {reason}")))
            };
        }
        _ => {}
    }
    if let Some(reason) = unbuilt.filter(|_| !stepwise) {
        fail(app, &id, &reason);
        return Ok(Reply::json(200, &view));
    }
    if stepwise {
        return Ok(Reply::json(200, &view));
    }
    let mut store = app.store();
    let row = store.find(&id)?;
    row.settle(SandboxState::Started, now);
    if from_image {
        // The answer to a create from an image does not wait for the build.
        return Ok(Reply::json(200, &view));
    }
    Ok(Reply::json(200, &row.view(&app.proxy_url())))
}

fn fail(app: &App, id: &str, reason: &str) {
    let now = app.clock.now();
    let mut store = app.store();
    if let Some(row) = store.rows.get_mut(id) {
        row.error_reason = Some(reason.to_owned());
        let state = row.failed_state();
        row.settle(state, now);
    }
}

fn parse(
    app: &App,
    body: &Map<String, Value>,
    mut plan: Option<Arc<Plan>>,
) -> Result<Row, Failure> {
    let mut problems = Vec::new();
    let mut fields = Fields::new(body, &mut problems);
    let name = fields.text("name");
    let snapshot = fields
        .text("snapshot")
        .filter(|name| !name.trim().is_empty());
    let user = fields.text("user");
    let target = fields.text("target");
    let env = fields.map("env");
    let labels = fields.map("labels");
    let public = fields.flag("public");
    let network_block_all = fields.flag("networkBlockAll");
    let resources = ["cpu", "gpu", "memory", "disk"].map(|name| fields.number(name));
    let stop = fields.number("autoStopInterval");
    let archive = fields.number("autoArchiveInterval");
    let delete = fields.number("autoDeleteInterval");
    let ttl = fields.number("ttlMinutes");
    let log = plan.as_ref().map_or("", |plan| plan.log.as_str());
    let build = fields
        .object("buildInfo")
        .map(|info| build(info, log, SandboxState::PendingBuild.as_str()));
    if !problems.is_empty() {
        return Err(Failure::bad(problems.join(", ")));
    }
    if let Some(name) = &name {
        check_name(name)?;
    }
    let [cpu, gpu, memory, disk] = resources.map(Option::unwrap_or_default);
    if [cpu, gpu, memory, disk].iter().any(|&amount| amount < 0) {
        return Err(Failure::bad("Sandbox resources must be non-negative"));
    }
    let now = app.clock.now();
    let (template, cpu, gpu, memory, disk) = if build.is_some() {
        if snapshot.is_some() {
            let message = "Cannot specify a snapshot when using a build info entry";
            return Err(Failure::bad(message));
        }
        let or = |amount: i64, default: i64| if amount == 0 { default } else { amount };
        (None, or(cpu, 1), gpu, or(memory, 1), or(disk, 3))
    } else {
        if [cpu, gpu, memory, disk].iter().any(|&amount| amount != 0) {
            let message = "Cannot specify Sandbox resources when using a snapshot";
            return Err(Failure::bad(message));
        }
        let name = snapshot.unwrap_or_else(|| app.options.default_snapshot.clone());
        let snapshots = &app.store().snapshots;
        let template = if app.options.any_snapshot && snapshots.find(&name).is_none() {
            Template::plain(name)
        } else {
            snapshots.template(&name)?
        };
        plan.clone_from(&template.plan);
        let amounts = template.amounts;
        let (cpu, gpu) = (amounts.cpu, amounts.gpu);
        (Some(template), cpu, gpu, amounts.memory, amounts.disk)
    };
    let intervals = Intervals {
        stop: stop_interval(stop.unwrap_or(15))?,
        archive: archive_interval(archive.unwrap_or(10_080))?,
        delete: delete.unwrap_or(-1),
    };
    let ttl = ttl_minutes(ttl.unwrap_or(0))?.filter(|_| app.options.time_to_live);
    let host = (!app.options.in_place).then_some(app.host.as_ref());
    let volumes = mounts::asked(body.get("volumes"), host)?;
    let secrets = secrets::asked(&app.store().secrets, body.get("secrets"))?;
    let (snapshot, files) = match template {
        None => (None, None),
        Some(template) => (Some(template.name), template.files),
    };
    let id = app.new_id();
    let state = if build.is_some() {
        SandboxState::PendingBuild
    } else {
        SandboxState::Creating
    };
    Ok(Row {
        name: name
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| id.clone()),
        id,
        snapshot,
        build,
        user: user
            .filter(|user| !user.is_empty())
            .unwrap_or_else(|| USER.to_owned()),
        env: env.unwrap_or_default(),
        labels: labels.unwrap_or_default(),
        public: public.unwrap_or(false),
        network_block_all: network_block_all.unwrap_or(false),
        target: target
            .filter(|target| !target.is_empty())
            .unwrap_or_else(|| REGION.to_owned()),
        cpu,
        gpu,
        memory,
        disk,
        state,
        desired: SandboxDesiredState::Started,
        pending: true,
        pending_since: now,
        error_reason: None,
        steps: VecDeque::new(),
        intervals,
        auto_destroy_at: ttl.map(|ttl| add(now, ttl)),
        created_at: now,
        updated_at: now,
        last_activity_at: now,
        keys: Keys::new(),
        open: BTreeMap::new(),
        plan,
        volumes,
        secrets,
        warm_pool: None,
        files,
        cell: None,
        past: VecDeque::new(),
        was_active: VecDeque::new(),
        news: None,
    })
}

/// What a build is made of; `log` is what is said of its lines, and it is in `state` now.
pub(super) fn build(info: &Map<String, Value>, log: &str, state: &str) -> Build {
    let dockerfile = info.get("dockerfileContent").and_then(Value::as_str);
    let hashes = info.get("contextHashes").and_then(Value::as_array);
    Build {
        dockerfile: dockerfile.map(str::to_owned),
        context_hashes: hashes.map(|hashes| {
            let hashes = hashes.iter().filter_map(Value::as_str);
            hashes.map(str::to_owned).collect()
        }),
        log: BuildLog::begin(log, state),
    }
}

/// The only rules for names: no markup, no address, no control characters.
fn check_name(name: &str) -> Result<(), Failure> {
    let lower = name.to_lowercase();
    let address = [
        "http://",
        "https://",
        "ftp://",
        "www.",
        "mailto:",
        "javascript:",
        "data:",
    ];
    let markup = name.contains('<') && name.contains('>');
    if markup || name.chars().any(char::is_control) || address.iter().any(|a| lower.contains(a)) {
        return Err(Failure::bad(
            "name must not contain HTML, URLs or control characters",
        ));
    }
    Ok(())
}

pub(crate) fn stop_interval(minutes: i64) -> Result<i64, Failure> {
    if minutes < 0 {
        return Err(Failure::bad("Auto-stop interval must be non-negative"));
    }
    Ok(minutes)
}

pub(crate) fn archive_interval(minutes: i64) -> Result<i64, Failure> {
    match minutes {
        ..0 => Err(Failure::bad("Auto-archive interval must be non-negative")),
        0 => Ok(MAX_ARCHIVE),
        _ => Ok(minutes.min(MAX_ARCHIVE)),
    }
}

/// `None` for 0, which switches it off.
pub(crate) fn ttl_minutes(minutes: i64) -> Result<Option<Duration>, Failure> {
    let minutes = u64::try_from(minutes).map_err(|_| Failure::bad("TTL must be non-negative"))?;
    Ok((minutes > 0).then(|| Duration::from_secs(minutes.saturating_mul(60))))
}

/// Reads members one by one and collects what is wrong with them.
pub(super) struct Fields<'a, 'p> {
    body: &'a Map<String, Value>,
    problems: &'p mut Vec<String>,
}

impl<'a, 'p> Fields<'a, 'p> {
    pub(super) fn new(body: &'a Map<String, Value>, problems: &'p mut Vec<String>) -> Self {
        Self { body, problems }
    }

    fn get<T>(
        &mut self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.body.get(name).filter(|value| !value.is_null())?;
        let read = read(value);
        if read.is_none() {
            self.problems.push(format!("{name} must be {wanted}"));
        }
        read
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.get(name, "a string", |value| value.as_str().map(str::to_owned))
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        self.get(name, "a boolean value", Value::as_bool)
    }

    pub(super) fn number(&mut self, name: &str) -> Option<i64> {
        self.get(name, "an integer number", |value| match value {
            Value::Number(number) => number.as_i64(),
            // Numbers are converted by the server before they are checked.
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        })
    }

    pub(super) fn object(&mut self, name: &str) -> Option<&'a Map<String, Value>> {
        self.get(name, "an object", Value::as_object)
    }

    pub(super) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        self.get(name, "an array of strings", |value| {
            let items = value.as_array()?.iter();
            items.map(|item| Some(item.as_str()?.to_owned())).collect()
        })
    }

    fn map(&mut self, name: &str) -> Option<BTreeMap<String, String>> {
        self.get(name, "an object with string values", |value| {
            let members = value.as_object()?.iter();
            members
                .map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
                .collect()
        })
    }
}
