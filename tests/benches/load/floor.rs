//! A bare hyper-util client that sends what is needed and no more.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::process::Process;

/// Between two looks at a sandbox that is being created.
const POLL: Duration = Duration::from_millis(10);

#[derive(Clone)]
pub(crate) struct Bare {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
    authorization: String,
}

impl Bare {
    pub(crate) fn new(server: &Process) -> Self {
        Self::at(&server.url, &server.token)
    }

    pub(crate) fn at(url: &str, token: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            url: url.to_owned(),
            authorization: format!("Bearer {token}"),
        }
    }

    pub(crate) async fn send(&self, method: Method, url: &str, body: Bytes) -> Bytes {
        let (status, answer) = self.answer(method, url, body).await;
        assert!((200..300).contains(&status), "{status}");
        answer
    }

    async fn answer(&self, method: Method, url: &str, body: Bytes) -> (u16, Bytes) {
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header("authorization", &self.authorization)
            .header("content-type", "application/json")
            .body(Full::new(body))
            .unwrap();
        let answer = self.client.request(request).await.unwrap();
        let status = answer.status().as_u16();
        (
            status,
            answer.into_body().collect().await.unwrap().to_bytes(),
        )
    }

    /// A create, and looks until it is started; gives id and toolbox address.
    pub(crate) async fn create(&self) -> (String, String) {
        let body = Bytes::from_static(br#"{"autoStopInterval":5,"autoDeleteInterval":0}"#);
        let url = format!("{}/sandbox", self.url);
        let answer = self.send(Method::POST, &url, body).await;
        let mut answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        while answer.get("state").and_then(|state| state.as_str()) != Some("started") {
            tokio::time::sleep(POLL).await;
            let id = answer.get("id").and_then(|id| id.as_str()).unwrap();
            let url = format!("{url}/{id}");
            let row = self.send(Method::GET, &url, Bytes::new()).await;
            answer = serde_json::from_slice(&row).unwrap();
        }
        let text = |name: &str| {
            answer
                .get(name)
                .and_then(|value| value.as_str())
                .unwrap()
                .to_owned()
        };
        let id = text("id");
        let toolbox = format!("{}/{id}", text("toolboxProxyUrl").trim_end_matches('/'));
        (id, toolbox)
    }

    /// The same, and what an open asks of a sandbox that runs: its workdir made, and tried; without isolation the first
    /// choice is refused. Gives the id.
    pub(crate) async fn open(&self) -> String {
        let (id, toolbox) = self.create().await;
        let folder = |path: &str| format!("{toolbox}/files/folder?path={path}&mode=0755");
        let first = folder("/workspace");
        let (status, _) = self.answer(Method::POST, &first, Bytes::new()).await;
        assert_eq!(status, 403);
        let base = format!("{toolbox}/work-dir");
        let base = self.send(Method::GET, &base, Bytes::new()).await;
        let base: serde_json::Value = serde_json::from_slice(&base).unwrap();
        let dir = base.get("dir").and_then(|dir| dir.as_str()).unwrap();
        let dir = format!("{dir}/workspace");
        self.send(Method::POST, &folder(&dir), Bytes::new()).await;
        let probe =
            serde_json::json!({"command": "test -w . || echo denied", "cwd": dir, "timeout": 10});
        self.execute(&toolbox, &probe.to_string().into()).await;
        id
    }

    /// A create that is not waited for; gives the id.
    pub(crate) async fn begin(&self) -> String {
        let body = Bytes::from_static(br#"{"autoStopInterval":5,"autoDeleteInterval":0}"#);
        let url = format!("{}/sandbox", self.url);
        let answer = self.send(Method::POST, &url, body).await;
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        let id = answer.get("id").and_then(|id| id.as_str());
        id.unwrap().to_owned()
    }

    /// One look; gives the toolbox address.
    pub(crate) async fn look(&self, id: &str) -> String {
        let url = format!("{}/sandbox/{id}", self.url);
        let row = self.send(Method::GET, &url, Bytes::new()).await;
        let row: serde_json::Value = serde_json::from_slice(&row).unwrap();
        let toolbox = row.get("toolboxProxyUrl").and_then(|url| url.as_str());
        format!("{}/{id}", toolbox.unwrap().trim_end_matches('/'))
    }

    pub(crate) async fn delete(&self, id: &str) {
        let url = format!("{}/sandbox/{id}", self.url);
        self.send(Method::DELETE, &url, Bytes::new()).await;
    }

    pub(crate) async fn execute(&self, toolbox: &str, body: &Bytes) -> serde_json::Value {
        let url = format!("{toolbox}/process/execute");
        let answer = self.send(Method::POST, &url, body.clone()).await;
        serde_json::from_slice(&answer).unwrap()
    }
}
