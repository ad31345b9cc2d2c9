//! Servers to break, environments on them, and what must hold whatever broke.

use std::future::{Future, poll_fn};
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::pin::{Pin, pin};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use context_vars::NoVars;
use daytona_api::transport::{ByteStream, Connector, HyperTransport, Transport};
use daytona_env::{DaytonaEnvironment, DaytonaEnvironmentBuilder};
use daytona_local::{CannedExec, Isolation, SandboxRow, Server, ServerBuilder};
use sandbox_core::{BoxFuture, ExecRequest, Sandbox, Spawner};
use tokio::runtime::Handle;
use tokio::time::timeout;

/// Only ends a test that would hang.
pub(crate) const NEVER: Duration = Duration::from_secs(120);
/// How soon everything must work again once nothing is broken any more.
pub(crate) const HEALED: Duration = Duration::from_secs(30);

/// A server over loopback that runs real commands, on a clock that stands still.
pub(crate) async fn loopback() -> Arc<Server> {
    let builder = Server::builder().isolation(Isolation::None).manual_clock();
    Arc::new(builder.start().await.unwrap())
}

/// An environment on it, on connections of its own.
pub(crate) fn on(server: &Server) -> DaytonaEnvironmentBuilder {
    DaytonaEnvironment::builder()
        .api_url(server.api_url())
        .api_key(server.token())
}

/// A server in this runtime, on its clock: a paused one makes hours pass in no time.
pub(crate) fn in_place(change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Arc<Server> {
    let builder = Server::builder().canned_exec(shell());
    Arc::new(change(builder).start_in_place().unwrap())
}

/// The same, where no command is run and each succeeds.
pub(crate) fn idle(change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Arc<Server> {
    in_place(|builder| change(builder.canned_exec(CannedExec::new(0, ""))))
}

/// An environment on a server in place, all of it in this runtime.
pub(crate) fn at(server: &Arc<Server>) -> DaytonaEnvironmentBuilder {
    on(server)
        .transport(wire(server))
        .spawner(Arc::new(Handle::current()))
        // commands run on this machine
        .workdir("/tmp")
}

/// An environment of a process that can be killed, on a server in place.
pub(crate) fn mortal(server: &Arc<Server>, process: &Mortal) -> DaytonaEnvironmentBuilder {
    on(server)
        .transport(wire(server))
        .spawner(process.spawner())
        .workdir("/tmp")
}

/// Connections to a server in place.
pub(crate) fn wire(server: &Arc<Server>) -> Arc<dyn Transport> {
    let connector = InPlace(Arc::clone(server));
    Arc::new(HyperTransport::builder().connector(connector).build())
}

#[derive(Debug)]
struct InPlace(Arc<Server>);

#[async_trait::async_trait]
impl Connector for InPlace {
    async fn connect(&self, _: &http::Uri) -> io::Result<Box<dyn ByteStream>> {
        Ok(Box::new(self.0.connect()))
    }
}

/// Runs each command while everything else stands still.
fn shell() -> CannedExec {
    CannedExec::from_fn(run_in_shell)
}

/// Runs a script; its exit code and output.
pub(crate) fn run_in_shell(script: &str) -> (i32, String) {
    let mut child = Command::new("/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // a command that has not begun does not begin while its killer waits for it
    let script = script.replace("sleep 0.05 || sleep 1", ":");
    stdin.write_all(script.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code().unwrap_or(-1), text)
}

/// Sandboxes that the server does not mean to destroy.
pub(crate) fn left(server: &Server) -> Vec<SandboxRow> {
    let mut rows = server.sandboxes();
    rows.retain(|row| row.desired_state != "destroyed");
    rows
}

/// Once nothing is broken any more: the next open works soon, runs something, and closes without a trace.
pub(crate) async fn heals(server: &Server, environment: &DaytonaEnvironment) {
    server.faults().clear();
    let sandbox = timeout(HEALED, environment.open(&NoVars))
        .await
        .unwrap()
        .unwrap();
    let outcome = sandbox.exec(ExecRequest::argv(["true"])).await.unwrap();
    assert!(outcome.success(), "{outcome:?}");
    closes_or_says_so(server, environment).await;
}

/// A close leaves nothing. Where a create went unanswered it may say that another can still appear: one without an id.
pub(crate) async fn closes_or_says_so(server: &Server, environment: &DaytonaEnvironment) {
    let Err(error) = timeout(NEVER, environment.close()).await.unwrap() else {
        return assert_eq!(left(server), []);
    };
    let known = error.leftovers().iter().find(|left| left.id().is_some());
    assert!(known.is_none(), "{error}");
    assert_eq!(left(server), []);
}

/// A close that succeeds has left nothing.
pub(crate) async fn closes(server: &Server, environment: &DaytonaEnvironment) {
    timeout(NEVER, environment.close()).await.unwrap().unwrap();
    assert_eq!(left(server), []);
}

/// The tasks of a process: killed, none of them goes on; stopped, none does until it may.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mortal(Arc<Fate>);

#[derive(Debug, Default)]
struct Fate {
    dead: AtomicBool,
    frozen: AtomicBool,
    /// Who wants to go on, in their order.
    waiting: Mutex<Vec<Waker>>,
}

impl Mortal {
    pub(crate) fn spawner(&self) -> Arc<dyn Spawner> {
        Arc::new(self.clone())
    }

    /// As SIGKILL does it: nothing is tidied up, nobody is told.
    pub(crate) fn kill(&self) {
        self.0.dead.store(true, Ordering::SeqCst);
    }

    /// As SIGSTOP does it: time goes on.
    pub(crate) fn freeze(&self) {
        self.0.frozen.store(true, Ordering::SeqCst);
    }

    /// As SIGCONT does it.
    pub(crate) fn thaw(&self) {
        self.0.frozen.store(false, Ordering::SeqCst);
        for waker in self.0.waiting.lock().unwrap().drain(..) {
            waker.wake();
        }
    }

    /// What the process itself does, beside its factory.
    pub(crate) async fn lives<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|cx| match self.may_go_on(cx) {
            true => work.as_mut().poll(cx),
            false => Poll::Pending,
        })
        .await
    }

    fn may_go_on(&self, cx: &Context<'_>) -> bool {
        let frozen = self.0.frozen.load(Ordering::SeqCst);
        if frozen {
            self.0.waiting.lock().unwrap().push(cx.waker().clone());
        }
        !frozen && !self.0.dead.load(Ordering::SeqCst)
    }
}

impl Spawner for Mortal {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        Handle::current().spawn(Task {
            work: ManuallyDrop::new(task),
            process: self.clone(),
        });
    }
}

/// A task of a process. The dead do not drop what they hold: a factory takes a dropped task for the end of a runtime,
/// and hands its work over.
struct Task {
    work: ManuallyDrop<BoxFuture<'static, ()>>,
    process: Mortal,
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.process.may_go_on(cx) {
            return Poll::Pending;
        }
        self.work.as_mut().poll(cx)
    }
}
