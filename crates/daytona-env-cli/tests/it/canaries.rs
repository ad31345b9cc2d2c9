//! No secret shows in anything that the command prints, whatever goes wrong; and where one is planted it is found.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod calls;
mod forms;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Serve, cli};
use calls::Calls;
use forms::Search;

/// What was printed, by channel: a command, in one of its forms.
type Evidence = BTreeMap<&'static str, Vec<String>>;

/// The secrets of a user. Each holds what a quoting, escaping or encoding changes, where its place allows it.
struct Secrets {
    /// Of the server that is asked; it makes its own.
    key: String,
    /// Which the server does not take.
    wrong_key: String,
    mcp_token: String,
    env: String,
    /// By a variable.
    variable: String,
    scope: String,
    /// What goes into a command.
    input: String,
    /// What is in a file.
    file: String,
}

impl Secrets {
    fn of(server: &Serve) -> Self {
        Self {
            key: server.token.clone(),
            wrong_key: "dtn_4d0fa9e17c55\"6b\\e2/91+0d&a7=3c".to_owned(),
            mcp_token: "mcp_5a9d20c8e7b1\"4f\\03/6e+d2&91=a8".to_owned(),
            env: "env_8c21f04d77ab\"9e\\03/é d5\u{9}b+6a&1f=e8".to_owned(),
            variable: "evr_51b7c6e82af0\"49\\d3/ü 1b\u{9}7+c5&20=9d".to_owned(),
            scope: "scp_e6b081d45f9a\"32\\c7/ø 0f4+b8&e1=6a".to_owned(),
            input: "inp_7e2d90b6c4f1\"0a\\85/î d3\u{9}6+4f&b9=1c".to_owned(),
            file: "fil_b3f8162ae7d9\"c4\\5e/ñ 70\u{9}8+a2&d6=f5".to_owned(),
        }
    }

    fn all(&self) -> [(&'static str, &str); 8] {
        [
            ("key", &self.key),
            ("wrong key", &self.wrong_key),
            ("MCP token", &self.mcp_token),
            ("env", &self.env),
            ("variable", &self.variable),
            ("scope", &self.scope),
            ("input", &self.input),
            ("file", &self.file),
        ]
    }

    /// What a server could repeat of what a sandbox was made with.
    fn echo(&self, key: &str) -> String {
        [key, &self.env, &self.variable].join(" ")
    }
}

/// A row as a process of ours that is no more has left it.
fn abandoned(name: &str, namespace: &str, env: &Value) -> Value {
    let labels = json!({
        "daytona-env.managed": "1", "daytona-env.ns": namespace, "daytona-env.instance": "another",
        "daytona-env.key": "k", "daytona-env.v": "1",
    });
    json!({
        "name": name, "labels": labels, "env": env,
        "autoStopInterval": 0, "autoDeleteInterval": 0,
    })
}

/// A row that failed, and whose reason repeats what it was made with.
fn leave_broken(server: &Serve, name: &str, secrets: &Secrets) {
    let env = json!({"PLAIN": secrets.env, "BY": secrets.variable});
    let broken = json!({"on": "createSandbox", "do": {"errorState": {"reason": secrets.echo(&server.token)}}});
    let injected = server.ask("POST", "/admin/faults", &json!({"faults": [broken]}));
    assert!(injected.starts_with("HTTP/1.1 200"), "{injected}");
    server.ask("POST", "/api/sandbox", &abandoned(name, "default", &env));
    let rows = server.ask("GET", "/admin/sandboxes", &json!({}));
    assert!(rows.contains(name), "{rows}");
}

/// Two servers: what one prints is followed too, and the time of the other flies, for sweeps.
#[test]
fn no_secret_shows_in_what_is_printed_and_every_planted_one_does() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let server = Serve::silent(
        &mut cli(["-vvv"]),
        &["--isolation", "none"],
        &path("token"),
        &path("served"),
    );
    let swept = Serve::silent(
        cli([""; 0]).env("RUST_LOG", "trace"),
        &["--isolation", "none", "--speed", "200"],
        &path("token of swept"),
        &path("served by swept"),
    );
    let secrets = Secrets::of(&server);
    let calls = Calls {
        secrets: &secrets,
        server: &server,
        swept: &swept,
        dir: dir.path(),
    };
    let keys = [("key", swept.token.as_str())];
    let search = Search::new(secrets.all().into_iter().chain(keys));

    leave_broken(&server, "denv-broken", &secrets);
    leave_broken(&swept, "denv-broken", &secrets);
    swept.ask("POST", "/admin/clock/jump", &json!({"seconds": 3600}));
    let mut evidence = Evidence::new();
    calls.careful(&mut evidence);
    evidence.insert("serve", printed(dir.path()));
    search.finds_nothing(&evidence);

    // and with each secret planted in each channel
    calls.careless(&mut evidence);
    search.finds_all(&evidence);
}

/// Everything that the servers have printed.
fn printed(dir: &Path) -> Vec<String> {
    ["served", "served by swept"]
        .map(|name| fs::read_to_string(dir.join(name)).unwrap())
        .into()
}
