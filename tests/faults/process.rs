//! Faults 77 to 85: processes and runtimes.

use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use context_vars::{NoVars, Variable, Vars};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sandbox_core::{ExecRequest, Sandbox};

use crate::world::{closes, loopback, on};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// 80 and 81. The runtime of the open ends; another one uses the handle and closes, from another thread.
#[test]
fn runtimes_come_and_go() {
    let main = runtime();
    let server = main.block_on(loopback());
    let environment = on(&server).build().unwrap();
    let sandbox = runtime().block_on(environment.open(&NoVars)).unwrap();
    for _ in 0..3 {
        let (environment, sandbox) = (environment.clone(), Arc::clone(&sandbox));
        let thread = thread::spawn(move || {
            runtime().block_on(async {
                let outcome = sandbox.exec(ExecRequest::argv(["true"])).await.unwrap();
                assert!(outcome.success(), "{outcome:?}");
                assert_eq!(environment.open(&NoVars).await.unwrap().id(), sandbox.id());
            });
        });
        thread.join().unwrap();
    }
    runtime().block_on(closes(&server, &environment));
}

const ALONE: &str = "PROOFS_WITHOUT_DESCRIPTORS";

/// 85. In a process of its own, since the limit holds for all of it.
#[test]
fn no_descriptor_is_free() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "faults::process::without_descriptors",
            "--nocapture",
        ])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{errors}"
    );
    assert!(
        text.contains("refused for want of descriptors"),
        "{text}{errors}"
    );
}

/// Does something only where [`no_descriptor_is_free`] runs it.
#[tokio::test]
async fn without_descriptors() {
    if std::env::var_os(ALONE).is_none() {
        return;
    }
    let server = loopback().await;
    let environment = on(&server)
        .scope(Variable::new("tenant"))
        .create_timeout(Duration::from_secs(2))
        .build()
        .unwrap();
    let tenant = |name: &str| Vars::new().with("tenant", name);
    environment.open(&tenant("a")).await.unwrap();
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    // what is open stays open
    setrlimit(Resource::RLIMIT_NOFILE, 3, hard).unwrap();
    // the connections of the first open may be idle still, so one open may yet find one
    let mut refused = 0;
    for n in 0..3 {
        let opened = environment.open(&tenant(&format!("b{n}"))).await;
        if let Err(error) = opened {
            assert!(error.is_transient() || error.is_timeout(), "{error}");
            refused += 1;
        }
    }
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
    if refused > 0 {
        println!("refused for want of descriptors");
    }
    environment.open(&tenant("c")).await.unwrap();
    closes(&server, &environment).await;
}

/// 35. In a process of its own: an environment is the process's.
#[test]
fn a_proxy_in_the_environment() {
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([
        "--exact",
        "faults::process::through_no_proxy",
        "--nocapture",
    ]);
    for name in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ] {
        child.env(name, &url);
    }
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
    assert!(proxy.accept().is_err(), "the proxy was called");
}

/// Run by [`a_proxy_in_the_environment`] too, where there is one.
#[tokio::test]
async fn through_no_proxy() {
    let server = loopback().await;
    let environment = on(&server).build().unwrap();
    crate::world::heals(&server, &environment).await;
}
