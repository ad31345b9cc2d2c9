//! `cargo xtask ci`: everything a change must pass, in order of cost.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::clock::{now, seconds};
use crate::{codegen, proofs, release, tidy};

/// Half of the steps, or all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lane {
    /// What is run again and again while something is written.
    Fast,
    /// What the fast lane leaves out.
    Full,
    /// One after the other.
    #[default]
    Both,
}

/// What to do.
#[derive(Debug, Default)]
pub(crate) struct Options {
    lane: Lane,
    /// The tests ran already.
    skip_tests: bool,
    /// Where the OpenAPI documents are.
    spec_dir: Option<PathBuf>,
}

impl Options {
    pub(crate) fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self {
            spec_dir: codegen::spec_dir_of_environment(),
            ..Self::default()
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "fast" => options.lane = Lane::Fast,
                "full" => options.lane = Lane::Full,
                "--skip-tests" => options.skip_tests = true,
                "--spec-dir" => {
                    options.spec_dir =
                        Some(args.next().context("--spec-dir needs a folder")?.into());
                }
                other => bail!("ci does not know {other}"),
            }
        }
        Ok(options)
    }
}

type Step<'a> = (&'static str, Box<dyn FnOnce() -> Result<()> + 'a>);

/// Runs the steps of the lane; stops at the first that fails.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(root);
    let mut steps = Vec::new();
    if options.lane != Lane::Full {
        steps.extend(fast(root, &sh, options));
    }
    if options.lane != Lane::Fast {
        steps.extend(full(root, &sh, options));
    }
    let total = now();
    for (name, step) in steps {
        let start = now();
        let result = step();
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        println!("{name:<16} {verdict:<6} {:>7}", seconds(start.elapsed()));
        result.with_context(|| format!("the step `{name}` failed"))?;
    }
    println!("{:<16} {:<6} {:>7}", "all", "ok", seconds(total.elapsed()));
    Ok(())
}

fn fast<'a>(root: &'a Path, sh: &'a Shell, options: &Options) -> Vec<Step<'a>> {
    let check = codegen::Options {
        check: true,
        spec_dir: options.spec_dir.clone(),
    };
    let mut steps: Vec<Step<'a>> = vec![
        (
            "fmt",
            Box::new(|| Ok(cmd!(sh, "cargo fmt --all --check").quiet().run()?)),
        ),
        ("tidy", Box::new(|| said(tidy::run(root)))),
        (
            "codegen --check",
            Box::new(move || said(codegen::run(root, &check))),
        ),
        ("clippy", Box::new(|| clippy(sh))),
    ];
    if !options.skip_tests {
        steps.push(("test", Box::new(|| tests(sh))));
    }
    steps
}

fn full<'a>(root: &'a Path, sh: &'a Shell, options: &Options) -> Vec<Step<'a>> {
    let mut steps: Vec<Step<'a>> = vec![
        ("models only", Box::new(|| models_only(sh))),
        ("each alone", Box::new(|| said(release::alone(root)))),
        ("licences", Box::new(|| said(release::licences(root)))),
        ("book", Box::new(|| said(release::book(root)))),
    ];
    if !options.skip_tests {
        steps.push(("doc tests", Box::new(|| doc_tests(sh))));
    }
    steps.push(("doc", Box::new(|| docs(sh))));
    // last, since it takes longest; the tests run a few of these only
    steps.push(("sim", Box::new(move || proofs::sim(root, &[]))));
    steps
}

fn clippy(sh: &Shell) -> Result<()> {
    let flags = ["--workspace", "--all-targets", "--all-features", "--locked"];
    Ok(cmd!(sh, "cargo clippy --quiet {flags...} -- -D warnings")
        .quiet()
        .run()?)
}

/// The code blocks of the public items, of README.md and of docs/.
fn doc_tests(sh: &Shell) -> Result<()> {
    Ok(cmd!(
        sh,
        "cargo test --quiet --workspace --all-features --locked --doc"
    )
    .quiet()
    .run()?)
}

fn said(result: Result<String>) -> Result<()> {
    println!("  {}", result?);
    Ok(())
}

/// The wire's models must build without the client.
fn models_only(sh: &Shell) -> Result<()> {
    let flags = [
        "--package",
        "daytona-api",
        "--no-default-features",
        "--all-targets",
        "--locked",
    ];
    Ok(cmd!(sh, "cargo clippy --quiet {flags...} -- -D warnings")
        .quiet()
        .run()?)
}

fn tests(sh: &Shell) -> Result<()> {
    let nextest = cmd!(sh, "cargo nextest --version")
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run()
        .is_ok();
    let runner: &[&str] = if nextest {
        &["nextest", "run"]
    } else {
        &["test", "--quiet"]
    };
    Ok(cmd!(
        sh,
        "cargo {runner...} --workspace --all-features --lib --bins --tests --examples --locked"
    )
    .quiet()
    .run()?)
}

fn docs(sh: &Shell) -> Result<()> {
    let _flags = sh.push_env("RUSTDOCFLAGS", "-D warnings");
    Ok(cmd!(
        sh,
        "cargo doc --quiet --workspace --no-deps --all-features --locked"
    )
    .quiet()
    .run()?)
}

#[cfg(test)]
mod tests;
