//! The code blocks of the page for those who want only the wire compile and run.

#[doc = include_str!("../../docs/wire.md")]
struct Wire;
