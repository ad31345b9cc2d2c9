//! Sandboxes that break one rule.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use sandbox_core::{
    Error, ErrorKind, ExecControl, ExecOutcome, ExecRequest, ExecStatus, FileEntry, Output,
    Running, Sandbox, SandboxInfo,
};
use tokio::task::JoinSet;

use super::factory::State;
use super::lock;

/// Breaks the rule of this name.
pub(super) struct BrokenSandbox {
    rule: &'static str,
    inner: Arc<dyn Sandbox>,
    state: Arc<State>,
    busy: AtomicBool,
    env: Mutex<Vec<(String, String)>>,
    cwd: Mutex<Option<String>>,
    running: Mutex<JoinSet<()>>,
}

impl BrokenSandbox {
    pub(super) fn new(rule: &'static str, inner: Arc<dyn Sandbox>, state: Arc<State>) -> Self {
        state.handles.fetch_add(1, SeqCst);
        Self {
            rule,
            inner,
            state,
            busy: AtomicBool::new(false),
            env: Mutex::default(),
            cwd: Mutex::default(),
            running: Mutex::default(),
        }
    }

    pub(super) fn rule(&self) -> &'static str {
        self.rule
    }

    /// True from the second time on.
    pub(super) fn is_busy(&self) -> bool {
        self.busy.swap(true, SeqCst)
    }

    pub(super) fn is_free(&self) {
        self.busy.store(false, SeqCst);
    }

    pub(super) fn inner(&self) -> &dyn Sandbox {
        &*self.inner
    }

    /// What goes wrong on the way in.
    async fn run(&self, request: ExecRequest) -> Result<ExecOutcome, Error> {
        match self.rule {
            "hangs" => std::future::pending().await,
            "panics" => unreachable!("as it was told to"),
            "commands-at-once" if self.busy.swap(true, SeqCst) => {
                Err(Error::new(ErrorKind::Conflict, "a command is running"))
            }
            "exec-dropped" => {
                if self.busy.swap(true, SeqCst) {
                    return Err(Error::new(ErrorKind::Conflict, "a command is running"));
                }
                let outcome = self.inner.exec(request).await;
                self.busy.store(false, SeqCst);
                outcome
            }
            "exec-dropped-ends" => {
                let inner = Arc::clone(&self.inner);
                let (tell, told) = tokio::sync::oneshot::channel();
                let work = async move {
                    let longer = request.timeout(std::time::Duration::from_secs(60));
                    let _ = tell.send(inner.exec(longer).await);
                };
                lock(&self.running).spawn(work);
                told.await.unwrap()
            }
            "runs-once" => {
                let outcome = self.inner.exec(request.clone()).await?;
                if outcome.success() {
                    return Ok(outcome);
                }
                self.inner.exec(request).await
            }
            "missing-program" => {
                let outcome = self.inner.exec(request).await?;
                if outcome.status() == ExecStatus::Exited(127) {
                    return Err(Error::new(ErrorKind::NotFound, "no such program"));
                }
                Ok(outcome)
            }
            "timeout-kills-the-tree" if request.timeout_given().is_some() => {
                let timeout = request.timeout_given().unwrap();
                let inner = Arc::clone(&self.inner);
                let longer = request.timeout(timeout * 100);
                let work = async move { drop(inner.exec(longer).await) };
                lock(&self.running).spawn(work);
                tokio::time::sleep(timeout).await;
                let none = Output::default();
                Ok(ExecOutcome::new(
                    ExecStatus::TimedOut,
                    none.clone(),
                    none,
                    timeout,
                ))
            }
            "background-does-not-hold" => match request.words() {
                [_, _, line] => {
                    let waits = ExecRequest::shell(format!("{line}; wait"));
                    let timeout = request.timeout_given().unwrap();
                    self.inner.exec(waits.timeout(timeout)).await
                }
                _ => self.inner.exec(request).await,
            },
            "words-are-taken-as-they-are" => {
                let line = request.words().join(" ");
                self.inner.exec(ExecRequest::shell(line)).await
            }
            "stdin-given" => self.inner.exec(request.stdin("")).await,
            "stdin-closed" if request.stdin_given().is_none() => {
                self.inner.exec(request.stdin("y\n")).await
            }
            "env-of-one-call" => self.run_with_old_env(request).await,
            "cwd-of-one-call" => {
                let given = request.cwd_given().map(str::to_owned);
                let cwd = given.or_else(|| lock(&self.cwd).clone());
                (*lock(&self.cwd)).clone_from(&cwd);
                let cwd = cwd.unwrap_or_else(|| ".".to_owned());
                self.inner.exec(request.cwd(cwd)).await
            }
            "missing-cwd-runs-nothing" => match self.inner.exec(request.clone()).await {
                Err(_) => self.inner.exec(request.cwd(".")).await,
                other => other,
            },
            "bad-requests-are-refused" => match self.inner.exec(request).await {
                Err(error) => {
                    let status = ExecStatus::NotStarted;
                    let none = std::time::Duration::ZERO;
                    Ok(ExecOutcome::without_output(status, none, error))
                }
                other => other,
            },
            _ => self.inner.exec(request).await,
        }
    }

    async fn run_with_old_env(&self, mut request: ExecRequest) -> Result<ExecOutcome, Error> {
        {
            let mut env = lock(&self.env);
            for (name, value) in &*env {
                if request.env_given().all(|(given, _)| given != name) {
                    request = request.env(name, value.as_str());
                }
            }
            let all = request.env_given();
            *env = all
                .map(|(name, value)| (name.to_owned(), value.expose().to_owned()))
                .collect();
        }
        self.inner.exec(request).await
    }

    /// What goes wrong on the way out.
    fn twisted(&self, outcome: ExecOutcome) -> ExecOutcome {
        let (out, err) = (outcome.stdout().clone(), outcome.stderr().clone());
        let duration = outcome.duration();
        let (status, out, err) = match (self.rule, outcome.status()) {
            ("open-gives-a-working-sandbox", _) => (ExecStatus::Exited(1), out, err),
            ("exit-codes", ExecStatus::Exited(code)) => (ExecStatus::Exited(code.min(1)), out, err),
            ("signals-are-told", ExecStatus::Signaled(signal)) => {
                (ExecStatus::Exited(128 + signal), out, err)
            }
            ("signals-are-not-codes", ExecStatus::Exited(code)) if code > 128 => {
                (ExecStatus::Signaled(code - 128), out, err)
            }
            ("timeout-keeps-output", ExecStatus::TimedOut) => {
                (ExecStatus::TimedOut, Output::default(), Output::default())
            }
            ("streams-apart", status) => {
                let both = [out.to_bytes(), err.to_bytes()].concat();
                (status, Output::complete(both), Output::default())
            }
            ("output-bytes-exact", status) => {
                let text = out.text_lossy().trim().to_owned();
                (status, Output::complete(text.into_bytes()), err)
            }
            ("output-is-bounded", status) => {
                let (head, tail) = (out.head().clone(), out.tail().clone());
                (status, Output::bounded(head, tail, 0), err)
            }
            ("spill-holds-all", status) => (status, out.with_spill_path("/nowhere"), err),
            (_, _) => return outcome,
        };
        ExecOutcome::new(status, out, err, duration)
    }
}

#[async_trait]
impl Sandbox for BrokenSandbox {
    fn info(&self) -> SandboxInfo {
        self.inner.info()
    }

    fn workdir(&self) -> &str {
        match self.rule {
            "info-is-true" => "/elsewhere",
            _ => self.inner.workdir(),
        }
    }

    async fn exec(&self, request: ExecRequest) -> Result<ExecOutcome, Error> {
        self.run(request).await.map(|outcome| self.twisted(outcome))
    }

    async fn start(&self, request: ExecRequest) -> Result<Running, Error> {
        if self.rule == "started-is-live" {
            return Ok(Running::ended(self.inner.exec(request).await?));
        }
        let inner = self.inner.start(request).await?;
        Ok(match self.rule {
            "started-is-exact"
            | "kill-ends-the-tree"
            | "started-dropped-is-killed"
            | "detached-runs-on" => broken_running(self.rule, inner),
            _ => inner,
        })
    }

    async fn read_spill(&self, path: &str, range: Range<u64>) -> Result<Bytes, Error> {
        let range = match self.rule {
            "spill-is-read-and-removed" => 0..range.end,
            _ => range,
        };
        self.inner.read_spill(path, range).await
    }

    async fn remove_spill(&self, path: &str) -> Result<(), Error> {
        self.inner.remove_spill(path).await
    }

    async fn put(&self, path: &str, content: Bytes) -> Result<(), Error> {
        self.broken_put(path, content).await
    }

    async fn get(&self, path: &str) -> Result<Bytes, Error> {
        self.broken_get(path).await
    }

    async fn list(&self, path: &str) -> Result<Vec<FileEntry>, Error> {
        self.broken_list(path).await
    }

    async fn remove(&self, path: &str) -> Result<(), Error> {
        self.broken_remove(path).await
    }

    async fn make_dir(&self, path: &str) -> Result<(), Error> {
        self.broken_make_dir(path).await
    }
}

/// Hands on what another one writes, and one thing wrong.
fn broken_running(rule: &'static str, mut inner: Running) -> Running {
    Running::spawn(|mut control| async move {
        let mut killer = control.killer();
        let kill = inner.kill_handle();
        let mut first = true;
        loop {
            tokio::select! {
                () = killer.asked() => match rule {
                    // It says so, and lets it run.
                    "kill-ends-the-tree" => {
                        killer.done(Ok(true));
                        return inner.wait().await;
                    }
                    "started-dropped-is-killed" => return inner.wait().await,
                    _ => killer.done(kill.kill().await),
                },
                event = inner.next() => match event {
                    None => return inner.wait().await,
                    Some(event) if rule == "started-is-exact" && first => {
                        first = false;
                        control.emit(event.stream, event.bytes.slice(1..)).await;
                    }
                    Some(event) => {
                        control.emit(event.stream, event.bytes).await;
                    }
                },
                () = nobody(&mut control), if rule == "detached-runs-on" => {
                    drop(kill.kill().await);
                    return inner.wait().await;
                }
            }
        }
    })
}

/// Ends once nobody reads.
async fn nobody(control: &mut ExecControl) {
    while control.room().await {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

impl Drop for BrokenSandbox {
    fn drop(&mut self) {
        self.state.handles.fetch_sub(1, SeqCst);
    }
}

impl fmt::Debug for BrokenSandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BrokenSandbox({})", self.rule)
    }
}
