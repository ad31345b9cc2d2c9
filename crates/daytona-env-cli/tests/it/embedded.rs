//! `serve`'s own output, and `doctor`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::support::{Serve, cli, code, run, shown, stdout};

#[test]
fn serve_says_how_to_use_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    let mut child = cli(["serve", "--isolation", "none", "--token-file"])
        .arg(&file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let last = line.starts_with("Ctrl-C");
        lines.push(line);
        if last {
            break;
        }
    }
    let token = fs::read_to_string(&file).unwrap();
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    child.kill().unwrap();
    child.wait().unwrap();
    let text = lines.join("\n");
    assert!(token.len() >= 32 && !text.contains(&token), "{text}");
    let port: String = text
        .split("127.0.0.1:")
        .nth(1)
        .unwrap()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    insta::assert_snapshot!(
        text.replace(&port, "PORT")
            .replace(&file.display().to_string(), "FILE")
    );
}

#[test]
fn doctor_without_an_account() {
    let output = run(["doctor", "--json"]);
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["usable"], true);
    assert!(found["server"].is_null());
    for mode in ["required", "none"] {
        assert_eq!(found["machine"][mode]["available"], true, "{found}");
        assert!(
            found["machine"][mode]["python3"]
                .as_str()
                .unwrap()
                .contains("python3"),
            "{found}"
        );
    }
}

#[test]
fn doctor_with_an_account() {
    let server = Serve::start(&["--isolation", "none"]);
    let output = server.client(["doctor"]).output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    let text = stdout(&output);
    assert!(
        text.contains("DAYTONA_API_KEY: set\n") && !text.contains(&server.token),
        "{text}"
    );
    assert!(
        text.contains("reachable: yes")
            && text.contains("takes the credential: yes")
            && text.contains("clock: "),
        "{text}"
    );
    let refused = server
        .client(["doctor"])
        .env("DAYTONA_API_KEY", "canary")
        .output()
        .unwrap();
    assert_eq!(code(&refused), Some(1), "{}", shown(&refused));
    let text = stdout(&refused);
    assert!(
        text.contains("reachable: yes")
            && text.contains("takes the credential: no")
            && !text.contains("canary"),
        "{text}"
    );
}
