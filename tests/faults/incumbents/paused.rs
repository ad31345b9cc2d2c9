//! Cases that take time, in a runtime whose time is paused.

use std::sync::Arc;
use std::time::Duration;

use context_vars::{NoVars, Variable, Vars};
use daytona_api::routes::control_plane::{CREATE_SANDBOX, DELETE_SANDBOX, GET_SANDBOX};
use daytona_api::routes::toolbox::EXECUTE_COMMAND;
use daytona_env::DaytonaEnvironment;
use daytona_local::{Fault, Server};
use futures_util::future::join_all;
use sandbox_core::{ExecRequest, ExecStatus, Sandbox};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::{Case, case};
use crate::world::{NEVER, at, in_place, left};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn slow() -> Arc<Server> {
    in_place(|builder| builder.create_delay(seconds(2)))
}

fn creates(server: &Server) -> usize {
    server.sandboxes().len()
}

/// What is left once the environment is closed, and what close said.
async fn closed(server: &Server, environment: &DaytonaEnvironment) -> String {
    let closed = timeout(NEVER, environment.close()).await.unwrap();
    let said = if closed.is_ok() { "" } else { ", and says so" };
    format!("{} leaked{said}", left(server).len())
}

/// An open of one key under a fault, and a close.
async fn after(fault: Fault) -> String {
    let server = in_place(|builder| builder);
    server.faults().inject(fault);
    let environment = at(&server).create_timeout(seconds(120)).build().unwrap();
    let opened = timeout(seconds(600), environment.open(&NoVars))
        .await
        .unwrap();
    let made = creates(&server);
    let opened = match opened {
        Ok(_) => format!("opens, {made} sandbox"),
        Err(error) if error.to_string().contains("disk full") => "error with the reason".to_owned(),
        Err(error) => format!("{:?} error", error.kind()).to_lowercase(),
    };
    format!("{opened}, {}", closed(&server, &environment).await)
}

pub(super) async fn cases() -> Vec<Case> {
    let mut all = flight().await;
    all.extend(answers().await);
    all.extend(ends().await);
    all.extend(calls().await);
    all
}

async fn flight() -> Vec<Case> {
    let server = slow();
    let environment = at(&server).build().unwrap();
    let opens = join_all((0..50).map(|_| environment.open(&NoVars))).await;
    let good = opens.iter().filter(|opened| opened.is_ok()).count();
    let fifty = format!(
        "{good} opened, {} sandbox, {}",
        creates(&server),
        closed(&server, &environment).await
    );

    let server = slow();
    let environment = at(&server).build().unwrap();
    assert!(
        timeout(seconds(1), environment.open(&NoVars))
            .await
            .is_err()
    );
    let cancelled = closed(&server, &environment).await;

    let server = slow();
    let environment = at(&server).build().unwrap();
    let first = timeout(seconds(1), environment.open(&NoVars));
    let others = join_all((0..9).map(|_| environment.open(&NoVars)));
    let (first, others) = tokio::join!(first, others);
    assert!(first.is_err());
    let good = others.iter().filter(|opened| opened.is_ok()).count();
    let ten = format!(
        "{good} opened, {} sandbox, {}",
        creates(&server),
        closed(&server, &environment).await
    );

    let server = slow();
    let environment = at(&server).build().unwrap();
    let (_, during) = tokio::join!(environment.open(&NoVars), async {
        sleep(seconds(1)).await;
        closed(&server, &environment).await
    });
    vec![
        case(
            "50 opens of one key at once",
            "1 sandbox",
            "50 opened, 1 sandbox, 0 leaked",
            fifty,
        ),
        case(
            "an open cancelled during the create",
            "1 leaked, no delete sent",
            "0 leaked",
            cancelled,
        ),
        case(
            "10 openers, the first cancelled",
            "2 sandboxes, 1 leaked",
            "9 opened, 1 sandbox, 0 leaked",
            ten,
        ),
        case(
            "a close during the create",
            "the open fails, 1 leaked",
            "0 leaked",
            during,
        ),
    ]
}

async fn answers() -> Vec<Case> {
    let create = || Fault::on(&CREATE_SANDBOX);
    let odd = {
        let server = in_place(|builder| builder);
        server
            .faults()
            .inject(create().set_fields([("state", json!("hibernating"))]));
        server.faults().inject(
            Fault::on(&GET_SANDBOX)
                .set_fields([("state", json!("hibernating"))])
                .always(),
        );
        let environment = at(&server).create_timeout(seconds(60)).build().unwrap();
        let begun = Instant::now();
        let error = environment.open(&NoVars).await.unwrap_err();
        let in_time = begun.elapsed() <= seconds(61);
        format!(
            "{:?} error by the deadline: {in_time}, {}",
            error.kind(),
            closed(&server, &environment).await
        )
    };
    let throttled = {
        let server = in_place(|builder| builder);
        server
            .faults()
            .inject(create().answer(429, "{}").header("Retry-After", "1"));
        let environment = at(&server).build().unwrap();
        let begun = Instant::now();
        environment.open(&NoVars).await.unwrap();
        let waited = begun.elapsed() >= seconds(1);
        format!(
            "opens, waited as told: {waited}, {}",
            closed(&server, &environment).await
        )
    };
    vec![
        case(
            "the answer to a create is lost, then opened again",
            "2 sandboxes, 1 leaked",
            "opens, 1 sandbox, 0 leaked",
            after(create().reset_after_commit()).await,
        ),
        case(
            "502 after the sandbox was made",
            "1 leaked",
            "opens, 1 sandbox, 0 leaked",
            after(create().answer_after_commit(502, "<html></html>")).await,
        ),
        case(
            "a create that stalls for 65 s",
            "an error at 60 s, 1 leaked",
            "opens, 1 sandbox, 0 leaked",
            after(create().delay(seconds(65))).await,
        ),
        case(
            "a create that ends in `error`",
            "an error, 1 leaked",
            "error with the reason, 0 leaked",
            after(create().error_state("disk full")).await,
        ),
        case(
            "a state nobody knows",
            "hangs for 60 s, 1 leaked",
            "Timeout error by the deadline: true, 0 leaked",
            odd,
        ),
        case(
            "an answer without the member `kvm`",
            "an error, 1 leaked with each open",
            "opens, 1 sandbox, 0 leaked",
            after(create().drop_fields(["kvm"])).await,
        ),
        case(
            "429 with `Retry-After: 1`",
            "an error at once",
            "opens, waited as told: true, 0 leaked",
            throttled,
        ),
    ]
}

async fn ends() -> Vec<Case> {
    let mut refused = Vec::new();
    for status in [409, 500] {
        let server = in_place(|builder| builder);
        let environment = at(&server).build().unwrap();
        environment.open(&NoVars).await.unwrap();
        server
            .faults()
            .inject(Fault::on(&DELETE_SANDBOX).answer(status, "{}"));
        refused.push(closed(&server, &environment).await);
    }

    let server = in_place(|builder| builder);
    let environment = at(&server).scope(Variable::new("tenant")).build().unwrap();
    for n in 0..5 {
        environment
            .open(&Vars::new().with("tenant", format!("{n}")))
            .await
            .unwrap();
    }
    server
        .faults()
        .inject(Fault::on(&DELETE_SANDBOX).delay(seconds(1)).always());
    assert!(
        timeout(Duration::from_millis(700), environment.close())
            .await
            .is_err()
    );
    let twice = closed(&server, &environment).await;

    let server = in_place(|builder| builder);
    let environment = at(&server).build().unwrap();
    let first = environment.open(&NoVars).await.unwrap();
    assert!(server.vanish(first.id()).await);
    let lost = first
        .exec(ExecRequest::argv(["true"]))
        .await
        .unwrap()
        .status();
    let mut alive = 0;
    for _ in 0..5 {
        let sandbox = environment.open(&NoVars).await.unwrap();
        alive += usize::from(
            sandbox
                .exec(ExecRequest::argv(["true"]))
                .await
                .unwrap()
                .success(),
        );
    }
    let vanished = format!(
        "{lost:?}, {} made anew, {alive} of 5 opens alive",
        creates(&server) - 1
    );
    vec![
        case(
            "a delete refused once, with 409 and with 500",
            "close returns, 1 leaked each",
            "0 leaked, 0 leaked",
            refused.join(", "),
        ),
        case(
            "a close of five cancelled after 0.7 s, then a second",
            "3 leaked",
            "0 leaked",
            twice,
        ),
        case(
            "destroyed behind our back, then five opens",
            "0 made anew, 5 of 5 dead; \"not found\" as output",
            "Lost, 1 made anew, 5 of 5 opens alive",
            vanished,
        ),
    ]
}

async fn calls() -> Vec<Case> {
    let server = in_place(|builder| builder);
    let environment = at(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    server
        .faults()
        .inject(Fault::on(&EXECUTE_COMMAND).reset_after_commit());
    let outcome = sandbox.exec(ExecRequest::argv(["true"])).await.unwrap();
    assert_ne!(outcome.status(), ExecStatus::Exited(1));
    let dropped = format!("{:?}", outcome.status());
    vec![case(
        "the connection drops during a command",
        "exit code 1, \"Server disconnected\"",
        "Unknown",
        dropped,
    )]
}
