//! Takes secrets and control characters out of what a server says.

use zeroize::Zeroizing;

/// Texts shorter than this are not looked for: they would make every message unreadable and are no secrets.
const SHORTEST: usize = 4;

/// `text` without `secrets` and control characters, at most `limit` bytes long.
pub(crate) fn clean<'a>(
    text: &str,
    secrets: impl Iterator<Item = &'a str>,
    limit: usize,
) -> String {
    let mut text = Zeroizing::new(text.to_owned());
    let mut secrets: Vec<&str> = secrets.filter(|secret| secret.len() >= SHORTEST).collect();
    // a secret that contains another goes first
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in secrets {
        for form in forms(secret) {
            if text.contains(form.as_str()) {
                text = Zeroizing::new(text.replace(form.as_str(), "[redacted]"));
            }
        }
    }
    let text = Zeroizing::new(without_userinfo(&text));
    let mut out = String::new();
    for char in text.chars() {
        let char = if char.is_control() || is_bidi(char) {
            ' '
        } else {
            char
        };
        if out.len() + char.len_utf8() > limit {
            break;
        }
        out.push(char);
    }
    out.truncate(out.trim_end().len());
    out
}

/// Without the user and password of every URL.
fn without_userinfo(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<'))
            .unwrap_or(after.len());
        let (authority, behind) = after.split_at(end);
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                out.push_str("[redacted]@");
                out.push_str(host);
            }
            None => out.push_str(authority),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// As it is, as JSON would escape it, and as a URL would.
fn forms(secret: &str) -> Vec<Zeroizing<String>> {
    let mut forms = vec![Zeroizing::new(secret.to_owned())];
    if let Ok(json) = serde_json::to_string(secret) {
        forms.push(Zeroizing::new(json.trim_matches('"').to_owned()));
    }
    let url = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC);
    forms.push(Zeroizing::new(url.to_string()));
    forms
}

/// Marks that reorder text on a terminal.
fn is_bidi(char: char) -> bool {
    matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_controls_go_and_the_rest_stays() {
        let secrets = ["hunter2", "hunter22", "a\"b c", "x"];
        let text = "bad hunter22 and hunter2, a\\\"b c, a%22b%20c\u{1b}[31m\r\nx \u{202e}end";
        assert_eq!(
            clean(text, secrets.into_iter(), 1024),
            "bad [redacted] and [redacted], [redacted], [redacted] [31m  x  end"
        );
        assert_eq!(clean("äöü", std::iter::empty(), 5), "äö");
        let text = "git clone https://me:pw@x.test/a failed; see http://y.test/b@c, ftp://u@z";
        assert_eq!(
            clean(text, std::iter::empty(), 1024),
            "git clone https://[redacted]@x.test/a failed; see http://y.test/b@c, ftp://[redacted]@z"
        );
    }
}
