//! The server deletes what nobody renews, and only that. Its clock is 20 times as fast: a minute is three
//! seconds, so a busy machine has some to spare.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{Running, Serve, eventually, marker, sleepers};

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "another process's clock is measured"
)]
fn a_killed_clients_sandbox_goes_and_a_living_clients_stays() {
    let server = Serve::start(&["--speed", "20"]);
    let start = |marker: &str| {
        // every three seconds of ours is once a minute of the server's
        let args = [
            "run",
            "--lease",
            "3",
            "--renew-interval",
            "3",
            "--timeout",
            "5m",
            "--",
            "sleep",
            marker,
        ];
        let running = Running::start(&mut server.client(args));
        eventually("the command runs", || sleepers(marker) == 1);
        running
    };
    let (doomed, living) = (marker(), marker());
    let killed = start(&doomed);
    let mut kept = start(&living);
    killed.signal(Signal::SIGKILL);
    let begin = Instant::now();
    assert_eq!(server.alive().len(), 2);
    eventually(
        "the server deletes the sandbox of the killed client",
        || sleepers(&doomed) == 0,
    );
    // L + 60 s of the server's time are 12 s; the second net, three times L, would take 27
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "{:?}",
        begin.elapsed()
    );
    eventually("and lists it no more", || server.alive().len() == 1);
    assert_eq!(sleepers(&living), 1);
    assert!(kept.is_running());
    kept.signal(Signal::SIGINT);
    kept.finish();
    assert!(server.alive().is_empty());
}
