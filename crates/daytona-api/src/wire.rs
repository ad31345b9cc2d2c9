//! Encodings beside JSON.

pub(crate) mod engine;
pub(crate) mod markers;
pub(crate) mod multipart;
pub(crate) mod parts;
pub(crate) mod random;
pub(crate) mod socket;
