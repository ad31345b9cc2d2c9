//! The latest line that a command wrote.

use std::sync::{Mutex, PoisonError};

use sandbox_core::{ExecEvent, ExecStream};

/// How much of the end of a stream is looked at, in bytes.
const KEPT: usize = 4096;
/// The longest line that is told, in characters.
const LONGEST: usize = 200;

/// What a command wrote last, for whoever waits for it.
#[derive(Debug, Default)]
pub(super) struct Latest(Mutex<Ends>);

#[derive(Default)]
struct Ends {
    ends: [Vec<u8>; 2],
    /// Which of them was written to last.
    last: usize,
}

impl std::fmt::Debug for Ends {
    /// A command may print a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ends").finish_non_exhaustive()
    }
}

impl Latest {
    pub(super) fn heard(&self, event: &ExecEvent) {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let which = match event.stream {
            ExecStream::Stdout => 0,
            ExecStream::Stderr => 1,
        };
        ends.last = which;
        if let Some(end) = ends.ends.get_mut(which) {
            end.extend_from_slice(&event.bytes);
            let much = end.len().saturating_sub(KEPT);
            end.drain(..much);
        }
    }

    /// The last line with something on it, as one line that drives no terminal; a long one from its end.
    pub(super) fn line(&self) -> Option<String> {
        let ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let end = ends.ends.get(ends.last)?;
        // a bar that is drawn again begins with a carriage return
        let lines = end.rsplit(|byte| matches!(byte, b'\n' | b'\r'));
        lines.map(plain).find(|line| !line.is_empty())
    }
}

/// Without sequences that a terminal obeys, and cut.
fn plain(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut shown = String::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char == '\u{1b}' && chars.next_if_eq(&'[').is_some() {
            // up to the letter that ends it
            while chars
                .next()
                .is_some_and(|char| !('@'..='~').contains(&char))
            {}
        } else {
            shown.push(if char.is_control() || is_bidi(char) {
                ' '
            } else {
                char
            });
        }
    }
    let shown = shown.trim();
    match shown.char_indices().rev().nth(LONGEST - 1) {
        Some((at, _)) if at > 0 => format!("..{}", shown.get(at..).unwrap_or_default()),
        _ => shown.to_owned(),
    }
}

/// Turns the direction of what follows, so that a line would show what it does not say.
fn is_bidi(char: char) -> bool {
    matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &[u8]) -> String {
        plain(text)
    }

    #[test]
    fn a_line_drives_no_terminal_and_is_short() {
        assert_eq!(line(b"\x1b[1;32mok\x1b[0m \x07done\t"), "ok  done");
        assert_eq!(line(b"\x1b[999"), "");
        assert_eq!(line("\u{9b}31mx\u{202e}".as_bytes()), "31mx");
        assert_eq!(line(b"a\xffb"), "a\u{fffd}b");
        let long = "\u{e4}".repeat(300);
        assert_eq!(line(long.as_bytes()), format!("..{}", "\u{e4}".repeat(200)));
        let fits = "x".repeat(200);
        assert_eq!(line(fits.as_bytes()), fits);
    }
}
