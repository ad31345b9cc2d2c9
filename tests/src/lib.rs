//! Tests of the whole workspace live in `integration/`; benchmarks in `benches/`.

/// The code blocks of the README compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
