use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Client, plain, start};

fn names(list: &Value) -> Vec<&str> {
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect()
}

async fn listed(client: &Client, query: &str) -> Vec<String> {
    let list = client.get(&format!("/api/sandbox?{query}")).await.json();
    names(&list).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn pages_hold_every_sandbox_once() {
    let (server, client) = start(plain().manual_clock()).await;
    for number in 0..7 {
        client
            .create(json!({ "name": format!("s{number}"), "env": { "SECRET": "x" } }))
            .await;
        server.advance(Duration::from_secs(1)).unwrap();
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client
            .get(&format!("/api/sandbox?limit=3&cursor={cursor}"))
            .await
            .json();
        assert!(
            page["items"][0].get("env").is_none(),
            "lists have no environment"
        );
        seen.extend(names(&page).into_iter().map(str::to_owned));
        match page["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(
        seen,
        ["s6", "s5", "s4", "s3", "s2", "s1", "s0"],
        "last activity first"
    );
    let page = client
        .get("/api/sandbox/paginated?page=2&limit=3")
        .await
        .json();
    assert_eq!(names(&page), ["s3", "s2", "s1"]);
    assert_eq!(
        (&page["total"], &page["totalPages"]),
        (&json!(7), &json!(3))
    );
    assert_eq!(page["items"][0]["env"], json!({ "SECRET": "x" }));
}

#[tokio::test]
async fn filters_choose() {
    let (server, client) = start(plain().manual_clock()).await;
    client
        .create(json!({ "name": "Alpha", "labels": { "a": "b c", "z": "1" } }))
        .await;
    server.advance(Duration::from_secs(60)).unwrap();
    client
        .create(json!({ "name": "beta", "labels": { "a": "other" }, "target": "eu" }))
        .await;
    client.post("/api/sandbox/beta/stop").await;
    assert_eq!(listed(&client, "name=al").await, ["Alpha"]);
    assert_eq!(
        listed(&client, "labels=%7B%22a%22%3A%20%22b%20c%22%7D").await,
        ["Alpha"]
    );
    assert_eq!(
        listed(
            &client,
            "labels=%7B%22a%22%3A%22b+c%22%2C%22z%22%3A%222%22%7D"
        )
        .await,
        [""; 0]
    );
    assert_eq!(
        listed(&client, "states=stopped&states=error").await,
        ["beta"]
    );
    assert_eq!(listed(&client, "regionIds=eu").await, ["beta"]);
    assert_eq!(
        listed(&client, "sort=name&order=asc").await,
        ["Alpha", "beta"]
    );
    assert_eq!(
        listed(&client, "lastEventBefore=2027-01-15T08:00:30Z").await,
        ["Alpha"]
    );
    client
        .call("DELETE", "/api/sandbox/Alpha", Value::Null)
        .await;
    assert_eq!(
        listed(&client, "").await,
        ["beta"],
        "destroyed ones are never listed"
    );
}

#[tokio::test]
async fn a_bad_query_is_400() {
    let (_server, client) = start(plain()).await;
    client.create(json!({})).await;
    for query in [
        "limit=0",
        "limit=201",
        "limit=x",
        "labels=nonsense",
        "states=destroyed",
        "states=happy",
        "cursor=!",
        "order=up",
        "sort=colour",
        "createdAtAfter=yesterday",
    ] {
        assert_eq!(
            client.get(&format!("/api/sandbox?{query}")).await.status,
            400,
            "{query}"
        );
    }
    assert_eq!(
        client.get("/api/sandbox/paginated?page=0").await.status,
        400
    );
}
