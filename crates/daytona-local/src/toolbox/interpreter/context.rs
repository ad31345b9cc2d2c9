//! One context: a Python process that runs code for it.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;

use crate::app::App;
use crate::ident;
use crate::isolate::cell::Cell;
use crate::isolate::launch::Start;
use crate::isolate::scan;
use crate::toolbox::Place;

const WORKER: &str = concat!(include_str!("../charts.py"), include_str!("worker.py"));

/// A run.
pub(super) struct Asked {
    pub(super) code: String,
    pub(super) env: BTreeMap<String, String>,
}

/// What a worker tells, as JSON.
pub(super) enum Event {
    Told(String),
    /// The last of a run.
    Over(String),
}

pub(crate) struct Context {
    pub(super) id: String,
    cwd: String,
    env: BTreeMap<String, String>,
    network: bool,
    nonce: String,
    created_at: Timestamp,
    /// Held by the run.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// The living worker: what it is asked, and where to its events go.
    worker: Mutex<Option<Worker>>,
}

#[derive(Clone)]
struct Worker {
    requests: mpsc::UnboundedSender<Bytes>,
    events: Arc<Mutex<Option<mpsc::Sender<Event>>>>,
}

impl Context {
    pub(super) fn new(app: &App, place: &Place, id: &str, cwd: &str) -> Self {
        Self {
            id: id.to_owned(),
            cwd: place.cell.absolute(cwd),
            env: place.env.clone(),
            network: place.network,
            nonce: ident::uuid(),
            created_at: app.clock.now(),
            turn: tokio::sync::Mutex::new(()),
            worker: Mutex::new(None),
        }
    }

    fn known(&self) -> Option<Worker> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Worker>> {
        self.worker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the worker if none lives.
    pub(super) async fn worker(
        this: &Arc<Self>,
        app: &Arc<App>,
        cell: &Arc<Cell>,
    ) -> io::Result<()> {
        if this.known().is_some() {
            return Ok(());
        }
        let folder = tokio::task::spawn_blocking({
            let (cell, cwd) = (Arc::clone(cell), this.cwd.clone());
            move || cell.is_folder(&cwd)
        });
        if !folder.await.unwrap_or(false) {
            return Err(io::Error::new(io::ErrorKind::NotFound, "no such folder"));
        }
        let mut env = this.env.clone();
        env.insert("DAYTONA_LOCAL_CONTEXT".to_owned(), this.nonce.clone());
        let run = "exec python3 -u -c \"$1\"";
        let shell = cell.host.shell().to_owned();
        let argv = [shell, "-c".into(), run.into(), "sh".into(), WORKER.into()];
        let start = Start {
            cwd: this.cwd.clone(),
            env,
            network: this.network,
            argv: argv.to_vec(),
        };
        let (mut child, mut stdin, stdout) = cell.start_piped(&start).await?;
        let (requests, mut asked) = mpsc::unbounded_channel::<Bytes>();
        let worker = Worker {
            requests,
            events: Arc::default(),
        };
        let mut lines = BufReader::new(stdout).lines();
        let ready = lines.next_line().await?;
        if ready.is_none() {
            drop(child.wait().await);
            return Err(io::Error::other("python3 did not start"));
        }
        *this.lock() = Some(worker.clone());
        app.spawn(async move {
            while let Some(request) = asked.recv().await {
                if stdin.write_all(&request).await.is_err() {
                    return;
                }
            }
        });
        let context = Arc::clone(this);
        app.spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let over = serde_json::from_str::<Value>(&line)
                    .is_ok_and(|event| event.get("type").is_some_and(|kind| kind == "control"));
                let events = {
                    let mut events = worker.events.lock().unwrap_or_else(PoisonError::into_inner);
                    if over { events.take() } else { events.clone() }
                };
                if let Some(events) = events {
                    let event = if over {
                        Event::Over(line)
                    } else {
                        Event::Told(line)
                    };
                    drop(events.send(event).await);
                }
            }
            // its run is told by the end of the events
            *context.lock() = None;
            drop(
                worker
                    .events
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take(),
            );
            drop(child.wait().await);
        });
        Ok(())
    }

    /// Begins to run; the events of this run come out.
    pub(super) async fn begin(
        this: &Arc<Self>,
        app: &Arc<App>,
        cell: &Arc<Cell>,
        asked: Asked,
    ) -> io::Result<mpsc::Receiver<Event>> {
        Self::worker(this, app, cell).await?;
        let worker = this.known();
        let worker = worker.ok_or_else(|| io::Error::other("the interpreter has ended"))?;
        let (sender, events) = mpsc::channel(64);
        *worker.events.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        let request = json!({ "code": asked.code, "envs": asked.env });
        // a worker that has ended says so by the end of its events
        drop(worker.requests.send(format!("{request}\n").into()));
        Ok(events)
    }

    pub(super) fn interrupt(&self) {
        if let Some(worker) = self.known() {
            drop(
                worker
                    .requests
                    .send(Bytes::from_static(b"{\"interrupt\":true}\n")),
            );
        }
    }

    /// Ends the worker and what it started. The next run begins anew.
    pub(super) async fn kill(&self) {
        *self.lock() = None;
        scan::kill_all(&format!("DAYTONA_LOCAL_CONTEXT={}", self.nonce)).await;
    }

    pub(super) fn info(&self) -> Value {
        json!({
            "id": self.id,
            "cwd": self.cwd,
            "createdAt": self.created_at.to_string(),
            "active": self.known().is_some(),
            "language": "python",
        })
    }
}
