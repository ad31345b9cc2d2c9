//! One request to a program in a sandbox, and its answer, both as they come.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::SET_COOKIE;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Either, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::{Visit, headers, tunnel};
use crate::server::Call;
use crate::server::app::App;
use crate::server::connection::Wire;
use crate::server::reply::{Failure, Reply};
use crate::server::unserved::nothing_runs;
use crate::toolbox;

/// Nothing that listens on this machine takes longer to be connected to.
const CONNECT: Duration = Duration::from_secs(10);

/// Answers what the program answers. It runs with the client's connection: a client that leaves ends it.
pub(crate) async fn serve(app: &Arc<App>, mut call: Call, visit: Visit) -> Reply {
    let (method, path) = (call.method.clone(), call.path.clone());
    let answered = forward(app, &mut call, &visit).await;
    let mut reply =
        answered.unwrap_or_else(|failure| failure.of_proxy(&method, &path, app.clock.now()));
    if let Some(cookie) = visit.cookie {
        reply.0.headers_mut().append(SET_COOKIE, cookie);
    }
    reply
}

async fn forward(app: &Arc<App>, call: &mut Call, visit: &Visit) -> Result<Reply, Failure> {
    if app.options.in_place {
        return Err(nothing_runs("preview"));
    }
    let (address, sandbox) = (&visit.address, visit.sandbox.as_str());
    let activity = toolbox::begin(app, call)?;
    let wire = connect(app, sandbox, address.port).await?;

    let wanted = headers::upgrade(&call.headers);
    let mut head = headers::request(&call.headers, address, &visit.secrets, sandbox);
    if let Some(protocol) = &wanted {
        headers::switch(&mut head, protocol.clone());
    }
    let asked = head.clone();
    let body = call
        .body
        .take()
        .map_or_else(|| Either::Right(Empty::<Bytes>::new()), Either::Left);
    let method = call.method.as_str();
    let target = headers::target(address, &visit.secrets, sandbox);
    let request = Request::builder().method(method).uri(target).body(body);
    let mut request = request.map_err(|error| Failure::bad(format!("bad request: {error}")))?;
    *request.headers_mut() = head;

    let broken = |_| unanswered(address.port);
    let (mut sender, connection) =
        http1::handshake::<_, Either<Incoming, Empty<Bytes>>>(TokioIo::new(wire))
            .await
            .map_err(broken)?;
    let stop = app.stop.clone();
    let driven = app.spawn(async move {
        tokio::select! {
            // how it ends is told where its answer is read
            _ = connection.with_upgrades() => {}
            () = stop.cancelled() => {}
        }
    });
    let driven = AbortOnDropHandle::new(driven);
    let mut answer = sender.send_request(request).await.map_err(broken)?;

    let mut head = headers::response(answer.headers(), address, sandbox, &asked, &call.headers);
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        let theirs = headers::upgrade(answer.headers());
        let (Some(_), Some(protocol), Some(client)) = (wanted, theirs, call.upgrade.take()) else {
            return Err(unanswered(address.port));
        };
        headers::switch(&mut head, protocol);
        tunnel::join(
            app,
            client,
            hyper::upgrade::on(&mut answer),
            (activity, driven),
        );
        let mut reply = Reply::empty(101);
        *reply.0.headers_mut() = head;
        return Ok(reply);
    }
    let status = answer.status();
    let body = answer.into_body().map_err(io::Error::other);
    // what drives the connection goes with the body
    let body = body.map_frame(move |frame| {
        let _kept = &driven;
        frame
    });
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    *response.headers_mut() = head;
    Ok(activity.attach(Reply(response)))
}

/// To the sandbox's own program on this port, and to no other.
async fn connect(app: &Arc<App>, sandbox: &str, port: u16) -> Result<Wire, Failure> {
    let cell = app.cell(sandbox).await?;
    let network = !app.store().keeps(sandbox)?.network_block_all;
    let listeners = toolbox::port::listeners(&cell).await?;
    let Some(place) = listeners.reach(port) else {
        return Err(bad_gateway(if listeners.ports().contains(&port) {
            format!("port {port} is not the sandbox's alone")
        } else {
            format!("nothing in the sandbox listens on port {port}")
        }));
    };
    let refused = |error: io::Error| {
        bad_gateway(format!(
            "port {port} of the sandbox took no connection: {error}"
        ))
    };
    let late = |_| {
        bad_gateway(format!(
            "port {port} of the sandbox took no connection in time"
        ))
    };
    if !listeners.shared {
        let dialed = timeout(CONNECT, cell.dial(network, place.address))
            .await
            .map_err(late)?;
        return Ok(Wire::Other(Box::new(dialed.map_err(refused)?)));
    }
    let connected = timeout(CONNECT, TcpStream::connect(place.address))
        .await
        .map_err(late)?;
    let wire = connected.map_err(refused)?;
    // somebody else may have come in its place meanwhile
    if !listeners.still(place).await {
        return Err(bad_gateway(format!(
            "port {port} is not the sandbox's alone"
        )));
    }
    drop(wire.set_nodelay(true));
    Ok(Wire::Tcp(wire))
}

fn unanswered(port: u16) -> Failure {
    bad_gateway(format!(
        "what listens on port {port} of the sandbox gave no answer in HTTP/1"
    ))
}

fn bad_gateway(message: impl std::fmt::Display) -> Failure {
    Failure::new(502, "BAD_GATEWAY", format!("bad gateway: {message}"))
}
