//! Calls that are wrong, and sandboxes that are not there.

use sandbox_core::{NoVars, SandboxFactory};
use sandbox_tools::{SandboxShellTool, ToolErrorKind, ToolRegistry};
use serde_json::{Value, json};

use crate::support::{Bench, Broken, all};

#[tokio::test]
async fn what_a_model_sends_wrongly_is_said_before_anything_is_opened() {
    let factory = Broken::default();
    let tools = all(factory.clone());
    let long = "x".repeat(1024 * 1024 + 1);
    let calls: &[(&str, Value)] = &[
        ("run_shell_command", json!({})),
        ("run_shell_command", json!({ "command": 5 })),
        ("run_shell_command", json!({ "command": "ls", "cwd": "/" })),
        ("run_shell_command", json!("ls")),
        ("run_shell_command", Value::Null),
        ("run_shell_command", json!({ "command": long })),
        ("run_shell_command", json!({ "command": "a\0b" })),
        ("run_code", json!({ "code": "1" })),
        ("run_code", json!({ "code": "a\0b", "language": "python" })),
        ("read_file", json!({ "path": "../x" })),
        ("read_file", json!({ "path": "/etc/passwd" })),
        ("read_file", json!({ "path": "." })),
        ("read_file", json!({ "path": "a\0b" })),
        ("read_file", json!({ "path": "a", "first_line": 0 })),
        ("read_file", json!({ "path": "a", "max_lines": 2001 })),
        ("write_file", json!({ "path": "", "content": "x" })),
        (
            "edit_file",
            json!({ "path": "a", "old_text": "", "new_text": "x" }),
        ),
        (
            "edit_file",
            json!({ "path": "a", "old_text": "x", "new_text": "x" }),
        ),
        ("list_files", json!({ "path": "a/../../b" })),
        ("glob_files", json!({ "pattern": "[" })),
        ("search_files", json!({ "pattern": "" })),
        ("search_files", json!({ "pattern": "x", "max_results": 0 })),
    ];
    let mut told = String::new();
    for (name, arguments) in calls {
        let error = tools
            .call(name, arguments.clone(), &NoVars)
            .await
            .unwrap_err();
        assert_eq!(
            error.kind(),
            ToolErrorKind::InvalidArguments,
            "{name} {error}"
        );
        told += &format!("{name}: {error}\n");
    }
    assert_eq!(factory.opened(), 0);
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn a_language_that_is_not_enabled_is_said_as_the_original_says_it() {
    let bench = Bench::new();
    let text = bench
        .no("run_code", json!({ "code": "1", "language": "ruby" }))
        .await;
    assert_eq!(
        text,
        "Language 'ruby' is not enabled. Available: ['python', 'typescript']\n[exit code: 2]"
    );
    assert_eq!(
        bench.env.close().await.map_err(|error| error.to_string()),
        Ok(())
    );
}

#[tokio::test]
async fn an_unknown_tool_is_named_with_those_there_are() {
    let tools = all(Broken::default());
    let error = tools.call("rm", json!({}), &NoVars).await.unwrap_err();
    assert_eq!(error.kind(), ToolErrorKind::UnknownTool);
    insta::assert_snapshot!(error.for_model());
}

#[tokio::test]
async fn the_model_learns_nothing_of_the_hosts_trouble_and_the_host_all() {
    let tools = all(Broken::default());
    for (name, arguments) in [
        ("run_shell_command", json!({ "command": "ls" })),
        ("run_code", json!({ "code": "1", "language": "python" })),
        ("read_file", json!({ "path": "a" })),
    ] {
        let error = tools.call(name, arguments, &NoVars).await.unwrap_err();
        assert_eq!(
            error.for_model(),
            "The sandbox is not available. The operator has been told why."
        );
        assert!(!format!("{error}").contains("canary"));
        assert!(
            error.host().unwrap().to_string().contains("canary-key"),
            "the host is told"
        );
    }
}

#[test]
fn two_tools_of_one_name_are_refused() {
    let mut tools = ToolRegistry::new();
    tools
        .add(SandboxShellTool::new(Broken::default()).unwrap())
        .unwrap();
    let error = tools
        .add(SandboxShellTool::new(Broken::default()).unwrap())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is a tool \"run_shell_command\" already; give this one another name"
    );
    assert_eq!(tools.iter().len(), 1);
}
