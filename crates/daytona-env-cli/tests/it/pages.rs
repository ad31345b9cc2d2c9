//! Servers that are no Daytona API, and URLs that say too much.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its surroundings has failed"
)]

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::support::{Running, Serve, cli, code, shown};

/// A web server that knows no path: POST is answered with the first, anything else with the second. Ends with the
/// process.
fn web(post: &'static str, other: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap_or_default();
            let answer = if request.get(..read).unwrap_or_default().starts_with(b"POST") {
                post
            } else {
                other
            };
            let (head, body) = answer.split_once('|').unwrap();
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            // whoever went away needs no answer
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

const HTML_501: &str = "501 Unsupported method ('POST')\r\ncontent-type: text/html;charset=utf-8|<!DOCTYPE HTML><html><body>Error response</body></html>";
const HTML_404: &str =
    "404 Not Found\r\ncontent-type: text/html|<html><body>Not here</body></html>";
const PLAIN_404: &str =
    "404 Not Found\r\ncontent-type: text/plain; charset=utf-8|404 page not found\n";
const PLAIN_405: &str = "405 Method Not Allowed\r\ncontent-type: text/plain|Method Not Allowed";
const HTML_500: &str = "500 Oops\r\ncontent-type: text/html|<html><body>Oops</body></html>";
const HTML_200: &str = "200 OK\r\ncontent-type: text/html|<html><body>Welcome</body></html>";

#[test]
fn a_server_that_is_no_daytona_api_is_said_to_be_none_at_once() {
    for (name, post, other) in [
        ("python", HTML_501, HTML_404),
        ("html", HTML_404, HTML_404),
        ("go", PLAIN_404, PLAIN_404),
        ("method", PLAIN_405, HTML_200),
        ("broken", HTML_500, HTML_500),
    ] {
        let port = web(post, other);
        for (command, args) in [("run", &["run", "--", "true"][..]), ("doctor", &["doctor"])] {
            for path in ["", "/api"] {
                let mut run = cli(args);
                run.env("DAYTONA_API_KEY", "canary")
                    .env("DAYTONA_API_URL", format!("http://127.0.0.1:{port}{path}"));
                // the wait for its end is bounded, far below the deadline of a create
                let output = Running::start(&mut run).finish();
                let wanted = if command == "run" { 125 } else { 1 };
                assert_eq!(code(&output), Some(wanted), "{name}: {}", shown(&output));
                let shown = shown(&output).replace(&port.to_string(), "PORT");
                assert!(!shown.contains("canary"), "{shown}");
                assert!(!shown.contains("the server itself removes"), "{shown}");
                let hint = if path.is_empty() {
                    "does not end in /api"
                } else {
                    "is not a Daytona API"
                };
                assert!(
                    shown.contains("not a daytona api") && shown.contains(hint),
                    "{shown}"
                );
                if command == "run" {
                    insta::assert_snapshot!(format!("{name}{}", path.replace('/', "_")), shown);
                }
            }
        }
    }
}

#[test]
fn a_daytona_server_without_api_in_its_url() {
    let server = Serve::start(&["--isolation", "none"]);
    let url = server.url.trim_end_matches("/api");
    for args in [
        &["run", "--", "true"][..],
        &["ls"],
        &["sweep"],
        &["doctor"],
        &["rm", "x"],
    ] {
        let output = server
            .client(args)
            .env("DAYTONA_API_URL", url)
            .output()
            .unwrap();
        assert_ne!(code(&output), Some(0), "{}", shown(&output));
        let shown = shown(&output);
        assert!(
            shown.contains("DAYTONA_API_URL does not end in /api"),
            "{shown}"
        );
    }
}

#[test]
fn no_command_shows_the_password_in_a_url() {
    for (name, url) in [
        ("user", "http://user:canary@127.0.0.1:9/api"),
        ("token", "http://canary@127.0.0.1:9/api"),
        ("no_scheme", "user:canary@127.0.0.1/api"),
        ("query", "http://127.0.0.1:9/api?key=canary"),
        ("fragment", "http://127.0.0.1:9/api#canary"),
    ] {
        for (command, args) in [
            ("run", &["-vvv", "run", "--", "true"][..]),
            ("run_json", &["run", "--json", "--", "true"]),
            ("ls", &["-vvv", "ls"]),
            ("rm", &["rm", "x"]),
            ("doctor", &["-vvv", "doctor"]),
            ("doctor_json", &["doctor", "--json"]),
        ] {
            let output = cli(args)
                .env("DAYTONA_API_KEY", "key")
                .env("DAYTONA_API_URL", url)
                .env("RUST_LOG", "trace")
                .output()
                .unwrap();
            let shown = shown(&output);
            assert!(!shown.contains("canary"), "{name} {command}: {shown}");
            assert!(
                shown.contains("DAYTONA_API_URL h"),
                "{name} {command}: {shown}"
            );
            if name == "user" && command == "run" {
                insta::assert_snapshot!("password_in_url", shown);
            }
        }
    }
}
