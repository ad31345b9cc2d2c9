//! Labels of the user's own.

use super::Invalid;
use crate::labels::PREFIX;

const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 512;

/// A label is shown in dashboards and logs: short, one line, and not one of ours.
pub(crate) fn check_label(key: &str, value: &str) -> Result<(), Invalid> {
    if key.is_empty()
        || key.len() > MAX_KEY
        || key.chars().any(|c| c.is_control() || c.is_whitespace())
    {
        return Err(Invalid::new(format!(
            "`labels`: the key {key:?} must be 1 to {MAX_KEY} bytes without blanks or control characters"
        )));
    }
    if key.starts_with(PREFIX) {
        return Err(Invalid::new(format!(
            "`labels`: the key {key:?} starts with `{PREFIX}`, which is reserved for the labels that find our sandboxes"
        )));
    }
    if value.len() > MAX_VALUE || value.chars().any(char::is_control) {
        return Err(Invalid::new(format!(
            "`labels`: the value of {key:?} must be at most {MAX_VALUE} bytes without control characters"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        assert!(check_label("team", "").is_ok());
        assert!(check_label("code-toolbox-language", "python").is_ok());
        assert!(check_label("", "x").is_err());
        assert!(check_label("a b", "x").is_err());
        assert!(check_label("a", "x\n").is_err());
        assert!(check_label(&"k".repeat(129), "x").is_err());
        assert!(check_label("k", &"v".repeat(513)).is_err());
        insta::assert_snapshot!(
            check_label("daytona-env.managed", "0").unwrap_err(),
            @r#"`labels`: the key "daytona-env.managed" starts with `daytona-env.`, which is reserved for the labels that find our sandboxes"#
        );
    }
}
