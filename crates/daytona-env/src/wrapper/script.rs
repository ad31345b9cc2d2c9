//! Building the script.

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use super::quote;

/// How much longer the server's own limit is than the command's: time for the frame.
const GRACE: Duration = Duration::from_secs(10);
/// The longest limit that fits the wire, where it is an unsigned 32-bit number of seconds.
const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);
/// Output up to this size is sent by one process per stream.
const SMALL: u64 = 4096;

static RUN: LazyLock<String> = LazyLock::new(|| strip(include_str!("run.sh")));
static FEED: LazyLock<String> = LazyLock::new(|| strip(include_str!("feed.sh")));
static TIMER: LazyLock<String> = LazyLock::new(|| strip(include_str!("timer.sh")));
pub(super) static DIRS: LazyLock<String> = LazyLock::new(|| strip(include_str!("dirs.sh")));
static TELL: LazyLock<String> = LazyLock::new(|| strip(include_str!("tell.sh")));
static KEEP: LazyLock<String> = LazyLock::new(|| strip(include_str!("keep.sh")));
static JOIN: LazyLock<String> = LazyLock::new(|| strip(include_str!("join.sh")));

/// What to run.
#[derive(Debug)]
pub(crate) struct Command<'a> {
    /// The program and its arguments, none of them seen by the shell as syntax. Not empty, and
    /// without NUL: checked before.
    pub(crate) argv: &'a [String],
    /// The working directory, absolute.
    pub(crate) cwd: Option<&'a str>,
    /// The command's input.
    pub(crate) stdin: Stdin<'a>,
    /// The limit; `None` means no timer.
    pub(crate) timeout: Option<Duration>,
    /// At most so many bytes of the begin of each stream.
    pub(crate) head: u64,
    /// At most so many bytes of the end of each stream.
    pub(crate) tail: u64,
    /// Whether what it wrote, and the frame, stay in the sandbox until they are [removed](super::clean).
    pub(crate) keep: bool,
}

/// A command's input.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stdin<'a> {
    /// At its end from the start.
    Closed,
    /// These bytes, sent within the script: a shell reads its script byte by byte, so this is for
    /// small ones.
    Bytes(&'a [u8]),
    /// A file of the sandbox, removed by the script.
    File(&'a str),
    /// What comes in files of this name and a dot and a number, from 0, each put there whole; and its end once there is
    /// one with `.end`. The script removes what it has read, and in the end what is left.
    Pieces(&'a str),
}

/// A script to send once.
pub(crate) struct Script {
    /// The text for the shell's standard input.
    pub(crate) text: String,
    /// What the frame begins with.
    pub(crate) nonce: String,
    /// The limit for the server, in whole seconds.
    pub(crate) server_timeout: Option<Duration>,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The text holds arguments and input, which may be secrets.
        f.debug_struct("Script")
            .field("length", &self.text.len())
            .field("server_timeout", &self.server_timeout)
            .finish_non_exhaustive()
    }
}

impl Script {
    /// Builds the script. `nonce` and `marker` are unguessable texts of ASCII letters and digits;
    /// the command sees the marker and never the nonce.
    pub(crate) fn new(command: &Command<'_>, nonce: &str, marker: &str) -> Self {
        let limit = command.head.saturating_add(command.tail);
        let small = SMALL.min(limit.saturating_add(1));
        // Two digits and a separator a byte, the last separator perhaps missing.
        let small_hex = (3 * small).saturating_sub(1);
        let mark = format!("_DENV_MARK={marker}");
        let timer = command.timeout.map_or_else(String::new, |timeout| {
            let seconds = seconds(timeout);
            let ceil = ceil(timeout).as_secs().to_string();
            render(&TIMER, |name, out| match name {
                "MARK" => out.push_str(&mark),
                "SECS" => out.push_str(&seconds),
                "CEIL" => out.push_str(&ceil),
                _ => {}
            })
        });
        let mut files = String::new();
        match command.stdin {
            Stdin::File(path) => quote::push_word(&mut files, path),
            Stdin::Pieces(path) => {
                quote::push_word(&mut files, path);
                files.push_str(".*");
            }
            Stdin::Closed | Stdin::Bytes(_) => {}
        }
        let tell = if command.keep { &KEEP } else { &TELL };
        let tell = render(tell, |name, out| match name {
            "NONCE" => out.push_str(nonce),
            "FILES" => out.push_str(&files),
            _ => {}
        });
        let text = render(&RUN, |name, out| match name {
            "NONCE" => out.push_str(nonce),
            "DIRS" => out.push_str(&DIRS),
            "TELL" => out.push_str(&tell),
            "MARK" => out.push_str(&mark),
            "CWD" => push_cwd(out, command.cwd),
            "STDIN" => push_stdin(out, command.stdin),
            "TIMER" => out.push_str(&timer),
            "EXEC" => push_exec(out, command.argv),
            "JOIN" if command.timeout.is_some() => out.push_str(&JOIN),
            // It may wait for more.
            "FED" if matches!(command.stdin, Stdin::Pieces(_)) => {
                out.push_str("kill -KILL $_Du\nwait $_Du\n");
            }
            "SMALL" => push_number(out, small),
            "SMALLHEX" => push_number(out, small_hex),
            "LIMIT" => push_number(out, limit),
            "HEAD" => push_number(out, command.head),
            "TAIL" => push_number(out, command.tail),
            _ => {}
        });
        let server_timeout = command
            .timeout
            .map(|timeout| ceil(timeout).saturating_add(GRACE).min(LONGEST));
        Self {
            text,
            nonce: nonce.to_owned(),
            server_timeout,
        }
    }
}

fn push_number(out: &mut String, number: u64) {
    // Writing to a String cannot fail; shells compute in i64.
    let _ = write!(out, "{}", number.min(i64::MAX as u64));
}

fn push_cwd(out: &mut String, cwd: Option<&str>) {
    let Some(cwd) = cwd else { return };
    let dir = quote::word(cwd);
    let _ = writeln!(
        out,
        "cd -- {dir} || {{ [ -e {dir} ] || _Dw nocwd; [ -d {dir} ] || _Dw notdir; _Dw denied; }}"
    );
}

fn push_stdin(out: &mut String, stdin: Stdin<'_>) {
    match stdin {
        Stdin::Closed | Stdin::Bytes([]) => {}
        Stdin::Bytes(bytes) => {
            out.push_str("_Di=$_Df.i\n{\n");
            quote::push_printf(out, bytes);
            out.push_str("} >\"$_Di\" || { rm -f \"$_Df\".[oei]; _Dw stdin; }\n");
        }
        Stdin::Pieces(path) => {
            let path = quote::word(path);
            out.push_str(&render(&FEED, |name, out| {
                if name == "PIECES" {
                    out.push_str(&path);
                }
            }));
        }
        Stdin::File(path) => {
            let path = quote::word(path);
            let _ = writeln!(
                out,
                "_Di={path}\n[ -r \"$_Di\" ] || {{ rm -f \"$_Df\".[oei]; _Dw stdin; }}"
            );
        }
    }
}

fn push_exec(out: &mut String, argv: &[String]) {
    let program = argv.first().map_or("", String::as_str);
    let mut name = String::new();
    // Shells differ in whether `exec` takes this as an option of its own.
    let option = program.starts_with('-');
    if option && program.contains('/') {
        name.push_str("./");
    }
    quote::push_word(&mut name, program);
    // In our words: a shell's name its own script and a line of it, which is none of the command's.
    let missing = format!("{{ printf '%s: not found\\n' {name} >&2; exit 127; }}");
    if option && !program.contains('/') {
        out.push_str(&missing);
        return;
    }
    let (look, end) = if program.contains('/') {
        ("[ -e ", " ]")
    } else {
        ("command -v ", " >/dev/null")
    };
    let _ = write!(out, "{look}{name}{end} || {missing}\nexec {name}");
    for word in argv.iter().skip(1) {
        out.push(' ');
        quote::push_word(out, word);
    }
}

/// Seconds for `sleep`, with a fraction only where there is one.
fn seconds(timeout: Duration) -> String {
    let (whole, millis) = (
        timeout.as_secs(),
        timeout.subsec_nanos().div_ceil(1_000_000),
    );
    match millis {
        0 => whole.to_string(),
        1000 => whole.saturating_add(1).to_string(),
        millis => format!("{whole}.{millis:03}"),
    }
}

/// Rounded up to whole seconds, never to 0, which would mean no limit on the wire.
fn ceil(timeout: Duration) -> Duration {
    let up = u64::from(timeout.subsec_nanos() > 0);
    Duration::from_secs(timeout.as_secs().saturating_add(up).max(1))
}

/// The script without comments and indentation: a shell reads it byte by byte.
pub(super) fn strip(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    for line in source.lines().map(str::trim_start) {
        if !line.is_empty() && !line.starts_with('#') {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// Fills the `@NAMES@` of `template` in one pass: what is filled in is never looked at again.
pub(super) fn render(template: &str, mut fill: impl FnMut(&str, &mut String)) -> String {
    let mut out = String::with_capacity(template.len() + 512);
    for (i, piece) in template.split('@').enumerate() {
        if i % 2 == 0 {
            out.push_str(piece);
        } else {
            fill(piece, &mut out);
        }
    }
    out
}
