//! Reading frames, whole, cut and forged.

use std::time::Duration;

use proptest::prelude::*;

use crate::wrapper::frame::FrameError;
use crate::wrapper::{Command, Report, Script, Stdin, parse};

const WHOLE: &str = "line 5: 1 Killed\nN1 ok 0 0\no - x w\n 61 0a\n.\ne 3 b w\nYWJj\n.\nN1 end \n";

#[test]
fn a_frame_after_noise() {
    let Ok(Report::Ran(ran)) = parse(WHOLE, "N1") else {
        panic!()
    };
    assert_eq!(
        (ran.stdout.head.as_slice(), ran.stderr.head.as_slice()),
        (&b"a\n"[..], &b"abc"[..])
    );
}

#[test]
fn every_cut_frame_is_an_error() {
    for end in 0..WHOLE.len() {
        assert!(parse(&WHOLE[..end], "N1").is_err(), "{end}");
    }
    assert_eq!(parse("", "N1"), Err(FrameError::Missing));
    assert_eq!(parse(&WHOLE[..40], "N1"), Err(FrameError::Truncated));
    assert_eq!(parse(WHOLE, "N2"), Err(FrameError::Missing));
}

#[test]
fn sizes_that_do_not_agree_are_an_error() {
    for line in [
        "e 4 b w", "e 2 b w", "e 1 b s", "e x b w", "e -1 b w", "f 3 b w", "e 3 q w",
    ] {
        assert_eq!(
            parse(&WHOLE.replace("e 3 b w", line), "N1").ok(),
            None,
            "{line}"
        );
    }
}

proptest! {
    #[test]
    fn garbage_never_panics(text in "\\PC{0,200}") {
        let _ = parse(&text, "N1");
        let _ = parse(&format!("N1 ok 0 0\n{text}\nN1 end \n"), "N1");
        let _ = parse(&format!("N1 ok 0 0\no - x w\n{text}\n.\ne 0 x w\n.\nN1 end \n"), "N1");
    }

    #[test]
    fn a_damaged_frame_never_panics(at in 0..WHOLE.len(), with in any::<char>()) {
        let mut text: Vec<char> = WHOLE.chars().collect();
        text[at] = with;
        let _ = parse(&text.into_iter().collect::<String>(), "N1");
    }
}

#[test]
fn the_servers_limit_is_whole_seconds_and_longer() {
    let argv = ["true".to_owned()];
    let limit = |timeout| {
        let command = Command {
            argv: &argv,
            cwd: None,
            stdin: Stdin::Closed,
            timeout,
            head: 1,
            tail: 1,
            keep: false,
        };
        Script::new(&command, "N", "M")
            .server_timeout
            .map(|limit| limit.as_secs_f64())
    };
    assert_eq!(limit(None), None);
    assert_eq!(limit(Some(Duration::from_millis(1))), Some(11.0));
    assert_eq!(limit(Some(Duration::from_millis(2_500))), Some(13.0));
    assert_eq!(limit(Some(Duration::from_secs(60))), Some(70.0));
    assert_eq!(limit(Some(Duration::MAX)), Some(f64::from(u32::MAX)));
}

#[test]
fn debug_shows_no_text() {
    let argv = ["canary-argument".to_owned()];
    let command = Command {
        argv: &argv,
        cwd: None,
        stdin: Stdin::Bytes(b"canary"),
        timeout: None,
        head: 1,
        tail: 1,
        keep: false,
    };
    assert!(!format!("{:?}", Script::new(&command, "N", "M")).contains("canary"));
}
