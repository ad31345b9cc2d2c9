//! Sandboxes that are a folder and processes of this host: for tests and for code one trusts.

mod builder;
mod capture;
mod environment;
mod files;
mod folder;
mod params;
mod process;
mod sandbox;
mod settings;
mod spill;
mod tree;

pub use builder::LocalEnvironmentBuilder;
pub use environment::LocalEnvironment;
pub use sandbox::LocalSandbox;
