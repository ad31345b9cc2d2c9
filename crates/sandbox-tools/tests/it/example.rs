//! The example, as a user runs it.

use std::process::Command;

#[test]
fn the_scripted_model_gets_its_answers() {
    let cargo = Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "--package",
            "sandbox-tools",
            "--example",
            "scripted_model",
        ])
        .output()
        .unwrap();
    assert!(
        cargo.status.success(),
        "{}",
        String::from_utf8_lossy(&cargo.stderr)
    );
    insta::assert_snapshot!(String::from_utf8(cargo.stdout).unwrap());
}
