//! The parameters of a local environment: what its sandboxes are keyed by.

use context_vars::{OptParam, ParamMap, Resolve, Scope};

/// What its sandboxes are keyed by.
#[derive(Debug, Default, Resolve)]
pub(super) struct LocalParams {
    pub(super) path: OptParam<String>,
    pub(super) env_vars: ParamMap,
    pub(super) scope: OptParam<Scope>,
}
