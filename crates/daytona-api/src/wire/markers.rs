//! The log of a session's command: each line begins with three bytes that tell its stream.

use bytes::{Bytes, BytesMut};

/// Which of its two outputs a command wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Output {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

const MARK: u8 = 3;

/// Takes the marks out of a log, however it is cut into pieces.
///
/// A mark counts at the beginning of a line only; elsewhere the same bytes are what the command wrote. Lines
/// without a mark go with the line before, at the beginning to standard output.
#[derive(Clone, Debug)]
pub(crate) struct Demux {
    output: Output,
    line_start: bool,
    /// The byte of a mark that has begun, and how often it came.
    held: Option<(u8, u8)>,
}

impl Demux {
    pub(crate) const fn new() -> Self {
        Self {
            output: Output::Stdout,
            line_start: true,
            held: None,
        }
    }

    /// What is in `piece`, in its order.
    pub(crate) fn feed(&mut self, piece: &[u8]) -> Vec<(Output, Bytes)> {
        let mut found = Vec::new();
        let mut data = BytesMut::with_capacity(piece.len());
        let mut rest = piece;
        while let Some((&byte, after)) = rest.split_first() {
            if !self.line_start {
                let end = rest.iter().position(|&byte| byte == b'\n');
                let (line, next) = rest.split_at(end.map_or(rest.len(), |at| at + 1));
                data.extend_from_slice(line);
                self.line_start = end.is_some();
                rest = next;
                continue;
            }
            match self.held {
                None if byte == 1 || byte == 2 => self.held = Some((byte, 1)),
                Some((mark, count)) if mark == byte && count + 1 < MARK => {
                    self.held = Some((mark, count + 1));
                }
                Some((mark, _)) if mark == byte => {
                    let output = if mark == 1 {
                        Output::Stdout
                    } else {
                        Output::Stderr
                    };
                    if output != self.output && !data.is_empty() {
                        found.push((self.output, data.split().freeze()));
                    }
                    self.output = output;
                    self.held = None;
                    self.line_start = false;
                }
                // no mark after all
                _ => {
                    self.release(&mut data);
                    continue;
                }
            }
            rest = after;
        }
        if !data.is_empty() {
            found.push((self.output, data.freeze()));
        }
        found
    }

    /// What was held back as the beginning of a mark, at the end of the log.
    pub(crate) fn finish(&mut self) -> Option<(Output, Bytes)> {
        let mut data = BytesMut::new();
        self.release(&mut data);
        (!data.is_empty()).then(|| (self.output, data.freeze()))
    }

    fn release(&mut self, data: &mut BytesMut) {
        if let Some((mark, count)) = self.held.take() {
            data.extend(std::iter::repeat_n(mark, count.into()));
        }
        self.line_start = false;
    }
}

/// All of a log: what went to standard output, and to standard error.
pub(crate) fn split(log: &[u8]) -> (String, String) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut demux = Demux::new();
    let mut pieces = demux.feed(log);
    pieces.extend(demux.finish());
    for (output, data) in pieces {
        match output {
            Output::Stdout => stdout.extend_from_slice(&data),
            Output::Stderr => stderr.extend_from_slice(&data),
        }
    }
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (text(stdout), text(stderr))
}

/// All of a log in its order.
pub(crate) fn unmarked(log: &str) -> String {
    let mut demux = Demux::new();
    let mut pieces = demux.feed(log.as_bytes());
    pieces.extend(demux.finish());
    let all: Vec<u8> = pieces.into_iter().flat_map(|(_, data)| data).collect();
    String::from_utf8_lossy(&all).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn join(pieces: impl IntoIterator<Item = (Output, Bytes)>) -> (Vec<u8>, Vec<u8>) {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        for (output, data) in pieces {
            match output {
                Output::Stdout => stdout.extend_from_slice(&data),
                Output::Stderr => stderr.extend_from_slice(&data),
            }
        }
        (stdout, stderr)
    }

    fn line() -> impl Strategy<Value = (bool, Vec<u8>)> {
        let byte = prop_oneof![Just(1u8), Just(2), Just(0), Just(0xff), any::<u8>()];
        let text = proptest::collection::vec(byte.prop_filter("one line", |b| *b != b'\n'), 0..12);
        (any::<bool>(), text)
    }

    proptest! {
        #[test]
        fn no_byte_is_lost_or_moved_wherever_the_log_is_cut(
            lines in proptest::collection::vec(line(), 0..8),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let (mut log, mut stdout, mut stderr) = (Vec::new(), Vec::new(), Vec::new());
            for (to_stderr, text) in &lines {
                let (mark, into) = if *to_stderr { (2, &mut stderr) } else { (1, &mut stdout) };
                log.extend([mark; 3]);
                for out in [&mut log, into] {
                    out.extend_from_slice(text);
                    out.push(b'\n');
                }
            }
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(log.len() + 1)).collect();
            at.extend([0, log.len()]);
            at.sort_unstable();
            let mut demux = Demux::new();
            let mut pieces = Vec::new();
            for pair in at.windows(2) {
                pieces.extend(demux.feed(&log[pair[0]..pair[1]]));
            }
            pieces.extend(demux.finish());
            prop_assert_eq!(join(pieces), (stdout, stderr));
        }
    }

    #[test]
    fn what_is_no_mark_is_kept() {
        for log in [
            &b"\x01\x01x\n"[..],
            b"\x01\x02\x01\n",
            b"plain\n",
            b"\x02",
            b"\x01\x01",
        ] {
            let mut demux = Demux::new();
            let mut pieces = demux.feed(log);
            pieces.extend(demux.finish());
            assert_eq!(join(pieces).0, log);
        }
        assert_eq!(
            unmarked("\x01\x01\x01a\x01\x01\x01b\n\x02\x02\x02c\n"),
            "a\x01\x01\x01b\nc\n"
        );
    }
}
