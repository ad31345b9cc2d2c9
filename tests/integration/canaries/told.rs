//! What is told of sandboxes beside errors: events, snapshots, reports of closes; and what a client of the Model Context
//! Protocol is answered.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use daytona_api::routes::control_plane::{CREATE_SANDBOX, DELETE_SANDBOX, GET_SANDBOX};
use daytona_api::routes::toolbox::{EXECUTE_COMMAND, LIST_FILES, UPLOAD_FILES};
use daytona_env::{DaytonaEnvironment, DaytonaEnvironmentBuilder};
use daytona_local::Fault;
use sandbox_core::{Events, NoVars, Observed};
use sandbox_tools::mcp::McpServer;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use super::evidence::{Evidence, Scene, chain, debug};
use crate::support::{on, server, start};

const GROUP: &str = "workers";

impl Scene<'_> {
    /// One of a fleet.
    pub(super) fn sharer(&self) -> DaytonaEnvironmentBuilder {
        self.builder().share(GROUP, self.canaries.fleet.as_str())
    }
}

fn drain(events: &mut Events) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(observed) = events.try_next() {
        let error = match &observed {
            Observed::Event(event) => event.kind().error().map(|error| chain(error)),
            _ => None,
        };
        told.push(debug(&observed) + &error.unwrap_or_default());
    }
    told
}

/// Notes what an environment tells of itself now, and as it closes.
async fn note(environment: &DaytonaEnvironment, events: &mut Events, evidence: &mut Evidence) {
    let mut put = |channel, texts: Vec<String>| {
        evidence.entry(channel).or_default().extend(texts);
    };
    let snapshot = environment.snapshot();
    let mut shown = vec![debug(&snapshot)];
    for sandbox in &snapshot.sandboxes {
        shown.extend(sandbox.last_error.as_ref().map(|error| chain(error)));
    }
    put("snapshots", shown);
    let report = environment.close_and_report().await;
    let mut shown = vec![format!("{report} {}", debug(&report))];
    for left in report.left() {
        shown.push(format!("{left} {}", chain(left.why())));
    }
    put("reports", shown);
    put("events", drain(events));
}

/// Everything that events, snapshots and reports are made of, in two lives: one that goes well for as long as it can,
/// and one whose server repeats all it was sent.
pub(super) async fn told(scene: &Scene<'_>, evidence: &mut Evidence) {
    let faults = scene.server.faults();
    for builder in [scene.builder(), scene.sharer()] {
        let environment = builder.build().unwrap();
        let mut events = environment.events();
        let sandbox = environment.open(&scene.context()).await.unwrap();
        assert!(scene.server.vanish(sandbox.id()).await);
        drop(sandbox.touch().await);
        environment.open(&scene.context()).await.unwrap();
        note(&environment, &mut events, evidence).await;
    }
    for builder in [scene.builder(), scene.sharer()] {
        let environment = builder
            .close_timeout(Duration::from_millis(300))
            .build()
            .unwrap();
        let mut events = environment.events();
        let broken = Fault::on(&CREATE_SANDBOX).error_state(&scene.echo());
        faults.inject(broken);
        drop(environment.open(&scene.context()).await);
        drop(environment.open(&scene.context()).await);
        let refused = [&GET_SANDBOX, &DELETE_SANDBOX].map(|route| {
            let refused = Fault::on(route).answer(403, scene.echo()).always();
            faults.inject(refused)
        });
        note(&environment, &mut events, evidence).await;
        for fault in refused {
            fault.remove();
        }
    }
    evidence.insert("MCP replies", replies(scene).await);
}

/// A server says secrets that this client was never given, and so cannot hide; and a command prints them.
pub(super) async fn planted(scene: &Scene<'_>, evidence: &mut Evidence) {
    let secrets: Vec<_> = scene.canaries.all().map(|(_, secret)| secret).collect();
    let stranger = start(server()).await;
    let said = json!({"statusCode": 500, "message": secrets.join(" ")}).to_string();
    for route in [&CREATE_SANDBOX, &GET_SANDBOX] {
        let says = Fault::on(route).answer(500, said.clone());
        stranger.faults().inject(says.always());
    }
    let environment = on(&stranger)
        .create_timeout(Duration::from_secs(1))
        .close_timeout(Duration::from_millis(100))
        .build()
        .unwrap();
    let mut events = environment.events();
    drop(environment.open(&NoVars).await);
    note(&environment, &mut events, evidence).await;
    let prints = secrets.iter().map(|secret| {
        let command = json!({"command": format!("cat <<'x'\n{secret}\nx")});
        ("run_shell_command", command)
    });
    let printed = called(scene, &prints.collect::<Vec<_>>()).await;
    evidence.get_mut("MCP replies").unwrap().extend(printed);
}

/// Calls that go wrong in every way there is, and some that go well. What the client itself sends is in the log of the
/// protocol's own crate, at DEBUG: docs/observability.md says so.
async fn replies(scene: &Scene<'_>) -> Vec<String> {
    let faults = scene.server.faults();
    let fine = [
        (
            "run_shell_command",
            json!({"command": "env >/dev/null; exit 3"}),
        ),
        ("run_shell_command", json!({"command": "", "timeout": -1})),
        ("write_file", json!({"path": "note", "content": "text"})),
        ("read_file", json!({"path": "missing"})),
        ("list_files", json!({"path": ""})),
        ("no_such_tool", json!({})),
    ];
    let mut shown = called(scene, &fine).await;
    for status in [400, 401, 500] {
        // a command whose answer is lost is looked for, half a minute long if nothing else is answered
        let refused = Fault::on(&EXECUTE_COMMAND).answer(status, scene.echo());
        let refused = faults.inject(refused.times(3));
        shown.extend(called(scene, &fine[..1]).await);
        refused.remove();
        let refused = [&UPLOAD_FILES, &LIST_FILES].map(|route| {
            let refused = Fault::on(route).answer(status, scene.echo());
            faults.inject(refused.always())
        });
        shown.extend(called(scene, &fine[2..5]).await);
        for fault in refused {
            assert!(fault.hits() > 0);
            fault.remove();
        }
        faults.inject(Fault::on(&CREATE_SANDBOX).answer(status, scene.echo()));
        shown.extend(called(scene, &fine[..1]).await);
    }
    shown
}

/// The answers to some calls, of a session of its own, over a pair of streams.
async fn called(scene: &Scene<'_>, calls: &[(&str, Value)]) -> Vec<String> {
    let environment = scene.builder().build().unwrap();
    let server = McpServer::shared(environment.clone())
        .context(scene.context())
        .build()
        .unwrap();
    let mut shown = vec![debug(&server)];
    let message = |id: usize, method: &str, params: Value| {
        json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
    };
    let client = json!({"name": "test", "version": "1"});
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
    let mut lines = vec![
        message(0, "initialize", hello),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string(),
        message(1, "tools/list", json!({})),
    ];
    for (n, (name, arguments)) in calls.iter().enumerate() {
        let params = json!({"name": name, "arguments": arguments});
        lines.push(message(n + 2, "tools/call", params));
    }
    let (ours, theirs) = tokio::io::duplex(1024 * 1024);
    let (read, write) = tokio::io::split(theirs);
    let talk = async {
        let (read, mut write) = tokio::io::split(ours);
        let mut answers = BufReader::new(read).lines();
        for line in &lines {
            write
                .write_all(format!("{line}\n").as_bytes())
                .await
                .unwrap();
            if line.contains("\"id\"") {
                shown.push(answers.next_line().await.unwrap().unwrap());
            }
        }
        write.shutdown().await.unwrap();
    };
    tokio::join!(server.serve(read, write), talk);
    if let Err(error) = server.close().await {
        shown.push(chain(&error));
    }
    if let Err(error) = environment.close().await {
        shown.push(chain(&error));
    }
    shown
}
