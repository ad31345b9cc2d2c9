//! kill -9 of the process that holds the server: its sandboxes' processes go with it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::{Client, isolated, marked, plain, until};

/// Which mode the helper process is to serve; unset in an ordinary run of the tests.
const MODE: &str = "DAYTONA_LOCAL_TEST_MODE";

#[test]
#[ignore = "the helper process of the tests below"]
fn helper_process() {
    let Some(mode) = std::env::var_os(MODE) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let builder = if mode == "none" { plain() } else { isolated() };
        let server = builder.start().await.unwrap();
        // To stderr: the harness writes to stdout too.
        let line = format!("SERVER {} {}\n", server.api_url(), server.token());
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    });
}

async fn killed(mode: &str) {
    let mut helper = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "kill::helper_process",
            "--ignored",
            "--nocapture",
        ])
        .env(MODE, mode)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(helper.stderr.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let client = Client::new(words[1], words[2]);

    let canary = format!("kill-{mode}-{}", helper.id());
    let id = client.create(json!({ "env": { "CANARY": canary } })).await;
    let home = client.get(&format!("/toolbox/{id}/work-dir")).await.json();
    let background = "sleep 1000 >/dev/null 2>&1 &\n\
        setsid sleep 1000 >/dev/null 2>&1 &\n\
        (setsid sh -c '(sleep 1000 >/dev/null 2>&1 &) ; exec sleep 1000' >/dev/null 2>&1 &)\n\
        nohup sh -c 'trap \"\" TERM HUP INT; while :; do sleep 1; done' >/dev/null 2>&1 &\n";
    assert_eq!(client.run(&id, background).await.0, 0);
    let marker = format!("CANARY={canary}");
    until("they run", || marked(&marker).len() >= 5).await;

    let open = client.execute(&id, json!({ "command": "touch open; sleep 1000" }));
    let root = std::path::PathBuf::from(home["dir"].as_str().unwrap());
    let kill = async {
        if mode == "none" {
            until("it runs", || root.join("open").exists()).await;
        } else {
            until("it runs", || marked(&marker).len() >= 8).await;
        }
    };
    tokio::select! {
        answer = open => panic!("answered: {}", answer.text()),
        () = kill => {}
    }
    // SIGKILL: nothing of the process runs any more.
    helper.kill().unwrap();
    helper.wait().unwrap();
    until("all of it is dead", || marked(&marker).is_empty()).await;
    let server = format!("DAYTONA_SANDBOX_ID={id}");
    until("pid 1 too", || marked(&server).is_empty()).await;
    if mode == "none" {
        until("the files are gone", || !root.exists()).await;
    }
}

#[tokio::test]
async fn kill_9_takes_an_isolated_sandbox_with_it() {
    killed("required").await;
}

#[tokio::test]
async fn kill_9_takes_a_plain_sandbox_with_it() {
    killed("none").await;
}

#[tokio::test]
async fn shutdown_and_delete_leave_no_process() {
    for builder in [plain(), isolated()] {
        let server = builder.start().await.unwrap();
        let client = Client::of(&server);
        let mut ids = Vec::new();
        for _ in 0..2 {
            let id = client.create(json!({})).await;
            client.run(&id, "setsid sleep 1000 >/dev/null 2>&1 &").await;
            ids.push(id);
        }
        assert!(server.live_processes().len() >= 2);
        client
            .call("DELETE", &format!("/api/sandbox/{}", ids[0]), json!(null))
            .await;
        crate::support::until_state(&client, &ids[0], "404").await;
        assert_eq!(marked(&format!("DAYTONA_SANDBOX_ID={}", ids[0])), [""; 0]);
        server.shutdown().await;
        assert_eq!(server.live_processes(), [0; 0]);
    }
}
