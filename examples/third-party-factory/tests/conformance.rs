//! It keeps every rule there is.

use context_vars::Variable;
use sandbox_core::conformance::{self, Suite, TENANT, TOKEN};
use third_party_factory::{WorkshopParams, Workshops};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_every_rule() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().to_str().unwrap().to_owned();
    let make = move || {
        let params = WorkshopParams {
            scope: Variable::new(TENANT).into(),
            env_vars: [("TOKEN", Variable::new(TOKEN))].into(),
        };
        (Workshops(path.clone()), params)
    };
    let report = Suite::over(make).run().await;
    report.assert_all();
    let all = conformance::provider_rules().count() + conformance::rules().count();
    assert_eq!(report.outcomes().len(), all);
    let left: Vec<_> = std::fs::read_dir(root.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn it_is_under_three_hundred_lines() {
    let files = [
        include_str!("../src/command.rs"),
        include_str!("../src/lib.rs"),
        include_str!("../src/provider.rs"),
        include_str!("../src/sandbox.rs"),
    ];
    let lines: usize = files.iter().map(|file| file.lines().count()).sum();
    assert!(lines < 300, "{lines}");
    let sources = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
    assert_eq!(sources.count(), files.len(), "a file is not counted");
}
