//! The programs of a sandbox that clients come back to.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::interpreter::Context;
use super::lsp::Language;
use super::pty::Terminal;
use super::session::Session;

/// By name. They end with the sandbox's other processes.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(super) sessions: Table<Session>,
    pub(super) terminals: Table<Terminal>,
    pub(super) contexts: Table<Context>,
    pub(super) languages: Table<Language>,
}

impl Live {
    /// Forgets all of them: the sandbox stops.
    pub(crate) fn clear(&self) {
        self.sessions.clear();
        self.terminals.clear();
        self.contexts.clear();
        self.languages.clear();
    }
}

/// Things by name.
pub(super) struct Table<T>(Mutex<BTreeMap<String, Arc<T>>>);

impl<T> fmt::Debug for Table<T> {
    /// Names only: things have environments and commands.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.with(|table| table.keys().cloned().collect::<Vec<_>>()))
            .finish()
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Table<T> {
    fn with<R>(&self, work: impl FnOnce(&mut BTreeMap<String, Arc<T>>) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<T>> {
        self.with(|table| table.get(name).cloned())
    }

    pub(super) fn all(&self) -> Vec<Arc<T>> {
        self.with(|table| table.values().cloned().collect())
    }

    /// Adds it; gives it back if there is one of this name.
    pub(super) fn add(&self, name: &str, one: Arc<T>) -> Result<(), Arc<T>> {
        self.with(|table| match table.entry(name.to_owned()) {
            std::collections::btree_map::Entry::Occupied(_) => Err(one),
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(one);
                Ok(())
            }
        })
    }

    pub(super) fn remove(&self, name: &str) -> Option<Arc<T>> {
        self.with(|table| table.remove(name))
    }

    /// Removes it if it is still this one.
    pub(super) fn remove_this(&self, name: &str, one: &T) {
        self.with(|table| {
            if table
                .get(name)
                .is_some_and(|found| std::ptr::eq(&**found, one))
            {
                table.remove(name);
            }
        });
    }

    fn clear(&self) {
        self.with(BTreeMap::clear);
    }
}
