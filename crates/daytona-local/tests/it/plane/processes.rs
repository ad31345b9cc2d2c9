//! What the states of a sandbox mean for its processes and files. Without isolation, so that it runs everywhere.

use std::time::Duration;

use daytona_local::Server;
use serde_json::{Value, json};

use super::client::{create, named, send, server_with_processes};

async fn server() -> Server {
    server_with_processes(daytona_local::ServerBuilder::manual_clock).await
}

async fn exec(server: &Server, id: &str, command: &str) -> Value {
    let path = format!("/toolbox/{id}/process/execute");
    let answer = send(server, "POST", &path, Some(json!({ "command": command }))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

const BACKGROUND: &str = "sleep 1000 >/dev/null 2>&1 </dev/null & echo kept > note";

#[tokio::test]
async fn a_stop_ends_the_processes_and_keeps_the_files() {
    let server = server().await;
    let id = named(&server, "x").await;
    exec(&server, &id, BACKGROUND).await;
    assert!(!server.live_processes().is_empty());
    send(&server, "POST", "/api/sandbox/x/stop", None).await;
    server.settled().await;
    assert!(server.live_processes().is_empty());
    send(&server, "POST", "/api/sandbox/x/start", None).await;
    assert_eq!(exec(&server, &id, "cat note").await["result"], "kept\n");
}

#[tokio::test]
async fn a_delete_and_the_timers_end_the_processes_too() {
    let server = server().await;
    let deleted = named(&server, "deleted").await;
    exec(&server, &deleted, BACKGROUND).await;
    send(&server, "DELETE", "/api/sandbox/deleted", None).await;
    server.settled().await;
    assert!(server.live_processes().is_empty());

    let idle = named(&server, "idle").await;
    exec(&server, &idle, BACKGROUND).await;
    server.advance(Duration::from_secs(16 * 60)).unwrap();
    server.settled().await;
    assert_eq!(server.sandbox("idle").unwrap().state, "stopped");
    assert!(server.live_processes().is_empty());
}

#[tokio::test]
async fn the_first_requests_of_a_sandbox_may_come_together() {
    let server = server().await;
    let id = named(&server, "x").await;
    let all = tokio::join!(
        exec(&server, &id, "echo 1"),
        exec(&server, &id, "echo 2"),
        exec(&server, &id, "echo 3"),
        exec(&server, &id, "echo 4"),
    );
    assert_eq!(all.0["result"], "1\n");
    assert_eq!(all.3["result"], "4\n");
}

#[tokio::test]
async fn a_running_command_keeps_its_sandbox_awake() {
    let server = server().await;
    let id = named(&server, "x").await;
    let running = exec(
        &server,
        &id,
        "while [ ! -e done ]; do sleep 0.01; done; echo over",
    );
    let other = async {
        while server.sandbox("x").unwrap().open_requests == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        for _ in 0..20 {
            server.advance(Duration::from_secs(60)).unwrap();
            server.settled().await;
        }
        assert_eq!(server.sandbox("x").unwrap().state, "started");
        exec(&server, &id, "touch done").await;
    };
    let (ended, ()) = tokio::join!(running, other);
    assert_eq!(ended["result"], "over\n");
}

#[tokio::test]
async fn a_client_that_is_gone_keeps_no_sandbox_awake() {
    let server = server().await;
    let body = json!({ "autoStopInterval": 3, "autoDeleteInterval": 0 });
    let id = create(&server, body).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let open = || server.sandbox(&id).unwrap().open_requests;
    {
        let running = exec(&server, &id, "sleep 600");
        let begun = async {
            while open() == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            _ = running => panic!("it cannot have ended"),
            () = begun => {}
        }
        // here the connection is dropped, as the kernel does for a client that was killed
    }
    while open() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.advance(Duration::from_secs(4 * 60)).unwrap();
    server.settled().await;
    assert!(server.sandbox(&id).is_none_or(|row| !row.exists()));
    assert!(server.live_processes().is_empty());
}

#[tokio::test]
async fn time_passes_by_itself_and_faster_if_wanted() {
    let server = server_with_processes(|builder| builder.speed(1000.0)).await;
    let body = json!({ "autoStopInterval": 1, "autoDeleteInterval": 0 });
    let id = create(&server, body).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    exec(&server, &id, BACKGROUND).await;
    // nothing asks the server for anything that would make it look at the time
    for _ in 0..5000 {
        if server.live_processes().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(server.live_processes().is_empty());
    server.settled().await;
    assert!(server.sandbox(&id).is_none());
}
