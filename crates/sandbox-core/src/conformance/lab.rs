//! What a rule works with.

use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::rule::{Broken, Check, ensure};
use crate::{
    Error, ErrorKind, ExecOutcome, ExecRequest, ExecStatus, Sandbox, SandboxFactory, Secret, Vars,
};

/// The variable that tells the sandboxes of a run apart.
pub const TENANT: &str = "tenant";
/// The variable that holds a secret.
pub const TOKEN: &str = "token";
/// What [`TOKEN`] is: nothing that would be found anywhere by chance.
pub(super) const CANARY: &str = "canary-5ce8d2b7-do-not-show";

/// Makes a factory with nothing open.
pub(super) type Make = Arc<dyn Fn() -> Arc<dyn SandboxFactory> + Send + Sync>;

/// What a rule works with: a factory of its own.
pub(super) struct Lab {
    pub(super) factory: Arc<dyn SandboxFactory>,
    /// For a second one; who makes it closes it.
    pub(super) make: Make,
    /// What makes the sandboxes, where the suite knows it.
    #[cfg(feature = "cache")]
    pub(super) bench: Option<Arc<dyn super::provider::Bench>>,
}

impl Lab {
    /// The sandbox of the first tenant.
    pub(super) async fn open(&self) -> Result<Arc<dyn Sandbox>, Error> {
        self.open_as("one").await
    }

    pub(super) async fn open_as(&self, tenant: &str) -> Result<Arc<dyn Sandbox>, Error> {
        self.factory.open(&context(tenant)).await
    }
}

/// The context of a tenant.
pub(super) fn context(tenant: &str) -> Vars {
    Vars::new()
        .with(TENANT, tenant)
        .with(TOKEN, Secret::new(CANARY))
}

/// Runs a line of `sh` that must end with code 0.
pub(super) async fn sh(sandbox: &dyn Sandbox, line: &str) -> Result<String, Broken> {
    let outcome = sandbox.exec(ExecRequest::shell(line)).await?;
    ended(&outcome, ExecStatus::Exited(0))?;
    Ok(outcome.stdout().text_lossy())
}

/// The command ended so; the output of one that did not is part of the report.
pub(super) fn ended(outcome: &ExecOutcome, wanted: ExecStatus) -> Check {
    ensure(outcome.status() == wanted, || {
        let cause = outcome.cause().map(|cause| super::rule::chain(cause));
        format!(
            "the command ended with {:?}, wanted {wanted:?}; stdout {:?}, stderr {:?}, cause {cause:?}",
            outcome.status(),
            outcome.stdout().text_lossy(),
            outcome.stderr().text_lossy(),
        )
    })
}

/// The call failed, and in one of these ways.
pub(super) fn failed<T: Debug>(
    what: &str,
    result: Result<T, Error>,
    kinds: &[ErrorKind],
) -> Result<Error, Broken> {
    match result {
        Ok(value) => Err(Broken(format!(
            "{what}: succeeded with {value:?}, wanted an error of {kinds:?}"
        ))),
        Err(error) if kinds.contains(&error.kind()) => Ok(error),
        Err(error) => Err(Broken(format!(
            "{what}: failed with {:?} ({error}), wanted {kinds:?}",
            error.kind()
        ))),
    }
}

/// Every call of a handle whose factory was closed is refused.
pub(super) async fn refuses_all(sandbox: &dyn Sandbox) -> Check {
    let kinds = [ErrorKind::Closed, ErrorKind::Lost];
    let exec = sandbox.exec(ExecRequest::argv(["true"])).await;
    failed("exec on a closed handle", exec, &kinds)?;
    failed("get on a closed handle", sandbox.get("file").await, &kinds)?;
    let put = sandbox.put("file", "x".into()).await;
    failed("put on a closed handle", put, &kinds)?;
    failed("list on a closed handle", sandbox.list("").await, &kinds)?;
    let removed = sandbox.remove("file").await;
    failed("remove on a closed handle", removed, &kinds)?;
    let made = sandbox.make_dir("dir").await;
    failed("make_dir on a closed handle", made, &kinds)?;
    Ok(())
}

/// Polls a future so many times, with a little time between, and drops it then.
pub(super) async fn poll_then_drop<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for at in 0..times {
        if at > 0 {
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        let ready = poll_fn(|cx| {
            Poll::Ready(match future.as_mut().poll(cx) {
                Poll::Ready(output) => Some(output),
                Poll::Pending => None,
            })
        });
        if let Some(output) = ready.await {
            return Some(output);
        }
    }
    None
}

/// Awaits all of them at once.
pub(super) async fn all<F>(futures: impl IntoIterator<Item = F> + Send) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send,
{
    let mut running: Vec<_> = {
        let futures = futures.into_iter();
        futures.map(|future| (Box::pin(future), None)).collect()
    };
    poll_fn(|cx| {
        let mut ready = true;
        for (future, output) in &mut running {
            if output.is_none() {
                match future.as_mut().poll(cx) {
                    Poll::Ready(value) => *output = Some(value),
                    Poll::Pending => ready = false,
                }
            }
        }
        if ready {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    let outputs = running.into_iter();
    outputs.filter_map(|(_, output)| output).collect()
}
