//! `cargo xtask release prepare X.Y.Z`: what a release changes in the tree, and the texts that go with it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::ci;
use crate::tidy::{shown, tree::Tree};

/// One file per change, named `WHAT.KIND.md`.
const FRAGMENTS: &str = "changelog.d";
const CHANGELOG: &str = "CHANGELOG.md";
/// Kinds of changes and their headings, in the order of the changelog.
const KINDS: &[(&str, &str)] = &[
    ("security", "Security"),
    ("removed", "Removed"),
    ("changed", "Changed"),
    ("added", "Added"),
    ("fixed", "Fixed"),
];

/// What to do.
#[derive(Debug)]
struct Options {
    version: String,
    dry_run: bool,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let (flags, words): (Vec<_>, Vec<_>) = args.iter().partition(|arg| arg.starts_with("--"));
        let dry_run = match flags.as_slice() {
            [] => false,
            [flag] if *flag == "--dry-run" => true,
            _ => bail!("release prepare knows --dry-run and no other flag"),
        };
        let [version] = words.as_slice() else {
            bail!("say which version: release prepare X.Y.Z [--dry-run]")
        };
        numbers(version)?;
        Ok(Self {
            version: (*version).clone(),
            dry_run,
        })
    }
}

/// One change.
#[derive(Debug, PartialEq, Eq)]
struct Fragment {
    path: PathBuf,
    heading: &'static str,
    text: String,
}

/// `release prepare ..`
pub(super) fn run(root: &Path, args: &[String]) -> Result<()> {
    let options = Options::parse(args)?;
    let sh = Shell::new()?;
    sh.change_dir(root);
    clean(&sh)?;
    let fragments = fragments(&root.join(FRAGMENTS))?;
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let version = &options.version;
    let released = !cmd!(sh, "git tag --list v{version}")
        .quiet()
        .read()?
        .is_empty();
    let bumped = bump(&manifest, version, released)?;
    let date = cmd!(sh, "date --utc +%Y-%m-%d").quiet().read()?;
    let is_first = cmd!(sh, "git tag --list v*").quiet().read()?.is_empty();
    let notes = notes(&fragments, &options.version, &date, is_first)?;
    let out = root.join("target/release-notes").join(&options.version);
    // before the long wait
    let tree = out.join("tree");
    copy(&sh, &bumped, &tree)?;
    ci::run(root, &ci::Options::default())
        .context("the tree is red; a release starts from a green one")?;

    fs::write(out.join("notes.md"), &notes)?;
    fs::write(out.join("tag.txt"), tag_message(&options.version, &notes))?;
    sbom(&sh, &tree, &out)?;
    sh.remove_path(&tree)?;
    println!(
        "notes, tag message and SBOM are in target/release-notes/{}",
        options.version
    );
    if options.dry_run {
        println!("dry run: nothing in the tree was changed\n\n{notes}");
        return Ok(());
    }
    fs::write(root.join("Cargo.toml"), bumped)?;
    for (page, text) in bumped_pages(&Tree::read(root)?, version)? {
        fs::write(root.join(page), text)?;
    }
    let changelog = root.join(CHANGELOG);
    let old = fs::read_to_string(&changelog).unwrap_or_default();
    fs::write(&changelog, with_section(&old, &notes))?;
    for fragment in &fragments {
        fs::remove_file(&fragment.path)?;
    }
    cmd!(sh, "cargo update --quiet --workspace --offline")
        .quiet()
        .run()?;
    println!("now read the change, commit it and follow docs/release.md");
    Ok(())
}

fn clean(sh: &Shell) -> Result<()> {
    let dirty = cmd!(sh, "git status --porcelain").quiet().read()?;
    if dirty.is_empty() {
        return Ok(());
    }
    bail!("the tree has changes that are not committed:\n{dirty}")
}

fn numbers(version: &str) -> Result<[u64; 3]> {
    let parts: Vec<Option<u64>> = version.split('.').map(|part| part.parse().ok()).collect();
    match parts.as_slice() {
        [Some(major), Some(minor), Some(patch)] => Ok([*major, *minor, *patch]),
        _ => bail!("{version} is not a version of the form X.Y.Z"),
    }
}

fn fragments(folder: &Path) -> Result<Vec<Fragment>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("there is no {FRAGMENTS}"))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name == "README.md" {
            continue;
        }
        found.push(fragment(&name, &fs::read_to_string(&path)?, path)?);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn fragment(name: &str, text: &str, path: PathBuf) -> Result<Fragment> {
    let kind = name
        .strip_suffix(".md")
        .and_then(|name| name.rsplit_once('.'))
        .map(|(_, kind)| kind);
    let Some((_, heading)) = KINDS.iter().find(|(known, _)| Some(*known) == kind) else {
        let kinds: Vec<_> = KINDS.iter().map(|(kind, _)| *kind).collect();
        bail!(
            "{FRAGMENTS}/{name}: call it WHAT.KIND.md with one of {}",
            kinds.join(", ")
        );
    };
    let text = text.trim().to_owned();
    if text.is_empty() {
        bail!("{FRAGMENTS}/{name} is empty");
    }
    Ok(Fragment {
        path,
        heading,
        text,
    })
}

/// The changelog's section for this version.
fn notes(fragments: &[Fragment], version: &str, date: &str, is_first: bool) -> Result<String> {
    if fragments.is_empty() {
        bail!("{FRAGMENTS} holds no change: there is nothing to release");
    }
    let mut text = format!("## {version} - {date}\n");
    if is_first {
        text.push_str(
            "\nThe first release. What was changed or fixed was so in the repository only.\n",
        );
    }
    for (_, heading) in KINDS {
        let mut changes = fragments
            .iter()
            .filter(|fragment| fragment.heading == *heading)
            .peekable();
        if changes.peek().is_some() {
            write!(text, "\n### {heading}\n\n")?;
        }
        for change in changes {
            writeln!(text, "* {}", change.text.replace('\n', "\n  "))?;
        }
    }
    Ok(text)
}

/// The newest section goes above the others, below the title.
fn with_section(changelog: &str, section: &str) -> String {
    let changelog = if changelog.is_empty() {
        "# Changelog\n"
    } else {
        changelog
    };
    let at = changelog.find("\n## ").map_or(changelog.len(), |at| at + 1);
    let (head, rest) = changelog.split_at(at);
    let gap = if rest.is_empty() { "" } else { "\n" };
    format!("{}\n\n{section}{gap}{rest}", head.trim_end())
}

fn tag_message(version: &str, notes: &str) -> String {
    let body = notes.split_once('\n').map_or("", |(_, body)| body).trim();
    // A line that starts with # is a comment to git.
    format!("daytona-env {version}\n\n{}\n", body.replace("### ", ""))
}

/// The version of the workspace and of its crates among each other; never backwards, and the same one again only if it
/// was not `released`.
fn bump(manifest: &str, version: &str, released: bool) -> Result<String> {
    let table: toml::Table = manifest.parse()?;
    let old = table
        .get("workspace")
        .and_then(|table| table.get("package")?.get("version")?.as_str());
    let old = old.context("the workspace has no version")?;
    let (new, was) = (numbers(version)?, numbers(old)?);
    if new < was || (new == was && released) {
        bail!("{version} is not after {old}");
    }
    let (from, to) = (
        format!("version = \"{old}\""),
        format!("version = \"{version}\""),
    );
    let ours = |line: &str| line == from || line.contains("path = \"");
    let lines = manifest.lines().map(|line| {
        if ours(line) {
            line.replace(&from, &to)
        } else {
            line.to_owned()
        }
    });
    let mut text = lines.collect::<Vec<_>>().join("\n");
    text.push('\n');
    Ok(text)
}

/// The pages that show manifests with our crates in them, with the requirements that fit the version.
fn bumped_pages(tree: &Tree, version: &str) -> Result<Vec<(String, String)>> {
    let packages = tree.packages()?;
    let ours: Vec<&str> = packages.iter().map(|package| package.name()).collect();
    let bumped = tree.files.iter().filter_map(|(path, text)| {
        let is_page = path == "README.md" || (path.starts_with("docs/") && path.ends_with(".md"));
        let new = is_page.then(|| shown::bump(text, &ours, version))?;
        (new != *text).then(|| (path.clone(), new))
    });
    Ok(bumped.collect())
}

/// A CycloneDX list of what is in the command, made in the copy, so that it names the new version.
fn sbom(sh: &Shell, copy: &Path, out: &Path) -> Result<()> {
    let written = list(sh, copy, "crates/daytona-env-cli")?;
    Ok(fs::write(
        out.join("sbom.cdx.json"),
        without_machine(&written, copy)?,
    )?)
}

/// Packages of ours are told by their folders: from the root of the tree, not of this machine.
fn without_machine(list: &str, copy: &Path) -> Result<String> {
    let copy = copy.display().to_string();
    let list = list.replace(&format!("file://{copy}/"), "file:///");
    if list.contains(&copy) {
        bail!("the SBOM names a folder of this machine, {copy}");
    }
    Ok(list)
}

/// The committed tree with the new version, its lock file brought along: a dry run too sees whether that resolves, and
/// what is written beside the manifests is not left in the tree.
fn copy(sh: &Shell, manifest: &str, to: &Path) -> Result<()> {
    sh.remove_path(to)?;
    sh.create_dir(to)?;
    let archive = to.with_extension("tar");
    cmd!(sh, "git archive --output {archive} HEAD")
        .quiet()
        .run()?;
    cmd!(sh, "tar --extract --file {archive} --directory {to}")
        .quiet()
        .run()?;
    sh.remove_path(&archive)?;
    fs::write(to.join("Cargo.toml"), manifest)?;
    let inside = Shell::new()?;
    inside.change_dir(to);
    cmd!(inside, "cargo update --quiet --workspace --offline")
        .quiet()
        .run()
        .context("the tree does not resolve with the new version")
}

/// What cargo-cyclonedx says of one package of the tree in `copy`.
fn list(sh: &Shell, copy: &Path, package: &str) -> Result<String> {
    if cmd!(sh, "cargo cyclonedx --version")
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run()
        .is_err()
    {
        println!("cargo-cyclonedx is missing: building it takes some minutes");
        cmd!(sh, "cargo install --quiet --locked cargo-cyclonedx")
            .quiet()
            .run()?;
    }
    let folder = copy.join(package);
    let manifest = folder.join("Cargo.toml");
    cmd!(sh, "cargo cyclonedx --quiet --format json --all-features --override-filename sbom --manifest-path {manifest}")
        .quiet()
        .run()?;
    // It writes one beside every manifest of the workspace; the command's has all that is shipped.
    fs::read_to_string(folder.join("sbom.json"))
        .with_context(|| format!("cargo-cyclonedx wrote no list for {package}"))
}

#[cfg(test)]
mod tests;
