//! The file that holds the code for a moment.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;

use crate::{Error, ErrorKind, Sandbox, path};

/// A file that is removed, whatever becomes of the run.
pub(super) struct CodeFile {
    sandbox: Arc<dyn Sandbox>,
    name: Option<String>,
}

impl CodeFile {
    /// Writes the code to a file of a name nobody else uses.
    pub(super) async fn write(
        sandbox: Arc<dyn Sandbox>,
        extension: &str,
        code: &str,
    ) -> Result<Self, Error> {
        let name = format!("code_{}.{extension}", random()?);
        // From here on, since a failed or dropped write may leave part of it.
        let file = Self {
            sandbox: Arc::clone(&sandbox),
            name: Some(name.clone()),
        };
        let content = Bytes::copy_from_slice(code.as_bytes());
        sandbox.put(&name, content).await?;
        Ok(file)
    }

    /// Its absolute path.
    pub(super) fn path(&self) -> Result<String, Error> {
        path::confine(
            self.sandbox.workdir(),
            self.name.as_deref().unwrap_or_default(),
        )
    }

    /// Removes it. That it could not be removed is noted and no error of the run.
    pub(super) async fn remove(mut self) {
        if let Some(name) = self.name.as_deref() {
            remove(&*self.sandbox, name).await;
        }
        self.name = None;
    }
}

impl Drop for CodeFile {
    /// The run was dropped in the middle.
    fn drop(&mut self) {
        let (Some(name), Ok(runtime)) = (self.name.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let sandbox = Arc::clone(&self.sandbox);
        runtime.spawn(async move { remove(&*sandbox, &name).await });
    }
}

async fn remove(sandbox: &dyn Sandbox, name: &str) {
    if let Err(error) = sandbox.remove(name).await {
        tracing::debug!(file = name, %error, "a file of code was left behind");
    }
}

fn random() -> Result<String, Error> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(
            ErrorKind::Internal,
            "the operating system gives no randomness",
        )
        .with_source(error)
    })?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let written = write!(text, "{byte:02x}");
        debug_assert!(written.is_ok(), "a string takes all that is written to it");
        text
    }))
}
