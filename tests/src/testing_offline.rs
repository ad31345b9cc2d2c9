//! The code blocks of docs/testing-offline.md compile and run.

#[doc = include_str!("../../docs/testing-offline.md")]
struct TestingOffline;
