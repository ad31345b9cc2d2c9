//! Words of a command as paths, and which of them are off limits.

mod glob;
mod path;
mod tails;

use glob::Glob;
use path::AbsolutePath;

/// Paths that a command may not name, beside all outside the working directory.
#[derive(Clone, Debug)]
pub(super) struct Ignore {
    /// Matched against the path from the working directory.
    paths: Vec<Glob>,
    /// Matched against the last name of the path.
    names: Vec<Glob>,
}

impl Ignore {
    pub(super) fn new<I>(patterns: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let (mut paths, mut names) = (Vec::new(), Vec::new());
        for pattern in patterns {
            let pattern = pattern.as_ref();
            if pattern.contains(['*', '?', '[']) {
                paths.push(Glob::parse(pattern));
                names.push(Glob::parse(pattern));
                names.extend(pattern.strip_prefix("**/").map(Glob::parse));
            } else {
                paths.push(Glob::literal(pattern));
                paths.push(Glob::below(pattern));
                names.push(Glob::literal(pattern));
            }
        }
        Self { paths, names }
    }

    /// The first path that the words name and may not.
    pub(super) fn denied(&self, argv: &[String], workdir: &str) -> Option<String> {
        let workdir = AbsolutePath::new(workdir);
        argv.iter()
            .find_map(|word| self.denied_in_word(word, &workdir))
    }

    /// A word is a path, and may carry more of them: after an equals sign (`of=x`) or behind the
    /// letter of a short option (`-ox`).
    fn denied_in_word(&self, word: &str, workdir: &AbsolutePath<'_>) -> Option<String> {
        let parts = word
            .contains('=')
            .then(|| word.split('=').filter(|part| !part.is_empty()));
        std::iter::once(word)
            .chain(parts.into_iter().flatten())
            .map(|path| workdir.join(path))
            .find(|path| self.denies(path, workdir))
            .map(|path| path.to_string())
            .or_else(|| {
                let tail = tails::longest_denied(self, word, workdir)?;
                Some(workdir.join(tail).to_string())
            })
    }

    fn denies(&self, path: &AbsolutePath<'_>, workdir: &AbsolutePath<'_>) -> bool {
        let Some(relative) = path.relative_to(workdir) else {
            return true;
        };
        self.denies_path(&relative) || self.denies_name(path.name())
    }

    /// `relative` is the path from the working directory; `.` is the directory itself.
    fn denies_path(&self, relative: &str) -> bool {
        self.paths
            .iter()
            .any(|glob| glob.matches(relative.chars().map(separator)))
    }

    fn denies_name(&self, name: &str) -> bool {
        self.names.iter().any(|glob| glob.matches(name.chars()))
    }
}

/// The original takes a backslash in the path for a separator, though not in the name.
fn separator(c: char) -> char {
    if c == '\\' { '/' } else { c }
}
