//! The code adapter and its runners.

#![expect(clippy::panic, reason = "how a helper of tests fails")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use context_vars::{NoVars, Variable};
use sandbox_core::adapter::{CodeAdapter, CodeReply, LanguageRunner};
use sandbox_core::{Error, ErrorKind, ExecRequest};

use crate::recorder::{Recorder, Seen, ended};

fn exec(words: &[&str]) -> Seen {
    Seen::Exec(words.iter().map(|&word| word.to_owned()).collect())
}

#[tokio::test]
async fn python_and_bash_run_inline_and_are_the_default() {
    let recorder = Recorder::new("/workspace");
    let code = CodeAdapter::builder(recorder.clone()).build().unwrap();
    assert_eq!(code.languages(), ["python", "bash"]);
    code.run("print('a b')\n", "python", &NoVars).await.unwrap();
    code.run("echo $X", "bash", &NoVars).await.unwrap();
    assert_eq!(
        recorder.seen(),
        [
            exec(&["python", "-c", "print('a b')\n"]),
            exec(&["bash", "-c", "echo $X"]),
        ]
    );
}

#[tokio::test]
async fn javascript_and_typescript_run_from_a_file_that_is_removed() {
    for (language, program, extension) in [
        ("javascript", "node", "js"),
        ("typescript", "ts-node", "ts"),
    ] {
        let recorder = Recorder::new("/srv/app");
        let code = CodeAdapter::builder(recorder.clone())
            .languages([language])
            .build()
            .unwrap();
        let source = "console.log('\u{e9}\0')";
        code.run(source, language, &NoVars).await.unwrap();
        let seen = recorder.seen();
        let [Seen::Put(name, content), run, removal] = seen.as_slice() else {
            panic!("{seen:?}");
        };
        let stem = name.strip_suffix(&format!(".{extension}")).unwrap();
        let random = stem.strip_prefix("code_").unwrap();
        assert!(
            random.len() == 32 && random.bytes().all(|b| b.is_ascii_hexdigit()),
            "{name}"
        );
        assert_eq!(content, &Bytes::copy_from_slice(source.as_bytes()));
        assert_eq!(run, &exec(&[program, &format!("/srv/app/{name}")]));
        assert_eq!(removal, &Seen::Remove(name.clone()));
    }
}

#[tokio::test]
async fn the_file_goes_whatever_became_of_the_run() {
    let failing = Error::new(ErrorKind::Unavailable, "no answer");
    let error = failing.clone();
    let recorder = Recorder::answering("/workspace", move |_| Err(error.clone()));
    let code = |recorder: &Recorder| {
        CodeAdapter::builder(recorder.clone())
            .languages(["javascript"])
            .build()
            .unwrap()
    };
    let error = code(&recorder)
        .run("1", "javascript", &NoVars)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "no answer");
    assert!(matches!(recorder.seen().last(), Some(Seen::Remove(_))));

    // A failed write may have left part of it; the write's error is told as it is.
    let recorder = Recorder::new("/workspace").failing_put(failing);
    let error = code(&recorder)
        .run("1", "javascript", &NoVars)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "no answer");
    until(|| matches!(recorder.seen().last(), Some(Seen::Remove(_)))).await;
    assert_eq!(recorder.requests().len(), 0);
}

#[tokio::test]
async fn a_run_that_is_dropped_removes_its_file_too() {
    let recorder = Recorder::new("/workspace").hanging();
    let code = CodeAdapter::builder(recorder.clone())
        .languages(["javascript"])
        .build()
        .unwrap();
    let mut run = Box::pin(code.run("1", "javascript", &NoVars));
    let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(run.as_mut().poll(cx))).await;
    assert!(polled.is_pending());
    assert!(
        matches!(recorder.seen().last(), Some(Seen::Exec(_))),
        "{:?}",
        recorder.seen()
    );
    drop(run);
    until(|| matches!(recorder.seen().last(), Some(Seen::Remove(_)))).await;
}

async fn until(holds: impl Fn() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it did not come to hold");
}

#[tokio::test]
async fn a_language_that_is_unknown_or_not_enabled_opens_nothing() {
    let recorder = Recorder::new("/workspace");
    let code = CodeAdapter::builder(recorder.clone())
        .languages(["python"])
        .build()
        .unwrap();
    for language in ["bash", "ocaml", "PYTHON", ""] {
        let reply = code.run("x", language, &NoVars).await.unwrap();
        let CodeReply::NotEnabled(refused) = &reply else {
            panic!("{reply:?}");
        };
        assert_eq!(
            (refused.language(), refused.available()),
            (language, &["python".to_owned()][..])
        );
        assert_eq!(
            reply.to_text(),
            format!("Language '{language}' is not enabled. Available: ['python']\n[exit code: 2]")
        );
    }
    let none = CodeAdapter::builder(recorder.clone())
        .languages([""; 0])
        .build()
        .unwrap();
    let reply = none.run("x", "it's", &NoVars).await.unwrap();
    assert_eq!(
        reply.to_text(),
        "Language \"it's\" is not enabled. Available: []\n[exit code: 2]"
    );
    assert_eq!(recorder.opened(), 0);
}

#[tokio::test]
async fn own_languages_and_interpreters_can_be_added() {
    let recorder = Recorder::new("/workspace");
    let code = CodeAdapter::builder(recorder.clone())
        .languages(["ruby", "python", "ruby"])
        .runner("ruby", LanguageRunner::inline(["ruby", "-e"]))
        .runner("python", LanguageRunner::inline(["python3", "-I", "-c"]))
        .timeout(Duration::from_secs(3))
        .env_var("A", "1")
        .build()
        .unwrap();
    assert_eq!(code.languages(), ["ruby", "python", "ruby"]);
    code.run("puts 1", "ruby", &NoVars).await.unwrap();
    code.run("print(1)", "python", &NoVars).await.unwrap();
    assert_eq!(
        recorder.seen(),
        [
            exec(&["ruby", "-e", "puts 1"]),
            exec(&["python3", "-I", "-c", "print(1)"]),
        ]
    );
    let request = recorder.requests().remove(0);
    assert_eq!(request.timeout_given(), Some(Duration::from_secs(3)));
    assert_eq!(request.env_given().len(), 1);
}

#[test]
fn a_runner_that_cannot_run_is_refused_when_the_adapter_is_built() {
    let with = |runner| {
        CodeAdapter::builder(Recorder::new("/workspace"))
            .languages(["ruby"])
            .runner("ruby", runner)
            .build()
    };
    for (built, message) in [
        (
            CodeAdapter::builder(Recorder::new("/workspace"))
                .languages(["ocaml"])
                .build(),
            "no LanguageRunner registered for language 'ocaml'; add one with `runner`",
        ),
        (
            with(LanguageRunner::inline([""; 0])),
            "the runner of language 'ruby' names no program",
        ),
        (
            with(LanguageRunner::inline([""])),
            "the runner of language 'ruby' has an empty program name",
        ),
        (
            with(LanguageRunner::inline(["ruby", "a\0b"])),
            "the runner of language 'ruby' has a NUL in a word",
        ),
        (
            with(LanguageRunner::file("../x", ["ruby"])),
            "the runner of language 'ruby' has a file extension that is not letters, digits, `_`, \
             `-` or `.`",
        ),
    ] {
        let error = built.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), message);
    }
}

#[tokio::test]
async fn a_missing_runner_is_told_from_a_code_of_127() {
    let answer = |missing: bool| {
        move |request: &ExecRequest| {
            let asked = request
                .words()
                .first()
                .is_some_and(|program| program == "sh");
            Ok(match (asked, missing) {
                (true, false) => ended(0, "", ""),
                (_, _) => ended(127, "", "sh: 1: exec: python: not found"),
            })
        }
    };
    let recorder = Recorder::answering("/workspace", answer(true));
    let code = CodeAdapter::builder(recorder.clone()).build().unwrap();
    let reply = code.run("print(1)", "python", &NoVars).await.unwrap();
    assert!(matches!(&reply, CodeReply::RunnerMissing { program, .. } if program == "python"));
    assert_eq!(
        reply.to_text(),
        "'python' is not installed in this sandbox: its image lacks it. Install it, or use another \
         language.\n[exit code: 127]"
    );

    let recorder = Recorder::answering("/workspace", answer(false));
    let code = CodeAdapter::builder(recorder.clone()).build().unwrap();
    let reply = code.run("exit(127)", "python", &NoVars).await.unwrap();
    assert!(matches!(&reply, CodeReply::Ran(_)));
    assert_eq!(
        reply.to_text(),
        "sh: 1: exec: python: not found\n[exit code: 127]"
    );
}

#[tokio::test]
async fn code_that_cannot_be_sent_is_an_error_before_anything_is_opened() {
    let recorder = Recorder::new("/workspace");
    let factory: Arc<Recorder> = Arc::new(recorder.clone());
    let code = CodeAdapter::builder(factory)
        .languages(["python", "javascript"])
        .env_var("TENANT", Variable::new("tenant").default("acme"))
        .build()
        .unwrap();
    let long = "#".repeat(1024 * 1024);
    let error = code.run(&long, "python", &NoVars).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(
        error.to_string(),
        "the code is 1048576 bytes long, and 131071 is the most for a language whose runner takes \
         it as an argument; put it into a file and run that"
    );
    let error = code.run("a\0b", "python", &NoVars).await.unwrap_err();
    assert_eq!(error.to_string(), "a word of the command holds a NUL");
    assert_eq!(recorder.opened(), 0);

    // A file takes it.
    code.run(&long, "javascript", &NoVars).await.unwrap();
    assert!(
        matches!(&recorder.seen()[..], [Seen::Put(_, content), ..] if content.len() == long.len())
    );
}
