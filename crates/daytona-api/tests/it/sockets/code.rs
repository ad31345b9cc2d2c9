use std::time::Duration;

use daytona_api::api::{Execution, ExecutionEvent};
use daytona_api::{Error, ErrorKind};

use super::{Peer, Script, close, text};

fn message(kind: &str, words: &str) -> Vec<u8> {
    text(&format!(
        r#"{{"type":"{kind}","text":"{words}","name":"","value":"","traceback":""}}"#
    ))
}

async fn run(frames: &[Vec<u8>]) -> Execution {
    let peer = Peer::new([Script::Frames(frames.concat())]);
    let run = peer
        .toolbox()
        .interpreter()
        .run("print(1)")
        .env("A", "canary");
    run.send().await.unwrap()
}

async fn fail(frames: &[Vec<u8>]) -> Error {
    run(frames).await.finish().await.unwrap_err()
}

#[tokio::test]
async fn events_come_in_their_order_and_what_is_new_is_kept() {
    let error = r#"{"type":"error","text":"","name":"ValueError","value":"bad","traceback":"T"}"#;
    let chart = r#"{"type":"chart","value":{"type":"scatter","title":"t","new":1}}"#;
    let texts =
        r#"{"type":"chart","text":"","name":"","value":"{\"type\":\"pie\"}","traceback":""}"#;
    let frames = [
        message("stdout", "a\\n"),
        message("stderr", "b"),
        text(chart),
        text(texts),
        text(r#"{"type":"chart","value":"no chart"}"#),
        text(r#"{"type":"widget","value":{"title":"t"}}"#),
        text("no json"),
        text(error),
        message("control", "completed"),
        close(1000, ""),
    ];
    let mut execution = run(&frames).await;
    let mut events = Vec::new();
    while let Some(event) = execution.next_event().await.unwrap() {
        events.push(event);
    }
    insta::assert_debug_snapshot!(events);
    let result = run(&frames).await.finish().await.unwrap();
    assert_eq!(
        (result.stdout.as_str(), result.stderr.as_str()),
        ("a\n", "b")
    );
    assert_eq!(result.error.unwrap().name, "ValueError");
    assert_eq!(result.other.len(), 3);
    let kinds: Vec<_> = result.charts.iter().map(|chart| chart.kind()).collect();
    assert_eq!(kinds, ["scatter", "pie"]);
}

#[tokio::test]
async fn the_first_message_says_what_to_run() {
    let peer = Peer::new([Script::Stay(close(1000, "")), Script::Stay(close(1000, ""))]);
    let interpreter = peer.toolbox().interpreter();
    let run = interpreter.run("x = '\u{e9}'").context("c-1").env("A", "1");
    let run = run.timeout(Duration::from_millis(1500));
    assert!(!format!("{run:?}").contains("x ="));
    run.send().await.unwrap().finish().await.unwrap();
    let bare = interpreter
        .run("1")
        .timeout(Duration::ZERO)
        .send()
        .await
        .unwrap();
    bare.finish().await.unwrap();
    while peer
        .received()
        .iter()
        .filter(|(kind, _)| *kind == 1)
        .count()
        < 2
    {
        tokio::task::yield_now().await;
    }
    let sent = peer.received().into_iter().filter(|(kind, _)| *kind == 1);
    let sent: Vec<String> = sent
        .map(|(_, data)| {
            // serde_json keeps the order of members in some builds
            let members: std::collections::BTreeMap<String, serde_json::Value> =
                serde_json::from_slice(&data).unwrap();
            serde_json::to_string(&members).unwrap()
        })
        .collect();
    insta::assert_snapshot!(format!("{}\n\n{}", peer.heads()[0], sent.join("\n")));
    assert!(interpreter.run("").send().await.unwrap_err().is_build());
}

#[tokio::test]
async fn each_way_to_close_is_told_apart() {
    let error = fail(&[message("control", "interrupted"), close(4008, "timeout")]).await;
    assert!(error.is_timeout());
    assert_eq!(
        (error.kind(), error.close_code()),
        (ErrorKind::Timeout, Some(4008))
    );
    for code in [1002, 1008] {
        let error = fail(&[close(code, "context not found: canary")]).await;
        assert_eq!(
            (error.kind(), error.close_code()),
            (ErrorKind::Failed, Some(code))
        );
        assert_eq!(error.message(), Some("context not found: [redacted]"));
    }
    for code in [1001, 1011, 4001] {
        let error = fail(&[close(code, "")]).await;
        assert_eq!(
            (error.kind(), error.close_code()),
            (ErrorKind::Transport, Some(code))
        );
    }
    let error = fail(&[message("stdout", "a"), message("control", "completed")]).await;
    assert_eq!(
        (error.kind(), error.close_code()),
        (ErrorKind::Transport, None)
    );
}

#[tokio::test]
async fn cut_anywhere_it_gives_whole_events_and_then_the_break() {
    let frames = [message("stdout", "a"), message("stdout", "b")];
    let all = frames.concat();
    for at in 0..=all.len() {
        let mut execution = run(&[all[..at].to_vec()]).await;
        let mut shown = String::new();
        let error = loop {
            match execution.next_event().await {
                Ok(Some(ExecutionEvent::Stdout(text))) => shown.push_str(&text),
                Ok(other) => panic!("{other:?}"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::Transport);
        let whole = usize::from(at >= frames[0].len()) + usize::from(at == all.len());
        assert_eq!(shown, "ab"[..whole], "{at}");
    }
}
