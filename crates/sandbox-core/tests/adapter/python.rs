//! The parts of the policy that stand in for functions of Python, against what those say.

#![expect(clippy::unwrap_used, reason = "the data is part of the test")]

use sandbox_core::adapter::{CommandPolicy, RefusalReason};
use serde::Deserialize;

/// Made by `python-corpus.py` beside it.
#[derive(Deserialize)]
struct Corpus {
    words: Vec<(String, Option<Vec<String>>)>,
    repr: Vec<(String, String)>,
    glob: Vec<(String, String, bool)>,
    path: Vec<(String, String, String)>,
}

fn corpus() -> Corpus {
    serde_json::from_str(include_str!("../data/python-corpus.json")).unwrap()
}

/// `word` so that it stands for itself.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[test]
fn words_are_split_as_by_shlex() {
    for (line, words) in corpus().words {
        let ours = CommandPolicy::new().blocked([""; 0]).check(&line, "/");
        match (ours, words) {
            (Ok(ours), Some(words)) => assert_eq!(ours, words, "{line:?}"),
            (Err(refusal), None) => {
                assert_eq!(
                    refusal.reason(),
                    RefusalReason::UnbalancedQuotes,
                    "{line:?}"
                );
            }
            // A bare line break is an operator too, whatever the words are.
            (Err(refusal), Some(_)) if line.contains(['\n', '\r']) => {
                assert_eq!(refusal.reason(), RefusalReason::ShellSyntax, "{line:?}");
            }
            other => assert!(other.0.is_ok() == other.1.is_some(), "{line:?}: {other:?}"),
        }
    }
}

#[test]
fn a_refused_command_is_quoted_as_by_repr() {
    for (line, repr) in corpus().repr {
        let refusal = CommandPolicy::new()
            .allowed([""; 0])
            .check(&line, "/")
            .unwrap_err();
        let message = match refusal.reason() {
            RefusalReason::UnbalancedQuotes => "Command not allowed (unbalanced quotes): ",
            _ => "Command not allowed: ",
        };
        assert_eq!(refusal.to_string(), format!("{message}{repr}"));
    }
}

#[test]
fn patterns_match_as_by_fnmatch() {
    for (pattern, path, matches) in corpus().glob {
        let policy = CommandPolicy::new().ignore([&pattern]);
        // The path alone: it would be looked at as a program too, and as an option.
        let ours = policy.check(&quoted(&format!("./{path}")), "/workspace");
        assert_eq!(ours.is_err(), matches, "{pattern:?} and {path:?}: {ours:?}");
    }
}

#[test]
fn paths_are_normalised_as_by_normpath() {
    let policy = CommandPolicy::new().ignore(["*"]);
    for (workdir, path, normal) in corpus().path {
        let refusal = policy.check(&quoted(&path), &workdir).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            format!("Access denied: {normal}"),
            "{workdir:?} {path:?}"
        );
    }
}
