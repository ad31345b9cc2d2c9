//! The code blocks of the guide for framework authors compile and run.

#[doc = include_str!("../../docs/writing-a-factory.md")]
struct WritingAFactory;
