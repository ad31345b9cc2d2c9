//! What is wrong with the arguments taken together.

use std::collections::BTreeSet;

use crate::args::RunArgs;
use crate::error::Failure;
use crate::transfer;

pub(super) fn check(args: &RunArgs) -> Result<(), Failure> {
    let mut names = BTreeSet::new();
    for name in args
        .envs
        .iter()
        .map(|env| &env.name)
        .chain(args.env_vars.iter().map(|env| &env.name))
    {
        if !names.insert(name) {
            return Err(Failure::new(format!(
                "environment variable {name} is given twice"
            )));
        }
    }
    let mut variables = BTreeSet::new();
    for var in &args.vars {
        if !variables.insert(&var.name) {
            return Err(Failure::new(format!(
                "variable {} is given twice",
                var.name
            )));
        }
    }
    let unknown: Vec<String> = args
        .env_vars
        .iter()
        .filter(|env| !variables.contains(&env.variable))
        .map(|env| format!("{} (for {})", env.variable, env.name))
        .collect();
    if !unknown.is_empty() {
        return Err(
            Failure::new(format!("no value for the variable {}", unknown.join(", ")))
                .hint("give every variable a value with --var VARIABLE=VALUE"),
        );
    }
    transfer::check(&args.uploads, &args.downloads, args.workdir.as_deref())
}
