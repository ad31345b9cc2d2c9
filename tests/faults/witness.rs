//! Whether a test that a row names is one that runs, to its end, wherever the tests of the workspace do.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;
use syn::visit::{self, Visit};

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn has(attrs: &[syn::Attribute], name: &str) -> bool {
    attrs.iter().any(|attribute| {
        let last = attribute.path().segments.last();
        last.is_some_and(|segment| segment.ident == name)
    })
}

/// Looks for a way out of a test before its end, as one takes that lacks a tool.
#[derive(Default)]
struct Leaves(bool);

impl<'a> Visit<'a> for Leaves {
    fn visit_expr_return(&mut self, _: &'a syn::ExprReturn) {
        self.0 = true;
    }

    // what returns from these does not return from the test
    fn visit_expr_closure(&mut self, _: &'a syn::ExprClosure) {}

    fn visit_expr_async(&mut self, _: &'a syn::ExprAsync) {}

    fn visit_item(&mut self, _: &'a syn::Item) {}
}

/// True where all that a function does hangs on one condition.
fn may_do_nothing(block: &syn::Block) -> bool {
    let Some(syn::Stmt::Expr(syn::Expr::If(only), _)) = block.stmts.last() else {
        return false;
    };
    block.stmts.len() == 1 && only.else_branch.is_none()
}

/// Why a function is no test that runs to its end.
pub(super) fn idle(item: &syn::ItemFn) -> Option<&'static str> {
    if !has(&item.attrs, "test") {
        return Some("it is no test");
    }
    if ["ignore", "cfg", "cfg_attr"]
        .iter()
        .any(|name| has(&item.attrs, name))
    {
        return Some("it is ignored, or compiled sometimes only");
    }
    let mut leaves = Leaves::default();
    visit::visit_block(&mut leaves, &item.block);
    if leaves.0 || may_do_nothing(&item.block) {
        return Some("it may end before it has shown anything");
    }
    None
}

/// Where the compiler begins, and which features it has there.
#[derive(Clone)]
struct Beginning {
    source: PathBuf,
    features: BTreeSet<String>,
    /// Whether it is built with these.
    built: bool,
}

/// What `cargo test --workspace` builds, as cargo tells it.
static BEGINNINGS: LazyLock<Vec<Beginning>> = LazyLock::new(|| {
    let output = Command::new(option_env!("CARGO").unwrap_or("cargo"))
        .current_dir(root())
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = list(&metadata, "packages");
    let mut beginnings = Vec::new();
    for package in &packages {
        let features = enabled(package, &packages);
        for target in list(package, "targets") {
            let wanted = list(&target, "required-features");
            beginnings.push(Beginning {
                source: PathBuf::from(text(&target, "src_path")),
                built: wanted
                    .iter()
                    .all(|one| features.contains(one.as_str().unwrap())),
                features: features.clone(),
            });
        }
    }
    beginnings
});

fn list(value: &Value, name: &str) -> Vec<Value> {
    let list = value.get(name).and_then(Value::as_array);
    list.cloned().unwrap_or_default()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap()
}

/// The features of a package that its own defaults, or anybody of the workspace, ask for.
fn enabled(package: &Value, packages: &[Value]) -> BTreeSet<String> {
    let name = text(package, "name");
    let asked = packages
        .iter()
        .flat_map(|other| list(other, "dependencies"));
    let asked = asked.filter(|dependency| text(dependency, "name") == name);
    let mut open: Vec<_> = asked
        .flat_map(|dependency| list(&dependency, "features"))
        .map(|feature| feature.as_str().unwrap().to_owned())
        .collect();
    open.push("default".to_owned());
    let mut enabled = BTreeSet::new();
    while let Some(feature) = open.pop() {
        let known = package.get("features").unwrap();
        let implied = list(known, &feature);
        open.extend(
            implied
                .iter()
                .map(|implied| implied.as_str().unwrap().to_owned())
                .filter(|implied| !enabled.contains(implied)),
        );
        enabled.insert(feature);
    }
    enabled
}

/// The features that a condition asks for; none if it is more than one feature, or tests.
fn condition(attribute: &syn::Attribute) -> Option<Vec<String>> {
    let mut features = Vec::new();
    let parsed = attribute.parse_nested_meta(|meta| {
        if meta.path.is_ident("test") {
            return Ok(());
        }
        if meta.path.is_ident("feature") {
            let name: syn::LitStr = meta.value()?.parse()?;
            features.push(name.value());
            return Ok(());
        }
        Err(meta.error("not looked into"))
    });
    parsed.ok().map(|()| features)
}

/// What the module of a file is declared under: the attributes of its declaration, if the other file has one.
fn declaration(parent: &Path, stem: &str) -> Option<Vec<syn::Attribute>> {
    let parsed = syn::parse_file(&fs::read_to_string(parent).ok()?).ok()?;
    parsed.items.into_iter().find_map(|item| match item {
        syn::Item::Mod(module) if module.ident == stem && module.content.is_none() => {
            Some(module.attrs)
        }
        _ => None,
    })
}

/// Follows the declarations of modules from a file up to where the compiler begins.
pub(super) fn is_compiled(file: &Path) -> Result<(), String> {
    is_compiled_from(file, &BEGINNINGS)
}

fn is_compiled_from(file: &Path, beginnings: &[Beginning]) -> Result<(), String> {
    let mut wanted = Vec::new();
    let mut at = file.to_owned();
    let beginning = loop {
        if let Some(beginning) = beginnings.iter().find(|one| one.source == at) {
            break beginning;
        }
        let stem = at.file_stem().unwrap().to_str().unwrap().to_owned();
        let folder = at.parent().unwrap();
        let mut parents = vec![
            folder.join("main.rs"),
            folder.join("lib.rs"),
            folder.with_extension("rs"),
        ];
        let beside = beginnings.iter().map(|one| &one.source);
        parents.extend(beside.filter(|one| one.parent() == Some(folder)).cloned());
        let found = parents
            .into_iter()
            .filter(|parent| *parent != at)
            .find_map(|parent| declaration(&parent, &stem).map(|attrs| (parent, attrs)));
        let Some((parent, attrs)) = found else {
            return Err(format!("no file declares the module of {}", at.display()));
        };
        if has(&attrs, "cfg_attr") || has(&attrs, "path") {
            return Err(format!("{} is compiled sometimes only", at.display()));
        }
        for attribute in attrs.iter().filter(|one| one.path().is_ident("cfg")) {
            let features = condition(attribute);
            wanted.extend(features.ok_or(format!("{}: compiled sometimes only", at.display()))?);
        }
        at = parent;
    };
    let absent = wanted.iter().find(|one| !beginning.features.contains(*one));
    match absent {
        Some(feature) => Err(format!("the tests are built without feature {feature}")),
        None if !beginning.built => Err(format!("{} is not built", at.display())),
        None => Ok(()),
    }
}

/// What is wrong with `path/of/the/file.rs::function`, if anything.
pub(super) fn wrong(test: &str) -> Option<String> {
    let check = || -> Result<(), String> {
        let (file, function) = test
            .split_once("::")
            .ok_or("not of the form file.rs::function")?;
        let path = root().join(file);
        let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        let parsed = syn::parse_file(&text).map_err(|error| error.to_string())?;
        let found = parsed.items.iter().find_map(|item| match item {
            syn::Item::Fn(item) if item.sig.ident == function => Some(item),
            _ => None,
        });
        let found = found.ok_or("there is no test of that name")?;
        idle(found).map_or(Ok(()), Err)?;
        is_compiled(&path)
    };
    check().err().map(|error| format!("{test}: {error}"))
}

/// The check must see what it is there for.
#[test]
fn the_check_finds_what_is_wrong() {
    for (test, problem) in [
        ("tests/faults/page.rs", "not of the form"),
        ("tests/faults/none.rs::x", "No such file"),
        ("tests/faults/page.rs::no_such_test", "no test of that name"),
        ("tests/faults/page.rs::page", "no test"),
        ("tests/integration/canaries.rs::child", "ignored"),
        (
            "tests/faults/process.rs::without_descriptors",
            "may end before",
        ),
        (
            "crates/daytona-env/tests/it/share.rs::a_process_that_shares",
            "may end before",
        ),
    ] {
        let said = wrong(test).unwrap_or_default();
        assert!(said.contains(problem), "{test}: {said:?}");
    }
    assert_eq!(
        wrong("tests/faults/witness.rs::the_check_finds_what_is_wrong"),
        None
    );
    // behind a feature, which these tests turn on; and if they did not
    let root = root();
    assert_eq!(
        is_compiled(&root.join("crates/daytona-api/tests/it/time.rs")),
        Ok(())
    );
    let metering = root.join("crates/sandbox-core/tests/it/metering.rs");
    assert_eq!(is_compiled(&metering), Ok(()));
    let mut bare = BEGINNINGS.clone();
    for one in &mut bare {
        one.features.remove("metrics");
    }
    let metrics = is_compiled_from(&metering, &bare);
    assert!(metrics.unwrap_err().contains("feature metrics"));
    assert!(is_compiled(&root.join("tests/faults/orphan.rs")).is_err());
}

#[test]
fn a_way_out_is_seen_and_others_returns_are_not() {
    let said = |body: &str| {
        let item = syn::parse_str(&format!("#[test] fn f() {{ {body} }}")).unwrap();
        idle(&item)
    };
    for out in [
        "if !tool() { return; } assert!(true);",
        "let Some(tool) = tool() else { return }; assert!(true);",
        "if tool() { assert!(true); }",
        "if let Some(tool) = tool() { assert!(true); }",
    ] {
        assert!(said(out).is_some(), "{out}");
    }
    for whole in [
        "let x = || { return; }; x();",
        "block_on(async { return; });",
        "fn g() { return; } g();",
        "let x = 1; if x == 1 { assert!(true); }",
    ] {
        assert_eq!(said(whole), None, "{whole}");
    }
}
