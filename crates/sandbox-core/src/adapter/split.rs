//! A command line into words, as Python's `shlex.split` does it.
//!
//! It differs from a shell: `#` begins no comment, an escaped line break stays in the word, and
//! only space, tab, carriage return and line feed separate.

/// Where in a word the reader is.
#[derive(Clone, Copy)]
enum State {
    Between,
    Bare,
    Single,
    Double,
    Escape { in_double: bool },
}

/// The words, or `None` if a quote is not closed or the line ends in an escape.
pub(super) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut state = State::Between;
    for c in line.chars() {
        state = match (state, c) {
            (State::Between, ' ' | '\t' | '\r' | '\n') => State::Between,
            (State::Bare, ' ' | '\t' | '\r' | '\n') => {
                words.push(std::mem::take(&mut word));
                State::Between
            }
            (State::Between | State::Bare, '\'') => State::Single,
            (State::Between | State::Bare, '"') => State::Double,
            (State::Between | State::Bare, '\\') => State::Escape { in_double: false },
            (State::Single, '\'') | (State::Double, '"') => State::Bare,
            (State::Double, '\\') => State::Escape { in_double: true },
            (State::Single | State::Double, c) => {
                word.push(c);
                state
            }
            (State::Between | State::Bare, c) => {
                word.push(c);
                State::Bare
            }
            (State::Escape { in_double: false }, c) => {
                word.push(c);
                State::Bare
            }
            (State::Escape { in_double: true }, c) => {
                if !matches!(c, '"' | '\\') {
                    word.push('\\');
                }
                word.push(c);
                State::Double
            }
        };
    }
    match state {
        State::Between => Some(words),
        State::Bare => {
            words.push(word);
            Some(words)
        }
        State::Single | State::Double | State::Escape { .. } => None,
    }
}

/// The words of a pattern: split at white space as Python sees it, quotes being nothing special.
pub(super) fn pattern_words(pattern: &str) -> impl Iterator<Item = &str> {
    pattern
        .split(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
        .filter(|word| !word.is_empty())
}
