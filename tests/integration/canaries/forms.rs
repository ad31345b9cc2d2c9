//! Secrets that are told apart from anything else, in every form that a leak may have.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// A secret, by the place where it is given.
#[derive(Debug)]
pub(crate) struct Canaries {
    pub(crate) key: String,
    pub(crate) env: String,
    pub(crate) env_variable: String,
    pub(crate) variable: String,
    pub(crate) scope: String,
    /// What a fleet has in common; never sent.
    pub(crate) fleet: String,
    /// What goes into a command.
    pub(crate) input: String,
    /// What is in a file.
    pub(crate) file: String,
    /// How each may show, by its name.
    forms: Vec<(&'static str, Form)>,
}

impl Canaries {
    /// Each holds what a quoting, escaping or encoding changes. The key may hold no more than a header can.
    pub(crate) fn new() -> Self {
        let canaries = Self {
            key: "dtn_4d0fa9e17c55\"6b\\e2/91+0d&a7=3c".to_owned(),
            env: "env_8c21f04d77ab\"9e\\03/é d5\u{9}b+6a&1f=e8".to_owned(),
            env_variable: "evr_51b7c6e82af0\"49\\d3/ü 1b\u{9}7+c5&20=9d".to_owned(),
            variable: "var_90ad3f5ce81b\"76\\4c/ß 2e\u{9}8+f1&5d=03".to_owned(),
            scope: "scp_e6b081d45f9a\"32\\c7/ø 0f\u{9}4+b8&e1=6a".to_owned(),
            fleet: "flt_1c94a7d3e06b\"58\\f2/å 9d\u{9}3+e4&7c=b0".to_owned(),
            input: "inp_7e2d90b6c4f1\"0a\\85/î d3\u{9}6+4f&b9=1c".to_owned(),
            file: "fil_b3f8162ae7d9\"c4\\5e/ñ 70\u{9}8+a2&d6=f5".to_owned(),
            forms: Vec::new(),
        };
        let each = canaries.each().into_iter();
        let forms = each.flat_map(|(name, secret)| forms(secret).map(move |form| (name, form)));
        Self {
            forms: forms.collect(),
            ..canaries
        }
    }

    fn each(&self) -> [(&'static str, &str); 8] {
        [
            ("key", &self.key),
            ("env", &self.env),
            ("env by variable", &self.env_variable),
            ("variable", &self.variable),
            ("scope", &self.scope),
            ("fleet key", &self.fleet),
            ("input", &self.input),
            ("file", &self.file),
        ]
    }

    /// Which canaries a text shows, and in which form.
    pub(crate) fn hits(&self, text: &str) -> Vec<(&'static str, &'static str)> {
        let lower = text.to_lowercase();
        let seen = |form: &Form| match form.case_matters {
            true => text.contains(&form.text),
            false => lower.contains(&form.text),
        };
        let hits = self.forms.iter().filter(|(_, form)| seen(form));
        hits.map(|(name, form)| (*name, form.name)).collect()
    }

    /// The canaries, by name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.each().into_iter()
    }
}

#[derive(Debug)]
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
    let canaries = Canaries::new();
    for (name, secret) in canaries.each() {
        for form in forms(secret) {
            let text = format!("before {}after", form.text);
            let wanted = (name, form.name);
            assert!(canaries.hits(&text).contains(&wanted), "{wanted:?}");
        }
        // within a longer text that is encoded as a whole
        for before in ["", "a", "ab"] {
            let encoded = STANDARD.encode(format!("{before}{secret}after"));
            let wanted = (name, "base64");
            assert!(canaries.hits(&encoded).contains(&wanted), "{wanted:?}");
        }
    }
    assert_eq!(canaries.hits("nothing"), []);
}
