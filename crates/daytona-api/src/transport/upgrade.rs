//! Connections that switch to another protocol.

use std::time::Duration;

use http::header::HOST;
use http::{HeaderValue, StatusCode, Uri};
use hyper::client::conn::http1;
use hyper::rt::Executor;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::time::{Instant, timeout_at};
use tower_service::Service;

use super::connect::Dial;
use super::{Body, ByteStream, Phase, TransportError, Wait};

pub(super) async fn upgrade(
    mut dial: Dial,
    mut request: http::Request<Body>,
) -> Result<(http::Response<Body>, Option<Box<dyn ByteStream>>), TransportError> {
    let now = Instant::now();
    let wait = request.extensions().get::<Wait>().copied().unwrap_or(Wait {
        head: Duration::from_secs(10),
        deadline: now + Duration::from_secs(60),
    });
    let connect = |source| TransportError::new(Phase::Connect).with_source(source);
    let until = (now + wait.head).min(wait.deadline);
    let parts = request.uri().clone().into_parts();
    let (Some(authority), Some(path)) = (&parts.authority, parts.path_and_query.clone()) else {
        return Err(TransportError::new(Phase::Connect));
    };
    let host = HeaderValue::from_str(authority.as_str())
        .map_err(|_| TransportError::new(Phase::Connect))?;
    let dialing = dial.call(request.uri().clone());
    let connection = timeout_at(until, dialing)
        .await
        .map_err(|_| TransportError::timeout(Phase::Connect))?
        .map_err(connect)?;
    let handshake = http1::handshake::<_, Body>(connection).await;
    let (mut sender, driver) =
        handshake.map_err(|error| TransportError::new(Phase::Connect).with_source(error))?;
    // ends with the connection, which goes with the answer's body or with the stream
    TokioExecutor::new().execute(async move {
        drop(driver.with_upgrades().await);
    });
    request.headers_mut().insert(HOST, host);
    *request.uri_mut() = Uri::from(path);
    let answer = timeout_at(until, sender.send_request(request))
        .await
        .map_err(|_| TransportError::timeout(Phase::Exchange))?
        .map_err(|error| TransportError::new(Phase::Exchange).with_source(error))?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        let body = |error| TransportError::new(Phase::Body).with_source(error);
        let answer =
            answer.map(|incoming| Body::wrap(http_body_util::BodyExt::map_err(incoming, body)));
        return Ok((answer, None));
    }
    let mut head = http::Response::new(Body::empty());
    *head.status_mut() = answer.status();
    *head.headers_mut() = answer.headers().clone();
    let upgraded = timeout_at(until, hyper::upgrade::on(answer))
        .await
        .map_err(|_| TransportError::timeout(Phase::Exchange))?
        .map_err(|error| TransportError::new(Phase::Exchange).with_source(error))?;
    Ok((head, Some(Box::new(TokioIo::new(upgraded)))))
}
