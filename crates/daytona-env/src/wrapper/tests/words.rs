//! Words arrive as they were given.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::harness::{Call, SHELLS};

/// Prints its arguments with lengths, so that nothing can be confused.
const ECHO: &str = r#"for w in "$@"; do printf '%s\0' "$w"; done"#;

fn round_trip(words: &[String]) {
    for shell in SHELLS.iter() {
        let mut argv = vec![
            "sh".to_owned(),
            "-c".to_owned(),
            ECHO.to_owned(),
            "sh".to_owned(),
        ];
        argv.extend_from_slice(words);
        let mut call = Call::new(argv);
        call.head = 1 << 20;
        let answer = call.run(shell);
        let mut want = words.join("\0").into_bytes();
        if !words.is_empty() {
            want.push(0);
        }
        assert_eq!(answer.ran().stdout.head, want, "{shell:?}");
    }
}

#[test]
fn awkward_words() {
    let words = [
        "",
        " ",
        "'",
        "''",
        "\"",
        "\\",
        "\\'",
        "$HOME",
        "${x}",
        "`id`",
        "$(id)",
        "~",
        "*",
        "?",
        "[a]",
        "{a,b}",
        "=ls",
        "A=1",
        "-n",
        "--",
        "-",
        "!",
        "!!",
        "#x",
        "a#b",
        "a;b",
        "a&b",
        "|",
        ">",
        "<",
        "(",
        ")",
        "\n",
        "a\nb",
        "\t",
        "\r",
        "\u{1b}[31m",
        "\u{7f}",
        "é",
        "日本語",
        "\u{202e}",
        "🦀",
        "@NONCE@",
        "@EXEC@",
        "@",
        "#TIMER",
        ".",
        "}",
        "EOF",
        "\\n",
        "%s",
        "\u{1}",
    ];
    round_trip(&words.map(str::to_owned));
}

#[test]
fn a_word_longer_than_any_limit_of_the_system_call_is_an_ordinary_failure() {
    // Beyond 128 KiB the kernel refuses one argument; the shell says so and does not break.
    for shell in SHELLS.iter() {
        let answer = Call::new(["true".to_owned(), "x".repeat(200_000)]).run(shell);
        assert!(
            matches!(answer.ran().status, 126 | 127 | 2),
            "{shell:?}: {}",
            answer.raw
        );
    }
}

#[test]
fn any_words() {
    // 300 lists of words, sent in 15 calls a shell.
    let mut runner = TestRunner::new(Config {
        cases: 15,
        failure_persistence: None,
        max_shrink_iters: 64,
        ..Config::default()
    });
    let word = prop_oneof![
        "[^\0]{0,12}",
        "[-='\"$`\\\\ \n*~!#&;|<>(){}\\[\\]%@a-c]{0,12}",
    ];
    runner
        .run(&vec(vec(word, 0..8), 20), |lists| {
            round_trip(&lists.concat());
            Ok(())
        })
        .unwrap();
}
