//! Shell and code adapters on `DaytonaEnvironment`, with real processes: what a recording sandbox cannot show.

use std::sync::Arc;

use context_vars::{NoVars, Variable, Vars};
use daytona_env::DaytonaEnvironment;
use sandbox_core::adapter::{
    CodeAdapter, CodeAdapterBuilder, CodeReply, CommandPolicy, LanguageRunner, ShellAdapter,
};
use sandbox_core::{Sandbox, SandboxExt};

use crate::support::{left, on, server, start};

fn code(environment: &DaytonaEnvironment) -> CodeAdapterBuilder {
    CodeAdapter::builder(environment.clone())
        .runner("python", LanguageRunner::inline(["python3", "-c"]))
        .runner("shell-file", LanguageRunner::file("sh", ["sh"]))
        .runner("nothing", LanguageRunner::inline(["no-such-runner", "-e"]))
        .runner(
            "nothing-file",
            LanguageRunner::file("no", ["no-such-runner"]),
        )
        .languages(["python", "bash", "shell-file", "nothing", "nothing-file"])
}

#[tokio::test]
async fn code_runs_inline_and_from_a_file_that_is_gone_afterwards() {
    let server = start(server()).await;
    let environment = on(&server).build().unwrap();
    let code = code(&environment).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    // Commands of this server see the host; its own directories are for none of its sandboxes.
    assert_ne!(sandbox.workdir(), "/workspace");
    for (language, source, text) in [
        ("python", "print('it\\'s', 6*7)\n", "it's 42"),
        ("python", "import sys; sys.exit('no')", "no\n[exit code: 1]"),
        ("bash", "cat <<< $((6*7)); exit 7", "42\n[exit code: 7]"),
        (
            "shell-file",
            "echo \"$0\" | sed 's/code_.*/code/'; pwd",
            "WORKDIR/code\nWORKDIR",
        ),
        // The code's own 127 is no missing runner.
        ("bash", "exit 127", "[exit code: 127]"),
    ] {
        let reply = code.run(source, language, &NoVars).await.unwrap();
        assert!(matches!(reply, CodeReply::Ran(_)), "{source:?}: {reply:?}");
        assert_eq!(
            reply.to_text().replace(sandbox.workdir(), "WORKDIR"),
            text,
            "{source:?}"
        );
    }
    // A megabyte fits a file, and only that.
    let long = format!(": {}\necho done", "x".repeat(1 << 20));
    let reply = code.run(&long, "shell-file", &NoVars).await.unwrap();
    assert_eq!(reply.to_text(), "done");
    assert!(code.run(&long, "bash", &NoVars).await.is_err());
    assert_eq!(
        sandbox.list("").await.unwrap(),
        [],
        "no file of code is left"
    );
    environment.close().await.unwrap();
    assert_eq!(left(&server), []);
}

#[tokio::test]
async fn a_runner_that_the_image_lacks_is_named() {
    let server = start(server()).await;
    let environment = on(&server).build().unwrap();
    let code = code(&environment).build().unwrap();
    for language in ["nothing", "nothing-file"] {
        let reply = code.run("1", language, &NoVars).await.unwrap();
        assert!(
            matches!(reply, CodeReply::RunnerMissing { .. }),
            "{reply:?}"
        );
        assert_eq!(
            reply.to_text(),
            "'no-such-runner' is not installed in this sandbox: its image lacks it. Install it, or use another \
             language.\n[exit code: 127]"
        );
    }
    environment.close().await.unwrap();
}

#[tokio::test]
async fn a_command_sees_the_environment_of_its_adapter_and_its_output_stays_bytes() {
    let server = start(server()).await;
    let environment = on(&server).scope(Variable::new("tenant")).build().unwrap();
    let shell = ShellAdapter::builder(environment.clone())
        .env_var("TENANT", Variable::new("tenant"))
        .build()
        .unwrap();
    for tenant in ["acme", "other"] {
        let context = Vars::new().with("tenant", tenant);
        let reply = shell.run("echo $TENANT", &context).await.unwrap();
        assert_eq!(reply.to_text(), tenant);
    }
    let context = Vars::new().with("tenant", "acme");
    let reply = shell
        .run("printf '\\377\\000ok\\200'; exit 3", &context)
        .await
        .unwrap();
    assert_eq!(
        reply.outcome().unwrap().stdout().to_bytes(),
        &b"\xff\0ok\x80"[..]
    );
    assert_eq!(reply.to_text(), "\u{fffd}\0ok\u{fffd}\n[exit code: 3]");
    environment.close().await.unwrap();
    assert_eq!(left(&server), []);
}

#[tokio::test]
async fn the_longest_command_that_is_let_through_does_run() {
    let server = start(server()).await;
    let environment = on(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let most = CommandPolicy::MAX_COMMAND;
    let free = ShellAdapter::over(Arc::clone(&sandbox)).build().unwrap();
    let end = "\necho end";
    let line = format!("#{}{end}", "x".repeat(most - 1 - end.len()));
    assert_eq!(line.len(), most);
    assert_eq!(free.run(&line, &NoVars).await.unwrap().to_text(), "end");

    let restricted = ShellAdapter::over(Arc::clone(&sandbox))
        .allowed(["printf"])
        .build()
        .unwrap();
    let line = format!("printf %.3s {}", "x".repeat(most - "printf %.3s ".len()));
    assert_eq!(
        restricted.run(&line, &NoVars).await.unwrap().to_text(),
        "xxx"
    );

    // What the limit is for: one byte more is more than Linux takes.
    let outcome = sandbox.run(["true", &"x".repeat(most + 1)]).await.unwrap();
    assert!(!outcome.success(), "{outcome:?}");
    environment.close().await.unwrap();
}
