//! Who may talk to the server: the holder of the token, from this machine, not from a web page.

use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::{HeaderMap, HeaderValue};
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::web::reply::Failure;

/// Refuses other host names (a rebound DNS name would be one) and browsers.
pub(crate) fn check_origin(
    app: &App,
    route: Option<&str>,
    headers: &HeaderMap,
) -> Result<(), Failure> {
    let host = check_host(app, headers)?;
    // clients that are no browsers name the server itself when they open a WebSocket; it has no pages that could
    let own = |origin: &HeaderValue| {
        let origin = origin.to_str().unwrap_or_default();
        route == Some("connectEvents") && origin.strip_prefix("http://") == Some(host)
    };
    if headers.get(ORIGIN).is_some_and(|origin| !own(origin)) {
        let message = "requests of web pages are refused";
        return Err(Failure::new(403, "FORBIDDEN", message));
    }
    Ok(())
}

/// The name by which this server was called, which must be one of its own.
pub(super) fn check_host<'a>(app: &App, headers: &'a HeaderMap) -> Result<&'a str, Failure> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts
        .next()
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let ours = ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| {
        host.strip_prefix(name)
            .and_then(|rest| rest.strip_prefix(':'))
            .is_some_and(|rest| rest.parse() == Ok(app.own_port()))
    });
    if !ours || hosts.next().is_some() {
        let message = "this host name is not served here";
        return Err(Failure::new(403, "FORBIDDEN", message));
    }
    Ok(host)
}

/// Wants the bearer token.
pub(crate) fn check_token(app: &App, headers: &HeaderMap) -> Result<(), Failure> {
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let right = given.is_some_and(|token| token.as_bytes().ct_eq(app.token.as_bytes()).into());
    if right {
        Ok(())
    } else {
        Err(Failure::new(401, "UNAUTHORIZED", "Invalid credentials"))
    }
}
