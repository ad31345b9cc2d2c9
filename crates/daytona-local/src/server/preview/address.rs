//! Which port of which sandbox a request is for.

use http::HeaderMap;
use http::header::HOST;
use http::uri::Uri;

use crate::app::{App, PREVIEWS};
use crate::server::auth;

#[derive(Clone)]
pub(crate) struct Address {
    pub(super) port: u16,
    pub(super) whose: Whose,
    /// Whether the name of the host says it.
    pub(super) by_host: bool,
    /// Path and query as the program is to get them, not decoded.
    pub(super) rest: String,
}

/// A sandbox, by its id or by a signed token: it is not known yet which.
#[derive(Clone)]
pub(crate) struct Whose(pub(super) String);

impl Address {
    /// `None` if it is no request for a preview of this server.
    pub(crate) fn of(app: &App, uri: &Uri, headers: &HeaderMap) -> Option<Self> {
        let rest = uri.path_and_query().map_or("/", |rest| rest.as_str());
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok());
        let label = host.and_then(|host| {
            let (label, rest) = host.split_once('.')?;
            (rest.strip_prefix("localhost:")?.parse() == Ok(app.own_port())).then_some(label)
        });
        if let Some(label) = label {
            if hosts.next().is_some() {
                return None;
            }
            return Self::new(label, true, rest);
        }
        let path = rest.strip_prefix(PREVIEWS)?;
        auth::check_host(app, headers).ok()?;
        let end = path.find(['/', '?']).unwrap_or(path.len());
        let (label, rest) = path.split_at(end);
        Self::new(label, false, rest)
    }

    fn new(label: &str, by_host: bool, rest: &str) -> Option<Self> {
        let (port, whose) = parse(label)?;
        let slash = if rest.starts_with('/') { "" } else { "/" };
        Some(Self {
            port,
            whose,
            by_host,
            rest: format!("{slash}{rest}"),
        })
    }

    /// The same in a browser, where each preview has an origin of its own.
    pub(super) fn in_browser(&self, app: &App) -> String {
        let Self {
            port,
            whose: Whose(whose),
            rest,
            ..
        } = self;
        format!("http://{port}-{whose}.localhost:{}{rest}", app.own_port())
    }

    /// The path for the log: with the id of the sandbox if that is known, and never with a token.
    pub(crate) fn shown(&self, sandbox: Option<&str>) -> String {
        let path = self.rest.split('?').next().unwrap_or_default();
        let path = path.replace(&self.whose.0, "[redacted]");
        format!(
            "{PREVIEWS}{}-{}{path}",
            self.port,
            sandbox.unwrap_or("[unknown]")
        )
    }
}

/// `8080-id`
fn parse(label: &str) -> Option<(u16, Whose)> {
    let (port, whose) = label.split_once('-')?;
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|&port| digits && port > 0)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let whose = whose.to_ascii_lowercase();
    (!whose.is_empty() && whose.bytes().all(plain)).then_some((port, Whose(whose)))
}
