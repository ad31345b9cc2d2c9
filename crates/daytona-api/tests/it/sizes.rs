//! How much memory the future of a call takes, which is what each task that awaits one holds.

use daytona_api::test_util::Scripted;

use crate::support::scripted;

/// Bytes a future may have.
const MOST: usize = 2048;

#[test]
fn futures_of_calls_are_small() {
    let api = scripted(&Scripted::new());
    let toolbox = api
        .toolbox_at("https://proxy.app.daytona.io/toolbox", "sb-1")
        .unwrap();
    let (sandboxes, files, process) = (api.sandboxes(), toolbox.files(), toolbox.process());
    let sizes = [
        ("get", size_of_val(&sandboxes.get("a"))),
        ("create", size_of_val(&sandboxes.create().send())),
        ("delete", size_of_val(&sandboxes.delete("a"))),
        ("list", size_of_val(&sandboxes.list().collect())),
        ("execute", size_of_val(&process.execute("a").send())),
        (
            "code_run",
            size_of_val(&process.code_run("a", "python").send()),
        ),
        ("upload", size_of_val(&files.upload("a", "b"))),
        ("download", size_of_val(&files.download("a").send())),
        (
            "interpreter",
            size_of_val(&toolbox.interpreter().run("a").send()),
        ),
    ];
    let large: Vec<_> = sizes.iter().filter(|(_, size)| *size > MOST).collect();
    assert!(large.is_empty(), "{sizes:?}");
}
