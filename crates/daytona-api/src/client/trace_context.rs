//! W3C trace context: what a request says of the trace that it belongs to.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::Error;

/// So many bytes of `tracestate` must be passed on by everybody; more may not be.
const STATE: usize = 512;
/// The most members that `tracestate` may have.
const MEMBERS: usize = 32;

/// The place of a request in a distributed trace, by W3C Trace Context: the headers `traceparent` and `tracestate`.
///
/// It is checked when it is made, so what is sent is well formed and can hold no line break. What it holds is no
/// secret, and whoever serves the request can read it.
///
/// ```
/// use daytona_api::TraceContext;
///
/// let context = TraceContext::new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")?
///     .tracestate("vendor=opaque")?;
/// assert_eq!(context.traceparent(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
/// # Ok::<(), daytona_api::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    parent: HeaderValue,
    state: Option<HeaderValue>,
}

impl TraceContext {
    /// With the value of `traceparent`: version, trace id, parent id and flags in lower-case hexadecimal.
    ///
    /// # Errors
    ///
    /// A build error where it is not of that form, the version is `ff`, or an id is all zeros.
    pub fn new(traceparent: &str) -> Result<Self, Error> {
        let parent = is_parent(traceparent)
            .then(|| HeaderValue::from_str(traceparent).ok())
            .flatten()
            .ok_or_else(|| {
                Error::build(
                    "a traceparent is `00-`, a trace id of 32 and a parent id of 16 lower-case hexadecimal digits, not \
                     all zero, and two digits of flags, with `-` between",
                )
            })?;
        Ok(Self {
            parent,
            state: None,
        })
    }

    /// Adds the value of `tracestate`: up to 32 members `key=value` with commas between, 512 bytes in all. An empty one
    /// is none.
    ///
    /// # Errors
    ///
    /// A build error where it is not of that form, too long, or names a key twice.
    pub fn tracestate(mut self, tracestate: &str) -> Result<Self, Error> {
        if tracestate.is_empty() {
            self.state = None;
            return Ok(self);
        }
        let state = is_state(tracestate)
            .then(|| HeaderValue::from_str(tracestate).ok())
            .flatten()
            .ok_or_else(|| {
                Error::build(
                    "a tracestate is up to 32 different keys, each with `=` and a value of printable ASCII, with commas \
                     between, in at most 512 bytes",
                )
            })?;
        self.state = Some(state);
        Ok(self)
    }

    /// The value of `traceparent`.
    #[must_use]
    pub fn traceparent(&self) -> &str {
        self.parent.to_str().unwrap_or_default()
    }

    /// The value of `tracestate`, if there is one.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_ref()?.to_str().ok()
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn is_parent(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut part = |length: usize| {
        let part = parts.next().unwrap_or_default();
        (part.len() == length && is_hex(part)).then_some(part)
    };
    let (Some(version), Some(trace), Some(parent), Some(_)) =
        (part(2), part(32), part(16), part(2))
    else {
        return false;
    };
    let is_zero = |id: &str| id.bytes().all(|byte| byte == b'0');
    // parts that a later version may add are not understood here, so not passed on
    parts.next().is_none() && version != "ff" && !is_zero(trace) && !is_zero(parent)
}

fn is_state(text: &str) -> bool {
    let mut keys = Vec::new();
    for member in text.split(',').map(|text| text.trim_matches([' ', '\t'])) {
        if member.is_empty() {
            continue;
        }
        let Some((key, value)) = member.split_once('=') else {
            return false;
        };
        if !is_key(key) || !is_value(value) || keys.contains(&key) {
            return false;
        }
        keys.push(key);
    }
    text.len() <= STATE && !keys.is_empty() && keys.len() <= MEMBERS
}

fn is_key(text: &str) -> bool {
    let starts = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=256).contains(&text.len())
        && text.bytes().next().is_some_and(starts)
        && text
            .bytes()
            .all(|byte| starts(byte) || b"_-*/@".contains(&byte))
}

fn is_value(text: &str) -> bool {
    (1..=256).contains(&text.len())
        && text
            .bytes()
            .all(|byte| (0x20..0x7f).contains(&byte) && byte != b'=')
}

/// What says where a request belongs, asked for each.
#[derive(Clone)]
pub(crate) struct Hook(Arc<dyn Fn() -> Option<TraceContext> + Send + Sync>);

impl Hook {
    pub(crate) fn new(hook: impl Fn() -> Option<TraceContext> + Send + Sync + 'static) -> Self {
        Self(Arc::new(hook))
    }

    /// Puts the headers of the current span into a request.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        let Some(context) = (self.0)() else {
            return;
        };
        headers.insert(HeaderName::from_static("traceparent"), context.parent);
        if let Some(state) = context.state {
            headers.insert(HeaderName::from_static("tracestate"), state);
        }
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn only_what_the_recommendation_allows_is_taken() {
        for good in [GOOD, &GOOD.replace("00-0", "cc-0")] {
            assert_eq!(TraceContext::new(good).unwrap().traceparent(), good);
        }
        let zeros = |count| "0".repeat(count);
        for bad in [
            String::new(),
            "00".into(),
            GOOD.to_uppercase(),
            GOOD.replacen("00", "ff", 1),
            GOOD.replace('-', "_"),
            format!("{GOOD}-"),
            format!("{GOOD}-more"),
            format!("{GOOD}\r\nx: y"),
            format!("{GOOD}\n"),
            format!(" {GOOD}"),
            format!("00-{}-b7ad6b7169203331-01", zeros(32)),
            format!("00-0af7651916cd43dd8448eb211c80319c-{}-01", zeros(16)),
            GOOD.replace("0af7", "0äf"),
        ] {
            let error = TraceContext::new(&bad).unwrap_err();
            assert!(error.is_build(), "{bad:?}");
        }
        let context = TraceContext::new(GOOD).unwrap();
        for good in ["a=1", "a=1,b=2", "a=1 , b=2,", "1t@v=x y", "a_-*/=!~"] {
            let context = context.clone().tracestate(good).unwrap();
            assert_eq!(context.state(), Some(good));
        }
        assert_eq!(context.clone().tracestate("").unwrap().state(), None);
        for bad in [
            "a",
            ",",
            "=1",
            "a=",
            "A=1",
            "a=1,a=2",
            "a=b=c",
            "a=\u{7f}",
            "a=1\r\nx: y",
            "a=1\n",
            "a=ä",
            &format!("a={}", "x".repeat(257)),
            &(0..33).map(|i| format!("k{i}=v,")).collect::<String>(),
            &format!("a={},b={},c=1", "x".repeat(255), "x".repeat(255)),
        ] {
            assert!(
                context.clone().tracestate(bad).unwrap_err().is_build(),
                "{bad:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_taken_can_end_a_header(text in "[\\x00-\\xff]{0,80}", tail in "[\r\n\t a-f0-9,=-]{0,12}") {
            for text in [text.clone(), format!("{GOOD}{tail}"), format!("a=1{tail}")] {
                if let Ok(context) = TraceContext::new(&text) {
                    prop_assert_eq!(context.traceparent(), text.as_str());
                    prop_assert_eq!(text.len(), 55);
                }
                if let Ok(context) = TraceContext::new(GOOD).unwrap().tracestate(&text) {
                    prop_assert!(!context.state().unwrap_or_default().contains(['\r', '\n', '\0']));
                }
            }
        }
    }
}
