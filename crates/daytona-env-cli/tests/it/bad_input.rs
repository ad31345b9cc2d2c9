//! What is refused, and how it is said.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::support::{Serve, cli, code, run, shown};

#[test]
fn arguments_that_make_no_sense() {
    let cases: &[(&str, &[&str])] = &[
        ("no_command", &["run"]),
        ("no_dashes", &["run", "echo", "hi"]),
        (
            "env_without_equals",
            &["run", "--env", "canary", "--", "true"],
        ),
        (
            "env_with_a_bad_name",
            &["run", "--env", "1A=canary", "--", "true"],
        ),
        (
            "var_without_a_name",
            &["run", "--var", "=canary", "--", "true"],
        ),
        (
            "env_var_with_a_bad_name",
            &["run", "--env-var", "A-B=tenant", "--", "true"],
        ),
        (
            "env_given_twice",
            &[
                "run",
                "--env",
                "A=canary",
                "--env-var",
                "A=t",
                "--var",
                "t=1",
                "--",
                "true",
            ],
        ),
        (
            "unknown_variable",
            &[
                "run",
                "--env-var",
                "A=tenant",
                "--env-var",
                "B=other",
                "--",
                "true",
            ],
        ),
        (
            "image_and_snapshot",
            &["run", "--image", "a", "--snapshot", "b", "--", "true"],
        ),
        ("zero_timeout", &["run", "--timeout", "0", "--", "true"]),
        (
            "negative_timeout",
            &["run", "--timeout", "-5", "--", "true"],
        ),
        ("timeout_in_days", &["run", "--timeout", "1d", "--", "true"]),
        (
            "relative_workdir",
            &["run", "--workdir", "src", "--", "true"],
        ),
        (
            "image_with_a_line_break",
            &["run", "--image", "a\nRUN id", "--", "true"],
        ),
        (
            "missing_upload_source",
            &["run", "--upload", "/no/such/dir:x", "--", "true"],
        ),
        (
            "upload_that_leads_out",
            &["run", "--upload", "/dev/null:../x", "--", "true"],
        ),
        (
            "upload_beside_the_workdir",
            &[
                "run",
                "--workdir",
                "/w",
                "--upload",
                "/dev/null:/wx",
                "--",
                "true",
            ],
        ),
        (
            "download_that_leads_out",
            &["run", "--download", "a/../../b", "--", "true"],
        ),
        (
            "download_into_a_file",
            &["run", "--download", "a:/dev/null/b/c", "--", "true"],
        ),
        ("lease_too_short", &["run", "--lease", "2", "--", "true"]),
        ("unknown_command", &["rum"]),
        ("ls_without_a_key", &["ls"]),
        ("auto_is_not_for_servers", &["serve", "--isolation", "auto"]),
        ("serve_for_everybody", &["serve", "--host", "0.0.0.0"]),
        ("speed_zero", &["serve", "--speed", "0"]),
    ];
    for (name, args) in cases {
        let output = run(*args);
        assert_eq!(code(&output), Some(125), "{name}: {}", shown(&output));
        let shown = shown(&output);
        assert!(!shown.contains("canary"), "{shown}");
        insta::assert_snapshot!(format!("bad_{name}"), shown);
    }
}

#[test]
fn half_an_account_is_not_the_embedded_server() {
    let cases: [(&str, &[(&str, &str)]); 7] = [
        ("empty_key", &[("DAYTONA_API_KEY", "")]),
        (
            "url_without_key",
            &[("DAYTONA_API_URL", "http://127.0.0.1:1/api")],
        ),
        (
            "jwt_without_organization",
            &[("DAYTONA_JWT_TOKEN", "canary")],
        ),
        (
            "bad_url",
            &[
                ("DAYTONA_API_KEY", "canary"),
                ("DAYTONA_API_URL", "not a url"),
            ],
        ),
        ("key_with_a_line_break", &[("DAYTONA_API_KEY", "canary\n")]),
        (
            "organization_with_a_blank",
            &[
                ("DAYTONA_JWT_TOKEN", "canary"),
                ("DAYTONA_ORGANIZATION_ID", "a b"),
            ],
        ),
        (
            "empty_target",
            &[("DAYTONA_API_KEY", "canary"), ("DAYTONA_TARGET", "")],
        ),
    ];
    for (name, env) in cases {
        let output = cli(["run", "--", "true"])
            .envs(env.iter().copied())
            .output()
            .unwrap();
        assert_eq!(code(&output), Some(125), "{name}: {}", shown(&output));
        let shown = shown(&output);
        assert!(!shown.contains("canary"), "{shown}");
        insta::assert_snapshot!(format!("account_{name}"), shown);
    }
}

#[test]
fn options_of_the_embedded_server_are_not_silently_ignored() {
    for flag in [
        &["--no-network"][..],
        &["--isolation", "required"],
        &["--bind-ro", "/opt"],
    ] {
        let output = cli(["run"])
            .args(flag)
            .args(["--", "true"])
            .envs([
                ("DAYTONA_API_KEY", "canary"),
                ("DAYTONA_API_URL", "http://127.0.0.1:1/api"),
            ])
            .output()
            .unwrap();
        assert_eq!(code(&output), Some(125));
        assert!(
            shown(&output).contains(&format!("{} is for the embedded server", flag[0])),
            "{}",
            shown(&output)
        );
    }
}

#[test]
fn an_unreachable_server() {
    // a port that was free a moment ago
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}/api");
    for (name, args) in [("run", &["run", "--", "true"][..]), ("ls", &["ls"])] {
        let output = cli(args)
            .envs([("DAYTONA_API_KEY", "canary"), ("DAYTONA_API_URL", &url)])
            .output()
            .unwrap();
        assert_eq!(code(&output), Some(125), "{}", shown(&output));
        let shown = shown(&output).replace(&port.to_string(), "PORT");
        assert!(!shown.contains("canary"), "{shown}");
        insta::assert_snapshot!(format!("unreachable_{name}"), shown);
    }
    let output = cli(["doctor", "--json"])
        .envs([("DAYTONA_API_KEY", "canary"), ("DAYTONA_API_URL", &url)])
        .output()
        .unwrap();
    assert_eq!(code(&output), Some(1), "{}", shown(&output));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["server"]["hint"], "check DAYTONA_API_URL");
}

#[test]
fn a_wrong_key() {
    let server = Serve::start(&["--isolation", "none"]);
    for (name, args) in [("run", &["run", "--", "true"][..]), ("ls", &["ls"])] {
        let output = server
            .client(args)
            .env("DAYTONA_API_KEY", "canary")
            .output()
            .unwrap();
        assert_eq!(code(&output), Some(125), "{}", shown(&output));
        let shown = shown(&output);
        assert!(!shown.contains("canary"), "{shown}");
        insta::assert_snapshot!(format!("wrong_key_{name}"), shown);
    }
    let output = server
        .client(["sweep"])
        .env("DAYTONA_API_KEY", "canary")
        .output()
        .unwrap();
    assert_eq!(code(&output), Some(125), "{}", shown(&output));
    insta::assert_snapshot!("wrong_key_sweep", shown(&output));
    let output = server
        .client(["doctor", "--json"])
        .env("DAYTONA_API_KEY", "canary")
        .output()
        .unwrap();
    assert_eq!(code(&output), Some(1), "{}", shown(&output));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        object["server"]["hint"],
        "check DAYTONA_API_KEY, and that DAYTONA_API_URL is the server it belongs to"
    );
}

#[test]
fn a_port_that_is_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let output = run(["serve", "--isolation", "none", "--port", &port]);
    assert_eq!(code(&output), Some(125), "{}", shown(&output));
    insta::assert_snapshot!("port_taken", shown(&output).replace(&port, "PORT"));
}

#[test]
fn a_web_page_instead_of_the_api() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // ends with the process
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            // whatever was asked, the answer is the same
            let _ = stream.read(&mut request);
            let page = "<!doctype html><html><body>Welcome</body></html>";
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                page.len()
            );
            let _ = stream.write_all((head + page).as_bytes());
        }
    });
    let url = format!("http://127.0.0.1:{port}/api");
    for (name, args) in [("run", &["run", "--", "true"][..]), ("ls", &["ls"])] {
        let output = cli(args)
            .envs([("DAYTONA_API_KEY", "canary"), ("DAYTONA_API_URL", &url)])
            .output()
            .unwrap();
        assert_eq!(code(&output), Some(125), "{}", shown(&output));
        let shown = shown(&output);
        assert!(!shown.contains("canary"), "{shown}");
        insta::assert_snapshot!(format!("web_page_{name}"), shown);
    }
}
