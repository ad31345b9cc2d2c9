//! What the command policy checked is what runs, word for word, through the real wrapper and `sh`; what it refused
//! never leaves this process.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use context_vars::NoVars;
use daytona_api::routes::toolbox::EXECUTE_COMMAND;
use daytona_env::{DaytonaEnvironment, DaytonaSandbox};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sandbox_core::adapter::{ShellAdapter, ShellReply};
use sandbox_core::{ExecRequest, Sandbox};

use crate::support::{left, on, seen, server, start};

/// How many argument lists are tried, and how many of them one command carries: a process for each would cost minutes.
const LISTS: usize = 10_000;
const AT_ONCE: usize = 50;

/// Prints its name and its arguments, each with a NUL behind it, which no word can hold.
const TELL: &str = "#!/bin/sh\nprintf '%s\\0' \"$0\" \"$@\"\n";
/// Stands between two lists.
const NEXT: &str = "next list";

/// Words with everything that a shell, `printf`, `exec`, an option parser or a splitter could take for its own.
fn word() -> impl Strategy<Value = String> {
    let odd = r#"[-=/ \t\n\r'"\\$`;&|<>(){}*?\[\]~#!%@:,.+^a-d0-2\u{e9}\u{a0}\u{3000}\u{200b}\u{1f600}]{0,8}"#;
    prop_oneof![
        4 => odd.prop_map(|word: String| word),
        2 => any::<String>().prop_map(|word| word.replace('\0', "")),
        1 => select(vec![
            "", "-", "--", "-n", "-e", "--help", "=", "A=1", "=ls", "PATH=/", "rm", "/bin/rm", "..", ".env", "a/.env",
            "-o.env", "of=.env", "'", "\"", "\\", "\\'", "\n", "\r\n", "$HOME", "$(id)", "`id`", "$'a\\tb'", "~", "*", "{a,b}",
            "#x", "!!", "EOF", "%s\\n", "\u{1b}[31m", "\u{202e}", "e\u{301}",
        ]).prop_map(str::to_owned),
    ]
}

/// A name for a program: no slash, since it is looked up; no dash at its front, since a shell's `exec` would take that
/// for an option and the wrapper answers 127 instead.
fn program() -> impl Strategy<Value = String> {
    word().prop_map(|word| {
        let name: String = word.replace('/', "").chars().take(40).collect();
        format!("{}p", name.trim_start_matches('-'))
    })
}

/// `word` as it can be written in a command line, in one of three ways.
fn written(word: &str, way: u8) -> String {
    let escape = |special: &str| {
        word.chars().fold(String::new(), |mut text, c| {
            if special.contains(c) {
                text.push('\\');
            }
            text.push(c);
            text
        })
    };
    match way {
        0 => format!("\"{}\"", escape("\"\\")),
        1 if !word.is_empty() => word.chars().flat_map(|c| ['\\', c]).collect(),
        _ => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

fn line<'w>(words: impl IntoIterator<Item = &'w (String, u8)>) -> String {
    let words = words.into_iter().map(|(word, way)| written(word, *way));
    words.collect::<Vec<_>>().join(" ")
}

fn plain(words: &[(String, u8)]) -> Vec<String> {
    words.iter().map(|(word, _)| word.clone()).collect()
}

/// Puts programs of these names into the working directory.
async fn install(sandbox: &DaytonaSandbox, names: &[(String, u8)]) {
    sandbox.put("tell", TELL.into()).await.unwrap();
    let link = "chmod +x tell && for name do ln -sf tell \"./$name\" || exit 1; done";
    let mut argv = ["sh", "-c", link, "sh"].map(str::to_owned).to_vec();
    argv.extend(plain(names));
    assert!(
        sandbox
            .exec(ExecRequest::argv(argv))
            .await
            .unwrap()
            .success()
    );
}

#[tokio::test]
async fn what_was_checked_arrives_and_what_was_refused_does_not() {
    let server = start(server()).await;
    let environment = on(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let mut draw = |strategy: BoxedStrategy<Vec<Vec<(String, u8)>>>| {
        strategy
            .new_tree(&mut runner)
            .expect("nothing is rejected")
            .current()
    };
    let programs = draw(vec(vec((program(), 0..3_u8), 1), LISTS / AT_ONCE).boxed()).concat();
    install(&sandbox, &programs).await;
    let shell = shell(&environment, &sandbox);

    let (mut refused, mut arrived) = (0, 0);
    for program in programs {
        let before = seen(&server, &EXECUTE_COMMAND).len();
        let mut batch = vec![program.clone()];
        let lists = draw(vec(vec((word(), 0..3_u8), 0..6), AT_ONCE).boxed());
        for words in lists {
            let argv: Vec<_> = std::iter::once(&program).chain(&words).cloned().collect();
            match shell.policy().check(&line(&argv), sandbox.workdir()) {
                Ok(checked) => {
                    assert_eq!(checked, plain(&argv));
                    batch.extend(words);
                    batch.push((NEXT.to_owned(), 0));
                    arrived += 1;
                }
                Err(refusal) => {
                    let reply = shell.run(&line(&argv), &NoVars).await.unwrap();
                    assert_eq!(reply.to_text(), refusal.to_string());
                    refused += 1;
                }
            }
        }
        assert_eq!(
            seen(&server, &EXECUTE_COMMAND).len(),
            before,
            "a refused command was sent"
        );

        let ShellReply::Ran(outcome) = shell.run(&line(&batch), &NoVars).await.unwrap() else {
            panic!("words that are allowed one by one are allowed together");
        };
        let told = outcome.stdout().to_bytes();
        assert!(
            outcome.success() && !outcome.stdout().truncated(),
            "{outcome:?}"
        );
        let told = std::str::from_utf8(&told)
            .unwrap()
            .strip_suffix('\0')
            .unwrap();
        let (name, words) = told.split_once('\0').unwrap();
        assert_eq!(
            name.strip_prefix(sandbox.workdir()).unwrap(),
            format!("/{}", program.0)
        );
        assert_eq!(words.split('\0').collect::<Vec<_>>(), plain(&batch)[1..]);
        assert_eq!(seen(&server, &EXECUTE_COMMAND).len(), before + 1);
    }
    assert_eq!(refused + arrived, LISTS);
    assert!(
        refused > LISTS / 50 && arrived > LISTS / 2,
        "{refused} refused, {arrived} arrived"
    );
    environment.close().await.unwrap();
    assert_eq!(left(&server), []);
}

fn shell(environment: &DaytonaEnvironment, sandbox: &DaytonaSandbox) -> ShellAdapter {
    ShellAdapter::builder(environment.clone())
        .blocked(["rm"])
        .ignore([".env", "[a-b]?*.d"])
        .env_var("PATH", format!("{}:/usr/bin:/bin", sandbox.workdir()))
        .output_limit(1024 * 1024, 0)
        .build()
        .unwrap()
}
