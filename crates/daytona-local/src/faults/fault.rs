//! One fault: which requests it hits, and how often.

use std::fmt;
use std::sync::Arc;

use daytona_api::routes::Route;

use super::action::Action;

/// What a filter of a fault may look at.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestInfo {
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query string, empty if there is none.
    pub query: String,
    /// The id of the operation.
    pub route: &'static str,
}

type Filter = Arc<dyn Fn(&RequestInfo) -> bool + Send + Sync>;

/// One scripted fault: what it hits, how often, and what happens then.
///
/// Begin with [`Fault::on`] or [`Fault::any`], say what happens, and hand it to [`Faults::inject`](crate::Faults::inject).
/// Without [`Fault::times`] or [`Fault::always`] it strikes once. One that says nothing of what happens resets the
/// connection before anything is done.
///
/// ```
/// use daytona_api::routes::control_plane::CREATE_SANDBOX;
/// use daytona_local::Fault;
///
/// // The second and the third create are done, but their answers are lost.
/// let lost = Fault::on(&CREATE_SANDBOX).nth(2).times(2).reset_after_commit();
/// # drop(lost);
/// ```
#[derive(Clone)]
#[must_use]
pub struct Fault {
    pub(super) route: Option<&'static str>,
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    filter: Option<Filter>,
    pub(super) skip: u64,
    /// `None` for ever.
    pub(super) times: Option<u64>,
    pub(super) action: Action,
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("route", &self.route)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("filtered", &self.filter.is_some())
            .field("skip", &self.skip)
            .field("times", &self.times)
            .field("action", &self.action.name())
            .finish()
    }
}

impl Fault {
    /// Hits requests of this operation.
    pub fn on(route: &Route) -> Self {
        Self::new(Some(route.id))
    }

    /// Hits every request.
    pub fn any() -> Self {
        Self::new(None)
    }

    pub(super) fn new(route: Option<&'static str>) -> Self {
        Self {
            route,
            method: None,
            path: None,
            filter: None,
            skip: 0,
            times: Some(1),
            action: Action::ResetBefore,
        }
    }

    pub(super) fn with(mut self, action: Action) -> Self {
        self.action = action;
        self
    }

    /// Hits only requests with this method (`GET`), spelt in any case. Others are not counted.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Hits only requests with this path, as it was sent and without the query. A `*` stands for any text, also none:
    /// `/api/sandbox/*`, `*/process/execute`. Others are not counted.
    pub fn path(mut self, pattern: impl Into<String>) -> Self {
        self.path = Some(pattern.into());
        self
    }

    /// Hits only requests for which `filter` is true. Others are not counted.
    pub fn matching(
        mut self,
        filter: impl Fn(&RequestInfo) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.filter = Some(Arc::new(filter));
        self
    }

    /// Hits from the `n`th matching request on, counted from 1.
    pub fn nth(mut self, n: u64) -> Self {
        self.skip = n.saturating_sub(1);
        self
    }

    /// Strikes `n` times; 0 never.
    pub fn times(mut self, n: u64) -> Self {
        self.times = Some(n);
        self
    }

    /// Strikes until it is removed.
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    pub(super) fn fits(&self, request: &RequestInfo) -> bool {
        self.route.is_none_or(|route| route == request.route)
            && self
                .method
                .as_ref()
                .is_none_or(|method| method.eq_ignore_ascii_case(&request.method))
            && self
                .path
                .as_ref()
                .is_none_or(|pattern| matches(pattern, &request.path))
            && self.filter.as_ref().is_none_or(|filter| filter(request))
    }
}

/// Whether a text is what a pattern with `*` says.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        match text.split_once(part) {
            Some((_, after)) => text = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_is_any_text() {
        for (pattern, text, fits) in [
            ("/api/sandbox", "/api/sandbox", true),
            ("/api/sandbox", "/api/sandbox/x", false),
            ("/api/sandbox/*", "/api/sandbox/x", true),
            ("/api/sandbox/*", "/api/sandbox/", true),
            ("/api/sandbox/*", "/api/sandbox", false),
            ("*", "", true),
            ("*/execute", "/toolbox/x/process/execute", true),
            ("*/execute", "/toolbox/x/process/execute/y", false),
            ("/toolbox/*/process/*", "/toolbox/x/process/execute", true),
            ("/toolbox/*/files*", "/toolbox/x/process/execute", false),
            ("a*b*b", "ab", false),
            ("a*b*b", "abb", true),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
