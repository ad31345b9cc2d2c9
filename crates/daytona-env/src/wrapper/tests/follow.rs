//! A command beside which others look, and which is ended before its limit.

use super::harness::{Answer, Call, SHELLS, random, shell_result};
use crate::wrapper::{Killed, Poll, Polled, State, clean, kill, parse_kill};

fn look(shell: &[&str], call: &Call, nonce: &str, known: (u64, u64), ticks: u32) -> Polled {
    let poll = Poll {
        nonce,
        stdout: known.0,
        stderr: known.1,
        piece: 7,
        ticks,
        frame: true,
    };
    let raw = shell_result(shell, &poll.script(), call.tmp());
    poll.parse(&raw)
        .unwrap_or_else(|error| panic!("{shell:?}: {error}: {raw}"))
}

fn killed(shell: &[&str], call: &Call, nonce: &str) -> Killed {
    let raw = shell_result(shell, &kill(nonce, 2), call.tmp());
    parse_kill(&raw, nonce).unwrap_or_else(|error| panic!("{shell:?}: {error}: {raw}"))
}

#[test]
fn what_it_writes_is_seen_while_it_runs() {
    for shell in SHELLS.iter() {
        let call = Call::sh(r"printf '\377\0one two'; printf er >&2; sleep 300").keep();
        let nonce = random();
        let answer: Answer = std::thread::scope(|scope| {
            let running = scope.spawn(|| call.run_as(shell, &nonce));
            let first = look(shell, &call, &nonce, (0, 0), 40);
            assert_eq!(first.state, State::Running, "{shell:?}");
            let mut known = (first.stdout, first.stderr);
            while known.0.len() < 9 || known.1.len() < 2 {
                let at = (known.0.len() as u64, known.1.len() as u64);
                let more = look(shell, &call, &nonce, at, 40);
                assert!(more.stdout.len() <= 7);
                known.0.extend(more.stdout);
                known.1.extend(more.stderr);
            }
            assert_eq!(known.0, b"\xff\0one two", "{shell:?}");
            assert_eq!(known.1, b"er");
            // Nothing new: it waits for its ticks and no longer.
            let silent = look(shell, &call, &nonce, (9, 2), 2);
            assert_eq!((silent.state, silent.stdout), (State::Running, vec![]));
            assert_eq!(killed(shell, &call, &nonce), Killed::Now, "{shell:?}");
            running.join().unwrap()
        });
        let ran = answer.ran();
        assert!(ran.killed && !ran.timed_out, "{shell:?}: {}", answer.raw);
        assert_eq!((ran.status, ran.stdout.head.len()), (137, 9));
        answer.assert_no_process_left();
        let after = look(shell, &call, &nonce, (5, 0), 9);
        assert_eq!(
            (after.state, &after.stdout[..]),
            (State::Done, &b" two"[..]),
            "{shell:?}"
        );
        assert_eq!(after.frame.trim(), answer.raw.trim(), "{shell:?}");
        assert_eq!(killed(shell, &call, &nonce), Killed::Before, "{shell:?}");
        shell_result(shell, &clean(&nonce, false, false), call.tmp());
        answer.assert_no_file_left();
        let gone = look(shell, &call, &nonce, (0, 0), 0);
        assert_eq!((gone.state, gone.stdout), (State::None, vec![]));
        assert_eq!(killed(shell, &call, &nonce), Killed::Unseen, "{shell:?}");
    }
}

#[test]
fn a_kill_takes_what_left_the_group_along() {
    for shell in SHELLS.iter() {
        let call = Call::sh(
            "echo begun; setsid sleep 300 & (setsid sh -c 'sleep 301 & sleep 302' &) ; \
             trap '' TERM INT HUP USR1; sleep 303; echo never",
        );
        let nonce = random();
        let answer = std::thread::scope(|scope| {
            let running = scope.spawn(|| call.run_as(shell, &nonce));
            while look(shell, &call, &nonce, (0, 0), 40).stdout.is_empty() {}
            assert_eq!(killed(shell, &call, &nonce), Killed::Now, "{shell:?}");
            running.join().unwrap()
        });
        assert!(answer.ran().killed, "{shell:?}: {}", answer.raw);
        assert_eq!(answer.stdout(), "begun\n");
        answer.assert_no_process_left();
        answer.assert_no_file_left();
    }
}

#[test]
fn a_command_whose_shell_is_gone_is_dead() {
    for shell in SHELLS.iter() {
        // not before it is written down who is to be asked
        let begun = r#"until cat "$TMPDIR"/.denv/*.p 2>&- | grep -q .; do :; done"#;
        let call = Call::sh(&format!("echo x; {begun}; kill -KILL $PPID; sleep 0.1")).keep();
        let nonce = random();
        call.send(shell, &nonce);
        let dead = look(shell, &call, &nonce, (0, 0), 0);
        assert_eq!(dead.state, State::Dead, "{shell:?}");
        shell_result(shell, &clean(&nonce, false, false), call.tmp());
        assert!(call.files().is_empty(), "{:?}", call.files());
    }
}
