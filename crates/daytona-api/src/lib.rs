//! A client for the Daytona API: models, routes and hand-written methods over hyper.

mod generated;

pub mod models;
pub mod routes;
