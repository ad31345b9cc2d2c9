//! The control plane without processes: requests, lists, timers, faults, who is served.

mod client;
mod control;
mod faults;
mod http_rules;
mod lists;
mod oddities;
mod plans;
mod processes;
mod timers;
