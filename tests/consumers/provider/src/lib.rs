//! Sandboxes of one's own: a framework whose sandboxes are shelves of files in memory, with a handful of programs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use context_vars::{OptParam, ParamMap, Resolve, Scope, SecretMap};
use sandbox_core::{
    Attempt, CreateError, Destroyed, Error, ErrorKind, ExecOutcome, ExecRequest, ExecStatus,
    FileEntry, Found, Liveness, Output, Provider, Sandbox, SandboxInfo, Target, path,
};

const WORKDIR: &str = "/shelf";

/// What lies on a shelf; a directory has no content.
type Things = BTreeMap<String, Option<Bytes>>;

/// The service: all shelves by name.
#[derive(Clone, Debug, Default)]
pub struct Library(Arc<Mutex<BTreeMap<String, Things>>>);

impl Library {
    fn shelves(&self) -> MutexGuard<'_, BTreeMap<String, Things>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of the shelves there are.
    pub fn names(&self) -> Vec<String> {
        self.shelves().keys().cloned().collect()
    }

    /// Somebody else takes a shelf away.
    pub fn burn(&self, name: &str) {
        self.shelves().remove(name);
    }
}

/// What tells shelves apart.
#[derive(Debug, Resolve)]
pub struct ShelfParams {
    pub scope: OptParam<Scope>,
    pub env_vars: ParamMap,
}

#[async_trait]
impl Provider for Library {
    type Params = ShelfParams;
    type Sandbox = Shelf;

    async fn create(
        &self,
        attempt: &Attempt,
        params: &ShelfParamsResolved,
    ) -> Result<Shelf, CreateError> {
        self.shelves().entry(attempt.name().to_owned()).or_default();
        Ok(Shelf::new(self, attempt, params))
    }

    async fn find(
        &self,
        attempt: &Attempt,
        params: &ShelfParamsResolved,
    ) -> Result<Found<Shelf>, Error> {
        if self.shelves().contains_key(attempt.name()) {
            return Ok(Found::Ready(Shelf::new(self, attempt, params)));
        }
        Ok(Found::Absent)
    }

    async fn destroy(&self, target: &Target, _: &ShelfParamsResolved) -> Result<Destroyed, Error> {
        self.shelves().remove(target.name());
        Ok(Destroyed::Gone)
    }
}

/// One shelf.
#[derive(Debug)]
pub struct Shelf {
    library: Library,
    name: String,
    info: SandboxInfo,
    liveness: Liveness,
    env_vars: SecretMap,
}

impl Shelf {
    fn new(library: &Library, attempt: &Attempt, params: &ShelfParamsResolved) -> Self {
        Self {
            library: library.clone(),
            name: attempt.name().to_owned(),
            info: SandboxInfo::new(attempt.name(), attempt.name(), WORKDIR)
                .with_generation(attempt.generation(), attempt.previous_lost()),
            liveness: attempt.liveness().clone(),
            env_vars: params.env_vars.clone(),
        }
    }

    /// Works on what lies on the shelf, if it still stands.
    fn with<T>(&self, work: impl FnOnce(&mut Things) -> Result<T, Error>) -> Result<T, Error> {
        self.liveness.check()?;
        match self.library.shelves().get_mut(&self.name) {
            Some(things) => work(things),
            None => {
                self.liveness.mark_lost("its shelf burned");
                self.liveness.check()?;
                Err(nothing())
            }
        }
    }
}

fn nothing() -> Error {
    Error::new(ErrorKind::NotFound, "there is nothing of that name")
}

fn make_dirs(things: &mut Things, path: &str) -> Result<(), Error> {
    let mut at = String::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        at = if at.is_empty() {
            part.to_owned()
        } else {
            format!("{at}/{part}")
        };
        if things.entry(at.clone()).or_insert(None).is_some() {
            return Err(Error::new(ErrorKind::Conflict, "a file is in the way"));
        }
    }
    Ok(())
}

fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    match folder {
        "" => Some(path),
        folder => path.strip_prefix(folder)?.strip_prefix('/'),
    }
}

#[async_trait]
impl Sandbox for Shelf {
    fn info(&self) -> SandboxInfo {
        self.info.clone()
    }

    fn workdir(&self) -> &str {
        self.info.workdir()
    }

    async fn exec(&self, request: ExecRequest) -> Result<ExecOutcome, Error> {
        let begun = Instant::now();
        self.liveness.check()?;
        request.validate()?;
        let words: Vec<&str> = request.words().iter().map(String::as_str).collect();
        let mut missing = String::new();
        let (status, written) = self.with(|things| {
            Ok(match words.as_slice() {
                ["cat"] => (0, request.stdin_given().cloned().unwrap_or_default()),
                ["cat", file] => match things.get(*file) {
                    Some(Some(content)) => (0, content.clone()),
                    _ => (1, Bytes::new()),
                },
                ["printenv", name] => {
                    let given = request.env_given().chain(self.env_vars.iter());
                    match given.into_iter().find(|(known, _)| known == name) {
                        Some((_, value)) => (0, format!("{}\n", value.expose()).into()),
                        None => (1, Bytes::new()),
                    }
                }
                [program, ..] => {
                    missing = format!("{program}: there is no such program\n");
                    (127, Bytes::new())
                }
                [] => (0, Bytes::new()),
            })
        })?;
        let total = written.len();
        let head = request.head_limit().min(total);
        let tail = request.tail_limit().min(total - head);
        let stdout = Output::bounded(
            written.slice(..head),
            written.slice(total - tail..),
            total as u64,
        );
        let took: Duration = begun.elapsed();
        Ok(ExecOutcome::new(
            ExecStatus::Exited(status),
            stdout,
            Output::complete(missing),
            took,
        ))
    }

    async fn put(&self, path: &str, content: Bytes) -> Result<(), Error> {
        path::confine_entry(WORKDIR, path)?;
        let path = path::normalize(path)?;
        self.with(|things| {
            if let Some((above, _)) = path.rsplit_once('/') {
                make_dirs(things, above)?;
            }
            if things.get(&path) == Some(&None) {
                return Err(Error::new(ErrorKind::Conflict, "a directory is in the way"));
            }
            things.insert(path, Some(content));
            Ok(())
        })
    }

    async fn get(&self, path: &str) -> Result<Bytes, Error> {
        path::confine(WORKDIR, path)?;
        let path = path::normalize(path)?;
        self.with(|things| things.get(&path).cloned().flatten().ok_or_else(nothing))
    }

    async fn list(&self, path: &str) -> Result<Vec<FileEntry>, Error> {
        path::confine(WORKDIR, path)?;
        let folder = path::normalize(path)?;
        self.with(|things| {
            if !folder.is_empty() && things.get(&folder) != Some(&None) {
                return Err(nothing());
            }
            let here = things
                .iter()
                .filter(|(path, _)| below(path, &folder).is_some_and(|rest| !rest.contains('/')));
            Ok(here
                .map(|(path, content)| match content {
                    Some(content) => FileEntry::file(path, content.len() as u64),
                    None => FileEntry::dir(path),
                })
                .collect())
        })
    }

    async fn remove(&self, path: &str) -> Result<(), Error> {
        path::confine_entry(WORKDIR, path)?;
        let gone = path::normalize(path)?;
        self.with(|things| {
            things.retain(|path, _| *path != gone && below(path, &gone).is_none());
            Ok(())
        })
    }

    async fn make_dir(&self, path: &str) -> Result<(), Error> {
        path::confine(WORKDIR, path)?;
        let path = path::normalize(path)?;
        self.with(|things| make_dirs(things, &path))
    }
}

#[cfg(test)]
mod tests;
