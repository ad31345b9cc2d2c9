//! Behaviour of the environment, seen from outside.

mod bad_input_build;
mod bad_input_open;
mod cached;
mod create;
mod fake;
#[cfg(feature = "context")]
mod image_files;
mod keys;
mod life;
mod owned;
mod refused;
mod server;
mod share;
mod snapshot;
mod support;
mod sweep;
mod truth;
