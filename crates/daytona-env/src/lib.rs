//! DaytonaEnvironment: the caching sandbox factory for Daytona, its leases, names and clean-up.

mod wrapper;
