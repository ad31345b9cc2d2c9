//! The rules a parameter must meet, the same for a constant at build and for a resolved variable at open.
//!
//! Messages name the parameter and say what to do; none holds the value of a credential or an environment variable.

mod image;
mod labels;
mod names;
mod origin;
mod workdir;

use std::fmt;

pub(crate) use image::{check_image, check_shape};
pub(crate) use labels::check_label;
pub(crate) use names::{check_credential, check_env, check_plain};
pub(crate) use origin::{ApiUrl, Origin};
pub(crate) use workdir::normal_workdir;

/// What is wrong with an input, in words for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid(String);

impl Invalid {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
