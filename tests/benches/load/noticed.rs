//! g: from started to noticed, with the event socket and without.

use std::time::{Duration, Instant};

use context_vars::{Variable, Vars};
use daytona_env::DaytonaEnvironment;
use daytona_local::Server;
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::floor::Bare;
use crate::measure::{median, report};

/// A server in this process, on a thread of its own, so that both sides share one clock and the requests are counted.
fn server(create: Duration, events: bool) -> Server {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let builder = Server::builder()
        .isolation(daytona_local::Isolation::None)
        .canned_exec(daytona_local::CannedExec::new(0, "ok\n"))
        .create_delay(create)
        .events(events);
    runtime.block_on(builder.start()).unwrap()
}

/// A socket client that reads frames and no more.
struct BareSocket(WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>);

impl BareSocket {
    async fn open(server: &Server) -> Self {
        let url = server.api_url();
        let authority = url.trim_start_matches("http://").trim_end_matches("/api");
        let stream = TcpStream::connect(authority).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection.with_upgrades());
        let request = http::Request::builder()
            .uri("/api/socket.io/?EIO=4&transport=websocket")
            .header("host", authority)
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==")
            .body(Empty::<bytes::Bytes>::new())
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let io = TokioIo::new(hyper::upgrade::on(answer).await.unwrap());
        let mut socket = WebSocketStream::from_raw_socket(io, Role::Client, None).await;
        socket.next().await.unwrap().unwrap();
        let join = serde_json::json!({ "token": server.token() });
        let join = Message::text(format!("40{join}"));
        socket.send(join).await.unwrap();
        socket.next().await.unwrap().unwrap();
        Self(socket)
    }

    /// Returns when it is told that this sandbox has started.
    async fn started(&mut self, id: &str) {
        loop {
            let message = self.0.next().await.unwrap().unwrap();
            let Message::Text(text) = message else {
                continue;
            };
            let Some(event) = text.as_str().strip_prefix("42") else {
                continue;
            };
            let event: Value = serde_json::from_str(event).unwrap();
            let text = |pointer| event.pointer(pointer).and_then(Value::as_str);
            if text("/1/newState") == Some("started") && text("/1/sandbox/id") == Some(id) {
                return;
            }
        }
    }
}

/// The looks at sandboxes so far.
fn looks(server: &Server) -> usize {
    let route = &daytona_api::routes::control_plane::GET_SANDBOX;
    server.requests_to(route).len()
}

pub(crate) fn run(quick: bool) {
    let rounds = if quick { 3 } else { 21 };
    for (events, millis) in [(true, 90), (true, 700), (false, 700), (false, 90)] {
        case(events, Duration::from_millis(millis), rounds);
    }
}

fn case(events: bool, create: Duration, rounds: usize) {
    let server = server(create, events);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let environment = DaytonaEnvironment::builder()
        .api_url(server.api_url())
        .api_key(server.token())
        .scope(Variable::new("tenant"))
        .build()
        .unwrap();
    let bare = Bare::at(&server.api_url(), server.token());
    let command = bytes::Bytes::from_static(br#"{"command":"mkdir -p work"}"#);
    let open = async |tenant: usize| {
        let tenant = Vars::new().with("tenant", tenant.to_string());
        environment.open(&tenant).await.unwrap();
    };
    // connections, and the socket, are there before it counts
    runtime.block_on(open(rounds));
    let mut socket = events.then(|| runtime.block_on(BareSocket::open(&server)));
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    let (mut our_looks, mut floor_looks) = (0, 0);
    for round in 0..rounds {
        let (before, began) = (looks(&server), Instant::now());
        runtime.block_on(open(round));
        ours.push(began.elapsed().saturating_sub(create));
        our_looks += looks(&server) - before;

        let before = looks(&server);
        let began = Instant::now();
        let id = runtime.block_on(async {
            let (id, toolbox) = match &mut socket {
                None => bare.create().await,
                Some(socket) => {
                    let id = bare.begin().await;
                    socket.started(&id).await;
                    // as for ours: an event is a hint
                    let toolbox = bare.look(&id).await;
                    (id, toolbox)
                }
            };
            // ours makes the workdir
            bare.execute(&toolbox, &command).await;
            id
        });
        floor.push(began.elapsed().saturating_sub(create));
        floor_looks += looks(&server) - before;
        runtime.block_on(bare.delete(&id));
        // what the bare socket was told meanwhile is not for its next round
        if let Some(socket) = &mut socket {
            *socket = runtime.block_on(BareSocket::open(&server));
        }
    }
    let told = if events { "told" } else { "not told" };
    let name = format!(
        "g. started -> noticed, {told}, create {} ms",
        create.as_millis()
    );
    let both = (median(ours), median(floor));
    report(&name, both, events.then_some(2.0));
    if !events {
        let verdict = if both.0 <= Duration::from_millis(30) {
            "PASS"
        } else {
            "MISS"
        };
        println!("g. the same: ours <= 30 ms {verdict}");
    }
    let per = |looks: usize| looks as f64 / rounds as f64;
    println!(
        "g. the same: looks per create {:.1}, floor {:.1}",
        per(our_looks),
        per(floor_looks)
    );
    runtime.block_on(environment.close()).unwrap();
}
