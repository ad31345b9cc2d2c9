//! What execute answers where nothing is run.

use std::fmt;
use std::sync::Arc;

type Answer = Arc<dyn Fn(&str) -> (i32, String) + Send + Sync>;

/// What execute answers in place of running anything.
#[derive(Clone)]
pub struct CannedExec {
    answer: Answer,
}

impl CannedExec {
    /// The answer to every execute: an exit code and the output.
    pub fn new(exit_code: i32, result: impl Into<String>) -> Self {
        let result = result.into();
        Self::from_fn(move |_| (exit_code, result.clone()))
    }

    /// Makes the exit code and the output from the text of the command.
    pub fn from_fn(answer: impl Fn(&str) -> (i32, String) + Send + Sync + 'static) -> Self {
        Self {
            answer: Arc::new(answer),
        }
    }

    pub(crate) fn answer(&self, command: &str) -> (i32, String) {
        (self.answer)(command)
    }
}

impl fmt::Debug for CannedExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CannedExec").finish_non_exhaustive()
    }
}
