//! The code blocks of the README compile and run.

#[doc = include_str!("../../README.md")]
struct Readme;
