//! Who is let in.

use http::header::{AUTHORIZATION, COOKIE, HOST, HeaderValue, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use super::address::{Address, Whose};
use super::headers::Secrets;
use super::{TOOLBOX, Visit};
use crate::app::App;
use crate::control::row::Row;
use crate::server::auth;
use crate::web::query::Query;
use crate::web::reply::{Failure, Reply};

pub(super) const TOKEN: HeaderName = HeaderName::from_static("x-daytona-preview-token");
pub(super) const PARAMETER: &str = "DAYTONA_SANDBOX_AUTH_KEY";
pub(super) const COOKIES: &str = "daytona-sandbox-auth-";
/// How long a browser keeps its cookie, in seconds. It opens nothing after the next start of its sandbox.
const COOKIE_AGE: u32 = 3600;
/// Ports that are not open to everybody though the sandbox is.
const NEVER_PUBLIC: [u16; 3] = [TOOLBOX, 22_222, 33_333];

/// What becomes of a request for a preview.
pub(crate) enum Entered {
    In(Visit),
    /// It is answered already.
    Answered(Reply),
}

pub(crate) fn enter(app: &App, address: Address, parts: &Parts) -> Result<Entered, Failure> {
    let headers = &parts.headers;
    // never in the origin of this server, which all sandboxes would share
    let navigates = headers
        .get("sec-fetch-mode")
        .is_some_and(|mode| mode == "navigate");
    if !address.by_host && navigates && parts.method.is_safe() {
        let place = address.in_browser(app);
        let reply = Reply::empty(307).header(http::header::LOCATION, &place);
        return Ok(Entered::Answered(reply));
    }
    let master = auth::check_token(app, headers).is_ok();
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let now = app.clock.now();
    let mut store = app.store();
    let Whose(whose) = &address.whose;
    let signed = store
        .signed(address.port, whose, now)
        .map(|row| row.id.clone());
    let is_signed = signed.is_some();
    let found = store.keeps(signed.as_deref().unwrap_or(whose)).ok();
    // by its id only
    let found = found.filter(|row| is_signed || row.id == *whose);
    let Some(row) = found else {
        return Err(if master {
            Failure::not_found(format!(
                "not found: there is no sandbox with a preview at this address, port {}",
                address.port
            ))
        } else {
            refused()
        });
    };
    let open = row.public && !NEVER_PUBLIC.contains(&address.port);
    let given = given(row, headers, &query);
    let by_cookie = address.by_host && cookie(row, headers) && of_own_page(headers);
    if !(open || is_signed || master || given || by_cookie) {
        return Err(refused());
    }
    let by_query = query
        .get(PARAMETER)
        .is_some_and(|token| row.keys.is_preview(token));
    let cookie = (address.by_host && by_query).then(|| {
        let (id, token) = (&row.id, row.keys.preview());
        let cookie =
            format!("{COOKIES}{id}={token}; Max-Age={COOKIE_AGE}; Path=/; HttpOnly; SameSite=Lax");
        HeaderValue::from_str(&cookie).ok()
    });
    Ok(Entered::In(Visit {
        sandbox: row.id.clone(),
        cookie: cookie.flatten(),
        secrets: Secrets::new(
            &app.token,
            master,
            row.keys.preview(),
            is_signed.then_some(whose),
        ),
        address,
    }))
}

/// Whether a request for a sandbox's toolbox holds the token of its previews.
pub(crate) fn opens(app: &App, sandbox: &str, headers: &HeaderMap, query: &str) -> bool {
    let mut store = app.store();
    let row = store.keeps(sandbox).ok().filter(|row| row.id == sandbox);
    row.is_some_and(|row| given(row, headers, &Query::parse(query)))
}

fn given(row: &Row, headers: &HeaderMap, query: &Query) -> bool {
    let header = headers.get(TOKEN).and_then(|token| token.to_str().ok());
    let bearer = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let bearer = bearer
        .and_then(|value| value.split_once(' '))
        .map(|(_, token)| token.trim());
    let all = [header, query.get(PARAMETER), bearer];
    all.into_iter()
        .flatten()
        .any(|token| row.keys.is_preview(token))
}

/// Whether it holds the cookie of this sandbox.
fn cookie(row: &Row, headers: &HeaderMap) -> bool {
    let name = format!("{COOKIES}{}", row.id);
    let values = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut cookies = values
        .flat_map(|value| value.split(';'))
        .filter_map(|one| one.trim().split_once('='));
    cookies.any(|(of, token)| of == name && row.keys.is_preview(token))
}

/// A cookie comes with whatever a browser sends; the page that sends it must be the preview's own.
fn of_own_page(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    headers.get(ORIGIN).is_none_or(|origin| {
        let origin = origin
            .to_str()
            .ok()
            .and_then(|origin| origin.strip_prefix("http://"));
        origin.is_some() && origin == host
    })
}

fn refused() -> Failure {
    Failure::new(
        401,
        "UNAUTHORIZED",
        "unauthorized: authentication failed: a preview takes its token in the header X-Daytona-Preview-Token or the \
         query parameter DAYTONA_SANDBOX_AUTH_KEY, or the API key as a bearer token",
    )
}
