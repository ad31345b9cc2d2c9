//! How a command ends, and what it finds around it.

use super::harness::{Call, SHELLS, tempdir};
use crate::wrapper::{Refusal, Report};

#[test]
fn the_streams_are_apart_and_the_status_is_the_commands() {
    for shell in SHELLS.iter() {
        let answer = Call::sh("printf a; echo e >&2; exit 3").run(shell);
        assert_eq!(
            (answer.ran().status, answer.ran().timed_out),
            (3, false),
            "{shell:?}"
        );
        assert_eq!(
            (answer.stdout(), answer.stderr()),
            ("a".to_owned(), "e\n".to_owned())
        );
        answer.assert_no_file_left();
        let answer = Call::new(["true"]).run(shell);
        assert_eq!((answer.ran().status, answer.stdout().len()), (0, 0));
        answer.assert_no_file_left();
    }
}

#[test]
fn a_signal_is_128_more_and_interrupts_are_not_ignored() {
    for shell in SHELLS.iter() {
        for (name, status) in [("KILL", 137), ("TERM", 143), ("INT", 130), ("SEGV", 139)] {
            let answer = Call::sh(&format!("echo x; kill -{name} $$; echo y")).run(shell);
            assert_eq!(answer.ran().status, status, "{shell:?} {name}");
            assert_eq!(
                (answer.stdout(), answer.stderr()),
                ("x\n".to_owned(), String::new())
            );
        }
    }
}

#[test]
fn a_missing_program_is_127_and_a_file_that_is_none_is_126() {
    for shell in SHELLS.iter() {
        for program in [
            "no-such-program",
            "-l",
            "--",
            "X=1",
            "eval",
            ".",
            "[[",
            "a b",
            "*",
        ] {
            let answer = Call::new([program, "true"]).run(shell);
            assert!(
                matches!(answer.ran().status, 126 | 127),
                "{shell:?} {program}: {}",
                answer.raw
            );
            assert!(!answer.stderr().is_empty());
            if program == "no-such-program" {
                // nothing of our own script is in it
                assert_eq!(answer.stderr(), "no-such-program: not found\n", "{shell:?}");
            }
        }
        let answer = Call::new(["/etc/passwd"]).run(shell);
        assert_eq!(answer.ran().status, 126, "{shell:?}");
    }
}

#[test]
fn the_directory_is_entered_or_refused_by_reason() {
    for shell in SHELLS.iter() {
        let mut call = Call::new(["pwd"]);
        call.cwd = Some("/usr/bin".into());
        assert_eq!(call.run(shell).stdout(), "/usr/bin\n");
        call.cwd = Some("/no/such 'dir".into());
        let answer = call.run(shell);
        assert_eq!(
            answer.report,
            Report::Refused(Refusal::NoDirectory),
            "{shell:?}"
        );
        answer.assert_no_file_left();
        call.cwd = Some("/etc/passwd".into());
        assert_eq!(
            call.run(shell).report,
            Report::Refused(Refusal::NotADirectory)
        );
    }
}

#[test]
fn stdin_is_closed_or_exactly_what_was_given() {
    let mut bytes: Vec<u8> = (0..=255).collect();
    bytes.extend_from_slice(b"-n %s %d \\n 'quoted' \"x\" $HOME `id`\n");
    bytes.extend(std::iter::repeat_n(b"line\n", 8_000).flatten());
    for shell in SHELLS.iter() {
        assert_eq!(Call::new(["cat"]).run(shell).stdout(), "");
        let mut call = Call::new(["cat"]);
        (call.stdin, call.head) = (Some(bytes.clone()), 1 << 20);
        let answer = call.run(shell);
        assert!(answer.ran().stdout.head == bytes, "{shell:?}");
        answer.assert_no_file_left();
        call.stdin = Some(b"-leading".to_vec());
        assert_eq!(call.run(shell).stdout(), "-leading");
    }
}

#[test]
fn an_input_in_pieces_is_joined_and_removed() {
    for shell in SHELLS.iter() {
        let folder = tempfile::tempdir().unwrap();
        let pieces = folder.path().join("it's in").to_str().unwrap().to_owned();
        let put = |name: &str, bytes: &[u8]| {
            std::fs::write(format!("{pieces}.{name}"), bytes).unwrap();
        };
        let left = || std::fs::read_dir(folder.path()).unwrap().count();
        // there from the start, binary, and more than ten of them
        for number in 0..12 {
            put(&number.to_string(), &[number, 0, 255, b'\n']);
        }
        put("end", b"");
        let mut call = Call::new(["cat"]);
        call.pieces = Some(pieces.clone());
        let answer = call.run(shell);
        let wanted: Vec<u8> = (0..12).flat_map(|number| [number, 0, 255, b'\n']).collect();
        assert!(answer.ran().stdout.head == wanted, "{shell:?}");
        answer.assert_no_file_left();
        // removed by the same program, a moment later
        let gone = (0..200_000).any(|_| {
            std::thread::yield_now();
            left() == 0
        });
        assert!(gone, "{shell:?}");
        // one that does not come to its end, and one that is not read
        put("0", b"first\n");
        let mut call = Call::sh("read line; echo \"$line\"");
        call.pieces = Some(pieces.clone());
        assert_eq!(call.run(shell).stdout(), "first\n", "{shell:?}");
        let pieces = format!("{pieces}2");
        std::fs::write(format!("{pieces}.0"), [b'x'; 200_000]).unwrap();
        let mut call = Call::new(["true"]);
        call.pieces = Some(pieces);
        let answer = call.run(shell);
        assert_eq!((answer.ran().status, answer.stdout()), (0, String::new()));
        // the limit ends what waits for more
        let mut call = Call::new(["cat"]).limit(200);
        call.pieces = Some(format!("{}/none", folder.path().display()));
        assert!(call.run(shell).ran().timed_out, "{shell:?}");
    }
}

#[test]
fn the_environment_is_as_given_and_the_path_is_untouched() {
    for shell in SHELLS.iter() {
        let path = format!("/odd:{}", std::env::var_os("PATH").unwrap().display());
        let line = "echo \"$PATH|$A|$_Dt\"; ls /proc/self/fd | wc -l";
        let mut call = Call::sh(line);
        call.env = vec![("PATH", path.clone()), ("A", "1 $x".into())];
        // The same command without the wrapper: whatever this process hands on, and no more.
        let mut plain = std::process::Command::new("sh");
        plain
            .args(["-c", line])
            .envs(call.env.clone())
            .stdin(std::process::Stdio::null());
        let plain = String::from_utf8(plain.output().unwrap().stdout).unwrap();
        assert_eq!(plain.lines().next(), Some(format!("{path}|1 $x|").as_str()));
        assert_eq!(call.run(shell).stdout(), plain, "{shell:?}");
    }
}

#[test]
fn without_a_place_for_temporary_files_another_is_found() {
    for shell in SHELLS.iter() {
        let mut call = Call::sh("echo ok");
        call.env = vec![("TMPDIR", "/no/such/place".into())];
        assert_eq!(call.run(shell).stdout(), "ok\n", "{shell:?}");
        call.env = vec![("TMPDIR", "/tmp/$(id) x".into())];
        assert_eq!(call.run(shell).stdout(), "ok\n", "{shell:?}");
    }
}

#[test]
fn a_planted_directory_is_not_used() {
    for shell in SHELLS.iter() {
        let (place, trap) = (tempdir::Dir::new(), tempdir::Dir::new());
        std::os::unix::fs::symlink(trap.path(), place.path().join(".denv")).unwrap();
        let mut call = Call::sh("ls -A \"$TMPDIR\"; ls -A \"$TRAP\"; seq 1 9");
        (call.head, call.tail) = (40, 4);
        call.env = vec![
            ("TMPDIR", place.path().to_str().unwrap().into()),
            ("TRAP", trap.path().to_str().unwrap().into()),
        ];
        let answer = call.run(shell);
        // The planted link, and beside it a directory whose name could not be guessed.
        let spill = answer.ran().stdout.spill.clone().unwrap();
        assert!(
            spill.starts_with(place.path().join(".denv-").to_str().unwrap()),
            "{spill}"
        );
        let whole = std::fs::read_to_string(&spill).unwrap();
        assert!(
            whole.starts_with(".denv\n.denv-") && whole.ends_with("\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"),
            "{whole}"
        );
        assert_eq!(
            std::fs::read_dir(trap.path()).unwrap().count(),
            0,
            "{shell:?}"
        );
        // Without something to keep, that directory goes too.
        call.head = 4000;
        call.run(shell);
        let left = || std::fs::read_dir(place.path()).unwrap().count();
        for _ in 0..200_000 {
            if left() == 2 {
                break;
            }
            std::thread::yield_now();
        }
        assert_eq!(left(), 2, "{shell:?}");
    }
}
