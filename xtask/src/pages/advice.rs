//! The page of error texts: each text of ours in one list, each list below advice.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use super::texts::{Group, HINT, HOLE, Texts};

/// Advice in fewer words says nothing.
const LEAST_WORDS: usize = 8;

/// The page with its lists as the sources have them. Advice for one text, behind it, is kept.
pub(super) fn draw(texts: &Texts, page: &str) -> Result<String> {
    super::replace(page, |what, old| {
        let mut found = BTreeSet::new();
        for group in groups(what)? {
            match texts.get(&group) {
                Some(texts) => found.extend(texts),
                None => bail!("there are no texts of `{} {}`", group.krate, group.kind),
            }
        }
        let kept: BTreeMap<&str, &str> = old.lines().filter_map(with_advice).collect();
        let lines = found.into_iter().map(|text| {
            let code = code(text);
            match kept.get(code.as_str()) {
                Some(advice) => format!("* {code}: {advice}\n"),
                None => format!("* {code}\n"),
            }
        });
        Ok(format!("\n{}\n", lines.collect::<String>()))
    })
}

/// What `draw` cannot mend: texts without a list or advice, and advice for texts that do not exist.
pub(super) fn judge(texts: &Texts, page: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut listed: BTreeSet<Group> = BTreeSet::new();
    let mut words = 0;
    let mut inside = false;
    for (at, line) in page.lines().enumerate() {
        let number = at + 1;
        if let Some(what) = marker(line) {
            inside = true;
            if words < LEAST_WORDS {
                problems.push(format!(
                    ":{number}: a list of texts without advice above it"
                ));
            }
            for group in groups(what).unwrap_or_default() {
                let twice = format!("`{} {}`", group.krate, group.kind);
                if !listed.insert(group) {
                    problems.push(format!(":{number}: {twice} is listed already"));
                }
            }
        } else if line == "<!-- end -->" {
            inside = false;
            words = 0;
        } else if line.starts_with('#') {
            words = 0;
        } else if !inside {
            words += line.split_whitespace().count();
            if let Some(text) = cell(line).filter(|text| !exists(texts, text)) {
                problems.push(format!(":{number}: no error of ours says {text:?}"));
            }
        }
    }
    for group in texts.keys().filter(|group| !listed.contains(*group)) {
        let Group { krate, kind } = group;
        let one = texts
            .get(group)
            .and_then(BTreeSet::first)
            .map_or("", |text| text);
        problems.push(format!(
            ": nothing is advised for the texts of `{krate} {kind}`, such as {one:?}; give them a list"
        ));
    }
    problems
}

/// Hints on screens that tests have seen and the page does not list.
pub(super) fn unlisted<'a>(
    texts: &Texts,
    screens: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, screen) in screens {
        for line in screen.lines() {
            let Some((_, hint)) = line.split_once("hint: ") else {
                continue;
            };
            let is_listed = texts
                .iter()
                .filter(|(group, _)| group.kind == HINT)
                .flat_map(|(_, texts)| texts)
                .any(|text| fits(text, hint));
            if !is_listed {
                problems.push(format!("{path} shows a hint that nothing gives: {hint:?}"));
            }
        }
    }
    problems
}

/// Whether the text is that of the source with its holes filled.
fn fits(source: &str, shown: &str) -> bool {
    let mut parts = source.split(HOLE);
    let Some(rest) = parts.next().and_then(|first| shown.strip_prefix(first)) else {
        return false;
    };
    let mut rest = rest;
    let mut last = "";
    for part in parts {
        last = part;
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.is_empty() || (source.contains(HOLE) && last.is_empty())
}

fn marker(line: &str) -> Option<&str> {
    line.strip_prefix("<!-- begin ")?.strip_suffix(" -->")
}

/// `texts: crate kind, crate kind`.
fn groups(what: &str) -> Result<Vec<Group>> {
    let Some(list) = what.strip_prefix("texts: ") else {
        bail!("`{what}` is no list of texts");
    };
    list.split(", ")
        .map(|group| match group.split_once(' ') {
            Some((krate, kind)) => Ok(Group {
                krate: krate.to_owned(),
                kind: kind.to_owned(),
            }),
            None => bail!("`{group}` is no crate with a kind"),
        })
        .collect()
}

/// A text as code, whatever backticks it holds.
fn code(text: &str) -> String {
    if text.contains('`') {
        format!("`` {text} ``")
    } else {
        format!("`{text}`")
    }
}

/// The code and the advice of a line that has some.
fn with_advice(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("* ")?;
    let fence = if rest.starts_with("`` ") {
        " ``: "
    } else {
        "`: "
    };
    let at = rest.find(fence)? + fence.len();
    Some((rest.get(..at - 2)?, rest.get(at..)?))
}

/// The text in the first cell of a table's row, where it is one of ours: in code style and of several words.
fn cell(line: &str) -> Option<&str> {
    let cell = line.strip_prefix("| ")?.split(" | ").next()?;
    let text = match cell.strip_prefix("`` ") {
        Some(rest) => rest.split_once(" ``")?.0,
        None => cell.strip_prefix('`')?.split_once('`')?.0,
    };
    text.contains(' ').then_some(text)
}

/// Whether a text of the sources has these words in this order, with holes for what is put in.
fn exists(texts: &Texts, wanted: &str) -> bool {
    texts.values().flatten().any(|text| {
        let mut rest = text.as_str();
        wanted.split(HOLE).all(|part| match rest.split_once(part) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    })
}
