//! Secrets that are told apart from anything else, in every form that a leak may have. The proofs over all crates
//! look for theirs with it, too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// What finds secrets in a text.
pub(crate) struct Search {
    /// How each may show, by its name.
    forms: Vec<(&'static str, Form)>,
}

impl Search {
    /// Looks for these, each by a name.
    pub(crate) fn new<'s>(secrets: impl IntoIterator<Item = (&'static str, &'s str)>) -> Self {
        let each = secrets.into_iter();
        let forms = each.flat_map(|(name, secret)| forms(secret).map(move |form| (name, form)));
        Self {
            forms: forms.collect(),
        }
    }

    /// Which of them a text shows, and in which form.
    pub(crate) fn hits(&self, text: &str) -> Vec<(&'static str, &'static str)> {
        let lower = text.to_lowercase();
        let seen = |form: &Form| match form.case_matters {
            true => text.contains(&form.text),
            false => lower.contains(&form.text),
        };
        let hits = self.forms.iter().filter(|(_, form)| seen(form));
        hits.map(|(name, form)| (*name, form.name)).collect()
    }

    /// Fails with each line, of any channel, that shows one of them.
    pub(crate) fn finds_nothing(&self, evidence: &BTreeMap<&'static str, Vec<String>>) {
        let mut found = Vec::new();
        for (channel, texts) in evidence {
            assert!(
                texts.iter().any(|text| text.len() > 40),
                "nothing to see in {channel}"
            );
            for line in texts.iter().flat_map(|text| text.lines()) {
                for (name, form) in self.hits(line) {
                    found.push(format!("{channel}: {name}, {form}: {line}"));
                }
            }
        }
        assert!(
            found.is_empty(),
            "{} leaks:\n{}",
            found.len(),
            found.join("\n")
        );
    }

    /// Fails unless each channel shows each of them: the control.
    pub(crate) fn finds_all(&self, evidence: &BTreeMap<&'static str, Vec<String>>) {
        let all: BTreeSet<_> = self.forms.iter().map(|(name, _)| *name).collect();
        for (channel, texts) in evidence {
            let hits = texts.iter().flat_map(|text| self.hits(text));
            let seen: BTreeSet<_> = hits.map(|(name, _)| name).collect();
            let missed: Vec<_> = all.difference(&seen).collect();
            assert!(
                missed.is_empty(),
                "planted in {channel} and not found: {missed:?}"
            );
        }
    }
}

struct Form {
    name: &'static str,
    /// In small letters where case does not matter.
    text: String,
    case_matters: bool,
}

fn forms(secret: &str) -> impl Iterator<Item = Form> + use<> {
    let form = |name, text: String, case_matters| Form {
        name,
        text: if case_matters {
            text
        } else {
            text.to_lowercase()
        },
        case_matters,
    };
    let mut forms = vec![
        form("raw", secret.to_owned(), false),
        form("cut", secret.chars().skip(4).take(12).collect(), false),
        form("JSON-escaped", json(secret), false),
        form(
            "twice JSON-escaped",
            json(&serde_json::Value::from(secret).to_string()),
            false,
        ),
        form("on one line", secret.replace(char::is_control, " "), false),
        form("Debug-escaped", inner(&format!("{secret:?}")), false),
        form("hex", hex(secret.as_bytes(), ""), false),
        form("URL-encoded", hex(secret.as_bytes(), "%"), false),
        form("URL-encoded where needed", url(secret), false),
        form("in a form", url(secret).replace("%20", "+"), false),
    ];
    // base64 of a text that holds the secret somewhere: three alignments, without the edges that neighbours change
    for skip in 0..3 {
        let middle = secret.as_bytes().get(skip..).unwrap_or_default();
        let middle = middle.get(..middle.len() / 3 * 3).unwrap_or_default();
        forms.push(form("base64", STANDARD.encode(middle), true));
        forms.push(form("URL-safe base64", URL_SAFE.encode(middle), true));
    }
    forms.into_iter()
}

fn inner(quoted: &str) -> String {
    let mut chars = quoted.chars();
    chars.next();
    chars.next_back();
    chars.collect()
}

fn json(secret: &str) -> String {
    inner(&serde_json::Value::from(secret).to_string())
}

fn hex(bytes: &[u8], before: &str) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{before}{byte:02x}");
        text
    })
}

fn url(secret: &str) -> String {
    secret.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[test]
fn every_form_is_seen_and_nothing_else() {
    let secrets = [
        ("plain", "dtn_4d0fa9e17c55\"6b\\e2/91+0d&a7=3c"),
        ("text", "env_8c21f04d77ab\"9e\\03/é d5\u{9}b+6a&1f=e8"),
    ];
    let search = Search::new(secrets);
    for (name, secret) in secrets {
        for form in forms(secret) {
            let text = format!("before {}after", form.text);
            let wanted = (name, form.name);
            assert!(search.hits(&text).contains(&wanted), "{wanted:?}");
        }
        // within a longer text that is encoded as a whole
        for before in ["", "a", "ab"] {
            let encoded = STANDARD.encode(format!("{before}{secret}after"));
            let wanted = (name, "base64");
            assert!(search.hits(&encoded).contains(&wanted), "{wanted:?}");
        }
    }
    assert_eq!(search.hits("nothing"), []);
}
