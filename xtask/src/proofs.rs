//! `cargo xtask incumbents`, `sim`, `crash`: the long runs of the tests in `tests/proofs.rs`, which stay in another crate
//! so that this one builds without ours.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// One test, and what it reads from its environment.
struct Run<'a> {
    test: &'static str,
    envs: Vec<(&'static str, &'a str)>,
}

/// The number after an option.
fn number<'a>(args: &'a [String], option: &str, default: &'a str) -> Result<&'a str> {
    let Some(place) = args.iter().position(|arg| arg == option) else {
        return Ok(default);
    };
    let value = args
        .get(place + 1)
        .with_context(|| format!("{option} needs a number"))?;
    value
        .parse::<u64>()
        .with_context(|| format!("{option} {value}: not a number"))?;
    Ok(value)
}

/// Fails for an argument that is neither an option nor the number of one.
fn known(args: &[String], options: &[&str]) -> Result<()> {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if !options.contains(&arg.as_str()) {
            bail!(
                "there is no option {arg} here; known: {}",
                options.join(" ")
            );
        }
        args.next();
    }
    Ok(())
}

/// Prints what the incumbent does in each case beside what we do, measured now.
pub(crate) fn incumbents(root: &Path, args: &[String]) -> Result<()> {
    known(args, &[])?;
    // A key in the environment, as on a host with tenants: none of them may get it.
    let envs = vec![
        ("INCUMBENTS", "1"),
        ("DAYTONA_API_KEY", "the-hosts-own-key"),
    ];
    let run = Run {
        test: "faults::incumbents::measure",
        envs,
    };
    run.print(root)
}

/// Simulates seeds, on every processor; a failing one is named and can be given to `--from` again.
pub(crate) fn sim(root: &Path, args: &[String]) -> Result<()> {
    known(args, &["--seeds", "--from"])?;
    let envs = vec![
        ("SIM_SEEDS", number(args, "--seeds", "2000")?),
        ("SIM_FROM", number(args, "--from", "0")?),
    ];
    let run = Run {
        test: "sim::seeds",
        envs,
    };
    run.print(root)
}

/// Kills real processes at random instants; with `--frozen`, stops them for longer than their lease and lets them go on.
pub(crate) fn crash(root: &Path, args: &[String]) -> Result<()> {
    let mut args = args.to_vec();
    let frozen = args.iter().position(|arg| arg == "--frozen");
    if let Some(place) = frozen {
        args.remove(place);
    }
    known(&args, &["--runs", "--seed"])?;
    let (test, runs, default) = match frozen {
        None => ("crash::killed_at_random_instants", "CRASH_RUNS", "1000"),
        Some(_) => ("crash::frozen_at_random_instants", "CRASH_FROZEN", "300"),
    };
    let envs = vec![
        (runs, number(&args, "--runs", default)?),
        ("CRASH_SEED", number(&args, "--seed", "1")?),
    ];
    Run { test, envs }.print(root)
}

impl Run<'_> {
    /// Runs the test and passes on its lines that are for people: those that begin with `| ` or `> `.
    fn print(&self, root: &Path) -> Result<()> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .current_dir(root)
            .args(["test", "--quiet", "--locked"]);
        cargo.args(["--package", "workspace-tests", "--test", "proofs", "--"]);
        cargo.args(["--exact", self.test, "--nocapture"]);
        cargo.envs(self.envs.iter().copied());
        let mut child = cargo.stdout(Stdio::piped()).spawn()?;
        let mut all = String::new();
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).lines() {
                let line = line?;
                if line.starts_with("| ") || line.starts_with("|-") {
                    println!("{line}");
                } else if let Some(line) = line.strip_prefix("> ") {
                    println!("{line}");
                }
                all.push_str(&line);
                all.push('\n');
            }
        }
        let status = child.wait()?;
        if !all.contains("1 passed") {
            bail!("{} did not pass ({status}):\n{all}", self.test);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_numbers() {
        let args = |text: &str| -> Vec<_> { text.split_whitespace().map(str::to_owned).collect() };
        let given = args("--seeds 5 --from 7");
        assert_eq!(number(&given, "--from", "0").unwrap(), "7");
        assert_eq!(number(&given, "--runs", "3").unwrap(), "3");
        assert!(number(&args("--seeds many"), "--seeds", "0").is_err());
        assert!(number(&args("--seeds"), "--seeds", "0").is_err());
        assert!(known(&given, &["--seeds", "--from"]).is_ok());
        assert!(known(&args("--seed 5"), &["--seeds"]).is_err());
    }
}
