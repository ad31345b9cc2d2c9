//! The MCP server: when a session ends, and what that does. A real client is tried with the command.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sandbox_core::{
    CloseError, Error, ErrorKind, Leftover, LocalEnvironment, Sandbox, SandboxFactory, Secret,
    Source,
};
use sandbox_tools::mcp::{McpServer, SESSION_VARIABLE};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const TOKEN: &str = "a-token-of-the-tests";

/// A local factory that is looked at.
#[derive(Clone, Debug, Default)]
struct Seen {
    opened: Arc<AtomicUsize>,
    closed: Arc<AtomicUsize>,
    fails: bool,
}

#[derive(Debug)]
struct Watched {
    local: LocalEnvironment,
    seen: Seen,
}

impl Seen {
    fn factory(&self) -> Watched {
        Watched {
            local: LocalEnvironment::builder().build().unwrap(),
            seen: self.clone(),
        }
    }

    fn server(&self) -> sandbox_tools::mcp::McpServerBuilder {
        let seen = self.clone();
        McpServer::per_session(move |_| Ok(Arc::new(seen.factory())))
    }

    fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }

    fn closed(&self) -> usize {
        self.closed.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl SandboxFactory for Watched {
    async fn open(&self, context: &dyn Source) -> Result<Arc<dyn Sandbox>, Error> {
        assert!(context.get(SESSION_VARIABLE).is_some());
        self.seen.opened.fetch_add(1, Ordering::SeqCst);
        SandboxFactory::open(&self.local, context).await
    }

    async fn close(&self) -> Result<(), CloseError> {
        self.seen.closed.fetch_add(1, Ordering::SeqCst);
        self.local.close().await?;
        if self.seen.fails {
            let why = Error::new(ErrorKind::Unavailable, "cannot be reached");
            return Err(CloseError::new(vec![Leftover::new(None, "denv-left", why)]));
        }
        Ok(())
    }
}

fn message(id: u32, method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

fn hello() -> String {
    let client = json!({"name": "test", "version": "1"});
    let params = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
    message(0, "initialize", &params)
}

fn shell(id: u32, command: &str) -> String {
    let params = json!({"name": "run_shell_command", "arguments": {"command": command}});
    message(id, "tools/call", &params)
}

/// One client over a pair of streams: gives these lines, and reads as many answers as there are requests.
async fn over_streams(server: &McpServer, lines: &[String]) -> Vec<Value> {
    let (client, ours) = tokio::io::duplex(1024 * 1024);
    let (read, write) = tokio::io::split(ours);
    let talk = async {
        let (read, mut write) = tokio::io::split(client);
        let mut answers = BufReader::new(read).lines();
        let mut all = Vec::new();
        for line in lines {
            write
                .write_all(format!("{line}\n").as_bytes())
                .await
                .unwrap();
            if line.contains("\"id\"") {
                let answer = answers.next_line().await.unwrap().unwrap();
                all.push(serde_json::from_str(&answer).unwrap());
            }
        }
        write.shutdown().await.unwrap();
        all
    };
    let ((), all) = tokio::join!(server.serve(read, write), talk);
    all
}

fn initialized() -> String {
    json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string()
}

#[tokio::test]
async fn listing_opens_nothing_and_calls_share_a_sandbox() {
    let seen = Seen::default();
    let server = seen.server().build().unwrap();
    let list = message(1, "tools/list", &json!({}));
    let answers = over_streams(&server, &[hello(), initialized(), list]).await;
    let tools = answers[1].pointer("/result/tools").unwrap();
    assert_eq!(tools.as_array().unwrap().len(), 8);
    // serde_json keeps the order of members in some builds
    insta::with_settings!({ sort_maps => true }, {
        insta::assert_json_snapshot!(&tools[0]);
    });
    assert_eq!(seen.opened(), 0);

    let calls = [
        hello(),
        initialized(),
        shell(1, "echo x > f"),
        shell(2, "cat f"),
    ];
    let answers = over_streams(&server, &calls).await;
    assert_eq!(
        answers[2].pointer("/result/content/0/text"),
        Some(&json!("x"))
    );
    assert_eq!(seen.opened(), 2);
    let another = [hello(), initialized(), shell(1, "cat f")];
    let answers = over_streams(&server, &another).await;
    assert_eq!(answers[1].pointer("/result/isError"), Some(&json!(true)));
    server.close().await.unwrap();
    assert_eq!(seen.closed(), 3);
}

#[tokio::test]
async fn what_a_session_left_is_told_by_close() {
    let seen = Seen {
        fails: true,
        ..Seen::default()
    };
    let server = seen.server().build().unwrap();
    over_streams(&server, &[hello(), initialized(), shell(1, "true")]).await;
    let left = server.close().await.unwrap_err();
    assert_eq!(left.errors().len(), 1);
    assert!(left.to_string().contains("denv-left"), "{left}");
}

#[tokio::test]
async fn a_shared_factory_is_its_owners_to_close() {
    let seen = Seen::default();
    let server = McpServer::shared(seen.factory()).build().unwrap();
    over_streams(&server, &[hello(), initialized(), shell(1, "true")]).await;
    server.close().await.unwrap();
    assert_eq!((seen.opened(), seen.closed()), (1, 0));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let seen = Seen::default();
    let minute = Duration::from_secs(60);
    for builder in [
        seen.server().timeout(Duration::ZERO),
        seen.server().timeout(minute).idle(minute),
        seen.server().max_sessions(0),
    ] {
        assert_eq!(builder.build().unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn others_than_this_machine_are_not_served() {
    let server = Seen::default().server().build().unwrap();
    let everybody = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let error = server
        .serve_http(everybody, Secret::new(TOKEN))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let loopback = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = server
        .serve_http(loopback, Secret::new("short"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

/// A client over HTTP, one connection for each request.
struct Web {
    port: u16,
    session: Option<String>,
}

impl Web {
    async fn start(server: &McpServer) -> (Self, JoinSet<Result<(), Error>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = server.clone();
        let mut serving = JoinSet::new();
        serving.spawn(async move { server.serve_http(listener, Secret::new(TOKEN)).await });
        let session = None;
        (Self { port, session }, serving)
    }

    /// Status and the rest of the answer, up to the end of the message.
    async fn ask(&mut self, method: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let session = self
            .session
            .as_ref()
            .map_or_else(String::new, |id| format!("Mcp-Session-Id: {id}\r\n"));
        let request = format!(
            "{method} /mcp HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {TOKEN}\r\n{session}Connection: close\r\n\
             Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        if let Some(id) = answer
            .lines()
            .find_map(|line| line.strip_prefix("mcp-session-id: "))
        {
            self.session = Some(id.trim().to_owned());
        }
        (status, answer)
    }

    async fn begin(&mut self) -> u16 {
        self.session = None;
        let (status, _) = self.ask("POST", &hello()).await;
        if status == 200 {
            assert_eq!(self.ask("POST", &initialized()).await.0, 202);
        }
        status
    }
}

/// Waits for a condition, by the real clock.
async fn until(what: &str, condition: impl Fn() -> bool + Send + Sync) {
    let holds = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(30), holds).await;
    assert!(in_time.is_ok(), "not in time: {what}");
}

#[tokio::test]
async fn a_session_over_http_ends_with_delete_and_when_it_is_quiet() {
    let seen = Seen::default();
    let idle = Duration::from_secs(20 * 60);
    let server = seen.server().idle(idle).build().unwrap();
    let (mut web, mut serving) = Web::start(&server).await;

    assert_eq!(web.begin().await, 200);
    let (status, answer) = web.ask("POST", &shell(1, "echo hello")).await;
    assert!(status == 200 && answer.contains("hello"), "{answer}");
    assert_eq!(seen.closed(), 0);
    let (status, _) = web.ask("DELETE", "").await;
    assert!((200..300).contains(&status), "{status}");
    until("its sandbox is removed", || seen.closed() == 1).await;
    assert_eq!(web.ask("POST", &shell(2, "true")).await.0, 404);

    assert_eq!(web.begin().await, 200);
    assert_eq!(web.ask("POST", &shell(1, "true")).await.0, 200);
    tokio::time::pause();
    tokio::time::advance(idle + Duration::from_secs(1)).await;
    tokio::time::resume();
    until("its sandbox is removed", || seen.closed() == 2).await;
    assert_eq!(web.ask("POST", &shell(2, "true")).await.0, 404);

    server.close().await.unwrap();
    serving.join_next().await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn sessions_are_bounded_and_all_end_with_the_server() {
    let seen = Seen::default();
    let server = seen.server().max_sessions(2).build().unwrap();
    let (mut web, mut serving) = Web::start(&server).await;
    for _ in 0..2 {
        assert_eq!(web.begin().await, 200);
        assert_eq!(web.ask("POST", &shell(1, "true")).await.0, 200);
    }
    let first = web.session.clone();
    assert_eq!(web.begin().await, 500);
    web.session = first;
    assert_eq!(web.ask("DELETE", "").await.0 / 100, 2);
    until("a place is free", || seen.closed() == 1).await;
    let mut again = web.begin().await;
    while again != 200 {
        again = web.begin().await;
    }
    server.close().await.unwrap();
    assert_eq!((seen.opened(), seen.closed()), (2, 2));
    serving.join_next().await.unwrap().unwrap().unwrap();
}
