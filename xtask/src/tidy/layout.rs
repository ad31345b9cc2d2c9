//! Where code lives: file names, file sizes, what a lib.rs holds.

use syn::Item;

use super::Findings;
use super::tree::Tree;

const SOFT: usize = 400;
const HARD: usize = 800;

pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    for (path, text) in tree.sources() {
        if path.ends_with("/mod.rs") {
            findings.error(format!("{path}: write `foo.rs` beside `foo/`, not mod.rs"));
        }
        let lines = text.lines().count();
        if lines > HARD {
            findings.error(format!("{path} has {lines} lines, more than {HARD}"));
        } else if lines > SOFT {
            findings.note(format!("{path} has {lines} lines, more than {SOFT}"));
        }
        if path.ends_with("/src/lib.rs") && !path.starts_with("tests/consumers/") {
            lib_rs(path, text, findings);
        }
    }
}

/// A lib.rs is a table of contents.
fn lib_rs(path: &str, text: &str, findings: &mut Findings) {
    let file = match syn::parse_file(text) {
        Ok(file) => file,
        Err(error) => {
            findings.error(format!("{path} does not parse: {error}"));
            return;
        }
    };
    for item in &file.items {
        let fits = match item {
            Item::Use(_) | Item::ExternCrate(_) => true,
            Item::Mod(module) => module.content.is_none(),
            // The compiler wants the entry points of a macro crate here.
            Item::Fn(function) => function.attrs.iter().any(|attr| {
                attr.path().is_ident("proc_macro")
                    || attr.path().is_ident("proc_macro_derive")
                    || attr.path().is_ident("proc_macro_attribute")
            }),
            _ => false,
        };
        if !fits {
            findings.error(format!(
                "{path} holds more than docs, modules and re-exports"
            ));
            return;
        }
    }
}
