//! Paths behind the letter of a short option.
//!
//! `-ro.env` may carry a path from any of its characters on, the third being the first. Looked at
//! one by one, the tails of a long word would cost its length squared, so they are looked at
//! from the shortest on, each building on the one before.

use super::glob::Run;
use super::path::{AbsolutePath, Root};
use super::{Ignore, separator};

/// The longest tail of `word` that is a path off limits, if the word is a short option.
pub(super) fn longest_denied<'w>(
    ignore: &Ignore,
    word: &'w str,
    workdir: &AbsolutePath<'_>,
) -> Option<&'w str> {
    if !word.starts_with('-') || word.starts_with("--") {
        return None;
    }
    let (start, _) = word.char_indices().nth(2)?;
    let tails = word.get(start..)?;
    let mut rest = Rest::new(ignore, workdir);
    let mut longest = None;
    let mut end = tails.len();
    for segment in tails.rsplit('/') {
        let begin = end - segment.len();
        let mut first = rest.first_part();
        for (at, c) in segment.char_indices().rev() {
            first.prepend(c);
            if rest.denies(segment.get(at..).unwrap_or_default(), &first) {
                longest = tails.get(begin + at..);
            }
        }
        rest.put_before(segment, first);
        if let Some(slash) = begin.checked_sub(1) {
            let tail = tails.get(slash..).unwrap_or_default();
            if rest.denies_absolute(Root::of(tail)) {
                longest = Some(tail);
            }
            end = slash;
        }
    }
    longest
}

/// What follows a slash, in its shortest form: so many times up, then these parts.
struct Rest<'i, 'w> {
    ignore: &'i Ignore,
    workdir: &'i AbsolutePath<'i>,
    up: usize,
    /// The last part first.
    parts: Vec<&'w str>,
    /// Whether the path of so many of the last parts is off limits, itself or by its last name.
    denied: Vec<bool>,
    /// The patterns, run over all the parts.
    runs: Vec<Run<'i>>,
    name_denied: bool,
}

/// A part that grows at its front, before a rest.
struct First<'i> {
    paths: Vec<Run<'i>>,
    /// Only where the part is the last one too.
    names: Option<Vec<Run<'i>>>,
}

impl<'i, 'w> Rest<'i, 'w> {
    fn new(ignore: &'i Ignore, workdir: &'i AbsolutePath<'i>) -> Self {
        let itself = ignore.denies_path(".") || ignore.denies_name(workdir.name());
        Self {
            ignore,
            workdir,
            up: 0,
            parts: Vec::new(),
            denied: vec![itself],
            runs: ignore.paths.iter().map(Run::new).collect(),
            name_denied: false,
        }
    }

    fn first_part(&self) -> First<'i> {
        let mut paths = self.runs.clone();
        let names = self.parts.is_empty().then(|| {
            let names = self.ignore.names.iter();
            names.map(Run::new).collect::<Vec<_>>()
        });
        if names.is_none() {
            paths.iter_mut().for_each(|run| run.prepend('/'));
        }
        First { paths, names }
    }

    /// Whether the relative path of `part` and this rest is off limits; `first` has run over both.
    fn denies(&self, part: &str, first: &First<'_>) -> bool {
        match part {
            "." => self.denies_from(self.up),
            ".." => self.denies_from(self.up + 1),
            _ => match self.up.checked_sub(1) {
                Some(up) => self.denies_from(up),
                None => self.name_denied || first.accepts(),
            },
        }
    }

    /// Whether the path so many times up from the working directory, then down the parts, is off
    /// limits: it is if it does not come back into the working directory.
    fn denies_from(&self, up: usize) -> bool {
        let workdir = self.workdir.parts();
        self.denies_below(workdir.get(workdir.len().saturating_sub(up)..))
    }

    fn denies_absolute(&self, root: Root) -> bool {
        root != self.workdir.root() || self.denies_below(Some(self.workdir.parts()))
    }

    /// Whether the parts do not begin with `way`, or what follows it is off limits.
    fn denies_below(&self, way: Option<&[&str]>) -> bool {
        let way = way.unwrap_or_default();
        let inside = self.parts.len() >= way.len()
            && self
                .parts
                .iter()
                .rev()
                .zip(way)
                .all(|(part, way)| part == way);
        !inside
            || self
                .denied
                .get(self.parts.len() - way.len())
                .is_none_or(|denied| *denied)
    }

    fn put_before(&mut self, part: &'w str, first: First<'i>) {
        match part {
            "" | "." => {}
            ".." => self.up += 1,
            _ if self.up > 0 => self.up -= 1,
            part => {
                if self.parts.is_empty() {
                    self.name_denied = self.ignore.denies_name(part);
                }
                self.denied.push(self.name_denied || first.accepts());
                self.parts.push(part);
                self.runs = first.paths;
            }
        }
    }
}

impl First<'_> {
    fn prepend(&mut self, c: char) {
        for run in &mut self.paths {
            run.prepend(separator(c));
        }
        for run in self.names.iter_mut().flatten() {
            run.prepend(c);
        }
    }

    fn accepts(&self) -> bool {
        let names = self.names.iter().flatten();
        self.paths.iter().chain(names).any(Run::accepts)
    }
}
