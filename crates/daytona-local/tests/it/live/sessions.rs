use daytona_api::api::{LogChunk, Output, Toolbox};

use super::{Lab, soon};
use crate::support::{Client, isolated, plain};

async fn followed(toolbox: &Toolbox, session: &str, command: &str) -> (Vec<u8>, Vec<u8>) {
    let mut logs = toolbox.sessions().follow_logs(session, command);
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while let Some(LogChunk { output, data, .. }) = logs.next().await.unwrap() {
        match output {
            Output::Stdout => stdout.extend(data),
            _ => stderr.extend(data),
        }
    }
    (stdout, stderr)
}

#[tokio::test]
async fn what_a_command_leaves_behind_stays_for_the_next() {
    for lab in soon(Lab::both()).await {
        let sessions = lab.toolbox.sessions();
        sessions.create("s").await.unwrap();
        assert!(sessions.create("s").await.unwrap_err().is_conflict());
        let run = async |text: &str| soon(sessions.execute("s", text)).await.unwrap();
        run("mkdir -p deep; cd deep; export A=1; f() { echo \"f $A\"; }").await;
        let done = run("pwd | sed 's|.*/||'; f; echo oops >&2; (exit 3)").await;
        assert_eq!(done.exit_code, Some(3));
        assert_eq!(done.stdout.as_deref(), Some("deep\nf 1\n"));
        assert_eq!(done.stderr.as_deref(), Some("oops\n"));
        // what is no valid program, and a last line without its end
        assert_eq!(run("if").await.exit_code, Some(2));
        assert_eq!(run("printf x").await.stdout.as_deref(), Some("x\n"));
        // reading takes nothing of what comes after
        assert_eq!(
            run("cat; echo after").await.stdout.as_deref(),
            Some("after\n")
        );
        // a command may do to its outputs what it likes
        run("exec >/dev/null 2>&1").await;
        assert_eq!(run("echo here").await.stdout.as_deref(), Some("here\n"));
        let session = sessions.get("s").await.unwrap();
        assert_eq!(session.commands.len(), 7);
        let command = &session.commands[1];
        assert_eq!(
            sessions.command("s", &command.id).await.unwrap().exit_code,
            Some(3)
        );
        assert_eq!(
            sessions.logs("s", &command.id).await.unwrap().stderr,
            "oops\n"
        );
        assert_eq!(sessions.list().await.unwrap().len(), 1);
        sessions.delete("s").await.unwrap();
        assert!(sessions.get("s").await.unwrap_err().is_not_found());
        assert!(
            sessions
                .execute("s", "ls")
                .await
                .unwrap_err()
                .is_not_found()
        );
        assert!(sessions.entrypoint().await.unwrap_err().is_not_found());
        for bad in ["", "entrypoint"] {
            assert_eq!(sessions.create(bad).await.unwrap_err().status(), Some(400));
        }
        lab.server.shutdown().await;
    }
}

#[tokio::test]
async fn a_log_is_followed_to_its_end_byte_by_byte() {
    for lab in soon(Lab::both()).await {
        let sessions = lab.toolbox.sessions();
        sessions.create("s").await.unwrap();
        let text =
            "printf '\\377\\376\\0\\n'; seq 1 20000; printf 'e\\n' >&2; printf '\\1\\1\\1\\n'";
        let id = sessions.start("s", text, false).await.unwrap();
        let (stdout, stderr) = soon(followed(&lab.toolbox, "s", &id)).await;
        let mut expected = b"\xff\xfe\0\n".to_vec();
        expected.extend((1..=20000).flat_map(|n| format!("{n}\n").into_bytes()));
        expected.extend(b"\x01\x01\x01\n");
        assert_eq!(stdout, expected);
        assert_eq!(stderr, b"e\n");
        // and again, since it is kept
        assert_eq!(soon(followed(&lab.toolbox, "s", &id)).await.0, expected);
        let mut unknown = sessions.follow_logs("s", "nothing");
        assert!(unknown.next().await.unwrap_err().is_not_found());
        lab.server.shutdown().await;
    }
}

#[tokio::test]
async fn input_reaches_the_command_that_waits_for_it() {
    for lab in soon(Lab::both()).await {
        let sessions = lab.toolbox.sessions();
        sessions.create("s").await.unwrap();
        let text = "read a; read b; echo \"<$a> <$b>\"; exit_code() { return 4; }; exit_code";
        let id = sessions.start("s", text, true).await.unwrap();
        soon(sessions.send_input("s", &id, "one")).await.unwrap();
        soon(sessions.send_input("s", &id, "two\n")).await.unwrap();
        assert_eq!(
            soon(followed(&lab.toolbox, "s", &id)).await.0,
            b"<one> <two>\n"
        );
        assert_eq!(sessions.command("s", &id).await.unwrap().exit_code, Some(4));
        let late = sessions.send_input("s", &id, "more").await.unwrap_err();
        assert_eq!(
            (late.status(), late.code()),
            (Some(410), Some("COMMAND_ALREADY_COMPLETED"))
        );
        // shown among the output, unless that was not wanted
        let id = sessions
            .start("s", "read a; echo \"<$a>\"", false)
            .await
            .unwrap();
        soon(sessions.send_input("s", &id, "typed")).await.unwrap();
        let (stdout, _) = soon(followed(&lab.toolbox, "s", &id)).await;
        let mut lines: Vec<_> = stdout.split_inclusive(|byte| *byte == b'\n').collect();
        lines.sort_unstable();
        assert_eq!(lines, [&b"<typed>\n"[..], b"typed\n"]);
        lab.server.shutdown().await;
    }
}

#[tokio::test]
async fn a_shell_that_ends_ends_its_command_and_the_session_takes_no_more() {
    for lab in soon(Lab::both()).await {
        let sessions = lab.toolbox.sessions();
        sessions.create("s").await.unwrap();
        let done = soon(sessions.execute("s", "echo bye; exit 7"))
            .await
            .unwrap();
        assert_eq!(
            (done.exit_code, done.stdout.as_deref()),
            (Some(7), Some("bye\n"))
        );
        let error = sessions.execute("s", "ls").await.unwrap_err();
        assert_eq!(
            (error.status(), error.code()),
            (Some(410), Some("SESSION_ENDED"))
        );
        // processes in the background end with the session
        sessions.create("t").await.unwrap();
        soon(sessions.execute("t", "sleep 987 & echo $!"))
            .await
            .unwrap();
        soon(sessions.delete("t")).await.unwrap();
        let left = soon(
            lab.toolbox
                .process()
                .execute("pgrep -f 'sleep 987'; true")
                .send(),
        );
        assert!(
            !left
                .await
                .unwrap()
                .result
                .lines()
                .any(|line| line.parse::<u32>().is_ok())
        );
        lab.server.shutdown().await;
    }
}

#[tokio::test]
async fn a_stop_ends_sessions_and_their_logs() {
    for builder in [plain(), isolated()] {
        let lab = soon(Lab::new(builder)).await;
        let sessions = lab.toolbox.sessions();
        sessions.create("s").await.unwrap();
        let id = sessions
            .start("s", "echo begun; sleep 987", false)
            .await
            .unwrap();
        let mut logs = sessions.follow_logs("s", &id);
        assert_eq!(
            &soon(logs.next()).await.unwrap().unwrap().data[..],
            b"begun\n"
        );
        lab.api.sandboxes().stop(&lab.id, true).await.unwrap();
        // the log ends, one way or the other
        soon(async { while let Ok(Some(_)) = logs.next().await {} }).await;
        soon(lab.server.settled()).await;
        lab.api.sandboxes().start(&lab.id).await.unwrap();
        assert!(lab.toolbox.sessions().list().await.unwrap().is_empty());
        lab.server.shutdown().await;
    }
}

#[tokio::test]
async fn the_form_of_the_output_depends_on_the_version() {
    let lab = soon(Lab::new(plain())).await;
    let client = Client::of(&lab.server);
    let sessions = lab.toolbox.sessions();
    sessions.create("s").await.unwrap();
    let done = soon(sessions.execute("s", "echo a; echo b >&2"))
        .await
        .unwrap();
    let path = format!(
        "/toolbox/{}/process/session/s/command/{}/logs",
        lab.id, done.cmd_id
    );
    for (name, value, marks) in [
        ("x-none", "", false),
        ("x-daytona-split-output", "true", true),
        ("x-daytona-sdk-version", "0.100.0", true),
        ("x-daytona-sdk-version", "0.20.0", false),
    ] {
        let request = client.request("GET", &path).header(name, value);
        let answer = client.send(request.body(Default::default()).unwrap()).await;
        assert!(
            answer.headers["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/plain")
        );
        assert_eq!(answer.text().contains('\u{1}'), marks, "{name} {value}");
    }
    lab.server.shutdown().await;
}
