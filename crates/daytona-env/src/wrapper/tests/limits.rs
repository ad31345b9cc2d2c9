//! What happens when the limit strikes, and what is left when it does not.

use super::harness::{Call, SHELLS, alive, random};

#[test]
fn partial_output_survives_and_the_whole_tree_dies() {
    for shell in SHELLS.iter() {
        let answer = Call::sh(
            "echo part; echo err >&2; setsid sleep 300 & (setsid sh -c 'sleep 301 & sleep 302' &) ; \
             trap '' TERM INT HUP; sleep 303; echo never",
        )
        .limit(400)
        .run(shell);
        assert!(answer.ran().timed_out, "{shell:?}: {}", answer.raw);
        assert_eq!(
            (answer.stdout(), answer.stderr()),
            ("part\n".to_owned(), "err\n".to_owned())
        );
        answer.assert_no_process_left();
        answer.assert_no_file_left();
    }
}

#[test]
fn a_child_without_the_marker_dies_by_its_group_or_its_parent() {
    for shell in SHELLS.iter() {
        let tag = format!("TAG={}", random());
        // An orphan of the same group, and a child with a group of its own.
        let line =
            format!("(env -i {tag} sleep 300 &); env -i {tag} setsid sh -c 'sleep 300; :'; :");
        let answer = Call::sh(&line).limit(300).run(shell);
        assert!(answer.ran().timed_out, "{shell:?}");
        for _ in 0..20_000 {
            if !alive(&tag) {
                break;
            }
            std::thread::yield_now();
        }
        assert!(!alive(&tag), "{shell:?}");
    }
}

#[test]
fn a_tree_that_keeps_forking_is_caught() {
    for shell in SHELLS.iter() {
        let line = "f() { setsid sh -c 'sleep 300' & sleep 0.01; f; }; f & f & f";
        let answer = Call::sh(line).limit(300).run(shell);
        assert!(answer.ran().timed_out, "{shell:?}");
        answer.assert_no_process_left();
    }
}

#[test]
fn the_timer_and_its_sleep_end_with_the_command() {
    for shell in SHELLS.iter() {
        // No other test has this limit, so its sleep can be told apart.
        let millis = 4_000_000 + u64::from(std::process::id()) % 900_000 + 1;
        let seconds = format!("{}.{:03}", millis / 1000, millis % 1000);
        for _ in 0..10 {
            Call::new(["true"]).limit(millis).run(shell);
        }
        for _ in 0..20_000 {
            if !sleeping(&seconds) {
                break;
            }
            std::thread::yield_now();
        }
        assert!(!sleeping(&seconds), "{shell:?}");
    }
}

fn sleeping(seconds: &str) -> bool {
    let needle = format!("sleep\0{seconds}\0");
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| line == needle.as_bytes())
    })
}

#[test]
fn a_background_child_does_not_hold_the_answer_and_lives_on() {
    for shell in SHELLS.iter() {
        let answer = Call::sh("sleep 200 & echo $!").limit(100_000).run(shell);
        assert_eq!(answer.ran().status, 0, "{shell:?}");
        let needle = format!("_DENV_MARK={}", answer.marker);
        assert!(alive(&needle), "{shell:?}: the child was killed");
        let pid = answer.stdout().trim().to_owned();
        std::process::Command::new("kill")
            .arg(pid)
            .status()
            .unwrap();
        answer.assert_no_process_left();
    }
}

#[test]
fn a_status_of_137_of_its_own_is_no_timeout() {
    for shell in SHELLS.iter() {
        let answer = Call::sh("exit 137").run(shell);
        assert_eq!(
            (answer.ran().status, answer.ran().timed_out),
            (137, false),
            "{shell:?}"
        );
    }
}

#[test]
fn no_limit_means_no_timer() {
    for shell in SHELLS.iter() {
        let mut call = Call::sh("exit 4");
        call.timeout = None;
        let answer = call.run(shell);
        assert_eq!(
            (answer.ran().status, answer.ran().timed_out),
            (4, false),
            "{shell:?}"
        );
    }
}

#[test]
fn a_sleep_without_fractions_rounds_up() {
    let mut call = Call::sh("echo a; sleep 30").limit(200);
    call.patch = Some(("sleep 0.200", "sleep no-number"));
    let answer = call.run(&["sh"]);
    assert!(answer.ran().timed_out, "{}", answer.raw);
    assert_eq!(answer.stdout(), "a\n");
}
