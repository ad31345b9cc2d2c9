//! From a Dockerfile and the archives it copies from to what is done here.

use std::collections::BTreeMap;

use super::dockerfile::{Instruction, instructions};
use super::index::Index;
use super::pattern::fits_part;
use super::vars::{Vars, assignments, words};
use super::{Copy, LONGEST_PATH, Plan, Step, index, normal};
use crate::isolate::host::Host;

/// Folders of the machine that every sandbox shows read-only.
const SHARED: [&str; 11] = [
    "usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "dev", "proc", "sys",
];
/// What `ADD` would unpack.
const ARCHIVES: [&str; 7] = [".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".tar.Z"];

/// More than any build has.
const MAX_STAGES: usize = 256;

/// What a stage of the build has come to.
#[derive(Clone, Default)]
struct Stage {
    env: BTreeMap<String, String>,
    /// `ENV` and `ARG`.
    vars: Vars,
    workdir: Option<String>,
    steps: Vec<Step>,
}

/// All stages so far, and what was said of each line.
#[derive(Default)]
struct Build {
    stages: Vec<Stage>,
    /// The one that each began from, if it was another one.
    before: Vec<Option<usize>>,
    names: BTreeMap<String, usize>,
    said: Vec<(Option<usize>, Verdict, Vec<String>)>,
}

pub(super) fn make(host: &Host, dockerfile: &str, index: &Index) -> Result<Plan, String> {
    let mut build = Build::default();
    let mut global = Vars::default();
    let mut line = 1;
    for instruction in instructions(dockerfile) {
        let done = match (instruction.name.as_str(), build.stages.last_mut()) {
            ("FROM", _) => build.from(host, &instruction, &global),
            ("ARG", None) => set_defaults(&mut global, &instruction.rest)
                .map(|()| Verdict::Done)
                .map_err(str::to_owned),
            (_, None) => Ok(Verdict::Not("")),
            (_, Some(stage)) => stage.step(host, &instruction, index),
        };
        // by its number: the line itself may hold a secret
        let verdict = done.map_err(|why| format!("line {line} of the Dockerfile: {why}"))?;
        line += instruction.lines.len();
        let lines = instruction.lines.iter().map(|line| (*line).to_owned());
        let stage = build.stages.len().checked_sub(1);
        build.said.push((stage, verdict, lines.collect()));
    }
    let log = build.log();
    let stage = build.stages.pop().unwrap_or_default();
    Ok(Plan {
        steps: stage.steps,
        env: stage.env,
        workdir: stage.workdir,
        log,
        failed: None,
    })
}

impl Build {
    /// Begins a stage: empty, or what one before it has come to.
    fn from(
        &mut self,
        host: &Host,
        instruction: &Instruction<'_>,
        global: &Vars,
    ) -> Result<Verdict, String> {
        if self.stages.len() == MAX_STAGES {
            return Err(format!("there are more than {MAX_STAGES} stages"));
        }
        let words = words(&instruction.rest, global).unwrap_or_default();
        let mut words = words.iter().filter(|word| !word.starts_with("--"));
        let base = words.next().map(|base| base.to_lowercase());
        let before = base.and_then(|base| self.names.get(&base).copied());
        let place = self.stages.len();
        self.names.insert(place.to_string(), place);
        if let (Some(word), Some(name)) = (words.next(), words.next())
            && word.eq_ignore_ascii_case("AS")
        {
            self.names.insert(name.to_lowercase(), place);
        }
        let known = before.and_then(|before| self.stages.get(before));
        let stage = known.cloned().unwrap_or_else(|| Stage {
            vars: Vars::from([
                ("PATH".to_owned(), host.path().to_owned()),
                ("HOME".to_owned(), "/home/daytona".to_owned()),
            ]),
            ..Stage::default()
        });
        self.stages.push(stage);
        self.before.push(before);
        Ok(Verdict::Not(""))
    }

    /// What of it is in force is what the last stage has, and those that it began from.
    fn log(&self) -> String {
        let mut lineage = Vec::new();
        let mut stage = self.stages.len().checked_sub(1);
        while let Some(place) = stage {
            lineage.push(place);
            stage = self.before.get(place).copied().flatten();
        }
        let mut log = String::new();
        for (stage, verdict, lines) in &self.said {
            let other = stage.is_some_and(|stage| !lineage.contains(&stage));
            let (words, why) = match verdict {
                Verdict::Done if other => ("not carried out", "it is of another stage"),
                Verdict::Done => ("carried out", ""),
                Verdict::Not(why) => ("not carried out", *why),
            };
            let why = if why.is_empty() {
                String::new()
            } else {
                format!(" ({why})")
            };
            for line in lines {
                log.push_str(&format!("{words}: {line}{why}\n"));
            }
        }
        log
    }
}

enum Verdict {
    Done,
    /// And why not, where that is not plain.
    Not(&'static str),
}

/// `ARG` with a default sets it; without one there is nothing that could.
fn set_defaults(vars: &mut Vars, rest: &str) -> Result<(), &'static str> {
    for word in words(rest, vars).unwrap_or_default() {
        if let Some((name, value)) = word.split_once('=') {
            vars.set(name.to_owned(), value.to_owned())?;
        }
    }
    Ok(())
}

impl Stage {
    fn step(
        &mut self,
        host: &Host,
        instruction: &Instruction<'_>,
        index: &Index,
    ) -> Result<Verdict, String> {
        let rest = instruction.rest.as_str();
        match instruction.name.as_str() {
            "ENV" => {
                let pairs = assignments(rest, &self.vars)
                    .ok_or("this ENV is no assignment, or of more than 1 MiB")?;
                for (name, value) in pairs {
                    self.vars.set(name.clone(), value.clone())?;
                    self.env.insert(name, value);
                }
                Ok(Verdict::Done)
            }
            "ARG" => {
                set_defaults(&mut self.vars, rest)?;
                Ok(Verdict::Done)
            }
            "WORKDIR" => {
                let path = words(rest, &self.vars).map(|words| words.join(" "));
                let path = path.filter(|path| !path.is_empty() && !path.contains('\0'));
                let path = path.map(|path| normal(self.at(), &path));
                let path = path.filter(|path| path.len() <= LONGEST_PATH);
                let path = path.ok_or("this WORKDIR is no folder")?;
                if let Some(why) = shared(host, &path) {
                    return Ok(Verdict::Not(why));
                }
                self.steps.push(Step::Folder(path.clone()));
                self.workdir = Some(path);
                Ok(Verdict::Done)
            }
            "COPY" | "ADD" => self.copy(host, instruction, index),
            _ => Ok(Verdict::Not("")),
        }
    }

    fn at(&self) -> &str {
        self.workdir.as_deref().unwrap_or("/")
    }

    fn copy(
        &mut self,
        host: &Host,
        instruction: &Instruction<'_>,
        index: &Index,
    ) -> Result<Verdict, String> {
        let add = instruction.name == "ADD";
        let mut rest = instruction.rest.as_str();
        let mut mode = None;
        while rest.starts_with("--") {
            let (flag, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            if flag.starts_with("--from=") {
                return Ok(Verdict::Not("it copies from another image or stage"));
            }
            if let Some(text) = flag.strip_prefix("--chmod=") {
                mode = u32::from_str_radix(text, 8).ok().map(|mode| mode & 0o777);
            }
            rest = after.trim_start();
        }
        if instruction.here_document {
            return Ok(Verdict::Not("it copies a text of its own"));
        }
        let words = if rest.starts_with('[') {
            serde_json::from_str::<Vec<String>>(rest).ok()
        } else {
            words(rest, &self.vars)
        };
        let words = words.filter(|words| words.len() >= 2);
        let mut sources = words.ok_or("a source and a destination are missing")?;
        let to = sources.pop().unwrap_or_default();
        if to.contains('\0') || to.len() > LONGEST_PATH {
            return Err("the destination is no path".to_owned());
        }
        let address = |source: &String| {
            ["http://", "https://", "git@", "git://"]
                .iter()
                .any(|scheme| source.starts_with(scheme))
        };
        if add && sources.iter().any(address) {
            return Ok(Verdict::Not("it fetches from an address"));
        }
        let packed = |source: &String| ARCHIVES.iter().any(|end| source.ends_with(end));
        if add && sources.iter().any(packed) {
            return Ok(Verdict::Not("archives are not unpacked"));
        }
        let mut found = Vec::new();
        for source in &sources {
            let matched = matched(index, source)?;
            if matched.is_empty() {
                return Err(format!(
                    "{} failed: {source:?} is not in the build context",
                    instruction.name
                ));
            }
            found.extend(matched);
        }
        let into_folder =
            to.ends_with('/') || to.ends_with("/.") || to == "." || to == ".." || found.len() > 1;
        let to = normal(self.at(), &to);
        if let Some(why) = shared(host, &to) {
            return Ok(Verdict::Not(why));
        }
        for (from, entry) in found {
            let Some(archive) = index.archives.get(entry.archive) else {
                continue;
            };
            self.steps.push(Step::Copy(Copy {
                archive: archive.clone(),
                from,
                to: to.clone(),
                // of a folder it is what is in it that is copied
                into: into_folder && !entry.folder,
                mode,
            }));
        }
        Ok(Verdict::Done)
    }
}

fn shared(host: &Host, path: &str) -> Option<&'static str> {
    let first = path.trim_start_matches('/').split('/').next();
    let shared = first.is_some_and(|first| SHARED.contains(&first));
    let bound = host
        .binds()
        .iter()
        .any(|bind| std::path::Path::new(path).starts_with(bind));
    (shared || bound).then_some("the place is this machine's own, which sandboxes share")
}

/// The entries of the contexts that a source names: a path, or a pattern for each of its parts.
fn matched(index: &Index, source: &str) -> Result<Vec<(String, index::Entry)>, String> {
    let path = index::path(std::path::Path::new(source))
        .ok_or_else(|| format!("the source {source:?} leads out of the build context"))?;
    if path.is_empty() {
        // every context, whole
        let all = 0..index.archives.len();
        let whole = all.map(|archive| {
            let folder = true;
            (String::new(), index::Entry { archive, folder })
        });
        return Ok(whole.collect());
    }
    if let Some(entry) = index.entries.get(&path) {
        return Ok(vec![(path, *entry)]);
    }
    if !path.contains(['*', '?', '[']) {
        return Ok(Vec::new());
    }
    let pattern: Vec<&str> = path.split('/').collect();
    let fits = |name: &str| {
        let parts: Vec<&str> = name.split('/').collect();
        let mut pairs = parts.iter().zip(&pattern);
        parts.len() == pattern.len() && pairs.all(|(part, pattern)| fits_part(pattern, part))
    };
    let found = index.entries.iter().filter(|(name, _)| fits(name));
    Ok(found.map(|(name, entry)| (name.clone(), *entry)).collect())
}
