//! The code blocks of the page for application teams compile and run.

#[doc = include_str!("../../docs/application-teams.md")]
struct ApplicationTeams;
