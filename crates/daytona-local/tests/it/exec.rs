use serde_json::{Value, json};

use crate::support::{Client, isolated, marked, plain, start, until};

/// Both modes run the same commands in the same way.
async fn both(check: impl AsyncFn(Client, String)) {
    for builder in [plain(), isolated()] {
        let (server, client) = start(builder).await;
        let id = client
            .create(json!({ "env": { "FROM_CREATE": "1", "TWICE": "create" } }))
            .await;
        check(client, id).await;
        server.shutdown().await;
    }
}

#[tokio::test]
async fn output_is_merged_and_the_exit_code_is_the_commands() {
    both(async |client, id| {
        let (code, output) = client.run(&id, "echo out; echo err >&2; exit 3").await;
        assert_eq!((code, output.as_str()), (3, "out\nerr\n"));
        let (code, output) = client.run(&id, "no-such-program").await;
        assert_eq!(code, 127);
        assert!(output.contains("no-such-program"), "{output}");
        assert_eq!(
            client
                .run(&id, "(kill -9 $BASHPID || kill -9 $PPID); exit 5")
                .await
                .0,
            5
        );
        assert_eq!(
            client.run(&id, "kill -9 $$").await.0,
            -1,
            "the shell itself was killed"
        );
        let (_, output) = client.run(&id, "printf 'a\\377b'").await;
        assert_eq!(output, "a\u{fffd}b");
    })
    .await;
}

#[tokio::test]
async fn the_command_is_the_shells_stdin() {
    both(async |client, id| {
        let (_, output) = client
            .run(&id, "read line\nignored by the shell\necho \"$line\"")
            .await;
        assert_eq!(output, "ignored by the shell\n");
        let (_, output) = client.run(&id, "cat\necho swallowed").await;
        assert_eq!(output, "echo swallowed");
        let long = format!("x='{}'\necho ${{#x}}", "y".repeat(300_000));
        assert_eq!(client.run(&id, &long).await.1, "300000\n");
    })
    .await;
}

#[tokio::test]
async fn variables_come_from_create_and_from_the_call_and_from_nowhere_else() {
    both(async |client, id| {
        let env = json!({ "TWICE": "call", "LINES2": "a\nb 'c' \"d\" $HOME", "UID": "5", "PATH": "/nowhere:/usr/bin:/bin" });
        let script = "env -0 | sort -z | tr '\\0' '|'";
        let answer = client.execute(&id, json!({ "command": script, "envs": env })).await;
        let output = answer.json()["result"].as_str().unwrap().to_owned();
        for wanted in [
            "FROM_CREATE=1|", "TWICE=call|", "LINES2=a\nb 'c' \"d\" $HOME|", "DAYTONA_SANDBOX_ID=",
            "DAYTONA_SANDBOX_USER=daytona|", "PATH=/nowhere:/usr/bin:/bin|", "HOME=/",
        ] {
            assert!(output.contains(wanted), "{wanted} in {output}");
        }
        for ours in ["CARGO", "RUST", "_launch_"] {
            assert!(!output.contains(ours), "{ours} in {output}");
        }
        for name in ["A-B", "1A", "", "A B", "ä"] {
            let body = json!({ "command": "true", "envs": { name: "x" } });
            let answer = client.execute(&id, body).await;
            assert_eq!(answer.status, 400, "{name}");
            assert!(answer.text().contains("invalid environment variable name"));
        }
    })
    .await;
}

#[tokio::test]
async fn the_folder_is_the_home_unless_it_is_given() {
    both(async |client, id| {
        let home = client.get(&format!("/toolbox/{id}/work-dir")).await.json()["dir"].clone();
        let home = home.as_str().unwrap();
        assert_eq!(
            client.run(&id, "pwd; echo $HOME").await.1,
            format!("{home}\n{home}\n")
        );
        client.run(&id, "mkdir -p a/b").await;
        for cwd in ["a/b".to_owned(), format!("{home}/a/b")] {
            let answer = client
                .execute(&id, json!({ "command": "pwd", "cwd": cwd }))
                .await;
            assert_eq!(answer.json()["result"], format!("{home}/a/b\n"));
        }
        let answer = client
            .execute(&id, json!({ "command": "pwd", "cwd": "/no/such" }))
            .await;
        let reply = answer.json();
        assert_eq!((answer.status, &reply["exitCode"]), (200, &json!(-1)));
        assert!(
            reply["result"]
                .as_str()
                .unwrap()
                .ends_with("no such file or directory")
        );
    })
    .await;
}

#[tokio::test]
async fn a_timeout_is_408_and_kills_the_group() {
    both(async |client, id| {
        let body = json!({
            "command": "echo lost; sleep 1000 & sleep 1000",
            "timeout": 1,
            "envs": { "CANARY": format!("timeout-{id}") },
        });
        let answer = client.execute(&id, body).await;
        assert_eq!(answer.status, 408);
        let error = answer.json();
        assert_eq!(
            error["message"],
            "request timeout: command execution timeout"
        );
        assert_eq!(error["code"], "PROCESS_EXECUTION_TIMEOUT");
        let canary = format!("CANARY=timeout-{id}");
        until("the group is dead", || marked(&canary).is_empty()).await;
    })
    .await;
}

#[tokio::test]
async fn what_runs_in_the_background_outlives_its_command() {
    both(async |client, id| {
        let started = "sleep 1000 >/dev/null 2>&1 & echo $! > pid";
        assert_eq!(client.run(&id, started).await.0, 0);
        assert_eq!(
            client.run(&id, "kill -0 $(cat pid) && echo alive").await.1,
            "alive\n"
        );
        client.post(&format!("/api/sandbox/{id}/stop")).await;
        let canary = format!("DAYTONA_SANDBOX_ID={id}");
        until("stop ends it", || marked(&canary).is_empty()).await;
        crate::support::until_state(&client, &id, "stopped").await;
        client.post(&format!("/api/sandbox/{id}/start")).await;
        assert_eq!(
            client.run(&id, "cat pid | wc -l").await.1.trim(),
            "1",
            "files stay"
        );
    })
    .await;
}

#[tokio::test]
async fn bad_requests_are_400() {
    let (_server, client) = start(plain()).await;
    let id = client.create(json!({})).await;
    for body in [
        json!({}),
        json!({ "command": "" }),
        json!({ "command": "  \n" }),
        json!({ "command": 1 }),
        json!({ "command": "true", "timeout": -1 }),
        json!({ "command": "true", "timeout": 0.5 }),
        json!({ "command": "true", "cwd": 1 }),
        json!({ "command": "true", "envs": [] }),
        Value::Null,
    ] {
        let answer = client.execute(&id, body.clone()).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &json!("BAD_REQUEST")),
            "{body}"
        );
    }
}

#[tokio::test]
async fn code_runs_in_its_language() {
    both(async |client, id| {
        let path = format!("/toolbox/{id}/process/code-run");
        let code = "import sys, os\nprint(6 * 7, sys.argv[1:], os.environ['K'])\nsys.exit(4)";
        let body = json!({ "code": code, "language": "python", "argv": ["a", "b"], "envs": { "K": "v" } });
        let reply = client.call("POST", &path, body).await.json();
        assert_eq!((&reply["exitCode"], &reply["result"]), (&json!(4), &json!("42 ['a', 'b'] v\n")));
        let chart = "print('before')\nprint('dtn_artifact_k39fd2:{\"type\":\"chart\",\"value\":{\"title\":\"t\"}}')";
        let body = json!({ "code": chart, "language": "python" });
        let reply = client.call("POST", &path, body).await.json();
        assert_eq!(reply["result"], "before\n");
        assert_eq!(reply["artifacts"]["charts"], json!([{ "title": "t" }]));
        let body = json!({ "code": "puts 1", "language": "ruby" });
        let answer = client.call("POST", &path, body).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains("unsupported language: ruby"));
    })
    .await;
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_end_its_command() {
    let (server, client) = start(plain()).await;
    let id = client.create(json!({})).await;
    let body =
        json!({ "command": "touch began; while [ ! -e go ]; do sleep 0.01; done; touch done" });
    let home = client.get(&format!("/toolbox/{id}/work-dir")).await.json();
    let home = std::path::PathBuf::from(home["dir"].as_str().unwrap());
    tokio::select! {
        _ = client.execute(&id, body) => panic!("answered"),
        () = until("it runs", || home.join("began").exists()) => {}
    }
    std::fs::write(home.join("go"), "").unwrap();
    until("it ends by itself", || home.join("done").exists()).await;
    server.shutdown().await;
    assert!(!home.exists(), "the files go with the server");
}
