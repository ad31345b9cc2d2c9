//! The public API of each library as text, and the foreign crates whose types are in it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use xshell::cmd;

use super::Release;

/// Foreign crates that each of ours may show.
const FOREIGN: &str = "foreign.toml";
/// Always there: the standard library, and the primitive types on which traits are implemented.
const STANDARD: &[&str] = &[
    "alloc", "bool", "char", "core", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize",
    "std", "str", "u8", "u16", "u32", "u64", "u128", "usize",
];

pub(super) fn check(release: &Release<'_>) -> Result<String> {
    let held = std::fs::read_to_string(release.held(FOREIGN)).unwrap_or_default();
    let allowed: BTreeMap<String, Vec<String>> =
        held.parse::<toml::Table>()?.try_into().context(FOREIGN)?;
    let mut wrong = Vec::new();
    let mut items = 0;
    for member in release.members.libraries() {
        let name = &member.name;
        let text = public_api(release, name)?;
        items += text.lines().count();
        if let Err(error) = release.hold(&format!("api/{name}.txt"), &text) {
            wrong.push(format!("{error:#}"));
        }
        let allowed = allowed.get(name).map(Vec::as_slice).unwrap_or_default();
        for foreign in foreign(&text, name) {
            if !allowed.contains(&foreign) {
                wrong.push(format!(
                    "{name} shows types of {foreign}, which xtask/release/{FOREIGN} does not allow: a new version of it \
                     would break our users"
                ));
            }
        }
    }
    if wrong.is_empty() {
        return Ok(format!("{items} public items"));
    }
    bail!("{}", wrong.join("\n"))
}

/// One item per line, sorted.
fn public_api(release: &Release<'_>, package: &str) -> Result<String> {
    let target = release.target_dir();
    let json = cmd!(
        release.sh,
        "cargo rustdoc --quiet --locked --target-dir {target} --package {package} --lib --all-features --
         -Z unstable-options --output-format json --cap-lints allow"
    );
    // Only so can a stable toolchain write it.
    json.env("RUSTC_BOOTSTRAP", "1").quiet().run()?;
    let file = target
        .join("doc")
        .join(package.replace('-', "_"))
        .with_extension("json");
    let api = public_api::Builder::from_rustdoc_json(&file)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .with_context(|| format!("the documentation of {package} as JSON"))?;
    let mut text = String::new();
    for item in api.items() {
        text.push_str(&item.to_string());
        text.push('\n');
    }
    Ok(text)
}

/// The crates that paths in `api` begin with, `own` and the standard library apart.
pub(super) fn foreign(api: &str, own: &str) -> BTreeSet<String> {
    let own = own.replace('-', "_");
    let mut found = BTreeSet::new();
    for (at, _) in api.match_indices("::") {
        let before = api.get(..at).unwrap_or_default();
        let start = before
            .rfind(|c: char| !(c.is_alphanumeric() || c == '_'))
            .map_or(0, |at| at + 1);
        let (rest, first) = before.split_at(start);
        let starts_a_path = !rest.ends_with(':') && first.starts_with(|c: char| c.is_lowercase());
        if starts_a_path && first != own && !STANDARD.contains(&first) {
            found.insert(first.to_owned());
        }
    }
    found
}
