//! What `mcp` refuses, and the configurations that it prints.

use serde_json::Value;

use crate::support::{cli, code, run, shown, stderr, stdout};

/// serde_json keeps the order of members in some builds.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut all: Vec<_> = members.iter().collect();
            all.sort_unstable_by_key(|(name, _)| *name);
            let sorted = all
                .into_iter()
                .map(|(name, value)| (name.clone(), sorted(value)));
            Value::Object(sorted.collect())
        }
        Value::Array(values) => values.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[test]
fn configurations_hold_no_secret() {
    const KEY: &str = "dtn_canary_in_the_environment";
    const TOKEN: &str = "a-token-of-the-tests-0123456789";
    for client in ["claude-desktop", "claude-code", "cursor", "vscode"] {
        let mut all = String::new();
        for more in [
            &["--image", "python:3.12"][..],
            &["--http", "--port", "8931"],
        ] {
            let output = cli(["mcp", "--print-config", client])
                .args(more)
                .env("DAYTONA_API_KEY", KEY)
                .env("DAYTONA_ENV_MCP_TOKEN", TOKEN)
                .output()
                .unwrap();
            let shown =
                shown(&output).replace(env!("CARGO_BIN_EXE_daytona-env"), "/bin/daytona-env");
            assert!(!shown.contains(KEY) && !shown.contains(TOKEN), "{shown}");
            if code(&output) == Some(0) {
                let config = serde_json::from_str::<Value>(&stdout(&output)).unwrap();
                let config = serde_json::to_string_pretty(&sorted(&config)).unwrap();
                let config = config.replace(env!("CARGO_BIN_EXE_daytona-env"), "/bin/daytona-env");
                let head = shown.split('{').next().unwrap_or_default();
                let (_, tail) = shown.split_once("--- stderr").unwrap();
                all.push_str(&format!("{head}{config}\n--- stderr{tail}"));
            } else {
                all.push_str(&shown);
            }
        }
        insta::assert_snapshot!(format!("mcp_config_{client}"), all);
    }
}

#[test]
fn arguments_that_cannot_be_served_are_refused_before_anything_starts() {
    let mut all = String::new();
    for words in [
        &["mcp", "--isolation", "auto"][..],
        &["mcp", "--port", "1"],
        &["mcp", "--http", "--idle", "5s"],
        &["mcp", "--languages", "klingon", "--isolation", "none"],
        &[
            "mcp",
            "--print-config",
            "cursor",
            "--env",
            "TOKEN=canary-4711",
        ],
        &["mcp", "--print-config", "cursor", "--http"],
        &["mcp", "--workdir", "relative"],
    ] {
        let output = run(words);
        assert_eq!(code(&output), Some(125), "{}", shown(&output));
        assert!(!(stdout(&output) + &stderr(&output)).contains("canary-4711"));
        all.push_str(&format!("$ {}\n{}\n", words.join(" "), shown(&output)));
    }
    let output = cli(["mcp", "--http"])
        .env("DAYTONA_ENV_MCP_TOKEN", "short")
        .output()
        .unwrap();
    assert_eq!(code(&output), Some(125));
    all.push_str(&shown(&output));
    insta::assert_snapshot!(all);
}
