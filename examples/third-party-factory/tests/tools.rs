//! The tools for models work on it without a change.

use context_vars::{Variable, Vars};
use sandbox_core::CachingFactory;
use sandbox_tools::{FileTools, SandboxCodeTool, SandboxShellTool, ToolRegistry};
use serde_json::json;
use third_party_factory::{WorkshopParams, Workshops};

#[tokio::test]
async fn every_tool_works_in_the_one_workshop_of_its_context() {
    let root = tempfile::tempdir().unwrap();
    let params = WorkshopParams {
        scope: Variable::new("tenant").into(),
        ..WorkshopParams::default()
    };
    let path = root.path().join("workshops");
    let factory = CachingFactory::new(Workshops(path.to_str().unwrap().to_owned()), params);
    let code = SandboxCodeTool::builder(factory.clone()).languages(["bash"]);
    let mut tools = ToolRegistry::new();
    tools
        .add(SandboxShellTool::new(factory.clone()).unwrap())
        .unwrap();
    tools.add(code.build().unwrap()).unwrap();
    tools.add_all(FileTools::new(factory.clone())).unwrap();
    assert_eq!(tools.functions().len(), 8);
    assert!(!path.exists(), "describing the tools makes nothing");

    let context = Vars::new().with("tenant", "acme");
    for (tool, arguments, wanted) in [
        (
            "write_file",
            json!({ "path": "src/a.txt", "content": "one\ntwo\n" }),
            "",
        ),
        (
            "run_shell_command",
            json!({ "command": "cat src/a.txt; exit 3" }),
            "one\ntwo\n[exit code: 3]",
        ),
        (
            "run_code",
            json!({ "code": "wc -l < src/a.txt", "language": "bash" }),
            "2",
        ),
        (
            "edit_file",
            json!({ "path": "src/a.txt", "old_text": "two", "new_text": "three" }),
            "",
        ),
        ("read_file", json!({ "path": "src/a.txt" }), "three"),
        ("list_files", json!({ "path": "src" }), "a.txt"),
        ("glob_files", json!({ "pattern": "**/*.txt" }), "src/a.txt"),
        ("search_files", json!({ "pattern": "thr" }), "src/a.txt"),
    ] {
        let output = tools.call(tool, arguments, &context).await.unwrap();
        let text = output.text();
        assert!(text.contains(wanted), "{tool}: {text}");
        assert!(
            !output.is_error() || tool == "run_shell_command",
            "{tool}: {text}"
        );
    }
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 1);
    factory.close().await.unwrap();
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
}
