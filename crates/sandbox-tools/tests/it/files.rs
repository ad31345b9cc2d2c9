//! The file tools.

use sandbox_core::{NoVars, Sandbox as _, SandboxFactory};
use sandbox_tools::ToolErrorKind;
use serde_json::json;

use crate::support::Bench;

#[tokio::test]
async fn write_read_and_ranges() {
    let bench = Bench::new();
    let text = bench
        .text(
            "write_file",
            json!({ "path": "d/a.txt", "content": "1\n2\n3\n4\n" }),
        )
        .await;
    assert_eq!(text, "Wrote 8 bytes to d/a.txt.");
    assert_eq!(
        bench.text("read_file", json!({ "path": "d/a.txt" })).await,
        "1\n2\n3\n4\n"
    );
    let read = |first: usize, most: usize| {
        bench.call(
            "read_file",
            json!({ "path": "d/./a.txt", "first_line": first, "max_lines": most }),
        )
    };
    assert_eq!(
        read(2, 2).await.text(),
        "2\n3\n[lines 2 to 3 of 4; go on with first_line 4]"
    );
    let end = read(4, 9).await;
    assert_eq!(end.text(), "4\n[lines 4 to 4 of 4]");
    assert_eq!(end.value()["content"], "4\n");
    assert_eq!(
        bench
            .no("read_file", json!({ "path": "d/a.txt", "first_line": 5 }))
            .await,
        "d/a.txt has only 4 lines."
    );
    assert_eq!(
        bench.failed("read_file", json!({ "path": "no" })).await,
        "There is no such file or directory."
    );
    bench
        .text(
            "run_shell_command",
            json!({ "command": "printf 'a\\0b' > bin" }),
        )
        .await;
    assert_eq!(
        bench.no("read_file", json!({ "path": "bin" })).await,
        "bin is not a text file (3 bytes)."
    );
    bench
        .text("write_file", json!({ "path": "empty", "content": "" }))
        .await;
    assert_eq!(
        bench.text("read_file", json!({ "path": "empty" })).await,
        ""
    );
}

#[tokio::test]
async fn an_edit_is_exact() {
    let bench = Bench::new();
    bench
        .text(
            "write_file",
            json!({ "path": "a", "content": "x = 1\ny = 1\n" }),
        )
        .await;
    let edit = |old: &'static str, new: &'static str| json!({ "path": "a", "old_text": old, "new_text": new });
    assert_eq!(
        bench.text("edit_file", edit("x = 1", "x = 2")).await,
        "Replaced once in a."
    );
    assert_eq!(
        bench.text("read_file", json!({ "path": "a" })).await,
        "x = 2\ny = 1\n"
    );
    insta::assert_snapshot!(bench.no("edit_file", edit(" = ", "=")).await, @"old_text occurs 2 times in a. Take more of the text around it, or set replace_all.");
    insta::assert_snapshot!(bench.no("edit_file", edit("z", "q")).await, @"old_text does not occur in a. Read the file and copy the text exactly.");
    assert_eq!(
        bench.text("read_file", json!({ "path": "a" })).await,
        "x = 2\ny = 1\n",
        "as it was"
    );
    let all = json!({ "path": "a", "old_text": " = ", "new_text": "=", "replace_all": true });
    assert_eq!(bench.text("edit_file", all).await, "Replaced 2 times in a.");
    assert_eq!(
        bench.text("read_file", json!({ "path": "a" })).await,
        "x=2\ny=1\n"
    );
    assert_eq!(
        bench
            .failed(
                "edit_file",
                json!({ "path": "no", "old_text": "a", "new_text": "b" })
            )
            .await,
        "There is no such file or directory."
    );
}

/// Files with names that trip a careless script.
async fn tree(bench: &Bench) {
    for (path, content) in [
        ("main.py", "import os\nprint('Needle')\n"),
        ("src/lib.rs", "fn needle() {}\n"),
        ("src/deep/er.rs", "// needle.\n// needlex\n"),
        ("odd name\n-e.rs", "needle here\n"),
        ("src/-rf.txt", "no\n"),
        (".git/config.rs", "needle\n"),
    ] {
        bench
            .text("write_file", json!({ "path": path, "content": content }))
            .await;
    }
    bench
        .text(
            "run_shell_command",
            json!({ "command": "printf 'needle\\0\\001' > bin.rs" }),
        )
        .await;
}

#[tokio::test]
async fn files_are_listed_and_found_by_globs() {
    let bench = Bench::new();
    tree(&bench).await;
    assert_eq!(
        bench.text("list_files", json!({ "path": "src" })).await,
        "-rf.txt (3 bytes)\ndeep/\nlib.rs (15 bytes)"
    );
    assert_eq!(
        bench.text("list_files", json!({})).await.lines().next(),
        Some(".git/")
    );
    let glob = async |pattern: &str| {
        bench
            .call("glob_files", json!({ "pattern": pattern }))
            .await
            .value()["paths"]
            .clone()
    };
    assert_eq!(
        glob("*.rs").await,
        json!(["bin.rs", "odd name\n-e.rs", "src/deep/er.rs", "src/lib.rs"])
    );
    assert_eq!(glob("src/*.rs").await, json!(["src/lib.rs"]));
    assert_eq!(
        glob("./src/**/*.rs").await,
        json!(["src/deep/er.rs", "src/lib.rs"])
    );
    assert_eq!(
        bench
            .text("glob_files", json!({ "pattern": "*.txt", "path": "src" }))
            .await,
        "src/-rf.txt"
    );
    assert_eq!(
        bench
            .text("glob_files", json!({ "pattern": "*.none" }))
            .await,
        "[no files]"
    );
    assert_eq!(
        bench
            .no("glob_files", json!({ "pattern": "*", "path": "nowhere" }))
            .await,
        "There is no such directory."
    );
}

#[tokio::test]
async fn contents_are_searched() {
    let bench = Bench::new();
    tree(&bench).await;
    let search = |more: serde_json::Value| {
        let mut arguments = json!({ "pattern": "needle" });
        arguments
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        bench.call("search_files", arguments)
    };
    assert_eq!(
        search(json!({})).await.text(),
        "odd name\n-e.rs:1: needle here\nsrc/deep/er.rs:1: // needle.\nsrc/deep/er.rs:2: // needlex\nsrc/lib.rs:1: fn needle() {}"
    );
    assert_eq!(
        search(json!({ "ignore_case": true, "glob": "*.py" }))
            .await
            .text(),
        "main.py:2: print('Needle')"
    );
    assert_eq!(
        search(json!({ "pattern": "needle.", "literal": true }))
            .await
            .text(),
        "src/deep/er.rs:1: // needle."
    );
    assert_eq!(
        search(json!({ "pattern": "^// needle[x]$" })).await.text(),
        "src/deep/er.rs:2: // needlex"
    );
    assert_eq!(
        search(json!({ "path": "src/deep", "max_results": 1 }))
            .await
            .text(),
        "src/deep/er.rs:1: // needle.\n[more than 1 matches]"
    );
    assert_eq!(
        search(json!({ "pattern": "-e" })).await.text(),
        "[no matches]"
    );
    assert_eq!(
        search(json!({ "pattern": "$(touch x)" })).await.text(),
        "[no matches]"
    );
    assert_eq!(
        bench.no("search_files", json!({ "pattern": "a(" })).await,
        "The pattern is no POSIX extended regular expression."
    );
    assert!(
        bench
            .text("search_files", json!({ "pattern": "a(", "literal": true }))
            .await
            .contains("no matches")
    );
}

#[tokio::test]
async fn an_absolute_path_inside_the_working_directory_is_taken() {
    let bench = Bench::new();
    let sandbox = SandboxFactory::open(&bench.env, &NoVars).await.unwrap();
    let workdir = sandbox.workdir();
    let inside = format!("{workdir}/a/b.txt");
    let written = json!({ "path": inside, "content": "x\n" });
    assert_eq!(
        bench.text("write_file", written).await,
        "Wrote 2 bytes to a/b.txt."
    );
    assert_eq!(
        bench.text("read_file", json!({ "path": "a/b.txt" })).await,
        "x\n"
    );
    assert_eq!(
        bench.text("list_files", json!({ "path": workdir })).await,
        "a/"
    );
    for outside in [
        format!("{workdir}x/b.txt"),
        format!("{workdir}/../b"),
        "/".to_owned(),
    ] {
        let call = json!({ "path": outside, "content": "x" });
        let refused = bench
            .tools
            .call("write_file", call, &NoVars)
            .await
            .unwrap_err();
        assert_eq!(refused.kind(), ToolErrorKind::InvalidArguments, "{outside}");
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_is_not_taken_into_memory() {
    let bench = Bench::new();
    let make = json!({ "command": "mkdir d; truncate -s 17M d/huge" });
    bench.text("run_shell_command", make).await;
    let words = bench.no("read_file", json!({ "path": "d/huge" })).await;
    assert!(
        words.starts_with("d/huge is 17825792 bytes long"),
        "{words}"
    );
    let edit = json!({ "path": "d/huge", "old_text": "a", "new_text": "b" });
    assert!(bench.no("edit_file", edit).await.contains("is the most"));
}
