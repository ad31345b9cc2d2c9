//! Command lines over any sandbox.

use std::sync::Arc;
use std::time::Duration;

use context_vars::{Param, ParamMap, Secret, Source};

use super::surroundings::{Surroundings, exec};
use super::{CommandPolicy, OutputListener, Refusal};
use crate::{Error, ExecOutcome, Sandbox, SandboxFactory, SingletonFactory};

/// Runs command lines in the sandbox of a factory, under a [`CommandPolicy`].
///
/// ```
/// # #[cfg(all(feature = "local", unix))]
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), sandbox_core::Error> {
/// use sandbox_core::{LocalEnvironment, NoVars, SandboxFactory};
/// use sandbox_core::adapter::ShellAdapter;
///
/// let env = LocalEnvironment::builder().build()?;
/// let shell = ShellAdapter::builder(env.clone()).allowed(["echo", "ls"]).build()?;
///
/// let reply = shell.run("echo 'a; b'", &NoVars).await?;
/// assert_eq!(reply.to_text(), "a; b");
/// let reply = shell.run("rm x", &NoVars).await?;
/// assert_eq!(reply.to_text(), "Command not allowed: 'rm x'");
/// env.close().await.unwrap();
/// # Ok(()) }
/// # #[cfg(not(all(feature = "local", unix)))] fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct ShellAdapter {
    surroundings: Surroundings,
    policy: CommandPolicy,
}

impl ShellAdapter {
    /// An adapter over a factory, which it opens once for each command. Give it a clone, or an
    /// `Arc`, of one that others use too: equal contexts then share a sandbox.
    pub fn builder(factory: impl SandboxFactory) -> ShellAdapterBuilder {
        ShellAdapterBuilder {
            surroundings: Surroundings::new(Arc::new(factory)),
            policy: CommandPolicy::new(),
        }
    }

    /// An adapter over one sandbox that somebody else owns.
    pub fn over(sandbox: impl Sandbox) -> ShellAdapterBuilder {
        Self::builder(SingletonFactory::new(Arc::new(sandbox)))
    }

    /// The factory it opens.
    #[must_use]
    pub fn factory(&self) -> &Arc<dyn SandboxFactory> {
        &self.surroundings.factory
    }

    /// What may run.
    #[must_use]
    pub fn policy(&self) -> &CommandPolicy {
        &self.policy
    }

    /// The working directory of commands, where the factory knows it before a sandbox is open.
    #[must_use]
    pub fn workdir(&self) -> Option<&str> {
        self.surroundings.factory.workdir()
    }

    /// Runs a command line and waits for its end; in restricted mode exactly the words that were
    /// checked.
    ///
    /// What is refused opens nothing. Only `ignore` may need a sandbox to decide: where the
    /// factory does not know its working directory beforehand, it is opened and asked. A refused
    /// command never reaches it.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a NUL or an empty program name and
    /// [`Unresolved`](crate::ErrorKind::Unresolved) for a variable of the environment, both before
    /// anything is opened; those of [`SandboxFactory::open`] and [`Sandbox::exec`]. What became of
    /// a command that was sent is in the reply.
    ///
    /// # Cancel safety
    ///
    /// That of [`Sandbox::exec`]: the command may run on until its timeout.
    pub async fn run(&self, command: &str, context: &dyn Source) -> Result<ShellReply, Error> {
        self.with(command, context, None).await
    }

    /// As [`run`](Self::run), and tells what the command writes while it runs. A sandbox that cannot
    /// [`start`](Sandbox::start) a command tells nothing, and the reply is the same.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future kills the command with all that it started.
    ///
    /// ```
    /// # #[cfg(all(feature = "local", unix))]
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), sandbox_core::Error> {
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    /// use sandbox_core::{LocalEnvironment, NoVars, SandboxFactory};
    /// use sandbox_core::adapter::ShellAdapter;
    ///
    /// let env = LocalEnvironment::builder().build()?;
    /// let shell = ShellAdapter::builder(env.clone()).build()?;
    /// let seen = AtomicUsize::new(0);
    /// let listener = |event: &sandbox_core::ExecEvent| {
    ///     seen.fetch_add(event.bytes.len(), Ordering::Relaxed);
    /// };
    /// let reply = shell.run_streamed("echo one; echo two", &NoVars, &listener).await?;
    /// assert_eq!(reply.to_text(), "one\ntwo");
    /// assert_eq!(seen.load(Ordering::Relaxed), 8);
    /// env.close().await.unwrap();
    /// # Ok(()) }
    /// # #[cfg(not(all(feature = "local", unix)))] fn main() {}
    /// ```
    pub async fn run_streamed(
        &self,
        command: &str,
        context: &dyn Source,
        listener: &OutputListener<'_>,
    ) -> Result<ShellReply, Error> {
        self.with(command, context, Some(listener)).await
    }

    async fn with(
        &self,
        command: &str,
        context: &dyn Source,
        listener: Option<&OutputListener<'_>>,
    ) -> Result<ShellReply, Error> {
        let argv = match self.policy.check_words(command) {
            Ok(argv) => argv,
            Err(refusal) => return Ok(ShellReply::Refused(refusal)),
        };
        let checked_for = self.workdir().filter(|_| self.policy.needs_workdir());
        if let Some(workdir) = checked_for
            && let Err(refusal) = self.policy.check_paths(&argv, workdir)
        {
            return Ok(ShellReply::Refused(refusal));
        }
        if argv.is_empty() {
            return Ok(ShellReply::Empty);
        }
        let request = self.surroundings.request(argv, context)?;
        let sandbox = self.surroundings.factory.open(context).await?;
        if self.policy.needs_workdir()
            && checked_for != Some(sandbox.workdir())
            && let Err(refusal) = self.policy.check_paths(request.words(), sandbox.workdir())
        {
            return Ok(ShellReply::Refused(refusal));
        }
        let outcome = exec(&*sandbox, request, listener).await?;
        Ok(ShellReply::Ran(outcome))
    }
}

/// What came of a command line.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ShellReply {
    /// The policy refused it; nothing reached a sandbox.
    Refused(Refusal),
    /// It held no word, so there was nothing to run and nothing was opened. Only in restricted
    /// mode: without a rule a shell gets it, and does nothing.
    Empty,
    /// It was handed to a sandbox; what became of it is told apart there.
    Ran(ExecOutcome),
}

impl ShellReply {
    /// The outcome, if it was handed to a sandbox.
    #[must_use]
    pub fn outcome(&self) -> Option<&ExecOutcome> {
        match self {
            Self::Ran(outcome) => Some(outcome),
            Self::Refused(_) | Self::Empty => None,
        }
    }

    /// The text for a model: the output, with `[exit code: N]` behind it unless that is 0; or the
    /// refusal. For no command it is `[exit code: 2]`.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.to_string(),
            Self::Empty => "[exit code: 2]".to_owned(),
            Self::Ran(outcome) => outcome.to_result().to_text(),
        }
    }
}

/// Settings of a [`ShellAdapter`].
///
/// ```
/// use std::time::Duration;
/// use sandbox_core::SandboxFactory;
/// use sandbox_core::adapter::{ShellAdapter, ShellAdapterBuilder};
/// use context_vars::Variable;
///
/// fn reading(env: impl SandboxFactory) -> Result<ShellAdapter, sandbox_core::Error> {
///     ShellAdapter::builder(env)
///         .readonly(true)
///         .ignore([".env", "secrets/**"])
///         .env_var("TENANT", Variable::new("tenant"))
///         .timeout(Duration::from_secs(30))
///         .build()
/// }
/// ```
#[derive(Debug)]
#[must_use = "nothing is made until `build`"]
pub struct ShellAdapterBuilder {
    surroundings: Surroundings,
    policy: CommandPolicy,
}

impl ShellAdapterBuilder {
    /// See [`CommandPolicy::allowed`]. Default: everything.
    pub fn allowed<I>(mut self, patterns: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.policy = self.policy.allowed(patterns);
        self
    }

    /// See [`CommandPolicy::blocked`]. Default: nothing.
    pub fn blocked<I>(mut self, patterns: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.policy = self.policy.blocked(patterns);
        self
    }

    /// See [`CommandPolicy::ignore`]. Default: no path is looked at.
    pub fn ignore<I>(mut self, patterns: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.policy = self.policy.ignore(patterns);
        self
    }

    /// See [`CommandPolicy::readonly`]. Default: false.
    pub fn readonly(mut self, readonly: bool) -> Self {
        self.policy = self.policy.readonly(readonly);
        self
    }

    /// All four rules at once, over those given before.
    pub fn policy(mut self, policy: CommandPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// One more environment variable of every command, over one of the sandbox.
    pub fn env_var(mut self, name: impl Into<String>, value: impl Into<Param<Secret>>) -> Self {
        self.surroundings.env.insert(name, value);
        self
    }

    /// The environment variables of every command, over those given before.
    pub fn env_vars(mut self, vars: impl Into<ParamMap>) -> Self {
        self.surroundings.env = vars.into();
        self
    }

    /// When to kill a command. More than zero. Default: the sandbox's.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.surroundings.timeout = Some(timeout);
        self
    }

    /// See [`ExecRequest::output_limit`](crate::ExecRequest::output_limit).
    pub fn output_limit(mut self, head: usize, tail: usize) -> Self {
        self.surroundings.output = Some((head, tail));
        self
    }

    /// The adapter. Opens nothing.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a zero timeout, an output limit above
    /// 8 MiB or a bad name of an environment variable.
    pub fn build(self) -> Result<ShellAdapter, Error> {
        self.surroundings.check()?;
        Ok(ShellAdapter {
            surroundings: self.surroundings,
            policy: self.policy,
        })
    }
}
