//! A command followed while it runs: every byte once, whatever becomes of the connections; and killed with its tree.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use daytona_api::routes::toolbox::{EXECUTE_COMMAND, MOVE_FILE};
use daytona_api::transport::{Body, HyperTransport, Phase, Transport, TransportError};
use daytona_env::{DaytonaEnvironment, DaytonaSandbox};
use daytona_local::{Fault, Isolation, Server};
use http::{Request, Response};
use sandbox_core::{
    ErrorKind, ExecOutcome, ExecRequest, ExecStatus, ExecStream, NoVars, Running, Sandbox,
    SandboxExt,
};
use tokio::time::{Instant, timeout};

use crate::support::{on, seen, start, until};

const QUIET: &str = "x-daytona-skip-last-activity-update";

struct World {
    server: Arc<Server>,
    environment: DaytonaEnvironment,
    sandbox: Arc<DaytonaSandbox>,
}

async fn world(isolation: Isolation) -> World {
    let server = start(Server::builder().isolation(isolation)).await;
    world_on(server, Arc::default()).await
}

async fn world_on(server: Arc<Server>, cutter: Arc<Cutter>) -> World {
    let environment = on(&server).transport(cutter).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    World {
        server,
        environment,
        sandbox,
    }
}

/// Drops the connection of one execution in the middle of it, from this side.
#[derive(Debug, Default)]
struct Cutter {
    real: HyperTransport,
    cut: Mutex<Option<Duration>>,
    /// Executions that count as activity.
    active: AtomicUsize,
}

#[async_trait]
impl Transport for Cutter {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, TransportError> {
        let execution = request.uri().path().ends_with("/process/execute");
        let quiet = request.headers().contains_key(QUIET);
        self.active
            .fetch_add(usize::from(execution && !quiet), Ordering::Relaxed);
        let cut = execution.then(|| self.cut.lock().unwrap().take()).flatten();
        let sent = self.real.send(request);
        match cut {
            None => sent.await,
            Some(after) => match timeout(after, sent).await {
                Ok(sent) => sent,
                Err(_) => Err(TransportError::new(Phase::Exchange)),
            },
        }
    }
}

impl World {
    fn executions(&self) -> usize {
        seen(&self.server, &EXECUTE_COMMAND).len()
    }

    /// The sandbox's own processes of this name and argument, as a command in it sees them.
    async fn sleepers(&self, seconds: &str) -> usize {
        let line = "n=0; for p in /proc/[0-9]*/cmdline; do \
            [ \"$(tr '\\0' ' ' <$p 2>/dev/null)\" = \"sleep $1 \" ] && n=$((n+1)); done; echo $n";
        let outcome = self.sandbox.run(["sh", "-c", line, "sh", seconds]).await;
        let text = outcome.unwrap().stdout().text_lossy();
        text.trim().parse().unwrap()
    }

    async fn none_sleeps(&self, seconds: &str) {
        let mut left = usize::MAX;
        for _ in 0..200 {
            left = self.sleepers(seconds).await;
            if left == 0 {
                break;
            }
        }
        assert_eq!(left, 0, "what was killed sleeps on");
    }

    /// What is left of commands in the sandbox.
    async fn files(&self) -> String {
        let line = "ls -A \"${TMPDIR:-/tmp}/.denv\" | grep -v \"$(basename \"$(readlink /proc/$$/fd/1)\" .o)\"";
        let outcome = self.sandbox.shell(line).await.unwrap();
        outcome.stdout().text_lossy()
    }

    async fn close(self) {
        self.environment.close().await.unwrap();
    }
}

/// Both streams from the beginning, each without a gap.
async fn collect(mut running: Running) -> (Vec<u8>, Vec<u8>, ExecOutcome) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some(event) = running.next().await {
        let stream = match event.stream {
            ExecStream::Stdout => &mut out,
            ExecStream::Stderr => &mut err,
        };
        assert_eq!(event.offset, stream.len() as u64, "a gap or a repetition");
        assert!(!event.bytes.is_empty());
        stream.extend_from_slice(&event.bytes);
    }
    (out, err, running.wait().await)
}

async fn first(running: &mut Running) -> (ExecStream, Vec<u8>) {
    let event = running.next().await.unwrap();
    (event.stream, event.bytes.to_vec())
}

/// The words of a command are not in the way: this many lines are written, slowly, then many at once.
const LINES: &str = "i=0; while [ $i -lt 40 ]; do echo line $i; echo error $i >&2; i=$((i+1)); sleep 0.02; done; \
    printf '\\0\\377\\n'; seq 200000; seq 150000 >&2; exit 3";

fn lines() -> (Vec<u8>, Vec<u8>) {
    let numbered = |word: &str| (0..40).map(|n| format!("{word} {n}\n")).collect::<String>();
    let counted = |to: u32| (1..=to).map(|n| format!("{n}\n")).collect::<String>();
    let mut out = numbered("line").into_bytes();
    out.extend_from_slice(b"\0\xff\n");
    out.extend_from_slice(counted(200_000).as_bytes());
    let err = numbered("error") + &counted(150_000);
    (out, err.into_bytes())
}

async fn output_is_live_and_exact(isolation: Isolation) {
    let world = world(isolation).await;
    let begun = Instant::now();
    let line = "printf live; read line; echo late >&2; exit 5";
    let (mut writer, input) = tokio::io::duplex(16);
    let request = ExecRequest::shell(line);
    let mut running = world.sandbox.start_piped(request, input).await.unwrap();
    // It waits for its input: what it wrote before is seen while it runs.
    let live = first(&mut running).await;
    assert_eq!(live, (ExecStream::Stdout, b"live".to_vec()));
    tokio::io::AsyncWriteExt::write_all(&mut writer, b"\n")
        .await
        .unwrap();
    let late = first(&mut running).await;
    assert_eq!(late, (ExecStream::Stderr, b"late\n".to_vec()));
    assert_eq!(running.next().await, None);
    let outcome = running.wait().await;
    assert_eq!(outcome.status(), ExecStatus::Exited(5), "{outcome:?}");
    assert_eq!(outcome.stdout().text_lossy(), "live");
    assert!(begun.elapsed() < Duration::from_secs(30));

    let running = world.sandbox.shell(LINES).output_limit(1000, 1000);
    let (out, err, outcome) = collect(running.start().await.unwrap()).await;
    let (wanted_out, wanted_err) = lines();
    assert!(out == wanted_out, "{} of {}", out.len(), wanted_out.len());
    assert!(err == wanted_err, "{} of {}", err.len(), wanted_err.len());
    assert_eq!(outcome.status(), ExecStatus::Exited(3), "{outcome:?}");
    assert_eq!(outcome.stdout().total(), wanted_out.len() as u64);
    // What was cut of the outcome can be read, and be removed.
    for (output, wanted) in [
        (outcome.stdout(), wanted_out),
        (outcome.stderr(), wanted_err),
    ] {
        let path = output.spill_path().unwrap();
        let sandbox: &dyn Sandbox = &*world.sandbox;
        let whole = sandbox.read_spill(path, 0..u64::MAX / 2).await.unwrap();
        assert!(whole == wanted);
        let part = sandbox.read_spill(path, 5..7).await.unwrap();
        assert_eq!(Some(&part[..]), wanted.get(5..7));
        sandbox.remove_spill(path).await.unwrap();
        sandbox.remove_spill(path).await.unwrap();
        let gone = sandbox.read_spill(path, 0..1).await.unwrap_err();
        assert!(gone.is_not_found(), "{gone}");
        let other = sandbox.remove_spill("/etc/passwd").await.unwrap_err();
        assert_eq!(other.kind(), ErrorKind::PathEscape);
    }
    assert_eq!(world.files().await, "");
    world.close().await;
}

#[tokio::test]
async fn output_is_live_and_exact_without_isolation() {
    Box::pin(output_is_live_and_exact(Isolation::None)).await;
}

#[tokio::test]
async fn output_is_live_and_exact_with_isolation() {
    Box::pin(output_is_live_and_exact(Isolation::Required)).await;
}

/// Looks and the long call are cut at random places; nothing is lost, nothing comes twice, and it runs once.
#[tokio::test]
async fn cut_connections_cost_no_byte() {
    let cutter = Arc::new(Cutter::default());
    let server = start(Server::builder().isolation(Isolation::None)).await;
    let world = world_on(server, Arc::clone(&cutter)).await;
    let wanted = lines();
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..6 {
        let faults = world.server.faults();
        faults.clear();
        for nth in 1..30 {
            let cut = Fault::on(&EXECUTE_COMMAND).nth(nth);
            let bytes = random.usize(0..3000) * random.usize(1..300);
            // The first is the command itself: cut after it has run, or while it does.
            let cut = match (nth, round) {
                (1, 0..2) => cut.cut_answer(random.usize(0..200)),
                (1, 2) => cut.reset_after_commit(),
                (1, 3) => {
                    *cutter.cut.lock().unwrap() = Some(Duration::from_millis(300));
                    continue;
                }
                (1, 4) => cut.answer_after_commit(502, "bad gateway"),
                (1, _) => cut.truncate_body(random.usize(0..2000)),
                _ if random.bool() => cut.cut_answer(bytes),
                _ if random.bool() => cut.reset_before_commit(),
                _ => continue,
            };
            faults.inject(cut);
        }
        let line = format!("echo x >>ran.{round}; {LINES}");
        let running = world.sandbox.shell(line).output_limit(5000, 3000);
        let (out, err, outcome) = collect(running.start().await.unwrap()).await;
        faults.clear();
        assert_eq!(
            outcome.status(),
            ExecStatus::Exited(3),
            "{round}: {outcome:?}"
        );
        assert!(
            out == wanted.0,
            "{round}: {} of {}",
            out.len(),
            wanted.0.len()
        );
        assert!(
            err == wanted.1,
            "{round}: {} of {}",
            err.len(),
            wanted.1.len()
        );
        let ran = world.sandbox.get_text(&format!("ran.{round}")).await;
        assert_eq!(ran.unwrap(), "x\n", "{round}");
    }
    world.close().await;
}

/// 64 MiB on both streams together, compared by their sums.
#[tokio::test]
async fn sixty_four_mebibytes_arrive() {
    const EACH: usize = 32 * 1024 * 1024;
    let world = world(Isolation::None).await;
    let line = format!(
        "head -c {EACH} /dev/urandom | tee out; head -c {EACH} /dev/urandom | tee err >&2; sha256sum <out; sha256sum <err"
    );
    let mut running = world.sandbox.shell(line).start().await.unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some(event) = running.next().await {
        match event.stream {
            ExecStream::Stdout => out.extend_from_slice(&event.bytes),
            ExecStream::Stderr => err.extend_from_slice(&event.bytes),
        }
    }
    let outcome = running.wait().await;
    assert!(outcome.success(), "{outcome:?}");
    let told = String::from_utf8(out.split_off(EACH)).unwrap();
    let mut sums = String::new();
    for (name, bytes) in [("a", out), ("b", err)] {
        assert_eq!(bytes.len(), EACH);
        world.sandbox.put(name, bytes.into()).await.unwrap();
        let sum = world
            .sandbox
            .shell(format!("sha256sum <{name}"))
            .await
            .unwrap();
        sums.push_str(&sum.stdout().text_lossy());
    }
    assert_eq!(told, sums);
    world.close().await;
}

/// What is dropped dies with its tree, however it was started; what is detached lives.
#[tokio::test]
async fn killed_and_dropped_commands_die_with_their_tree() {
    for isolation in [Isolation::None, Isolation::Required] {
        let world = world(isolation).await;
        let id = u64::from(std::process::id());
        let tree = |seconds: u64| {
            format!(
                "setsid sleep {seconds} & (sleep {seconds} &); echo begun; trap '' TERM INT; sleep {seconds}"
            )
        };
        let seconds = |n: u64| 500_000 + 10 * id + n;

        let mut running = world.sandbox.shell(tree(seconds(0))).start().await.unwrap();
        assert_eq!(first(&mut running).await.1, b"begun\n");
        assert!(running.kill().await.unwrap());
        assert!(!running.kill().await.unwrap(), "killed once");
        assert_eq!(world.sleepers(&seconds(0).to_string()).await, 0);
        assert_eq!(running.next().await, None);
        let outcome = running.wait().await;
        assert_eq!(outcome.status(), ExecStatus::Signaled(9), "{outcome:?}");
        assert_eq!(outcome.stdout().text_lossy(), "begun\n");

        let mut running = world.sandbox.shell(tree(seconds(1))).start().await.unwrap();
        assert_eq!(first(&mut running).await.1, b"begun\n");
        drop(running);
        world.none_sleeps(&seconds(1).to_string()).await;

        // Dropped on its way, before anything of it is seen.
        drop(world.sandbox.shell(tree(seconds(2))).start().await.unwrap());
        let sandbox = Arc::clone(&world.sandbox);
        let line = tree(seconds(3));
        let begun = async { while world.sleepers(&seconds(3).to_string()).await < 3 {} };
        tokio::select! {
            () = begun => {}
            _ = sandbox.shell(line).into_future() => unreachable!("it sleeps for days"),
        }
        world.none_sleeps(&seconds(3).to_string()).await;
        world.none_sleeps(&seconds(2).to_string()).await;

        let running = world.sandbox.shell("sleep 1; echo x >lives").start();
        running.await.unwrap().detach();
        let ended = world.sandbox.run(["true"]).start().await.unwrap();
        while world.sandbox.get("lives").await.is_err() {}
        assert!(!ended.kill().await.unwrap(), "it has ended by itself");
        assert!(ended.wait().await.success());
        // nothing is left once the clean-up behind the last of them is through
        let mut left = world.files().await;
        for _ in 0..100 {
            if left.is_empty() {
                break;
            }
            left = world.files().await;
        }
        assert_eq!(left, "");
        world.close().await;
    }
}

/// A silent command is looked at a few times a minute, and the looks do not count as activity.
#[tokio::test]
async fn silence_costs_little_and_feeds_no_lease() {
    let cutter = Arc::new(Cutter::default());
    let server = start(Server::builder().isolation(Isolation::None)).await;
    let world = world_on(server, Arc::clone(&cutter)).await;
    let before = world.executions();
    let active = cutter.active.load(Ordering::Relaxed);
    let began = Instant::now();
    let mut running = world
        .sandbox
        .shell("echo x; sleep 6; echo y")
        .start()
        .await
        .unwrap();
    first(&mut running).await;
    first(&mut running).await;
    assert!(running.wait().await.success());
    assert!(began.elapsed() >= Duration::from_secs(6));
    let looks = world.executions() - before;
    assert!((3..12).contains(&looks), "{looks} requests");
    assert_eq!(cutter.active.load(Ordering::Relaxed) - active, 1);
    world.close().await;
}

/// A reader that does not read: little is fetched, and the rest is there when it does.
#[tokio::test]
async fn a_slow_reader_is_not_hurried() {
    let world = world(Isolation::None).await;
    let line = "head -c 50000000 /dev/zero; echo x >written; sleep 600";
    let mut running = world.sandbox.shell(line).start().await.unwrap();
    while world.sandbox.get("written").await.is_err() {}
    // What is fetched ahead is bounded: looks stop.
    let mut looks = world.executions();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = world.executions();
        if now == looks {
            break;
        }
        looks = now;
    }
    assert!(world.executions() < 30, "{} looks", world.executions());
    let mut total = 0;
    while total < 50_000_000 {
        total += running.next().await.unwrap().bytes.len();
    }
    assert_eq!(total, 50_000_000);
    assert!(running.kill().await.unwrap());
    world.close().await;
}

#[tokio::test]
async fn what_cannot_run_is_told_as_by_exec() {
    let world = world(Isolation::None).await;
    let refused = world.sandbox.start(ExecRequest::argv([""])).await;
    assert!(refused.unwrap_err().is_invalid_input());
    let running = world
        .sandbox
        .run(["true"])
        .cwd("no/such")
        .start()
        .await
        .unwrap();
    let outcome = running.wait().await;
    assert_eq!(outcome.status(), ExecStatus::NotStarted, "{outcome:?}");
    let running = world
        .sandbox
        .run(["no-such-program"])
        .start()
        .await
        .unwrap();
    let (_, err, outcome) = collect(running).await;
    assert_eq!(outcome.status(), ExecStatus::Exited(127));
    assert!(String::from_utf8(err).unwrap().contains("no-such-program"));
    let slow = world
        .sandbox
        .shell("echo x; sleep 600")
        .timeout(Duration::from_secs(1));
    let (out, _, outcome) = collect(slow.start().await.unwrap()).await;
    assert_eq!(
        (out, outcome.status()),
        (b"x\n".to_vec(), ExecStatus::TimedOut)
    );
    let mut lost = world
        .sandbox
        .shell("echo x; sleep 600")
        .start()
        .await
        .unwrap();
    first(&mut lost).await;
    let server = Arc::clone(&world.server);
    let sandboxes = server.sandboxes().len();
    world.close().await;
    assert_eq!(lost.next().await, None);
    let outcome = lost.wait().await;
    assert_eq!(outcome.status(), ExecStatus::Lost, "{outcome:?}");
    until("the sandbox is gone", || {
        server.sandboxes().len() <= sandboxes
    })
    .await;
}
/// What the last moves of pieces meet: the command ended meanwhile and removed what it did not read.
#[tokio::test]
async fn a_piece_that_comes_too_late_spoils_nothing() {
    let world = world(Isolation::None).await;
    let gone = Fault::on(&MOVE_FILE).always().answer(404, "{}");
    world.server.faults().inject(gone);
    let line = || ExecRequest::shell("sleep 0.3; echo done; exit 4");
    let outcome = world.sandbox.exec_piped(line(), &b"unread"[..]).await;
    let running = world.sandbox.start_piped(line(), &b"unread"[..]).await;
    for outcome in [outcome.unwrap(), running.unwrap().wait().await] {
        assert_eq!(outcome.status(), ExecStatus::Exited(4), "{outcome:?}");
        assert_eq!(outcome.stdout().text_lossy(), "done\n");
    }
    world.environment.close().await.unwrap();
}
