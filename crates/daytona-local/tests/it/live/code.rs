use std::time::Duration;

use daytona_api::api::{ExecutionEvent, ExecutionResult, Interpreter};
use daytona_api::{Error, ErrorKind};

use super::{Lab, soon};

async fn run(interpreter: &Interpreter, code: &str) -> Result<ExecutionResult, Error> {
    let execution = soon(interpreter.run(code).send()).await?;
    soon(execution.finish()).await
}

#[tokio::test]
async fn what_code_defines_stays_in_its_context() {
    for lab in soon(Lab::both()).await {
        let interpreter = lab.toolbox.interpreter();
        run(&interpreter, "x = 6\ndef f(): return x * 7")
            .await
            .unwrap();
        let done = run(
            &interpreter,
            "import sys\nprint(f())\nprint('e', file=sys.stderr)\nf()",
        );
        let done = done.await.unwrap();
        assert_eq!(
            (done.stdout.as_str(), done.stderr.as_str()),
            ("42\n", "e\n")
        );
        let error = run(&interpreter, "print('a')\nraise ValueError('b\u{e9}')")
            .await
            .unwrap();
        assert_eq!(error.stdout, "a\n");
        let raised = error.error.unwrap();
        assert_eq!(
            (raised.name.as_str(), raised.value.as_str()),
            ("ValueError", "b\u{e9}")
        );
        assert!(
            raised.traceback.contains("File \"<stdin>\", line 2"),
            "{}",
            raised.traceback
        );
        assert!(!raised.traceback.contains("worker"), "{}", raised.traceback);
        assert_eq!(
            run(&interpreter, "if").await.unwrap().error.unwrap().name,
            "SyntaxError"
        );
        assert!(
            run(&interpreter, "raise SystemExit(3)")
                .await
                .unwrap()
                .error
                .is_none()
        );
        // what programs write comes too, and they get nothing to read
        let code = "import os, sys\nos.system('echo out; echo err >&2; cat')\nsys.stdin.read()";
        let done = run(&interpreter, code).await.unwrap();
        assert_eq!(
            (done.stdout.as_str(), done.stderr.as_str()),
            ("out\n", "err\n")
        );

        let context = soon(interpreter.create_context(None)).await.unwrap();
        assert_eq!(context.language, "python");
        assert_eq!(interpreter.contexts().await.unwrap().len(), 1);
        let there = interpreter
            .run("print('x' in globals())")
            .context(&context.id);
        let there = soon(there.send()).await.unwrap();
        assert_eq!(soon(there.finish()).await.unwrap().stdout, "False\n");
        soon(interpreter.delete_context(&context.id)).await.unwrap();
        assert!(interpreter.contexts().await.unwrap().is_empty());
        let gone = interpreter
            .run("1")
            .context(&context.id)
            .send()
            .await
            .unwrap();
        let error = soon(gone.finish()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.close_code()),
            (ErrorKind::Failed, Some(1008))
        );
        assert_eq!(
            interpreter
                .delete_context("default")
                .await
                .unwrap_err()
                .status(),
            Some(400)
        );
        lab.server.shutdown().await;
    }
}

#[tokio::test]
async fn variables_are_those_of_one_run_and_output_is_whole() {
    for lab in soon(Lab::both()).await {
        let interpreter = lab.toolbox.interpreter();
        let with = interpreter
            .run("import os\nprint(os.environ['A'])")
            .env("A", "one");
        let with = soon(with.send()).await.unwrap();
        assert_eq!(soon(with.finish()).await.unwrap().stdout, "one\n");
        assert_eq!(
            run(&interpreter, "print(os.environ.get('A'))")
                .await
                .unwrap()
                .stdout,
            "None\n"
        );
        let done = run(&interpreter, "for i in range(20000): print(i, '\u{e9}')")
            .await
            .unwrap();
        let expected: String = (0..20000).map(|i| format!("{i} \u{e9}\n")).collect();
        assert_eq!(done.stdout, expected);
        lab.server.shutdown().await;
    }
}

#[tokio::test]
async fn code_that_takes_too_long_is_interrupted_and_at_last_killed() {
    for lab in soon(Lab::both()).await {
        let interpreter = lab.toolbox.interpreter();
        run(&interpreter, "kept = 1").await.unwrap();
        let second = Duration::from_secs(1);
        let sleep = "import time\nprint('begun', flush=True)\ntime.sleep(987)";
        let mut polite = soon(interpreter.run(sleep).timeout(second).send())
            .await
            .unwrap();
        let begun = soon(polite.next_event()).await.unwrap();
        assert_eq!(begun, Some(ExecutionEvent::Stdout("begun\n".into())));
        let told = soon(polite.next_event()).await.unwrap();
        assert_eq!(told, Some(ExecutionEvent::Interrupted));
        let error = soon(polite.next_event()).await.unwrap_err();
        assert_eq!((error.is_timeout(), error.close_code()), (true, Some(4008)));
        // an interrupted context keeps what it has, a killed one does not
        assert_eq!(
            run(&interpreter, "print(kept)").await.unwrap().stdout,
            "1\n"
        );
        let stubborn = "while True:\n  try:\n    time.sleep(987)\n  except BaseException: pass";
        let stubborn = soon(interpreter.run(stubborn).timeout(second).send())
            .await
            .unwrap();
        let error = soon(stubborn.finish()).await.unwrap_err();
        assert_eq!((error.is_timeout(), error.close_code()), (true, Some(4008)));
        let done = run(&interpreter, "print('kept' in globals())")
            .await
            .unwrap();
        assert_eq!(done.stdout, "False\n");
        let ended = run(&interpreter, "import os\nos._exit(1)")
            .await
            .unwrap_err();
        assert_eq!(ended.close_code(), Some(1001));
        assert_eq!(run(&interpreter, "print(1)").await.unwrap().stdout, "1\n");
        lab.server.shutdown().await;
    }
}
