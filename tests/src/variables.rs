//! The code blocks of the page for those who want only variables compile and run.

#[doc = include_str!("../../docs/variables.md")]
struct Variables;
