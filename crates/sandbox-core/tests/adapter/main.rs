//! Shell and code over a sandbox, seen from outside; no feature is needed.

mod cases;
mod code;
mod properties;
mod python;
mod recorder;
mod shell;
