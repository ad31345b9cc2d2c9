//! `--upload` and `--download`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::support::{Serve, cli, code, plant, shown, stderr, stdout};

/// A package with tests of its own; they also write a report.
const PACKAGE: &[(&str, &str)] = &[
    ("sums/__init__.py", "def add(a, b):\n    return a + b\n"),
    (
        "tests/test_sums.py",
        "import pathlib\nimport unittest\n\nfrom sums import add\n\n\nclass Sums(unittest.TestCase):\n    def test_add(self):\n        pathlib.Path('out').mkdir(exist_ok=True)\n        pathlib.Path('out/report.txt').write_text('ran')\n        self.assertEqual(add(2, 3), 5)\n",
    ),
    ("tests/__init__.py", ""),
];

fn package(dir: &Path) {
    plant(&dir.join("pkg"), PACKAGE);
}

const TESTS: &str = "cd pkg && exec python3 -m unittest -v";

#[test]
fn a_real_package_and_its_own_tests() {
    let dir = tempfile::tempdir().unwrap();
    package(dir.path());
    let output = cli([
        "run",
        "--upload",
        "pkg",
        "--download",
        "pkg/out:got",
        "--download",
        "pkg/out/report.txt",
        "--",
        "sh",
        "-c",
        TESTS,
    ])
    .current_dir(dir.path())
    .output()
    .unwrap();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    assert!(stderr(&output).contains("Ran 1 test"), "{}", shown(&output));
    assert_eq!(
        fs::read_to_string(dir.path().join("got/report.txt")).unwrap(),
        "ran"
    );
    assert_eq!(
        fs::read_to_string(dir.path().join("report.txt")).unwrap(),
        "ran"
    );
}

#[test]
fn a_real_package_on_a_server_in_another_process() {
    let server = Serve::start(&[]);
    let dir = tempfile::tempdir().unwrap();
    package(dir.path());
    let sums = [
        (0, "def add(a, b):\n    return a + b\n"),
        (1, "def add(a, b):\n    return a - b\n"),
    ];
    for (wanted, sum) in sums {
        plant(dir.path(), &[("pkg/sums/__init__.py", sum)]);
        let output = server
            .client(["run", "--upload", "pkg", "--", "sh", "-c", TESTS])
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert_eq!(code(&output), Some(wanted), "{}", shown(&output));
        assert!(stderr(&output).contains("Ran 1 test"), "{}", shown(&output));
    }
    assert!(server.alive().is_empty());
}

#[test]
fn the_folders_above_a_download_are_made() {
    let dir = tempfile::tempdir().unwrap();
    let output = cli([
        "run",
        "--download",
        "a:new/deep/b",
        "--",
        "sh",
        "-c",
        "echo x >a",
    ])
    .current_dir(dir.path())
    .output()
    .unwrap();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    let got = fs::read_to_string(dir.path().join("new/deep/b")).unwrap();
    assert_eq!(got, "x\n");
}

#[test]
fn failing_tests_pass_their_code_on_and_are_downloaded_from() {
    let dir = tempfile::tempdir().unwrap();
    package(dir.path());
    plant(
        dir.path(),
        &[("pkg/sums/__init__.py", "def add(a, b):\n    return a - b\n")],
    );
    let output = cli([
        "run",
        "--upload",
        "pkg",
        "--download",
        "pkg/out:got",
        "--",
        "sh",
        "-c",
        TESTS,
    ])
    .current_dir(dir.path())
    .output()
    .unwrap();
    assert_eq!(code(&output), Some(1), "{}", shown(&output));
    assert!(
        stderr(&output).contains("FAILED (failures=1)"),
        "{}",
        shown(&output)
    );
    assert_eq!(
        fs::read_to_string(dir.path().join("got/report.txt")).unwrap(),
        "ran"
    );
}

#[test]
fn modes_links_empty_directories_and_odd_names_arrive() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    plant(
        &tree,
        &[
            ("run.sh", "#!/bin/sh\necho ran\n"),
            ("-n", "dash"),
            ("a b/ü.txt", "odd"),
        ],
    );
    fs::set_permissions(tree.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(tree.join("empty")).unwrap();
    symlink("a b/ü.txt", tree.join("link")).unwrap();
    let script = "./run.sh && cat ./-n link && test -d empty && test -L link";
    let output = cli([
        "run",
        "--upload",
        "tree:deep/dest",
        "--",
        "sh",
        "-c",
        &format!("cd deep/dest && {script}"),
    ])
    .current_dir(dir.path())
    .output()
    .unwrap();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    assert_eq!(stdout(&output), "ran\ndashodd");
}

#[test]
fn a_link_that_leads_out_takes_nothing_along() {
    let dir = tempfile::tempdir().unwrap();
    plant(dir.path(), &[("secret", "canary"), ("tree/ok", "1")]);
    for target in [dir.path().join("secret"), Path::new("../secret").to_owned()] {
        let link = dir.path().join("tree/link");
        let _ = fs::remove_file(&link);
        symlink(&target, &link).unwrap();
        let output = cli(["run", "--upload", "tree", "--", "cat", "tree/link"])
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert_eq!(code(&output), Some(125), "{}", shown(&output));
        assert!(
            !shown(&output).contains("canary") && shown(&output).contains("leads out"),
            "{}",
            shown(&output)
        );
    }
}

#[test]
fn what_is_not_there_cannot_be_downloaded() {
    let dir = tempfile::tempdir().unwrap();
    let output = cli(["run", "--download", "no-such", "--", "sh", "-c", "exit 3"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_eq!(code(&output), Some(125), "{}", shown(&output));
    let stderr = stderr(&output);
    assert!(
        stderr.contains("cannot download no-such: it does not exist in the sandbox"),
        "{stderr}"
    );
    assert!(
        stderr.ends_with("the command itself ended with 3\n"),
        "{stderr}"
    );
}
