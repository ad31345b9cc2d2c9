//! Development tasks of this workspace; `cargo xtask` lists them.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people and CI"
)]

mod ci;
mod clock;
mod codegen;
mod pages;
mod proofs;
mod release;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask codegen [--check] [--spec-dir DIR]   models and routes of daytona-api (DIR also from DAYTONA_SPEC_DIR)
cargo xtask tidy                                 arrows, layout, manifests, docs/dependencies.md
cargo xtask pages [--check]                      parts of docs/ that are drawn from the code: error texts, diagrams
cargo xtask ci [fast|full] [--skip-tests] [--spec-dir DIR]
                                                 everything a change must pass, one line per step
cargo xtask release check [--only STEP,..]       what must hold before the crates are handed out; --bless holds what is found
cargo xtask release prepare X.Y.Z [--dry-run]    version, changelog, SBOM, notes and tag message, from a clean and green tree
cargo xtask incumbents                           what the incumbent does in each case, and what we do
cargo xtask sim [--seeds N] [--from S]           simulated worlds, 2,000 of them; names the seed that fails
cargo xtask crash [--runs N] [--seed S]          real processes killed at random instants, 1,000 of them
cargo xtask crash --frozen [--runs N] [--seed S] real processes stopped past their lease and let go on, 300 of them";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        // No backtrace: what is wrong is in the tree, not here.
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((command, rest)) = args.split_first() else {
        println!("{USAGE}");
        return Ok(());
    };
    match command.as_str() {
        "codegen" => println!(
            "{}",
            codegen::run(&root(), &codegen::Options::parse(rest)?)?
        ),
        "pages" => println!("{}", pages::run(&root(), rest)?),
        "tidy" => println!("{}", tidy::run(&root())?),
        "release" => release::run(&root(), rest)?,
        "ci" => ci::run(&root(), &ci::Options::parse(rest)?)?,
        "incumbents" => proofs::incumbents(&root(), rest)?,
        "sim" => proofs::sim(&root(), rest)?,
        "crash" => proofs::crash(&root(), rest)?,
        other => bail!("there is no task {other}\n{USAGE}"),
    }
    Ok(())
}

/// The root of the workspace.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
