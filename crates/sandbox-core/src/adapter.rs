//! Shell and code over any sandbox: what model-facing tools and commands are made of.
//!
//! * [`ShellAdapter`] runs a command line under a [`CommandPolicy`].
//! * [`CodeAdapter`] runs source code with the [`LanguageRunner`] of its language.
//!
//! Both open their [`SandboxFactory`](crate::SandboxFactory) once for each call, with the context
//! of that call, and neither closes it. Both have a short text for a model beside the typed reply.
//!
//! # The policy is not a security boundary
//!
//! It keeps a well-meaning model on its path and gives it clear messages. It stops nobody who
//! means harm: an allowed program may start others, read what `ignore` names (`grep -r x .`), or
//! write where `readonly` lets it. `readonly` lets through `cat /etc/passwd` and `printenv`.
//! What a command must not reach has to be kept out of the sandbox: no secret in its environment,
//! no mount, no network.

mod code;
mod ignore;
mod policy;
mod refusal;
mod repr;
mod shell;
mod split;
mod surroundings;
mod syntax;

pub use code::{CodeAdapter, CodeAdapterBuilder, CodeReply, LanguageRunner, NotEnabled};
pub use policy::{CommandPolicy, READONLY_COMMANDS};
pub use refusal::{Refusal, RefusalReason};
pub use shell::{ShellAdapter, ShellAdapterBuilder, ShellReply};
pub use surroundings::OutputListener;
