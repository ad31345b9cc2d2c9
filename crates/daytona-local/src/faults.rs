//! Faults a test asks for. Which request is hit is decided by counting, or drawn from a seed; never by chance.

mod action;
mod effects;
mod fault;
mod plan;
mod script;
mod set;
mod telling;

pub(crate) use action::{Action, Memory};
pub use fault::{Fault, RequestInfo};
pub(crate) use plan::draw;
pub use plan::{FaultKind, FaultPlan};
pub use script::FaultScript;
pub use set::{FaultHandle, FaultStatus, Faults};
pub(crate) use telling::Telling;
