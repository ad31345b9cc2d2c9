//! Running source code.

use std::sync::Arc;

use context_vars::Source;

use super::file::CodeFile;
use super::{CodeAdapter, CodeReply, LanguageRunner, NotEnabled};
use crate::adapter::OutputListener;
use crate::adapter::surroundings::{MAX_WORD, exec, too_long};
use crate::{Error, ExecOutcome, ExecRequest, ExecStatus, Sandbox};

impl CodeAdapter {
    /// Runs source code and waits for its end.
    ///
    /// Code of a language that is not enabled opens nothing. A file that the runner needs is
    /// removed afterwards, also when the run failed; one that cannot be removed stays, and is
    /// noted in the log.
    ///
    /// If the answer is exit code 127, the sandbox is asked with a second, harmless command
    /// whether it has the runner's program at all, so that the code's own 127 is told apart.
    ///
    /// # Errors
    ///
    /// [`TooLarge`](crate::ErrorKind::TooLarge) for code that does not fit an inline runner,
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a NUL in it, and
    /// [`Unresolved`](crate::ErrorKind::Unresolved) for a variable of the environment, all before
    /// anything is opened; those of [`SandboxFactory::open`](crate::SandboxFactory::open),
    /// [`Sandbox::put`] and [`Sandbox::exec`]. What became of code that was sent is in the reply.
    ///
    /// # Cancel safety
    ///
    /// That of [`Sandbox::exec`]: the code may run on until its timeout. A file of it is removed
    /// in the background, if this is a tokio runtime.
    pub async fn run(
        &self,
        code: &str,
        language: &str,
        context: &dyn Source,
    ) -> Result<CodeReply, Error> {
        self.with(code, language, context, None).await
    }

    /// As [`run`](Self::run), and tells what the code writes while it runs. A sandbox that cannot
    /// [`start`](Sandbox::start) a command tells nothing, and the reply is the same.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future kills the code with all that it started. A file of it is removed in the background, if this
    /// is a tokio runtime.
    pub async fn run_streamed(
        &self,
        code: &str,
        language: &str,
        context: &dyn Source,
        listener: &OutputListener<'_>,
    ) -> Result<CodeReply, Error> {
        self.with(code, language, context, Some(listener)).await
    }

    async fn with(
        &self,
        code: &str,
        language: &str,
        context: &dyn Source,
        listener: Option<&OutputListener<'_>>,
    ) -> Result<CodeReply, Error> {
        let enabled = self.languages.iter().any(|enabled| enabled == language);
        let Some(runner) = self.runners.get(language).filter(|_| enabled) else {
            return Ok(CodeReply::NotEnabled(NotEnabled::new(
                language,
                &self.languages,
            )));
        };
        let (sandbox, outcome) = match runner.extension() {
            None => {
                if code.len() > MAX_WORD {
                    return Err(too_long(code.len()));
                }
                let request = self.request(runner, code, context)?;
                let sandbox = self.surroundings.factory.open(context).await?;
                let outcome = exec(&*sandbox, request, listener).await?;
                (sandbox, outcome)
            }
            Some(extension) => {
                // Checked before anything is opened or written; the path comes later.
                self.request(runner, extension, context)?;
                let sandbox = self.surroundings.factory.open(context).await?;
                let file = CodeFile::write(Arc::clone(&sandbox), extension, code).await?;
                let outcome = match self.request(runner, &file.path()?, context) {
                    Ok(request) => exec(&*sandbox, request, listener).await,
                    Err(error) => Err(error),
                };
                file.remove().await;
                (sandbox, outcome?)
            }
        };
        Ok(reply(&*sandbox, runner, outcome).await)
    }

    fn request(
        &self,
        runner: &LanguageRunner,
        last: &str,
        context: &dyn Source,
    ) -> Result<ExecRequest, Error> {
        let words = runner.argv().iter().cloned();
        self.surroundings
            .request(words.chain([last.to_owned()]), context)
    }
}

async fn reply(sandbox: &dyn Sandbox, runner: &LanguageRunner, outcome: ExecOutcome) -> CodeReply {
    if let (ExecStatus::Exited(127), Some(program)) = (outcome.status(), runner.argv().first())
        && is_missing(sandbox, program).await
    {
        return CodeReply::RunnerMissing {
            program: program.clone(),
            outcome,
        };
    }
    CodeReply::Ran(outcome)
}

/// Only what the sandbox says for certain counts.
async fn is_missing(sandbox: &dyn Sandbox, program: &str) -> bool {
    let look = ExecRequest::argv(["sh", "-c", "command -v \"$1\" >/dev/null", "sh", program]);
    match sandbox.exec(look).await {
        Ok(outcome) => matches!(outcome.status(), ExecStatus::Exited(code) if code != 0),
        Err(_) => false,
    }
}
