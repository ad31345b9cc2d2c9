//! A `multipart` answer, taken apart as it comes, whatever pieces it comes in.
//!
//! Sans-IO: pieces go in with [`Parts::feed`], events come out. What is held is one piece and the end of the last.

use bytes::{Bytes, BytesMut};
use percent_encoding::percent_decode_str;

/// The headers of one part are at most this long.
const LONGEST_HEAD: usize = 16 << 10;

/// What a part says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// The name of the form's field.
    pub(crate) field: String,
    pub(crate) file: Option<String>,
    pub(crate) length: Option<u64>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A part begins.
    Part(Head),
    /// Bytes of it.
    Data(Bytes),
    /// It is whole.
    Close,
    /// The closing boundary.
    End,
}

#[derive(Debug)]
enum State {
    /// Before the first boundary.
    Preamble,
    /// Behind a boundary.
    Boundary,
    Head,
    /// In a part that says how long it is: what is left of it. Its bytes may look like a boundary.
    Sized(u64),
    /// In a part that ends at the next boundary.
    Open,
    /// Behind a part of known length.
    Delimiter,
    End,
}

#[derive(Debug)]
pub(crate) struct Parts {
    delimiter: Vec<u8>,
    buffer: BytesMut,
    state: State,
}

/// The boundary in a content type, such as `multipart/form-data; boundary=x`.
pub(crate) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, rest) = content_type.split_once(';')?;
    if !kind.trim().to_ascii_lowercase().starts_with("multipart/") {
        return None;
    }
    let value = parameter(rest, "boundary")?;
    (!value.is_empty() && value.len() <= 70).then_some(value)
}

/// The value of `name` in `a=b; c="d"`; escapes are left as they are.
fn parameter<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = text;
    loop {
        let (found, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let mut escaped = false;
                let end = quoted.char_indices().find_map(|(at, char)| {
                    let ends = char == '"' && !escaped;
                    escaped = char == '\\' && !escaped;
                    ends.then_some(at)
                })?;
                let (value, after) = quoted.split_at_checked(end)?;
                (value, after.get(1..).unwrap_or_default())
            }
            None => after.split_once(';').unwrap_or((after, "")),
        };
        let found = found.trim_start_matches([';', ' ', '\t']).trim();
        if found.eq_ignore_ascii_case(name) {
            return Some(value.trim());
        }
        rest = after;
    }
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = needle.first()?;
    let mut from = 0;
    loop {
        let rest = haystack.get(from..)?;
        let at = from + rest.iter().position(|byte| byte == first)?;
        if haystack.get(at..)?.starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
}

impl Parts {
    pub(crate) fn new(boundary: &str) -> Self {
        let mut delimiter = b"\r\n--".to_vec();
        delimiter.extend_from_slice(boundary.as_bytes());
        // the first boundary may be the very beginning
        Self {
            delimiter,
            buffer: BytesMut::from(&b"\r\n"[..]),
            state: State::Preamble,
        }
    }

    pub(crate) fn feed(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// True once the closing boundary was seen.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.state, State::End)
    }

    /// The next event; `None` if more must be fed first.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, &'static str> {
        loop {
            match self.state {
                State::Preamble => {
                    if let Some(at) = position(&self.buffer, &self.delimiter) {
                        drop(self.buffer.split_to(at + self.delimiter.len()));
                        self.state = State::Boundary;
                    } else if self.buffer.len() > LONGEST_HEAD {
                        return Err("no boundary where one must be");
                    } else {
                        return Ok(None);
                    }
                }
                State::Boundary => match self.buffer.get(..2) {
                    None => return Ok(None),
                    Some(b"--") => {
                        self.state = State::End;
                        return Ok(Some(Event::End));
                    }
                    Some(b"\r\n") => self.state = State::Head,
                    // blanks may follow a boundary
                    Some([b' ' | b'\t', _]) => drop(self.buffer.split_to(1)),
                    Some(_) => return Err("something else behind a boundary"),
                },
                State::Head => {
                    // the line break of the boundary is still there, for a part without headers
                    let Some(at) = position(&self.buffer, b"\r\n\r\n") else {
                        if self.buffer.len() > LONGEST_HEAD {
                            return Err("the headers of a part are too long");
                        }
                        return Ok(None);
                    };
                    // the same however the bytes are cut
                    if at > LONGEST_HEAD {
                        return Err("the headers of a part are too long");
                    }
                    let head = self.buffer.split_to(at + 4);
                    let head = read_head(&head)?;
                    self.state = head.length.map_or(State::Open, State::Sized);
                    return Ok(Some(Event::Part(head)));
                }
                State::Sized(0) => self.state = State::Delimiter,
                State::Sized(left) => {
                    if self.buffer.is_empty() {
                        return Ok(None);
                    }
                    let most = usize::try_from(left).unwrap_or(usize::MAX);
                    let data = self.buffer.split_to(most.min(self.buffer.len()));
                    self.state = State::Sized(left - data.len() as u64);
                    return Ok(Some(Event::Data(data.freeze())));
                }
                State::Open => {
                    let found = position(&self.buffer, &self.delimiter);
                    // what may be the beginning of a boundary stays
                    let sure = found.unwrap_or_else(|| {
                        (self.buffer.len() + 1).saturating_sub(self.delimiter.len())
                    });
                    if sure > 0 {
                        return Ok(Some(Event::Data(self.buffer.split_to(sure).freeze())));
                    }
                    if found.is_none() {
                        return Ok(None);
                    }
                    self.state = State::Delimiter;
                }
                State::Delimiter => {
                    if self.buffer.len() < self.delimiter.len() {
                        return Ok(None);
                    }
                    let found = self.buffer.split_to(self.delimiter.len());
                    if *found != *self.delimiter {
                        return Err("a part is longer than it says");
                    }
                    self.state = State::Boundary;
                    return Ok(Some(Event::Close));
                }
                State::End => return Ok(None),
            }
        }
    }
}

fn read_head(head: &[u8]) -> Result<Head, &'static str> {
    let text = String::from_utf8_lossy(head);
    let mut read = Head::default();
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or("a header without a colon")?;
        if name.eq_ignore_ascii_case("content-disposition") {
            let (_, rest) = value.split_once(';').ok_or("a part without a name")?;
            read.field = parameter(rest, "name").unwrap_or_default().to_owned();
            read.file = file_name(rest);
        } else if name.eq_ignore_ascii_case("content-length") {
            let length = value.trim().parse();
            read.length = Some(length.map_err(|_| "a length that is no number")?);
        }
    }
    if read.field.is_empty() {
        return Err("a part without a name");
    }
    Ok(read)
}

/// `filename*` if it is there, since only that can hold every name.
fn file_name(rest: &str) -> Option<String> {
    if let Some(encoded) = parameter(rest, "filename*") {
        let (_, name) = encoded.rsplit_once('\'')?;
        return Some(percent_decode_str(name).decode_utf8_lossy().into_owned());
    }
    let name = parameter(rest, "filename")?;
    let mut plain = String::with_capacity(name.len());
    let mut escaped = false;
    for char in name.chars() {
        escaped = char == '\\' && !escaped;
        if !escaped {
            plain.push(char);
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests;
