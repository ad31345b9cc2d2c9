//! What holds for every command line.

#![expect(clippy::unwrap_used, reason = "a runtime of one thread can be made")]

use context_vars::NoVars;
use proptest::prelude::*;
use sandbox_core::Error;
use sandbox_core::adapter::{CommandPolicy, RefusalReason, ShellAdapter, ShellReply};

use crate::recorder::{Recorder, Seen};

/// `word` so that it stands for itself.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn word() -> impl Strategy<Value = String> {
    let odd = r#"[-=/ \t\n\r'"\\$`;&|<>(){}*?\[\]~#!a-c\u{e9}\u{3000}\u{1f600}]{0,8}"#;
    prop_oneof![odd, any::<String>()]
}

fn run(shell: &ShellAdapter, line: &str) -> Result<ShellReply, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(shell.run(line, &NoVars))
}

proptest! {
    #[test]
    fn quoted_words_come_back_as_they_are(argv in prop::collection::vec(word(), 0..6)) {
        let line: Vec<_> = argv.iter().map(|word| quoted(word)).collect();
        let checked = CommandPolicy::new().blocked([""; 0]).check(&line.join(" "), "/workspace");
        prop_assert_eq!(checked.unwrap(), argv);
    }

    #[test]
    fn what_was_checked_is_run_and_what_was_refused_opens_nothing(
        line in word(),
        allowed in prop::option::of(prop::collection::vec(word(), 0..3)),
        blocked in prop::option::of(prop::collection::vec(word(), 0..3)),
        ignore in prop::option::of(prop::collection::vec(word(), 0..3)),
        readonly: bool,
        workdir in "/{0,3}[a-c./]{0,8}",
    ) {
        let mut policy = CommandPolicy::new().readonly(readonly);
        if let Some(patterns) = allowed { policy = policy.allowed(patterns); }
        if let Some(patterns) = blocked { policy = policy.blocked(patterns); }
        if let Some(patterns) = ignore { policy = policy.ignore(patterns); }
        let recorder = Recorder::new(&workdir);
        let shell = ShellAdapter::builder(recorder.clone()).policy(policy.clone()).build().unwrap();
        let reply = run(&shell, &line);
        match policy.check(&line, &workdir) {
            Ok(argv) if argv.is_empty() => {
                prop_assert!(policy.is_restricted());
                prop_assert!(matches!(reply, Ok(ShellReply::Empty)));
            }
            Ok(argv) => {
                if !policy.is_restricted() {
                    prop_assert_eq!(&argv, &["sh", "-c", line.as_str()]);
                }
                if reply.is_ok() {
                    prop_assert_eq!(recorder.seen(), [Seen::Exec(argv)]);
                    return Ok(());
                }
                // Allowed, and no program of any sandbox could be given it.
                prop_assert!(line.contains('\0') || argv.first().is_some_and(String::is_empty));
            }
            Err(refusal) => {
                prop_assert_eq!(reply.unwrap().to_text(), refusal.to_string());
            }
        }
        prop_assert_eq!(recorder.opened(), 0);
        prop_assert_eq!(recorder.seen(), []);
    }

    /// A short option is refused for the first of its tails that would be refused as a word.
    #[test]
    fn a_path_behind_a_short_option_is_seen(
        tail in r"([abw.]|\.\.|/|/w|/w/w|\.env|\\){0,10}",
        patterns in prop::collection::vec(r"([abw.]|\.env|\*|\?|/|\\){1,4}", 0..3),
        workdir in prop::sample::select(vec!["/", "/w", "/w/w", "/a/b", "//w", "/w/../w/a/w"]),
    ) {
        let policy = CommandPolicy::new().ignore(&patterns);
        let alone = |path: &str| {
            // As a path that neither is nor holds an option.
            let path = if path.starts_with('/') { path.to_owned() } else { format!("./{path}") };
            policy.check(&quoted(&path), workdir)
        };
        let option = format!("-o{tail}");
        let tails = tail.char_indices().map(|(at, _)| &tail[at..]);
        let expected = std::iter::once(option.as_str())
            .chain(tails)
            .find_map(|path| alone(path).err());
        let ours = policy.check(&quoted(&option), workdir);
        prop_assert_eq!(ours.err(), expected);
    }
}

/// Looked at tail by tail, these would not end in a lifetime.
#[test]
fn very_long_words_are_decided_too() {
    let long = CommandPolicy::MAX_COMMAND / 2;
    let patterns = ["**/x", "a*a*b", "d/e"];
    for (workdir, unit) in [
        ("/workspace", "a"),
        ("/", "a/"),
        ("/w/w", "/w/w"),
        ("/w", "../w/"),
        ("/w", "a/../"),
        ("/workspace", "a="),
        ("/workspace", "\u{e9}"),
    ] {
        let word = format!("-o{}", unit.repeat(long / unit.len()));
        let checked = CommandPolicy::new().ignore(patterns).check(&word, workdir);
        match checked {
            Ok(argv) => assert_eq!(argv, [word]),
            Err(refusal) => assert_eq!(refusal.reason(), RefusalReason::AccessDenied),
        }
    }
}
