//! The small types: requests, outcomes, paths, errors, what Debug shows.

use std::sync::Arc;
use std::time::Duration;

use context_vars::{NoVars, Vars};
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use sandbox_core::{
    Error, ErrorKind, ExecOutcome, ExecRequest, ExecStatus, Output, Sandbox, SandboxExt,
    SandboxFactory, SingletonFactory, path,
};

use crate::fake::{Create, Service};

#[test]
fn bad_requests_are_refused_with_a_reason() {
    let message = |request: ExecRequest| request.validate().unwrap_err().to_string();
    let ok = || ExecRequest::argv(["true"]);
    insta::assert_snapshot!(message(ExecRequest::argv(Vec::<String>::new())), @"there is no command: the argument list is empty");
    insta::assert_snapshot!(message(ExecRequest::argv([""])), @"the program's name is empty");
    insta::assert_snapshot!(message(ExecRequest::argv(["a", "b\0c"])), @"a word of the command holds a NUL");
    insta::assert_snapshot!(message(ok().cwd("")), @"the directory is empty; leave it out for the default");
    insta::assert_snapshot!(message(ok().cwd("a\0")), @"the directory holds a NUL");
    insta::assert_snapshot!(message(ok().env("1A", "x")), @"an environment variable's name is not letters, digits and underscores");
    insta::assert_snapshot!(message(ok().env("A=B", "x")), @"an environment variable's name is not letters, digits and underscores");
    insta::assert_snapshot!(message(ok().env("A", "x\0")), @"the value of an environment variable holds a NUL");
    insta::assert_snapshot!(message(ok().timeout(Duration::ZERO)), @"the timeout is zero; leave it out for the default");
    insta::assert_snapshot!(message(ok().output_limit(usize::MAX, 0)), @"the output limit is above 8 MiB");
    assert!(
        ok().env("_A1", "")
            .timeout(Duration::from_millis(1))
            .validate()
            .is_ok()
    );
}

#[test]
fn outcomes_have_a_short_view() {
    let view = |status, cause: Option<Error>| {
        let mut outcome = ExecOutcome::new(
            status,
            Output::complete("  out"),
            Output::complete("err\n"),
            Duration::from_millis(1500),
        );
        if let Some(cause) = cause {
            outcome = outcome.with_cause(cause);
        }
        let result = outcome.to_result();
        (result.exit_code, result.output)
    };
    let reset = || Some(Error::new(ErrorKind::Unavailable, "reset by peer"));
    assert_eq!(view(ExecStatus::Exited(3), None), (3, "  out\nerr".into()));
    assert_eq!(view(ExecStatus::Signaled(9), None).0, 137);
    assert_eq!(
        view(ExecStatus::TimedOut, None),
        (124, "  out\nerr\n[timed out after 1.5 s]".into())
    );
    assert_eq!(
        view(ExecStatus::Unknown, reset()),
        (
            125,
            "  out\nerr\n[it is not known whether the command ran: reset by peer]".into()
        )
    );
    assert_eq!(view(ExecStatus::Lost, None).0, 125);
    assert_eq!(view(ExecStatus::NotStarted, None).0, 125);
}

#[test]
fn bounded_output_says_what_is_missing() {
    let whole = Output::bounded("abc", "def", 6);
    assert!(!whole.truncated());
    assert_eq!(
        (whole.to_bytes().as_ref(), whole.text_lossy().as_str()),
        (&b"abcdef"[..], "abcdef")
    );
    let part = Output::bounded("abc", &b"\xff"[..], 1000).with_spill_path("/tmp/x");
    assert_eq!((part.truncated(), part.omitted()), (true, 996));
    assert_eq!(part.text_lossy(), "abc\n[996 bytes omitted]\n\u{fffd}");
    assert_eq!(part.spill_path(), Some("/tmp/x"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_path_leaves_the_workdir(path in any::<String>(), parts in "([a./]|\\.\\./){0,12}") {
        for path in [path, parts] {
            if let Ok(inside) = path::confine("/srv/dir", &path) {
                prop_assert!(inside == "/srv/dir" || inside.starts_with("/srv/dir/"));
                prop_assert!(!inside.split('/').any(|part| part == ".." || part == "."));
                prop_assert!(!inside.contains('\0'));
            }
        }
    }
}

#[test]
fn paths_are_confined() {
    for bad in ["/etc/passwd", "..", "a/../..", "a/../../srv", "a\0b", "//x"] {
        let error = path::confine("/srv", bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PathEscape, "{bad}");
    }
    assert_eq!(path::confine("/srv", "a/../b//c/.").unwrap(), "/srv/b/c");
    assert_eq!(path::confine("/", "a").unwrap(), "/a");
    assert!(
        path::confine_entry("/srv", "a/..")
            .unwrap_err()
            .is_invalid_input()
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_shows_a_canary() {
    let service = Service::new().script([Create::Panic, Create::Broken, Create::Pending]);
    let context = || {
        Vars::new()
            .with("key", "k-canary")
            .with("image", "i-canary")
    };
    let factory = service.factory();
    let mut shown = Vec::new();
    for _ in 0..3 {
        let error = factory.open(&context()).await.unwrap_err();
        shown.push(format!("{error} {error:?} {error:#?}"));
    }
    let sandbox = factory.open(&context()).await.unwrap();
    shown.push(format!("{factory:?} {sandbox:?} {:?}", service.builder()));
    let request = ExecRequest::argv(["echo", "w-canary"])
        .env("NAME", "e-canary")
        .stdin("s-canary");
    shown.push(format!("{request:?}"));
    let outcome = ExecOutcome::new(
        ExecStatus::Exited(0),
        Output::complete("o-canary"),
        Output::default(),
        Duration::ZERO,
    );
    shown.push(format!("{outcome:?} {:?}", outcome.to_result()));
    service.edit(|state| {
        state.removals =
            std::iter::repeat_n(crate::fake::Destroy::Fail(ErrorKind::Auth), 9).collect();
    });
    let error = factory.close().await.unwrap_err();
    shown.push(format!("{error} {error:?}"));
    for text in &shown {
        assert!(!text.contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn errors_of_resolution_come_before_anything_is_created() {
    use context_vars::{Param, Variable};
    let service = Service::new();
    let params = crate::fake::Params {
        key: Param::from(Variable::new("key")),
        tenant: Variable::new("tenant")
            .default(sandbox_core::Scope::Shared)
            .into(),
        image: Param::from(Variable::new("image")),
    };
    let factory = sandbox_core::CachingFactory::new(service.clone(), params);
    let error = factory.open(&NoVars).await.unwrap_err();
    assert!(error.is_unresolved());
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        source.contains("key") && source.contains("image"),
        "{source}"
    );
    assert_eq!(service.creates(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_singleton_lends_and_never_closes() {
    let service = Service::new();
    let owner = service.factory();
    let sandbox: Arc<dyn Sandbox> = owner.open(&NoVars).await.unwrap();
    let factory = SingletonFactory::new(Arc::clone(&sandbox));
    assert!(Arc::ptr_eq(&sandbox, &factory.open(&NoVars).await.unwrap()));
    assert!(Arc::ptr_eq(&sandbox, factory.sandbox()));
    assert_eq!(factory.workdir(), Some("/work"));
    factory.close().await.unwrap();
    assert!(sandbox.run(["true"]).await.unwrap().success());
    assert_eq!(service.destroys(), 0);
}
