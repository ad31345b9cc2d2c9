//! The tests that a page calls as witnesses must exist and run.

use super::Findings;
use super::tree::Tree;

/// Its claims are only as good as the tests beside them.
const PAGE: &str = "docs/leak-proofing.md";

pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    let Some(page) = tree.get(PAGE) else {
        return;
    };
    for (number, line) in page.lines().enumerate() {
        let at = format!("{PAGE}:{}", number + 1);
        let links = links(line);
        if is_claim(line) && links.is_empty() {
            findings.error(format!("{at}: a claim without a test"));
        }
        for (test, file) in links {
            match tree.get(file.trim_start_matches("../")) {
                // `pages` says that the link leads nowhere.
                None => {}
                Some(text) if !runs(text, test) => {
                    findings.error(format!("{at}: {file} has no test {test} that runs"));
                }
                Some(_) => {}
            }
        }
    }
}

/// A row of a table, other than its head.
fn is_claim(line: &str) -> bool {
    line.starts_with('|') && !line.starts_with("|---") && !line.starts_with("| case |")
}

/// Name and file of each link to a test.
fn links(line: &str) -> Vec<(&str, &str)> {
    line.split("[`")
        .skip(1)
        .filter_map(|rest| {
            let (test, rest) = rest.split_once("`](")?;
            let (file, _) = rest.split_once(')')?;
            file.ends_with(".rs").then_some((test, file))
        })
        .collect()
}

/// Whether the file has a function of that name with an attribute that makes it a test, and none that keeps it from
/// running.
fn runs(text: &str, test: &str) -> bool {
    let Ok(file) = syn::parse_file(text) else {
        return false;
    };
    file.items.iter().any(|item| {
        let syn::Item::Fn(item) = item else {
            return false;
        };
        let has = |name: &str| {
            item.attrs.iter().any(|attribute| {
                let last = attribute.path().segments.last();
                last.is_some_and(|segment| segment.ident == name)
            })
        };
        item.sig.ident == test
            && has("test")
            && !["ignore", "cfg", "cfg_attr"].iter().any(|name| has(name))
    })
}
