//! A sandbox that only writes down what reaches it, and answers as told.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper of tests; a poisoned lock means a test has failed already"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use context_vars::Source;
use sandbox_core::{
    CloseError, Error, ExecOutcome, ExecRequest, ExecStatus, FileEntry, Output, Sandbox,
    SandboxFactory, SandboxInfo,
};

/// What reached a [`Recorder`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Exec(Vec<String>),
    Put(String, Bytes),
    Remove(String),
}

type Answer = dyn Fn(&ExecRequest) -> Result<ExecOutcome, Error> + Send + Sync;

/// A factory and its one sandbox.
#[derive(Clone)]
pub(crate) struct Recorder(Arc<Inner>);

struct Inner {
    workdir: String,
    /// Whether the factory tells the working directory before it is open.
    told: bool,
    answer: Box<Answer>,
    put_fails: Option<Error>,
    /// Whether no command ever ends.
    hangs: bool,
    seen: Mutex<Vec<Seen>>,
    requests: Mutex<Vec<ExecRequest>>,
    opened: AtomicUsize,
}

impl Recorder {
    pub(crate) fn new(workdir: &str) -> Self {
        Self::answering(workdir, |_| Ok(ended(0, "", "")))
    }

    pub(crate) fn answering(
        workdir: &str,
        answer: impl Fn(&ExecRequest) -> Result<ExecOutcome, Error> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            workdir: workdir.to_owned(),
            told: true,
            answer: Box::new(answer),
            put_fails: None,
            hangs: false,
            seen: Mutex::default(),
            requests: Mutex::default(),
            opened: AtomicUsize::new(0),
        }))
    }

    /// The factory does not know its working directory beforehand.
    pub(crate) fn untold(mut self) -> Self {
        Arc::get_mut(&mut self.0).expect("not shared yet").told = false;
        self
    }

    pub(crate) fn failing_put(mut self, error: Error) -> Self {
        Arc::get_mut(&mut self.0).expect("not shared yet").put_fails = Some(error);
        self
    }

    /// No command ever ends.
    pub(crate) fn hanging(mut self) -> Self {
        Arc::get_mut(&mut self.0).expect("not shared yet").hangs = true;
        self
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.0.seen.lock().unwrap().clone()
    }

    pub(crate) fn requests(&self) -> Vec<ExecRequest> {
        self.0.requests.lock().unwrap().clone()
    }

    pub(crate) fn opened(&self) -> usize {
        self.0.opened.load(Ordering::SeqCst)
    }

    fn note(&self, seen: Seen) {
        self.0.seen.lock().unwrap().push(seen);
    }
}

pub(crate) fn ended(code: i32, stdout: &str, stderr: &str) -> ExecOutcome {
    let output = |text: &str| Output::complete(text.to_owned());
    let status = ExecStatus::Exited(code);
    ExecOutcome::new(status, output(stdout), output(stderr), Duration::ZERO)
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorder")
    }
}

#[async_trait]
impl SandboxFactory for Recorder {
    async fn open(&self, _context: &dyn Source) -> Result<Arc<dyn Sandbox>, Error> {
        self.0.opened.fetch_add(1, Ordering::SeqCst);
        Ok(Arc::new(self.clone()))
    }

    fn workdir(&self) -> Option<&str> {
        self.0.told.then_some(self.0.workdir.as_str())
    }

    async fn close(&self) -> Result<(), CloseError> {
        Ok(())
    }
}

#[async_trait]
impl Sandbox for Recorder {
    fn info(&self) -> SandboxInfo {
        SandboxInfo::new("id", "recorder", self.0.workdir.as_str())
    }

    fn workdir(&self) -> &str {
        &self.0.workdir
    }

    async fn exec(&self, request: ExecRequest) -> Result<ExecOutcome, Error> {
        request.validate()?;
        self.note(Seen::Exec(request.words().to_vec()));
        self.0.requests.lock().unwrap().push(request.clone());
        if self.0.hangs {
            std::future::pending::<()>().await;
        }
        (self.0.answer)(&request)
    }

    async fn put(&self, path: &str, content: Bytes) -> Result<(), Error> {
        self.note(Seen::Put(path.to_owned(), content));
        self.0.put_fails.clone().map_or(Ok(()), Err)
    }

    async fn get(&self, _path: &str) -> Result<Bytes, Error> {
        unreachable!("adapters read no file")
    }

    async fn list(&self, _path: &str) -> Result<Vec<FileEntry>, Error> {
        unreachable!("adapters list no directory")
    }

    async fn remove(&self, path: &str) -> Result<(), Error> {
        self.note(Seen::Remove(path.to_owned()));
        Ok(())
    }

    async fn make_dir(&self, _path: &str) -> Result<(), Error> {
        unreachable!("adapters make no directory")
    }
}
