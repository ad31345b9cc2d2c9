//! What is stored: files of the server's own folder.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::stored::Stored;
use super::uploads::Unfinished;

/// One object, whole. Clones share the file, which goes with the last of them.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) file: Arc<Stored>,
    pub(super) etag: String,
    pub(super) modified: Timestamp,
}

#[derive(Default)]
pub(super) struct Objects {
    by_key: BTreeMap<String, Object>,
    pub(super) unfinished: HashMap<String, Unfinished>,
    /// Bytes of everything that is stored or being stored.
    pub(super) used: u64,
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects")
            .field("count", &self.by_key.len())
            .field("used", &self.used)
            .finish_non_exhaustive()
    }
}

impl Objects {
    pub(super) fn get(&self, key: &str) -> Option<Object> {
        self.by_key.get(key).cloned()
    }

    /// The one that was there before is given back.
    pub(super) fn put(&mut self, key: &str, object: Object) -> Option<Object> {
        self.by_key.insert(key.to_owned(), object)
    }

    /// Those whose keys begin with `prefix` and come after `after`, in order.
    pub(super) fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a Object)> {
        self.by_key
            .range(prefix.to_owned()..)
            .take_while(move |(key, _)| key.starts_with(prefix))
            .filter(move |(key, _)| key.as_str() > after)
    }
}
