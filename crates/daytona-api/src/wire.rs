//! Encodings beside JSON.

#[cfg(any(feature = "archive", feature = "context"))]
pub(crate) mod archive;
pub(crate) mod engine;
pub(crate) mod markers;
pub(crate) mod multipart;
pub(crate) mod parts;
#[cfg(any(feature = "archive", feature = "context"))]
pub(crate) mod pipe;
pub(crate) mod random;
pub(crate) mod socket;
