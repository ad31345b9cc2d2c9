//! The framed answer of the script: found by its nonce, decoded byte-exact.

use std::fmt;
use std::str::Lines;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What the script reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Report {
    /// The command ran.
    Ran(Ran),
    /// The command was not started.
    Refused(Refusal),
}

/// Why the script did not start the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The working directory does not exist.
    NoDirectory,
    /// The working directory is not a directory.
    NotADirectory,
    /// The working directory may not be entered.
    DirectoryDenied,
    /// No directory for temporary files can be written.
    NoSpill,
    /// The input of the command could not be written.
    Stdin,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoDirectory => "working directory does not exist",
            Self::NotADirectory => "working directory is not a directory",
            Self::DirectoryDenied => "working directory may not be entered",
            Self::NoSpill => "no directory for temporary files can be written in the sandbox",
            Self::Stdin => "the input of the command could not be written in the sandbox",
        })
    }
}

/// A command that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ran {
    /// As a shell sees it: the exit code, or 128 + n after signal n.
    pub(crate) status: i32,
    /// The limit struck and killed the command.
    pub(crate) timed_out: bool,
    /// Somebody asked for its end and it was killed.
    pub(crate) killed: bool,
    /// Standard output.
    pub(crate) stdout: Stream,
    /// Standard error.
    pub(crate) stderr: Stream,
}

/// One stream of a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stream {
    /// The first bytes; everything, when nothing was cut.
    pub(crate) head: Vec<u8>,
    /// The last bytes, when something was cut.
    pub(crate) tail: Vec<u8>,
    /// How many bytes the stream had; `None` when its file is gone or cannot be read.
    pub(crate) total: Option<u64>,
    /// The file in the sandbox that holds everything, when something was cut.
    pub(crate) spill: Option<String>,
}

/// An answer without a whole frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameError {
    /// No frame begins.
    Missing,
    /// A frame begins and does not end.
    Truncated,
    /// A frame that does not follow the rules.
    Garbled,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the answer holds no report of the command",
            Self::Truncated => "the report of the command is cut off",
            Self::Garbled => "the report of the command cannot be read",
        })
    }
}

impl std::error::Error for FrameError {}

/// Reads the report of the script with that nonce. What precedes it (a shell's notices, a login
/// banner) and what follows is ignored.
pub(crate) fn parse(result: &str, nonce: &str) -> Result<Report, FrameError> {
    let mut start = None;
    for (at, _) in result.match_indices(nonce) {
        let line_start = result
            .get(..at)
            .is_some_and(|s| s.is_empty() || s.ends_with('\n'));
        let rest = result
            .get(at + nonce.len()..)
            .and_then(|s| s.strip_prefix(' '));
        if let (true, Some(rest)) = (line_start, rest) {
            start = Some(rest);
            break;
        }
    }
    let text = start.ok_or(FrameError::Missing)?;
    // The last line counts only with its line end: without, it may be cut.
    let text = text
        .get(..=text.rfind('\n').ok_or(FrameError::Truncated)?)
        .unwrap_or_default();
    let mut lines = text.lines();
    let first = lines.next().ok_or(FrameError::Truncated)?;
    let mut words = first.split(' ');
    match words.next() {
        Some("fail") => {
            let refusal = match words.next() {
                Some("nocwd") => Refusal::NoDirectory,
                Some("notdir") => Refusal::NotADirectory,
                Some("denied") => Refusal::DirectoryDenied,
                Some("spill") => Refusal::NoSpill,
                Some("stdin") => Refusal::Stdin,
                _ => return Err(FrameError::Garbled),
            };
            end(&mut lines, nonce)?;
            Ok(Report::Refused(refusal))
        }
        Some("ok") => {
            let status: i32 = number(words.next())?;
            let timer: i32 = number(words.next())?;
            let mut stdout = stream(&mut lines, "o")?;
            let mut stderr = stream(&mut lines, "e")?;
            let kept = end(&mut lines, nonce)?;
            if let Some((streams, prefix)) = kept.and_then(|kept| kept.split_once(' ')) {
                if streams.contains('o') {
                    stdout.spill = Some(format!("{prefix}.o"));
                }
                if streams.contains('e') {
                    stderr.spill = Some(format!("{prefix}.e"));
                }
            }
            // The timer may strike at the moment the command ends by itself.
            let died = status == 128 + 9;
            let (timed_out, killed) = (timer == 7 && died, timer == 8 && died);
            Ok(Report::Ran(Ran {
                status,
                timed_out,
                killed,
                stdout,
                stderr,
            }))
        }
        _ => Err(FrameError::Garbled),
    }
}

fn number<T: std::str::FromStr>(word: Option<&str>) -> Result<T, FrameError> {
    word.and_then(|word| word.parse().ok())
        .ok_or(FrameError::Garbled)
}

/// The last line: the kept streams and the path they begin with, if any.
fn end<'a>(lines: &mut Lines<'a>, nonce: &str) -> Result<Option<&'a str>, FrameError> {
    let line = lines.next().ok_or(FrameError::Truncated)?;
    let rest = line
        .strip_prefix(nonce)
        .and_then(|line| line.strip_prefix(" end"));
    rest.map(|rest| rest.strip_prefix(' ').filter(|rest| !rest.is_empty()))
        .ok_or(FrameError::Garbled)
}

fn stream(lines: &mut Lines<'_>, tag: &str) -> Result<Stream, FrameError> {
    let line = lines.next().ok_or(FrameError::Truncated)?;
    let mut words = line.split(' ');
    let mut next = || words.next().ok_or(FrameError::Garbled);
    if next()? != tag {
        return Err(FrameError::Garbled);
    }
    let total = next()?;
    let hex = match next()? {
        "x" => true,
        "b" => false,
        _ => return Err(FrameError::Garbled),
    };
    let split = match next()? {
        "w" => false,
        "s" => true,
        _ => return Err(FrameError::Garbled),
    };
    let head = block(lines, hex)?;
    let tail = if split {
        block(lines, hex)?
    } else {
        Vec::new()
    };
    let got = (head.len() as u64).saturating_add(tail.len() as u64);
    let total = match total {
        "-" => Some(got),
        "?" => None,
        total => Some(number(Some(total))?),
    };
    // A whole stream must be whole: an encoder that failed half-way is not silence.
    if total.is_some_and(|total| if split { total < got } else { total != got }) {
        return Err(FrameError::Garbled);
    }
    Ok(Stream {
        head,
        tail,
        total,
        spill: None,
    })
}

/// Encoded lines up to a line with a single dot.
pub(super) fn block(lines: &mut Lines<'_>, hex: bool) -> Result<Vec<u8>, FrameError> {
    let mut out = Vec::new();
    let mut text = String::new();
    for line in lines {
        if line == "." {
            if !hex {
                STANDARD
                    .decode_vec(&text, &mut out)
                    .map_err(|_| FrameError::Garbled)?;
            }
            return Ok(out);
        }
        if hex {
            for pair in line.split_ascii_whitespace() {
                let byte = (pair.len() == 2)
                    .then(|| u8::from_str_radix(pair, 16).ok())
                    .flatten();
                out.push(byte.ok_or(FrameError::Garbled)?);
            }
        } else {
            text.push_str(line.trim_end());
        }
    }
    Err(FrameError::Truncated)
}
