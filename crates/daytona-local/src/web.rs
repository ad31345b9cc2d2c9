//! What every handler reads and gives: a request with its query, an answer or a failure.

mod call;
pub(crate) mod query;
pub(crate) mod reply;
pub(crate) mod unserved;

pub(crate) use call::{Call, Matched};
