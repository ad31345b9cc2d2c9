//! Encodings beside JSON.

pub(crate) mod multipart;
