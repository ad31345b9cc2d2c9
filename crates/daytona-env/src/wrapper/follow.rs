//! Looking at a command that runs: what it wrote since, its end, and the asking for it.

use std::fmt;
use std::sync::LazyLock;

use super::frame::{FrameError, block};
use super::script::{DIRS, render, strip};

static LOOK: LazyLock<String> = LazyLock::new(|| strip(include_str!("look.sh")));
static POLL: LazyLock<String> = LazyLock::new(|| strip(include_str!("poll.sh")));
static KILL: LazyLock<String> = LazyLock::new(|| strip(include_str!("kill.sh")));
static CLEAN: LazyLock<String> = LazyLock::new(|| strip(include_str!("clean.sh")));

/// How a command stands, as its files tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing is there: it has not begun, or all is removed.
    None,
    /// It runs.
    Running,
    /// It has ended and left its frame.
    Done,
    /// Its shell is gone and has left no frame.
    Dead,
}

impl State {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "none" => Self::None,
            "run" => Self::Running,
            "done" => Self::Done,
            "dead" => Self::Dead,
            _ => return None,
        })
    }
}

/// A look at a command that was sent with this nonce.
pub(crate) struct Poll<'a> {
    pub(crate) nonce: &'a str,
    /// How much of each stream is known.
    pub(crate) stdout: u64,
    pub(crate) stderr: u64,
    /// At most so many bytes of each stream.
    pub(crate) piece: u64,
    /// How often it looks again while there is nothing new: 10 ticks are half a second, 30 are 4.5 s, each further
    /// one is another half.
    pub(crate) ticks: u32,
    /// Whether the frame is wanted once it is there.
    pub(crate) frame: bool,
}

/// What a look saw.
#[derive(PartialEq, Eq)]
pub(crate) struct Polled {
    pub(crate) state: State,
    /// What follows on what is known.
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// The text with the frame; empty unless wanted and there.
    pub(crate) frame: String,
}

impl Poll<'_> {
    pub(crate) fn script(&self) -> String {
        script(&POLL, self.nonce, |name| {
            Some(match name {
                "OUT" => self.stdout,
                "ERR" => self.stderr,
                "PIECE" => self.piece,
                "TICKS" => u64::from(self.ticks),
                "WANTED" => u64::from(self.frame),
                _ => return None,
            })
            .map(|number| number.min(i64::MAX as u64).to_string())
        })
    }

    pub(crate) fn parse(&self, result: &str) -> Result<Polled, FrameError> {
        let (first, rest) = framed(result, self.nonce)?;
        let mut words = first.split(' ');
        let state = words.next().and_then(State::of);
        let (_, _, code) = (words.next(), words.next(), words.next());
        let hex = match code {
            Some("b") => false,
            Some("x") => true,
            _ => return Err(FrameError::Garbled),
        };
        let mut lines = rest.lines();
        let stdout = block(&mut lines, hex)?;
        let stderr = block(&mut lines, hex)?;
        let frame = block(&mut lines, hex)?;
        let end = lines.next().and_then(|line| line.strip_prefix(self.nonce));
        if end != Some(" end") {
            return Err(FrameError::Truncated);
        }
        Ok(Polled {
            state: state.ok_or(FrameError::Garbled)?,
            stdout,
            stderr,
            frame: String::from_utf8(frame).map_err(|_| FrameError::Garbled)?,
        })
    }
}

impl fmt::Debug for Polled {
    /// A command may print a secret: it shows the sizes only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Polled")
            .field("state", &self.state)
            .field("stdout", &self.stdout.len())
            .field("stderr", &self.stderr.len())
            .field("frame", &self.frame.len())
            .finish()
    }
}

/// What came of a kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Killed {
    /// It was alive, and is dead with all that it started.
    Now,
    /// It had ended.
    Before,
    /// It was not seen: it has not begun, or has ended and is cleaned up.
    Unseen,
}

/// The script that ends a command before its limit. Waits `ticks` of 50 ms for one that is just on its way.
pub(crate) fn kill(nonce: &str, ticks: u32) -> String {
    script(&KILL, nonce, |name| {
        (name == "TICKS").then(|| ticks.to_string())
    })
}

pub(crate) fn parse_kill(result: &str, nonce: &str) -> Result<Killed, FrameError> {
    let (first, _) = framed(result, nonce)?;
    match first {
        "killed" => Ok(Killed::Now),
        "run" | "done" | "dead" => Ok(Killed::Before),
        "none" => Ok(Killed::Unseen),
        _ => Err(FrameError::Garbled),
    }
}

/// The script that removes what a command that was to keep its files left, but for the streams that are to stay.
pub(crate) fn clean(nonce: &str, stdout_stays: bool, stderr_stays: bool) -> String {
    let mut files = String::new();
    if !stdout_stays {
        files.push_str("rm -f \"$_Df.o\"\n");
    }
    if !stderr_stays {
        files.push_str("rm -f \"$_Df.e\"\n");
    }
    script(&CLEAN, nonce, |name| {
        (name == "FILES").then(|| files.clone())
    })
}

fn script(template: &str, nonce: &str, fill: impl Fn(&str) -> Option<String>) -> String {
    let with_nonce = |template: &str| {
        render(template, |name, out| {
            if name == "NONCE" {
                out.push_str(nonce);
            }
        })
    };
    let look = with_nonce(&LOOK);
    render(template, |name, out| match name {
        "NONCE" => out.push_str(nonce),
        "DIRS" => out.push_str(&DIRS),
        "LOOK" => out.push_str(&look),
        name => out.push_str(&fill(name).unwrap_or_default()),
    })
}

/// The rest of the line that begins with the nonce, and what follows it.
fn framed<'r>(result: &'r str, nonce: &str) -> Result<(&'r str, &'r str), FrameError> {
    let begin = format!("\n{nonce} ");
    let (_, rest) = result.split_once(&begin).ok_or(FrameError::Missing)?;
    // The last line counts only with its line end: without, it may be cut.
    rest.split_once('\n').ok_or(FrameError::Truncated)
}
