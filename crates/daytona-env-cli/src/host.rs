//! The one place that reads the process environment.

use context_vars::Secret;
use daytona_api::Config;

use crate::error::Failure;

const API_KEY: &str = "DAYTONA_API_KEY";
const JWT: &str = "DAYTONA_JWT_TOKEN";
const ORGANIZATION: &str = "DAYTONA_ORGANIZATION_ID";
const API_URL: &str = "DAYTONA_API_URL";
const TARGET: &str = "DAYTONA_TARGET";
/// What opens the server of `mcp --http`.
pub(crate) const MCP_TOKEN: &str = "DAYTONA_ENV_MCP_TOKEN";
/// Where Daytona's own service listens.
pub(crate) const DEFAULT_API_URL: &str = "https://app.daytona.io/api";

/// What the environment of this process says about us.
#[derive(Debug, Clone, Default)]
pub(crate) struct HostEnv {
    api_key: Option<Secret>,
    jwt: Option<Secret>,
    organization: Option<String>,
    /// It may hold a password, until it is checked.
    api_url: Option<Secret>,
    target: Option<String>,
    mcp_token: Option<Secret>,
    log: Option<String>,
    term: Option<String>,
}

/// A Daytona server and the credential for it.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) credential: Credential,
    pub(crate) api_url: String,
    pub(crate) target: Option<String>,
}

/// How we say who we are.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    ApiKey(Secret),
    Jwt { token: Secret, organization: String },
}

impl Account {
    /// The client's configuration for it.
    pub(crate) fn config(&self) -> Config {
        let config = match &self.credential {
            Credential::ApiKey(key) => Config::new(key.expose()),
            Credential::Jwt {
                token,
                organization,
            } => Config::jwt(token.expose(), organization),
        };
        config.api_url(&self.api_url)
    }

    /// What to do where something that is no Daytona API answered.
    pub(crate) fn not_daytona(&self) -> String {
        if self.api_url.trim_end_matches('/').ends_with("/api") {
            format!("check {API_URL}: what answers there is not a Daytona API")
        } else {
            format!("{API_URL} does not end in /api; Daytona's own is {DEFAULT_API_URL}")
        }
    }
}

/// A URL that may be shown: nothing of one that holds more than an address is ever printed.
fn checked(url: &str) -> Result<String, Failure> {
    if url.contains('@') {
        return Err(
            Failure::new(format!("{API_URL} holds a user name or password")).hint(format!(
                "give it without; the credential belongs into {API_KEY}"
            )),
        );
    }
    if url.contains(['?', '#']) {
        return Err(
            Failure::new(format!("{API_URL} has a query or a fragment")).hint(format!(
                "give the address alone; the credential belongs into {API_KEY}"
            )),
        );
    }
    Ok(url.to_owned())
}

/// A credential that a header can carry; what is wrong with another is said without it.
fn header(name: &str, credential: &Secret) -> Result<Secret, Failure> {
    if credential
        .expose()
        .bytes()
        .all(|byte| byte.is_ascii_graphic())
    {
        return Ok(credential.clone());
    }
    Err(Failure::new(format!(
        "{name} holds a blank, a control character or a character outside ASCII, which no Daytona credential does"
    ))
    .hint("check for a stray line break"))
}

impl HostEnv {
    pub(crate) fn read() -> Self {
        Self {
            api_key: read(API_KEY).map(Secret::new),
            jwt: read(JWT).map(Secret::new),
            organization: read(ORGANIZATION),
            api_url: read(API_URL).map(Secret::new),
            target: read(TARGET),
            mcp_token: read(MCP_TOKEN).map(Secret::new),
            log: read("RUST_LOG"),
            term: read("TERM"),
        }
    }

    /// What kind of terminal the person has.
    pub(crate) fn term(&self) -> Option<&str> {
        self.term.as_deref()
    }

    pub(crate) fn mcp_token(&self) -> Option<&Secret> {
        self.mcp_token.as_ref()
    }

    pub(crate) fn log_filter(&self) -> Option<&str> {
        self.log.as_deref()
    }

    /// The account that is configured; `None` without any credential.
    ///
    /// Whoever names a server but has lost the key must not end up running commands on this machine instead, so half
    /// a configuration is an error.
    pub(crate) fn account(&self) -> Result<Option<Account>, Failure> {
        let credential = match (&self.api_key, &self.jwt) {
            (Some(key), _) if key.expose().trim().is_empty() => {
                return Err(Failure::new(format!("{API_KEY} is set but empty"))
                    .hint("give it the key, or unset it to use the embedded server"));
            }
            (Some(key), _) => Credential::ApiKey(header(API_KEY, key)?),
            (None, Some(token)) => Credential::Jwt {
                token: header(JWT, token)?,
                organization: self.organization.clone().ok_or_else(|| {
                    Failure::new(format!("{JWT} is set but {ORGANIZATION} is not"))
                })?,
            },
            (None, None) => match &self.api_url {
                None => return Ok(None),
                Some(_) => {
                    return Err(Failure::new(format!("{API_URL} is set but {API_KEY} is not"))
                        .hint(format!("set {API_KEY} for that server, or unset {API_URL} to use the embedded server")));
                }
            },
        };
        Ok(Some(Account {
            credential,
            api_url: match &self.api_url {
                Some(url) => checked(url.expose())?,
                None => DEFAULT_API_URL.to_owned(),
            },
            target: self.target.clone(),
        }))
    }

    /// Which variables are set, without their values.
    pub(crate) fn configured(&self) -> [(&'static str, bool); 5] {
        [
            (API_KEY, self.api_key.is_some()),
            (JWT, self.jwt.is_some()),
            (ORGANIZATION, self.organization.is_some()),
            (API_URL, self.api_url.is_some()),
            (TARGET, self.target.is_some()),
        ]
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the environment loader")]
fn read(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_configuration_never_means_the_embedded_server() {
        let text = |host: &HostEnv| match host.account() {
            Ok(account) => format!("{:?}", account.map(|a| a.api_url)),
            Err(failure) => failure.to_string(),
        };
        let none = HostEnv::default();
        let url = HostEnv {
            api_url: Some("http://127.0.0.1:1/api".into()),
            ..none.clone()
        };
        let empty = HostEnv {
            api_key: Some("".into()),
            ..none.clone()
        };
        let jwt = HostEnv {
            jwt: Some("x".into()),
            ..none.clone()
        };
        let key = HostEnv {
            api_key: Some("x".into()),
            ..none.clone()
        };
        assert_eq!(text(&none), "None");
        assert_eq!(
            text(&url),
            "DAYTONA_API_URL is set but DAYTONA_API_KEY is not"
        );
        assert_eq!(text(&empty), "DAYTONA_API_KEY is set but empty");
        assert_eq!(
            text(&jwt),
            "DAYTONA_JWT_TOKEN is set but DAYTONA_ORGANIZATION_ID is not"
        );
        assert_eq!(text(&key), format!("Some({DEFAULT_API_URL:?})"));
    }
}
