//! README.md, CONTRIBUTING.md and docs/: code blocks that somebody compiles, links that lead somewhere, no page that the
//! book lacks.

use super::Findings;
use super::tree::Tree;

/// Where the pages with Rust on them become doc tests.
const DOCTESTS: &str = "tests/src/";
const SUMMARY: &str = "docs/SUMMARY.md";
/// What a code block may be, other than Rust.
const LANGUAGES: &[&str] = &["json", "mermaid", "sh", "text", "toml"];

pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    let pages = || tree.files.iter().filter(|(path, _)| is_page(path));
    for (path, text) in pages() {
        let mut has_rust = false;
        for (number, info) in fences(text) {
            let at = format!("{path}:{number}");
            let mut words = info.split(',').map(str::trim);
            match words.next().unwrap_or_default() {
                "rust" => {
                    has_rust = true;
                    if words.any(|word| word == "ignore") {
                        findings.error(format!("{at}: a code block that is never compiled"));
                    }
                }
                "" => findings.error(format!("{at}: a code block without a language")),
                other if LANGUAGES.contains(&other) => {}
                other => findings.error(format!("{at}: {other} is no language of a code block")),
            }
        }
        if has_rust && !is_doctest(tree, path) {
            findings.error(format!(
                "{path}: nothing compiles its code blocks; a file of {DOCTESTS} must include it"
            ));
        }
        if path.ends_with("README.md") {
            for number in hidden(text) {
                let what = "a line that rustdoc alone hides; readers of the page see it";
                findings.error(format!("{path}:{number}: {what}"));
            }
        }
        for (number, target) in links(text) {
            if let Some(why) = dead(tree, path, &target) {
                findings.error(format!("{path}:{number}: {target}: {why}"));
            }
        }
    }
    let Some(summary) = tree.get(SUMMARY) else {
        return;
    };
    let listed: Vec<String> = links(summary).into_iter().map(|(_, link)| link).collect();
    for (path, _) in pages() {
        let Some(page) = path.strip_prefix("docs/") else {
            continue;
        };
        if path != SUMMARY && !listed.iter().any(|link| link == page) {
            findings.error(format!("{SUMMARY}: {page} is missing"));
        }
    }
}

pub(super) fn is_page(path: &str) -> bool {
    let is_at_top =
        !path.contains('/') || path.starts_with("docs/") || path.ends_with("/README.md");
    path.ends_with(".md") && is_at_top
}

/// Whether a module of the tests, and one that is declared, has the page as its documentation.
fn is_doctest(tree: &Tree, page: &str) -> bool {
    let included = format!("include_str!(\"../../{page}\")");
    tree.files.iter().any(|(path, text)| {
        let module = path
            .strip_prefix(DOCTESTS)
            .and_then(|file| file.strip_suffix(".rs"));
        let Some(module) = module else {
            return false;
        };
        let root = tree.get("tests/src/lib.rs").unwrap_or_default();
        text.contains(&included) && root.contains(&format!("mod {module};"))
    })
}

/// The line and the info string of each code block.
fn fences(text: &str) -> Vec<(usize, &str)> {
    lines(text)
        .filter_map(|line| match line {
            Line::Opens(number, info) => Some((number, info)),
            Line::Code(..) | Line::Prose(..) => None,
        })
        .collect()
}

/// The lines of Rust blocks that begin with `# `, or are `#` alone.
fn hidden(text: &str) -> Vec<usize> {
    let mut rust = false;
    let mut found = Vec::new();
    for line in lines(text) {
        match line {
            Line::Opens(_, info) => rust = info.starts_with("rust"),
            Line::Code(number, line) if rust => {
                let line = line.trim_start();
                if line == "#" || line.starts_with("# ") {
                    found.push(number);
                }
            }
            Line::Code(..) | Line::Prose(..) => {}
        }
    }
    found
}

pub(super) enum Line<'a> {
    Opens(usize, &'a str),
    Code(usize, &'a str),
    Prose(usize, &'a str),
}

/// All lines but those that end a code block.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut inside = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        if let Some(info) = line.trim_start().strip_prefix("```") {
            inside = !inside;
            return inside.then_some(Line::Opens(at + 1, info.trim()));
        }
        Some(if inside {
            Line::Code(at + 1, line)
        } else {
            Line::Prose(at + 1, line)
        })
    })
}

/// The line and the target of each link. What stands in code style is no link.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for line in lines(text) {
        let Line::Prose(number, line) = line else {
            continue;
        };
        let plain: Vec<&str> = line.split('`').step_by(2).collect();
        // A name in code style leaves `[``](target)`.
        for rest in plain.join("").split("](").skip(1) {
            if let Some((target, _)) = rest.split_once(')') {
                found.push((number, target.to_owned()));
            }
        }
    }
    found
}

/// Why a link of `page` leads nowhere. Those to other machines are not followed.
fn dead(tree: &Tree, page: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = match target.split_once('#') {
        Some((file, anchor)) => (file, Some(anchor)),
        None => (target, None),
    };
    let file = if file.is_empty() {
        page.to_owned()
    } else {
        let Some(file) = join(page, file) else {
            return Some("it leads out of the repository".to_owned());
        };
        file
    };
    if !tree.has(&file) {
        return Some(format!("there is no {file}"));
    }
    let anchor = anchor?;
    let text = tree.get(&file).unwrap_or_default();
    let is_there = anchors(text).iter().any(|there| there == anchor);
    (!is_there).then(|| format!("{file} has no heading for #{anchor}"))
}

/// The path from the root of what `relative` means on `page`.
fn join(page: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The anchors of a page's headings, as GitHub and mdBook make them.
fn anchors(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in lines(text) {
        let Line::Prose(_, line) = line else {
            continue;
        };
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let slug: String = title
            .trim()
            .to_lowercase()
            .chars()
            .filter_map(|c| match c {
                ' ' => Some('-'),
                c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                _ => None,
            })
            .collect();
        let again = found.iter().filter(|other| **other == slug).count();
        found.push(if again == 0 {
            slug
        } else {
            format!("{slug}-{again}")
        });
    }
    found
}
