//! The server: listener, routing, authentication.

pub(crate) mod body;
pub(crate) mod respond;
