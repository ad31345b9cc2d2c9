//! Values of arguments. A message never repeats a value that may be secret.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use context_vars::Secret;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A name and its value, which may be secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    pub(crate) value: Secret,
}

/// An environment variable and the variable that its value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) name: String,
    pub(crate) variable: String,
}

/// What to copy, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transfer {
    pub(crate) from: String,
    pub(crate) to: Option<String>,
}

/// How a value is read that must not be repeated where it is refused, as clap does.
#[derive(Clone)]
pub(crate) struct Unshown<T> {
    flag: &'static str,
    parse: fn(&str) -> Result<T, String>,
}

/// `K=V` where K is a name for an environment variable.
pub(crate) const ENV: Unshown<Assignment> = Unshown {
    flag: "--env",
    parse: |text| assignment(text, check_env_name),
};

/// `K=V` where K is the name of a variable.
pub(crate) const VAR: Unshown<Assignment> = Unshown {
    flag: "--var",
    parse: |text| assignment(text, check_variable),
};

/// `K=VARIABLE`, in whose place a value is easily given.
pub(crate) const ENV_VAR: Unshown<Reference> = Unshown {
    flag: "--env-var",
    parse: reference,
};

/// The name of a tenant.
pub(crate) const SCOPE: Unshown<String> = Unshown {
    flag: "--scope",
    parse: name,
};

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Unshown<T> {
    type Value = T;

    fn parse_ref(
        &self,
        cmd: &clap::Command,
        _arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        let text = value.to_str().ok_or_else(|| "it is not UTF-8".to_owned());
        text.and_then(self.parse).map_err(|message| {
            let message = format!("{}: {message}\n", self.flag);
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(cmd)
        })
    }
}

fn assignment(text: &str, check: fn(&str) -> Result<(), String>) -> Result<Assignment, String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("it takes K=V, and there is no `=` in what was given")?;
    check(name)?;
    Ok(Assignment {
        name: name.to_owned(),
        value: Secret::new(value),
    })
}

fn reference(text: &str) -> Result<Reference, String> {
    let (name, variable) = text.split_once('=').ok_or("it takes K=VARIABLE")?;
    check_env_name(name)?;
    check_variable(variable)?;
    Ok(Reference {
        name: name.to_owned(),
        variable: variable.to_owned(),
    })
}

fn check_env_name(name: &str) -> Result<(), String> {
    let mut bytes = name.bytes();
    let starts = bytes
        .next()
        .is_some_and(|b| b == b'_' || b.is_ascii_alphabetic());
    if starts && bytes.all(|b| b == b'_' || b.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err("a name for an environment variable has letters, digits and `_`, and does not start with a digit".to_owned())
}

fn check_variable(name: &str) -> Result<(), String> {
    if name.is_empty() || name.contains(|c: char| c == '=' || c.is_whitespace() || c.is_control()) {
        return Err("a name for a variable is not empty and has no blank and no `=`".to_owned());
    }
    Ok(())
}

/// An image, a snapshot or a namespace.
pub(crate) fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("it holds a line break or another control character".to_owned());
    }
    Ok(text.to_owned())
}

/// A directory of the sandbox.
pub(crate) fn workdir(text: &str) -> Result<String, String> {
    if !text.starts_with('/') {
        return Err("it must be an absolute path in the sandbox".to_owned());
    }
    name(text)
}

/// `30`, `30s`, `1.5s`, `5m` or `1h`: more than zero, at most a day.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "it takes seconds, or a number with s, m or h: 30, 30s, 5m, 1h".to_owned();
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(number) => (number, text.get(number.len()..).unwrap_or_default()),
        None => (text, "s"),
    };
    if !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(wrong());
    }
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let seconds = number
        * match unit {
            "m" => 60.0,
            "h" => 3600.0,
            _ => 1.0,
        };
    let duration = Duration::try_from_secs_f64(seconds)
        .map_err(|_| "it must be at most 24 hours".to_owned())?;
    if duration < Duration::from_millis(1) {
        return Err("it must be more than zero".to_owned());
    }
    if duration > DAY {
        return Err("it must be at most 24 hours".to_owned());
    }
    Ok(duration)
}

/// The one address that the embedded server listens on.
pub(crate) fn loopback(text: &str) -> Result<String, String> {
    match text {
        "127.0.0.1" | "localhost" => Ok(text.to_owned()),
        _ => Err(
            "it listens on 127.0.0.1 alone: whoever reaches it can run commands on this machine"
                .to_owned(),
        ),
    }
}

/// How much faster than real time.
pub(crate) fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (1.0..=10_000.0).contains(&speed) => Ok(speed),
        _ => Err("it takes a number from 1 to 10000".to_owned()),
    }
}

/// A path of this machine; the part after the last `:` is where to, unless a file has all of it as its name.
pub(crate) fn upload(text: &str) -> Result<Transfer, String> {
    let parts = text.rsplit_once(':').filter(|_| !Path::new(text).exists());
    transfer(text, parts)
}

/// A path of the sandbox; the part after the last `:` is where to.
pub(crate) fn download(text: &str) -> Result<Transfer, String> {
    transfer(text, text.rsplit_once(':'))
}

fn transfer(text: &str, parts: Option<(&str, &str)>) -> Result<Transfer, String> {
    let (from, to) = match parts {
        Some((from, to)) => (from, Some(to)),
        None => (text, None),
    };
    if from.is_empty() || to.is_some_and(str::is_empty) {
        return Err("it takes PATH or PATH:DEST".to_owned());
    }
    Ok(Transfer {
        from: from.to_owned(),
        to: to.map(str::to_owned),
    })
}

impl Transfer {
    pub(crate) fn source(&self) -> PathBuf {
        PathBuf::from(&self.from)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[test]
    fn durations() {
        let millis = |text| duration(text).map(|d| d.as_millis());
        assert_eq!(millis("30"), Ok(30_000));
        assert_eq!(millis("1.5s"), Ok(1_500));
        assert_eq!(millis("5m"), Ok(300_000));
        assert_eq!(millis("24h"), Ok(86_400_000));
        for bad in [
            "",
            "s",
            "0",
            "0.0",
            "-1",
            "1d",
            "1 s",
            "1e3",
            "nan",
            "inf",
            "25h",
            "99999999999999999999h",
            "1.2.3",
        ] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }

    fn taken<T: Clone + Send + Sync + 'static>(of: &Unshown<T>, text: &OsStr) -> Result<T, String> {
        let taken = of.parse_ref(&clap::Command::new("run"), None, text);
        taken.map_err(|error| error.to_string())
    }

    #[test]
    fn no_refusal_holds_what_was_given() {
        let not_text = OsStr::from_bytes(b"A=canary\xff");
        for bad in [
            "canary",
            "=canary",
            "1A=canary",
            "A-B=canary",
            "canary canary=x",
        ] {
            let message = taken(&ENV, OsStr::new(bad)).unwrap_err();
            assert!(message.contains("--env: "), "{message}");
            assert!(!message.contains("canary"), "{message}");
        }
        for message in [
            taken(&ENV, not_text).unwrap_err(),
            taken(&VAR, OsStr::new("canary canary=x")).unwrap_err(),
            taken(&VAR, not_text).unwrap_err(),
            taken(&ENV_VAR, OsStr::new("A=canary canary")).unwrap_err(),
            taken(&ENV_VAR, OsStr::new("canary")).unwrap_err(),
            taken(&SCOPE, OsStr::new("canary\n")).unwrap_err(),
            taken(&SCOPE, not_text).unwrap_err(),
        ] {
            assert!(!message.contains("canary"), "{message}");
        }
        let good = taken(&ENV, OsStr::new("A=b=c")).unwrap();
        assert_eq!((good.name.as_str(), good.value.expose()), ("A", "b=c"));
        assert!(!format!("{good:?}").contains("b=c"));
    }

    #[test]
    fn transfers() {
        let to = |t: Result<Transfer, String>| t.map(|t| (t.from, t.to));
        assert_eq!(to(download("a/b")), Ok(("a/b".into(), None)));
        assert_eq!(to(download("a/b:c")), Ok(("a/b".into(), Some("c".into()))));
        assert!(download(":c").is_err() && download("a:").is_err());
        assert_eq!(
            to(upload("no-such/x:y")),
            Ok(("no-such/x".into(), Some("y".into())))
        );
    }

    #[test]
    fn speeds() {
        assert!(speed("60").is_ok() && speed("1.5").is_ok());
        assert!(
            ["0", "-1", "x", "nan", "inf", "1e9"]
                .iter()
                .all(|bad| speed(bad).is_err())
        );
    }
}
