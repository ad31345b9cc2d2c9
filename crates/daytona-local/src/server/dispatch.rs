//! One request from its head to its answer: origin, route, token, faults, handler, log.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use daytona_api::routes::Api;
use http::header::{DATE, HeaderValue};
use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use serde_json::Value;

use super::app::App;
use super::call::Call;
use super::connection::Control;
use super::preview::{self, Address, Entered, Visit};
use super::query::{self, Query};
use super::reply::{Body, Failure, Reply};
use super::router::{self, Matched};
use super::unserved::not_served;
use super::{admin, auth, events, strike};
use crate::control::snapshots::{change, show};
use crate::control::{
    access, account, build_log, create, lifecycle, list, machines, misc, secrets, settings, ssh,
    volumes, warm_pools,
};
use crate::faults::{Action, RequestInfo};
use crate::image::Plan;
use crate::{storage, toolbox};

/// Ends the log entry of a request, also when its client goes away.
struct Entry {
    app: Arc<App>,
    index: u64,
    status: Option<u16>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.app.log.end(self.index, self.status);
    }
}

pub(crate) async fn answer(
    app: Arc<App>,
    control: Arc<Control>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    if app.options.admin && parts.uri.path().starts_with(admin::PREFIX) {
        return Ok(admin::answer(&app, &parts, body).await.0);
    }
    app.sweep();
    let response = match Address::of(&app, &parts.uri, &parts.headers) {
        Some(address) => Box::pin(preview(&app, &control, parts, body, address)).await,
        None => Box::pin(documented(&app, &control, parts, body, None)).await,
    };
    Ok(dated(&app, response))
}

/// Begins the log entry of a request.
fn note(app: &Arc<App>, method: &str, path: &str, route: Option<&'static str>) -> Entry {
    Entry {
        app: Arc::clone(app),
        index: app.log.start(method, path, route, app.clock.now()),
        status: None,
    }
}

/// A request for what listens in a sandbox.
async fn preview(
    app: &Arc<App>,
    control: &Control,
    mut parts: Parts,
    body: Incoming,
    address: Address,
) -> Response<Body> {
    let entered = preview::enter(app, address.clone(), &parts);
    let visit = match &entered {
        Ok(Entered::In(visit)) => Some(visit),
        _ => None,
    };
    if let Some(path) = visit.and_then(Visit::of_toolbox) {
        return Box::pin(documented(app, control, parts, body, Some(path))).await;
    }
    let method = parts.method.as_str().to_owned();
    let path = address.shown(visit.map(|visit| visit.sandbox.as_str()));
    let mut entry = note(app, &method, &path, None);
    let reply = match entered {
        Err(failure) => failure.of_proxy(&method, &path, app.clock.now()),
        Ok(Entered::Answered(reply)) => reply,
        Ok(Entered::In(visit)) => {
            let info = RequestInfo {
                method: method.clone(),
                path: path.clone(),
                query: query::shown(parts.uri.query().unwrap_or_default()),
                route: "",
            };
            let call = Call {
                method,
                path,
                query: Query::default(),
                headers: parts.headers,
                matched: Matched {
                    api: Api::Toolbox,
                    route: None,
                    params: Vec::new(),
                    sandbox: Some(visit.sandbox.clone()),
                },
                body: Some(body),
                upgrade: parts.extensions.remove(),
                visit: Some(visit),
            };
            let action = app.faults.strike(&info);
            strike::perform(app, control, call, action).await
        }
    };
    entry.status = Some(reply.0.status().as_u16());
    reply.0
}

/// A request of Daytona's documents. `toolbox` is the path and query of one that came as a preview of the toolbox, and
/// has been let in.
async fn documented(
    app: &Arc<App>,
    control: &Control,
    mut parts: Parts,
    body: Incoming,
    toolbox: Option<String>,
) -> Response<Body> {
    let let_in = toolbox.is_some();
    let whole = toolbox.unwrap_or_else(|| {
        let whole = parts.uri.path_and_query();
        whole.map_or_else(|| "/".to_owned(), ToString::to_string)
    });
    let (path, asked) = whole.split_once('?').unwrap_or((&whole, ""));
    let method = parts.method.as_str().to_owned();
    let stored = (!let_in)
        .then(|| storage::matched(&method, path, asked))
        .flatten();
    let matched = stored.unwrap_or_else(|| router::find(&method, path));
    let raw = path;
    let path = matched.shown(path);
    let (api, route) = (matched.api, matched.route);
    let now = app.clock.now();
    let mut entry = note(app, &method, &path, route);

    let public = let_in
        || matches!(
            route,
            // the event socket asks for the token once it is open
            Some(
                "HealthController_live"
                    | "HealthController_check"
                    | "listSharedRegions"
                    | "connectEvents"
            )
        );
    let origin = if let_in {
        Ok(())
    } else {
        auth::check_origin(app, route, &parts.headers)
    };
    let checked = origin
        .and_then(|()| {
            if route.is_none() {
                not_found(&method, &path)
            } else {
                Ok(())
            }
        })
        .and_then(|()| {
            if public {
                return Ok(());
            }
            if api == Api::ObjectStorage {
                return storage::check(app, &method, raw, asked, &parts.headers);
            }
            auth::check_token(app, &parts.headers).or_else(|failure| {
                let sandbox = matched.sandbox.as_deref();
                let opened = |id| preview::opens(app, id, &parts.headers, asked);
                let signed = || access::opens_file(app, &matched, &method, asked);
                if sandbox.is_some_and(opened) || signed() {
                    Ok(())
                } else {
                    Err(failure)
                }
            })
        });
    if let Err(failure) = checked {
        entry.status = Some(failure.status);
        return failure.render(api, &method, &path, now).0;
    }

    let info = RequestInfo {
        method: method.clone(),
        path: path.clone(),
        query: query::shown(asked),
        route: route.unwrap_or_default(),
    };
    let action = app.faults.strike(&info);
    let call = Call {
        method,
        path,
        query: Query::parse(asked),
        headers: parts.headers,
        matched,
        body: Some(body),
        upgrade: parts.extensions.remove(),
        visit: None,
    };
    let reply = strike::perform(app, control, call, action).await;
    entry.status = Some(reply.0.status().as_u16());
    reply.0
}

/// With the date by the server's clock, where the answer has none: clients that compare ages go by it.
fn dated(app: &App, mut response: Response<Body>) -> Response<Body> {
    let now = app.clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT");
    if let Ok(now) = HeaderValue::from_str(&now.to_string()) {
        response.headers_mut().entry(DATE).or_insert(now);
    }
    response
}

fn not_found(method: &str, path: &str) -> Result<(), Failure> {
    Err(Failure::not_found(format!("Cannot {method} {path}")))
}

/// The handler runs as a task of its own: what was begun is finished even if the client goes away.
pub(super) async fn run(app: &Arc<App>, mut call: Call, action: Option<Action>) -> Reply {
    if let Some(visit) = call.visit.take() {
        return Box::pin(preview::serve(app, call, visit)).await;
    }
    let (api, method, path) = (call.matched.api, call.method.clone(), call.path.clone());
    let activity = match api {
        Api::Toolbox => match toolbox::begin(app, &call) {
            Ok(activity) => Some(activity),
            Err(failure) => return failure.render(api, &method, &path, app.clock.now()),
        },
        _ => None,
    };
    let task = app.spawn({
        let app = Arc::clone(app);
        async move {
            match handle(&app, call, action.as_ref()).await {
                Ok(reply) => reply,
                Err(failure) => failure.render(api, &method, &path, app.clock.now()),
            }
        }
    });
    let reply = task.await.unwrap_or_else(|_| Reply::empty(500));
    match activity {
        Some(activity) => activity.attach(reply),
        None => reply,
    }
}

/// How far behind a list is.
fn lag(fault: Option<&Action>) -> Option<Duration> {
    match fault {
        Some(Action::StaleList { lag }) => Some(*lag),
        _ => None,
    }
}

async fn handle(app: &Arc<App>, mut call: Call, fault: Option<&Action>) -> Result<Reply, Failure> {
    match call.matched.api {
        Api::Toolbox => return toolbox::handle(app, call).await,
        Api::ObjectStorage => return storage::handle(app, call).await,
        _ => {}
    }
    let body = match call.method.as_str() {
        "POST" | "PUT" | "PATCH" => call.json().await?,
        _ => Value::Null,
    };
    handle_json(app, call, body, fault).await
}

pub(super) async fn handle_json(
    app: &Arc<App>,
    call: Call,
    body: Value,
    fault: Option<&Action>,
) -> Result<Reply, Failure> {
    let key = call.param(0);
    match call.matched.route.unwrap_or_default() {
        "createSandbox" => create::create(app, &body, Plan::of(app, &body).await, fault),
        "listSandboxes" => list::list(app, &call.query, lag(fault)),
        "listSandboxesPaginated_deprecated" => list::paginated(app, &call.query, lag(fault)),
        "getSandbox" => lifecycle::get(app, key),
        "deleteSandbox" => lifecycle::delete(app, key),
        "startSandbox" => lifecycle::start(app, key, fault),
        "stopSandbox" => lifecycle::stop(app, key),
        "archiveSandbox" => lifecycle::archive(app, key),
        "pauseSandbox" | "forkSandbox" => lifecycle::only_machines(app, key),
        "updateNetworkSettings" => settings::network(app, key, &body),
        "createSnapshot" => change::create(app, &body, Plan::of(app, &body).await, fault),
        "removeSnapshot" => change::delete(app, key),
        "activateSnapshot" => change::activate(app, key),
        "deactivateSnapshot" => change::deactivate(app, key),
        "createSandboxSnapshot" => change::of_sandbox(app, key, &body),
        "replaceLabels" => settings::labels(app, key, &body),
        "setAutostopInterval" => settings::auto_stop(app, key, call.param(1)),
        "setAutoArchiveInterval" => settings::auto_archive(app, key, call.param(1)),
        "setAutoDeleteInterval" => settings::auto_delete(app, key, call.param(1)),
        "setTtl" => settings::ttl(app, key, call.param(1)),
        "updatePublicStatus" => settings::public(app, key, call.param(1)),
        "getPortPreviewUrl" => access::preview_url(app, &call),
        "getSignedPortPreviewUrl" => access::signed_url(app, &call),
        "expireSignedPortPreviewUrl" => access::expire_signed_url(app, &call),
        // the first is what a proxy asks for
        "getSigningKey" | "getSandboxSigningKey" => access::signing_key(app, key),
        "rotateSigningKey" => access::rotate_signing_key(app, key),
        "isSandboxPublic" => access::is_public(app, key),
        "hasSandboxAccess" => access::has_access(app, key),
        "isValidAuthToken" => access::is_valid_token(app, &call),
        "isPreviewWarningEnabled" => access::warning(app, &call),
        "getSandboxIdFromSignedPreviewUrlToken" => access::sandbox_of_token(app, &call),
        "createSshAccess" => ssh::create(app, &call),
        "revokeSshAccess" => ssh::revoke(app, &call),
        "validateSshAccess" => ssh::validate(app, &call),
        "updateLastActivity" => settings::last_activity(app, key),
        "getBuildLogsUrl" => build_log::url(app, key),
        // the first is what older clients ask for
        "getBuildLogs" | "readBuildLog" => build_log::read(app, key, &call.query),
        "getPushAccess" => storage::push_access(app),
        "getToolboxProxyUrl" => misc::toolbox_proxy_url(app, key),
        "ConfigController_getConfig" => Ok(misc::config(app)),
        "HealthController_live" | "HealthController_check" => Ok(misc::health()),
        "getAllSnapshots" => show::list(app, &call.query),
        "getSnapshot" => show::get(app, key),
        "getSnapshotBuildLogsUrl" => show::log_url(app, key),
        "getSnapshotBuildLogs" | "readSnapshotBuildLog" => show::log(app, key, &call.query),
        "createVolume" => volumes::create(app, &body),
        "listVolumes" => volumes::list(app, &call.query),
        "getVolume" => volumes::get(app, key),
        "getVolumeByName" => volumes::get_by_name(app, key),
        "deleteVolume" => volumes::delete(app, key),
        "createSecret" => secrets::create(app, &body),
        "listSecrets" => Ok(secrets::all(app)),
        "listSecretsPaginated" => secrets::list(app, &call.query),
        "getSecret" => secrets::get(app, key),
        "updateSecret" => secrets::change(app, key, &body),
        "deleteSecret" => secrets::delete(app, key),
        "updateSandboxSecrets" => secrets::update(app, key, &body),
        "resolveSandboxSecrets" => secrets::resolve(app, key),
        "listWarmPools" => Ok(warm_pools::list(app)),
        "createWarmPool" => warm_pools::create(app, &body),
        "updateWarmPool" => warm_pools::update(app, key, &body),
        "deleteWarmPool" => warm_pools::delete(app, key),
        "listAvailableRegions" | "listSharedRegions" => Ok(account::regions(app)),
        "getRegionById" => account::region(app, key),
        "listOrganizations" => Ok(account::organizations(app)),
        "getOrganization" => account::organization(app, key),
        "getOrganizationBySandboxId" => account::organization_of(app, key),
        "getOrganizationUsageOverview" => account::usage(app, key),
        "listAvailableSandboxClasses" => account::classes(key),
        "getOrganizationGpuCapacity" => account::gpus(key),
        "getRegionQuotaBySandboxId" => account::quota_of(app, key),
        "resizeSandbox" => machines::resize(app, key, &body),
        "recoverSandbox" => machines::recover(app, key),
        "setAutoPauseInterval" => machines::auto_pause(app, key, call.param(1)),
        "getSandboxForks" | "getSandboxAncestors" => machines::no_relatives(app, key),
        "getSandboxParent" => machines::no_parent(app, key),
        "connectEvents" => events::open(app, call, fault),
        route => Err(not_served(route)),
    }
}
