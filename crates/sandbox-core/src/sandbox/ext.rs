//! Comforts for every sandbox.

use std::future::IntoFuture;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use context_vars::Secret;

use super::Sandbox;
use crate::{BoxFuture, Error, ErrorKind, ExecOutcome, ExecRequest, Running};

/// Comforts for every sandbox, erased ones included.
#[async_trait]
pub trait SandboxExt: Sandbox {
    /// A command to be awaited, after what surrounds it has been said.
    ///
    /// ```
    /// # use sandbox_core::{Error, Sandbox, SandboxExt};
    /// # async fn f(sandbox: &dyn Sandbox) -> Result<(), Error> {
    /// let outcome = sandbox.run(["ls", "-l"]).cwd("src").env("LANG", "C").await?;
    /// # Ok(()) }
    /// ```
    fn run<I>(&self, words: I) -> ExecBuilder<'_, Self>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        ExecBuilder {
            sandbox: self,
            request: ExecRequest::argv(words),
        }
    }

    /// As [`run`](Self::run), for a command line of `sh`.
    fn shell(&self, line: impl Into<String>) -> ExecBuilder<'_, Self> {
        ExecBuilder {
            sandbox: self,
            request: ExecRequest::shell(line),
        }
    }

    /// Writes a text file.
    ///
    /// # Errors
    ///
    /// Those of [`Sandbox::put`].
    ///
    /// # Cancel safety
    ///
    /// That of [`Sandbox::put`].
    async fn put_text(&self, path: &str, text: &str) -> Result<(), Error> {
        self.put(path, Bytes::copy_from_slice(text.as_bytes()))
            .await
    }

    /// Reads a text file.
    ///
    /// # Errors
    ///
    /// Those of [`Sandbox::get`], and [`ErrorKind::Provider`] if it is not UTF-8.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    async fn get_text(&self, path: &str) -> Result<String, Error> {
        let bytes = self.get(path).await?;
        String::from_utf8(bytes.into()).map_err(|error| {
            Error::new(ErrorKind::Provider, "the file is not UTF-8 text")
                .with_operation("get")
                .with_source(error.utf8_error())
        })
    }
}

impl<S: Sandbox + ?Sized> SandboxExt for S {}

/// A command of [`SandboxExt::run`]; await it to run it.
#[derive(Debug)]
#[must_use = "nothing runs until it is awaited"]
pub struct ExecBuilder<'s, S: ?Sized> {
    sandbox: &'s S,
    request: ExecRequest,
}

impl<S: Sandbox + ?Sized> ExecBuilder<'_, S> {
    /// See [`ExecRequest::cwd`].
    pub fn cwd(mut self, dir: impl Into<String>) -> Self {
        self.request = self.request.cwd(dir);
        self
    }

    /// See [`ExecRequest::env`].
    pub fn env(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.request = self.request.env(name, value);
        self
    }

    /// See [`ExecRequest::stdin`].
    pub fn stdin(mut self, bytes: impl Into<Bytes>) -> Self {
        self.request = self.request.stdin(bytes);
        self
    }

    /// See [`ExecRequest::timeout`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.request = self.request.timeout(timeout);
        self
    }

    /// See [`ExecRequest::output_limit`].
    pub fn output_limit(mut self, head: usize, tail: usize) -> Self {
        self.request = self.request.output_limit(head, tail);
        self
    }

    /// Starts it in place of running it to its end; see [`Sandbox::start`].
    ///
    /// ```
    /// # use sandbox_core::{Error, Sandbox, SandboxExt};
    /// # async fn f(sandbox: &dyn Sandbox) -> Result<(), Error> {
    /// let running = sandbox.run(["sleep", "600"]).start().await?;
    /// assert!(running.kill().await?);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Sandbox::start`].
    ///
    /// # Cancel safety
    ///
    /// That of [`Sandbox::start`].
    pub async fn start(self) -> Result<Running, Error> {
        self.sandbox.start(self.request).await
    }
}

impl<'s, S: Sandbox + ?Sized> IntoFuture for ExecBuilder<'s, S> {
    type Output = Result<ExecOutcome, Error>;
    type IntoFuture = BoxFuture<'s, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.sandbox.exec(self.request)
    }
}
