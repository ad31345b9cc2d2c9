//! Patterns as Python's `fnmatch` reads them: `*` and `?` match any character, `/` too.

use std::mem;

/// A pattern that matches a whole text.
#[derive(Clone, Debug)]
pub(super) struct Glob(Vec<Token>);

#[derive(Clone, Debug)]
enum Token {
    /// Any number of characters.
    Star,
    /// One character.
    Any,
    One(char),
    Set(Set),
}

/// One character of these, or none of these.
#[derive(Clone, Debug)]
struct Set {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Glob {
    /// A pattern with wildcards.
    pub(super) fn parse(pattern: &str) -> Self {
        let mut tokens = Vec::new();
        let mut rest = pattern;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            tokens.push(match c {
                '*' => Token::Star,
                '?' => Token::Any,
                '[' => match set_end(rest) {
                    Some(end) => {
                        let set = parse_set(&rest[..end]);
                        rest = &rest[end + 1..];
                        set
                    }
                    None => Token::One('['),
                },
                c => Token::One(c),
            });
        }
        Self(tokens)
    }

    /// The text itself.
    pub(super) fn literal(text: &str) -> Self {
        Self(text.chars().map(Token::One).collect())
    }

    /// All that begins with the text and a slash.
    pub(super) fn below(text: &str) -> Self {
        let mut glob = Self::literal(text);
        glob.0.extend([Token::One('/'), Token::Star]);
        glob
    }

    pub(super) fn matches(&self, text: impl DoubleEndedIterator<Item = char>) -> bool {
        let mut run = Run::new(self);
        text.rev().for_each(|c| run.prepend(c));
        run.accepts()
    }
}

/// A match of a text that is given from its end: what every suffix of the text is asked for costs
/// no more than the text itself, and no pattern makes it slow.
#[derive(Clone, Debug)]
pub(super) struct Run<'g> {
    glob: &'g Glob,
    /// Whether the pattern from each token on matches the text so far; the last is for its end.
    matched: Vec<bool>,
}

impl<'g> Run<'g> {
    /// The empty text.
    pub(super) fn new(glob: &'g Glob) -> Self {
        let stars = glob.0.iter().rev();
        let stars = stars
            .take_while(|token| matches!(token, Token::Star))
            .count();
        let others = glob.0.len() - stars;
        let matched = (0..=glob.0.len()).map(|from| from >= others).collect();
        Self { glob, matched }
    }

    /// Puts a character before the text.
    pub(super) fn prepend(&mut self, c: char) {
        let tokens = self.glob.0.iter().rev();
        let mut matched = self.matched.iter_mut().rev();
        let Some(end) = matched.next() else { return };
        let mut after_before = mem::take(end);
        let mut after = false;
        for (token, here) in tokens.zip(matched) {
            let before = *here;
            *here = match token {
                Token::Star => after || before,
                Token::Any => after_before,
                Token::One(one) => after_before && *one == c,
                Token::Set(set) => after_before && set.holds(c),
            };
            (after_before, after) = (before, *here);
        }
    }

    /// True if the pattern matches the text so far.
    pub(super) fn accepts(&self) -> bool {
        self.matched.first().copied().unwrap_or_default()
    }
}

impl Set {
    fn holds(&self, c: char) -> bool {
        self.ranges
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&c))
            != self.negated
    }
}

/// Where the set that begins here is closed. A `]` at its very front is one of its characters.
fn set_end(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('!').unwrap_or(rest);
    let inner = inner.strip_prefix(']').unwrap_or(inner);
    Some(rest.len() - inner.len() + inner.find(']')?)
}

/// The inside of a set. Where a range is empty (`z-a`) its two ends fall away, and only then is it
/// looked whether the set begins with `!`.
fn parse_set(inner: &str) -> Token {
    let chunks = merge_empty_ranges(chunks(&inner.chars().collect::<Vec<_>>()));
    let mut ranges = Vec::new();
    let mut negated = false;
    let mut low = None;
    for (i, chunk) in chunks.iter().enumerate() {
        let mut chars = chunk.iter().copied().peekable();
        if i == 0 {
            negated = chars.next_if_eq(&'!').is_some();
        }
        while let Some(c) = chars.next() {
            let first = low.take().unwrap_or(c);
            if chars.peek().is_none() && i + 1 < chunks.len() {
                // The last of a chunk is the lower end of the range that joins it to the next.
                if first != c {
                    ranges.push((first, c));
                }
                low = Some(c);
            } else {
                ranges.push((first, c));
            }
        }
    }
    if negated && ranges.is_empty() {
        return Token::Any;
    }
    Token::Set(Set { negated, ranges })
}

/// Splits at the hyphens that make a range: not the first character, nor one too near another.
fn chunks(inner: &[char]) -> Vec<Vec<char>> {
    let mut chunks: Vec<Vec<char>> = Vec::new();
    let mut start = 0;
    let mut from = if inner.first() == Some(&'!') { 2 } else { 1 };
    while let Some(hyphen) = (from..inner.len()).find(|at| inner.get(*at) == Some(&'-')) {
        chunks.push(inner.get(start..hyphen).unwrap_or_default().to_vec());
        start = hyphen + 1;
        from = hyphen + 3;
    }
    let last = inner.get(start..).unwrap_or_default();
    match chunks.last_mut() {
        Some(before) if last.is_empty() => before.push('-'),
        _ => chunks.push(last.to_vec()),
    }
    chunks
}

fn merge_empty_ranges(chunks: Vec<Vec<char>>) -> Vec<Vec<char>> {
    let mut merged: Vec<Vec<char>> = Vec::new();
    for mut chunk in chunks.into_iter().rev() {
        match merged.last_mut() {
            Some(next) if chunk.last() > next.first() => {
                chunk.pop();
                chunk.extend(next.iter().skip(1));
                *next = chunk;
            }
            _ => merged.push(chunk),
        }
    }
    merged.reverse();
    merged
}
