//! Texts that must not change unnoticed.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// How many differing lines are shown.
const SHOWN: usize = 20;

/// Fails where `text` differs from the file, saying how; with `bless` the file is written instead.
pub(super) fn hold(file: &Path, text: &str, bless: bool) -> Result<()> {
    if bless {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        return fs::write(file, text).with_context(|| file.display().to_string());
    }
    let held = fs::read_to_string(file).unwrap_or_default();
    let changes = changes(&held, text);
    if changes.is_empty() {
        return Ok(());
    }
    let name = file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let shown = changes
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join("\n");
    let more = changes.len().saturating_sub(SHOWN);
    let more = if more > 0 {
        format!("\n  .. and {more} more")
    } else {
        String::new()
    };
    bail!(
        "{name} changed ({} lines); if that is meant, run with --bless and commit it:\n{shown}{more}",
        changes.len()
    )
}

/// The lines that only one of the two has, in the order of the texts. Both are lists: a line that moved is no change.
pub(super) fn changes(held: &str, found: &str) -> Vec<String> {
    let gone = missing(held, found)
        .into_iter()
        .map(|line| format!("  - {line}"));
    let new = missing(found, held)
        .into_iter()
        .map(|line| format!("  + {line}"));
    gone.chain(new).collect()
}

/// The lines of `of` that `from` has fewer of.
fn missing<'a>(of: &'a str, from: &str) -> Vec<&'a str> {
    let mut counts = std::collections::HashMap::new();
    for line in from.lines() {
        *counts.entry(line).or_insert(0_usize) += 1;
    }
    of.lines()
        .filter(|line| match counts.get_mut(line) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        })
        .collect()
}
