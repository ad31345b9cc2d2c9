//! Which sandbox a handle is for.

use std::sync::Arc;

/// Which sandbox a handle is for; cheap to clone, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SandboxInfo {
    id: Arc<str>,
    name: Arc<str>,
    workdir: Arc<str>,
    generation: u64,
    state_lost: bool,
}

impl SandboxInfo {
    /// The first sandbox of its key, with nothing lost before it.
    #[must_use]
    pub fn new(
        id: impl Into<Arc<str>>,
        name: impl Into<Arc<str>>,
        workdir: impl Into<Arc<str>>,
    ) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            workdir: workdir.into(),
            generation: 1,
            state_lost: false,
        }
    }

    /// Says which one of its key it is, and whether the one before was lost with its state.
    #[must_use]
    pub fn with_generation(mut self, generation: u64, state_lost: bool) -> Self {
        self.generation = generation;
        self.state_lost = state_lost;
        self
    }

    /// The provider's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name it was created under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The absolute working directory.
    #[must_use]
    pub fn workdir(&self) -> &str {
        &self.workdir
    }

    /// 1 for the first sandbox of a key, one more for each that replaced a lost one.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// True if it replaces one that was lost: files and processes of that one are gone.
    #[must_use]
    pub fn state_lost(&self) -> bool {
        self.state_lost
    }
}
