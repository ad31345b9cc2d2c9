//! A parameter that is a map, such as the environment of a process.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::BuildHasher;

use smallvec::SmallVec;

use super::{Mismatch, Param, ParamType};
use crate::error::{Problems, Reason, Site};
use crate::resolve::Field;
use crate::secret::Secret;
use crate::source::Source;
use crate::value::{MapRef, ValueRef};
use crate::variable::{Fallback, Variable};

mod resolved;
mod view;

pub use resolved::SecretMap;
pub use view::MapView;
use view::Merge;

const WANTED: &str = "map";

type Entry = (String, Param<Secret>);

/// Ordered by name, each name once.
type Entries = Vec<Entry>;

/// A map of secrets whose entries, or the whole of it, may be variables. The order in which
/// entries are given never matters.
///
/// Entries win over the variable that is the whole map. A null for the whole map is an empty map;
/// an entry that resolves to null, and a value of the map that is not a text, are errors which
/// name the entry.
///
/// ```
/// use context_vars::{ParamMap, Variable, Vars};
///
/// let env = ParamMap::new().entry("LANG", "C").entry("TENANT", Variable::new("tenant"));
/// let env = env.get("env_vars", &Vars::new().with("tenant", "acme"))?;
/// assert_eq!(env.expose("TENANT"), Some("acme"));
/// assert_eq!(format!("{env:?}"), r#"{"LANG": Secret(..), "TENANT": Secret(..)}"#);
/// # Ok::<(), context_vars::ResolveError>(())
/// ```
#[derive(Clone, Default)]
pub struct ParamMap {
    entries: Entries,
    whole: Option<Variable<SecretMap>>,
}

impl ParamMap {
    /// No entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entry, or replaces it. An unnamed variable takes the entry's name.
    ///
    /// ```
    /// use context_vars::{ParamMap, Template, Variable};
    ///
    /// ParamMap::new()
    ///     .entry("A", "literal")
    ///     .entry("TENANT", Variable::unnamed())
    ///     .entry("URL", Template::parse("https://${tenant}.example")?);
    /// # Ok::<(), context_vars::TemplateError>(())
    /// ```
    #[must_use]
    pub fn entry(mut self, name: impl Into<String>, value: impl Into<Param<Secret>>) -> Self {
        self.insert(name, value);
        self
    }

    /// Adds an entry, or replaces it.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Param<Secret>>) {
        let (name, value) = (name.into(), value.into());
        match self.position(&name) {
            Ok(at) => {
                if let Some(entry) = self.entries.get_mut(at) {
                    entry.1 = value;
                }
            }
            Err(at) => self.entries.insert(at, (name, value)),
        }
    }

    /// Takes the entries not given one by one from a variable that holds a map.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use context_vars::{ParamMap, Variable, Vars};
    ///
    /// let env = ParamMap::new().entry("LANG", "C").whole(Variable::new("env"));
    /// let held = BTreeMap::from([("TENANT".to_owned(), "acme")]);
    /// let env = env.get("env_vars", &Vars::new().with("env", held))?;
    /// assert_eq!(env.names().collect::<Vec<_>>(), ["LANG", "TENANT"]);
    /// # Ok::<(), context_vars::ResolveError>(())
    /// ```
    #[must_use]
    pub fn whole(mut self, variable: Variable<SecretMap>) -> Self {
        self.whole = Some(variable);
        self
    }

    /// True if no context can give it an entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.whole.is_none()
    }

    /// Resolves this one parameter, called `name`, into an owned map.
    ///
    /// # Errors
    ///
    /// Every entry that is missing or of another type.
    pub fn get(
        &self,
        name: &str,
        source: &dyn Source,
    ) -> Result<SecretMap, crate::error::ResolveError> {
        let mut problems = Problems::new();
        match self.resolve_field(Site::new(name), source, &mut problems) {
            Some(view) => Ok(view.to_map()),
            None => Err(problems.into_error()),
        }
    }

    fn add_whole<'a>(
        &'a self,
        variable: &'a Variable<SecretMap>,
        site: Site<'_>,
        source: &'a dyn Source,
        view: &mut Merge<'a>,
        problems: &mut Problems,
    ) {
        let name = variable.name().unwrap_or_else(|| site.name());
        match source.get(name) {
            Some(ValueRef::Null) => {}
            Some(ValueRef::Map(map)) => self.add_map(map, name, site, view, problems),
            Some(ValueRef::Variable(_)) => {
                problems.push(site, Some(name), WANTED, Reason::Variable);
            }
            Some(value) => {
                problems.push(site, Some(name), WANTED, Reason::WrongType(value.kind()));
            }
            None => match variable.fallback() {
                Fallback::None => problems.push(site, Some(name), WANTED, Reason::Missing),
                Fallback::Null => {}
                Fallback::Borrowed(map) => {
                    for (key, value) in map.iter().filter(|(key, _)| self.is_open(key)) {
                        view.push(Cow::Borrowed(key), value.view());
                    }
                }
                Fallback::Made(map) => {
                    for (key, value) in map.into_iter().filter(|(key, _)| self.is_open(key)) {
                        view.push(Cow::Owned(key), value.into_view());
                    }
                }
            },
        }
    }

    fn add_map<'a>(
        &'a self,
        map: &'a dyn MapRef,
        variable: &str,
        site: Site<'_>,
        view: &mut Merge<'a>,
        problems: &mut Problems,
    ) {
        map.for_each(&mut |key, value| {
            if !self.is_open(key) {
                return;
            }
            let reason = match (value, Secret::from_value(value)) {
                (_, Ok(value)) => return view.push(Cow::Borrowed(key), value),
                (ValueRef::Variable(_), _) => Reason::Variable,
                (_, Err(Mismatch::Invalid(invalid))) => Reason::Invalid(invalid.reason()),
                (_, Err(Mismatch::Type)) => Reason::WrongType(value.kind()),
            };
            problems.push(site.entry(key), Some(variable), Secret::WANTED, reason);
        });
    }

    /// True if no entry of its own has the name.
    fn is_open(&self, key: &str) -> bool {
        self.position(key).is_err()
    }

    /// Where the name is, or belongs.
    fn position(&self, key: &str) -> Result<usize, usize> {
        self.entries
            .binary_search_by(|(name, _)| name.as_str().cmp(key))
    }
}

impl Field for ParamMap {
    type Owned = SecretMap;
    type View<'a> = MapView<'a>;

    fn resolve_field<'a>(
        &'a self,
        site: Site<'_>,
        source: &'a dyn Source,
        problems: &mut Problems,
    ) -> Option<MapView<'a>> {
        let before = problems.len();
        let Some(variable) = &self.whole else {
            let mut found = SmallVec::new();
            for (key, param) in &self.entries {
                if param.constant().is_none()
                    && let Some(value) = param.resolve_field(site.entry(key), source, problems)
                {
                    found.push(value);
                }
            }
            return (problems.len() == before).then(|| MapView::of_entries(&self.entries, found));
        };
        let mut view = MapView::merge();
        for (key, param) in &self.entries {
            if let Some(value) = param.resolve_field(site.entry(key), source, problems) {
                view.push(Cow::Borrowed(key), value);
            }
        }
        self.add_whole(variable, site, source, &mut view, problems);
        problems.sort_keys_from(before);
        (problems.len() == before).then(|| view.into_view())
    }

    fn check_field(&self, site: Site<'_>, problems: &mut Problems) {
        for (key, param) in &self.entries {
            param.check_field(site.entry(key), problems);
        }
    }
}

impl fmt::Debug for ParamMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        map.entries(self.entries.iter().map(|(name, value)| (name, value)));
        if let Some(variable) = &self.whole {
            map.entry(&format_args!(".."), variable);
        }
        map.finish()
    }
}

impl From<Variable<SecretMap>> for ParamMap {
    fn from(variable: Variable<SecretMap>) -> Self {
        Self::new().whole(variable)
    }
}

impl<N: Into<String>, V: Into<Param<Secret>>> FromIterator<(N, V)> for ParamMap {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Self {
        // sorted once; of one name the last counts
        let entries: BTreeMap<String, Param<Secret>> = entries
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self {
            entries: entries.into_iter().collect(),
            whole: None,
        }
    }
}

impl<N: Into<String>, V: Into<Param<Secret>>, const COUNT: usize> From<[(N, V); COUNT]>
    for ParamMap
{
    fn from(entries: [(N, V); COUNT]) -> Self {
        entries.into_iter().collect()
    }
}

impl<V: Into<Param<Secret>>> From<BTreeMap<String, V>> for ParamMap {
    fn from(entries: BTreeMap<String, V>) -> Self {
        entries.into_iter().collect()
    }
}

impl<V: Into<Param<Secret>>, S: BuildHasher> From<HashMap<String, V, S>> for ParamMap {
    fn from(entries: HashMap<String, V, S>) -> Self {
        entries.into_iter().collect()
    }
}
