//! The factory of local sandboxes.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use context_vars::{KeyView, Resolve, Source};

use super::builder::LocalEnvironmentBuilder;
use super::folder::Folder;
use super::params::{LocalParams, LocalParamsResolved};
use super::sandbox::LocalSandbox;
use super::settings::Settings;
use crate::{CloseError, Error, ErrorKind, ExecRequest, Leftover, Sandbox, SandboxFactory};

/// How often, and how long apart, a folder that something still writes to is removed again.
const TRIES: usize = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(25);

/// Opens sandboxes that are a folder and processes of this host.
///
/// There is **no isolation**: a command runs as the user of this process and can read and write
/// what that user can. It is for tests, and for code that one trusts as one's own. Two things are
/// kept from a command all the same: the environment of this process, which may hold keys (it gets
/// `PATH`, `LANG`, `LC_ALL`, `LC_CTYPE`, `TZ`, `TMPDIR` and `USER` of it, and the folder as
/// `HOME`, unless [`inherit_env`](LocalEnvironmentBuilder::inherit_env) was chosen), and the files
/// outside the folder, as far as [`put`](Sandbox::put) and its like go.
///
/// Contexts that resolve to the same folder, variables and scope share one sandbox. Sandboxes are
/// removed by [`close`](SandboxFactory::close), or when the last clone of the environment is
/// dropped; a process that is killed leaves its temporary folders behind. Needs a tokio runtime
/// with I/O and time.
///
/// ```
/// use sandbox_core::{LocalEnvironment, NoVars, Sandbox, SandboxExt, SandboxFactory};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// let environment = LocalEnvironment::builder().env_var("GREETING", "hello").build()?;
/// let sandbox = environment.open(&NoVars).await?;
/// sandbox.put_text("name.txt", "world").await?;
/// let outcome = sandbox.shell("echo $GREETING $(cat name.txt)").await?;
/// assert_eq!(outcome.stdout().text_lossy(), "hello world\n");
/// environment.close().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LocalEnvironment(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    params: LocalParams,
    settings: Settings,
    hashing: RandomState,
    // A folder is made in no time: one lock is the whole coordination.
    slots: Mutex<Slots>,
    /// Held by whoever removes, so that a second `close` reports what the first has done.
    removing: Mutex<()>,
}

#[derive(Debug, Default)]
struct Slots {
    open: Vec<Slot>,
    doomed: Vec<Arc<LocalSandbox>>,
}

#[derive(Debug)]
struct Slot {
    hash: u64,
    key: LocalParamsResolved,
    sandbox: Arc<LocalSandbox>,
}

impl LocalEnvironment {
    /// Temporary folders, one for each context with other values.
    pub fn builder() -> LocalEnvironmentBuilder {
        LocalEnvironmentBuilder::default()
    }

    pub(super) fn new(params: LocalParams, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            params,
            settings,
            hashing: RandomState::new(),
            slots: Mutex::default(),
            removing: Mutex::default(),
        }))
    }

    /// As [`SandboxFactory::open`], with the type kept.
    ///
    /// # Errors
    ///
    /// [`Unresolved`](ErrorKind::Unresolved); [`InvalidInput`](ErrorKind::InvalidInput) for a
    /// variable that is none; [`Conflict`](ErrorKind::Conflict) if the folder is that of another
    /// open sandbox of this environment, since two scopes must not meet in one folder; a folder
    /// that cannot be made.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn open(&self, context: &dyn Source) -> Result<Arc<LocalSandbox>, Error> {
        self.0
            .open(context)
            .map_err(|error| error.with_operation("open"))
    }
}

#[async_trait]
impl SandboxFactory for LocalEnvironment {
    async fn open(&self, context: &dyn Source) -> Result<Arc<dyn Sandbox>, Error> {
        Ok(Self::open(self, context).await?)
    }

    async fn close(&self) -> Result<(), CloseError> {
        self.0.doom_all();
        let inner = Arc::clone(&self.0);
        // It goes on where the caller does not.
        let removal = tokio::task::spawn_blocking(move || inner.remove_doomed(TRIES));
        let left = match removal.await {
            Ok(left) => left,
            Err(_) => self.0.unremoved(),
        };
        if left.is_empty() {
            return Ok(());
        }
        Err(CloseError::new(left))
    }
}

impl Inner {
    fn open(&self, context: &dyn Source) -> Result<Arc<LocalSandbox>, Error> {
        let view = self.params.resolve(context)?;
        let mut hasher = self.hashing.build_hasher();
        view.hash_key(&mut hasher);
        let hash = hasher.finish();
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let Slots { open, doomed } = &mut *slots;
        let found = open
            .iter()
            .position(|slot| slot.hash == hash && view.matches(&slot.key));
        let generation = match found.and_then(|at| open.get(at)) {
            Some(slot) if slot.sandbox.check().is_ok() => return Ok(Arc::clone(&slot.sandbox)),
            Some(slot) => slot.sandbox.info().generation() + 1,
            None => 1,
        };
        let key = view.to_resolved();
        let others = open
            .iter()
            .enumerate()
            .filter(|(at, _)| Some(*at) != found)
            .map(|(_, slot)| &slot.sandbox);
        let sandbox = self.create(&key, generation, others.chain(doomed.iter()))?;
        let sandbox = Arc::new(sandbox);
        let slot = Slot {
            hash,
            key,
            sandbox: Arc::clone(&sandbox),
        };
        match found.and_then(|at| open.get_mut(at)) {
            Some(lost) => {
                let lost = std::mem::replace(lost, slot);
                lost.sandbox.stop();
            }
            None => open.push(slot),
        }
        Ok(sandbox)
    }

    fn create<'a>(
        &self,
        key: &LocalParamsResolved,
        generation: u64,
        mut others: impl Iterator<Item = &'a Arc<LocalSandbox>>,
    ) -> Result<LocalSandbox, Error> {
        let env = &key.env_vars;
        env.iter()
            .fold(ExecRequest::argv(["true"]), |request, (name, value)| {
                request.env(name, value.clone())
            })
            .validate()?;
        let folder = match &key.path {
            None => Folder::temporary()?,
            Some(path) => {
                let folder = Folder::given(path, self.settings.remove_given)?;
                if others.any(|other| other.folder().path() == folder.path()) {
                    return Err(Error::new(
                        ErrorKind::Conflict,
                        "the folder is that of another sandbox; give each scope its own, with a \
                         variable in the path",
                    ));
                }
                folder
            }
        };
        let id = new_id()?;
        let state_lost = generation > 1;
        let settings = self.settings;
        Ok(LocalSandbox::new(
            &id,
            folder,
            env.clone(),
            settings,
            generation,
            state_lost,
        ))
    }

    /// Ends the epoch: from here on, `open` starts anew.
    fn doom_all(&self) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let Slots { open, doomed } = &mut *slots;
        doomed.extend(open.drain(..).map(|slot| slot.sandbox));
    }

    /// Removes what is doomed; what cannot be removed stays so.
    fn remove_doomed(&self, tries: usize) -> Vec<Leftover> {
        let _removing = self.removing.lock().unwrap_or_else(PoisonError::into_inner);
        let doomed = {
            let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            slots.doomed.clone()
        };
        let mut left = Vec::new();
        for sandbox in doomed {
            match remove(&sandbox, tries) {
                Ok(()) => {
                    let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
                    slots.doomed.retain(|other| !Arc::ptr_eq(other, &sandbox));
                }
                Err(error) => left.push(leftover(&sandbox, error)),
            }
        }
        left
    }

    fn unremoved(&self) -> Vec<Leftover> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let interrupted =
            || std::io::Error::other("the runtime shut down before the folder was removed");
        slots
            .doomed
            .iter()
            .map(|sandbox| leftover(sandbox, interrupted()))
            .collect()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.doom_all();
        for left in self.remove_doomed(3) {
            tracing::warn!(%left, "a local sandbox could not be removed");
        }
    }
}

fn remove(sandbox: &LocalSandbox, tries: usize) -> std::io::Result<()> {
    for _ in 1..tries {
        sandbox.stop();
        if sandbox.remove_files().is_ok() {
            return Ok(());
        }
        // A process may take a moment to die. This thread is one for waiting.
        std::thread::park_timeout(BETWEEN_TRIES);
    }
    sandbox.stop();
    sandbox.remove_files()
}

fn leftover(sandbox: &LocalSandbox, error: std::io::Error) -> Leftover {
    let info = sandbox.info();
    let why = Error::new(ErrorKind::Provider, "its folder cannot be removed")
        .with_operation("close")
        .with_source(error);
    Leftover::new(Some(info.id().to_owned()), info.name(), why).with_generation(info.generation())
}

fn new_id() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Internal, "the host gives no random bytes").with_source(error)
    })?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
