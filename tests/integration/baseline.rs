//! Tasks, threads and descriptors after everything is closed and dropped.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::sync::Arc;

use context_vars::{Variable, Vars};
use daytona_local::Server;
use sandbox_core::{ExecRequest, Sandbox};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::support::{alone, left, on, server, start, until};

/// Runs `child` alone in a process of its own: the other tests of this one come and go with their own descriptors.
#[test]
fn everything_returns_to_baseline() {
    alone("baseline::child");
}

#[derive(Debug, PartialEq, Eq, PartialOrd)]
struct Held {
    descriptors: usize,
    threads: usize,
    tasks: usize,
}

fn held() -> Held {
    Held {
        descriptors: fs::read_dir("/proc/self/fd").unwrap().count(),
        threads: fs::read_dir("/proc/self/task").unwrap().count(),
        tasks: Handle::current().metrics().num_alive_tasks(),
    }
}

/// Opens, executes, drops openers half-way, closes and drops the environment.
async fn cycle(server: &Arc<Server>, keys: usize) -> Held {
    let environment = on(server)
        .scope(Variable::new("tenant"))
        // so that its tasks are counted
        .spawner(Arc::new(Handle::current()))
        .build()
        .unwrap();
    let mut opens = JoinSet::new();
    for n in 0..keys * 2 {
        let environment = environment.clone();
        let context = Vars::new().with("tenant", format!("tenant-{}", n % keys));
        opens.spawn(async move {
            let sandbox = environment.open(&context).await.unwrap();
            let outcome = sandbox.exec(ExecRequest::argv(["true"])).await.unwrap();
            assert!(outcome.success());
        });
    }
    opens.join_next().await;
    opens.abort_all();
    while opens.join_next().await.is_some() {}
    let at_work = held();
    environment.close().await.unwrap();
    assert_eq!(left(server), []);
    at_work
}

#[tokio::test]
#[ignore = "run by everything_returns_to_baseline, alone in its process"]
async fn child() {
    let server = start(server()).await;
    // starts what is started once for the whole process
    cycle(&server, 2).await;
    let settled = async || {
        let mut last = held();
        let mut same = 0;
        until("nothing changes any more", || {
            let now = held();
            same = if now == last { same + 1 } else { 0 };
            last = now;
            same == 40
        })
        .await;
        held()
    };
    let before = settled().await;
    for _ in 0..5 {
        let at_work = cycle(&server, 24).await;
        assert!(
            at_work.descriptors > before.descriptors && at_work.tasks > before.tasks,
            "nothing to return from: {before:?}, {at_work:?}"
        );
    }
    until("back at the baseline", || {
        let now = held();
        now.descriptors <= before.descriptors
            && now.tasks <= before.tasks
            // idle threads for blocking calls end by themselves after ten seconds
            && now.threads <= before.threads
    })
    .await;
}
