//! Cases with real commands and real connections.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use context_vars::{NoVars, Variable, Vars};
use daytona_api::routes::control_plane::CREATE_SANDBOX;
use daytona_api::test_util::Capturing;
use daytona_api::transport::HyperTransport;
use daytona_env::{DaytonaEnvironment, Image};
use daytona_local::{Fault, Server};
use sandbox_core::{ErrorKind, ExecRequest, ExecStatus, Sandbox};
use serde_json::Value;

use super::{Case, HOST_KEY, case};
use crate::world::{left, loopback, on};

pub(super) async fn cases() -> Vec<Case> {
    let mut all = tenants().await;
    all.extend(commands().await);
    all.extend(wire().await);
    all
}

async fn tenants() -> Vec<Case> {
    let images = images().await;
    let server = loopback().await;
    let environment = on(&server).scope(Variable::new("tenant")).build().unwrap();
    let tenant = |name: &str| Vars::new().with("tenant", name);
    let one = environment.open(&tenant("one")).await.unwrap();
    let two = environment.open(&tenant("two")).await.unwrap();
    let tenants = format!(
        "{} sandboxes, shared: {}",
        left(&server).len(),
        one.id() == two.id()
    );
    environment.close().await.unwrap();

    // the environment of this process has a key
    assert_eq!(std::env::var_os("DAYTONA_API_KEY"), Some(HOST_KEY.into()));
    let before = server.requests().len();
    let environment = DaytonaEnvironment::builder()
        .api_url(server.api_url())
        .api_key(Variable::new("key"))
        .allow_origin(server.api_url().trim_end_matches("/api"))
        .build()
        .unwrap();
    let opened = environment.open(&Vars::new().with("key", "")).await;
    let requests = server.requests().len() - before;
    let empty = format!("error: {}, {requests} requests", opened.is_err());

    let shown = shown(&server).await;
    vec![
        case(
            "two `Image`s, of one base and other lines",
            "one sandbox for both",
            "2 sandboxes, each of its own lines: true; shared: refused",
            images,
        ),
        case(
            "two tenants, the same parameters, told apart by `scope`",
            "one sandbox for both",
            "2 sandboxes, shared: false",
            tenants,
        ),
        case(
            "a tenant's key is empty, the host has one",
            "the host's key is sent",
            "error: true, 0 requests",
            empty,
        ),
        case(
            "Debug of the configuration, and of what is cached by it",
            "the key in clear",
            "key, variable or tenant shown: false",
            shown,
        ),
    ]
}

/// Two images of the same base, in environments of their own, and in two of a fleet.
async fn images() -> String {
    let server = loopback().await;
    let seen = Capturing::new(Arc::new(HyperTransport::new()));
    let image = |package: &str| Image::base("debian:12").pip_install([package]);
    let with = |package: &str| {
        let builder = on(&server).transport(Arc::new(seen.clone()));
        builder.image(image(package))
    };
    let both = ["numpy", "pandas"].map(|package| with(package).build().unwrap());
    for environment in &both {
        environment.open(&NoVars).await.unwrap();
    }
    let made = left(&server).len();
    let creates = seen.requests();
    let built = ["numpy", "pandas"].map(|package| {
        let lines = serde_json::to_string(image(package).dockerfile().unwrap()).unwrap();
        let asks = |body: &[u8]| String::from_utf8_lossy(body).contains(&lines);
        creates.iter().filter(|create| asks(create.body())).count()
    });
    for environment in &both {
        environment.close().await.unwrap();
    }
    let fleet = ["numpy", "pandas"].map(|package| {
        let builder = with(package).share("workers", "a-fleet-key-0123456789");
        builder.build().unwrap()
    });
    fleet[0].open(&NoVars).await.unwrap();
    let shared = match fleet[1].open(&NoVars).await {
        Err(error) if error.kind() == ErrorKind::Conflict => "refused".to_owned(),
        other => format!("{other:?}"),
    };
    format!(
        "{made} sandboxes, each of its own lines: {}; shared: {shared}",
        built == [1, 1]
    )
}

/// Everything that can be printed of an environment in use.
async fn shown(server: &Server) -> String {
    let builder = || {
        let builder = on(server).scope("canary-tenant");
        builder.env_var("SECRET", "canary-value")
    };
    let environment = builder().build().unwrap();
    let mut events = environment.events();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let mut shown = format!("{:?} {environment:?} {sandbox:?}", builder());
    shown += &format!("{:?} {:#?}", sandbox.info(), environment.snapshot());
    while let Some(event) = events.try_next() {
        shown += &format!("{event:?}");
    }
    shown += &format!("{:?}", environment.close_and_report().await);
    // it was looked at with the sandbox in it
    assert!(shown.matches(sandbox.id()).count() > 3, "{shown}");
    let secrets = [server.token(), "canary-tenant", "canary-value"];
    let seen = secrets.iter().any(|secret| shown.contains(secret));
    format!("key, variable or tenant shown: {seen}")
}

const END: &str = "INCUMBENTS_END";

/// How a program ends that does not close: run as a process of its own, which is told how.
#[test]
#[expect(clippy::exit, reason = "this is what is tried")]
fn ends() {
    let given = |name: &str| std::env::var_os(name).map(|text| text.into_string().unwrap());
    let Some(how) = given(END) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let environment = DaytonaEnvironment::builder()
        .api_url(given("INCUMBENTS_URL").unwrap())
        .api_key(given("INCUMBENTS_TOKEN").unwrap())
        .build()
        .unwrap();
    let sandbox = runtime.block_on(environment.open(&NoVars)).unwrap();
    match how.as_str() {
        "exit" => std::process::exit(7),
        "panic" => panic!("an exception of {}", sandbox.id()),
        _ => nix::sys::signal::raise(nix::sys::signal::Signal::SIGTERM).unwrap(),
    }
}

/// How many sandboxes each end of a process leaves, by its lease and a minute; and a drop in one that goes on.
async fn processes() -> String {
    let server = loopback().await;
    let environment = on(&server).build().unwrap();
    drop(environment.open(&NoVars).await.unwrap());
    let mut events = environment.events();
    drop(environment);
    // the last one is told once the factory has nothing left to do
    let over = async { while events.next().await.is_some() {} };
    let dropped = tokio::time::timeout(crate::world::HEALED, over).await;
    let dropped = dropped.is_ok() && left(&server).is_empty();
    let mut told = format!("a drop leaves none: {dropped}");
    for how in ["exit", "panic", "SIGTERM"] {
        let before = server.sandboxes().len();
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", "faults::incumbents::loopback::ends"])
            .env(END, how)
            .env("INCUMBENTS_URL", server.api_url())
            .env("INCUMBENTS_TOKEN", server.token());
        let ended = child.output().await.unwrap();
        assert!(!ended.status.success(), "{how}: {ended:?}");
        assert_eq!(server.sandboxes().len(), before + 1, "{how}: {ended:?}");
        for step in [Duration::from_secs(300), Duration::from_secs(60)] {
            server.advance(step).unwrap();
            server.settled().await;
        }
        told += &format!(", {how}: {}", left(&server).len());
    }
    told
}

async fn commands() -> Vec<Case> {
    let server = loopback().await;
    let seen = Capturing::new(Arc::new(HyperTransport::new()));
    let environment = on(&server)
        .transport(Arc::new(seen.clone()))
        .build()
        .unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();

    let before = seen.requests().len();
    let put = sandbox
        .put("../../etc/cron.d/x", Bytes::from_static(b"x"))
        .await;
    let escape = format!(
        "error: {}, {} requests",
        put.is_err(),
        seen.requests().len() - before
    );

    let request = ExecRequest::argv(["sleep", "60"]).timeout(Duration::from_millis(500));
    let outcome = sandbox.exec(request).await.unwrap();
    let last = seen.requests().pop().unwrap();
    let body: Value = serde_json::from_slice(last.body()).unwrap();
    let limited = body
        .get("timeout")
        .and_then(Value::as_u64)
        .is_some_and(|limit| limit >= 1);
    let timeout = format!("{:?}, the server has a limit: {limited}", outcome.status());

    let request = ExecRequest::shell("echo $GREETING").env("GREETING", "hello");
    let env = sandbox.exec(request).await.unwrap().stdout().text_lossy();

    let request = ExecRequest::argv(["head", "-c", "104857600", "/dev/zero"]);
    let outcome = sandbox.exec(request).await.unwrap();
    let output = outcome.stdout();
    let kept = output.head().len() + output.tail().len();
    let output = format!(
        "{} bytes, in memory at most 2 MiB: {}, in a file: {}",
        output.total(),
        kept <= 2 << 20,
        output.spill_path().is_some()
    );
    environment.close().await.unwrap();
    vec![
        case(
            "a file is put to `../../etc/cron.d/x`",
            "sent as it is",
            "error: true, 0 requests",
            escape,
        ),
        case(
            "a timeout of half a second",
            "sent as 0: no limit at all",
            "TimedOut, the server has a limit: true",
            timeout,
        ),
        case(
            "variables for one command",
            "dropped",
            "hello",
            env.trim_end().to_owned(),
        ),
        case(
            "100 MiB of output",
            "all in memory, +412 MiB",
            "104857600 bytes, in memory at most 2 MiB: true, in a file: true",
            output,
        ),
    ]
}

async fn wire() -> Vec<Case> {
    let thief = TcpListener::bind("127.0.0.1:0").unwrap();
    thief.set_nonblocking(true).unwrap();
    let server = loopback().await;
    let elsewhere = format!("http://{}/api/sandbox", thief.local_addr().unwrap());
    let redirect = Fault::on(&CREATE_SANDBOX)
        .answer(307, "{}")
        .header("Location", &elsewhere);
    server.faults().inject(redirect);
    let environment = on(&server).env_var("SECRET", "canary").build().unwrap();
    assert!(environment.open(&NoVars).await.is_err());
    environment.close().await.unwrap();
    let redirect = format!("sent elsewhere: {}", thief.accept().is_ok());

    let server = loopback().await;
    let environment = on(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let run = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let (runs, closes) = std::thread::scope(|scope| {
        let runs = scope.spawn(|| run().block_on(sandbox.exec(ExecRequest::argv(["true"]))));
        let runs = runs.join().unwrap().unwrap().status();
        let closes = scope.spawn(|| run().block_on(environment.close()));
        (runs, closes.join().unwrap().is_ok())
    });
    assert!(matches!(runs, ExecStatus::Exited(_)));
    let ends = processes().await;
    let loops = format!("{runs:?}, closes: {closes}, {} leaked", left(&server).len());
    vec![
        case(
            "a create redirected to another host with 307",
            "the body goes there, secrets and all",
            "sent elsewhere: false",
            redirect,
        ),
        case(
            "the process ends: by exit, by an exception, by a signal; six minutes later",
            "1 leaked each, for ever",
            "a drop leaves none: true, exit: 0, panic: 0, SIGTERM: 0",
            ends,
        ),
        case(
            "a second event loop uses it, a third closes",
            "\"Event loop is closed\" as output, 1 leaked",
            "Exited(0), closes: true, 0 leaked",
            loops,
        ),
    ]
}
