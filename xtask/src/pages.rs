//! `cargo xtask pages`: the parts of docs/ that are drawn from the code, and so cannot drift.
//!
//! Such a part stands between `<!-- begin WHAT -->` and `<!-- end -->`; pictures are files of their own in docs/diagrams.
//! `cargo xtask tidy` fails when one is not what the code says.

mod advice;
mod diagrams;
mod drawing;
mod texts;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use self::texts::Texts;
use crate::tidy::tree::Tree;

const TROUBLESHOOTING: &str = "docs/troubleshooting.md";
const ARCHITECTURE: &str = "docs/architecture.md";
const PICTURES: &str = "docs/diagrams";
const FIX: &str = "run `cargo xtask pages` and commit the result";

/// Writes the parts anew, or checks them. Says what it did.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<String> {
    let is_check = match args {
        [] => false,
        [only] if only == "--check" => true,
        _ => bail!("pages takes --check and nothing else"),
    };
    let tree = Tree::read(root)?;
    if !is_check {
        for (page, draw) in PAGES {
            let Some(text) = tree.get(page) else { continue };
            let drawn = draw(&tree, text)?;
            if drawn != text {
                fs::write(root.join(page), drawn).with_context(|| (*page).to_owned())?;
            }
        }
        if tree.has(ARCHITECTURE) {
            fs::create_dir_all(root.join(PICTURES))?;
            for (file, picture) in diagrams::pictures(&tree)? {
                fs::write(root.join(&file), picture).context(file)?;
            }
        }
    }
    let problems = check(&Tree::read(root)?);
    if problems.is_empty() {
        return Ok(format!("{} pages say what the code says", PAGES.len()));
    }
    bail!("{}", problems.join("\n"))
}

type Draw = fn(&Tree, &str) -> Result<String>;

/// The pages with such parts, and how each is drawn.
const PAGES: &[(&str, Draw)] = &[
    (TROUBLESHOOTING, |tree, page| {
        advice::draw(&texts_of(tree), page)
    }),
    (ARCHITECTURE, diagrams::draw),
];

/// What is wrong with the pages that are there.
pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    for (page, draw) in PAGES {
        let Some(text) = tree.get(page) else { continue };
        match draw(tree, text) {
            Ok(drawn) if drawn == text => {}
            Ok(drawn) => problems.extend(differences(page, text, &drawn)),
            Err(error) => problems.push(format!("{page}: {error:#}")),
        }
    }
    if tree.has(ARCHITECTURE) {
        match diagrams::pictures(tree) {
            Ok(drawn) => problems.extend(pictures(tree, &drawn)),
            Err(error) => problems.push(format!("{PICTURES}: {error:#}")),
        }
    }
    if let Some(page) = tree.get(TROUBLESHOOTING) {
        let found = advice::judge(&texts_of(tree), page);
        problems.extend(
            found
                .into_iter()
                .map(|why| format!("{TROUBLESHOOTING}{why}")),
        );
        let files = tree.files.iter();
        let screens = files.filter(|(path, _)| path.ends_with(".snap"));
        problems.extend(advice::unlisted(
            &texts_of(tree),
            screens.map(|(path, text)| (path.as_str(), text.as_str())),
        ));
    }
    problems
}

/// Pictures that are missing, are not what is `drawn`, or that nothing draws.
fn pictures(tree: &Tree, drawn: &[(String, String)]) -> Vec<String> {
    let mut problems = Vec::new();
    for (file, picture) in drawn {
        if tree.get(file) != Some(picture) {
            problems.push(format!("{file} is not what the code says; {FIX}"));
        }
    }
    for file in tree.files.keys().filter(|file| file.starts_with(PICTURES)) {
        if drawn.iter().all(|(known, _)| known != file) {
            problems.push(format!("{file}: nothing draws it"));
        }
    }
    problems
}

fn texts_of(tree: &Tree) -> Texts {
    texts::collect(tree.sources())
}

/// The lines that a page has too many, and those it lacks.
fn differences(page: &str, old: &str, new: &str) -> Vec<String> {
    let (has, wants): (BTreeSet<&str>, BTreeSet<&str>) =
        (old.lines().collect(), new.lines().collect());
    let stale = old
        .lines()
        .enumerate()
        .filter(|(_, line)| !wants.contains(line));
    let mut found: Vec<String> = stale
        .map(|(at, line)| format!("{page}:{}: the code has no {line:?}; {FIX}", at + 1))
        .collect();
    let missing = new.lines().filter(|line| !has.contains(line));
    found.extend(missing.map(|line| format!("{page}: the code has {line:?} too; {FIX}")));
    if found.is_empty() {
        found.push(format!("{page}: its lines are in another order; {FIX}"));
    }
    found
}

/// Replaces what stands between the markers; `make` gets what the first one says, and what stood there.
fn replace(page: &str, mut make: impl FnMut(&str, &str) -> Result<String>) -> Result<String> {
    const BEGIN: &str = "<!-- begin ";
    const END: &str = "<!-- end -->";
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (what, after) = after.split_once(" -->\n").context("a marker has no end")?;
        let (old, after) = after
            .split_once(END)
            .with_context(|| format!("there is no `{END}` after `{BEGIN}{what} -->`"))?;
        text.push_str(&format!("{before}{BEGIN}{what} -->\n"));
        text.push_str(&make(what, old)?);
        text.push_str(END);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

#[cfg(test)]
mod tests;
