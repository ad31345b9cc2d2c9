//! Finding names and text, and replacing text.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use serde_json::{Value, json};

use super::{Place, at, change_at, failure, parameter, tree};
use crate::web::Call;
use crate::web::reply::{Failure, Reply};

/// The time of errors that have no request of their own.
pub(super) const EPOCH: &str = "1970-01-01T00:00:00.000Z";

/// A file with a NUL in this many bytes at its start is no text.
const SNIFF: usize = 512;
/// A longer line ends the search in its file.
const MAX_LINE: u64 = 64 * 1024;
/// The largest file in which text is replaced, in bytes.
const MAX_REPLACE: u64 = 256 * 1024 * 1024;

fn open_text(folder: &Dir, name: &Path) -> Option<cap_std::fs::File> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits());
    let file = folder.open_with(name, &options).ok()?;
    file.metadata()
        .ok()
        .filter(cap_std::fs::Metadata::is_file)?;
    Some(file)
}

fn find_in(folder: &Dir, name: &Path, path: &str, pattern: &[u8], found: &mut Vec<Value>) {
    let Some(file) = open_text(folder, name) else {
        return;
    };
    let mut reader = BufReader::new(file);
    let Ok(start) = reader.fill_buf() else { return };
    if start.iter().take(SNIFF).any(|&byte| byte == 0) {
        return;
    }
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let Ok(read) = reader
            .by_ref()
            .take(MAX_LINE + 1)
            .read_until(b'\n', &mut line)
        else {
            return;
        };
        if read == 0 || line.len() as u64 > MAX_LINE {
            return;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.windows(pattern.len()).any(|window| window == pattern) {
            let content = String::from_utf8_lossy(text);
            found.push(json!({ "file": path, "line": number, "content": content }));
        }
    }
}

/// Literal text in files, line by line.
pub(super) async fn find(place: &Place, call: &Call) -> Result<Reply, Failure> {
    let path = parameter(call, "path")?.to_owned();
    let pattern = parameter(call, "pattern")?.to_owned();
    let cell = Arc::clone(&place.cell);
    let found = at(place, &path.clone(), move |spot| {
        let mut found = Vec::new();
        let pattern = pattern.as_bytes();
        match spot.dir.open_dir(&spot.path) {
            Ok(folder) => tree::walk_all(
                &cell,
                &folder,
                &path,
                &mut |folder, name, path, is_folder| {
                    if !is_folder {
                        find_in(folder, Path::new(name), path, pattern, &mut found);
                    }
                },
            ),
            // A file, or nothing at all, which has no matches.
            Err(_) => find_in(&spot.dir, &spot.path, &path, pattern, &mut found),
        }
        Ok(found)
    })
    .await?;
    Ok(Reply::json(200, &found))
}

/// Names that match a pattern.
pub(super) async fn search(place: &Place, call: &Call) -> Result<Reply, Failure> {
    let path = parameter(call, "path")?.to_owned();
    let pattern: Vec<char> = parameter(call, "pattern")?.chars().collect();
    let cell = Arc::clone(&place.cell);
    let files = at(place, &path.clone(), move |spot| {
        let mut files = Vec::new();
        if let Ok(folder) = spot.dir.open_dir(&spot.path) {
            if matches(
                &pattern,
                &super::info::last(&path).chars().collect::<Vec<_>>(),
            ) {
                files.push(path.clone());
            }
            tree::walk_all(&cell, &folder, &path, &mut |_, name, path, _| {
                let name: Vec<char> = name.to_string_lossy().chars().collect();
                if matches(&pattern, &name) {
                    files.push(path.to_owned());
                }
            });
        }
        Ok(files)
    })
    .await?;
    Ok(Reply::json(200, &json!({ "files": files })))
}

/// `*`, `?`, `[a-z]`, `[^a]` and `\` before a letter, over a whole name.
fn matches(pattern: &[char], name: &[char]) -> bool {
    match pattern {
        [] => name.is_empty(),
        ['*', rest @ ..] => {
            (0..=name.len()).any(|at| name.get(at..).is_some_and(|name| matches(rest, name)))
        }
        ['?', rest @ ..] => matches!(name, [_, name @ ..] if matches(rest, name)),
        ['[', rest @ ..] => {
            let [letter, name @ ..] = name else {
                return false;
            };
            class(rest, *letter).is_some_and(|(fits, rest)| fits && matches(rest, name))
        }
        ['\\', wanted, rest @ ..] | [wanted, rest @ ..] => {
            matches!(name, [letter, name @ ..] if letter == wanted && matches(rest, name))
        }
    }
}

/// Whether the class that begins here has the letter, and what follows it.
fn class(pattern: &[char], letter: char) -> Option<(bool, &[char])> {
    let (negated, mut rest) = match pattern {
        ['^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut fits = false;
    let mut first = true;
    loop {
        rest = match rest {
            [']', after @ ..] if !first => return Some((fits != negated, after)),
            [low, '-', high, after @ ..] if *high != ']' => {
                fits |= (*low..=*high).contains(&letter);
                after
            }
            [one, after @ ..] => {
                fits |= *one == letter;
                after
            }
            [] => return None,
        };
        first = false;
    }
}

/// Replaces literal text in each of the files.
pub(super) async fn replace(place: &Place, mut call: Call) -> Result<Reply, Failure> {
    let body = call.json().await?;
    let invalid = |name: &str| Failure::bad(format!("bad request: {name} is required"));
    let files = body
        .get("files")
        .and_then(Value::as_array)
        .ok_or_else(|| invalid("files"))?;
    let pattern = body
        .get("pattern")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty());
    let pattern = pattern.ok_or_else(|| invalid("pattern"))?;
    let new = body
        .get("newValue")
        .and_then(Value::as_str)
        .ok_or_else(|| invalid("newValue"))?;
    let mut results = Vec::new();
    for file in files {
        let path = file.as_str().ok_or_else(|| invalid("files"))?;
        let (name, pattern, new) = (path.to_owned(), pattern.to_owned(), new.to_owned());
        let done = change_at(place, path, move |spot| {
            replace_in(&spot.dir, &spot.path, &pattern, &new)
                .map_err(|error| failure::io(&error, &name))
        });
        results.push(match done.await {
            Ok(()) => json!({ "file": path, "success": true }),
            Err(failure) => json!({ "file": path, "success": false, "error": failure.message }),
        });
    }
    Ok(Reply::json(200, &results))
}

fn replace_in(folder: &Dir, path: &Path, pattern: &str, new: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits());
    let mut file = folder.open_with(path, &options)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > MAX_REPLACE {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    let mut old = Vec::new();
    file.read_to_end(&mut old)?;
    let mut result = Vec::with_capacity(old.len());
    let mut rest = old.as_slice();
    while let Some((byte, tail)) = rest.split_first() {
        match rest.strip_prefix(pattern.as_bytes()) {
            Some(after) => {
                result.extend_from_slice(new.as_bytes());
                rest = after;
            }
            None => {
                result.push(*byte);
                rest = tail;
            }
        }
    }
    if result != old {
        std::io::Seek::rewind(&mut file)?;
        file.set_len(0)?;
        file.write_all(&result)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn names_match_as_the_shell_would() {
        let fits = |pattern: &str, name: &str| {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            matches(&chars(pattern), &chars(name))
        };
        for (pattern, name) in [
            ("*.py", "a.py"),
            ("a?c", "abc"),
            ("[a-c]x", "bx"),
            ("[^a]", "b"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*.py", "a.pyc"),
            ("a?c", "ac"),
            ("[a-c]x", "dx"),
            ("[", "a"),
        ] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
        assert!(fits("\\*", "*") && !fits("\\*", "a"));
    }
}
