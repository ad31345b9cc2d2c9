//! One create per key, whoever opens and whoever goes away.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashSet;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::thread;

use context_vars::{NoVars, Variable, Vars};
use daytona_api::routes::control_plane::CREATE_SANDBOX;
use daytona_env::{DaytonaEnvironment, DaytonaSandbox};
use daytona_local::Fault;
use sandbox_core::{Error, ErrorKind, ExecRequest, Sandbox};
use tokio::task::JoinSet;

use crate::support::{CREATE, left, on, pass, runtime, seen, server, start, until};

type Opened = Result<Arc<DaytonaSandbox>, Error>;

/// `count` opens, each polled once: all of them have begun when this returns.
async fn begin<'a>(
    environment: &'a DaytonaEnvironment,
    contexts: &'a [Vars],
    count: usize,
) -> Vec<std::pin::Pin<Box<dyn Future<Output = Opened> + Send + 'a>>> {
    let mut opens = Vec::with_capacity(count);
    for context in contexts.iter().cycle().take(count) {
        let mut open: std::pin::Pin<Box<dyn Future<Output = Opened> + Send>> =
            Box::pin(environment.open(context));
        let begun = poll_fn(|cx| Poll::Ready(open.as_mut().poll(cx))).await;
        assert!(begun.is_pending(), "the create is still to come");
        opens.push(open);
    }
    opens
}

async fn all(opens: Vec<impl Future<Output = Opened>>) -> Vec<Opened> {
    let mut ended = Vec::with_capacity(opens.len());
    for open in opens {
        ended.push(open.await);
    }
    ended
}

fn ids(opened: Vec<Opened>) -> HashSet<String> {
    opened
        .into_iter()
        .map(|opened| opened.unwrap().id().to_owned())
        .collect()
}

#[tokio::test]
async fn a_thousand_opens_of_one_key_make_one_create() {
    let server = start(server().create_delay(CREATE)).await;
    let environment = on(&server).build().unwrap();
    let context = [Vars::new()];
    let opens = begin(&environment, &context, 1000).await;
    assert_eq!(ids(pass(&server, all(opens)).await).len(), 1);
    assert_eq!(seen(&server, &CREATE_SANDBOX).len(), 1);
    assert_eq!(left(&server).len(), 1);
    environment.close().await.unwrap();
    assert_eq!(left(&server), []);
}

#[tokio::test]
async fn the_last_of_a_thousand_is_served_by_the_create_of_the_first() {
    let server = start(server().create_delay(CREATE)).await;
    let environment = on(&server).build().unwrap();
    let context = [Vars::new()];
    let mut opens = begin(&environment, &context, 1000).await;
    until("the create is under way", || left(&server).len() == 1).await;
    let last = opens.pop().unwrap();
    drop(opens);
    pass(&server, last).await.unwrap();
    assert_eq!(seen(&server, &CREATE_SANDBOX).len(), 1);
    environment.close().await.unwrap();
    assert_eq!(left(&server), []);
}

#[tokio::test]
async fn a_create_that_everybody_left_serves_whoever_comes_next() {
    let server = start(server().create_delay(CREATE)).await;
    let environment = on(&server).build().unwrap();
    let context = [Vars::new()];
    let opens = begin(&environment, &context, 1000).await;
    until("the create is under way", || left(&server).len() == 1).await;
    drop(opens);
    pass(&server, environment.open(&NoVars)).await.unwrap();
    assert_eq!(seen(&server, &CREATE_SANDBOX).len(), 1);
    environment.close().await.unwrap();
    assert_eq!(left(&server), []);
}

#[test]
fn eight_runtimes_that_end_share_one_create() {
    let main = runtime();
    let server = main.block_on(start(server().create_delay(CREATE)));
    let environment = on(&server).build().unwrap();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let environment = environment.clone();
            thread::spawn(move || {
                runtime().block_on(async {
                    let mut opens = JoinSet::new();
                    for _ in 0..125 {
                        let environment = environment.clone();
                        opens.spawn(async move { environment.open(&NoVars).await });
                    }
                    ids(opens.join_all().await)
                })
            })
        })
        .collect();
    main.block_on(pass(
        &server,
        until("every runtime has ended", || {
            threads.iter().all(thread::JoinHandle::is_finished)
        }),
    ));
    let ids: HashSet<_> = threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(seen(&server, &CREATE_SANDBOX).len(), 1);
    main.block_on(async {
        let sandbox = environment.open(&NoVars).await.unwrap();
        let outcome = sandbox.exec(ExecRequest::argv(["true"])).await.unwrap();
        assert!(outcome.success(), "{outcome:?}");
        environment.close().await.unwrap();
    });
    assert_eq!(left(&server), []);
}

#[tokio::test]
async fn a_thousand_opens_of_ten_keys_make_ten_creates() {
    let server = start(server().create_delay(CREATE)).await;
    let environment = on(&server).scope(Variable::new("tenant")).build().unwrap();
    let contexts: Vec<_> = (0..10)
        .map(|n| Vars::new().with("tenant", format!("tenant-{n}")))
        .collect();
    let opens = begin(&environment, &contexts, 1000).await;
    assert_eq!(ids(pass(&server, all(opens)).await).len(), 10);
    assert_eq!(seen(&server, &CREATE_SANDBOX).len(), 10);
    environment.close().await.unwrap();
    assert_eq!(left(&server), []);
}

#[tokio::test]
async fn a_failure_reaches_all_who_waited_and_the_next_open_works() {
    let server = start(server()).await;
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).delay(CREATE));
    let environment = on(&server).snapshot("later").build().unwrap();
    let context = [Vars::new()];
    let opens = begin(&environment, &context, 1000).await;
    let failures = pass(&server, all(opens)).await;
    assert_eq!(failures.len(), 1000);
    for failure in failures {
        let error = failure.unwrap_err();
        assert!(
            error.to_string().contains("Snapshot later not found"),
            "{error}"
        );
    }
    assert_eq!(seen(&server, &CREATE_SANDBOX).len(), 1);
    assert!(environment.is_empty());
    server.add_snapshot("later");
    environment.open(&NoVars).await.unwrap();
    assert_eq!(seen(&server, &CREATE_SANDBOX).len(), 2);
    environment.close().await.unwrap();
    assert_eq!(left(&server), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_that_races_opens_leaks_nothing() {
    let server = start(server()).await;
    let environment = on(&server).scope(Variable::new("tenant")).build().unwrap();
    let (mut served, mut closed) = (0, 0);
    for round in 0..30_usize {
        let mut opens = JoinSet::new();
        for n in 0..16 {
            let environment = environment.clone();
            let context = Vars::new().with("tenant", format!("tenant-{}", n % 5));
            opens.spawn(async move { environment.open(&context).await });
        }
        // closes at another moment of the creates in every round
        let requests = server.requests().len() + round % 10;
        until("some of the opens are under way", || {
            server.requests().len() >= requests
        })
        .await;
        environment.close().await.unwrap();
        for opened in opens.join_all().await {
            match opened {
                Ok(_) => served += 1,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
                    closed += 1;
                }
            }
        }
        // what was opened after the close belongs to the next
        environment.close().await.unwrap();
        assert_eq!(left(&server), [], "round {round}");
        assert!(environment.is_empty());
    }
    assert!(served > 0 && closed > 0, "no race: {served} / {closed}");
}

#[tokio::test]
async fn a_handle_says_that_it_was_closed() {
    let server = start(server()).await;
    let environment = on(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    environment.close().await.unwrap();
    let error = sandbox.exec(ExecRequest::argv(["true"])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    let again = environment.open(&NoVars).await.unwrap();
    assert_ne!(again.id(), sandbox.id());
    environment.close().await.unwrap();
    assert_eq!(left(&server), []);
}
