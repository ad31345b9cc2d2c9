//! What a command in the sandbox may see of this machine, and what we say about secrets.

use crate::support::{cli, code, plant, shown, stdout};

#[test]
fn the_hosts_home_and_environment_are_out_of_reach() {
    let home = tempfile::tempdir().unwrap();
    plant(home.path(), &[("planted", "canary-file")]);
    let path = home.path().join("planted");
    let script = format!(
        "cat {0} ~/planted /proc/1/environ /proc/self/environ; env; ls {1}",
        path.display(),
        home.path().display()
    );
    let output = cli(["run", "--isolation", "required", "--", "sh", "-c", &script])
        .env("HOME", home.path())
        .env("PLANTED", "canary-env")
        .output()
        .unwrap();
    assert!(!shown(&output).contains("canary"), "{}", shown(&output));
    // it did run: the environment of the sandbox is there
    assert!(stdout(&output).contains("PATH="), "{}", shown(&output));
    // the same without isolation finds the file: the test can fail
    let output = cli(["run", "--isolation", "none", "--", "cat"])
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(stdout(&output), "canary-file", "{}", shown(&output));
}

/// Without isolation a shell sees the whole machine, and still all that we make is in the sandbox's own folder.
#[test]
fn nothing_is_made_outside_of_the_folder() {
    let temp = tempfile::tempdir().unwrap();
    let output = cli(["run", "--isolation", "none", "--", "pwd"])
        .env("TMPDIR", temp.path())
        .output()
        .unwrap();
    let folder = temp.path().canonicalize().unwrap();
    assert!(
        stdout(&output).starts_with(folder.to_str().unwrap()),
        "{}",
        shown(&output)
    );
}

#[test]
fn the_network_can_be_cut() {
    let script = "import socket; print([n for _, n in socket.if_nameindex()])";
    let output = cli([
        "run",
        "--isolation",
        "required",
        "--no-network",
        "--",
        "python3",
        "-c",
        script,
    ])
    .output()
    .unwrap();
    assert_eq!(stdout(&output), "['lo']\n", "{}", shown(&output));
    assert!(
        shown(&output).contains("network: off"),
        "{}",
        shown(&output)
    );
}

#[test]
fn verbose_shows_no_value() {
    let output = cli([
        "-vvv",
        "run",
        "--env",
        "A=canary-one",
        "--env-var",
        "B=v",
        "--var",
        "v=canary-two",
        "--scope",
        "canary-three",
        "--",
        "true",
    ])
    .env("RUST_LOG", "trace")
    .output()
    .unwrap();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    assert!(!shown(&output).contains("canary"), "{}", shown(&output));
}
