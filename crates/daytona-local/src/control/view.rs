//! Rows as the wire shows them.

use daytona_api::models::{BuildInfo, Sandbox, SandboxClass, SandboxListItem};
use jiff::Timestamp;

use super::row::{Build, Row};
use super::volumes::Attached;

pub(crate) const ORGANIZATION: &str = "00000000-0000-4000-8000-000000000001";
pub(crate) const VERSION: &str = concat!("daytona-local-", env!("CARGO_PKG_VERSION"));

/// UTC with milliseconds, as the API writes it.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

impl Row {
    /// As answers about one sandbox give it.
    pub(crate) fn view(&self, proxy: &str) -> Sandbox {
        let mut view = Sandbox::default();
        view.id = self.id.clone();
        view.organization_id = ORGANIZATION.to_owned();
        view.name = self.name.clone();
        view.snapshot = self.snapshot.clone();
        view.user = self.user.clone();
        view.env = self.env.clone();
        view.labels = self.labels.clone();
        view.public = self.public;
        view.network_block_all = self.network_block_all;
        view.target = self.target.clone();
        view.cpu = self.cpu;
        view.gpu = self.gpu;
        view.memory = self.memory;
        view.disk = self.disk;
        view.state = Some(self.reported_state());
        view.desired_state = Some(self.desired.clone());
        view.error_reason = self.error_reason.clone();
        view.recoverable = Some(false);
        view.auto_stop_interval = Some(self.intervals.stop);
        view.auto_archive_interval = Some(self.intervals.archive);
        view.auto_delete_interval = Some(self.intervals.delete);
        view.auto_destroy_at = self.auto_destroy_at.map(time);
        view.volumes = Some(self.volumes.iter().map(Attached::view).collect());
        view.build_info = {
            let build = self.build.as_ref();
            build.map(|build| build.view(&self.id, self.created_at))
        };
        view.warm_pool_id = self.warm_pool.clone();
        view.created_at = Some(time(self.created_at));
        view.updated_at = Some(time(self.updated_at));
        view.last_activity_at = Some(time(self.last_activity_at));
        view.sandbox_class = Some(SandboxClass::Container);
        view.daemon_version = Some(VERSION.to_owned());
        view.toolbox_proxy_url = proxy.to_owned();
        view.kvm = false;
        view
    }

    /// As lists give it: the stored state and no environment.
    pub(crate) fn item(&self, proxy: &str) -> SandboxListItem {
        let mut item = SandboxListItem::default();
        item.id = self.id.clone();
        item.organization_id = ORGANIZATION.to_owned();
        item.name = self.name.clone();
        item.target = self.target.clone();
        item.sandbox_class = Some(SandboxClass::Container);
        item.state = Some(self.state.clone());
        item.desired_state = Some(self.desired.clone());
        item.snapshot = self.snapshot.clone();
        item.user = self.user.clone();
        item.error_reason = self.error_reason.clone();
        item.recoverable = Some(false);
        item.public = self.public;
        item.network_block_all = self.network_block_all;
        item.cpu = self.cpu;
        item.gpu = self.gpu;
        item.memory = self.memory;
        item.disk = self.disk;
        item.labels = self.labels.clone();
        item.auto_stop_interval = Some(self.intervals.stop);
        item.auto_archive_interval = Some(self.intervals.archive);
        item.auto_delete_interval = Some(self.intervals.delete);
        item.auto_destroy_at = self.auto_destroy_at.map(time);
        item.warm_pool_id = self.warm_pool.clone();
        item.created_at = Some(time(self.created_at));
        item.updated_at = Some(time(self.updated_at));
        item.last_activity_at = Some(time(self.last_activity_at));
        item.daemon_version = Some(VERSION.to_owned());
        item.toolbox_proxy_url = proxy.to_owned();
        item
    }
}

impl Build {
    pub(super) fn view(&self, of: &str, since: Timestamp) -> BuildInfo {
        let mut view = BuildInfo::default();
        view.dockerfile_content = self.dockerfile.clone();
        view.context_hashes = self.context_hashes.clone();
        view.created_at = time(since);
        view.updated_at = time(since);
        view.snapshot_ref = format!("daytona-local-{of}");
        view
    }
}
