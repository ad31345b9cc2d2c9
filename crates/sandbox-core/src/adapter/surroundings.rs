//! What every command of an adapter is given.

use std::sync::Arc;
use std::time::Duration;

use context_vars::{NoVars, ParamMap, Source};

use crate::{Error, ErrorKind, ExecEvent, ExecOutcome, ExecRequest, Sandbox, SandboxFactory};

/// Is told of each piece of output as it comes. It is called on the task that runs the command, so it must be quick.
pub type OutputListener<'a> = dyn Fn(&ExecEvent) + Send + Sync + 'a;

/// What every command of an adapter is given.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub(super) factory: Arc<dyn SandboxFactory>,
    pub(super) env: ParamMap,
    pub(super) timeout: Option<Duration>,
    pub(super) output: Option<(usize, usize)>,
}

impl Surroundings {
    pub(super) fn new(factory: Arc<dyn SandboxFactory>) -> Self {
        Self {
            factory,
            env: ParamMap::new(),
            timeout: None,
            output: None,
        }
    }

    /// Finds at build time what no context can make good.
    pub(super) fn check(&self) -> Result<(), Error> {
        // The words do not matter here: the request is there to check the rest.
        self.furnish(ExecRequest::argv(["true"])).validate()?;
        match self.env.get("env", &NoVars) {
            Ok(env) => named(ExecRequest::argv(["true"]), env).validate(),
            // Variables have no value yet.
            Err(_) => Ok(()),
        }
    }

    /// The request in these surroundings, checked.
    pub(super) fn request(
        &self,
        words: impl IntoIterator<Item = String>,
        context: &dyn Source,
    ) -> Result<ExecRequest, Error> {
        let env = self.env.get("env", context)?;
        let request = named(self.furnish(ExecRequest::argv(words)), env);
        request.validate()?;
        Ok(request)
    }

    fn furnish(&self, mut request: ExecRequest) -> ExecRequest {
        if let Some(timeout) = self.timeout {
            request = request.timeout(timeout);
        }
        if let Some((head, tail)) = self.output {
            request = request.output_limit(head, tail);
        }
        request
    }
}

/// Runs to the end; with a listener what is written is told as it comes, where the sandbox can.
pub(super) async fn exec(
    sandbox: &dyn Sandbox,
    request: ExecRequest,
    listener: Option<&OutputListener<'_>>,
) -> Result<ExecOutcome, Error> {
    let Some(listener) = listener else {
        return sandbox.exec(request).await;
    };
    let mut running = match sandbox.start(request.clone()).await {
        // nothing was run
        Err(error) if error.kind() == ErrorKind::Unsupported => return sandbox.exec(request).await,
        started => started?,
    };
    while let Some(event) = running.next().await {
        listener(&event);
    }
    Ok(running.wait().await)
}

fn named(request: ExecRequest, env: context_vars::SecretMap) -> ExecRequest {
    env.into_iter()
        .fold(request, |request, (name, value)| request.env(name, value))
}

/// What Linux takes as one argument of a program, in bytes.
pub(super) const MAX_WORD: usize = 128 * 1024 - 1;

/// Source text that is too long to be an argument.
pub(super) fn too_long(length: usize) -> Error {
    let message = format!(
        "the code is {length} bytes long, and {MAX_WORD} is the most for a language whose runner \
         takes it as an argument; put it into a file and run that"
    );
    Error::new(ErrorKind::TooLarge, message)
}
