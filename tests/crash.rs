//! Real processes, stopped by real signals at random instants, against a server in a process of its own whose clock is
//! sped up. Afterwards the server is asked what is left.

mod client;
mod guarded;
mod server;

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use nix::sys::signal::Signal;

use client::Client;
use server::Served;

/// The lease of every sandbox, by the server's clock; the shortest there is.
const LEASE: Duration = Duration::from_secs(180);
/// What the server may take on top: a lag in writing activity down, and its timers.
const SLACK: Duration = Duration::from_secs(60);
/// How long a create takes on a slow server, by its clock: half a second of ours.
const CREATE: Duration = Duration::from_secs(30);
/// How many processes run at once.
const WAVE: usize = 10;
/// How many where there are many runs.
const LARGE_WAVE: usize = 20;

fn of_environment(name: &str, default: u64) -> u64 {
    let given = std::env::var_os(name).and_then(|value| value.into_string().ok());
    given.map_or(default, |value| value.parse().unwrap())
}

/// Where [`Served`] and [`Client`] run; anywhere else it does nothing.
#[test]
fn child() {
    match std::env::var_os("CRASH_ROLE")
        .as_deref()
        .and_then(|role| role.to_str())
    {
        Some("serve") => server::main(),
        Some("client") => client::main(),
        Some("guarded") => guarded::main(),
        _ => {}
    }
}

/// Half of them by SIGKILL, half by SIGTERM, within two seconds of their start: while they connect, create, run
/// commands, close. `CRASH_RUNS` and `CRASH_SEED` say how many and which.
#[test]
fn killed_at_random_instants() {
    let (runs, seed) = (
        of_environment("CRASH_RUNS", 50),
        of_environment("CRASH_SEED", 1),
    );
    let server = Served::start();
    let mut draw = Rng::with_seed(seed);
    let (mut done, mut made) = (0, 0);
    while done < runs {
        let most = if runs > 100 { LARGE_WAVE } else { WAVE };
        let wave = most.min(usize::try_from(runs - done).unwrap());
        let mut clients: Vec<_> = (0..wave)
            .map(|n| {
                let signal = [Signal::SIGKILL, Signal::SIGTERM][n % 2];
                let after = Duration::from_micros(draw.u64(0..2_000_000));
                (Client::start(&server), signal, after)
            })
            .collect();
        clients.sort_by_key(|(_, _, after)| *after);
        let mut waited = Duration::ZERO;
        for (client, signal, after) in &mut clients {
            client.listen(*after - waited);
            waited = *after;
            client.end(*signal);
        }
        let killed = server.now();
        server.reaches(killed, LEASE + SLACK);
        let alive = server.alive();
        assert!(
            alive.is_empty(),
            "seed {seed}, after {done} runs: {alive:#?}"
        );
        let all = server.sandboxes().len();
        // a server whose sandboxes are all destroyed and forgotten would show nothing
        assert!(all >= made);
        made = all;
        done += wave as u64;
    }
    assert!(
        made as u64 >= runs / 4,
        "{runs} runs made {made} sandboxes only: nothing was at risk"
    );
    println!(
        "> crash: {runs} processes ended at random instants (seed {seed}), {made} sandboxes made, 0 alive after lease and {} s",
        SLACK.as_secs()
    );
}

/// Stopped with SIGSTOP for longer than its lease: meanwhile the server deletes what it held. It goes on, is told, and
/// makes the next generation.
#[test]
fn a_frozen_process_finds_its_sandbox_gone() {
    let runs = 4;
    let server = Served::start();
    let mut draw = Rng::with_seed(of_environment("CRASH_SEED", 1));
    let mut clients: Vec<_> = (0..runs).map(|_| Client::start(&server)).collect();
    for client in &mut clients {
        client.wait_for("open");
        client.listen(Duration::from_micros(draw.u64(0..500_000)));
        client.signal(Signal::SIGSTOP);
    }
    server.reaches(server.now(), LEASE + SLACK);
    let alive = server.alive();
    assert!(alive.is_empty(), "{alive:#?}");
    for client in &mut clients {
        client.signal(Signal::SIGCONT);
        client.wait_for("told");
        client.end(Signal::SIGKILL);
    }
    server.reaches(server.now(), LEASE + SLACK);
    assert!(server.alive().is_empty());
    println!("> frozen: {runs} processes frozen past their lease, each was told, 0 alive");
}

/// Stopped with SIGSTOP at any instant for longer than its lease: while it starts, makes a sandbox, runs a command,
/// closes. Nothing of it is left meanwhile; when it goes on it is told of what it lost, works again, and what it left in
/// a sandbox is there or known to be lost. `CRASH_FROZEN` and `CRASH_SEED` say how many and which.
#[test]
fn frozen_at_random_instants() {
    let (runs, seed) = (
        of_environment("CRASH_FROZEN", 10),
        of_environment("CRASH_SEED", 1),
    );
    let server = Served::slow(CREATE);
    let mut draw = Rng::with_seed(seed);
    let (mut done, mut when) = (0, BTreeMap::<_, u64>::new());
    while done < runs {
        let most = if runs > 100 { LARGE_WAVE } else { WAVE };
        let wave = most.min(usize::try_from(runs - done).unwrap());
        let mut clients: Vec<_> = (0..wave).map(|_| Client::start(&server)).collect();
        for (n, client) in clients.iter_mut().enumerate() {
            // the two instants that matter most, and any
            let (from, within) = match n % 3 {
                0 => (Some("opening"), 250_000),
                1 => (Some("command"), 150_000),
                _ => (None, 1_000_000),
            };
            if let Some(from) = from {
                // from now on, and not what it said long ago
                client.last();
                client.wait_for(from);
            }
            client.listen(Duration::from_micros(draw.u64(0..within)));
            client.signal(Signal::SIGSTOP);
        }
        server.reaches(server.now(), CREATE + LEASE + SLACK);
        let alive = server.alive();
        assert!(
            alive.is_empty(),
            "seed {seed}, after {done} runs: {alive:#?}"
        );
        for client in &mut clients {
            *when.entry(client.last().to_owned()).or_default() += 1;
            client.signal(Signal::SIGCONT);
        }
        for client in &mut clients {
            // the one it was in, and a whole one
            client.wait_for("round");
            client.wait_for("round");
            client.end(Signal::SIGKILL);
        }
        server.reaches(server.now(), CREATE + LEASE + SLACK);
        assert!(server.alive().is_empty());
        done += wave as u64;
    }
    for instant in ["opening", "command"] {
        assert!(
            when.contains_key(instant) || runs < 10,
            "never frozen after {instant:?}: {when:?}"
        );
    }
    println!(
        "> frozen: {runs} processes frozen past their lease at random instants (seed {seed}), the last they had said: {when:?}; {} sandboxes made, each process was told and went on, 0 alive after lease and {} s",
        server.sandboxes().len(),
        SLACK.as_secs()
    );
}

/// The control: without a signal, the same process keeps what it holds for longer than any lease.
#[test]
fn a_process_that_lives_keeps_its_sandbox() {
    let server = Served::start();
    let mut client = Client::start(&server);
    client.wait_for("open");
    server.reaches(server.now(), LEASE + SLACK);
    assert!(
        !server.alive().is_empty(),
        "nothing was at risk in the other tests"
    );
    client.end(Signal::SIGKILL);
    server.reaches(server.now(), LEASE + SLACK);
    assert!(server.alive().is_empty());
}
