//! What all sandboxes of one environment have in common.

use std::ffi::OsString;
use std::time::Duration;

/// Variables that a command may need to work at all and that hold no credentials.
const PASSED_ON: [&str; 7] = ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "USER"];
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What all sandboxes of one environment have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) timeout: Duration,
    pub(super) inherit_env: bool,
    pub(super) remove_given: bool,
    pub(super) max_file_size: u64,
    pub(super) max_spill_size: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_mins(1),
            inherit_env: false,
            remove_given: false,
            max_file_size: 256 * 1024 * 1024,
            max_spill_size: 256 * 1024 * 1024,
        }
    }
}

/// The variables of this process that every command gets: enough to find programs.
pub(super) fn passed_on() -> Vec<(&'static str, OsString)> {
    let mut env: Vec<_> = PASSED_ON
        .into_iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)))
        .collect();
    if env.iter().all(|(name, _)| *name != "PATH") {
        env.push(("PATH", DEFAULT_PATH.into()));
    }
    env
}
