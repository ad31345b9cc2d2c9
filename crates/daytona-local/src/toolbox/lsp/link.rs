//! What is said to a language server, and what it answers.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::wire;

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);

/// A request of ours that the server does not know of, as JSON-RPC has it.
const NO_METHOD: i64 = -32_601;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server has ended.
    Ended,
    Late(Duration),
    /// What the server says.
    Refused(String),
}

type Answer = Result<Value, String>;

/// To one language server, until it ends.
pub(crate) struct Link {
    says: mpsc::UnboundedSender<Bytes>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
    next: AtomicU64,
    over: AtomicBool,
    /// The files that are open, with their versions.
    files: Mutex<HashMap<String, u64>>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    /// What is to be written comes out of the receiver.
    pub(super) fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Bytes>) {
        let (says, said) = mpsc::unbounded_channel();
        let link = Self {
            says,
            waiting: Mutex::default(),
            next: AtomicU64::new(1),
            over: AtomicBool::new(false),
            files: Mutex::default(),
        };
        (Arc::new(link), said)
    }

    pub(super) fn over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// The server has ended: nobody waits any longer.
    pub(super) fn end(&self) {
        let mut waiting = lock(&self.waiting);
        self.over.store(true, Ordering::Release);
        waiting.clear();
    }

    fn say(&self, message: &Value) {
        // one that has ended is noticed where it is read
        drop(self.says.send(wire::written(message)));
    }

    pub(super) fn tell(&self, method: &str, params: &Value) {
        self.say(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    pub(super) async fn ask(&self, method: &str, params: Value) -> Result<Value, Trouble> {
        self.ask_within(ANSWER, method, params).await
    }

    pub(super) async fn ask_within(
        &self,
        limit: Duration,
        method: &str,
        params: Value,
    ) -> Result<Value, Trouble> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        {
            let mut waiting = lock(&self.waiting);
            if self.over() {
                return Err(Trouble::Ended);
            }
            waiting.insert(id, sender);
        }
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        match timeout(limit, answer).await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(refused))) => Err(Trouble::Refused(refused)),
            Ok(Err(_)) => Err(Trouble::Ended),
            Err(_) => {
                lock(&self.waiting).remove(&id);
                self.tell("$/cancelRequest", &json!({ "id": id }));
                Err(Trouble::Late(limit))
            }
        }
    }

    /// Takes in what the server says.
    pub(super) fn hear(&self, mut message: Value) {
        let id = message.get("id").cloned();
        if let Some(method) = message.get("method").and_then(Value::as_str) {
            // what it only tells is for editors
            if let Some(id) = id {
                let answer = answer(method, &message);
                self.say(&match answer {
                    Some(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
                    None => {
                        let error = json!({ "code": NO_METHOD, "message": "not known here" });
                        json!({ "jsonrpc": "2.0", "id": id, "error": error })
                    }
                });
            }
            return;
        }
        let waits = id
            .and_then(|id| id.as_u64())
            .and_then(|id| lock(&self.waiting).remove(&id));
        let Some(waits) = waits else {
            return;
        };
        let answer = match message.get("error").filter(|error| !error.is_null()) {
            Some(error) => {
                let message = error.get("message").and_then(Value::as_str);
                Err(message.unwrap_or("it gives no reason").to_owned())
            }
            None => Ok(message
                .get_mut("result")
                .map(Value::take)
                .unwrap_or_default()),
        };
        // who asked may have gone
        drop(waits.send(answer));
    }

    /// Tells of a file, or of what one that is open has become.
    pub(super) fn open(&self, uri: &str, language: &str, content: &str) {
        let mut files = lock(&self.files);
        let version = files.entry(uri.to_owned()).or_default();
        *version += 1;
        if *version == 1 {
            let document = json!({
                "uri": uri, "languageId": language, "version": 1, "text": content,
            });
            self.tell("textDocument/didOpen", &json!({ "textDocument": document }));
        } else {
            let document = json!({ "uri": uri, "version": *version });
            let params =
                json!({ "textDocument": document, "contentChanges": [{ "text": content }] });
            self.tell("textDocument/didChange", &params);
        }
    }

    /// A file that is not open is left alone.
    pub(super) fn close(&self, uri: &str) {
        if lock(&self.files).remove(uri).is_some() {
            self.tell(
                "textDocument/didClose",
                &json!({ "textDocument": { "uri": uri } }),
            );
        }
    }
}

/// The answer to what a server asks its client, which has nothing set and shows nothing.
fn answer(method: &str, message: &Value) -> Option<Value> {
    match method {
        "workspace/configuration" => {
            let items = message.pointer("/params/items").and_then(Value::as_array);
            Some(vec![Value::Null; items.map_or(0, Vec::len)].into())
        }
        "workspace/applyEdit" => Some(json!({ "applied": false })),
        "client/registerCapability"
        | "client/unregisterCapability"
        | "window/workDoneProgress/create"
        | "window/showMessageRequest"
        | "workspace/workspaceFolders" => Some(Value::Null),
        _ => None,
    }
}
