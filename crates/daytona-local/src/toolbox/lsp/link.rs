//! What is said to a language server, and what it answers.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::wire;

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);

/// How many bytes of answers a server may leave unread. One that asks and does not read is not listened to.
const UNREAD: usize = 1 << 20;

/// A request of ours that the server does not know of, as JSON-RPC has it.
const NO_METHOD: i64 = -32_601;

/// Why there is no answer.
pub(super) enum Trouble {
    /// The server has ended.
    Ended,
    Late(Duration),
    /// What the server says.
    Refused(String),
}

type Answer = Result<Value, String>;

/// What is to be written; an answer counts as unread until it is dropped.
pub(super) type Said = (Bytes, Option<Unread>);

/// Bytes of one answer, and of all that are not written yet.
pub(super) struct Unread {
    bytes: usize,
    all: Arc<AtomicUsize>,
}

impl Unread {
    /// `None` if that is more than may be.
    fn new(all: &Arc<AtomicUsize>, bytes: usize) -> Option<Self> {
        let before = all.fetch_add(bytes, Ordering::Relaxed);
        let all = Arc::clone(all);
        let counted = Self { bytes, all };
        (before.saturating_add(bytes) <= UNREAD).then_some(counted)
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// To one language server, until it ends.
pub(crate) struct Link {
    says: mpsc::UnboundedSender<Said>,
    unread: Arc<AtomicUsize>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
    next: AtomicU64,
    over: AtomicBool,
    /// The files that are open, with their versions.
    files: Mutex<HashMap<String, u64>>,
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    /// What is to be written comes out of the receiver.
    pub(super) fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Said>) {
        let (says, said) = mpsc::unbounded_channel();
        let link = Self {
            says,
            unread: Arc::default(),
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
        drop(self.says.send((wire::written(message), None)));
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

    /// Takes in what the server says; an error if it leaves too much unread for that.
    pub(super) fn hear(&self, mut message: Value) -> io::Result<()> {
        let id = message.get("id").cloned();
        if let Some(method) = message.get("method").and_then(Value::as_str) {
            // what it only tells is for editors
            if let Some(id) = id {
                let answer = wire::written(&match answer(method, &message) {
                    Some(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
                    None => {
                        let error = json!({ "code": NO_METHOD, "message": "not known here" });
                        json!({ "jsonrpc": "2.0", "id": id, "error": error })
                    }
                });
                let unread = Unread::new(&self.unread, answer.len());
                let unread = unread.ok_or_else(|| io::Error::other("it does not read"))?;
                drop(self.says.send((answer, Some(unread))));
            }
            return Ok(());
        }
        let waits = id
            .and_then(|id| id.as_u64())
            .and_then(|id| lock(&self.waiting).remove(&id));
        let Some(waits) = waits else {
            return Ok(());
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
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_asks_and_does_not_read_is_an_error() {
        let (link, mut said) = Link::new();
        let asks = || link.hear(json!({ "id": 1, "method": "workspace/applyEdit" }));
        let mut asked = 0;
        while asks().is_ok() {
            asked += 1;
            assert!(asked < UNREAD, "more than a byte each");
        }
        // what is read makes room again
        drop(said.try_recv().unwrap());
        asks().unwrap();
        asks().unwrap_err();
        let many = json!({ "items": vec![0; UNREAD] });
        let large = json!({ "id": 2, "method": "workspace/configuration", "params": many });
        while said.try_recv().is_ok() {}
        link.hear(large).unwrap_err();
    }
}
