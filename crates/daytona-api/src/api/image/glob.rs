//! Wildcards in the sources of a Dockerfile, and arrays, as the official client reads and writes them.

use std::fs;
use std::path::Path;

/// A JSON array of texts, in ASCII: what is not is escaped, as Python writes it.
pub(super) fn json_words(words: &[&str]) -> String {
    let mut text = String::from("[");
    for (place, word) in words.iter().enumerate() {
        if place > 0 {
            text.push_str(", ");
        }
        for char in serde_json::Value::from(*word).to_string().chars() {
            if (' '..='~').contains(&char) {
                text.push(char);
                continue;
            }
            for unit in char.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text.push(']');
    text
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// The paths that `pattern` names, written as it is; in the order of the folders' own entries. One without wildcards
/// names itself, if it is there. `None` where there are more than `most`, also on the way: by `..` and links a short
/// pattern can name one folder without end.
pub(super) fn glob(pattern: &str, most: usize) -> Option<Vec<String>> {
    if !is_pattern(pattern) {
        let exists = match pattern.strip_suffix('/') {
            Some(folder) if !folder.is_empty() => Path::new(folder).is_dir(),
            _ => fs::symlink_metadata(pattern).is_ok(),
        };
        let itself: Vec<String> = exists.then(|| pattern.to_owned()).into_iter().collect();
        return Some(itself).filter(|found| found.len() <= most);
    }
    let (mut folder, mut names) = (pattern, Vec::new());
    while is_pattern(folder) {
        let (before, name) = match folder.rfind('/') {
            Some(0) => ("/", folder.get(1..)),
            Some(at) => (folder.get(..at).unwrap_or_default(), folder.get(at + 1..)),
            None => ("", Some(folder)),
        };
        names.push(name.unwrap_or_default());
        folder = before;
    }
    let mut found = vec![folder.to_owned()];
    for name in names.into_iter().rev() {
        let mut next = Vec::new();
        for folder in &found {
            let room = most - next.len();
            next.extend(within(folder, name).take(room + 1));
            if next.len() > most {
                return None;
            }
        }
        found = next;
    }
    Some(found)
}

/// What is in a folder by this name, which may be a pattern.
fn within<'a>(folder: &'a str, name: &'a str) -> Box<dyn Iterator<Item = String> + 'a> {
    if !is_pattern(name) {
        let path = joined(folder, name);
        let exists = if name.is_empty() {
            Path::new(folder).is_dir()
        } else {
            fs::symlink_metadata(&path).is_ok()
        };
        return Box::new(exists.then_some(path).into_iter());
    }
    let there = if folder.is_empty() { "." } else { folder };
    let entries = fs::read_dir(there).into_iter().flatten().flatten();
    Box::new(entries.filter_map(move |entry| {
        let entry = entry.file_name().into_string().ok()?;
        let hidden = entry.starts_with('.') && !name.starts_with('.');
        (!hidden && matches(name, &entry)).then(|| joined(folder, &entry))
    }))
}

/// As the official client joins: a slash between the two unless one is there.
pub(super) fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() || folder.ends_with('/') {
        format!("{folder}{name}")
    } else {
        format!("{folder}/{name}")
    }
}

/// Whether `name` fits `pattern`: `*` is any text, `?` any character, `[abc]`, `[a-z]` and `[!a]` one of a set.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // where to go on after the last star took one character more
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() || p < pattern.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p + 1, n));
            p += 1;
            continue;
        }
        let fits = name.get(n).and_then(|&char| one(&pattern, p, char));
        if let Some(next) = fits {
            p = next;
            n += 1;
            continue;
        }
        match star {
            Some((after, taken)) if taken < name.len() => {
                star = Some((after, taken + 1));
                p = after;
                n = taken + 1;
            }
            _ => return false,
        }
    }
    true
}

/// Where the pattern goes on if its part at `at` takes `char`.
fn one(pattern: &[char], at: usize, char: char) -> Option<usize> {
    match pattern.get(at)? {
        '?' => Some(at + 1),
        '[' => {
            let negated = pattern.get(at + 1) == Some(&'!');
            let begin = at + 1 + usize::from(negated);
            // a `]` at the beginning is one of the set
            let rest = pattern.get(begin + 1..).unwrap_or_default();
            let Some(length) = rest.iter().position(|&char| char == ']') else {
                return (char == '[').then_some(at + 1);
            };
            let end = begin + 1 + length;
            let set = pattern.get(begin..end)?;
            (in_set(set, char) != negated).then_some(end + 1)
        }
        &literal => (literal == char).then_some(at + 1),
    }
}

fn in_set(set: &[char], char: char) -> bool {
    let mut rest = set;
    loop {
        match *rest {
            [] => return false,
            [from, '-', to, ref after @ ..] => {
                if (from..=to).contains(&char) {
                    return true;
                }
                rest = after;
            }
            [single, ref after @ ..] => {
                if single == char {
                    return true;
                }
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_fit_as_in_python() {
        for (pattern, name, wanted) in [
            ("*", "", true),
            ("*.py", "a.py", true),
            ("*.py", "a.pyc", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("?", "a", true),
            ("?", "ab", false),
            ("[abc]", "b", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[!a-c]x", "dx", true),
            ("[]]", "]", true),
            ("[", "[", true),
            ("[^a]", "^", true),
            ("{a,b}", "a", false),
        ] {
            assert_eq!(matches(pattern, name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn arrays_are_ascii() {
        assert_eq!(
            json_words(&["a b", "caf\u{e9} \"\u{1f600}\n\u{7f}"]),
            r#"["a b", "caf\u00e9 \"\ud83d\ude00\n\u007f"]"#
        );
    }
}
