//! What to run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use context_vars::Secret;

use crate::{Error, ErrorKind};

/// Bytes kept of the beginning of each stream, unless [`ExecRequest::output_limit`] says else.
const DEFAULT_HEAD: usize = 64 * 1024;
/// Bytes kept of the end of each stream.
const DEFAULT_TAIL: usize = 64 * 1024;
/// The most that may be asked for on either side.
const MAX_SIDE: usize = 8 * 1024 * 1024;

/// A command with its surroundings.
///
/// ```
/// use std::time::Duration;
/// use sandbox_core::ExecRequest;
///
/// let request = ExecRequest::argv(["python3", "-c", "print(6*7)"])
///     .cwd("src")
///     .env("LANG", "C")
///     .timeout(Duration::from_secs(5));
/// assert!(request.validate().is_ok());
///
/// let listing = ExecRequest::shell("ls | wc -l");
/// assert_eq!(listing.words(), ["sh", "-c", "ls | wc -l"]);
/// ```
#[derive(Clone)]
pub struct ExecRequest {
    argv: Vec<String>,
    cwd: Option<String>,
    env: BTreeMap<String, Secret>,
    stdin: Option<Bytes>,
    timeout: Option<Duration>,
    head: usize,
    tail: usize,
}

impl ExecRequest {
    /// A program and its arguments, taken as they are: no shell reads them.
    #[must_use]
    pub fn argv<I>(words: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self {
            argv: words.into_iter().map(Into::into).collect(),
            cwd: None,
            env: BTreeMap::new(),
            stdin: None,
            timeout: None,
            head: DEFAULT_HEAD,
            tail: DEFAULT_TAIL,
        }
    }

    /// A command line for `sh -c`, passed on unchanged.
    #[must_use]
    pub fn shell(line: impl Into<String>) -> Self {
        Self::argv(["sh".to_owned(), "-c".to_owned(), line.into()])
    }

    /// The directory to run in, relative to the sandbox's working directory or absolute. Default:
    /// the working directory.
    #[must_use]
    pub fn cwd(mut self, dir: impl Into<String>) -> Self {
        self.cwd = Some(dir.into());
        self
    }

    /// Sets an environment variable for this command alone, over one of the sandbox.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// What the command reads from its standard input. Default: nothing, its end at once.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Bytes>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// When to kill the command and all it started. More than zero. Default: the sandbox's.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How many bytes of the beginning and of the end of each stream come back; up to 8 MiB each.
    /// Default: 64 KiB and 64 KiB. What is between is counted, and kept in the sandbox if it can.
    #[must_use]
    pub fn output_limit(mut self, head: usize, tail: usize) -> Self {
        self.head = head;
        self.tail = tail;
        self
    }

    /// The program and its arguments.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.argv
    }

    /// The directory asked for.
    #[must_use]
    pub fn cwd_given(&self) -> Option<&str> {
        self.cwd.as_deref()
    }

    /// The environment of this command, by name.
    #[must_use]
    pub fn env_given(&self) -> impl ExactSizeIterator<Item = (&str, &Secret)> {
        self.env.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The standard input, if given.
    #[must_use]
    pub fn stdin_given(&self) -> Option<&Bytes> {
        self.stdin.as_ref()
    }

    /// The timeout asked for.
    #[must_use]
    pub fn timeout_given(&self) -> Option<Duration> {
        self.timeout
    }

    /// How many bytes of the beginning of each stream come back.
    #[must_use]
    pub fn head_limit(&self) -> usize {
        self.head
    }

    /// How many bytes of the end of each stream come back.
    #[must_use]
    pub fn tail_limit(&self) -> usize {
        self.tail
    }

    /// Checks what can be checked before anything is sent. Every sandbox calls it first.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`]: no program, an empty program name, a NUL in a word, directory or
    /// value, an environment name other than `[A-Za-z_][A-Za-z0-9_]*`, a zero timeout, or an
    /// output limit above 8 MiB.
    pub fn validate(&self) -> Result<(), Error> {
        let invalid = |message: &'static str| Err(Error::new(ErrorKind::InvalidInput, message));
        match self.argv.first() {
            None => return invalid("there is no command: the argument list is empty"),
            Some(program) if program.is_empty() => {
                return invalid("the program's name is empty");
            }
            Some(_) => {}
        }
        if self.argv.iter().any(|word| word.contains('\0')) {
            return invalid("a word of the command holds a NUL");
        }
        match self.cwd.as_deref() {
            Some("") => return invalid("the directory is empty; leave it out for the default"),
            Some(dir) if dir.contains('\0') => return invalid("the directory holds a NUL"),
            _ => {}
        }
        for (name, value) in &self.env {
            if !is_env_name(name) {
                return invalid(
                    "an environment variable's name is not letters, digits and underscores",
                );
            }
            if value.expose().contains('\0') {
                return invalid("the value of an environment variable holds a NUL");
            }
        }
        if self.timeout.is_some_and(|timeout| timeout.is_zero()) {
            return invalid("the timeout is zero; leave it out for the default");
        }
        if self.head > MAX_SIDE || self.tail > MAX_SIDE {
            return invalid("the output limit is above 8 MiB");
        }
        Ok(())
    }
}

fn is_env_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first == b'_' || first.is_ascii_alphabetic())
        && bytes.all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

impl fmt::Debug for ExecRequest {
    /// Words, input and values may be secrets: it shows their number, and the names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecRequest")
            .field("words", &self.argv.len())
            .field("cwd", &self.cwd)
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .field("stdin", &self.stdin.as_ref().map(Bytes::len))
            .field("timeout", &self.timeout)
            .field("head", &self.head)
            .field("tail", &self.tail)
            .finish()
    }
}

impl<T: Into<String>> From<Vec<T>> for ExecRequest {
    fn from(words: Vec<T>) -> Self {
        Self::argv(words)
    }
}

impl<T: Into<String>, const N: usize> From<[T; N]> for ExecRequest {
    fn from(words: [T; N]) -> Self {
        Self::argv(words)
    }
}
