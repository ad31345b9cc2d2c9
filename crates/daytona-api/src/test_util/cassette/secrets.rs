//! Takes out of exchanges what nobody may read.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;
use zeroize::Zeroizing;

pub(super) const REDACTED: &str = "[redacted]";
/// Texts shorter than this are taken out only where a name says that they are secrets.
const SHORTEST: usize = 4;
/// A piece of base64 shorter than this may be anything.
const SHORTEST_BASE64: usize = 6;

/// Members whose values are secrets, or may hold some: names in lower case, without what is no letter.
const HOLDERS: &[&str] = &[
    "dockerfilecontent",
    "env",
    "envs",
    "experimentalconfig",
    "headers",
    "metadata",
    "payload",
    "sshcommand",
];
/// Parts of names that say so.
const SAYING: &[&str] = &[
    "accesskey",
    "apikey",
    "authkey",
    "authorization",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "signature",
    "signingkey",
    "token",
];
/// Names that only sound so.
const HARMLESS: &[&str] = &["nexttoken", "secretid", "secretname"];

/// The secrets that are known, and how they are written.
#[derive(Default)]
pub(super) struct Secrets {
    /// Longest first: a secret that contains another goes first.
    known: Vec<Secret>,
}

struct Secret {
    text: Zeroizing<String>,
    /// As it may be written, and what comes in its place.
    forms: Vec<(Zeroizing<String>, String)>,
}

impl Secret {
    fn new(text: &str) -> Self {
        let plain = forms(text).map(|form| (form, REDACTED.to_owned()));
        // zeros of the same length: what is around still decodes
        let coded = in_base64(text).map(|piece| {
            let zeros = "A".repeat(piece.len());
            (piece, zeros)
        });
        Self {
            text: Zeroizing::new(text.to_owned()),
            forms: plain.chain(coded).collect(),
        }
    }
}

fn says_secret(name: &str, operation: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = name.to_ascii_lowercase();
    let sensitive = operation.contains("Secret")
        || operation.contains("ApiKey")
        || operation.contains("Config");
    HOLDERS.contains(&name.as_str())
        || (SAYING.iter().any(|part| name.contains(part)) && !HARMLESS.contains(&name.as_str()))
        || (name == "value" && (sensitive || operation.contains("Accessibility")))
        || (name == "text" && operation.contains("Type"))
        || (name == "data" && operation.contains("Input"))
        || (name == "set" && operation.contains("Env"))
}

impl Secrets {
    pub(super) fn add(&mut self, text: &str) {
        let known = |one: &Secret| *one.text == text;
        if text.len() < SHORTEST || text == REDACTED || self.known.iter().any(known) {
            return;
        }
        let longer = |one: &Secret| one.text.len() >= text.len();
        let at = self.known.partition_point(longer);
        self.known.insert(at, Secret::new(text));
    }

    /// Learns what names in `value` say to be secret.
    pub(super) fn learn(&mut self, value: &Value, operation: &str) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match says_secret(name, operation) {
                        true => self.learn_all(value),
                        false => self.learn(value, operation),
                    }
                }
            }
            Value::Array(all) => all.iter().for_each(|value| self.learn(value, operation)),
            _ => {}
        }
    }

    fn learn_all(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add(text),
            Value::Array(all) => all.iter().for_each(|value| self.learn_all(value)),
            Value::Object(members) => members.values().for_each(|value| self.learn_all(value)),
            _ => {}
        }
    }

    /// Learns what names in the query of `url` say to be secret.
    pub(super) fn learn_url(&mut self, url: &str) {
        for pair in url
            .split_once('?')
            .map_or("", |(_, query)| query)
            .split('&')
        {
            if let Some((name, value)) = pair.split_once('=')
                && says_secret(name, "")
            {
                self.add(&percent_decode_str(value).decode_utf8_lossy());
            }
        }
    }

    pub(super) fn json(&self, value: &Value, operation: &str) -> Value {
        match value {
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| {
                    let value = match says_secret(name, operation) {
                        true => self.hide_all(value),
                        false => self.json(value, operation),
                    };
                    (self.text(name), value)
                });
                sorted(members)
            }
            Value::Array(all) => all
                .iter()
                .map(|value| self.json(value, operation))
                .collect(),
            Value::String(text) => Value::String(self.url(text)),
            other => other.clone(),
        }
    }

    fn hide_all(&self, value: &Value) -> Value {
        match value {
            Value::String(text) if text.is_empty() => Value::String(String::new()),
            Value::String(_) => Value::String(REDACTED.to_owned()),
            Value::Array(all) => all.iter().map(|value| self.hide_all(value)).collect(),
            Value::Object(members) => {
                let members = members
                    .iter()
                    .map(|(name, value)| (self.text(name), self.hide_all(value)));
                sorted(members)
            }
            other => other.clone(),
        }
    }

    /// A text that may be an address: what its query names as secret goes too, and user and password.
    pub(super) fn url(&self, text: &str) -> String {
        let text = self.text(text);
        let Some((before, after)) = text
            .split_once("://")
            .filter(|_| !text.contains(char::is_whitespace))
        else {
            return text;
        };
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (authority, rest) = after.split_at(end);
        let authority = match authority.rsplit_once('@') {
            Some((_, host)) => format!("{REDACTED}@{host}"),
            None => authority.to_owned(),
        };
        let rest = match rest.split_once('?') {
            Some((path, query)) => format!("{path}?{}", query_without(query)),
            None => rest.to_owned(),
        };
        format!("{before}://{authority}{rest}")
    }

    /// A text without the secrets that are known, in each way they may be written.
    pub(super) fn text(&self, text: &str) -> String {
        // what a client got from a cassette and sends back
        let mut text = text.replace("%5Bredacted%5D", REDACTED);
        for (form, with) in self.forms() {
            if text.contains(form) {
                text = text.replace(form, with);
            }
        }
        text
    }

    pub(super) fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for (form, with) in self.forms() {
            bytes = replaced(&bytes, form.as_bytes(), with.as_bytes());
        }
        bytes
    }

    fn forms(&self) -> impl Iterator<Item = (&str, &str)> {
        let forms = self.known.iter().flat_map(|one| &one.forms);
        forms.map(|(form, with)| (form.as_str(), with.as_str()))
    }
}

fn query_without(query: &str) -> String {
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, value)) if says_secret(name, "") && !value.is_empty() => {
            format!("{name}={REDACTED}")
        }
        _ => pair.to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// `bytes` with something else in place of each `part`, which is not empty.
pub(super) fn replaced(bytes: &[u8], part: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(part.len()).position(|window| window == part) {
        let (before, after) = rest.split_at(at);
        out.extend_from_slice(before);
        out.extend_from_slice(with);
        rest = after.get(part.len()..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

/// As it is, and as JSON and a URL escape it where that is another text.
fn forms(secret: &str) -> impl Iterator<Item = Zeroizing<String>> {
    let json = Zeroizing::new(serde_json::to_string(secret).unwrap_or_default());
    let inner = json.len().checked_sub(1).and_then(|end| json.get(1..end));
    let url = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let escaped = [inner.unwrap_or_default().to_owned(), url].map(Zeroizing::new);
    let escaped = escaped.into_iter();
    let escaped = escaped.filter(move |form| !form.is_empty() && form.as_str() != secret);
    std::iter::once(Zeroizing::new(secret.to_owned())).chain(escaped)
}

/// What its bytes become within base64, wherever they begin, as far as their neighbours have no part in it.
fn in_base64(secret: &str) -> impl Iterator<Item = Zeroizing<String>> {
    (0..3_usize).filter_map(move |before| {
        let mut bytes = Zeroizing::new(vec![0; before]);
        bytes.extend_from_slice(secret.as_bytes());
        let text = Zeroizing::new(STANDARD.encode(&*bytes));
        let from = (before * 8).div_ceil(6);
        let to = bytes.len() * 8 / 6;
        let piece = text.get(from..to)?;
        (piece.len() >= SHORTEST_BASE64).then(|| Zeroizing::new(piece.to_owned()))
    })
}

/// In the order of the names, whichever order the map keeps: that depends on the features of other crates.
fn sorted(members: impl Iterator<Item = (String, Value)>) -> Value {
    let members: BTreeMap<String, Value> = members.collect();
    Value::Object(members.into_iter().collect())
}
