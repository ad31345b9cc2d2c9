//! What sandbox-core promises, seen from outside.

#[cfg(all(feature = "local", unix))]
mod local;
