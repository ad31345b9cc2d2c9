//! A sandbox with one owner.

use std::ops::Deref;
use std::sync::Arc;

use context_vars::Source;
use sandbox_core::{CloseError, Error};

use super::DaytonaSandbox;
use crate::builder::DaytonaEnvironmentBuilder;
use crate::environment::DaytonaEnvironment;

/// One sandbox with one owner: it is made, kept alive and deleted with this value, and shared with
/// nobody. For those who need no factory.
///
/// ```no_run
/// use context_vars::NoVars;
/// use daytona_env::{DaytonaEnvironment, OwnedSandbox};
/// use sandbox_core::SandboxExt;
///
/// # async fn example(key: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let builder = DaytonaEnvironment::builder().api_key(key).image("python:3.12");
/// let sandbox = OwnedSandbox::create(builder, &NoVars).await?;
/// let outcome = sandbox.run(["python3", "-c", "print(6*7)"]).await?;
/// assert_eq!(outcome.stdout().text_lossy(), "42\n");
/// sandbox.close().await?;
/// # Ok(())
/// # }
/// ```
///
/// Dropping it deletes the sandbox in the background; [`close`](Self::close) tells that it is gone.
#[derive(Debug)]
pub struct OwnedSandbox {
    environment: DaytonaEnvironment,
    sandbox: Arc<DaytonaSandbox>,
}

impl OwnedSandbox {
    /// Makes the sandbox and waits for it.
    ///
    /// # Errors
    ///
    /// Those of [`DaytonaEnvironmentBuilder::build`] and [`DaytonaEnvironment::open`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaks nothing: what is being made is deleted in the background.
    pub async fn create(
        builder: DaytonaEnvironmentBuilder,
        context: &dyn Source,
    ) -> Result<Self, Error> {
        // An environment of its own, so that closing it touches no other sandbox.
        let environment = builder.build()?;
        let sandbox = environment.open(context).await?;
        Ok(Self {
            environment,
            sandbox,
        })
    }

    /// Deletes the sandbox. However many callers there are, and however often they call, it is
    /// deleted once; every later call to the sandbox answers
    /// [`Closed`](sandbox_core::ErrorKind::Closed).
    ///
    /// # Errors
    ///
    /// What is left, with the reason and when the server itself will remove it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops nothing.
    pub async fn close(&self) -> Result<(), CloseError> {
        self.environment.close().await
    }
}

impl Deref for OwnedSandbox {
    type Target = DaytonaSandbox;

    fn deref(&self) -> &DaytonaSandbox {
        &self.sandbox
    }
}
