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
async fn programs_know_their_terminal_and_see_no_other() {
    let lab = soon(Lab::new(crate::support::isolated())).await;
    let pty = lab.toolbox.pty();
    let mut first = soon(pty.open("first").send()).await.unwrap();
    let script = "tty; test -t 0 && echo \"<in $?>\"; ls /dev/pts | tr '\\n' ' '; \
                  echo typed >$(tty); stat -c '<mode %a>' $(tty); echo no''w >/dev/tty; echo do''ne\n";
    first.write(script).await.unwrap();
    let shown = shows(&mut first, "done").await;
    for wanted in [
        "/dev/pts/0\r\n",
        "<in 0>",
        "0 ptmx typed",
        "<mode 620>",
        "now",
    ] {
        assert!(shown.contains(wanted), "{wanted}: {shown}");
    }
    let mut second = soon(pty.open("second").send()).await.unwrap();
    second.write("tty; echo do''ne\n").await.unwrap();
    let shown = shows(&mut second, "done").await;
    assert!(shown.contains("/dev/pts/1\r\n"), "{shown}");
    // one that a program of the sandbox makes itself
    second
        .write("script -qc 'tty; echo in''side' /dev/null\n")
        .await
        .unwrap();
    let shown = shows(&mut second, "inside").await;
    assert!(shown.contains("/dev/pts/2"), "{shown}");

    // and none of another sandbox, let alone of the host
    let other = lab.api.sandboxes().create().send().await.unwrap();
    let toolbox = lab.api.toolbox(&other).unwrap();
    let ran = toolbox.process().execute("ls /dev/pts").send().await;
    assert_eq!(ran.unwrap().result, "ptmx\n");
    lab.server.shutdown().await;
}

/// A sandbox may put something else in the place of its terminals.
#[tokio::test]
async fn what_a_sandbox_puts_in_place_of_its_terminals_is_not_opened() {
    let trap = tempfile::tempdir().unwrap();
    let canary = trap.path().join("ptmx");
    std::fs::write(&canary, "canary").unwrap();
    for (number, place) in [
        format!("ln -s {} /dev", trap.path().display()),
        "mkdir -p /dev/pts; mkfifo /dev/pts/ptmx".to_owned(),
        "mkdir -p /dev/pts; echo plain >/dev/pts/ptmx".to_owned(),
        "mkdir -p /dev/pts; ln -s /dev/null /dev/pts/ptmx".to_owned(),
        "true".to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        let lab = soon(Lab::new(crate::support::isolated())).await;
        let ran = lab
            .toolbox
            .process()
            .execute(format!("mv /dev /aside && {{ {place}; }}"));
        let ran = soon(ran.send()).await.unwrap();
        assert_eq!(ran.exit_code, Some(0), "{number}: {}", ran.result);
        let open = lab.toolbox.pty().open("main");
        let mut terminal = soon(open.send()).await.unwrap();
        terminal.write("stty size; echo st''ill\n").await.unwrap();
        let shown = shows(&mut terminal, "still").await;
        assert!(shown.contains("24 80"), "{number}: {shown}");
        lab.server.shutdown().await;
    }
    assert_eq!(std::fs::read_to_string(canary).unwrap(), "canary");
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
