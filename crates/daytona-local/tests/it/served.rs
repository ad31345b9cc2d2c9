//! What docs/testing-offline.md lists: the routes that are not served, and what faults do.
#![expect(clippy::print_stdout, reason = "what is left out is said")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use daytona_api::routes::{ALL, Api, Route};
use daytona_local::FaultScript;
use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::support::{Client, plain, start};

const PAGE: &str = "../../docs/testing-offline.md";
/// The table stands between this line and the next empty one.
const HEAD: &str = "| part of the API | answered 501 | why |";

/// The page and where it lies; `None` in a package, which has no pages.
fn page() -> Option<(PathBuf, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    if !file.exists() {
        println!("SKIPPED: there are no pages in a package");
        return None;
    }
    let page = std::fs::read_to_string(&file).unwrap();
    Some((file, page))
}

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

/// What is not served, with the reason that the answer gives.
async fn unserved(client: &Client, sandbox: &str) -> BTreeMap<&'static str, String> {
    let asked = stream::iter(ALL).map(|route| async move {
        let method = route.method.as_str();
        let answer = client.call(method, &path(route, sandbox), json!({})).await;
        (answer.status == 501).then(|| {
            let message = answer.json()["message"].as_str().unwrap().to_owned();
            let head = format!("{} is not served by this embedded server: ", route.id);
            let why = message.strip_prefix(&head);
            let why = why.unwrap_or_else(|| panic!("{message}"));
            assert_ne!(why, "it has no part here", "{}", route.id);
            (route.id, why.to_owned())
        })
    });
    let all: Vec<_> = asked.buffer_unordered(16).collect().await;
    all.into_iter().flatten().collect()
}

#[tokio::test]
async fn the_page_lists_what_is_not_served() {
    let Some((file, page)) = page() else { return };
    let (server, client) = start(plain()).await;
    let sandbox = client.create(json!({})).await;
    let found = unserved(&client, &sandbox).await;
    server.shutdown().await;
    for served in ["createVolume", "ExecuteCommand"] {
        assert!(!found.contains_key(served), "{served}");
    }

    let mut table = format!("{HEAD}\n|---|---|---|\n");
    let parts: BTreeMap<String, Vec<&Route>> =
        ALL.iter().fold(BTreeMap::new(), |mut parts, route| {
            let of_part: &mut Vec<&Route> = parts.entry(part(route)).or_default();
            of_part.push(route);
            parts
        });
    for (part, routes) in parts {
        let (missing, served): (Vec<_>, Vec<_>) = routes
            .iter()
            .partition(|route| found.contains_key(route.id));
        let whys: BTreeSet<&str> = missing
            .iter()
            .map(|route: &&&Route| found[route.id].as_str())
            .collect();
        let several = whys.len() > 1;
        for why in whys {
            let of_why = |route: &&&&Route| found[route.id] == why;
            let missing: Vec<_> = missing.iter().filter(of_why).copied().collect();
            let told = if several || served.len() >= missing.len() {
                names(&missing)
            } else if served.is_empty() {
                format!("all {}", missing.len())
            } else {
                format!("all but {}", names(&served))
            };
            table.push_str(&format!("| {part} | {told} | {why} |\n"));
        }
    }
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

/// What stands between two texts, the first time.
fn between<'a>(page: &'a str, head: &str, end: &str) -> &'a str {
    let (_, rest) = page.split_once(head).unwrap();
    rest.split_once(end).unwrap().0
}

/// What a script may say, by what is told of something that it may not.
fn known(script: &str) -> BTreeSet<String> {
    let error = FaultScript::parse(script).unwrap_err().to_string();
    let (_, names) = error.split_once("expected one of ").unwrap();
    let names = names.split('`').skip(1).step_by(2);
    names.map(str::to_owned).collect()
}

#[test]
fn the_page_lists_what_faults_do() {
    let Some((_, page)) = page() else { return };
    let table = between(&page, "| `do` | what happens |\n|---|---|\n", "\n\n");
    let effects = table.lines().flat_map(|line| {
        let cell = between(line, "| ", " | ");
        let pieces = cell.split('`').skip(1).step_by(2);
        // "name" by itself, {"name": ..} with members
        pieces.map(|piece| piece.split('"').nth(1).unwrap().to_owned())
    });
    let wanted = known(r#"{ "faults": [ { "do": "explode" } ] }"#);
    assert_eq!(effects.collect::<BTreeSet<_>>(), wanted);

    let kinds = between(&page, "Kinds of a plan: ", ";");
    let kinds = kinds.split('`').skip(1).step_by(2).map(str::to_owned);
    let wanted = known(r#"{ "plans": [ { "seed": 1, "kinds": ["earthquake"] } ] }"#);
    assert_eq!(kinds.collect::<BTreeSet<_>>(), wanted);
}
