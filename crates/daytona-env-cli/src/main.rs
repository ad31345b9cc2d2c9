//! The `daytona-env` command.
fn main() {}
