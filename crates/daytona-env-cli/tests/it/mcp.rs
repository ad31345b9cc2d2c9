//! `mcp`, with the official Python client of the Model Context Protocol and with what no client would send.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests fail by panicking, and a test that is left out says so"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::{Running, Serve, cli, code, eventually, marker, shown, sleepers};

/// The client, as pip names it.
const CLIENT: &str = "mcp==2.3.0";
const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/mcp_client.py");
/// Set where a missing client is a failure.
const NEEDED: &str = "DAYTONA_ENV_NEEDS_MCP_CLIENT";
const TOKEN: &str = "a-token-of-the-tests-0123456789";

/// The Python that has the client, made once; `None`, said aloud, where that cannot be done.
fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match PYTHON.get_or_init(install) {
        Ok(python) => Some(python),
        Err(why) => {
            assert!(
                std::env::vars_os().all(|(name, _)| name != NEEDED),
                "the client cannot be installed: {why}"
            );
            eprintln!("SKIPPED, NOT PASSED: {CLIENT} cannot be installed: {why}");
            None
        }
    }
}

fn install() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(CLIENT.replace("==", "-"));
    let python = folder.join("bin/python");
    let works = |python: &Path| {
        let import = ["-c", "import mcp, httpx2"];
        Command::new(python)
            .args(import)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    if works(&python) {
        return Ok(python);
    }
    let done = |command: &mut Command| match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(error.to_string()),
    };
    done(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
    )?;
    done(Command::new(&python).args(["-m", "pip", "install", "--quiet", CLIENT]))?;
    Ok(python)
}

/// Runs the driver; what it found.
fn driven(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn driver(python: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(python);
    command.arg(DRIVER).args(words).stdin(Stdio::null());
    command
}

/// What the tour must find, whatever carries it.
fn check(facts: &Value) {
    let is = |name: &str| facts.get(name).unwrap();
    let all = [
        "run_shell_command",
        "run_code",
        "read_file",
        "write_file",
        "edit_file",
        "list_files",
        "glob_files",
        "search_files",
    ];
    assert_eq!(is("tools"), &json!(all));
    let destructive = ["run_shell_command", "run_code", "write_file", "edit_file"];
    assert_eq!(is("destructive"), &json!(destructive));
    assert_eq!(is("closed"), &json!(true));
    let text = |text: &str, error: bool| json!({"text": text, "error": error});
    assert_eq!(is("shell"), &text("out\nerr\n[exit code: 3]", true));
    assert_eq!(is("code"), &text("42", false));
    assert_eq!(is("edit"), &text("Replaced once in a/b.txt.", false));
    assert_eq!(is("read"), &text("one\n2\n", false));
    assert_eq!(is("shared"), &text("one\n2", false));
    assert_eq!(
        is("binary"),
        &text("[1000 bytes of binary stdout are not shown]", false)
    );
    assert_eq!(
        is("missing"),
        &text("Invalid arguments: missing field 'command'", true)
    );
    let extra = "Invalid arguments: unknown field 'sandbox_id', expected 'command'";
    assert_eq!(is("extra"), &text(extra, true));
    assert!(
        is("unknown_tool").to_string().contains("There is no tool"),
        "{facts}"
    );
    let klingon =
        "Language 'klingon' is not enabled. Available: ['python', 'bash']\n[exit code: 2]";
    assert_eq!(is("unknown_language"), &text(klingon, true));
    assert_eq!(
        is("disabled_language"),
        &text(&klingon.replace("klingon", "typescript"), true)
    );
    assert_eq!(is("escape").get("error"), Some(&json!(true)));
    assert_eq!(is("huge_command"), &json!(true));
    assert_eq!(is("progress"), &json!(true));
    assert_eq!(is("lines"), &json!(["one", "two", "three"]));
    assert_eq!(is("steps"), &json!("step one\nstep two\nstep three"));
    assert_eq!(
        (is("running"), is("after_cancel")),
        (&json!(2), &json!(0)),
        "{facts}"
    );
    assert_eq!(is("after"), &text("still here", false));
}

#[test]
fn the_official_client_over_stdio() {
    let Some(python) = python() else { return };
    let server = Serve::start(&[]);
    for (mode, version) in [("auto", "2026-07-28"), ("legacy", "2025-11-25")] {
        let marker = marker();
        let facts = driven(
            driver(
                python,
                &["stdio", mode, &marker, env!("CARGO_BIN_EXE_daytona-env")],
            )
            .env("DAYTONA_API_URL", &server.url)
            .env("DAYTONA_API_KEY", &server.token),
        );
        assert_eq!(facts.get("version"), Some(&json!(version)));
        check(&facts);
        eventually("the sandbox of the session is gone", || {
            server.alive().is_empty()
        });
    }
}

#[test]
fn a_client_that_vanishes_in_the_middle_of_a_call_leaves_nothing() {
    let Some(python) = python() else { return };
    let server = Serve::start(&[]);
    let marker = marker();
    let facts = driven(
        driver(
            python,
            &["vanish", &marker, env!("CARGO_BIN_EXE_daytona-env")],
        )
        .env("DAYTONA_API_URL", &server.url)
        .env("DAYTONA_API_KEY", &server.token),
    );
    assert_eq!(facts, json!({"running": 1}));
    eventually("its command is killed", || sleepers(&marker) == 0);
    eventually("its sandbox is gone", || server.alive().is_empty());
}

/// A `mcp --http` on a server of its own, stopped when dropped.
struct Http {
    process: Running,
    server: Serve,
    url: String,
}

impl Http {
    fn start(args: &[&str]) -> Self {
        let server = Serve::start(&[]);
        let mut command = server.client(["mcp", "--http"]);
        command.args(args).env("DAYTONA_ENV_MCP_TOKEN", TOKEN);
        let mut process = Running::start(&mut command);
        let started: Value = serde_json::from_str(&process.line()).unwrap();
        assert_eq!(
            started.get("token"),
            None,
            "a token that was given is not printed"
        );
        let url = started.get("url").unwrap().as_str().unwrap().to_owned();
        Self {
            process,
            server,
            url,
        }
    }

    /// Ends it, and looks at what it said.
    fn end(self) -> Output {
        self.process.signal(nix::sys::signal::Signal::SIGTERM);
        let output = self.process.finish();
        assert!(self.server.alive().is_empty());
        output
    }
}

#[test]
fn the_official_client_over_http() {
    let Some(python) = python() else { return };
    let http = Http::start(&[]);
    let marker = marker();
    let facts = driven(driver(python, &["http", &marker, &http.url]).env("TOKEN", TOKEN));
    assert_eq!(facts.get("version"), Some(&json!("2025-11-25")));
    check(&facts);
    // The client has said goodbye; the server lives on.
    eventually("the sandbox of the session is gone", || {
        http.server.alive().is_empty()
    });
    let output = http.end();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
}

#[test]
fn a_hundred_sessions_at_once_see_their_own_files_alone() {
    let Some(python) = python() else { return };
    let http = Http::start(&[]);
    let facts = driven(driver(python, &["many", "100", &http.url]).env("TOKEN", TOKEN));
    assert_eq!(facts, json!({"sessions": 100, "apart": true}));
    eventually("no sandbox is left", || http.server.alive().is_empty());
    let output = http.end();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
}

#[test]
fn who_may_not_come_in_over_http() {
    let http = Http::start(&[]);
    let port = http
        .url
        .trim_start_matches("http://127.0.0.1:")
        .trim_end_matches("/mcp");
    let bearer = format!("Bearer {TOKEN}");
    let host = format!("127.0.0.1:{port}");
    let asked = |path: &str, host: &str, authorization: &str, more: &str, body: &str| {
        request(port, path, host, authorization, more, body)
    };
    let hello = initialize();
    assert_eq!(asked("/mcp", &host, &bearer, "", &hello), 200);
    assert_eq!(
        asked("/mcp", &format!("localhost:{port}"), &bearer, "", &hello),
        200
    );
    assert_eq!(asked("/mcp", &host, "Bearer wrong", "", &hello), 401);
    assert_eq!(asked("/mcp", &host, "", "", &hello), 401);
    assert_eq!(asked("/", &host, &bearer, "", &hello), 404);
    assert_eq!(asked("/mcp", "evil.example", &bearer, "", &hello), 403);
    assert_eq!(asked("/mcp", "127.0.0.1:1", &bearer, "", &hello), 403);
    let origin = "Origin: http://evil.example\r\n";
    assert_eq!(asked("/mcp", &host, &bearer, origin, &hello), 403);
    let origin = format!("Origin: http://127.0.0.1:{port}\r\n");
    assert_eq!(asked("/mcp", &host, &bearer, &origin, &hello), 403);
    let broken = asked("/mcp", &host, &bearer, "", "{no json");
    assert!((400..=422).contains(&broken), "{broken}");
    let stranger = "Mcp-Session-Id: 00000000-0000-0000-0000-000000000000\r\n";
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    assert_eq!(asked("/mcp", &host, &bearer, stranger, list), 404);
    assert_eq!(asked("/mcp", &host, &bearer, "", &hello), 200);
    let output = http.end();
    assert_eq!(code(&output), Some(0), "{}", shown(&output));
}

/// The status of one request.
fn request(port: &str, path: &str, host: &str, authorization: &str, more: &str, body: &str) -> u16 {
    let mut stream = std::net::TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    let authorization = match authorization {
        "" => String::new(),
        value => format!("Authorization: {value}\r\n"),
    };
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {host}\r\n{authorization}{more}Content-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.split(' ').nth(1).unwrap().parse().unwrap()
}

fn initialize() -> String {
    json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"},
        },
    })
    .to_string()
}

#[test]
fn what_is_no_json_is_passed_over() {
    let mut child = cli(["mcp", "--isolation", "none"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut say = |line: &str| writeln!(input, "{line}").unwrap();
    let mut answer = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    say(&initialize());
    assert_eq!(answer().get("id"), Some(&json!(0)));
    say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    say("this is no JSON");
    say("{\"half\": ");
    say(&"x".repeat(9 * 1024 * 1024));
    say(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"run_shell_command","arguments":[]}}"#,
    );
    let told = answer();
    assert!(told.get("error").is_some(), "{told}");
    say(r#"{"jsonrpc":"2.0","id":2,"method":"no/such"}"#);
    assert_eq!(answer().pointer("/error/code"), Some(&json!(-32601)));
    say(
        r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"run_shell_command","arguments":{"command":"echo here"}}}"#,
    );
    let told = answer();
    assert_eq!(told.pointer("/result/content/0/text"), Some(&json!("here")));
    assert_eq!(
        told.pointer("/result/_meta/sandbox-tools~1untrusted"),
        Some(&json!(true))
    );
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
}
