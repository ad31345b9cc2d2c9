//! Requests from the route table, built without I/O.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, RANGE, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::client::auth::Base;
use crate::error::Error;
use crate::routes::{Api, Method, Route};
use crate::transport::Body;

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const QUERY: &AsciiSet = &SEGMENT.remove(b'/');

/// One call: what to send and how to treat it.
///
/// In a box, since each function that a call goes through by value has room for it in its future, mostly twice.
pub(crate) struct Call(Box<Parts>);

pub(crate) struct Parts {
    pub(crate) route: &'static Route,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Option<Body>,
    bytes: Option<Bytes>,
    once: bool,
    /// A refusal that carries an answer, to be taken as one.
    pub(crate) also: Option<u16>,
    pub(crate) idempotent: bool,
    /// What the operation itself may take, besides the wait for any head.
    pub(crate) wait: Duration,
    /// What the whole call may take, where that is not the default.
    pub(crate) total: Option<Duration>,
    /// The credential goes another way than in a header.
    anonymous: bool,
    /// Texts that must not come back in an error.
    pub(crate) secrets: Vec<Zeroizing<String>>,
}

impl Call {
    /// A call of `route` with its path parameters, in the order of the path.
    pub(crate) fn new(route: &'static Route, params: &[&str]) -> Result<Self, Error> {
        let path = fill(route, params).map_err(|error| error.with_operation(route.id))?;
        let mut call = Self::at_base(route);
        call.path = path;
        Ok(call)
    }

    /// A call of `route` at a base that the server gave, which is the whole address.
    pub(crate) fn at_base(route: &'static Route) -> Self {
        Self(Box::new(Parts {
            route,
            path: String::new(),
            query: String::new(),
            headers: HeaderMap::new(),
            body: None,
            bytes: None,
            once: false,
            also: None,
            idempotent: matches!(
                route.method,
                Method::Get | Method::Head | Method::Delete | Method::Put
            ),
            wait: Duration::ZERO,
            total: None,
            anonymous: false,
            secrets: Vec::new(),
        }))
    }

    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        let separator = if self.query.is_empty() { '?' } else { '&' };
        self.query.push(separator);
        self.query.push_str(name);
        self.query.push('=');
        self.query.extend(utf8_percent_encode(value, QUERY));
        self
    }

    /// A query that is there only with a value.
    pub(crate) fn maybe(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, &value.to_string()),
            None => self,
        }
    }

    pub(crate) fn queries(self, pairs: &[(&str, &str)]) -> Self {
        pairs
            .iter()
            .fold(self, |call, (name, value)| call.query(name, value))
    }

    pub(crate) fn json<T: Serialize>(mut self, value: &T) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(value).map_err(|error| {
            Error::build("the request cannot be written as json").with_source(error)
        })?;
        self.bytes = Some(bytes.into());
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(self)
    }

    pub(crate) fn body(mut self, body: Body, content_type: HeaderValue) -> Self {
        self.bytes = body.buffered();
        self.once = self.bytes.is_none();
        self.body = Some(body);
        self.headers.insert(CONTENT_TYPE, content_type);
        self
    }

    pub(crate) fn range(mut self, value: HeaderValue) -> Self {
        self.headers.insert(RANGE, value);
        self
    }

    pub(crate) fn accept(mut self, value: &'static str) -> Self {
        self.headers.insert(ACCEPT, HeaderValue::from_static(value));
        self
    }

    pub(crate) fn header(mut self, name: http::HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn also(mut self, status: u16) -> Self {
        self.also = Some(status);
        self
    }

    pub(crate) fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// A query that is complete and encoded already.
    #[cfg(feature = "context")]
    pub(crate) fn signed(mut self, query: &str) -> Self {
        self.query = format!("?{query}");
        self
    }

    /// Whether it goes to somebody else than Daytona, who gets nothing that is meant for Daytona.
    pub(crate) fn is_foreign(&self) -> bool {
        self.route.api == Api::ObjectStorage
    }

    pub(crate) fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    pub(crate) fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    pub(crate) fn total(mut self, total: Duration) -> Self {
        self.total = Some(total);
        self
    }

    pub(crate) fn hide<'a>(mut self, texts: impl IntoIterator<Item = &'a String>) -> Self {
        let texts = texts.into_iter().map(|text| Zeroizing::new(text.clone()));
        self.secrets.extend(texts);
        self
    }

    /// The sandbox that it is about: its id, or the name by which it was asked for.
    pub(crate) fn sandbox<'a>(&'a self, base: &'a Base) -> Option<&'a str> {
        if self.route.api == Api::Toolbox {
            return base.prefix.rsplit('/').next();
        }
        let mut template = self.route.path.split('/');
        let place = template.position(|segment| segment.starts_with("{sandboxId"))?;
        self.path.split('/').nth(place)
    }

    /// Whether the request can be made again.
    pub(crate) fn is_repeatable(&self) -> bool {
        !self.once
    }

    /// The whole address, query included.
    pub(crate) fn address(&self, base: &Base) -> String {
        let Base {
            scheme,
            authority,
            prefix,
        } = base;
        format!("{scheme}://{authority}{prefix}{}{}", self.path, self.query)
    }

    /// The request for the next attempt. A streamed body is in the first one only.
    pub(crate) fn request(
        &mut self,
        base: &Base,
        common: &HeaderMap,
    ) -> Result<http::Request<Body>, Error> {
        let text = [base.prefix.as_str(), &self.path, &self.query].concat();
        let uri = http::Uri::builder()
            .scheme(base.scheme.clone())
            .authority(base.authority.clone())
            .path_and_query(text)
            .build()
            .map_err(|_| Error::build("an argument does not fit into a url"))?;
        let method = http::Method::from_bytes(self.route.method.as_str().as_bytes())
            .map_err(|_| Error::build("unknown method"))?;
        let body = match &self.bytes {
            Some(bytes) => Body::from(bytes.clone()),
            None => self.body.take().unwrap_or_default(),
        };
        let mut request = http::Request::new(body);
        // room for what the transport adds
        let headers = common.len() + self.headers.len() + 3;
        request.headers_mut().reserve(headers);
        // POST without a body: some servers insist on a length
        if self.route.method != Method::Get
            && let Some(length) = http_body::Body::size_hint(request.body()).exact()
        {
            request.headers_mut().insert(CONTENT_LENGTH, length.into());
        }
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        let foreign = self.is_foreign();
        let common = common
            .iter()
            .filter(|(name, _)| !foreign || *name == USER_AGENT);
        for (name, value) in common.chain(self.headers.iter()) {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        if self.anonymous {
            request.headers_mut().remove(AUTHORIZATION);
        }
        Ok(request)
    }
}

impl Deref for Call {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl DerefMut for Call {
    fn deref_mut(&mut self) -> &mut Parts {
        &mut self.0
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("route", &self.route.id)
            .finish_non_exhaustive()
    }
}

fn fill(route: &Route, params: &[&str]) -> Result<String, Error> {
    let mut params = params.iter();
    let mut path = String::with_capacity(route.path.len() + 40);
    let mut rest = route.path;
    while let Some((before, after)) = rest.split_once('{') {
        let (_, after) = after.split_once('}').unwrap_or_default();
        let param = params
            .next()
            .ok_or_else(|| Error::build("a parameter of the path is missing"))?;
        check_segment(param)?;
        path.push_str(before);
        path.extend(utf8_percent_encode(param, SEGMENT));
        rest = after;
    }
    path.push_str(rest);
    Ok(path)
}

/// As it stands in a path or query.
pub(crate) const fn flag(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// Whether `text` can be one segment of a path: not empty, not a step to another folder, no control characters.
pub(crate) fn check_segment(text: &str) -> Result<(), Error> {
    if text.is_empty() || text == "." || text == ".." {
        return Err(Error::build("an id or name must not be empty, `.` or `..`"));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::build(
            "an id or name must not hold control characters",
        ));
    }
    Ok(())
}

/// Whether `path` can name a file in a sandbox: not empty, no NUL.
pub(crate) fn check_path(path: &str) -> Result<(), Error> {
    if path.is_empty() {
        return Err(Error::build("a path must not be empty"));
    }
    if path.contains('\0') {
        return Err(Error::build("a path must not hold NUL"));
    }
    Ok(())
}
