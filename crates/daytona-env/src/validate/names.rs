//! Credentials, environment variables and plain names.

use super::Invalid;

/// A credential travels in a header: visible ASCII and not empty.
pub(crate) fn check_credential(parameter: &str, secret: &str) -> Result<(), Invalid> {
    if secret.trim().is_empty() {
        return Err(Invalid::new(format!(
            "`{parameter}` is empty; an empty credential is never replaced by one of the host's, so give the tenant's own"
        )));
    }
    if !secret.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Invalid::new(format!(
            "`{parameter}` holds a blank, a control character or a character outside ASCII, which no Daytona \
             credential does; check for a stray line break"
        )));
    }
    Ok(())
}

/// Names as every POSIX shell takes them; values without NUL, which no process environment can hold.
pub(crate) fn check_env(name: &str, value: &str) -> Result<(), Invalid> {
    let mut bytes = name.bytes();
    let starts = bytes
        .next()
        .is_some_and(|b| b == b'_' || b.is_ascii_alphabetic());
    if !starts || !bytes.all(|b| b == b'_' || b.is_ascii_alphanumeric()) {
        return Err(Invalid::new(format!(
            "`env_vars`: {name:?} is not a name for an environment variable; use letters, digits and `_`, not starting \
             with a digit"
        )));
    }
    if value.contains('\0') {
        return Err(Invalid::new(format!(
            "`env_vars`: the value of {name:?} holds a NUL byte; remove it"
        )));
    }
    Ok(())
}

/// A snapshot or a target: not empty, one line.
pub(crate) fn check_plain(parameter: &str, value: &str) -> Result<(), Invalid> {
    if value.is_empty() {
        return Err(Invalid::new(format!(
            "`{parameter}` is empty; leave it out to use the server's default"
        )));
    }
    if value.chars().any(char::is_control) {
        return Err(Invalid::new(format!(
            "`{parameter}` holds a line break or another control character; remove it"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_names() {
        for good in ["A", "_", "a1", "PYTHONPATH", "__X_9"] {
            assert!(check_env(good, "").is_ok(), "{good}");
        }
        for bad in ["", "1A", "A-B", "A=B", "A B", "É", "A\0", "A.B"] {
            assert!(check_env(bad, "").is_err(), "{bad:?}");
        }
    }

    #[test]
    fn no_message_holds_a_value() {
        let texts = [
            check_env("A", "canary\0").unwrap_err().to_string(),
            check_credential("api_key", "canary\n")
                .unwrap_err()
                .to_string(),
            check_credential("jwt", " \t").unwrap_err().to_string(),
        ];
        assert!(
            texts.iter().all(|text| !text.contains("canary")),
            "{texts:?}"
        );
        assert!(texts[1].contains("`api_key`") && texts[2].contains("`jwt`"));
    }

    #[test]
    fn plain_names() {
        assert!(check_plain("snapshot", "base:1 (new)").is_ok());
        assert!(check_plain("snapshot", "").is_err());
        assert!(check_plain("target", "eu\n").is_err());
    }
}
