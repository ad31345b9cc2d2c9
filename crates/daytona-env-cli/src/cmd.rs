//! The subcommands.

pub(crate) mod doctor;
pub(crate) mod ls;
pub(crate) mod mcp;
pub(crate) mod rm;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod sweep;
