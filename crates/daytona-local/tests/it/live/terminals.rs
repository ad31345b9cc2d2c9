use daytona_api::ErrorKind;
use daytona_api::api::{PtyEvent, PtyExit, Terminal};

use super::{Lab, soon};

/// Reads until the text was shown.
async fn shows(terminal: &mut Terminal, wanted: &str) -> String {
    let mut shown = String::new();
    while !shown.contains(wanted) {
        match soon(terminal.next_event()).await.unwrap() {
            Some(PtyEvent::Output(data)) => shown.push_str(&String::from_utf8_lossy(&data)),
            other => panic!("{other:?} after {shown:?}"),
        }
    }
    shown
}

async fn exit(terminal: &mut Terminal) -> PtyExit {
    loop {
        match soon(terminal.next_event()).await.unwrap() {
            Some(PtyEvent::Exited(exit)) => return exit,
            Some(_) => {}
            None => panic!("it did not say how it ended"),
        }
    }
}

#[tokio::test]
async fn a_terminal_is_opened_used_resized_and_left() {
    for lab in soon(Lab::both()).await {
        let pty = lab.toolbox.pty();
        let open = pty
            .open("main")
            .size(100, 30)
            .env("GREETING", "hello there");
        let mut terminal = soon(open.send()).await.unwrap();
        terminal
            .write("stty size; echo \"<$GREETING>\" $TERM\n")
            .await
            .unwrap();
        let shown = shows(&mut terminal, "<hello there> xterm-256color").await;
        assert!(shown.contains("30 100"), "{shown}");
        let info = terminal.resize(90, 20).await.unwrap();
        assert_eq!((info.cols, info.rows, info.active), (90, 20, true));
        // the size arrives when the terminal gets to it
        terminal
            .write("until [ \"$(stty size)\" = '20 90' ]; do :; done; echo re''sized\n")
            .await
            .unwrap();
        shows(&mut terminal, "resized").await;
        assert!(pty.open("main").send().await.unwrap_err().is_conflict());
        assert_eq!(pty.list().await.unwrap().len(), 1);
        terminal.write("exit 3\n").await.unwrap();
        let exit = exit(&mut terminal).await;
        assert_eq!(
            (exit.code, exit.reason.as_deref()),
            (3, Some("non-zero exit"))
        );
        assert!(terminal.next_event().await.unwrap().is_none());
        assert!(pty.get("main").await.unwrap_err().is_not_found());
        assert_eq!(
            pty.resize("main", 1, 1).await.unwrap_err().status(),
            Some(410)
        );
        lab.server.shutdown().await;
    }
}

#[tokio::test]
async fn several_clients_share_a_terminal_that_outlives_them() {
    for lab in soon(Lab::both()).await {
        let pty = lab.toolbox.pty();
        let lazy = |new: &mut daytona_api::models::toolbox::PtyCreateRequest| {
            new.lazy_start = Some(true);
        };
        assert_eq!(pty.create("main", lazy).await.unwrap(), "main");
        assert!(!pty.get("main").await.unwrap().active);
        let mut first = soon(pty.connect("main")).await.unwrap();
        let mut second = soon(pty.connect("main")).await.unwrap();
        first.write("X=kept; echo sh''own\n").await.unwrap();
        shows(&mut first, "shown").await;
        shows(&mut second, "shown").await;
        drop((first, second));
        let mut third = soon(pty.connect("main")).await.unwrap();
        third.write("echo \"<$X>\"\n").await.unwrap();
        shows(&mut third, "<kept>").await;
        soon(pty.delete("main")).await.unwrap();
        let exit = exit(&mut third).await;
        assert_eq!((exit.code, exit.reason.as_deref()), (137, Some("SIGKILL")));
        lab.server.shutdown().await;
    }
}

#[tokio::test]
async fn bad_requests_are_told() {
    let lab = soon(Lab::new(crate::support::plain())).await;
    let pty = lab.toolbox.pty();
    let error = soon(pty.connect("nothing")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.message().unwrap().contains("not found"), "{error}");
    for (cols, rows) in [(0, 24), (1001, 24), (80, 0)] {
        let error = pty.open("x").size(cols, rows).send().await.unwrap_err();
        assert_eq!(error.status(), Some(400), "{cols} {rows}");
    }
    let error = soon(pty.open("x").cwd("/nowhere/at/all").send())
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(500));
    assert!(pty.list().await.unwrap().is_empty());
    // ctrl-c, and a shell that is killed
    let mut terminal = soon(pty.open("x").send()).await.unwrap();
    terminal
        .write("sh -c 'echo re\"\"ady; exec sleep 987'\n")
        .await
        .unwrap();
    shows(&mut terminal, "ready").await;
    terminal.write("\x03").await.unwrap();
    terminal.write("echo st''ill here\n").await.unwrap();
    shows(&mut terminal, "still here").await;
    terminal.write("kill -9 $$\n").await.unwrap();
    assert_eq!(exit(&mut terminal).await.code, 137);
    lab.server.shutdown().await;
}
