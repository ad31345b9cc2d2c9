//! The address of the API, and which origins may be given a credential.

use std::fmt;

use http::Uri;

use super::Invalid;

/// Scheme, host and port: what a credential is bound to.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    https: bool,
    host: String,
    port: u16,
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

impl Origin {
    /// Parses an entry of the allow-list: scheme, host and perhaps a port, nothing else.
    pub(crate) fn parse(parameter: &str, text: &str) -> Result<Self, Invalid> {
        let (origin, path) = split(parameter, text)?;
        if !matches!(path.as_str(), "" | "/") {
            return Err(Invalid::new(format!(
                "`{parameter}` takes an origin such as \"https://app.daytona.io\", without a path, got {text:?}"
            )));
        }
        Ok(origin)
    }
}

/// A checked address of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiUrl {
    origin: Origin,
}

impl ApiUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
        split("api_url", text).map(|(origin, _)| Self { origin })
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Refuses an origin that is not on the list.
    pub(crate) fn check_allowed(&self, allowed: &[Origin]) -> Result<(), Invalid> {
        if allowed.contains(&self.origin) {
            return Ok(());
        }
        Err(Invalid::new(format!(
            "`api_url` resolved to the origin {}, which is not on the list given to `allow_origin`; the credential was \
             not sent",
            self.origin
        )))
    }
}

fn split(parameter: &str, text: &str) -> Result<(Origin, String), Invalid> {
    // the text itself is not shown: a URL may carry a password
    let bad = |why: &str| {
        Invalid::new(format!(
            "`{parameter}` is not a usable URL: {why}; give one such as \"https://app.daytona.io/api\""
        ))
    };
    if text.trim().is_empty() {
        return Err(bad("it is empty"));
    }
    if !text.starts_with("https://") && !text.starts_with("http://") {
        return Err(bad("it must start with https:// or http://"));
    }
    let uri: Uri = text.parse().map_err(|_| bad("it cannot be parsed"))?;
    let https = uri.scheme_str() == Some("https");
    let authority = uri.authority().ok_or_else(|| bad("it has no host"))?;
    if authority.as_str().contains('@') {
        return Err(bad("it holds a user name or password"));
    }
    if uri.query().is_some() || text.contains('#') {
        return Err(bad("it has a query or a fragment"));
    }
    let host = authority.host();
    if host.is_empty() {
        return Err(bad("it has no host"));
    }
    let after = authority.as_str().get(host.len()..).unwrap_or_default();
    let port = match (after, authority.port_u16()) {
        ("", _) => {
            if https {
                443
            } else {
                80
            }
        }
        (_, Some(port)) => port,
        (_, None) => return Err(bad("its port is not a number from 0 to 65535")),
    };
    Ok((
        Origin {
            https,
            host: host.to_ascii_lowercase(),
            port,
        },
        uri.path().to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_and_bad() {
        for good in [
            "https://app.daytona.io/api",
            "http://127.0.0.1:3000/api",
            "http://[::1]:3000/api",
            "https://X.io",
        ] {
            assert!(ApiUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            " ",
            "app.daytona.io",
            "ftp://x/api",
            "/api",
            "https://",
            "https://u:p@x/api",
            "https://x/api?k=v",
            "https://x:99999/api",
            "https://x/a b",
            "https://x\r\n/",
            "https://x/#f",
            "https://x:/api",
        ] {
            assert!(ApiUrl::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn origins_compare_by_scheme_host_and_port() {
        let list = [Origin::parse("allow_origin", "https://App.daytona.io").unwrap()];
        let allowed = |url: &str| ApiUrl::parse(url).unwrap().check_allowed(&list).is_ok();
        assert!(allowed("https://app.daytona.io/api"));
        assert!(allowed("https://app.daytona.io:443/other"));
        assert!(!allowed("http://app.daytona.io/api"));
        assert!(!allowed("https://app.daytona.io:444/api"));
        assert!(!allowed("https://app.daytona.io.evil.test/api"));
        assert!(Origin::parse("allow_origin", "https://app.daytona.io/api").is_err());
    }

    #[test]
    fn a_password_is_not_shown() {
        let text = ApiUrl::parse("https://u:canary@x/api")
            .unwrap_err()
            .to_string();
        assert!(!text.contains("canary"), "{text}");
    }
}
