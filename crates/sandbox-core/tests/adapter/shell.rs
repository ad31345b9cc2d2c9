//! The shell adapter around the policy.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use context_vars::{NoVars, Secret, Template, Variable, Vars};
use sandbox_core::adapter::{
    CodeAdapter, CommandPolicy, LanguageRunner, RefusalReason, ShellAdapter, ShellReply,
};
use sandbox_core::{
    ErrorKind, ExecEvent, ExecOutcome, ExecStatus, ExecStream, Output, Sandbox, SandboxFactory,
};

use crate::recorder::{Recorder, Seen, ended};

fn exec(words: &[&str]) -> Seen {
    Seen::Exec(words.iter().map(|&word| word.to_owned()).collect())
}

#[tokio::test]
async fn without_a_rule_a_shell_gets_the_line_as_it_is() {
    let recorder = Recorder::new("/workspace");
    let shell = ShellAdapter::builder(recorder.clone()).build().unwrap();
    assert!(!shell.policy().is_restricted());
    for line in ["", "  ls\n", "cat 'unbalanced", "echo $HOME > \u{e9}"] {
        shell.run(line, &NoVars).await.unwrap();
        assert_eq!(recorder.seen().last(), Some(&exec(&["sh", "-c", line])));
    }
}

#[tokio::test]
async fn environment_timeout_and_limits_go_with_every_command() {
    let recorder = Recorder::new("/workspace");
    let shell = ShellAdapter::builder(recorder.clone())
        .blocked(["rm"])
        .env_var("TENANT", Variable::new("tenant"))
        .env_var("URL", Template::parse("https://${tenant}.example").unwrap())
        .env_var("TOKEN", Secret::new("canary-9"))
        .timeout(Duration::from_millis(1500))
        .output_limit(10, 20)
        .build()
        .unwrap();
    assert!(!format!("{shell:?}").contains("canary-9"));

    let context = Vars::new().with("tenant", "acme");
    shell.run("ls", &context).await.unwrap();
    let request = recorder.requests().remove(0);
    let env: Vec<_> = request
        .env_given()
        .map(|(name, value)| (name.to_owned(), value.expose().to_owned()))
        .collect();
    let expected = [
        ("TENANT", "acme"),
        ("TOKEN", "canary-9"),
        ("URL", "https://acme.example"),
    ];
    assert_eq!(env, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    assert_eq!(request.timeout_given(), Some(Duration::from_millis(1500)));
    assert_eq!((request.head_limit(), request.tail_limit()), (10, 20));

    let error = shell.run("ls", &NoVars).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unresolved);
    assert_eq!(
        recorder.opened(),
        1,
        "nothing is opened for a variable without a value"
    );
}

#[tokio::test]
async fn the_text_is_the_output_and_the_exit_code() {
    for (code, stdout, stderr, text) in [
        (0, "", "", ""),
        (0, "  a\n b \n", "", "  a\n b"),
        (7, "boom", "", "boom\n[exit code: 7]"),
        (7, "out", "err\n", "out\nerr\n[exit code: 7]"),
        (7, "", "", "[exit code: 7]"),
    ] {
        let recorder = Recorder::answering("/w", move |_| Ok(ended(code, stdout, stderr)));
        let shell = ShellAdapter::builder(recorder).build().unwrap();
        assert_eq!(shell.run("x", &NoVars).await.unwrap().to_text(), text);
    }
    for (status, text) in [
        (ExecStatus::Signaled(9), "part\n[exit code: 137]"),
        (
            ExecStatus::TimedOut,
            "part\n[timed out after 2.0 s]\n[exit code: 124]",
        ),
    ] {
        let recorder = Recorder::answering("/w", move |_| {
            let (out, err) = (Output::complete("part"), Output::default());
            Ok(ExecOutcome::new(status, out, err, Duration::from_secs(2)))
        });
        let shell = ShellAdapter::builder(recorder).build().unwrap();
        assert_eq!(shell.run("x", &NoVars).await.unwrap().to_text(), text);
    }
}

#[tokio::test]
async fn output_that_is_no_text_is_kept_byte_for_byte_and_shown_with_replacements() {
    let recorder = Recorder::answering("/w", |_| {
        let out = Output::complete(&b"\x00\xff\xfeok\x80"[..]);
        let err = Output::default();
        Ok(ExecOutcome::new(
            ExecStatus::Exited(0),
            out,
            err,
            Duration::ZERO,
        ))
    });
    let shell = ShellAdapter::builder(recorder).build().unwrap();
    let reply = shell.run("x", &NoVars).await.unwrap();
    let outcome = reply.outcome().unwrap();
    assert_eq!(outcome.stdout().to_bytes(), &b"\x00\xff\xfeok\x80"[..]);
    assert_eq!(reply.to_text(), "\0\u{fffd}\u{fffd}ok\u{fffd}");
}

#[tokio::test]
async fn the_paths_are_those_of_the_sandbox_that_was_opened() {
    // Where the factory does not know its directory, the sandbox is asked, and gets no command.
    let recorder = Recorder::new("/home/me").untold();
    let shell = ShellAdapter::builder(recorder.clone())
        .ignore([".env"])
        .build()
        .unwrap();
    assert_eq!(shell.workdir(), None);
    for (command, denied) in [
        ("cat /workspace/x", "Access denied: /workspace/x"),
        ("cat .env", "Access denied: /home/me/.env"),
    ] {
        let reply = shell.run(command, &NoVars).await.unwrap();
        assert_eq!(reply.to_text(), denied);
    }
    assert_eq!(recorder.seen(), []);
    shell.run("cat /home/me/x", &NoVars).await.unwrap();
    assert_eq!(recorder.seen(), [exec(&["cat", "/home/me/x"])]);

    // What does not depend on it opens nothing.
    let opened = recorder.opened();
    let reply = shell.run("cat x > y", &NoVars).await.unwrap();
    assert!(matches!(reply, ShellReply::Refused(_)));
    assert_eq!(recorder.opened(), opened);
}

#[tokio::test]
async fn one_sandbox_can_be_lent_and_is_not_closed() {
    let recorder = Recorder::new("/srv");
    let shell = ShellAdapter::over(recorder.clone())
        .ignore([""; 0])
        .build()
        .unwrap();
    assert_eq!(shell.workdir(), Some("/srv"));
    assert_eq!(shell.factory().workdir(), Some("/srv"));
    let reply = shell.run("cat /workspace/x", &NoVars).await.unwrap();
    assert_eq!(reply.to_text(), "Access denied: /workspace/x");
    shell.run("cat x", &NoVars).await.unwrap();
    assert_eq!(recorder.seen(), [exec(&["cat", "x"])]);
    assert_eq!(Sandbox::workdir(&recorder), "/srv");
}

#[tokio::test]
async fn what_cannot_be_run_is_an_error_before_anything_is_opened() {
    let recorder = Recorder::new("/workspace");
    let restricted = ShellAdapter::builder(recorder.clone())
        .blocked(["rm"])
        .build()
        .unwrap();
    let free = ShellAdapter::builder(recorder.clone()).build().unwrap();
    for (shell, command, message) in [
        (
            &restricted,
            "echo a\0b",
            "a word of the command holds a NUL",
        ),
        (&free, "echo a\0b", "a word of the command holds a NUL"),
        (&restricted, "'' x", "the program's name is empty"),
    ] {
        let error = shell.run(command, &NoVars).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{command:?}");
        assert_eq!(error.to_string(), message, "{command:?}");
    }
    for command in ["", " \t "] {
        let reply = restricted.run(command, &NoVars).await.unwrap();
        assert!(matches!(reply, ShellReply::Empty), "{reply:?}");
        assert_eq!(reply.to_text(), "[exit code: 2]");
    }
    assert_eq!(recorder.opened(), 0);
}

#[tokio::test]
async fn a_command_longer_than_an_argument_may_be_is_refused_without_repeating_it() {
    let recorder = Recorder::new("/workspace");
    let most = CommandPolicy::MAX_COMMAND;
    for restricted in [false, true] {
        let policy = CommandPolicy::new();
        let policy = if restricted {
            policy.blocked(["rm"])
        } else {
            policy
        };
        let shell = ShellAdapter::builder(recorder.clone())
            .policy(policy)
            .build()
            .unwrap();

        let reply = shell.run(&"x".repeat(1024 * 1024), &NoVars).await.unwrap();
        let ShellReply::Refused(refusal) = reply else {
            panic!("{reply:?}");
        };
        assert_eq!(refusal.reason(), RefusalReason::TooLong);
        assert_eq!(
            refusal.to_string(),
            "Command not allowed: it is 1048576 bytes long, and 131071 is the most. Write it to a \
             file and run the file."
        );
        assert_eq!(recorder.opened(), 0);
    }
    let shell = ShellAdapter::builder(recorder.clone()).build().unwrap();
    let longest = "x".repeat(most);
    shell.run(&longest, &NoVars).await.unwrap();
    assert_eq!(recorder.seen(), [exec(&["sh", "-c", &longest])]);
}

#[test]
fn settings_that_no_context_makes_good_are_refused_at_once() {
    let builder = || ShellAdapter::builder(Recorder::new("/workspace"));
    for (built, message) in [
        (
            builder().timeout(Duration::ZERO).build(),
            "the timeout is zero; leave it out for the default",
        ),
        (
            builder().env_var("A-B", "x").build(),
            "an environment variable's name is not letters, digits and underscores",
        ),
        (
            builder().output_limit(usize::MAX, 0).build(),
            "the output limit is above 8 MiB",
        ),
    ] {
        let error = built.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_refusal_shows_the_command_to_whoever_wrote_it_and_not_in_debug() {
    let policy = CommandPolicy::new().allowed(["git"]);
    let refusal = policy.check("rm canary-3", "/workspace").unwrap_err();
    assert_eq!(refusal.to_string(), "Command not allowed: 'rm canary-3'");
    assert_eq!(format!("{refusal:?}"), "Refusal { reason: NotAllowed, .. }");
}

#[tokio::test]
async fn a_listener_changes_nothing_but_that_it_hears() {
    let recorder = Recorder::answering("/workspace", |_| Ok(ended(3, "out\n", "err\n")));
    let shell = ShellAdapter::builder(recorder.clone())
        .blocked(["rm"])
        .build()
        .unwrap();
    let heard = AtomicUsize::new(0);
    let listener = |event: &ExecEvent| {
        heard.fetch_add(event.bytes.len(), Ordering::Relaxed);
    };
    for line in ["ls 'a b'", "rm x", "", "echo 'unbalanced"] {
        let plain = shell.run(line, &NoVars).await.unwrap().to_text();
        let before = recorder.seen();
        let streamed = shell.run_streamed(line, &NoVars, &listener).await;
        assert_eq!(streamed.unwrap().to_text(), plain, "{line:?}");
        // the recorder cannot start a command: it is run to its end, once
        let sent = recorder.seen().split_off(before.len());
        assert_eq!(sent.len(), usize::from(line.starts_with("ls")), "{line:?}");
        assert!(before.ends_with(&sent), "{line:?}: {sent:?}");
    }
    assert_eq!(heard.load(Ordering::Relaxed), 0);
}

#[cfg(all(feature = "local", unix))]
#[tokio::test]
async fn what_is_heard_is_what_was_written() {
    let env = sandbox_core::LocalEnvironment::builder().build().unwrap();
    let code = CodeAdapter::builder(env.clone())
        .languages(["bash", "lines"])
        .runner("lines", LanguageRunner::file("sh", ["sh"]))
        .build()
        .unwrap();
    for language in ["bash", "lines"] {
        let heard = Mutex::new([Vec::new(), Vec::new()]);
        let listener = |event: &ExecEvent| {
            let mut heard = heard.lock().unwrap();
            let stream = usize::from(event.stream == ExecStream::Stderr);
            assert_eq!(event.offset, heard[stream].len() as u64);
            heard[stream].extend_from_slice(&event.bytes);
        };
        let source = r"printf 'a\377'; echo b >&2; sleep 0.1; echo c; exit 4";
        let reply = code
            .run_streamed(source, language, &NoVars, &listener)
            .await;
        let reply = reply.unwrap();
        let outcome = reply.outcome().unwrap();
        assert_eq!(outcome.status(), ExecStatus::Exited(4));
        assert_eq!(&outcome.stdout().to_bytes()[..], b"a\xffc\n");
        let heard = heard.into_inner().unwrap();
        assert_eq!(heard, [b"a\xffc\n".to_vec(), b"b\n".to_vec()], "{language}");
    }
    env.close().await.unwrap();
}
