//! Commands and code.

use sandbox_core::NoVars;
use sandbox_tools::{SandboxShellTool, Tool};
use serde_json::json;

use crate::support::Bench;

#[tokio::test]
async fn the_text_is_the_originals_and_the_value_is_typed() {
    let bench = Bench::new();
    let run =
        |command: &'static str| bench.call("run_shell_command", json!({ "command": command }));
    assert_eq!(run("echo hi").await.text(), "hi");
    assert_eq!(run("true").await.text(), "");
    let failed = run("echo boom; echo err >&2; exit 7").await;
    assert_eq!(failed.text(), "boom\nerr\n[exit code: 7]");
    assert!(failed.is_error());
    assert_eq!(failed.value()["status"], "exited");
    assert_eq!(failed.value()["exit_code"], 7);
    assert_eq!(failed.value()["stdout"]["text"], "boom\n");
    assert_eq!(failed.value()["stderr"]["text"], "err\n");
    assert_eq!(run("no-such-program-here").await.value()["exit_code"], 127);
    let binary = run("printf 'a\\377b'").await;
    assert_eq!(
        (binary.text(), &binary.value()["stdout"]["bytes"]),
        ("a\u{fffd}b", &json!(3))
    );
}

#[tokio::test]
async fn code_runs_in_the_same_sandbox_as_commands() {
    let bench = Bench::new();
    bench
        .text("write_file", json!({ "path": "n.txt", "content": "6" }))
        .await;
    let code = "print(int(open('n.txt').read()) * 7)";
    assert_eq!(
        bench
            .text("run_code", json!({ "code": code, "language": "python" }))
            .await,
        "42"
    );
}

#[tokio::test]
async fn long_output_is_cut_and_the_rest_is_where_the_model_is_told() {
    let bench = Bench::new();
    let tool = SandboxShellTool::builder(bench.env.clone())
        .output_limit(10, 10)
        .build()
        .unwrap();
    let output = tool
        .call(json!({ "command": "seq 1 1000" }), &NoVars)
        .await
        .unwrap();
    assert!(
        output
            .text()
            .starts_with("1\n2\n3\n4\n5\n\n[3873 bytes omitted]\n"),
        "{}",
        output.text()
    );
    assert_eq!(output.value()["stdout"]["omitted"], 3873);
    let path = output.value()["stdout"]["path"]
        .as_str()
        .expect("a file in the sandbox");
    assert!(
        output
            .text()
            .contains(&format!("[all 3893 bytes of stdout are in {path}]")),
        "{}",
        output.text()
    );
    let rest = bench
        .text(
            "run_shell_command",
            json!({ "command": format!("sed -n 500p {path}") }),
        )
        .await;
    assert_eq!(rest, "500");
}

#[tokio::test]
async fn a_text_for_the_model_is_never_endless() {
    let bench = Bench::new();
    let line = "é".repeat(50_000);
    bench
        .text(
            "write_file",
            json!({ "path": "long", "content": format!("{line}\n") }),
        )
        .await;
    let output = bench.call("read_file", json!({ "path": "long" })).await;
    assert!(
        output.text().len() < 66 * 1024 && output.text().contains("bytes omitted]"),
        "{}",
        output.text().len()
    );
    assert_eq!(
        output.value()["content"],
        format!("{line}\n"),
        "the program gets all"
    );
}

#[tokio::test]
async fn a_refused_command_is_told_in_the_originals_words() {
    let bench = Bench::new();
    let tool = SandboxShellTool::builder(bench.env.clone())
        .readonly(true)
        .build()
        .unwrap();
    let output = tool
        .call(json!({ "command": "rm x" }), &NoVars)
        .await
        .unwrap();
    assert_eq!(
        (output.text(), output.is_error()),
        ("Command not allowed: 'rm x'", true)
    );
    assert_eq!(output.value()["status"], "refused");
    let output = tool
        .call(json!({ "command": "ls 'a" }), &NoVars)
        .await
        .unwrap();
    assert!(
        output
            .text()
            .starts_with("Command not allowed (unbalanced quotes): "),
        "{}",
        output.text()
    );
}

#[tokio::test]
async fn a_runner_that_is_missing_has_a_hint() {
    let bench = Bench::new();
    let lacking = sandbox_core::adapter::LanguageRunner::inline(["no-such-interpreter-here", "-c"]);
    let tool = sandbox_tools::SandboxCodeTool::builder(bench.env.clone())
        .languages(["odd"])
        .runner("odd", lacking)
        .build()
        .unwrap();
    let output = tool
        .call(json!({ "code": "1", "language": "odd" }), &NoVars)
        .await
        .unwrap();
    assert!(
        output.text().contains("not installed in this sandbox")
            && output.text().ends_with("[exit code: 127]")
    );
    assert_eq!(output.value()["status"], "runner_missing");
}

#[tokio::test]
async fn bytes_that_are_no_text_are_counted_instead_of_shown() {
    let bench = Bench::new();
    let command = "head -c 5000 /dev/zero; echo words >&2; exit 3";
    let output = bench
        .call("run_shell_command", json!({ "command": command }))
        .await;
    assert_eq!(
        output.text(),
        "[5000 bytes of binary stdout are not shown]\nwords\n[exit code: 3]"
    );
    let command = r"printf 'almost all of it is text\0and so it goes on\n'";
    let output = bench
        .call("run_shell_command", json!({ "command": command }))
        .await;
    assert_eq!(
        output.text(),
        "almost all of it is text\u{fffd}and so it goes on"
    );
}
