//! In which form a client gets the output of a session: that depends on its version.

use serde_json::{Value, json};

use crate::toolbox::socket;
use crate::web::Call;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One text without marks.
    Combined,
    /// One text with marks.
    Raw,
    /// Marks, and both streams by themselves.
    Split,
}

const VERSION: &str = "x-daytona-sdk-version";
const SPLIT: &str = "x-daytona-split-output";

impl Form {
    pub(super) fn of(call: &Call) -> Self {
        let header = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok());
        let offered = socket::offered(call);
        let told = offered
            .iter()
            .find_map(|name| name.strip_prefix("X-Daytona-SDK-Version~"));
        let split = header(SPLIT) == Some("true");
        match header(VERSION).or(told) {
            None if split => Self::Raw,
            None => Self::Combined,
            Some(version) => Self::of_version(version),
        }
    }

    fn of_version(version: &str) -> Self {
        if version.contains("dev") {
            return Self::Split;
        }
        let mut numbers = version
            .trim_start_matches('v')
            .split(['.', '-', '+'])
            .map(|number| number.parse().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if version < (0, 27) {
            Self::Combined
        } else if version < (0, 167) {
            Self::Raw
        } else {
            Self::Split
        }
    }

    /// As one text.
    pub(super) fn text(self, log: &[u8]) -> String {
        match self {
            Self::Combined => String::from_utf8_lossy(&parts(log, None)).into_owned(),
            Self::Raw | Self::Split => String::from_utf8_lossy(log).into_owned(),
        }
    }

    /// `output`, `stdout` and `stderr`, the last two null unless they are told apart.
    pub(super) fn members(self, log: &[u8]) -> Value {
        let part = |stream| match self {
            Self::Split => json!(String::from_utf8_lossy(&parts(log, Some(stream)))),
            Self::Combined | Self::Raw => Value::Null,
        };
        json!({ "output": self.text(log), "stdout": part(1), "stderr": part(2) })
    }
}

/// The lines of a log without their marks, all or those of one mark.
pub(super) fn parts(log: &[u8], only: Option<u8>) -> Vec<u8> {
    let mut out = Vec::with_capacity(log.len());
    for line in log.split_inclusive(|&byte| byte == b'\n') {
        match line {
            [1, 1, 1, rest @ ..] if only != Some(2) => out.extend_from_slice(rest),
            [2, 2, 2, rest @ ..] if only != Some(1) => out.extend_from_slice(rest),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_choose_the_form() {
        for (version, form) in [
            ("0.26.9", Form::Combined),
            ("0.27.0", Form::Raw),
            ("v0.166.0", Form::Raw),
            ("0.167.0", Form::Split),
            ("1.0", Form::Split),
            ("0.0.0-dev", Form::Split),
            ("nonsense", Form::Combined),
        ] {
            assert_eq!(Form::of_version(version), form, "{version}");
        }
    }

    #[test]
    fn marks_are_taken_out_at_the_beginning_of_lines() {
        let log = b"\x01\x01\x01a\x02\x02\x02\n\x02\x02\x02b\n";
        assert_eq!(parts(log, None), b"a\x02\x02\x02\nb\n");
        assert_eq!(parts(log, Some(1)), b"a\x02\x02\x02\n");
        assert_eq!(parts(log, Some(2)), b"b\n");
    }
}
