//! What is around sandboxes: the one organization, the one region, how much of what is used.

use daytona_api::models::{
    AvailableSandboxClass, OrganizationUsageOverview, Region, RegionQuota, RegionType,
    RegionUsageOverview, SandboxClass,
};
use serde_json::{Value, json};

use super::view::{ORGANIZATION, time};
use super::{REGION, secrets, snapshots, volumes};
use crate::app::App;
use crate::web::reply::{Failure, Reply};

/// What is told as the limit of cores and GiB, of one sandbox and of all. Nothing holds them: a sandbox here has what
/// the machine has.
const AMPLE: i64 = 1_000_000;

const NEVER: &str = "1970-01-01T00:00:00.000Z";

fn known(id: &str) -> Result<(), Failure> {
    if id == ORGANIZATION {
        return Ok(());
    }
    let message = "Invalid authentication context";
    Err(Failure::new(403, "FORBIDDEN", message))
}

/// The documents promise times of a suspension, and typed clients want them, though there was none.
fn view(app: &App) -> Value {
    let since = time(app.started);
    json!({
        "id": ORGANIZATION,
        "name": "local",
        "createdBy": "daytona-local",
        "personal": true,
        "createdAt": since,
        "updatedAt": since,
        "suspended": false,
        "suspendedAt": NEVER,
        "suspensionReason": "",
        "suspendedUntil": NEVER,
        "suspensionCleanupGracePeriodHours": 0,
        "maxCpuPerSandbox": AMPLE,
        "maxMemoryPerSandbox": AMPLE,
        "maxDiskPerSandbox": AMPLE,
        "secretQuota": secrets::QUOTA,
        "maxSecretsPerSandbox": secrets::PER_SANDBOX,
        "snapshotDeactivationTimeoutMinutes": 20_160,
        "sandboxLimitedNetworkEgress": false,
        "previewWarningEnabled": false,
        "ssoEnabled": false,
        "defaultRegionId": REGION,
        "authenticatedRateLimit": null,
        "sandboxCreateRateLimit": null,
        "sandboxLifecycleRateLimit": null,
        "experimentalConfig": {},
        "otelConfig": null,
        "authenticatedRateLimitTtlSeconds": null,
        "sandboxCreateRateLimitTtlSeconds": null,
        "sandboxLifecycleRateLimitTtlSeconds": null,
        "scimEnabled": false,
    })
}

pub(crate) fn organizations(app: &App) -> Reply {
    Reply::json(200, &[view(app)])
}

pub(crate) fn organization(app: &App, id: &str) -> Result<Reply, Failure> {
    known(id)?;
    Ok(Reply::json(200, &view(app)))
}

pub(crate) fn organization_of(app: &App, sandbox: &str) -> Result<Reply, Failure> {
    app.store().find(sandbox)?;
    Ok(Reply::json(200, &view(app)))
}

pub(crate) fn usage(app: &App, id: &str) -> Result<Reply, Failure> {
    known(id)?;
    let store = app.store();
    let mut region = RegionUsageOverview::default();
    region.region_id = REGION.to_owned();
    region.sandbox_class = SandboxClass::Container;
    for row in store.rows.values().filter(|row| !row.destroyed()) {
        for (all, one) in [
            (&mut region.current_cpu_usage, row.cpu),
            (&mut region.current_memory_usage, row.memory),
            (&mut region.current_disk_usage, row.disk),
            (&mut region.current_gpu_usage, row.gpu),
        ] {
            // nothing bounds what a create may ask for
            *all = all.saturating_add(one);
        }
    }
    region.total_cpu_quota = AMPLE;
    region.total_memory_quota = AMPLE;
    region.total_disk_quota = AMPLE;
    let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let mut usage = OrganizationUsageOverview::default();
    usage.region_usage = vec![region];
    usage.total_snapshot_quota = whole(snapshots::QUOTA);
    usage.current_snapshot_usage = whole(store.snapshots.own_count());
    usage.total_volume_quota = whole(volumes::QUOTA);
    usage.current_volume_usage = whole(store.volumes.living());
    Ok(Reply::json(200, &usage))
}

pub(crate) fn classes(id: &str) -> Result<Reply, Failure> {
    known(id)?;
    let mut class = AvailableSandboxClass::default();
    class.region_id = REGION.to_owned();
    class.sandbox_class = SandboxClass::Container;
    Ok(Reply::json(200, &[class]))
}

/// There are none.
pub(crate) fn gpus(id: &str) -> Result<Reply, Failure> {
    known(id)?;
    Ok(Reply::json(200, &json!([])))
}

pub(crate) fn quota_of(app: &App, sandbox: &str) -> Result<Reply, Failure> {
    app.store().find(sandbox)?;
    let mut quota = RegionQuota::default();
    quota.organization_id = ORGANIZATION.to_owned();
    quota.region_id = REGION.to_owned();
    quota.sandbox_class = SandboxClass::Container;
    quota.total_cpu_quota = AMPLE;
    quota.total_memory_quota = AMPLE;
    quota.total_disk_quota = AMPLE;
    Ok(Reply::json(200, &quota))
}

fn local(app: &App) -> Region {
    let mut region = Region::default();
    region.id = REGION.to_owned();
    region.name = REGION.to_owned();
    region.region_type = RegionType::Shared;
    region.created_at = time(app.started);
    region.updated_at = time(app.started);
    region.proxy_url = Some(app.origin());
    region
}

pub(crate) fn regions(app: &App) -> Reply {
    Reply::json(200, &[local(app)])
}

pub(crate) fn region(app: &App, id: &str) -> Result<Reply, Failure> {
    if id != REGION {
        return Err(Failure::not_found(format!("Region {id} not found")));
    }
    Ok(Reply::json(200, &local(app)))
}
