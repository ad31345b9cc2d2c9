//! `glob_files` and `search_files`, by the sandbox's own find and grep.

use async_trait::async_trait;
use globset::{GlobBuilder, GlobMatcher};
use sandbox_core::{ExecRequest, ExecStatus, Sandbox};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Job, check_path};
use crate::{ToolError, ToolHints, ToolOutput};

/// Names shown.
const MOST_FILES: usize = 1000;
/// Matches shown if not said, and at most.
const MATCHES: usize = 200;
/// Characters of a line that are shown.
const LINE: usize = 300;
/// Bytes of find's or grep's output that are looked at.
const OUTPUT: usize = 8 * 1024 * 1024;

/// Names of files with a NUL behind each: there is no other byte that a name cannot hold.
const FILES: &str = r#"cd -- "$1" 2>/dev/null || exit 3
find . -name .git -prune -o -type f -exec sh -c 'for f; do printf "%s\0" "$f"; done' sh {} +"#;
/// A name and its matching lines, a NUL behind each.
const MATCHING: &str = r#"cd -- "$1" 2>/dev/null || exit 3
printf x | grep $4 -e "$2" >/dev/null 2>&1
[ $? -le 1 ] || exit 4
find . -name .git -prune -o -type f -exec sh -c 'p=$1 m=$2 o=$3; shift 3
for f; do l=$(grep $o -n -m "$m" -e "$p" -- "$f" 2>/dev/null) && printf "%s\0%s\0" "$f" "$l"; done
:' sh "$2" "$3" "$4" {} +"#;

pub(super) struct GlobFiles;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(super) struct GlobArguments {
    /// Glob such as *.py or src/**/*.rs; without a slash it matches names anywhere
    #[schemars(length(min = 1, max = 1000))]
    pattern: String,
    /// Directory to look in, relative to the working directory; default the working directory
    #[serde(default)]
    path: Option<String>,
}

#[async_trait]
impl Job for GlobFiles {
    type Arguments = GlobArguments;

    const NAME: &'static str = "glob_files";
    const DESCRIPTION: &'static str = "Find files by a glob pattern: * and ? do not cross /, ** does. Paths are relative \
                                       to the working directory: {workdir}";
    const HINTS: ToolHints = ToolHints::READS;

    fn check(arguments: &GlobArguments) -> Result<(), ToolError> {
        matcher(&arguments.pattern)?;
        check_path(arguments.path.as_deref().unwrap_or_default()).map(drop)
    }

    async fn run(sandbox: &dyn Sandbox, arguments: GlobArguments) -> Result<ToolOutput, ToolError> {
        let path = check_path(arguments.path.as_deref().unwrap_or_default())?;
        let glob = matcher(&arguments.pattern)?;
        let found = match find(sandbox, &path, FILES, &[]).await? {
            Ok(found) => found,
            Err(refused) => return Ok(refused),
        };
        let names = found.split('\0').filter_map(|name| name.strip_prefix("./"));
        let mut matching: Vec<String> = names
            .filter(|name| glob.is_match(name))
            .map(|name| join(&path, name))
            .collect();
        matching.sort_unstable();
        let total = matching.len();
        matching.truncate(MOST_FILES);
        let mut lines = matching.clone();
        if total > MOST_FILES {
            lines.push(format!("[{} more]", total - MOST_FILES));
        }
        if lines.is_empty() {
            lines.push("[no files]".to_owned());
        }
        Ok(ToolOutput::new(
            lines.join("\n"),
            json!({ "paths": matching, "total": total }),
        ))
    }
}

fn matcher(pattern: &str) -> Result<GlobMatcher, ToolError> {
    let anywhere = if pattern.contains('/') {
        pattern.trim_start_matches("./").to_owned()
    } else {
        format!("**/{pattern}")
    };
    let glob = GlobBuilder::new(&anywhere).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher())
        .map_err(|error| ToolError::arguments(format!("the pattern is no glob: {}", error.kind())))
}

pub(super) struct SearchFiles;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(super) struct SearchArguments {
    /// POSIX extended regular expression to look for, one line at a time
    #[schemars(length(min = 1, max = 1000))]
    pattern: String,
    /// Directory to look in, relative to the working directory; default the working directory
    #[serde(default)]
    path: Option<String>,
    /// Only files that match this glob, such as *.py
    #[serde(default)]
    glob: Option<String>,
    /// Take the pattern as plain text; default false
    #[serde(default)]
    literal: bool,
    /// Do not tell upper from lower case; default false
    #[serde(default)]
    ignore_case: bool,
    /// How many matches to show, at most 200; default 200
    #[serde(default)]
    #[schemars(range(min = 1, max = 200))]
    max_results: Option<usize>,
}

#[async_trait]
impl Job for SearchFiles {
    type Arguments = SearchArguments;

    const NAME: &'static str = "search_files";
    const DESCRIPTION: &'static str = "Search the contents of text files; gives path:line: text for each match. Paths \
                                       are relative to the working directory: {workdir}";
    const HINTS: ToolHints = ToolHints::READS;

    fn check(arguments: &SearchArguments) -> Result<(), ToolError> {
        check_path(arguments.path.as_deref().unwrap_or_default())?;
        if let Some(glob) = &arguments.glob {
            matcher(glob)?;
        }
        if arguments.pattern.is_empty() || arguments.pattern.contains(['\0', '\n']) {
            return Err(ToolError::arguments(
                "the pattern is empty, or is more than one line",
            ));
        }
        if arguments
            .max_results
            .is_some_and(|most| most == 0 || most > MATCHES)
        {
            return Err(ToolError::arguments(format!(
                "max_results must be from 1 to {MATCHES}"
            )));
        }
        Ok(())
    }

    async fn run(
        sandbox: &dyn Sandbox,
        arguments: SearchArguments,
    ) -> Result<ToolOutput, ToolError> {
        let path = check_path(arguments.path.as_deref().unwrap_or_default())?;
        let glob = arguments.glob.as_deref().map(matcher).transpose()?;
        let most = arguments.max_results.unwrap_or(MATCHES);
        let flags = match (arguments.literal, arguments.ignore_case) {
            (false, false) => "-E",
            (false, true) => "-Ei",
            (true, false) => "-F",
            (true, true) => "-Fi",
        };
        // one more than wanted, to know whether there are more
        let per_file = (most + 1).to_string();
        let words = [arguments.pattern.as_str(), &per_file, flags];
        let found = match find(sandbox, &path, MATCHING, &words).await? {
            Ok(found) => found,
            Err(refused) => return Ok(refused),
        };
        let mut matches = Vec::new();
        let mut parts = found.split('\0');
        while let (Some(name), Some(lines)) = (parts.next(), parts.next()) {
            let Some(name) = name.strip_prefix("./") else {
                continue;
            };
            if glob.as_ref().is_none_or(|glob| glob.is_match(name)) {
                matches.extend(
                    lines
                        .lines()
                        .filter_map(|line| Match::read(&join(&path, name), line)),
                );
            }
        }
        matches.sort_by(|a: &Match, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
        let more = matches.len() > most;
        matches.truncate(most);
        let mut lines: Vec<String> = matches.iter().map(Match::shown).collect();
        if more {
            lines.push(format!("[more than {most} matches]"));
        }
        if lines.is_empty() {
            lines.push("[no matches]".to_owned());
        }
        let value: Vec<Value> = matches.iter().map(Match::value).collect();
        Ok(ToolOutput::new(
            lines.join("\n"),
            json!({ "matches": value, "more": more }),
        ))
    }
}

struct Match {
    path: String,
    line: u64,
    text: String,
}

impl Match {
    /// `None` for what grep says about binary files.
    fn read(path: &str, line: &str) -> Option<Self> {
        let (number, text) = line.split_once(':')?;
        Some(Self {
            path: path.to_owned(),
            line: number.parse().ok()?,
            text: text.chars().take(LINE).collect(),
        })
    }

    fn shown(&self) -> String {
        format!("{}:{}: {}", self.path, self.line, self.text)
    }

    fn value(&self) -> Value {
        json!({ "path": self.path, "line": self.line, "text": self.text })
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// The output of a script over a directory, or what to tell the model.
async fn find(
    sandbox: &dyn Sandbox,
    path: &str,
    script: &str,
    words: &[&str],
) -> Result<Result<String, ToolOutput>, ToolError> {
    let folder = if path.is_empty() { "." } else { path };
    let mut argv = vec!["sh", "-c", script, "sh", folder];
    argv.extend(words);
    let request = ExecRequest::argv(argv)
        .env("LC_ALL", "C.UTF-8")
        .output_limit(OUTPUT, 0);
    let outcome = sandbox.exec(request).await?;
    let refused = |words: &str| {
        let value = json!({ "status": "failed", "reason": words });
        Ok(Err(ToolOutput::new(words, value).with_error(true)))
    };
    match outcome.status() {
        // find tells of unreadable directories with 1, and has found the rest
        ExecStatus::Exited(0 | 1) => Ok(Ok(
            String::from_utf8_lossy(outcome.stdout().head()).into_owned()
        )),
        ExecStatus::Exited(3) => refused("There is no such directory."),
        ExecStatus::Exited(4) => refused("The pattern is no POSIX extended regular expression."),
        ExecStatus::Exited(127) => refused("This sandbox lacks find or grep."),
        ExecStatus::TimedOut => refused("That took too long. Look in a smaller directory."),
        _ => match outcome.cause() {
            Some(cause) => Err(cause.clone().into()),
            None => refused("find or grep failed."),
        },
    }
}
