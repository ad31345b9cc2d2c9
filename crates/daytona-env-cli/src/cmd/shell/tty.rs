//! The terminal of the person.

use std::io::{self, IsTerminal};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Whether a person may be there.
pub(super) fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Columns and rows; 80 by 24 where the terminal does not say.
pub(super) fn size() -> (u16, u16) {
    match tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            (size.ws_col.min(1000), size.ws_row.min(1000))
        }
        _ => (80, 24),
    }
}

/// Something each time the size has changed.
pub(super) fn resized() -> io::Result<Signal> {
    signal(SignalKind::window_change())
}

/// While it lives, each key goes to the shell as it is.
#[derive(Debug)]
pub(super) struct Raw(Termios);

impl Raw {
    pub(super) fn enter() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        // what was typed in the meantime is for the shell
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // what is typed but not read belongs to the shell that has ended
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
