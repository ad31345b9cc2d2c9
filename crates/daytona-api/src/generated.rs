//! Written by `cargo xtask codegen`; only this list of modules is by hand.

#[rustfmt::skip]
pub(crate) mod models;
#[cfg(feature = "client")]
#[rustfmt::skip]
pub(crate) mod raw;
#[rustfmt::skip]
pub(crate) mod routes;
#[cfg(test)]
#[rustfmt::skip]
pub(crate) mod shapes;
#[rustfmt::skip]
pub(crate) mod toolbox;
