//! Source code over any sandbox.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use context_vars::{Param, ParamMap, Secret};

use super::repr::repr;
use super::surroundings::Surroundings;
use crate::{Error, ErrorKind, Sandbox, SandboxFactory, SingletonFactory};

mod file;
mod reply;
mod run;
mod runner;

pub use reply::{CodeReply, NotEnabled};
pub use runner::LanguageRunner;

/// Runs source code in the sandbox of a factory, with the [`LanguageRunner`] of its language.
///
/// ```
/// # #[cfg(all(feature = "local", unix))]
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), sandbox_core::Error> {
/// use sandbox_core::{LocalEnvironment, NoVars, SandboxFactory};
/// use sandbox_core::adapter::{CodeAdapter, LanguageRunner};
///
/// let env = LocalEnvironment::builder().build()?;
/// let code = CodeAdapter::builder(env.clone())
///     .languages(["bash", "awk"])
///     .runner("awk", LanguageRunner::inline(["awk"]))
///     .build()?;
///
/// let reply = code.run("echo $((6 * 7)); exit 3", "bash", &NoVars).await?;
/// assert_eq!(reply.to_text(), "42\n[exit code: 3]");
/// let reply = code.run("BEGIN { print 6 * 7 }", "awk", &NoVars).await?;
/// assert_eq!(reply.to_text(), "42");
/// let reply = code.run("print(42)", "python", &NoVars).await?;
/// assert_eq!(
///     reply.to_text(),
///     "Language 'python' is not enabled. Available: ['bash', 'awk']\n[exit code: 2]"
/// );
/// env.close().await.unwrap();
/// # Ok(()) }
/// # #[cfg(not(all(feature = "local", unix)))] fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct CodeAdapter {
    surroundings: Surroundings,
    /// In the order given.
    languages: Vec<String>,
    runners: BTreeMap<String, LanguageRunner>,
}

impl CodeAdapter {
    /// An adapter over a factory, which it opens once for each run. Give it a clone, or an `Arc`,
    /// of one that others use too: equal contexts then share a sandbox.
    pub fn builder(factory: impl SandboxFactory) -> CodeAdapterBuilder {
        CodeAdapterBuilder {
            surroundings: Surroundings::new(Arc::new(factory)),
            languages: ["python", "bash"].map(str::to_owned).into(),
            runners: LanguageRunner::defaults(),
        }
    }

    /// An adapter over one sandbox that somebody else owns.
    pub fn over(sandbox: impl Sandbox) -> CodeAdapterBuilder {
        Self::builder(SingletonFactory::new(Arc::new(sandbox)))
    }

    /// The factory it opens.
    #[must_use]
    pub fn factory(&self) -> &Arc<dyn SandboxFactory> {
        &self.surroundings.factory
    }

    /// The enabled languages, in the order given.
    #[must_use]
    pub fn languages(&self) -> &[String] {
        &self.languages
    }
}

/// Settings of a [`CodeAdapter`].
///
/// ```
/// use std::time::Duration;
/// use sandbox_core::SandboxFactory;
/// use sandbox_core::adapter::{CodeAdapter, LanguageRunner};
///
/// fn with_ruby(env: impl SandboxFactory) -> Result<CodeAdapter, sandbox_core::Error> {
///     CodeAdapter::builder(env)
///         .languages(["python", "typescript", "ruby"])
///         .runner("python", LanguageRunner::inline(["python3", "-c"]))
///         .runner("typescript", LanguageRunner::file("ts", ["tsx"]))
///         .runner("ruby", LanguageRunner::inline(["ruby", "-e"]))
///         .timeout(Duration::from_secs(30))
///         .build()
/// }
/// ```
#[derive(Debug)]
#[must_use = "nothing is made until `build`"]
pub struct CodeAdapterBuilder {
    surroundings: Surroundings,
    languages: Vec<String>,
    runners: BTreeMap<String, LanguageRunner>,
}

impl CodeAdapterBuilder {
    /// The languages to enable, over the default of `python` and `bash`. Those and `javascript`
    /// and `typescript` have a runner; others need [`runner`](Self::runner).
    pub fn languages<I>(mut self, languages: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.languages = languages.into_iter().map(Into::into).collect();
        self
    }

    /// How to run a language, over the runner it has. It does not enable the language.
    pub fn runner(mut self, language: impl Into<String>, runner: LanguageRunner) -> Self {
        self.runners.insert(language.into(), runner);
        self
    }

    /// One more environment variable of every run, over one of the sandbox.
    pub fn env_var(mut self, name: impl Into<String>, value: impl Into<Param<Secret>>) -> Self {
        self.surroundings.env.insert(name, value);
        self
    }

    /// The environment variables of every run, over those given before.
    pub fn env_vars(mut self, vars: impl Into<ParamMap>) -> Self {
        self.surroundings.env = vars.into();
        self
    }

    /// When to kill a run. More than zero. Default: the sandbox's.
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
    /// [`InvalidInput`](ErrorKind::InvalidInput) for an enabled language without a runner, a
    /// runner that cannot run anything, and what [`ShellAdapterBuilder::build`] refuses.
    ///
    /// [`ShellAdapterBuilder::build`]: super::ShellAdapterBuilder::build
    pub fn build(self) -> Result<CodeAdapter, Error> {
        self.surroundings.check()?;
        for language in &self.languages {
            if !self.runners.contains_key(language) {
                let message = format!(
                    "no LanguageRunner registered for language {}; add one with `runner`",
                    repr(language)
                );
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
        }
        for (language, runner) in &self.runners {
            runner.check(language)?;
        }
        Ok(CodeAdapter {
            surroundings: self.surroundings,
            languages: self.languages,
            runners: self.runners,
        })
    }
}
