//! From a method and a path to an operation of Daytona's documents.

use std::collections::HashMap;
use std::sync::LazyLock;

use daytona_api::routes::{self, Api};
use matchit::Router;

use crate::web::Matched;
use crate::web::query::decode;

/// Routes that left the documents and that older clients still use.
const OLDER: [(&str, &str, &str); 2] = [
    ("POST", "/files/upload", "uploadFile_deprecated"),
    ("GET", "/project-dir", "getProjectDir_deprecated"),
];

#[derive(Debug, Default)]
struct Table {
    control: HashMap<&'static str, Router<&'static str>>,
    toolbox: HashMap<&'static str, Router<&'static str>>,
    /// What the proxy serves besides toolboxes.
    proxy: HashMap<&'static str, Router<&'static str>>,
    /// Documented routes that another one hides.
    hidden: Vec<&'static str>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table::default();
    for route in routes::ALL {
        table.add(route.api, route.method.as_str(), route.path, route.id);
    }
    let events = routes::EVENT_SOCKET;
    table.add(
        events.api,
        events.method.as_str(),
        // a slash at the end is not looked at
        events.path.trim_end_matches('/'),
        events.id,
    );
    for log in [routes::BUILD_LOG, routes::SNAPSHOT_BUILD_LOG] {
        let proxy = table.proxy.entry(log.method.as_str()).or_default();
        if proxy.insert(log.path, log.id).is_err() {
            table.hidden.push(log.id);
        }
    }
    for (method, path, id) in OLDER {
        table.add(Api::Toolbox, method, path, id);
    }
    table
});

impl Table {
    fn add(&mut self, api: Api, method: &'static str, path: &'static str, id: &'static str) {
        let routers = match api {
            Api::Toolbox => &mut self.toolbox,
            _ => &mut self.control,
        };
        if routers.entry(method).or_default().insert(path, id).is_err() {
            self.hidden.push(id);
        }
    }
}

pub(crate) fn find(method: &str, path: &str) -> Matched {
    let miss = |api| Matched {
        api,
        route: None,
        params: Vec::new(),
        sandbox: None,
    };
    if let Some(rest) = path.strip_prefix("/toolbox/") {
        let (sandbox, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let mut matched = look_up(&TABLE.toolbox, Api::Toolbox, method, &format!("/{rest}"));
        matched.sandbox = Some(decode(sandbox));
        return matched;
    }
    if path.starts_with("/sandboxes/") || path.starts_with("/snapshots/") {
        return look_up(&TABLE.proxy, Api::ControlPlane, method, path);
    }
    match path.strip_prefix("/api") {
        Some(rest) if rest.starts_with('/') => {
            look_up(&TABLE.control, Api::ControlPlane, method, rest)
        }
        _ => miss(Api::ControlPlane),
    }
}

fn look_up(
    routers: &HashMap<&'static str, Router<&'static str>>,
    api: Api,
    method: &str,
    path: &str,
) -> Matched {
    let path = if path.len() > 1 {
        path.trim_end_matches('/')
    } else {
        path
    };
    let found = routers.get(method).and_then(|router| router.at(path).ok());
    let (route, params) = match found {
        None => (None, Vec::new()),
        Some(found) => (
            Some(*found.value),
            found
                .params
                .iter()
                .map(|(_, value)| decode(value))
                .collect(),
        ),
    };
    Matched {
        api,
        route,
        params,
        sandbox: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_documented_route_hides_another() {
        assert!(TABLE.hidden.is_empty(), "{:?}", TABLE.hidden);
    }

    #[test]
    fn every_documented_route_is_found() {
        for route in routes::ALL {
            let prefix = if route.api == Api::Toolbox {
                "/toolbox/id"
            } else {
                "/api"
            };
            let path = format!("{prefix}{}", route.path.replace(['{', '}'], "_"));
            let matched = find(route.method.as_str(), &path);
            assert_eq!(matched.route, Some(route.id), "{path}");
        }
    }

    #[test]
    fn no_token_is_shown() {
        for (method, path) in [
            ("GET", "/api/preview/id/validate/SECRET"),
            (
                "POST",
                "/api/sandbox/x/ports/80/signed-preview-url/SECRET/expire",
            ),
            ("GET", "/api/preview/SECRET/80/sandbox-id"),
            ("GET", "/api/preview/SECRET/preview-warning"),
        ] {
            let shown = find(method, path).shown(path);
            assert_eq!(shown, path.replace("SECRET", "[redacted]"));
        }
    }

    #[test]
    fn parameters_are_decoded() {
        let matched = find("POST", "/api/sandbox/a%20b/ttl/5");
        assert_eq!(matched.route, Some("setTtl"));
        assert_eq!(matched.params, ["a b", "5"]);
        assert_eq!(find("GET", "/toolbox/x/files/").route, Some("ListFiles"));
        assert_eq!(find("GET", "/api/socket.io/").route, Some("connectEvents"));
        assert_eq!(find("POST", "/api/socket.io/").route, None);
        let log = find("GET", "/sandboxes/a/build-logs");
        assert_eq!(
            (log.route, log.params),
            (Some("readBuildLog"), vec!["a".to_owned()])
        );
    }
}
