//! `cargo xtask release`: what must hold before the crates are handed to others.

mod api;
mod binary;
mod book;
mod budget;
mod consumers;
mod deny;
mod features;
mod members;
mod offline;
mod package;
mod prepare;
mod semver;
mod snapshot;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use xshell::{Cmd, Shell, cmd};

use self::members::Members;
use crate::clock::{now, seconds};

/// The folder of what is held still: file lists, public API, budgets, foreign types.
const HELD: &str = "xtask/release";
/// How much of what a failed test printed is shown, of each of its outputs.
const LAST_LINES: usize = 40;

/// What the steps share.
pub(crate) struct Release<'a> {
    root: &'a Path,
    sh: Shell,
    members: Members,
    /// Write what is found in place of what is held.
    bless: bool,
}

impl<'a> Release<'a> {
    fn of(root: &'a Path, bless: bool) -> Result<Self> {
        let sh = Shell::new()?;
        sh.change_dir(root);
        Ok(Self {
            root,
            members: Members::read(&sh)?,
            sh,
            bless,
        })
    }

    fn held(&self, path: &str) -> PathBuf {
        self.root.join(HELD).join(path)
    }

    /// Compares `text` with what is held under `path`, or holds it from now on.
    fn hold(&self, path: &str, text: &str) -> Result<()> {
        snapshot::hold(&self.held(path), text, self.bless)
    }

    /// Whether a tool is there.
    fn has(&self, tool: &str) -> bool {
        let version = cmd!(self.sh, "{tool} --version");
        let version = version.quiet().ignore_stdout().ignore_stderr();
        version.run().is_ok()
    }

    /// Builds a tool of the registry if it is missing.
    fn install(&self, tool: &str) -> Result<()> {
        if self.has(tool) {
            return Ok(());
        }
        println!("{tool} is missing: building it takes some minutes");
        let install = cmd!(
            self.sh,
            "cargo install --quiet --locked {tool} --no-default-features"
        );
        Ok(install.quiet().run()?)
    }

    /// Builds of the checks go here, so that their flags do not throw away what a developer has built.
    fn target_dir(&self) -> PathBuf {
        self.root.join("target/release-check")
    }
}

/// Runs tests without a word; of those that fail, the end of what they and the compiler said.
fn quietly(command: Cmd<'_>, what: &str) -> Result<()> {
    let output = command.quiet().ignore_status().output()?;
    if output.status.success() {
        return Ok(());
    }
    bail!(
        "{what}\n{}\n{}",
        last_lines(&output.stderr),
        last_lines(&output.stdout)
    );
}

fn last_lines(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let shown = lines.iter().skip(lines.len().saturating_sub(LAST_LINES));
    shown.copied().collect::<Vec<_>>().join("\n")
}

/// A step's name, what it does, and the work; the text is one line for people.
type Step = (
    &'static str,
    &'static str,
    fn(&Release<'_>) -> Result<String>,
);

/// In order of cost.
const STEPS: &[Step] = &[
    (
        "toolchain",
        "rust-version is what this toolchain is, or below",
        members::toolchain,
    ),
    (
        "budget",
        "dependencies per crate and feature",
        budget::check,
    ),
    ("files", "what each package holds", package::files),
    (
        "api",
        "the public API and the foreign types in it",
        api::check,
    ),
    ("semver", "against the last tag", semver::check),
    (
        "deny",
        "licences, duplicates, banned crates, sources",
        deny::check,
    ),
    ("book", "docs/ as a book", book::check),
    ("features", "each alone, none, all", features::check),
    (
        "consumers",
        "small packages as strangers would write them",
        consumers::check,
    ),
    (
        "packages",
        "each crate built and tested from its package alone",
        package::build_and_test,
    ),
    (
        "offline",
        "a build from nothing without a network",
        offline::check,
    ),
    ("binary", "size and cold start", binary::measure),
];

/// What to do.
#[derive(Debug, Default)]
pub(crate) struct Options {
    only: Vec<String>,
    bless: bool,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--bless" => options.bless = true,
                "--only" => {
                    let names = args
                        .next()
                        .context("--only needs names of steps, with commas")?;
                    options.only.extend(names.split(',').map(str::to_owned));
                }
                other => bail!("release check does not know {other}"),
            }
        }
        if let Some(unknown) = options
            .only
            .iter()
            .find(|only| STEPS.iter().all(|(name, ..)| name != only))
        {
            bail!(
                "there is no step {unknown}; there are {}",
                names().join(", ")
            );
        }
        Ok(options)
    }

    fn wants(&self, step: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == step)
    }
}

fn names() -> Vec<&'static str> {
    STEPS.iter().map(|(name, ..)| *name).collect()
}

/// `release check ..`
pub(crate) fn run(root: &Path, args: &[String]) -> Result<()> {
    match args.split_first() {
        Some((what, rest)) if what == "check" => check(root, &Options::parse(rest)?),
        Some((what, rest)) if what == "prepare" => prepare::run(root, rest),
        _ => bail!(
            "say `release check [--only STEP,..] [--bless]` or `release prepare X.Y.Z [--dry-run]`; the steps: {}",
            names().join(", ")
        ),
    }
}

/// Whether each crate compiles by itself, with its default features and with none.
pub(crate) fn alone(root: &Path) -> Result<String> {
    features::alone(&Release::of(root, false)?)
}

/// What deny.toml says, where its tool is installed.
pub(crate) fn licences(root: &Path) -> Result<String> {
    where_installed(root, deny::TOOL, deny::check)
}

/// docs/ as a book, where its tool is installed.
pub(crate) fn book(root: &Path) -> Result<String> {
    where_installed(root, book::TOOL, book::check)
}

fn where_installed(
    root: &Path,
    tool: &str,
    step: fn(&Release<'_>) -> Result<String>,
) -> Result<String> {
    let release = Release::of(root, false)?;
    if release.has(tool) {
        return step(&release);
    }
    Ok(format!(
        "SKIPPED: {tool} is not installed; `cargo xtask release check` installs it"
    ))
}

/// Runs every step that is wanted, all of them even if one fails: a release is fixed in one go.
fn check(root: &Path, options: &Options) -> Result<()> {
    let release = Release::of(root, options.bless)?;
    let mut failed = Vec::new();
    for (name, what, step) in STEPS {
        if !options.wants(name) {
            continue;
        }
        let start = now();
        let result = step(&release);
        let took = seconds(start.elapsed());
        match result {
            Ok(said) => println!("{name:<10} ok     {took:>8}  {said}"),
            Err(error) => {
                println!("{name:<10} FAILED {took:>8}  {what}\n{error:#}");
                failed.push(*name);
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    bail!("not fit for a release: {}", failed.join(", "))
}

#[cfg(test)]
mod tests;
