//! d: client CPU of one execute, plain and through the wrapper.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use context_vars::NoVars;
use daytona_api::{Config, Daytona};
use daytona_env::DaytonaEnvironment;
use sandbox_core::{ExecRequest, Sandbox};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::floor::Bare;
use crate::measure::{by_turns, cpu, report};
use crate::process::start;

/// CPU per call of `calls` calls, `at_once` at a time.
fn per_call<F, R>(runtime: &Runtime, at_once: usize, calls: usize, call: F) -> Duration
where
    F: Fn() -> R + Clone + Send + 'static,
    R: Future<Output = ()> + Send,
{
    let each = calls / at_once;
    let before = cpu();
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..at_once {
            let call = call.clone();
            tasks.spawn(async move {
                for _ in 0..each {
                    call().await;
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
    });
    let calls = u32::try_from(each * at_once).unwrap_or(1);
    cpu().saturating_sub(before) / calls
}

pub(crate) fn run(quick: bool) {
    let server = start(Duration::ZERO, Duration::ZERO, Some("ok\n"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let bare = Bare::new(&server);
    let toolbox_url: Arc<str> = runtime.block_on(bare.create()).1.into();
    let body = Bytes::from_static(br#"{"command":"echo ok","timeout":10}"#);

    let api =
        Daytona::new(Config::new(server.token.as_str()).api_url(server.url.as_str())).unwrap();
    let row = runtime.block_on(api.sandboxes().create().send()).unwrap();
    let toolbox = api.toolbox(&row).unwrap();

    let environment = DaytonaEnvironment::builder()
        .api_url(server.url.as_str())
        .api_key(server.token.as_str())
        .build()
        .unwrap();
    let sandbox = runtime.block_on(environment.open(&NoVars)).unwrap();

    let (rounds, calls) = if quick { (3, 640) } else { (9, 6400) };
    for at_once in [1, 64] {
        let floor = || {
            let (bare, url, body) = (bare.clone(), Arc::clone(&toolbox_url), body.clone());
            per_call(&runtime, at_once, calls, move || {
                let (bare, url, body) = (bare.clone(), Arc::clone(&url), body.clone());
                async move {
                    let answer = bare.execute(&url, &body).await;
                    assert!(answer.get("result").is_some());
                }
            })
        };
        let plain = || {
            let toolbox = toolbox.clone();
            per_call(&runtime, at_once, calls, move || {
                let toolbox = toolbox.clone();
                async move {
                    let answer = toolbox
                        .process()
                        .execute("echo ok")
                        .timeout(Duration::from_secs(10))
                        .send()
                        .await
                        .unwrap();
                    assert_eq!(answer.result, "ok\n");
                }
            })
        };
        // the canned answer has no frame, so what is measured is the request, the answer and a frame not found
        let wrapped = || {
            let sandbox = Arc::clone(&sandbox);
            per_call(&runtime, at_once, calls, move || {
                let sandbox = Arc::clone(&sandbox);
                async move {
                    let _ = sandbox.exec(ExecRequest::argv(["echo", "ok"])).await;
                }
            })
        };
        let both = by_turns(rounds, plain, floor);
        report(
            &format!("d. execute, {at_once} at once: CPU per call"),
            both,
            Some(1.15),
        );
        let both = by_turns(rounds, wrapped, floor);
        report(
            &format!("d. through the wrapper, {at_once} at once"),
            both,
            None,
        );
    }
    runtime.block_on(environment.close()).unwrap();
}
