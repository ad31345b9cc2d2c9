//! Two tenants on one environment, on a server inside this process: no account, no network.
//!
//! `cargo run -p daytona-env --features local --example tenants`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::sync::Arc;

use context_vars::{Variable, Vars};
use daytona_env::DaytonaEnvironment;
use daytona_local::{Isolation, Server};
use sandbox_core::{ExecRequest, Sandbox};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().isolation(Isolation::Auto).start().await?;
    println!(
        "server: {} (isolation: {:?})",
        server.api_url(),
        server.isolation()
    );

    // configured once; what differs between tenants is a variable
    let environment = DaytonaEnvironment::builder()
        .api_url(server.api_url())
        .api_key(Variable::new("daytona_key"))
        .image(Variable::new("image"))
        .env_var("TENANT", Variable::new("tenant"))
        .scope(Variable::new("tenant"))
        .require_scope()
        .build()?;
    let context = |tenant: &str, image: &str| {
        Vars::new()
            .with("daytona_key", server.token())
            .with("tenant", tenant)
            .with("image", image)
    };
    let acme = context("acme", "python:3.12");
    let blue = context("blue", "node:20");

    // the same resolved values are the same sandbox, others are another
    let first = environment.open(&acme).await?;
    let second = environment.open(&acme).await?;
    let other = environment.open(&blue).await?;
    println!("acme twice: same sandbox: {}", Arc::ptr_eq(&first, &second));
    println!(
        "acme and blue: same sandbox: {}",
        Arc::ptr_eq(&first, &other)
    );
    assert!(Arc::ptr_eq(&first, &second) && !Arc::ptr_eq(&first, &other));

    // state persists between opens, the environment is per tenant
    first
        .exec(ExecRequest::shell("echo $TENANT was here > note"))
        .await?;
    let again = environment.open(&acme).await?;
    let note = again.exec(ExecRequest::shell("cat note")).await?;
    println!("acme finds: {}", note.stdout().text_lossy().trim_end());
    let none = other.exec(ExecRequest::shell("echo $TENANT; ls")).await?;
    println!("blue finds: {}", none.stdout().text_lossy().trim_end());

    environment.close().await?;
    let left = server
        .sandboxes()
        .iter()
        .filter(|row| row.desired_state != "destroyed")
        .count();
    println!("after close the server has {left} sandboxes");
    assert_eq!(left, 0);
    server.shutdown().await;
    Ok(())
}
