//! Query strings.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::reply::Failure;

#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Parameters that open something.
const SECRET: [&str; 5] = [
    "token",
    "DAYTONA_SANDBOX_AUTH_KEY",
    "signature",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
];

/// A query as it may be shown.
pub(crate) fn shown(query: &str) -> String {
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if SECRET.contains(&decode(name).as_str()) => format!("{name}=[redacted]"),
        _ => pair.to_owned(),
    };
    query.split('&').map(pair).collect::<Vec<_>>().join("&")
}

/// What [`Query::cursor`] reads.
pub(crate) fn cursor(last: &impl Serialize) -> Option<String> {
    let json = serde_json::to_vec(last).ok()?;
    Some(URL_SAFE_NO_PAD.encode(json))
}

impl Query {
    pub(crate) fn parse(query: &str) -> Self {
        let pair = |pair: &str| {
            let pair = pair.replace('+', " ");
            let (name, value) = pair.split_once('=').unwrap_or((&pair, ""));
            let name = decode(name);
            (
                name.strip_suffix("[]").unwrap_or(&name).to_owned(),
                decode(value),
            )
        };
        Self {
            pairs: query
                .split('&')
                .filter(|text| !text.is_empty())
                .map(pair)
                .collect(),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// A repeated parameter.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let pairs = self.pairs.iter().filter(|(key, _)| key == name);
        pairs
            .map(|(_, value)| value.clone())
            .filter(|value| !value.is_empty())
            .collect()
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name)? {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, Failure> {
        match self.get(name) {
            None | Some("") => Ok(None),
            Some(text) => match text.parse::<f64>() {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "checked to be whole and small"
                )]
                Ok(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
                    Ok(Some(number as i64))
                }
                _ => Err(Failure::bad(format!("{name} must be an integer number"))),
            },
        }
    }

    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, Failure> {
        match self.get(name) {
            None | Some("") => Ok(None),
            Some(text) => match text.parse() {
                Ok(time) => Ok(Some(time)),
                Err(_) => Err(Failure::bad(format!(
                    "{name} must be a valid ISO 8601 date"
                ))),
            },
        }
    }

    /// The size of a page: 1 to 200, 100 if not given.
    pub(crate) fn limit(&self) -> Result<usize, Failure> {
        match self.number("limit")? {
            None => Ok(100),
            Some(limit @ 1..=200) => Ok(usize::try_from(limit).unwrap_or(100)),
            Some(..1) => Err(Failure::bad("limit must not be less than 1")),
            Some(_) => Err(Failure::bad("limit must not be greater than 200")),
        }
    }

    /// By which of these fields to sort, the first if not said, and whether ascending: descending if not said.
    pub(crate) fn sort<'a>(&'a self, fields: &[&'a str]) -> Result<(&'a str, bool), Failure> {
        let given = |name: &str| self.get(name).filter(|value| !value.is_empty());
        let default = fields.first().copied().unwrap_or_default();
        let sort = given("sort").unwrap_or(default);
        if !fields.contains(&sort) {
            let fields = fields.join(", ");
            let message = format!("sort must be one of the following values: {fields}");
            return Err(Failure::bad(message));
        }
        match given("order").unwrap_or("desc") {
            "asc" => Ok((sort, true)),
            "desc" => Ok((sort, false)),
            _ => Err(Failure::bad(
                "order must be one of the following values: asc, desc",
            )),
        }
    }

    /// What the list before this one ended with.
    pub(crate) fn cursor<T: DeserializeOwned>(&self) -> Result<Option<T>, Failure> {
        let Some(text) = self.get("cursor").filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let read = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        read.map(Some).ok_or_else(|| Failure::bad("Invalid cursor"))
    }

    /// The number of a page, counted from 1, and its size.
    pub(crate) fn page(&self) -> Result<(usize, usize), Failure> {
        let page = match self.number("page")? {
            None => 1,
            Some(page @ 1..) => usize::try_from(page).unwrap_or(1),
            Some(_) => return Err(Failure::bad("page must not be less than 1")),
        };
        Ok((page, self.limit()?))
    }
}
