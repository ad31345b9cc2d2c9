//! Written by `cargo xtask codegen`; only this list of modules is by hand.

#[rustfmt::skip]
pub(crate) mod models;
#[rustfmt::skip]
pub(crate) mod routes;
#[rustfmt::skip]
pub(crate) mod toolbox;
