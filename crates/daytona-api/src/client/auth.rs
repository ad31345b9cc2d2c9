//! The credential, and where it may go.

use std::fmt;
use std::net::IpAddr;

use http::HeaderValue;
use http::uri::{Scheme, Uri};
use zeroize::Zeroizing;

use crate::error::Error;

/// An API key or a JWT. Debug never shows it, and its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for ApiKey {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for ApiKey {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.into()))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey([redacted])")
    }
}

/// What proves who we are.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    Key(ApiKey),
    Jwt { token: ApiKey, organization: String },
}

impl Credential {
    pub(crate) fn secret(&self) -> &ApiKey {
        match self {
            Self::Key(key) => key,
            Self::Jwt { token, .. } => token,
        }
    }

    pub(crate) fn bearer(&self) -> Result<HeaderValue, Error> {
        let secret = self.secret().expose();
        if secret.trim().is_empty() {
            return Err(Error::build("the api key or token is empty"));
        }
        let text = Zeroizing::new(format!("Bearer {secret}"));
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            Error::build("the api key or token has characters that no header can carry")
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    pub(crate) fn organization_id(&self) -> Option<&str> {
        match self {
            Self::Key(_) => None,
            Self::Jwt { organization, .. } => Some(organization),
        }
    }

    pub(crate) fn organization(&self) -> Result<Option<HeaderValue>, Error> {
        let Self::Jwt { organization, .. } = self else {
            return Ok(None);
        };
        if organization.trim().is_empty() {
            return Err(Error::build("a token needs an organization id"));
        }
        HeaderValue::from_str(organization).map(Some).map_err(|_| {
            Error::build("the organization id has characters that no header can carry")
        })
    }
}

/// A base URL: origin and path prefix without a slash at the end.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) scheme: Scheme,
    pub(crate) authority: http::uri::Authority,
    pub(crate) prefix: String,
}

impl Base {
    pub(crate) fn parse(url: &str, what: &'static str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::build(format!("the {what} {why}"));
        let uri: Uri = url.trim().parse().map_err(|_| wrong("is not a url"))?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(wrong("needs a scheme and a host"));
        };
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err(wrong("must begin with http:// or https://"));
        }
        if authority.as_str().contains('@') {
            return Err(wrong("must not hold a user or password"));
        }
        if authority.host().is_empty() {
            return Err(wrong("needs a host"));
        }
        let path = parts.path_and_query;
        if path.as_ref().is_some_and(|path| path.query().is_some()) {
            return Err(wrong("must not have a query"));
        }
        let prefix = path.map(|path| path.path().trim_end_matches('/').to_owned());
        Ok(Self {
            scheme,
            authority,
            prefix: prefix.unwrap_or_default(),
        })
    }

    fn host(&self) -> String {
        let host = self.authority.host();
        host.trim_start_matches('[')
            .trim_end_matches(']')
            .trim_end_matches('.')
            .to_ascii_lowercase()
    }

    fn port(&self) -> u16 {
        let default = if self.is_https() { 443 } else { 80 };
        self.authority.port_u16().unwrap_or(default)
    }

    fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    fn is_loopback(&self) -> bool {
        let host = self.host();
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    pub(crate) fn same_origin(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.host() == other.host() && self.port() == other.port()
    }

    /// Whether a credential for `self` may be sent to `other`.
    pub(crate) fn trusts(&self, other: &Self, allowed: &[Self]) -> bool {
        self.same_origin(other)
            || (self.is_loopback() && other.is_loopback())
            || allowed.iter().any(|origin| origin.same_origin(other))
            || (self.is_https() && other.is_https() && same_domain(&self.host(), &other.host()))
    }
}

impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}

/// Domains under which strangers can have names. No list of these is complete; the common ones are refused.
const SHARED: &[&str] = &[
    "amazonaws.com",
    "appspot.com",
    "azurewebsites.net",
    "cloudapp.net",
    "cloudfront.net",
    "duckdns.org",
    "firebaseapp.com",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "herokuapp.com",
    "loca.lt",
    "netlify.app",
    "ngrok.app",
    "ngrok.dev",
    "ngrok.io",
    "ngrok-free.app",
    "ngrok-free.dev",
    "nip.io",
    "onrender.com",
    "pages.dev",
    "railway.app",
    "run.app",
    "sslip.io",
    "trycloudflare.com",
    "ts.net",
    "vercel.app",
    "web.app",
    "windows.net",
    "workers.dev",
];

/// Whether two hosts belong to one owner: equal last two labels, or three under suffixes such as `co.uk`.
fn same_domain(one: &str, other: &str) -> bool {
    if one.parse::<IpAddr>().is_ok() || other.parse::<IpAddr>().is_ok() {
        return false;
    }
    let two = last_labels(one, 2);
    if two.is_none() || two != last_labels(other, 2) {
        return false;
    }
    let two = two.unwrap_or_default();
    if SHARED.contains(&two) {
        return false;
    }
    let (second, top) = two.split_once('.').unwrap_or_default();
    if top.len() == 2 && second.len() <= 3 {
        let three = last_labels(one, 3);
        return three.is_some() && three == last_labels(other, 3);
    }
    true
}

fn last_labels(host: &str, count: usize) -> Option<&str> {
    if host.split('.').any(str::is_empty) {
        return None;
    }
    let labels = host.split('.').count();
    if labels < count {
        return None;
    }
    let mut rest = host;
    for _ in count..labels {
        rest = rest.split_once('.')?.1;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bearer_goes_only_where_it_belongs() {
        let base = |url: &str| Base::parse(url, "url").unwrap();
        let cases = [
            (
                "https://app.daytona.io/api",
                "https://proxy.app.daytona.io/toolbox",
                true,
            ),
            (
                "https://app.daytona.io/api",
                "https://daytona.io/toolbox",
                true,
            ),
            (
                "https://app.daytona.io/api",
                "http://proxy.app.daytona.io/toolbox",
                false,
            ),
            (
                "http://app.daytona.io/api",
                "https://proxy.app.daytona.io/toolbox",
                false,
            ),
            (
                "https://app.daytona.io/api",
                "https://evil.example/toolbox",
                false,
            ),
            (
                "https://app.daytona.io/api",
                "https://app.daytona.io.evil.example",
                false,
            ),
            ("https://app.daytona.io/api", "https://notdaytona.io", false),
            ("https://a.co.uk/api", "https://b.co.uk", false),
            ("https://api.a.co.uk/api", "https://proxy.a.co.uk", true),
            ("https://me.github.io/api", "https://you.github.io", false),
            ("https://10.1.2.3/api", "https://11.1.2.3", false),
            ("https://10.1.2.3/api", "https://10.1.2.3/toolbox", true),
            ("http://host.lan:80/api", "http://host.lan/toolbox", true),
            ("http://host.lan/api", "http://host.lan:81/toolbox", false),
            (
                "http://127.0.0.1:3000/api",
                "http://localhost:4000/toolbox",
                true,
            ),
            (
                "http://[::1]:3000/api",
                "http://127.0.0.9:4000/toolbox",
                true,
            ),
            (
                "https://app.daytona.io/api",
                "http://127.0.0.1:4000/toolbox",
                false,
            ),
            ("http://127.0.0.1/api", "https://evil.example", false),
            ("https://localhost/api", "https://host", false),
        ];
        for (api, toolbox, wanted) in cases {
            assert_eq!(
                base(api).trusts(&base(toolbox), &[]),
                wanted,
                "{api} -> {toolbox}"
            );
        }
        let allowed = [base("https://box.example")];
        assert!(base("https://app.daytona.io").trusts(&base("https://box.example/x"), &allowed));
        assert!(!base("https://app.daytona.io").trusts(&base("http://box.example/x"), &allowed));
    }

    #[test]
    fn a_bad_url_is_refused_without_being_quoted() {
        for url in [
            "",
            "nonsense",
            "ftp://a/b",
            "https://user:pw@a/b",
            "https://a/b?token=pw",
            "/api",
        ] {
            let error = Base::parse(url, "api url").unwrap_err();
            assert!(error.is_build(), "{url}");
            assert!(!format!("{error:?} {error}").contains("pw"), "{error:?}");
        }
    }
}
