//! `cargo xtask codegen`: models and routes of daytona-api from Daytona's published OpenAPI documents.
//!
//! Two front ends ([`oas3`], [`swagger2`]) read into one [`ir`]; [`emit`] writes Rust. The documents are not part
//! of this repository: the generated code is committed, and [`provenance`] locks what it was made from.

mod docs;
mod emit;
mod inline;
mod ir;
mod names;
mod oas3;
mod overlay;
mod provenance;
mod redact;
mod schema;
mod swagger2;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use self::emit::{Files, Source};
use self::provenance::{GENERATOR, Input, Lock, sha256};

/// Where the documents are when no argument says.
const SPEC_DIR: &str = "DAYTONA_SPEC_DIR";
const FIX: &str = "run `cargo xtask codegen --spec-dir DIR` and commit the result";

/// What to do.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// Compare instead of writing.
    pub(crate) check: bool,
    /// Folder with `api.json` and `toolbox.json`.
    pub(crate) spec_dir: Option<PathBuf>,
}

impl Options {
    pub(crate) fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self {
            spec_dir: spec_dir_of_environment(),
            ..Self::default()
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--check" => options.check = true,
                "--spec-dir" => {
                    options.spec_dir =
                        Some(args.next().context("--spec-dir needs a folder")?.into())
                }
                other => bail!("codegen does not know {other}"),
            }
        }
        Ok(options)
    }
}

pub(crate) fn spec_dir_of_environment() -> Option<PathBuf> {
    std::env::var_os(SPEC_DIR).map(PathBuf::from)
}

/// Writes the generated code, or checks it. Says what it did.
pub(crate) fn run(root: &Path, options: &Options) -> Result<String> {
    let target = Target::of(&root.join("crates/daytona-api"));
    if options.check {
        target.verify()?;
        let Some(dir) = &options.spec_dir else {
            return Ok(
                "hashes of the generated files match; no documents given to compare with"
                    .to_owned(),
            );
        };
        let (files, lock) = generate(dir, overlay::OVERLAY)?;
        target.compare(&files, &lock)?;
        return Ok(format!("{} files are up to date", files.len()));
    }
    let dir = options.spec_dir.as_deref();
    let dir =
        dir.with_context(|| format!("where are the documents? give --spec-dir or {SPEC_DIR}"))?;
    let (files, lock) = generate(dir, overlay::OVERLAY)?;
    let written = target.write(&files, &lock)?;
    Ok(format!("{} files, {written} changed", files.len()))
}

/// The files made from the documents in `dir`.
fn generate(dir: &Path, overlay: &str) -> Result<(Files, Lock)> {
    let mut inputs = BTreeMap::new();
    let mut load = |file: &str, api: &str, read: fn(&str) -> Result<ir::Document>| {
        let path = dir.join(file);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut document = read(&text).with_context(|| file.to_owned())?;
        overlay::apply(&mut document, api, overlay).with_context(|| file.to_owned())?;
        inline::name_choices(&mut document).with_context(|| file.to_owned())?;
        document.group();
        let (title, version) = (document.title.clone(), document.version.clone());
        inputs.insert(
            file.to_owned(),
            Input {
                title,
                version,
                sha256: sha256(text.as_bytes()),
            },
        );
        anyhow::Ok(document)
    };
    let control = load("api.json", "control-plane", oas3::read)?;
    let toolbox = load("toolbox.json", "toolbox", swagger2::read)?;
    let sources = [
        Source {
            document: control,
            models: "models",
            routes: "control_plane",
            api: "ControlPlane",
            raw: "ControlPlane",
        },
        Source {
            document: toolbox,
            models: "toolbox",
            routes: "toolbox",
            api: "Toolbox",
            raw: "Toolbox",
        },
    ];
    let files = emit::emit(&sources)?;
    let lock = Lock::new(inputs, &files);
    Ok((files, lock))
}

/// Where the code and its lock live.
struct Target {
    folder: PathBuf,
    lock: PathBuf,
}

impl Target {
    fn of(package: &Path) -> Self {
        Self {
            folder: package.join("src/generated"),
            lock: package.join("provenance.lock.toml"),
        }
    }

    /// Whether the committed files are the ones the lock describes.
    fn verify(&self) -> Result<()> {
        let lock = self.read_lock()?;
        if lock.generator != GENERATOR {
            bail!(
                "made by generator {}, this is {GENERATOR}: {FIX}",
                lock.generator
            );
        }
        let mut present = BTreeMap::new();
        for path in files_under(&self.folder)? {
            let text = fs::read(self.folder.join(&path))?;
            present.insert(path.display().to_string(), sha256(&text));
        }
        for (path, hash) in &lock.files {
            match present.remove(path) {
                Some(found) if found == *hash => {}
                Some(_) => bail!("{path} was edited by hand: {FIX}"),
                None => bail!("{path} is missing: {FIX}"),
            }
        }
        match present.keys().next() {
            Some(extra) => bail!("{extra} is among the generated files and is not generated"),
            None => Ok(()),
        }
    }

    fn compare(&self, files: &Files, lock: &Lock) -> Result<()> {
        for (path, text) in files {
            let found = fs::read_to_string(self.folder.join(path)).unwrap_or_default();
            if found != *text {
                bail!("{} is out of date: {FIX}", path.display());
            }
        }
        if self.read_lock()? != *lock {
            bail!("the provenance lock is out of date: {FIX}");
        }
        Ok(())
    }

    /// Writes what differs and removes what is left over; the number of changes.
    fn write(&self, files: &Files, lock: &Lock) -> Result<usize> {
        let mut changed = 0;
        for (path, text) in files {
            changed += usize::from(write_if_changed(&self.folder.join(path), text)?);
        }
        for path in files_under(&self.folder)? {
            if !files.contains_key(&path) {
                fs::remove_file(self.folder.join(path))?;
                changed += 1;
            }
        }
        changed += usize::from(write_if_changed(&self.lock, &lock.render()?)?);
        Ok(changed)
    }

    fn read_lock(&self) -> Result<Lock> {
        let text = fs::read_to_string(&self.lock);
        Lock::parse(&text.with_context(|| format!("cannot read {}: {FIX}", self.lock.display()))?)
    }
}

fn write_if_changed(path: &Path, text: &str) -> Result<bool> {
    if fs::read_to_string(path).is_ok_and(|found| found == text) {
        return Ok(false);
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(true)
}

/// Paths of all files below `folder`, relative to it.
fn files_under(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(dir) = open.pop() {
        let Ok(entries) = fs::read_dir(&dir) else {
            continue;
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(folder)?.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
