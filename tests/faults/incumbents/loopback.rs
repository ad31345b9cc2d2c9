//! Cases with real commands and real connections.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use context_vars::{NoVars, Variable, Vars};
use daytona_api::routes::control_plane::CREATE_SANDBOX;
use daytona_api::test_util::Capturing;
use daytona_api::transport::HyperTransport;
use daytona_env::DaytonaEnvironment;
use daytona_local::Fault;
use sandbox_core::{ExecRequest, ExecStatus, Sandbox};
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
    let server = loopback().await;
    let environment = on(&server).image(Variable::new("image")).build().unwrap();
    for image in ["debian:12", "python:3.12"] {
        environment
            .open(&Vars::new().with("image", image))
            .await
            .unwrap();
    }
    let images = format!("{} sandboxes", left(&server).len());
    environment.close().await.unwrap();

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

    let shown = format!("{environment:?} {:?}", on(&server));
    let shown = format!("key shown: {}", shown.contains(server.token()));
    vec![
        case("two images", "one sandbox for both", "2 sandboxes", images),
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
            "Debug of the configuration",
            "the key in clear",
            "key shown: false",
            shown,
        ),
    ]
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
    let loops = format!("{runs:?}, closes: {closes}, {} leaked", left(&server).len());
    vec![
        case(
            "a create redirected to another host with 307",
            "the body goes there, secrets and all",
            "sent elsewhere: false",
            redirect,
        ),
        case(
            "a second event loop uses it, a third closes",
            "\"Event loop is closed\" as output, 1 leaked",
            "Exited(0), closes: true, 0 leaked",
            loops,
        ),
    ]
}
