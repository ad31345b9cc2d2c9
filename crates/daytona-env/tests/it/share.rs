//! Sandboxes that several environments, and several processes, use together.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic, and its child process speaks"
)]

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use context_vars::{NoVars, Variable, Vars};
use daytona_api::routes::control_plane::{
    CREATE_SANDBOX, DELETE_SANDBOX, START_SANDBOX, UPDATE_LAST_ACTIVITY,
};
use daytona_env::{DaytonaEnvironment, DaytonaEnvironmentBuilder, Image, Lease};
use daytona_local::{Fault, Isolation, Server};
use futures_util::future::join_all;
use sandbox_core::{ErrorKind, EventKind, ExecRequest, Observed, Sandbox};

use crate::support::until;

const FLEET: &str = "canary-fleet-key-0123456789";

async fn server() -> Server {
    Server::builder()
        .isolation(Isolation::None)
        .manual_clock()
        .start()
        .await
        .unwrap()
}

fn sharer(url: &str, key: &str) -> DaytonaEnvironmentBuilder {
    DaytonaEnvironment::builder()
        .api_url(url)
        .api_key(key)
        .share("workers", FLEET)
}

fn on(server: &Server) -> DaytonaEnvironmentBuilder {
    sharer(&server.api_url(), server.token())
}

async fn run(sandbox: &impl Sandbox, line: &str) -> String {
    let outcome = sandbox.exec(ExecRequest::shell(line)).await.unwrap();
    assert!(outcome.success(), "{outcome:?}");
    outcome.stdout().text_lossy()
}

#[tokio::test]
async fn twenty_environments_agree_on_one_and_nobody_deletes_it() {
    let server = server().await;
    let fleet: Vec<_> = (0..20).map(|_| on(&server).build().unwrap()).collect();
    let opened = join_all(fleet.iter().map(|environment| environment.open(&NoVars))).await;
    let opened: Vec<_> = opened.into_iter().map(Result::unwrap).collect();
    assert!(opened.iter().all(|sandbox| sandbox.id() == opened[0].id()));
    assert_eq!(server.sandboxes().len(), 1);
    assert!(
        opened[0].name().starts_with("denv-shared-"),
        "{}",
        opened[0].name()
    );
    run(&opened[0], "echo hello > note").await;
    assert_eq!(run(&opened[19], "cat note").await, "hello\n");

    let mut events = fleet[0].events();
    for environment in &fleet {
        environment.close().await.unwrap();
    }
    let mut released = 0;
    while let Some(Observed::Event(event)) = events.try_next() {
        released += usize::from(matches!(event.kind(), EventKind::Released));
        assert!(!matches!(event.kind(), EventKind::Deleted { .. }));
    }
    assert_eq!(released, 1);
    assert_eq!(server.requests_to(&DELETE_SANDBOX).len(), 0);
    assert_eq!(server.sandboxes().len(), 1, "others might have used it");
    // nobody renews it any more
    server.advance(Duration::from_secs(6 * 60)).unwrap();
    server.settled().await;
    server.advance(Duration::from_secs(60)).unwrap();
    server.settled().await;
    assert!(
        server
            .sandbox(opened[0].id())
            .is_none_or(|row| row.desired_state == "destroyed")
    );
    server.shutdown().await;
}

#[tokio::test]
async fn another_scope_or_group_is_another_sandbox() {
    let server = server().await;
    let environment = on(&server).scope(Variable::new("tenant")).build().unwrap();
    let other = on(&server)
        .share("others", FLEET)
        .scope(Variable::new("tenant"))
        .build()
        .unwrap();
    let stranger = on(&server)
        .share("workers", "another-fleet-key-0123")
        .scope(Variable::new("tenant"))
        .build()
        .unwrap();
    let (acme, blue) = (
        Vars::new().with("tenant", "acme"),
        Vars::new().with("tenant", "blue"),
    );
    let ids = [
        environment.open(&acme).await.unwrap().id().to_owned(),
        environment.open(&blue).await.unwrap().id().to_owned(),
        other.open(&acme).await.unwrap().id().to_owned(),
        stranger.open(&acme).await.unwrap().id().to_owned(),
    ];
    let different: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(different.len(), 4);
    for row in server.sandboxes() {
        let shown = format!("{row:?}");
        assert!(
            !shown.contains("acme") && !shown.contains("canary"),
            "{shown}"
        );
    }
    server.shutdown().await;
}

#[tokio::test]
async fn drift_is_refused_and_names_the_parameters_alone() {
    let server = server().await;
    let first = on(&server)
        .image("python:3.12")
        .env_var("A", "canary-1")
        .build()
        .unwrap();
    let id = first.open(&NoVars).await.unwrap().id().to_owned();
    let drifted = [
        on(&server).image("canary:2").env_var("A", "canary-1"),
        on(&server)
            .image("python:3.12")
            .env_var("A", "canary-2")
            .timeout(Duration::from_secs(5)),
        on(&server)
            .image("python:3.12")
            .env_var("A", "canary-1")
            .lease(Lease::ephemeral(Duration::from_secs(600))),
    ];
    for (builder, named) in drifted
        .into_iter()
        .zip(["image", "env_vars, timeout", "lease"])
    {
        let environment = builder.build().unwrap();
        let error = environment.open(&NoVars).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        let expected =
            format!("the shared sandbox was made with other values of {named}; give every process");
        assert!(error.to_string().contains(&expected), "{error}");
        assert!(!format!("{error:?}").contains("canary"));
        environment.close().await.unwrap();
    }
    // the one that is there was left alone, and another credential is no drift
    assert_eq!(
        on(&server)
            .image("python:3.12")
            .env_var("A", "canary-1")
            .build()
            .unwrap()
            .open(&NoVars)
            .await
            .unwrap()
            .id(),
        id
    );
    assert_eq!(server.requests_to(&DELETE_SANDBOX).len(), 0);
    server.shutdown().await;
}

#[tokio::test]
async fn equal_images_are_one_sandbox_and_another_one_is_drift() {
    let server = server().await;
    let image = || Image::base("debian:12").pip_install(["numpy", "pandas"]);
    let first = on(&server).image(image()).build().unwrap();
    let id = first.open(&NoVars).await.unwrap().id().to_owned();
    // other steps, the same lines
    let equal = Image::from("debian:12").run_commands(["python -m pip install numpy pandas"]);
    let second = on(&server).image(equal).build().unwrap();
    assert_eq!(second.open(&NoVars).await.unwrap().id(), id);
    let third = on(&server)
        .image(image().env("A", "canary"))
        .build()
        .unwrap();
    let error = third.open(&NoVars).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("values of image;"), "{error}");
    assert!(!format!("{error:?}").contains("canary"));
    assert_eq!(server.sandboxes().len(), 1);
    server.shutdown().await;
}

#[tokio::test]
async fn a_row_that_failed_does_not_keep_its_name() {
    let server = server().await;
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).error_state("no disk left"));
    let environment = on(&server).build().unwrap();
    let error = environment.open(&NoVars).await.unwrap_err();
    assert!(error.to_string().contains("no disk left"), "{error}");
    let sandbox = environment.open(&NoVars).await.unwrap();
    assert_eq!(run(&sandbox, "echo up").await, "up\n");
    environment.close().await.unwrap();
    server.shutdown().await;
}

#[tokio::test]
async fn a_stopped_one_that_is_kept_is_woken_with_its_files() {
    let server = server().await;
    let kept = || {
        on(&server)
            .lease(Lease::persist(Duration::from_secs(900)))
            .build()
            .unwrap()
    };
    let first = kept();
    let sandbox = first.open(&NoVars).await.unwrap();
    run(&sandbox, "echo kept > note").await;
    first.close().await.unwrap();
    let lost = [
        None,
        Some(Fault::on(&START_SANDBOX).reset_after_commit()),
        Some(Fault::on(&START_SANDBOX).reset_before_commit()),
        Some(Fault::on(&START_SANDBOX).answer(502, "")),
    ];
    // whatever becomes of the answer to the start
    for fault in lost {
        assert!(server.force_stop(sandbox.id()).await);
        let struck = fault.map(|fault| server.faults().inject(fault));
        let second = kept();
        let again = second.open(&NoVars).await.unwrap();
        assert_eq!(
            (again.id(), run(&again, "cat note").await.as_str()),
            (sandbox.id(), "kept\n")
        );
        second.close().await.unwrap();
        assert!(struck.is_none_or(|struck| struck.hits() == 1));
    }
    server.shutdown().await;
}

#[tokio::test]
async fn what_cannot_be_shared_is_said_at_build() {
    let refused = |group: &str, key: &str| {
        let builder = DaytonaEnvironment::builder().api_key("k").share(group, key);
        builder.build().unwrap_err().to_string()
    };
    insta::assert_snapshot!(refused("workers", "canary"), @"`share`: the fleet key is shorter than 16 characters; give every process the same long random text, and no credential, which changes");
    insta::assert_snapshot!(refused("", FLEET), @"`share`: the group is empty; name what the processes have in common");
    let bounded = DaytonaEnvironment::builder()
        .api_key("k")
        .share("workers", FLEET)
        .max_lifetime(Duration::from_secs(3600));
    insta::assert_snapshot!(bounded.build().unwrap_err().to_string(), @"`max_lifetime` cannot bound what is shared: each process would count from when it joined, and none deletes; leave it out, or leave out `share`");
    let builder = DaytonaEnvironment::builder()
        .api_key("k")
        .share("workers", FLEET);
    assert!(!format!("{builder:?}").contains("canary"));
    assert!(!format!("{:?}", builder.build().unwrap()).contains("canary"));
}

/// A process of its own that opens the shared sandbox when told to, and runs what it is told.
struct Sharer {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

const URL: &str = "DENV_TEST_SHARER_URL";
const KEY: &str = "DENV_TEST_SHARER_KEY";
/// How long a sandbox is kept that nobody renews: the default.
const LEASE: Duration = Duration::from_secs(300);

impl Sharer {
    /// Once this returns, it has everything but the sandbox.
    fn start(server: &Server) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "share::a_process_that_shares", "--nocapture"])
            .env(URL, server.api_url())
            .env(KEY, server.token())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut sharer = Self {
            child,
            stdin,
            lines,
        };
        assert_eq!(sharer.hear(), "ready");
        sharer
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    fn hear(&mut self) -> String {
        let said = |line: std::io::Result<String>| Some(line.ok()?.split_once("shared ")?.1.into());
        self.lines.find_map(said).expect("it goes on")
    }

    /// As SIGKILL: nothing is tidied up.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Does nothing unless another test starts it as a process.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a child process is told by its environment what to do"
)]
fn a_process_that_shares() {
    let (Ok(url), Ok(key)) = (std::env::var(URL), std::env::var(KEY)) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let environment = sharer(&url, &key)
        .renew_interval(Duration::from_millis(50))
        .build()
        .unwrap();
    let mut orders = std::io::stdin().lines().map_while(Result::ok);
    println!("shared ready");
    assert_eq!(orders.next().as_deref(), Some("open"));
    let sandbox = runtime.block_on(environment.open(&NoVars)).unwrap();
    println!("shared {}", sandbox.id());
    // until it is killed, or nobody is there any more
    for line in orders {
        let printed = runtime.block_on(run(&sandbox, &line));
        println!("shared {}", printed.trim());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_agree_and_the_death_of_one_changes_nothing_for_the_other() {
    let server = Server::builder()
        .isolation(Isolation::None)
        .manual_clock()
        .create_delay(Duration::from_secs(3))
        .start()
        .await
        .unwrap();
    let mut first = Sharer::start(&server);
    let mut second = Sharer::start(&server);
    // both create before either has anything
    first.tell("open");
    second.tell("open");
    let creates = || server.requests_to(&CREATE_SANDBOX).len();
    until("both create", || creates() >= 2).await;
    assert!(server.sandboxes().iter().all(|row| row.state != "started"));
    server.advance(Duration::from_secs(4)).unwrap();
    let id = first.hear();
    assert_eq!(second.hear(), id);
    assert_eq!(server.sandboxes().len(), 1);
    first.tell("echo kept > note");
    first.hear();

    first.kill();
    // longer than a lease, in which the other one alone renews
    let mut passed = Duration::ZERO;
    while passed < LEASE * 2 {
        let renewed = server.requests_to(&UPDATE_LAST_ACTIVITY).len();
        let again = || server.requests_to(&UPDATE_LAST_ACTIVITY).len() > renewed + 1;
        until("it is renewed", again).await;
        server.advance(Duration::from_secs(60)).unwrap();
        server.settled().await;
        passed += Duration::from_secs(60);
    }
    second.tell("cat note");
    assert_eq!(second.hear(), "kept");
    let third = on(&server).build().unwrap();
    let sandbox = third.open(&NoVars).await.unwrap();
    assert_eq!((sandbox.id(), sandbox.generation()), (id.as_str(), 1));
    assert_eq!(server.sandboxes().len(), 1);

    second.kill();
    drop((sandbox, third));
    for step in [LEASE, Duration::from_secs(60)] {
        server.advance(step).unwrap();
        server.settled().await;
    }
    let row = server.sandbox(&id);
    assert!(
        row.is_none_or(|row| row.desired_state == "destroyed"),
        "silence ends it"
    );
    server.shutdown().await;
}
