//! Which command lines may run.

use super::ignore::Ignore;
use super::repr::repr;
use super::split::{pattern_words, split};
use super::syntax::has_operator;
use super::{Refusal, RefusalReason};

/// What [`readonly`](CommandPolicy::readonly) allows: programs without an option to write a file
/// or to run another program. `find`, `sort`, `git` and `env` are left out for that reason.
pub const READONLY_COMMANDS: [&str; 17] = [
    "cat", "head", "tail", "ls", "grep", "egrep", "fgrep", "wc", "du", "df", "diff", "stat",
    "which", "pwd", "echo", "printenv", "cut",
];

/// Which command lines may run, and as which words.
///
/// Without any rule a line goes to `sh -c` as it is. With one, even an empty list, it is
/// *restricted*: split into words once, checked, and exactly those words are run, without a shell.
/// Variables, globs and tildes then mean nothing and are passed on literally.
///
/// The checks, in this order: length, balanced quotes, `allowed`, shell syntax, `blocked`,
/// `ignore`. Decisions and messages are those of AG2 1.2.1 for a remote sandbox; the length is
/// ours.
///
/// **It is not a security boundary**: see the [module](super).
///
/// ```
/// use sandbox_core::adapter::{CommandPolicy, RefusalReason};
///
/// let policy = CommandPolicy::new().allowed(["git", "ls"]).blocked(["git push"]).ignore([".env"]);
/// let argv = policy.check("git commit -m 'a; b'", "/workspace")?;
/// assert_eq!(argv, ["git", "commit", "-m", "a; b"]);
///
/// let refused = policy.check("git  push", "/workspace").unwrap_err();
/// assert_eq!(refused.reason(), RefusalReason::Blocked);
/// assert_eq!(refused.to_string(), "Command not allowed: 'git  push'");
///
/// let refused = policy.check("ls sub/../.env", "/workspace").unwrap_err();
/// assert_eq!(refused.to_string(), "Access denied: /workspace/.env");
/// # Ok::<(), sandbox_core::adapter::Refusal>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct CommandPolicy {
    allowed: Option<Vec<Pattern>>,
    blocked: Option<Vec<Pattern>>,
    ignore: Option<Ignore>,
    readonly: bool,
}

/// Words that a command must begin with.
#[derive(Clone, Debug)]
struct Pattern(Vec<String>);

impl CommandPolicy {
    /// The longest command line, in bytes: what Linux takes as one argument of a program.
    pub const MAX_COMMAND: usize = 128 * 1024 - 1;

    /// No rule: everything goes to `sh -c`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only commands that begin with the words of one of `patterns`. `git` allows `git status`,
    /// not `gitconfig` nor `/usr/bin/git`; `git log` allows neither `git -c x log` nor `git`. No
    /// pattern allows nothing, an empty one everything.
    #[must_use]
    pub fn allowed<I>(mut self, patterns: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.allowed = Some(patterns.into_iter().map(Pattern::new).collect());
        self
    }

    /// No command that begins with the words of one of `patterns`, the program taken as it is
    /// written or without its directory: `rm` blocks `/bin/rm x` too. It does not see through
    /// `env rm` or `sh -c rm`.
    #[must_use]
    pub fn blocked<I>(mut self, patterns: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.blocked = Some(patterns.into_iter().map(Pattern::new).collect());
        self
    }

    /// No command with a word, or part of a word, that is a path outside the working directory or
    /// that one of `patterns` matches.
    ///
    /// Paths are taken lexically, without a look at the sandbox: a symbolic link is not followed.
    /// The program's name is taken for a path too, so `/bin/cat` is refused. A pattern without
    /// `*`, `?` and `[` matches a last name, a whole path from the working directory, or all below
    /// that; one with them is matched as by Python's `fnmatch`, whose `*` crosses `/`, against the
    /// path and the last name. This is not the syntax of `.gitignore`.
    #[must_use]
    pub fn ignore<I>(mut self, patterns: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.ignore = Some(Ignore::new(patterns));
        self
    }

    /// [`READONLY_COMMANDS`] alone, unless [`allowed`](Self::allowed) is given: then it has no
    /// effect. Default: false.
    #[must_use]
    pub fn readonly(mut self, readonly: bool) -> Self {
        self.readonly = readonly;
        self
    }

    /// True if commands run as checked words, without a shell.
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        self.readonly || self.allowed.is_some() || self.blocked.is_some() || self.ignore.is_some()
    }

    /// True if a decision depends on the working directory.
    pub(super) fn needs_workdir(&self) -> bool {
        self.ignore.is_some()
    }

    /// The words to run for `command`, which may be none, in a sandbox whose working directory is
    /// `workdir`, an absolute path.
    ///
    /// Takes time in proportion to the length of the command, and touches nothing.
    ///
    /// # Errors
    ///
    /// Why it may not run.
    pub fn check(&self, command: &str, workdir: &str) -> Result<Vec<String>, Refusal> {
        let argv = self.check_words(command)?;
        self.check_paths(&argv, workdir)?;
        Ok(argv)
    }

    /// All but `ignore`.
    pub(super) fn check_words(&self, command: &str) -> Result<Vec<String>, Refusal> {
        if command.len() > Self::MAX_COMMAND {
            let message = format!(
                "Command not allowed: it is {} bytes long, and {} is the most. Write it to a file \
                 and run the file.",
                command.len(),
                Self::MAX_COMMAND
            );
            return Err(Refusal::new(RefusalReason::TooLong, message));
        }
        if !self.is_restricted() {
            return Ok(["sh", "-c", command].map(str::to_owned).into());
        }
        let refused = |reason, note: &str| {
            let message = format!("Command not allowed{note}: {}", repr(command));
            Err(Refusal::new(reason, message))
        };
        let Some(argv) = split(command) else {
            return refused(RefusalReason::UnbalancedQuotes, " (unbalanced quotes)");
        };
        if !self.allows(&argv) {
            return refused(RefusalReason::NotAllowed, "");
        }
        if has_operator(command) {
            let note = " (shell syntax is not available in restricted mode)";
            return refused(RefusalReason::ShellSyntax, note);
        }
        if self.blocks(&argv) {
            return refused(RefusalReason::Blocked, "");
        }
        Ok(argv)
    }

    /// `ignore` alone.
    pub(super) fn check_paths(&self, argv: &[String], workdir: &str) -> Result<(), Refusal> {
        let denied = self
            .ignore
            .as_ref()
            .and_then(|ignore| ignore.denied(argv, workdir));
        match denied {
            Some(path) => Err(Refusal::new(
                RefusalReason::AccessDenied,
                format!("Access denied: {path}"),
            )),
            None => Ok(()),
        }
    }

    fn allows(&self, argv: &[String]) -> bool {
        match &self.allowed {
            Some(patterns) => patterns.iter().any(|pattern| pattern.begins(argv)),
            None if self.readonly => argv
                .first()
                .is_some_and(|program| READONLY_COMMANDS.contains(&program.as_str())),
            None => true,
        }
    }

    fn blocks(&self, argv: &[String]) -> bool {
        let (Some(patterns), Some((program, rest))) = (&self.blocked, argv.split_first()) else {
            return false;
        };
        let name = base_name(program);
        patterns
            .iter()
            .any(|pattern| pattern.begins(argv) || pattern.begins_named(name, rest))
    }
}

impl Pattern {
    fn new(pattern: impl AsRef<str>) -> Self {
        Self(pattern_words(pattern.as_ref()).map(str::to_owned).collect())
    }

    fn begins(&self, argv: &[String]) -> bool {
        argv.starts_with(&self.0)
    }

    fn begins_named(&self, program: &str, rest: &[String]) -> bool {
        match self.0.split_first() {
            Some((first, words)) => first == program && rest.starts_with(words),
            None => true,
        }
    }
}

/// The last part of a program's path that is a name; `.` is none, `..` is one.
fn base_name(program: &str) -> &str {
    program
        .rsplit('/')
        .find(|part| !matches!(*part, "" | "."))
        .unwrap_or_default()
}
