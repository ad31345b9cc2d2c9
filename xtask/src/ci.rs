//! `cargo xtask ci`: everything a change must pass, in order of cost.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::{codegen, tidy};

/// What to do.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// The tests ran already.
    pub(crate) skip_tests: bool,
    /// Where the OpenAPI documents are.
    pub(crate) spec_dir: Option<PathBuf>,
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
                "--skip-tests" => options.skip_tests = true,
                "--spec-dir" => {
                    options.spec_dir =
                        Some(args.next().context("--spec-dir needs a folder")?.into())
                }
                other => bail!("ci does not know {other}"),
            }
        }
        Ok(options)
    }
}

type Step<'a> = (&'static str, Box<dyn FnOnce() -> Result<()> + 'a>);

/// Runs all steps; stops at the first that fails.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    let sh = &shell;
    let check = codegen::Options {
        check: true,
        spec_dir: options.spec_dir.clone(),
    };
    let mut steps: Vec<Step<'_>> = vec![
        (
            "fmt",
            Box::new(|| Ok(cmd!(sh, "cargo fmt --all --check").quiet().run()?)),
        ),
        ("tidy", Box::new(|| said(tidy::run(root)))),
        (
            "codegen --check",
            Box::new(move || said(codegen::run(root, &check))),
        ),
        (
            "clippy",
            Box::new(|| {
                let flags = [
                    "--workspace",
                    "--all-targets",
                    "--all-features",
                    "--locked",
                    "--",
                    "-D",
                    "warnings",
                ];
                Ok(cmd!(sh, "cargo clippy --quiet {flags...}").quiet().run()?)
            }),
        ),
        ("models only", Box::new(|| models_only(sh))),
    ];
    if !options.skip_tests {
        steps.push(("test", Box::new(|| tests(sh))));
        steps.push((
            "doc tests",
            Box::new(|| {
                Ok(cmd!(
                    sh,
                    "cargo test --quiet --workspace --all-features --locked --doc"
                )
                .quiet()
                .run()?)
            }),
        ));
    }
    steps.push(("doc", Box::new(|| docs(sh))));
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

#[expect(
    clippy::disallowed_methods,
    reason = "a person reads how long a step took; nothing depends on it"
)]
fn now() -> Instant {
    Instant::now()
}

fn seconds(elapsed: Duration) -> String {
    format!("{:.1} s", elapsed.as_secs_f64())
}
