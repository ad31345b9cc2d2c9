//! What of a request's head a program in a sandbox gets to see, and what of its answer goes back as it is.

use http::header::{
    AUTHORIZATION, CONNECTION, COOKIE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

use super::Address;
use super::entry::{COOKIES, PARAMETER};
use crate::app::PREVIEWS;
use crate::web::query::decode;

/// What is about one connection and not about the request.
const HOPS: [HeaderName; 10] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    EXPECT,
];
/// The shortest key that is looked for in texts.
const SHORTEST: usize = 16;
/// What is for the proxy.
const OURS: &str = "x-daytona-";

/// What must not reach a program of the sandbox.
pub(crate) struct Secrets {
    /// Left out where they are found.
    keys: Vec<String>,
    /// Whether the request's bearer token is the API key.
    master: bool,
    /// A signed token, in whose place the id of the sandbox is told.
    signed: Option<String>,
}

impl Secrets {
    pub(super) fn new(key: &str, master: bool, preview: &str, signed: Option<&String>) -> Self {
        Self {
            keys: [key, preview]
                .into_iter()
                // a shorter one would be found in what it is not
                .filter(|key| key.len() >= SHORTEST)
                .map(str::to_owned)
                .collect(),
            master,
            signed: signed.cloned(),
        }
    }

    fn clean(&self, text: &str, sandbox: &str) -> String {
        let mut text = text.to_owned();
        for key in &self.keys {
            text = text.replace(key, "");
        }
        match &self.signed {
            Some(signed) => text.replace(signed, sandbox),
            None => text,
        }
    }

    fn found_in(&self, value: &HeaderValue) -> bool {
        let value = value.as_bytes();
        let holds = |key: &String| value.windows(key.len()).any(|part| part == key.as_bytes());
        self.keys.iter().chain(&self.signed).any(holds)
    }
}

/// Path and query without what opened the preview.
pub(super) fn target(address: &Address, secrets: &Secrets, sandbox: &str) -> String {
    let (path, query) = match address.rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (address.rest.as_str(), None),
    };
    let mut target = path.to_owned();
    let kept = query.map(|query| {
        let pairs = query.split('&');
        let kept =
            pairs.filter(|pair| decode(pair.split('=').next().unwrap_or_default()) != PARAMETER);
        kept.collect::<Vec<_>>().join("&")
    });
    // a query that held nothing else goes as a whole
    if let Some(kept) = kept.filter(|kept| !kept.is_empty() || query == Some("")) {
        target.push('?');
        target.push_str(&kept);
    }
    secrets.clean(&target, sandbox)
}

/// The head that the program gets.
pub(super) fn request(
    headers: &HeaderMap,
    address: &Address,
    secrets: &Secrets,
    sandbox: &str,
) -> HeaderMap {
    let mut kept = without_hops(headers);
    if secrets.master {
        kept.remove(AUTHORIZATION);
    }
    let ours: Vec<HeaderName> = kept
        .keys()
        .filter(|name| name.as_str().starts_with(OURS))
        .cloned()
        .collect();
    for name in ours {
        kept.remove(name);
    }
    cookies(&mut kept);
    for value in kept.values_mut() {
        if !secrets.found_in(value) {
            continue;
        }
        let clean = value.to_str().ok().map(|text| secrets.clean(text, sandbox));
        let clean = clean.and_then(|text| HeaderValue::from_str(&text).ok());
        *value = clean.unwrap_or(HeaderValue::from_static(""));
    }
    // nothing but the scheme is left of a key that opened the preview
    let bare = |value: &HeaderValue| {
        value
            .to_str()
            .is_ok_and(|value| !value.trim().contains(' '))
    };
    if headers
        .get(AUTHORIZATION)
        .is_some_and(|value| secrets.found_in(value))
        && kept.get(AUTHORIZATION).is_some_and(bare)
    {
        kept.remove(AUTHORIZATION);
    }
    if let Some(host) = kept.get(HOST).cloned() {
        kept.insert("x-forwarded-host", host);
    }
    kept.insert("x-forwarded-proto", HeaderValue::from_static("http"));
    kept.insert("x-forwarded-for", HeaderValue::from_static("127.0.0.1"));
    if !address.by_host {
        let prefix = format!("{PREVIEWS}{}-{sandbox}", address.port);
        if let Ok(prefix) = HeaderValue::from_str(&prefix) {
            kept.insert("x-forwarded-prefix", prefix);
        }
    }
    kept
}

/// Cookies without those of the proxy.
fn cookies(headers: &mut HeaderMap) {
    let all: Vec<_> = headers.get_all(COOKIE).iter().cloned().collect();
    headers.remove(COOKIE);
    for value in all {
        let Ok(text) = value.to_str() else {
            // not one of ours, whose names and values are plain
            headers.append(COOKIE, value);
            continue;
        };
        let pairs = text.split(';').map(str::trim);
        let kept: Vec<_> = pairs.filter(|pair| !pair.starts_with(COOKIES)).collect();
        let kept = HeaderValue::from_str(&kept.join("; "));
        if let Some(kept) = kept.ok().filter(|kept| !kept.is_empty()) {
            headers.append(COOKIE, kept);
        }
    }
}

/// The head of the answer; a place that the program names is one behind the proxy again.
///
/// `told` is the head that the program got, `came` the one that the client sent.
pub(super) fn response(
    headers: &HeaderMap,
    address: &Address,
    sandbox: &str,
    told: &HeaderMap,
    came: &HeaderMap,
) -> HeaderMap {
    let mut kept = without_hops(headers);
    let host = |headers: &HeaderMap| Some(headers.get(HOST)?.to_str().ok()?.to_owned());
    let location = kept.get(LOCATION).and_then(|place| place.to_str().ok());
    let place =
        location.and_then(|place| moved(place, address, sandbox, &host(told)?, &host(came)?));
    if let Some(place) = place.and_then(|place| HeaderValue::from_str(&place).ok()) {
        kept.insert(LOCATION, place);
    }
    kept
}

/// Where a redirection leads, as seen from outside; `None` if that is the same.
fn moved(place: &str, address: &Address, sandbox: &str, told: &str, came: &str) -> Option<String> {
    let absolute = place
        .strip_prefix("http://")
        .or_else(|| place.strip_prefix("https://"));
    let rest = match absolute {
        Some(absolute) => {
            let end = absolute.find(['/', '?', '#']).unwrap_or(absolute.len());
            let (authority, rest) = absolute.split_at(end);
            let port = address.port;
            let names = ["127.0.0.1", "localhost", "[::1]", "0.0.0.0"];
            let own = authority == told
                || authority == came
                || names
                    .iter()
                    .any(|name| authority == format!("{name}:{port}"));
            if !own {
                return None;
            }
            if rest.starts_with('/') {
                rest.to_owned()
            } else {
                format!("/{rest}")
            }
        }
        None if place.starts_with('/') && !place.starts_with("//") => place.to_owned(),
        None => return None,
    };
    if address.by_host {
        return Some(format!("http://{came}{rest}"));
    }
    let prefix = format!("{PREVIEWS}{}-{}", address.port, address.whose.0);
    // a program that heeds the prefix has put it there itself
    let told = format!("{PREVIEWS}{}-{sandbox}/", address.port);
    let rest = rest
        .strip_prefix(told.trim_end_matches('/'))
        .filter(|_| rest.starts_with(&told))
        .unwrap_or(&rest);
    Some(format!("{prefix}{rest}"))
}

fn without_hops(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    let named: Vec<String> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    for name in named {
        kept.remove(name.as_str());
    }
    for name in &HOPS {
        kept.remove(name);
    }
    kept
}

/// What a request asks to switch to.
pub(super) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut connection = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let asked = connection.any(|value| {
        value
            .split(',')
            .any(|name| name.trim().eq_ignore_ascii_case("upgrade"))
    });
    headers.get(UPGRADE).filter(|_| asked).cloned()
}

/// Puts it back, for the other connection.
pub(super) fn switch(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, protocol);
}
