use std::collections::BTreeSet;

use daytona_api::api::raw;
use daytona_api::routes::{ALL, Api, Route};
use daytona_api::test_util::Captured;

use super::{Lab, OPERATIONS};

/// Operations without a method, and why.
const MISSING: &[(&str, &str)] = &[];

/// The route with this method and path; the one with the fewest parameters, where several fit.
fn route(api: Api, method: &str, path: &str) -> &'static Route {
    let fits = |route: &&'static Route| {
        route.api == api
            && route.method.as_str() == method
            && route.path.split('/').count() == path.split('/').count()
            && route
                .path
                .split('/')
                .zip(path.split('/'))
                .all(|(known, sent)| known.starts_with('{') || known == sent)
    };
    let found = ALL
        .iter()
        .filter(fits)
        .min_by_key(|route| route.path_params.len());
    found.unwrap_or_else(|| panic!("{method} {path} is no route"))
}

/// Calls every method by hand that is one operation.
async fn everything() -> Vec<Captured> {
    let lab = Lab::new();
    for (_, group) in OPERATIONS {
        group(&lab).await;
    }
    lab.server.requests()
}

fn route_of(request: &Captured) -> &'static Route {
    operation(request.method(), request.path())
}

/// The route of a request of the lab.
pub(super) fn operation(method: &str, path: &str) -> &'static Route {
    match path.strip_prefix("/toolbox/sb-1") {
        Some(path) => route(Api::Toolbox, method, path),
        None => {
            let path = path.strip_prefix("/api").unwrap();
            route(Api::ControlPlane, method, path)
        }
    }
}

/// Every operation of the table has a method by hand, which is called here, or a generated one.
#[tokio::test]
async fn every_operation_has_a_method() {
    let requests = everything().await;
    let by_hand: BTreeSet<&str> = requests
        .iter()
        .map(|request| route_of(request).id)
        .collect();
    let generated: BTreeSet<&str> = raw::ROUTES.iter().map(|route| route.id).collect();
    let missing: BTreeSet<&str> = MISSING.iter().map(|(id, _)| *id).collect();
    let all: BTreeSet<&str> = ALL.iter().map(|route| route.id).collect();

    let twice: Vec<_> = by_hand.intersection(&generated).collect();
    assert!(twice.is_empty(), "by hand and generated: {twice:?}");
    let found: BTreeSet<&str> = by_hand.union(&generated).copied().collect();
    let untrue: Vec<_> = found.intersection(&missing).collect();
    assert!(untrue.is_empty(), "not missing any more: {untrue:?}");
    let lost: Vec<_> = all
        .difference(&found)
        .filter(|id| !missing.contains(*id))
        .collect();
    assert!(lost.is_empty(), "without a method: {lost:?}");
    // which operations are deprecated is visible in their methods
    let old: Vec<_> = ALL
        .iter()
        .filter(|route| route.deprecated)
        .map(|route| route.id)
        .collect();
    assert!(old.iter().all(|id| generated.contains(id)), "{old:?}");
    insta::assert_snapshot!(format!(
        "{} operations: {} by hand, {} generated, {} missing",
        all.len(),
        by_hand.len(),
        generated.len(),
        missing.len()
    ));
}
