//! Which documented routes are not served, as docs/testing-offline.md tells.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use daytona_api::routes::{ALL, Api, Route};
use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::support::{Client, plain, start};

const PAGE: &str = "../../docs/testing-offline.md";
/// The table stands between this line and the next empty one.
const HEAD: &str = "| part of the API | answered 501 |";

/// With `x` for every parameter: whether a route is served is decided before anything is looked for.
fn path(route: &Route, sandbox: &str) -> String {
    let mut path = match route.api {
        Api::Toolbox => format!("/toolbox/{sandbox}"),
        _ => "/api".to_owned(),
    };
    for part in route.path.split('/').skip(1) {
        path.push('/');
        path.push_str(if part.starts_with('{') { "x" } else { part });
    }
    path
}

fn part(route: &Route) -> String {
    match route.api {
        Api::Toolbox => format!("{} (toolbox)", route.tag),
        _ => route.tag.to_owned(),
    }
}

fn names(routes: &[&&Route]) -> String {
    let names: Vec<_> = routes
        .iter()
        .map(|route| format!("`{}`", route.id))
        .collect();
    names.join(", ")
}

async fn unserved(client: &Client, sandbox: &str) -> BTreeSet<&'static str> {
    let asked = stream::iter(ALL).map(|route| async move {
        let method = route.method.as_str();
        let answer = client.call(method, &path(route, sandbox), json!({})).await;
        (answer.status == 501).then_some(route.id)
    });
    let all: Vec<_> = asked.buffer_unordered(16).collect().await;
    all.into_iter().flatten().collect()
}

#[tokio::test]
async fn the_page_lists_what_is_not_served() {
    let (server, client) = start(plain()).await;
    let sandbox = client.create(json!({})).await;
    let found = unserved(&client, &sandbox).await;
    server.shutdown().await;
    for served in ["createVolume", "ExecuteCommand"] {
        assert!(!found.contains(served), "{served}");
    }

    let mut table = format!("{HEAD}\n|---|---|\n");
    let parts: BTreeMap<String, Vec<&Route>> =
        ALL.iter().fold(BTreeMap::new(), |mut parts, route| {
            let of_part: &mut Vec<&Route> = parts.entry(part(route)).or_default();
            of_part.push(route);
            parts
        });
    for (part, routes) in parts {
        let (missing, served): (Vec<_>, Vec<_>) =
            routes.iter().partition(|route| found.contains(route.id));
        if missing.is_empty() {
            continue;
        }
        let told = if served.is_empty() {
            format!("all {}", missing.len())
        } else if served.len() < missing.len() {
            format!("all but {}", names(&served))
        } else {
            names(&missing)
        };
        table.push_str(&format!("| {part} | {told} |\n"));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = std::fs::read_to_string(&file).unwrap();
    let begin = page.find(HEAD).unwrap();
    let end = begin + page[begin..].find("\n\n").unwrap() + 1;
    if std::env::var_os("WRITE_SERVED").is_some() {
        std::fs::write(&file, format!("{}{table}{}", &page[..begin], &page[end..])).unwrap();
        return;
    }
    assert_eq!(
        &page[begin..end],
        table,
        "run this test with WRITE_SERVED=1, which writes the table"
    );
}
