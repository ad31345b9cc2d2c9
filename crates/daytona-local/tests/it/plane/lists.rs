//! The list and its older form.

use serde_json::{Value, json};

use super::client::{create, get, minutes, named, send, server, server_with};

fn names(page: &Value) -> Vec<&str> {
    let items = page["items"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    items
        .iter()
        .filter_map(|item| item["name"].as_str())
        .collect()
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let server = server().await;
    for number in 0..5 {
        named(&server, &format!("s{number}")).await;
        server.advance(minutes(1)).unwrap();
    }
    let mut seen = Vec::new();
    let mut path = "/api/sandbox?limit=2".to_owned();
    loop {
        let page = get(&server, &path).await.json();
        seen.extend(names(&page).into_iter().map(str::to_owned));
        match page["nextCursor"].as_str() {
            Some(cursor) => path = format!("/api/sandbox?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, ["s4", "s3", "s2", "s1", "s0"]);
    let page = get(&server, "/api/sandbox?limit=200&sort=name&order=asc")
        .await
        .json();
    assert_eq!(names(&page), ["s0", "s1", "s2", "s3", "s4"]);
    assert!(page["nextCursor"].is_null());
}

#[tokio::test]
async fn filters_select_by_labels_name_id_and_state() {
    let server = server().await;
    create(
        &server,
        json!({ "name": "Alpha", "labels": { "team": "x", "n": "1" } }),
    )
    .await;
    create(
        &server,
        json!({ "name": "beta", "labels": { "team": "x", "n": "2" } }),
    )
    .await;
    let id = named(&server, "gamma").await;
    send(&server, "POST", "/api/sandbox/gamma/stop", None).await;
    server.settled().await;
    for (query, wanted) in [
        (
            "labels=%7B%22team%22%3A%20%22x%22%7D",
            vec!["Alpha", "beta"],
        ),
        (
            "labels=%7B%22team%22%3A%22x%22%2C%22n%22%3A%222%22%7D",
            vec!["beta"],
        ),
        ("name=AL", vec!["Alpha"]),
        ("states=stopped", vec!["gamma"]),
        (
            "states=stopped&states=started",
            vec!["Alpha", "beta", "gamma"],
        ),
        (
            "states[]=stopped&states[]=started",
            vec!["Alpha", "beta", "gamma"],
        ),
        ("labels=%7B%7D", vec!["Alpha", "beta", "gamma"]),
    ] {
        let page = get(
            &server,
            &format!("/api/sandbox?sort=name&order=asc&{query}"),
        )
        .await
        .json();
        assert_eq!(names(&page), wanted, "{query}");
    }
    let page = get(&server, &format!("/api/sandbox?id={}", &id[..8]))
        .await
        .json();
    assert_eq!(names(&page), ["gamma"]);
    let item = &page["items"][0];
    assert!(item.get("env").is_none());
    assert_eq!(item["state"], "stopped");
}

#[tokio::test]
async fn bad_queries_are_refused() {
    let server = server().await;
    for query in [
        "limit=0",
        "limit=201",
        "limit=ten",
        "cursor=nonsense",
        "labels=%7Bnope",
        "states=hibernating",
        "states=destroyed",
        "sort=colour",
        "order=up",
    ] {
        assert_eq!(
            get(&server, &format!("/api/sandbox?{query}")).await.status,
            400,
            "{query}"
        );
    }
}

#[tokio::test]
async fn what_is_destroyed_is_not_listed() {
    let server = server().await;
    named(&server, "gone").await;
    named(&server, "here").await;
    send(&server, "DELETE", "/api/sandbox/gone", None).await;
    server.settled().await;
    assert_eq!(names(&get(&server, "/api/sandbox").await.json()), ["here"]);
    let page = get(&server, "/api/sandbox/paginated").await.json();
    assert_eq!((names(&page), &page["total"]), (vec!["here"], &json!(1)));
}

#[tokio::test]
async fn the_older_list_has_numbered_pages_of_whole_sandboxes() {
    let server = server_with(|builder| builder).await;
    for number in 0..5 {
        named(&server, &format!("s{number}")).await;
        server.advance(minutes(1)).unwrap();
    }
    let page = get(&server, "/api/sandbox/paginated?page=2&limit=2")
        .await
        .json();
    assert_eq!(names(&page), ["s2", "s1"]);
    assert_eq!(
        (&page["total"], &page["page"], &page["totalPages"]),
        (&json!(5), &json!(2), &json!(3))
    );
    assert!(page["items"][0]["env"].is_object());
    assert_eq!(
        get(&server, "/api/sandbox/paginated?page=0").await.status,
        400
    );
}
