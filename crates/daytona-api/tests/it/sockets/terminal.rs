use daytona_api::api::{PtyEvent, PtyExit, Terminal};
use daytona_api::{Error, ErrorKind};

use super::{Peer, Script, binary, close, text};

const CONNECTED: &str = r#"{"type":"control","status":"connected"}"#;

async fn connect(frames: &[Vec<u8>]) -> Result<Terminal, Error> {
    let script = Script::Frames(frames.concat());
    Peer::new([script]).toolbox().pty().connect("main").await
}

async fn drain(mut terminal: Terminal) -> Result<(Vec<u8>, Option<PtyExit>), Error> {
    let (mut shown, mut exit) = (Vec::new(), None);
    while let Some(event) = terminal.next_event().await? {
        match event {
            PtyEvent::Output(data) => shown.extend(data),
            PtyEvent::Exited(how) => exit = Some(how),
            other => panic!("{other:?}"),
        }
    }
    Ok((shown, exit))
}

fn told(exit: &Option<PtyExit>) -> Option<(i64, Option<&str>)> {
    exit.as_ref()
        .map(|exit| (exit.code, exit.reason.as_deref()))
}

#[tokio::test]
async fn opened_sized_and_with_variables() {
    let resized = "HTTP/1.1 200 OK\r\ncontent-length: 24\r\n\r\n{\"cols\":90,\"rows\":20}   ";
    let peer = Peer::new([
        Script::Stay([text(CONNECTED), binary(b"$ ")].concat()),
        Script::Answer(resized),
    ])
    .choosing("X-Daytona-Pty-Exit-Control");
    let open = peer
        .toolbox()
        .pty()
        .open("main")
        .size(120, 40)
        .cwd("/srv/a b")
        .env("A", "canary");
    assert!(!format!("{open:?}").contains("canary"));
    let mut terminal = open.send().await.unwrap();
    assert_eq!(terminal.id(), "main");
    let output = terminal.next_event().await.unwrap().unwrap();
    assert_eq!(output, PtyEvent::Output("$ ".into()));
    assert_eq!(terminal.resize(90, 20).await.unwrap().cols, 90);
    terminal.write("ls\n").await.unwrap();
    let large = vec![b'x'; 100_000];
    terminal.write(large.clone()).await.unwrap();
    drop(terminal);
    while peer.received().len() < 5 {
        tokio::task::yield_now().await;
    }
    let received = peer.received();
    assert_eq!(received[0], (2, b"ls\n".to_vec()));
    assert!(received.iter().all(|(_, data)| data.len() <= 64 << 10));
    let typed: Vec<u8> = received[1..]
        .iter()
        .flat_map(|(_, data)| data.clone())
        .collect();
    assert_eq!(typed, large);
    insta::assert_snapshot!(peer.heads().join("\n\n"));
}

#[tokio::test]
async fn how_it_ended_is_told_in_each_way_a_server_has() {
    let exited =
        r#"{"type":"control","status":"exited","exitCode":3,"exitReason":"non-zero exit"}"#;
    let reason = r#"{"exitCode":137,"exitReason":"SIGKILL"}"#;
    let message = (3, Some("non-zero exit"));
    for (frames, expected) in [
        (vec![text(exited), close(1011, "")], message),
        // what the message says counts more, and is enough
        (vec![text(exited), close(1011, reason)], message),
        (vec![text(exited)], message),
        (vec![close(1011, reason)], (137, Some("SIGKILL"))),
        (vec![close(1000, r#"{"exitCode":0}"#)], (0, None)),
        (vec![close(1000, r#"{"exitCode":2.0}"#)], (2, None)),
        (vec![close(1000, "")], (0, None)),
        (vec![close(1000, "bye")], (0, None)),
    ] {
        let all = [vec![text(CONNECTED), binary(b"out")], frames].concat();
        let (shown, exit) = drain(connect(&all).await.unwrap()).await.unwrap();
        assert_eq!(shown, b"out");
        assert_eq!(told(&exit), Some(expected));
    }
}

#[tokio::test]
async fn a_close_without_an_exit_is_an_error() {
    for (code, reason) in [
        (1001, "away"),
        (1008, "slow consumer"),
        (1011, "broken"),
        (4000, "?"),
    ] {
        let frames = [text(CONNECTED), binary(b"out"), close(code, reason)];
        let error = drain(connect(&frames).await.unwrap()).await.unwrap_err();
        assert_eq!(
            (error.close_code(), error.message()),
            (Some(code), Some(reason))
        );
    }
    let frames = [text(CONNECTED), close(1011, r#"{"error":"no pty"}"#)];
    let error = drain(connect(&frames).await.unwrap()).await.unwrap_err();
    assert_eq!(error.message(), Some("no pty"));
    let error = drain(connect(&[text(CONNECTED)]).await.unwrap())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.close_code()),
        (ErrorKind::Transport, None)
    );
}

#[tokio::test]
async fn cut_anywhere_it_shows_what_came_and_then_the_break() {
    let frames = [
        text(CONNECTED),
        binary(b"ab"),
        binary(b"\xff\n"),
        binary(b"c"),
    ];
    let all = frames.concat();
    let sizes: Vec<usize> = frames.iter().map(Vec::len).collect();
    for at in sizes[0]..=all.len() {
        let mut terminal = connect(&[all[..at].to_vec()]).await.unwrap();
        let mut shown = Vec::new();
        let error = loop {
            match terminal.next_event().await {
                Ok(Some(PtyEvent::Output(data))) => shown.extend(data),
                Ok(other) => panic!("{other:?}"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::Transport);
        let came = match at - sizes[0] {
            rest if rest >= sizes[1] + sizes[2] + sizes[3] => b"ab\xff\nc".as_slice(),
            rest if rest >= sizes[1] + sizes[2] => b"ab\xff\n",
            rest if rest >= sizes[1] => b"ab",
            _ => b"",
        };
        assert_eq!(shown, came, "{at}");
        assert!(terminal.next_event().await.unwrap().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_ready_is_no_terminal() {
    let refused = r#"{"type":"control","status":"error","error":"no such session"}"#;
    let error = connect(&[text(refused)]).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Failed, Some("no such session"))
    );
    let error = connect(&[close(1011, "broken")]).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.close_code()),
        (ErrorKind::Failed, Some(1011))
    );
    let silent = Peer::new([Script::Stay(Vec::new())]);
    let error = silent.toolbox().pty().connect("main").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let other = Peer::new([Script::Stay(text(CONNECTED))]).choosing("something-else");
    let error = other.toolbox().pty().connect("main").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    for id in ["", "..", "a\nb"] {
        let error = Peer::new([])
            .toolbox()
            .pty()
            .open(id)
            .send()
            .await
            .unwrap_err();
        assert!(error.is_build());
    }
}

#[tokio::test]
async fn text_that_is_no_message_of_the_server_is_output() {
    let frames = [
        binary(b"early"),
        text(CONNECTED),
        text("{}"),
        text("plain"),
        close(1000, ""),
    ];
    let (shown, exit) = drain(connect(&frames).await.unwrap()).await.unwrap();
    assert_eq!(shown, b"early{}plain");
    assert_eq!(told(&exit), Some((0, None)));
}
