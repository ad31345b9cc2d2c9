//! How a command's end becomes the end of `run`, on the embedded server.

use crate::support::{code, run, shown, stderr, stdout};

#[test]
fn the_answer() {
    let output = run([
        "run",
        "--image",
        "python:3.12",
        "--",
        "python3",
        "-c",
        "print(6*7)",
    ]);
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    assert_eq!(stdout(&output), "42\n");
    insta::assert_snapshot!(
        stderr(&output),
        @"daytona-env: no DAYTONA_API_KEY: using the embedded server on this machine (isolation: namespaces; network: on); image python:3.12 is recorded but is not a real image here"
    );
}

#[test]
fn exit_codes_are_passed_on() {
    for wanted in [0, 1, 3, 77, 127] {
        let output = run(["run", "--", "sh", "-c", &format!("exit {wanted}")]);
        assert_eq!(code(&output), Some(wanted), "{}", shown(&output));
    }
    let missing = run(["run", "--", "no-such-program"]);
    assert_eq!(code(&missing), Some(127), "{}", shown(&missing));
    // no word of how it was started
    assert!(
        stderr(&missing).ends_with("\nno-such-program: not found\n"),
        "{}",
        shown(&missing)
    );
}

#[test]
fn a_signal_is_128_plus_its_number() {
    let output = run(["run", "--", "sh", "-c", "kill -9 $$"]);
    assert_eq!(code(&output), Some(137), "{}", shown(&output));
}

#[test]
fn a_timeout_is_124_with_what_was_printed() {
    let output = run([
        "run",
        "--timeout",
        "1",
        "--",
        "sh",
        "-c",
        "echo before; echo err >&2; sleep 30; echo after",
    ]);
    assert_eq!(code(&output), Some(124), "{}", shown(&output));
    assert_eq!(stdout(&output), "before\n");
    let stderr = stderr(&output);
    assert!(stderr.contains("\nerr\n"), "{stderr}");
    assert!(
        stderr.ends_with("daytona-env: the command timed out after 1s and was killed\n"),
        "{stderr}"
    );
}

#[test]
fn the_streams_are_kept_apart_byte_for_byte() {
    let output = run([
        "run",
        "--",
        "sh",
        "-c",
        r"printf 'a\000\377\n\n' ; printf 'b\200\r' >&2",
    ]);
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    assert_eq!(output.stdout, b"a\0\xff\n\n");
    assert!(output.stderr.ends_with(b"\nb\x80\r"), "{:?}", output.stderr);
}

#[test]
fn long_output_comes_whole() {
    let output = run(["run", "--", "sh", "-c", "seq 1 700000; echo end >&2"]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    let wanted: String = (1..=700_000).map(|n| format!("{n}\n")).collect();
    assert!(wanted.len() > 4 * 1024 * 1024);
    assert!(
        stdout(&output) == wanted,
        "{} bytes of {}",
        output.stdout.len(),
        wanted.len()
    );
}

#[test]
fn arguments_are_seen_by_no_shell() {
    let output = run([
        "run", "--", "printf", "[%s]", "a b", "$HOME", "*", "'\"`", "-n", "", "ü\n",
    ]);
    assert_eq!(
        stdout(&output),
        "[a b][$HOME][*]['\"`][-n][][ü\n]",
        "{}",
        shown(&output)
    );
}

#[test]
fn environment_variables_and_variables() {
    let output = run([
        "run",
        "--env",
        "A=b=c",
        "--env",
        "E=",
        "--env-var",
        "T=tenant",
        "--var",
        "tenant=acme corp",
        "--",
        "sh",
        "-c",
        "printf '%s|%s|%s' \"$A\" \"${E-unset}\" \"$T\"",
    ]);
    assert_eq!(stdout(&output), "b=c||acme corp", "{}", shown(&output));
}

#[test]
fn json_is_one_object_and_nothing_else() {
    let output = run([
        "run",
        "--json",
        "--",
        "sh",
        "-c",
        r"echo out; printf 'e\377' >&2; exit 3",
    ]);
    assert_eq!(code(&output), Some(3), "{}", shown(&output));
    let text = stdout(&output);
    // what differs from run to run, as it is printed
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    let name = object["sandbox"]["name"].as_str().unwrap();
    let id = object["sandbox"]["id"].as_str().unwrap();
    assert!(name.starts_with("denv-"), "{name}");
    let took = format!(
        "\"duration_ms\":{}",
        object["duration_ms"].as_u64().unwrap()
    );
    let same = text
        .replace(name, "NAME")
        .replace(id, "ID")
        .replace(&took, "\"duration_ms\":MS");
    insta::assert_snapshot!(same);
}

#[test]
fn json_of_a_failure() {
    let output = run(["run", "--json", "--upload", "/no/such/file", "--", "true"]);
    assert_eq!(code(&output), Some(125));
    insta::assert_snapshot!(stdout(&output));
}

#[test]
fn json_is_one_document_whatever_fails() {
    let cases: [(&str, &[&str]); 7] = [
        ("no_dashes", &["run", "--json", "echo", "hi"]),
        ("no_command", &["run", "--json"]),
        (
            "bad_value",
            &["run", "--json", "--timeout", "0", "--", "true"],
        ),
        ("ls", &["ls", "--json"]),
        ("ls_usage", &["ls", "--json", "--no-such"]),
        ("sweep", &["sweep", "--json"]),
        ("sweep_usage", &["sweep", "--json", "--idle", "soon"]),
    ];
    for (name, args) in cases {
        let output = run(args);
        assert_eq!(code(&output), Some(125), "{name}: {}", shown(&output));
        let text = stdout(&output);
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&document["status"], &document["exit_code"]),
            (&"failed".into(), &125.into()),
            "{name}: {text}"
        );
        insta::assert_snapshot!(format!("json_{name}"), text);
    }
    // what belongs to the command is not ours
    let output = run(["run", "--timeout", "0", "--", "true", "--json"]);
    assert_eq!((code(&output), stdout(&output).as_str()), (Some(125), ""));
}

#[test]
fn a_workdir_is_made_and_used() {
    let output = run(["run", "--workdir", "/workspace/deep/er", "--", "pwd"]);
    assert_eq!(
        stdout(&output),
        "/workspace/deep/er\n",
        "{}",
        shown(&output)
    );
}

/// The output is in files of the sandbox until the command has ended.
#[test]
fn a_command_that_removes_its_own_output_does_not_succeed() {
    for (name, script) in [
        (
            "both",
            "echo lost; rm -rf \"${TMPDIR:-/tmp}\"/.denv; echo gone",
        ),
        (
            "stdout",
            "echo kept >&2; rm -f \"${TMPDIR:-/tmp}\"/.denv*/*.o",
        ),
        (
            "stderr",
            "echo kept; rm -f \"${TMPDIR:-/tmp}\"/.denv*/*.e; exit 3",
        ),
    ] {
        for isolation in ["required", "none"] {
            let output = run(["run", "--isolation", isolation, "--", "sh", "-c", script]);
            assert_eq!(code(&output), Some(125), "{}", shown(&output));
            let (first, rest) = stderr(&output)
                .split_once('\n')
                .map(|(first, rest)| (first.to_owned(), rest.to_owned()))
                .unwrap();
            assert!(first.contains("embedded server"), "{first}");
            let shown = format!("{}---\n{rest}", stdout(&output));
            insta::assert_snapshot!(format!("removed_output_{name}"), shown);
        }
    }
}
