//! One terminal and the shell in it.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::process::Child;
use tokio::sync::{broadcast, mpsc, watch};

use crate::isolate::cell::Cell;
use crate::isolate::launch::Start;
use crate::isolate::pty::Pty;
use crate::isolate::scan;
use crate::server::app::App;
use crate::server::ident;
use crate::toolbox::Place;

/// As many pieces of output may wait for a slow client.
const WAITING: usize = 256;
/// As many pieces of input may wait for a program that does not read.
const TYPED: usize = 16;
/// How long output is still read after the shell has ended.
const LINGER: Duration = Duration::from_millis(500);

/// What a client asks for.
pub(super) struct Wanted {
    pub(super) id: String,
    pub(super) cwd: String,
    pub(super) env: BTreeMap<String, String>,
    pub(super) cols: u16,
    pub(super) rows: u16,
    pub(super) lazy: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Exit {
    pub(super) code: i32,
}

pub(crate) struct Terminal {
    pub(super) id: String,
    cwd: String,
    env: BTreeMap<String, String>,
    sandbox_env: BTreeMap<String, String>,
    network: bool,
    lazy: bool,
    nonce: String,
    created_at: Timestamp,
    size: watch::Sender<(u16, u16)>,
    active: AtomicBool,
    /// There once the program was started; held while it is, so that it starts once.
    input: tokio::sync::Mutex<Option<mpsc::Sender<Bytes>>>,
    /// Gone once the program has ended, which ends every receiver.
    output: Mutex<Option<broadcast::Sender<Bytes>>>,
    exit: watch::Sender<Option<Exit>>,
}

impl Terminal {
    pub(super) fn new(app: &App, place: &Place, wanted: Wanted) -> Arc<Self> {
        let mut env = wanted.env;
        env.entry("TERM".to_owned())
            .or_insert_with(|| "xterm-256color".to_owned());
        Arc::new(Self {
            id: wanted.id,
            cwd: place.cell.absolute(&wanted.cwd),
            env,
            sandbox_env: place.env.clone(),
            network: place.network,
            lazy: wanted.lazy,
            nonce: ident::uuid(),
            created_at: app.clock.now(),
            size: watch::Sender::new((wanted.cols, wanted.rows)),
            active: AtomicBool::new(false),
            input: tokio::sync::Mutex::new(None),
            output: Mutex::new(Some(broadcast::Sender::new(WAITING))),
            exit: watch::Sender::new(None),
        })
    }

    pub(super) fn is_lazy(&self) -> bool {
        self.lazy
    }

    /// Starts the shell, unless it was started.
    pub(super) async fn start(
        this: &Arc<Self>,
        app: &Arc<App>,
        cell: &Arc<Cell>,
    ) -> io::Result<()> {
        let mut input = this.input.lock().await;
        if input.is_some() || this.exit.borrow().is_some() {
            return Ok(());
        }
        let folder = tokio::task::spawn_blocking({
            let (cell, cwd) = (Arc::clone(cell), this.cwd.clone());
            move || cell.is_folder(&cwd)
        });
        if !folder.await.unwrap_or(false) {
            return Err(io::Error::new(io::ErrorKind::NotFound, "no such folder"));
        }
        let mut env = this.sandbox_env.clone();
        env.extend(this.env.clone());
        env.insert("DAYTONA_LOCAL_PTY".to_owned(), this.nonce.clone());
        let start = Start {
            cwd: this.cwd.clone(),
            env,
            network: this.network,
            argv: vec![
                cell.host.shell().to_owned(),
                "-i".to_owned(),
                "-l".to_owned(),
            ],
        };
        let mut size = this.size.subscribe();
        let now = *size.borrow_and_update();
        let (pty, child) = cell.start_on_terminal(&start, now).await?;
        let (sender, typed) = mpsc::channel(TYPED);
        *input = Some(sender);
        this.active.store(true, Ordering::Release);
        app.spawn(write(pty.clone(), typed, size));
        app.spawn(read(Arc::clone(this), Arc::clone(cell), pty, child));
        Ok(())
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Bytes> {
        let output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        match &*output {
            Some(sender) => sender.subscribe(),
            // one whose sender is gone at once
            None => broadcast::channel(1).1,
        }
    }

    pub(super) async fn type_in(&self, typed: Bytes) {
        let input = self.input.lock().await.clone();
        if let Some(input) = input {
            // a program that has ended reads nothing
            drop(input.send(typed).await);
        }
    }

    /// Whether it could be: not where the program has not started or has ended.
    pub(super) fn resize(&self, cols: u16, rows: u16) -> bool {
        let active = self.active.load(Ordering::Acquire);
        if active {
            self.size.send_replace((cols, rows));
        }
        active
    }

    pub(super) async fn exit(&self) -> Exit {
        let mut exit = self.exit.subscribe();
        let known = exit.wait_for(Option::is_some).await;
        let known = known.ok().and_then(|exit| *exit);
        known.unwrap_or(Exit { code: -1 })
    }

    /// Kills the shell and what it started.
    pub(super) async fn kill(&self) {
        scan::kill_all(&format!("DAYTONA_LOCAL_PTY={}", self.nonce)).await;
    }

    pub(super) fn info(&self) -> Value {
        let (cols, rows) = *self.size.borrow();
        json!({
            "id": self.id,
            "cwd": self.cwd,
            "envs": self.env,
            "cols": cols,
            "rows": rows,
            "createdAt": self.created_at.to_string(),
            "active": self.active.load(Ordering::Acquire),
            "lazyStart": self.lazy,
        })
    }
}

/// Types what is to be typed; a size may change while a program does not read.
async fn write(pty: Pty, mut typed: mpsc::Receiver<Bytes>, mut size: watch::Receiver<(u16, u16)>) {
    let mut left = Bytes::new();
    loop {
        tokio::select! {
            changed = size.changed() => {
                if changed.is_err() {
                    return;
                }
                let (cols, rows) = *size.borrow_and_update();
                if let Err(error) = pty.resize(cols, rows) {
                    tracing::debug!(%error, "a terminal was not resized");
                }
            }
            more = typed.recv(), if left.is_empty() => match more {
                Some(more) => left = more,
                None => return,
            },
            written = pty.write(&left), if !left.is_empty() => match written {
                Ok(length @ 1..) => drop(left.split_to(length)),
                _ => return,
            },
        }
    }
}

async fn read(this: Arc<Terminal>, cell: Arc<Cell>, pty: Pty, mut child: Child) {
    let mut piece = vec![0; 4096];
    let follow = async {
        // the end of a terminal is an error of its other side
        while let Ok(length @ 1..) = pty.read(&mut piece).await {
            let data = Bytes::copy_from_slice(piece.get(..length).unwrap_or_default());
            let output = this.output.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(sender) = &*output {
                // nobody need be connected
                drop(sender.send(data));
            }
        }
    };
    let mut follow = std::pin::pin!(follow);
    let status = tokio::select! {
        () = &mut follow => child.wait().await,
        status = child.wait() => {
            // what it left running may hold the terminal for ever
            drop(tokio::time::timeout(LINGER, follow).await);
            status
        }
    };
    let code = status.ok().and_then(|status| {
        let signal = status.signal().map(|signal| 128 + signal);
        status.code().or(signal)
    });
    this.active.store(false, Ordering::Release);
    this.exit.send_replace(Some(Exit {
        code: code.unwrap_or(-1),
    }));
    drop(
        this.output
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(),
    );
    drop(this.input.lock().await.take());
    cell.live.terminals.remove_this(&this.id, &this);
}
