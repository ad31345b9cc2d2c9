//! Each crate as it is handed out: the files in its package, and the package built and tested alone.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use super::{Release, quietly};

/// What cargo itself writes into a package.
const BY_CARGO: &[&str] = &[".cargo_vcs_info.json", "Cargo.lock", "Cargo.toml.orig"];

/// The file list of each package.
pub(super) fn files(release: &Release<'_>) -> Result<String> {
    let mut wrong = Vec::new();
    let mut count = 0;
    for member in &release.members.0 {
        let name = &member.name;
        // What is not committed would not be in a release; here it is of use to see it.
        let list = cmd!(
            release.sh,
            "cargo package --quiet --list --allow-dirty --package {name}"
        )
        .quiet()
        .read()?;
        let list = tidy_list(&list);
        count += list.lines().count();
        if let Err(error) = release.hold(&format!("files/{name}.txt"), &list) {
            wrong.push(format!("{error:#}"));
        }
    }
    if wrong.is_empty() {
        return Ok(format!(
            "{count} files in {} packages",
            release.members.0.len()
        ));
    }
    bail!("{}", wrong.join("\n"))
}

/// Sorted, with what cargo adds left out; long runs of generated and test files stay one line each.
pub(super) fn tidy_list(list: &str) -> String {
    let mut files: Vec<&str> = list
        .lines()
        .filter(|file| !BY_CARGO.contains(file))
        .collect();
    files.sort_unstable();
    let mut text = files.join("\n");
    text.push('\n');
    text
}

/// Packs all crates as for a registry, unpacks them beside each other, and tests each there.
///
/// The crates are packed from a copy of the committed tree in which they may be published, since cargo resolves the
/// packages of a workspace among each other only then.
pub(super) fn build_and_test(release: &Release<'_>) -> Result<String> {
    let folder = release.target_dir().join("packages");
    let sh = &release.sh;
    sh.remove_path(&folder)?;
    let (copy, alone) = (folder.join("copy"), folder.join("alone"));
    fs::create_dir_all(&copy)?;
    fs::create_dir_all(&alone)?;
    cmd!(sh, "git archive --output {folder}/tree.tar HEAD")
        .quiet()
        .run()?;
    cmd!(
        sh,
        "tar --extract --file {folder}/tree.tar --directory {copy}"
    )
    .quiet()
    .run()?;
    let manifest = copy.join("Cargo.toml");
    let text = fs::read_to_string(&manifest)?;
    fs::write(
        &manifest,
        text.replace("\npublish = false\n", "\npublish = true\n"),
    )?;

    let packed = release.target_dir().join("packed");
    let inside = Shell::new()?;
    inside.change_dir(&copy);
    let mut packages = Vec::new();
    for member in &release.members.0 {
        packages.extend(["--package".to_owned(), member.name.clone()]);
    }
    cmd!(
        inside,
        "cargo package --quiet --no-verify --allow-dirty --target-dir {packed} {packages...}"
    )
    .quiet()
    .ignore_stderr()
    .run()?;
    let mut unpacked = Vec::new();
    for member in &release.members.0 {
        unpacked.push((
            member.name.as_str(),
            unpack(sh, &packed.join("package"), &alone, &member.name)?,
        ));
    }
    fs::write(alone.join("Cargo.toml"), workspace(&unpacked))?;
    fs::copy(release.root.join("Cargo.lock"), alone.join("Cargo.lock"))?;
    let target = release.target_dir();
    inside.change_dir(&alone);
    for (name, _) in &unpacked {
        test(&inside, name, &target)?;
    }
    Ok(format!("{} packages tested", unpacked.len()))
}

/// Tests one package of the workspace that `sh` is in.
pub(super) fn test(sh: &Shell, name: &str, target: &Path) -> Result<()> {
    let tests = cmd!(
        sh,
        "cargo test --quiet --target-dir {target} --package {name} --all-features"
    );
    quietly(tests, &format!("{name}, built from its package alone"))
}

fn unpack(sh: &Shell, packed: &Path, to: &Path, name: &str) -> Result<PathBuf> {
    let version = env!("CARGO_PKG_VERSION");
    let stem = format!("{name}-{version}");
    let archive = packed.join(format!("{stem}.crate"));
    cmd!(sh, "tar --extract --gzip --file {archive} --directory {to}")
        .quiet()
        .run()?;
    Ok(to.join(stem))
}

/// A workspace of unpacked packages that know each other by their registry names only.
fn workspace(unpacked: &[(&str, PathBuf)]) -> String {
    let mut text =
        String::from("[workspace]\nresolver = \"3\"\nmembers = [\"*-*\"]\n\n[patch.crates-io]\n");
    for (name, folder) in unpacked {
        let _ = writeln!(text, "{name} = {{ path = {folder:?} }}");
    }
    text
}
