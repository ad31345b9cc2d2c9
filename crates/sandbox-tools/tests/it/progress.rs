//! What a client is told of a call while it runs, in paused time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use sandbox_core::{
    Error, ErrorKind, ExecOutcome, ExecRequest, ExecStatus, ExecStream, FileEntry, Output, Running,
    Sandbox, SandboxInfo, SingletonFactory,
};
use sandbox_tools::mcp::McpServer;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::time::sleep;

/// Writes at known times, and ends after 14 seconds.
#[derive(Debug)]
struct Slow {
    can_start: bool,
}

const WRITES: [(u64, ExecStream, &str); 5] = [
    (0, ExecStream::Stdout, "compiling\n"),
    (1500, ExecStream::Stdout, "10 %\r20 %"),
    (100, ExecStream::Stdout, "\r\x1b[32m30 %\x1b[0m"),
    (1000, ExecStream::Stderr, "warning: old\n\n"),
    (11400, ExecStream::Stdout, "\ndone\n"),
];

fn ended() -> ExecOutcome {
    let written = Output::complete(Bytes::from_static(b"done\n"));
    let nothing = Output::complete(Bytes::new());
    ExecOutcome::new(
        ExecStatus::Exited(0),
        written,
        nothing,
        Duration::from_secs(14),
    )
}

fn none<T>() -> Result<T, Error> {
    Err(Error::new(ErrorKind::Unsupported, "not in this test"))
}

#[async_trait]
impl Sandbox for Slow {
    fn info(&self) -> SandboxInfo {
        SandboxInfo::new("id", "slow", "/w")
    }
    fn workdir(&self) -> &str {
        "/w"
    }
    async fn exec(&self, _: ExecRequest) -> Result<ExecOutcome, Error> {
        sleep(Duration::from_secs(14)).await;
        Ok(ended())
    }
    async fn start(&self, _: ExecRequest) -> Result<Running, Error> {
        if !self.can_start {
            return none();
        }
        Ok(Running::spawn(|mut control| async move {
            for (pause, stream, text) in WRITES {
                sleep(Duration::from_millis(pause)).await;
                control
                    .emit(stream, Bytes::from_static(text.as_bytes()))
                    .await;
            }
            ended()
        }))
    }
    async fn put(&self, _: &str, _: Bytes) -> Result<(), Error> {
        none()
    }
    async fn get(&self, _: &str) -> Result<Bytes, Error> {
        none()
    }
    async fn list(&self, _: &str) -> Result<Vec<FileEntry>, Error> {
        none()
    }
    async fn remove(&self, _: &str) -> Result<(), Error> {
        none()
    }
    async fn make_dir(&self, _: &str) -> Result<(), Error> {
        none()
    }
}

/// Everything that a client is sent for one call.
async fn told(can_start: bool, tool: &str, arguments: Value, progress: bool) -> Vec<Value> {
    let server = McpServer::per_session(move |_| {
        let sandbox: Arc<dyn Sandbox> = Arc::new(Slow { can_start });
        Ok(Arc::new(SingletonFactory::new(sandbox)))
    })
    .build()
    .unwrap();
    let (client, ours) = tokio::io::duplex(1024 * 1024);
    let (read, write) = tokio::io::split(ours);
    let meta = if progress {
        json!({"progressToken": "p"})
    } else {
        json!({})
    };
    let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let lines = [
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}),
    ];
    let talk = async {
        let (read, mut write) = tokio::io::split(client);
        let mut answers = BufReader::new(read).lines();
        for line in lines {
            write
                .write_all(format!("{line}\n").as_bytes())
                .await
                .unwrap();
        }
        let mut all = Vec::new();
        loop {
            let line = answers.next_line().await.unwrap().unwrap();
            let message: Value = serde_json::from_str(&line).unwrap();
            let is_answer = message.get("id") == Some(&json!(1));
            if message.get("id") != Some(&json!(0)) {
                all.push(message);
            }
            if is_answer {
                break;
            }
        }
        write.shutdown().await.unwrap();
        all
    };
    let ((), all) = tokio::join!(server.serve(read, write), talk);
    all
}

/// How far, and the words.
fn notes(all: &[Value]) -> Vec<(f64, String)> {
    let (_, before) = all.split_last().unwrap();
    let note = |message: &Value| {
        assert_eq!(message["method"], "notifications/progress");
        let params = &message["params"];
        assert_eq!(params["progressToken"], "p");
        let words = params["message"].as_str().unwrap().to_owned();
        (params["progress"].as_f64().unwrap(), words)
    };
    before.iter().map(note).collect()
}

#[tokio::test(start_paused = true)]
async fn a_client_is_told_the_latest_line_as_it_changes() {
    for (tool, arguments) in [
        ("run_shell_command", json!({"command": "make"})),
        ("run_code", json!({"code": "make()", "language": "python"})),
    ] {
        let all = told(true, tool, arguments, true).await;
        let wanted = [
            (1.0, "running for 1 s: compiling"),
            (2.0, "running for 2 s: 30 %"),
            (3.0, "running for 3 s: warning: old"),
            (8.0, "running for 8 s: warning: old"),
            (13.0, "running for 13 s: warning: old"),
        ];
        assert_eq!(
            notes(&all),
            wanted.map(|(at, words)| (at, words.to_owned()))
        );
        let answer = &all.last().unwrap()["result"];
        assert_eq!(
            answer["content"][0]["text"],
            "done\n".trim_end(),
            "{answer}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn without_live_output_it_is_told_that_the_command_runs() {
    let all = told(false, "run_shell_command", json!({"command": "make"}), true).await;
    let wanted = [(5.0, "running for 5 s"), (10.0, "running for 10 s")];
    assert_eq!(
        notes(&all),
        wanted.map(|(at, words)| (at, words.to_owned()))
    );
}

#[tokio::test(start_paused = true)]
async fn who_did_not_ask_is_told_nothing() {
    let all = told(true, "run_shell_command", json!({"command": "make"}), false).await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0]["result"]["content"][0]["text"], "done");
}
