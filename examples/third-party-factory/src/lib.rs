//! A backend of somebody else's, in under 300 lines: a sandbox is a folder below a root, and its
//! commands are processes of this Linux host, kept apart by nothing but their folders.
//!
//! [`Workshops`] makes, finds and removes one, [`Workshop`] runs commands and keeps files. All else
//! comes from [`CachingFactory`](sandbox_core::CachingFactory). docs/writing-a-factory.md explains.

mod command;
mod provider;
mod sandbox;

pub use provider::{WorkshopParams, Workshops};
pub use sandbox::Workshop;
