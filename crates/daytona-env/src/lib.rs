//! The caching sandbox factory for Daytona, its leases, names and clean-up.

mod fingerprint;
mod labels;
mod lease;
mod params;
mod resources;
mod settings;
mod validate;

pub use lease::Lease;
pub use resources::DaytonaResources;
