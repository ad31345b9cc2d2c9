//! What does not do the same twice is sent once: with every method by hand, against a server on loopback that counts.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use daytona_api::routes::{ALL, Method};
use daytona_api::test_util::Scripted;
use daytona_api::transport::{Body, ByteStream, HyperTransport, Transport, TransportError};
use daytona_api::{Config, Daytona};
use futures_util::FutureExt;
use futures_util::future::join_all;

use super::{Group, Lab, OPERATIONS, coverage};
use crate::support::{Do, KEY, Server, answer};

/// What the server does with the request that is to fail.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Answer(u16),
    /// Resets the connection after reading the request.
    Reset,
    /// Closes a connection that was in use before as soon as the request begins to arrive.
    Close,
}

impl Trouble {
    fn steps(self) -> Vec<Do> {
        match self {
            Self::Answer(status) => vec![answer(&format!("{status} X"), "", "")],
            Self::Reset => vec![Do::Reset],
            Self::Close => vec![answer("200 OK", "", ""), Do::Close],
        }
    }
}

/// Answers from the script, but one request goes to a real server, through a real pool.
#[derive(Debug)]
struct Troubled {
    script: Scripted,
    real: HyperTransport,
    port: u16,
    trouble: Trouble,
    /// Which request.
    at: usize,
    /// Method and path of each request.
    asked: Mutex<Vec<(String, String)>>,
}

impl Troubled {
    /// The request for the server, if it is the one.
    async fn pick(
        &self,
        mut request: http::Request<Body>,
    ) -> Result<Result<http::Request<Body>, http::Request<Body>>, TransportError> {
        let path = request.uri().path().to_owned();
        let method = request.method().as_str().to_owned();
        {
            let mut asked = self.asked.lock().unwrap();
            asked.push((method, path));
            if asked.len() != self.at + 1 {
                return Ok(Err(request));
            }
        }
        let path = request.uri().path_and_query().unwrap().clone();
        *request.uri_mut() = format!("http://127.0.0.1:{}{path}", self.port)
            .parse()
            .unwrap();
        if matches!(self.trouble, Trouble::Close) {
            let mut first = http::Request::new(Body::default());
            *first.uri_mut() = format!("http://127.0.0.1:{}/first", self.port)
                .parse()
                .unwrap();
            let mut body = self.real.send(first).await?.into_body();
            while let Some(piece) = http_body_util::BodyExt::frame(&mut body).await {
                piece?;
            }
        }
        Ok(Ok(request))
    }
}

#[async_trait::async_trait]
impl Transport for Troubled {
    async fn send(
        &self,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, TransportError> {
        match self.pick(request).await? {
            Ok(request) => self.real.send(request).await,
            Err(request) => self.script.send(request).await,
        }
    }

    async fn upgrade(
        &self,
        request: http::Request<Body>,
    ) -> Result<(http::Response<Body>, Option<Box<dyn ByteStream>>), TransportError> {
        match self.pick(request).await? {
            Ok(request) => self.real.upgrade(request).await,
            Err(request) => self.script.upgrade(request).await,
        }
    }
}

/// One run of a group, the request at `at` in trouble: that request, and whether it was made again.
async fn run(group: Group, trouble: Trouble, at: usize) -> (&'static str, bool) {
    let server = Server::new(trouble.steps()).await;
    let script = Scripted::new();
    let transport = Arc::new(Troubled {
        script: script.clone(),
        real: HyperTransport::new(),
        port: server.port,
        trouble,
        at,
        asked: Mutex::default(),
    });
    let api = Daytona::builder(Config::new(KEY)).transport(Arc::<Troubled>::clone(&transport));
    let lab = Lab::over(script, api.build().unwrap());
    // a call that fails ends the group
    let whole = AssertUnwindSafe(group(&lab)).catch_unwind().await.is_ok();
    let asked = transport.asked.lock().unwrap().clone();
    let operation = coverage::operation(&asked[at].0, &asked[at].1);
    let warm = usize::from(matches!(trouble, Trouble::Close));
    assert_eq!(server.requests() - warm, 1, "{operation:?} {trouble:?}");
    let failed = lab.failed.lock().unwrap().take();
    match failed {
        Some(error) => {
            assert!(error.may_have_reached_server(), "{error:?} {trouble:?}");
            assert_eq!(error.operation(), Some(operation.id));
            (operation.id, false)
        }
        None => {
            assert!(whole, "{operation:?}");
            (operation.id, asked.get(at + 1) == asked.get(at))
        }
    }
}

#[tokio::test]
async fn what_is_not_the_same_twice_is_sent_once() {
    let (mut again, mut once) = (BTreeSet::new(), BTreeSet::new());
    for (_, group) in OPERATIONS {
        let lab = Lab::new();
        group(&lab).await;
        let requests = lab.server.requests().len();
        for trouble in [
            Trouble::Answer(502),
            Trouble::Answer(503),
            Trouble::Answer(504),
            Trouble::Reset,
            Trouble::Close,
        ] {
            let runs = (0..requests).map(|at| run(group, trouble, at));
            for (id, repeated) in join_all(runs).await {
                let set = if repeated { &mut again } else { &mut once };
                set.insert(id);
            }
        }
    }
    let both: Vec<_> = again.intersection(&once).collect();
    assert!(both.is_empty(), "now so, now so: {both:?}");
    let kinds = |ids: &BTreeSet<&str>, methods: [Method; 2]| {
        let of = |id: &&&str| {
            let route = ALL.iter().find(|route| route.id == **id).unwrap();
            methods.contains(&route.method)
                || methods[0] == Method::Get && route.method == Method::Put
        };
        let found: Vec<&str> = ids.iter().filter(of).copied().collect();
        found.join("\n")
    };
    insta::assert_snapshot!(format!(
        "# POST and PATCH that are made again\n{}\n\n# GET, PUT and DELETE that are not\n{}\n\n# POST and PATCH that are not\n{}",
        kinds(&again, [Method::Post, Method::Patch]),
        kinds(&once, [Method::Get, Method::Delete]),
        kinds(&once, [Method::Post, Method::Patch]),
    ));
}
