//! Signals while the sandbox is still being made, on a server in this process that can be told to misbehave.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its surroundings has failed"
)]

use std::process::Command;
use std::time::Duration;

use daytona_api::routes::control_plane::CREATE_SANDBOX;
use daytona_local::{Fault, Isolation, Server, ServerBuilder};
use nix::sys::signal::Signal;
use tokio::runtime::Runtime;

use crate::support::{Running, cli, code, eventually, shown, stderr};

/// A server, and the runtime that it was started on.
struct Local {
    server: Server,
    _runtime: Runtime,
}

impl Local {
    fn start(configure: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        let runtime = Runtime::new().unwrap();
        let builder = configure(Server::builder().isolation(Isolation::None));
        let server = runtime.block_on(builder.start()).unwrap();
        Self {
            server,
            _runtime: runtime,
        }
    }

    fn stuck() -> Self {
        let local = Self::start(|builder| builder);
        local
            .server
            .faults()
            .inject(Fault::on(&CREATE_SANDBOX).always().stuck());
        local
    }

    fn run(&self, args: &[&str]) -> Command {
        let mut command = cli(["run"]);
        command
            .args(args)
            .args(["--", "true"])
            .env("DAYTONA_API_URL", self.server.api_url())
            .env("DAYTONA_API_KEY", self.server.token());
        command
    }

    /// Starts a run; returns once the server has begun to create for it.
    fn creating(&self, args: &[&str]) -> Running {
        let running = Running::start(&mut self.run(args));
        eventually("the create begins", || !self.server.sandboxes().is_empty());
        running
    }

    /// The name and id of the one sandbox, cut out of a text so that it can be compared.
    fn without_name(&self, text: &str) -> String {
        let rows = self.server.sandboxes();
        assert_eq!(rows.len(), 1);
        let row = rows.first().unwrap();
        let name = row
            .name
            .trim_start_matches("DESTROYED_")
            .split('_')
            .next()
            .unwrap();
        assert!(name.starts_with("denv-"), "{name}");
        text.replace(name, "NAME").replace(&row.id, "ID")
    }
}

#[test]
fn the_first_signal_waits_for_the_create_and_deletes() {
    for (signal, wanted) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let local = Local::start(|builder| builder.create_delay(Duration::from_secs(1)));
        let running = local.creating(&[]);
        running.signal(signal);
        let output = running.finish();
        assert_eq!(code(&output), Some(wanted), "{}", shown(&output));
        let rows = local.server.sandboxes();
        assert_eq!(rows.len(), 1);
        assert!(
            rows.iter().all(|row| row.desired_state == "destroyed"),
            "{rows:?}"
        );
    }
}

#[test]
fn a_create_that_does_not_end_is_reported_at_the_deadline() {
    let local = Local::stuck();
    let running = local.creating(&["--close-timeout", "2"]);
    running.signal(Signal::SIGINT);
    let output = running.finish();
    assert_eq!(code(&output), Some(125), "{}", shown(&output));
    insta::assert_snapshot!(local.without_name(&stderr(&output)));
}

#[test]
fn the_second_signal_leaves_at_once() {
    let local = Local::stuck();
    let mut running = local.creating(&["--close-timeout", "10m"]);
    running.signal(Signal::SIGTERM);
    // one that arrives before the first is taken up would be the same signal
    running.wait_for_stderr("SIGTERM: cleaning up");
    running.signal(Signal::SIGTERM);
    let output = running.finish();
    assert_eq!(code(&output), Some(125), "{}", shown(&output));
    insta::assert_snapshot!(local.without_name(&stderr(&output)));
}
