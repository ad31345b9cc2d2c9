//! One git command in a sandbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::super::{Place, process};
use super::failure;
use crate::app::App;
use crate::web::reply::Failure;

/// Stands before git's complaints, which come after its output.
const COMPLAINTS: u8 = 1;
/// Answers git's question for credentials from the environment of that one process.
const HELPER: &str = "!f() { test \"$1\" = get && printf 'username=%s\\npassword=%s\\n' \"$_DTN_USER\" \"$_DTN_PASS\"; }; f";

pub(super) struct Git<'a> {
    pub(super) app: &'a Arc<App>,
    pub(super) place: &'a Place,
}

/// What to run.
#[derive(Default)]
pub(super) struct Command<'a> {
    words: Vec<&'a str>,
    credentials: Option<(&'a str, &'a str)>,
    input: Option<String>,
}

/// How it ended.
pub(super) struct Ended {
    pub(super) code: i32,
    pub(super) output: String,
    /// What git wrote to standard error, if it failed.
    pub(super) complaints: String,
}

impl<'a> Command<'a> {
    /// In the repository at `path`.
    pub(super) fn at(path: &'a str, words: &[&'a str]) -> Self {
        let mut all = vec!["-C", path];
        all.extend(words);
        Self::new(&all)
    }

    pub(super) fn new(words: &[&'a str]) -> Self {
        Self {
            words: words.to_vec(),
            ..Self::default()
        }
    }

    pub(super) fn credentials(mut self, credentials: Option<(&'a str, &'a str)>) -> Self {
        self.credentials = credentials;
        self
    }

    /// What git reads from standard input.
    pub(super) fn input(mut self, input: String) -> Self {
        self.input = Some(input);
        self
    }

    fn script(&self) -> String {
        let mut script = String::from("_dtn_err=$(mktemp) || exit 1\n");
        if self.input.is_some() {
            script.push_str("printf %s \"$_DTN_IN\" | ");
        }
        script.push_str("git");
        for word in &self.words {
            script.push_str(" '");
            script.push_str(&word.replace('\'', "'\\''"));
            script.push('\'');
        }
        let input = if self.input.is_some() {
            ""
        } else {
            " </dev/null"
        };
        script.push_str(input);
        script.push_str(
            " 2>\"$_dtn_err\"\n_dtn_code=$?\n[ $_dtn_code = 0 ] || { printf '\\001'; cat \"$_dtn_err\"; }\n\
             rm -f \"$_dtn_err\"\nexit $_dtn_code\n",
        );
        script
    }

    fn env(&self) -> BTreeMap<String, String> {
        let mut env = vec![
            ("LC_ALL", "C"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_ASKPASS", "/bin/false"),
        ];
        if let Some((user, password)) = self.credentials {
            // An empty helper first forgets those that are configured.
            env.extend([
                ("GIT_CONFIG_COUNT", "2"),
                ("GIT_CONFIG_KEY_0", "credential.helper"),
                ("GIT_CONFIG_VALUE_0", ""),
                ("GIT_CONFIG_KEY_1", "credential.helper"),
                ("GIT_CONFIG_VALUE_1", HELPER),
                ("_DTN_USER", user),
                ("_DTN_PASS", password),
            ]);
        }
        if let Some(input) = &self.input {
            env.push(("_DTN_IN", input));
        }
        env.into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

impl Git<'_> {
    /// Runs it to its end, whatever that is.
    pub(super) async fn ask(&self, command: Command<'_>) -> Result<Ended, Failure> {
        let request = process::Request {
            script: Bytes::from(command.script()),
            cwd: String::new(),
            env: command.env(),
            timeout: None,
        };
        let finished = process::run(self.app, self.place, request).await?;
        let split = finished
            .output
            .iter()
            .position(|byte| *byte == COMPLAINTS)
            .filter(|_| finished.code != 0);
        let (output, complaints) = finished
            .output
            .split_at(split.unwrap_or(finished.output.len()));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Ended {
            code: finished.code,
            output: text(output),
            complaints: text(complaints.get(1..).unwrap_or_default()),
        })
    }

    /// Its output, or what its complaints mean.
    pub(super) async fn run(&self, command: Command<'_>) -> Result<String, Failure> {
        let ended = self.ask(command).await?;
        if ended.code == 0 {
            return Ok(ended.output);
        }
        Err(failure::of(&ended))
    }
}
