//! Shell and code over a sandbox, seen from outside; no feature is needed.

mod cases;
mod code;
mod recorder;
mod shell;
