//! The command, called in every way that prints something.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{Evidence, Secrets, abandoned};
use crate::support::{Running, Serve, shown};

/// How much is said, beside what is always: all of ours by the option, and everything that any crate logs.
const MODES: [(&[&str], &str); 2] = [(&["-vvv"], "off"), (&[], "trace")];
const PLAIN: (&[&str], &str) = (&[], "off");
const COMMANDS: [&str; 8] = [
    "run", "shell", "serve", "mcp", "ls", "rm", "sweep", "doctor",
];

pub(super) struct Calls<'a> {
    pub(super) secrets: &'a Secrets,
    pub(super) server: &'a Serve,
    pub(super) swept: &'a Serve,
    pub(super) dir: &'a Path,
}

impl Calls<'_> {
    fn call(&self, server: &Serve, (options, log): (&[&str], &str), args: &[&str]) -> Command {
        let mut command = server.client([options, args].concat());
        command
            .env("DAYTONA_ENV_MCP_TOKEN", &self.secrets.mcp_token)
            .current_dir(self.dir);
        if log != "off" {
            command.env("RUST_LOG", log);
        }
        command
    }

    /// A call that ends before anything is logged.
    fn plain(&self, args: &[&str]) -> String {
        shown(&self.call(self.server, PLAIN, args).output().unwrap())
    }

    /// A call in every mode.
    fn calls(&self, args: &[&str]) -> Vec<String> {
        self.change(args, |command| command)
    }

    fn change(&self, args: &[&str], change: impl Fn(&mut Command) -> &mut Command) -> Vec<String> {
        let of = |mode| {
            let mut command = self.call(self.server, mode, args);
            shown(&change(&mut command).output().unwrap())
        };
        MODES.into_iter().map(of).collect()
    }

    /// The options that a sandbox is made with, whatever for.
    fn given(&self) -> Vec<String> {
        let secrets = self.secrets;
        vec![
            format!("--env=PLAIN={}", secrets.env),
            "--env-var=BY=v".to_owned(),
            format!("--var=v={}", secrets.variable),
            format!("--scope={}", secrets.scope),
        ]
    }

    /// A command that is given all there is, and what is in a file as its input.
    fn run(&self, options: &[&str], command: &str) -> Vec<String> {
        let secrets = self.secrets;
        let input = self.dir.join("input");
        fs::write(&input, &secrets.input).unwrap();
        fs::write(self.dir.join("note"), &secrets.file).unwrap();
        let given = self.given();
        let given: Vec<_> = given.iter().map(String::as_str).collect();
        let copied = ["--upload", "note", "--download", "note:back"];
        let closed = ["--close-timeout", "1s"];
        let ran = ["--", "sh", "-c", command];
        let args = [&["run"], &given[..], &copied, &closed, options, &ran].concat();
        self.change(&args, |command| {
            command.stdin(fs::File::open(&input).unwrap())
        })
    }

    /// The server repeats what a sandbox was made with in every answer of these operations, until the faults are taken
    /// away.
    fn echoing<'s>(
        &self,
        server: &'s Serve,
        operations: &[&str],
        status: u16,
    ) -> Box<dyn FnOnce() + 's> {
        self.saying(
            server,
            operations,
            status,
            &self.secrets.echo(&server.token),
        )
    }

    fn saying<'s>(
        &self,
        server: &'s Serve,
        operations: &[&str],
        status: u16,
        said: &str,
    ) -> Box<dyn FnOnce() + 's> {
        let body = json!({"statusCode": status, "message": said, "error": [said]});
        let faults: Vec<_> = operations
            .iter()
            .map(|on| {
                json!({"on": on, "always": true, "do": {"answer": {"status": status, "body": body.clone()}}})
            })
            .collect();
        let injected = server.ask("POST", "/admin/faults", &json!({"faults": faults}));
        assert!(injected.starts_with("HTTP/1.1 200"), "{injected}");
        Box::new(move || {
            let all = server.ask("GET", "/admin/faults", &json!({}));
            assert!(!all.contains("\"hits\":0"), "{all}");
            server.ask("DELETE", "/admin/faults", &json!({}));
        })
    }

    /// What a user does, and what goes wrong with it.
    pub(super) fn careful(&self, evidence: &mut Evidence) {
        let secrets = self.secrets;
        let mut help = vec![self.plain(&["--help"])];
        help.extend(COMMANDS.map(|command| self.plain(&[command, "--help"])));
        evidence.insert("help", help);
        evidence.insert("usage", self.usage());

        let quiet = "env >/dev/null; cat >/dev/null; exit 3";
        let mut run = self.run(&[], quiet);
        let mut run_json = self.run(&["--json"], quiet);
        for (operations, status) in [
            (&["createSandbox"][..], 400),
            (&["createSandbox"], 401),
            (&["ExecuteCommand"], 400),
            (&["UploadFiles"], 400),
            (&["deleteSandbox"], 403),
        ] {
            let remove = self.echoing(self.server, operations, status);
            run.extend(self.run(&[], quiet));
            run_json.extend(self.run(&["--json"], quiet));
            remove();
        }
        evidence.insert("run", run);
        evidence.insert("run --json", run_json);
        evidence.insert("shell", self.calls(&["shell"]));

        for (channel, args) in [
            ("ls", &["ls"][..]),
            ("ls --json", &["ls", "--json"]),
            ("doctor", &["doctor"]),
            ("doctor --json", &["doctor", "--json"]),
        ] {
            let mut shown = self.calls(args);
            shown.extend(self.change(args, |command| {
                command.env("DAYTONA_API_KEY", &secrets.wrong_key)
            }));
            let broken = format!("{}\n", secrets.wrong_key);
            shown.extend(self.change(args, |command| command.env("DAYTONA_API_KEY", &broken)));
            shown.extend(self.change(args, |command| {
                command
                    .env_remove("DAYTONA_API_KEY")
                    .env("DAYTONA_JWT_TOKEN", &secrets.wrong_key)
            }));
            for url in ["http://user:@127.0.0.1/api", "http://127.0.0.1/api?key="] {
                let url = url.replace(":@", &format!(":{}@", secrets.wrong_key));
                let url = url.replace("key=", &format!("key={}", secrets.wrong_key));
                shown.extend(self.change(args, |command| command.env("DAYTONA_API_URL", &url)));
            }
            let remove = self.saying(self.server, &["listSandboxes"], 403, &secrets.key);
            shown.extend(self.calls(args));
            remove();
            evidence.insert(channel, shown);
        }
        let remove = self.echoing(self.server, &["deleteSandbox"], 403);
        evidence.insert("rm", self.calls(&["rm", "denv-broken"]));
        remove();
        self.sweeps(evidence);
        evidence.insert(
            "mcp",
            self.mcp(&[("write_file", json!({"path": "a", "content": secrets.file}))]),
        );
        evidence.insert("mcp --http", self.mcp_http());
        evidence.insert("mcp --print-config", self.print_config(&["--port", "5000"]));
    }

    /// What cannot be taken is not repeated.
    fn usage(&self) -> Vec<String> {
        let secrets = self.secrets;
        let named = format!("1x={}", secrets.env);
        let nul = format!("a b={}", secrets.variable);
        let broken = format!("{}\n", secrets.scope);
        let blank = format!("A={}", secrets.variable);
        let mut shown = Vec::new();
        for args in [
            ["run", "--env", &secrets.env.replace('=', ""), "--", "x"],
            ["run", "--env", &named, "--", "x"],
            ["run", "--var", &nul, "--", "x"],
            ["run", "--scope", &broken, "--", "x"],
            ["run", "--env-var", &blank, "--", "x"],
        ] {
            shown.push(self.plain(&args));
            let json: Vec<_> = ["run", "--json"]
                .iter()
                .chain(&args[1..])
                .copied()
                .collect();
            shown.push(self.plain(&json));
            let mcp: Vec<_> = ["mcp"].iter().chain(&args[1..3]).copied().collect();
            shown.push(self.plain(&mcp));
        }
        shown
    }

    fn sweeps(&self, evidence: &mut Evidence) {
        let sweep = |mode, args: &[&str]| {
            let output = self.call(self.swept, mode, args).output().unwrap();
            shown(&output)
        };
        let mut shown = Vec::new();
        for mode in MODES {
            shown.push(sweep(mode, &["sweep", "--dry-run"]));
            shown.push(sweep(mode, &["sweep", "--dry-run", "--json"]));
        }
        let remove = self.echoing(self.swept, &["deleteSandbox"], 500);
        for mode in MODES {
            shown.push(sweep(mode, &["sweep"]));
            shown.push(sweep(mode, &["sweep", "--json"]));
        }
        remove();
        assert!(
            shown.iter().any(|text| text.contains("denv-broken")),
            "{shown:?}"
        );
        evidence.insert("sweep", shown);
    }

    /// A session over standard input and output.
    fn mcp(&self, calls: &[(&str, Value)]) -> Vec<String> {
        let message = |id: usize, method: &str, params: &Value| {
            json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
        };
        let client = json!({"name": "test", "version": "1"});
        let hello =
            json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
        let mut lines = vec![
            message(0, "initialize", &hello),
            json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string(),
            message(1, "tools/list", &json!({})),
        ];
        let fine = (
            "run_shell_command",
            json!({"command": "env >/dev/null; exit 3"}),
        );
        let wrong = ("read_file", json!({"path": "missing"}));
        for (n, (name, arguments)) in [fine, wrong].iter().chain(calls).enumerate() {
            let params = json!({"name": name, "arguments": arguments});
            lines.push(message(n + 2, "tools/call", &params));
        }
        let input = self.dir.join("session");
        fs::write(&input, lines.join("\n") + "\n").unwrap();
        let given = self.given();
        let given: Vec<_> = given.iter().map(String::as_str).collect();
        let args = [&["mcp"], &given[..], &["--close-timeout", "5s"]].concat();
        self.change(&args, |command| {
            command.stdin(fs::File::open(&input).unwrap())
        })
    }

    fn mcp_http(&self) -> Vec<String> {
        let env = format!("PLAIN={}", self.secrets.env);
        let of = |mode| {
            let mut command = self.call(self.server, mode, &["mcp", "--http", "--env", &env]);
            let mut running = Running::start(&mut command);
            let line = running.line();
            assert!(line.contains("/mcp"), "{line}");
            running.signal(Signal::SIGTERM);
            line + &shown(&running.finish())
        };
        MODES.into_iter().map(of).collect()
    }

    fn print_config(&self, more: &[&str]) -> Vec<String> {
        let mut shown = Vec::new();
        for client in ["claude-desktop", "claude-code", "cursor", "vscode"] {
            let args = [&["mcp", "--print-config", client, "--http"], more].concat();
            shown.extend(self.calls(&args));
        }
        let env = format!("PLAIN={}", self.secrets.env);
        shown.extend(self.calls(&["mcp", "--print-config", "cursor", "--env", &env]));
        shown
    }

    /// Each secret at a place whose content is shown, by a user who confuses the two.
    pub(super) fn careless(&self, evidence: &mut Evidence) {
        let secrets = self.secrets.all();
        let mut add = |channel: &'static str, texts: Vec<String>| {
            evidence.get_mut(channel).unwrap().extend(texts);
        };
        let each = |args: &dyn Fn(&str) -> Vec<String>| -> Vec<String> {
            let call = |(_, secret): (&str, &str)| {
                let args = args(secret);
                let args: Vec<_> = args.iter().map(String::as_str).collect();
                self.plain(&args)
            };
            secrets.into_iter().map(call).collect()
        };
        let words = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        add("help", each(&|secret| words(&["help", secret])));
        add("usage", each(&|secret| words(&["sweep", "--idle", secret])));
        add(
            "shell",
            each(&|secret| words(&["shell", "--workdir", secret])),
        );
        add("rm", each(&|secret| words(&["rm", secret])));
        let print = |secret: &str| words(&["run", "--", "printf", "%s", secret]);
        add("run", each(&print));
        let print = |secret: &str| words(&["run", "--json", "--", "printf", "%s", secret]);
        add("run --json", each(&print));
        let config = |secret: &str| words(&["mcp", "--print-config", "cursor", "--image", secret]);
        add("mcp --print-config", each(&config));
        let file =
            |secret: &str| words(&["mcp", "--http", "--token-file", &format!("none/{secret}")]);
        add("mcp --http", each(&file));
        let file = |secret: &str| words(&["serve", "--faults", &format!("none/{secret}")]);
        add("serve", each(&file));
        for (channel, args) in [
            ("doctor", &["doctor"][..]),
            ("doctor --json", &["doctor", "--json"]),
        ] {
            for (_, secret) in secrets {
                let url = format!("http://127.0.0.1:9/{secret}/api");
                let mut command = self.call(self.server, PLAIN, args);
                add(
                    channel,
                    vec![shown(
                        &command.env("DAYTONA_API_URL", url).output().unwrap(),
                    )],
                );
            }
        }
        // what is sent in the clear
        for (n, (_, secret)) in secrets.into_iter().enumerate() {
            let row = abandoned(&format!("planted-{n}"), secret, &json!({}));
            self.server.ask("POST", "/api/sandbox", &row);
            let name = format!("denv-{}", secret.replace(char::is_control, ""));
            self.swept.ask(
                "POST",
                "/api/sandbox",
                &abandoned(&name, "default", &json!({})),
            );
        }
        add("ls", self.calls(&["ls"]));
        add("ls --json", self.calls(&["ls", "--json"]));
        self.swept
            .ask("POST", "/admin/clock/jump", &json!({"seconds": 3600}));
        let mut sweep = self.call(self.swept, PLAIN, &["sweep", "--dry-run"]);
        add("sweep", vec![shown(&sweep.output().unwrap())]);
        let prints = secrets.map(|(_, secret)| {
            let command = format!("cat <<'x'\n{secret}\nx");
            ("run_shell_command", json!({"command": command}))
        });
        add("mcp", self.mcp(&prints));
    }
}
