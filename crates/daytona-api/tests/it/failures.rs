//! What becomes of each way to fail, row by row: kind, predicates, whether it is tried again, what the server said.

use daytona_api::Error;
use daytona_api::test_util::{Reply, Scripted};
use daytona_api::transport::{Phase, TransportError};

use crate::support::scripted;

/// How a call goes wrong.
enum Way {
    /// An answer: status, a header or none, body.
    Answer(u16, &'static str, &'static str),
    /// No answer.
    Fail(fn() -> TransportError),
}

use Way::{Answer, Fail};

/// A way, then `kind; predicates; again: for a GET, for an exec; code source; message; Retry-After; reached`.
const ROWS: &[(Way, &str)] = &[
    // the control plane
    (
        Answer(
            400,
            "",
            r#"{"path":"/api/sandbox","timestamp":"2026-01-01T00:00:00Z","statusCode":400,"error":"Bad Request","message":["a must be set","b must be set"]}"#,
        ),
        "Status; bad_request; no no; - -; a must be set, b must be set; -; reached",
    ),
    (
        Answer(
            400,
            "",
            r#"{"message":"Invalid JSON in request body","error":"Bad Request","statusCode":400}"#,
        ),
        "Status; bad_request; no no; - -; Invalid JSON in request body; -; reached",
    ),
    (
        Answer(
            401,
            "retry-after: 3",
            r#"{"statusCode":401,"error":"Unauthorized","message":"Invalid credentials"}"#,
        ),
        "Status; auth; no no; - -; Invalid credentials; 3; reached",
    ),
    (
        Answer(403, "", r#"{"error":"Forbidden"}"#),
        "Status; auth; no no; - -; Forbidden; -; reached",
    ),
    (
        Answer(
            404,
            "",
            r#"{"statusCode":404,"message":"Sandbox with ID or name x not found","source":"DAYTONA_API","code":"NOT_FOUND"}"#,
        ),
        "Status; not_found; no no; NOT_FOUND DAYTONA_API; Sandbox with ID or name x not found; -; reached",
    ),
    (
        Answer(404, "", ""),
        "Status; not_found; no no; - -; -; -; reached",
    ),
    (
        Answer(
            409,
            "",
            r#"{"message":"Sandbox with name n already exists"}"#,
        ),
        "Status; conflict; no no; - -; Sandbox with name n already exists; -; reached",
    ),
    (
        Answer(
            429,
            "retry-after-sandbox-create: 7",
            r#"{"statusCode":429,"message":"ThrottlerException"}"#,
        ),
        "Status; rate_limited; yes no; - -; ThrottlerException; 7; reached",
    ),
    (
        Answer(429, "x-ratelimit-reset-authenticated: 9", ""),
        "Status; rate_limited; yes no; - -; -; -; reached",
    ),
    (
        Answer(
            500,
            "",
            r#"{"statusCode":500,"error":"Internal Server Error","message":"An unexpected error occurred."}"#,
        ),
        "Status; server_error; yes no; - -; An unexpected error occurred.; -; reached",
    ),
    // the daemon and the proxy
    (
        Answer(
            400,
            "",
            r#"{"statusCode":400,"message":"bad request: command is required","code":"INVALID_REQUEST_BODY","source":"DAYTONA_DAEMON"}"#,
        ),
        "Status; bad_request; no no; INVALID_REQUEST_BODY DAYTONA_DAEMON; bad request: command is required; -; reached",
    ),
    (
        Answer(
            401,
            "",
            r#"{"message":"git authentication failed","error_code":"GIT_AUTH_FAILED","source":"DAYTONA_DAEMON"}"#,
        ),
        "Status; auth; no no; GIT_AUTH_FAILED DAYTONA_DAEMON; git authentication failed; -; reached",
    ),
    (
        Answer(
            403,
            "",
            r#"{"message":"forbidden","code":"FILE_ACCESS_DENIED","source":"DAYTONA_DAEMON"}"#,
        ),
        "Status; auth; no no; FILE_ACCESS_DENIED DAYTONA_DAEMON; forbidden; -; reached",
    ),
    (
        Answer(
            404,
            "",
            r#"{"message":"not found: file","code":"FILE_NOT_FOUND","source":"DAYTONA_DAEMON"}"#,
        ),
        "Status; not_found; no no; FILE_NOT_FOUND DAYTONA_DAEMON; not found: file; -; reached",
    ),
    (
        Answer(
            408,
            "",
            r#"{"message":"request timeout: command execution timeout","code":"PROCESS_EXECUTION_TIMEOUT","source":"DAYTONA_DAEMON"}"#,
        ),
        "Status; timeout; no no; PROCESS_EXECUTION_TIMEOUT DAYTONA_DAEMON; request timeout: command execution timeout; -; reached",
    ),
    (
        Answer(
            409,
            "",
            r#"{"message":"conflict: branch","code":"GIT_BRANCH_EXISTS","source":"DAYTONA_DAEMON"}"#,
        ),
        "Status; conflict; no no; GIT_BRANCH_EXISTS DAYTONA_DAEMON; conflict: branch; -; reached",
    ),
    (
        Answer(
            410,
            "",
            r#"{"message":"gone: session","code":"SESSION_ENDED","source":"DAYTONA_DAEMON"}"#,
        ),
        "Status; gone; no no; SESSION_ENDED DAYTONA_DAEMON; gone: session; -; reached",
    ),
    (
        Answer(
            410,
            "",
            r#"{"message":"gone: command","code":"COMMAND_ALREADY_COMPLETED","source":"DAYTONA_DAEMON"}"#,
        ),
        "Status; gone; no no; COMMAND_ALREADY_COMPLETED DAYTONA_DAEMON; gone: command; -; reached",
    ),
    (
        Answer(
            422,
            "",
            r#"{"message":"remote rejected","code":"GIT_REMOTE_REJECTED","source":"DAYTONA_DAEMON"}"#,
        ),
        "Status; unprocessable; no no; GIT_REMOTE_REJECTED DAYTONA_DAEMON; remote rejected; -; reached",
    ),
    (
        Answer(
            500,
            "",
            r#"{"message":"read failed","code":"FILE_READ_FAILED","source":"DAYTONA_DAEMON"}"#,
        ),
        "Status; server_error; yes no; FILE_READ_FAILED DAYTONA_DAEMON; read failed; -; reached",
    ),
    (
        Answer(
            502,
            "",
            r#"{"message":"git transport failed","code":"GIT_TRANSPORT_FAILED","source":"DAYTONA_DAEMON"}"#,
        ),
        "Status; server_error; yes no; GIT_TRANSPORT_FAILED DAYTONA_DAEMON; git transport failed; -; reached",
    ),
    (
        Answer(
            502,
            "",
            r#"{"message":"no such sandbox","code":"BAD_GATEWAY","source":"DAYTONA_PROXY"}"#,
        ),
        "Status; server_error; yes no; BAD_GATEWAY DAYTONA_PROXY; no such sandbox; -; reached",
    ),
    (
        Answer(400, "", ""),
        "Status; bad_request; no no; - -; -; -; reached",
    ),
    (
        Answer(500, "", r#"{"error":"pty"}"#),
        "Status; server_error; yes no; - -; pty; -; reached",
    ),
    (
        Answer(500, "", r#"{"errors":["a","b"],"files":[]}"#),
        "Status; server_error; yes no; - -; a, b; -; reached",
    ),
    (
        Answer(503, "retry-after: 1", ""),
        "Status; server_error; yes no; - -; -; 1; reached",
    ),
    (
        Answer(504, "", ""),
        "Status; timeout server_error; yes no; - -; -; -; reached",
    ),
    // not decided by what the body calls a status, and no class of its own
    (
        Answer(418, "", r#"{"statusCode":404,"message":"tea"}"#),
        "Status; ; no no; - -; tea; -; reached",
    ),
    (
        Answer(501, "", r#"{"message":"later"}"#),
        "Status; server_error; no no; - -; later; -; reached",
    ),
    (
        Answer(402, "", r#"{"message":"pay"}"#),
        "Status; ; no no; - -; pay; -; reached",
    ),
    (
        Answer(599, "", r#"{"message":"x","code":"A_CODE_OF_TOMORROW"}"#),
        "Status; server_error; no no; A_CODE_OF_TOMORROW -; x; -; reached",
    ),
    // bodies that say little
    (
        Answer(400, "", r#"{"message":7,"code":8,"source":9}"#),
        "Status; bad_request; no no; - -; -; -; reached",
    ),
    (
        Answer(400, "", r#"{"message":"#),
        "Status; bad_request; no no; - -; {\"message\":; -; reached",
    ),
    (
        Answer(400, "", r#"["why"]"#),
        "Status; bad_request; no no; - -; [\"why\"]; -; reached",
    ),
    (
        Answer(400, "", "upstream connect error\r\n"),
        "Status; bad_request; no no; - -; upstream connect error; -; reached",
    ),
    // something else than Daytona
    (
        Answer(404, "content-type: text/html", "<html>no</html>"),
        "Status; not_daytona; no no; - -; <html>no</html>; -; reached",
    ),
    (
        Answer(502, "content-type: text/html", "<html>bad gateway</html>"),
        "Status; server_error not_daytona; yes no; - -; <html>bad gateway</html>; -; reached",
    ),
    (
        Answer(
            404,
            "",
            r#"{"statusCode":404,"message":"Cannot GET /sandbox/x"}"#,
        ),
        "Status; not_daytona; no no; - -; Cannot GET /sandbox/x; -; reached",
    ),
    (
        Answer(200, "content-type: text/html", "<html></html>"),
        "Decode; not_daytona; no no; - -; -; -; reached",
    ),
    (
        Answer(307, "location: https://x.example", ""),
        "Status; ; no no; - -; -; -; reached",
    ),
    // no answer, or none that can be taken
    (Answer(200, "", ""), "Decode; ; no no; - -; -; -; reached"),
    (Answer(200, "", "{"), "Decode; ; no no; - -; -; -; reached"),
    (
        Fail(|| TransportError::new(Phase::Connect)),
        "Connect; connect; yes yes; - -; -; -; not reached",
    ),
    (
        Fail(|| TransportError::timeout(Phase::Connect)),
        "Connect; timeout connect; yes yes; - -; -; -; not reached",
    ),
    (
        Fail(|| TransportError::new(Phase::Exchange)),
        "Transport; ; yes no; - -; -; -; reached",
    ),
    (
        Fail(|| TransportError::timeout(Phase::Exchange)),
        "Timeout; timeout; yes no; - -; -; -; reached",
    ),
    (
        Fail(|| TransportError::new(Phase::Body)),
        "Transport; ; yes no; - -; -; -; reached",
    ),
];

fn script(way: &Way, then: bool) -> Scripted {
    let mut server = Scripted::new();
    for _ in 0..if then { 1 } else { 3 } {
        server = match way {
            Answer(status, header, body) => {
                let header = header.split_once(": ");
                server.answer(*status, header.as_slice(), *body)
            }
            Fail(error) => server.reply(Reply::Fail(error())),
        };
    }
    server.json(200, r#"{"id":"x","name":"x","exitCode":0}"#)
}

async fn get(server: &Scripted) -> Result<(), Error> {
    scripted(server).sandboxes().get("x").await.map(drop)
}

async fn execute(server: &Scripted) -> Result<(), Error> {
    let toolbox = scripted(server).toolbox_at("https://proxy.app.daytona.io/toolbox", "x")?;
    toolbox.process().execute("ls").send().await.map(drop)
}

fn shown(error: &Error, again: [bool; 2]) -> String {
    let predicates = [
        ("bad_request", error.is_bad_request()),
        ("unprocessable", error.is_unprocessable()),
        ("auth", error.is_auth()),
        ("not_found", error.is_not_found()),
        ("timeout", error.is_timeout()),
        ("conflict", error.is_conflict()),
        ("gone", error.is_gone()),
        ("rate_limited", error.is_rate_limited()),
        ("server_error", error.is_server_error()),
        ("not_daytona", error.is_not_daytona()),
        ("connect", error.is_connect()),
        ("build", error.is_build()),
    ];
    let predicates = predicates.iter().filter(|(_, holds)| *holds);
    let predicates: Vec<_> = predicates.map(|(name, _)| *name).collect();
    let [get, execute] = again.map(|again| if again { "yes" } else { "no" });
    let after = error.retry_after().map(|after| after.as_secs().to_string());
    format!(
        "{:?}; {}; {get} {execute}; {} {}; {}; {}; {}",
        error.kind(),
        predicates.join(" "),
        error.code().unwrap_or("-"),
        error.source_system().unwrap_or("-"),
        error.message().unwrap_or("-"),
        after.as_deref().unwrap_or("-"),
        if error.may_have_reached_server() {
            "reached"
        } else {
            "not reached"
        },
    )
}

#[tokio::test(start_paused = true)]
async fn every_way_to_fail_has_its_place() {
    for (way, wanted) in ROWS {
        let (first, second) = (script(way, true), script(way, true));
        let again = [get(&first).await.is_ok(), execute(&second).await.is_ok()];
        for (server, again) in [(&first, again[0]), (&second, again[1])] {
            assert_eq!(server.requests().len(), 1 + usize::from(again), "{wanted}");
        }
        let error = get(&script(way, false)).await.unwrap_err();
        assert_eq!(shown(&error, again), *wanted);
        assert_eq!(error.operation(), Some("getSandbox"));
        if let Answer(status, ..) = way {
            assert_eq!(error.status(), Some(*status), "{wanted}");
        }
        let error = execute(&script(way, false)).await.unwrap_err();
        assert_eq!(shown(&error, again), *wanted, "as for any other call");
    }
}
