//! Faults from a seed and from JSON, and the admin endpoint.

use daytona_api::routes::control_plane as routes;
use daytona_local::{Fault, FaultKind, FaultPlan, FaultScript, Server};
use serde_json::{Value, json};

use super::client::{get, named, send, server, server_with, state, try_send, with_headers};

/// What happened to each of these requests.
async fn ends(server: &Server, paths: &[&str]) -> Vec<String> {
    let mut ends = Vec::new();
    for path in paths {
        let end = try_send(server, "GET", path, None).await;
        ends.push(end.map_or("reset".to_owned(), |answer| answer.status.to_string()));
    }
    ends
}

const FAST: [FaultKind; 5] = [
    FaultKind::ResetBeforeCommit,
    FaultKind::ResetAfterCommit,
    FaultKind::GatewayError,
    FaultKind::ServerError,
    FaultKind::RateLimited,
];

#[tokio::test]
async fn a_seed_says_which_request_is_hit_by_what() {
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let server = server().await;
        let plan = FaultPlan::seeded(seed).percent(50).kinds(FAST);
        let plan = server.faults().plan(plan);
        let run = ends(&server, &["/api/sandbox"; 30]).await;
        let hit = run.iter().filter(|end| *end != "200").count() as u64;
        assert_eq!(hit, plan.hits());
        assert!((5..25).contains(&hit), "{run:?}");
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn other_operations_do_not_change_what_a_seed_says() {
    let plan = || FaultPlan::seeded(5).percent(50).kinds(FAST);
    let alone = server().await;
    alone.faults().plan(plan());
    let alone = ends(&alone, &["/api/sandbox"; 12]).await;
    let mixed = server().await;
    mixed.faults().plan(plan());
    let mut lists = Vec::new();
    for _ in 0..12 {
        ends(&mixed, &["/api/config", "/api/snapshots"]).await;
        lists.extend(ends(&mixed, &["/api/sandbox"]).await);
    }
    assert_eq!(alone, lists);
}

#[tokio::test]
async fn a_plan_keeps_to_its_operations_and_its_end() {
    let server = server().await;
    let plan = FaultPlan::seeded(1)
        .percent(100)
        .on([&routes::LIST_SANDBOXES])
        .kinds([FaultKind::ServerError])
        .times(3);
    let plan = server.faults().plan(plan);
    let paths = ["/api/config", "/api/sandbox"].repeat(5);
    let seen = ends(&server, &paths).await;
    let wanted = [
        "200", "500", "200", "500", "200", "500", "200", "200", "200", "200",
    ];
    assert_eq!(seen, wanted);
    assert_eq!(plan.hits(), 3);
}

#[tokio::test]
async fn a_script_does_what_the_builder_does() {
    let server = server().await;
    let script = FaultScript::parse(
        r#"{
            "faults": [
                { "on": "createSandbox", "nth": 2, "do": "resetAfterCommit" },
                { "method": "get", "path": "/api/sandbox/*", "times": 2,
                  "do": { "answer": { "status": 429, "body": {"message": "slow"}, "headers": {"Retry-After": 3} } } },
                { "on": "listSandboxes", "always": true, "do": { "setFields": { "nextCursor": "again" } } }
            ]
        }"#,
    )
    .unwrap();
    let handles = server.faults().load(script);
    named(&server, "one").await;
    let two = Some(json!({ "name": "two" }));
    assert!(
        try_send(&server, "POST", "/api/sandbox", two)
            .await
            .is_err()
    );
    let answer = get(&server, "/api/sandbox/two").await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "3"));
    assert_eq!(state(&server, "two").await, "429");
    assert_eq!(state(&server, "two").await, "started");
    assert_eq!(
        get(&server, "/api/sandbox").await.json()["nextCursor"],
        "again"
    );
    let hits: Vec<_> = handles.iter().map(|handle| handle.hits()).collect();
    assert_eq!(hits, [1, 2, 1]);
}

#[test]
fn a_script_that_makes_no_sense_says_where() {
    let mut said = Vec::new();
    for script in [
        "{",
        r#"{ "fault": [] }"#,
        r#"{ "faults": [ { "on": "createSandbox" } ] }"#,
        r#"{ "faults": [ { "on": "createSandbox", "do": "explode" } ] }"#,
        r#"{ "faults": [ { "do": "hang" }, { "on": "makeSandbox", "do": "hang" } ] }"#,
        r#"{ "faults": [ { "nth": 0, "do": "hang" } ] }"#,
        r#"{ "faults": [ { "times": 2, "always": true, "do": "hang" } ] }"#,
        r#"{ "faults": [ { "do": { "answer": { "status": 99 } } } ] }"#,
        r#"{ "faults": [ { "do": { "delay": { "seconds": -1 } } } ] }"#,
        r#"{ "faults": [ { "do": { "delay": { "minutes": 1 } } } ] }"#,
        r#"{ "plans": [ { "seed": 1, "percent": 101 } ] }"#,
        r#"{ "plans": [ { "seed": 1, "kinds": ["earthquake"] } ] }"#,
        r#"{ "plans": [ { "percent": 1 } ] }"#,
    ] {
        let error = FaultScript::parse(script).unwrap_err();
        said.push(format!("{script}\n  {error}"));
    }
    insta::assert_snapshot!(said.join("\n"));
}

async fn admin(server: &Server, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let answer = send(server, method, &format!("/admin/{path}"), body).await;
    let body = if answer.status == 204 {
        Value::Null
    } else {
        answer.json()
    };
    (answer.status, body)
}

#[tokio::test]
async fn the_admin_endpoint_is_off_unless_asked_for() {
    let server = server().await;
    let (status, _) = admin(&server, "GET", "faults", None).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn the_admin_endpoint_is_for_the_holder_of_the_token_on_this_machine() {
    let server = server_with(|builder| builder.admin(true)).await;
    let host = server.api_url();
    let host = host
        .strip_prefix("http://")
        .unwrap()
        .strip_suffix("/api")
        .unwrap();
    let token = format!("Bearer {}", server.token());
    for (headers, status) in [
        (vec![("host", host), ("authorization", token.as_str())], 200),
        (vec![("host", host)], 401),
        (vec![("host", host), ("authorization", "Bearer x")], 401),
        (
            vec![("host", "evil.example"), ("authorization", token.as_str())],
            403,
        ),
        (
            vec![
                ("host", host),
                ("authorization", token.as_str()),
                ("origin", "http://x"),
            ],
            403,
        ),
    ] {
        let answer = with_headers(&server, "/admin/faults", &headers).await;
        assert_eq!(answer.status, status, "{headers:?}");
    }
    assert_eq!(server.requests(), [], "it is no request of a client");
}

#[tokio::test]
async fn the_admin_endpoint_injects_lists_and_removes() {
    let server = server_with(|builder| builder.admin(true)).await;
    server.faults().inject(Fault::any().times(0));
    let script = json!({ "faults": [
        { "on": "listSandboxes", "times": 2, "do": { "answer": { "status": 503 } } },
        { "on": "getSandbox", "always": true, "do": "hang" },
    ]});
    let (status, made) = admin(&server, "POST", "faults", Some(script)).await;
    assert_eq!((status, made["items"].as_array().unwrap().len()), (200, 2));
    assert_eq!(
        made["items"][0],
        json!({ "id": 1, "route": "listSandboxes", "does": "answer", "seen": 0, "hits": 0, "left": 2 })
    );
    assert_eq!(get(&server, "/api/sandbox").await.status, 503);
    let (_, all) = admin(&server, "GET", "faults", None).await;
    assert_eq!(
        (&all["items"][1]["hits"], &all["items"][1]["left"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(admin(&server, "DELETE", "faults/2", None).await.0, 204);
    assert_eq!(admin(&server, "DELETE", "faults/2", None).await.0, 404);
    assert_eq!(state(&server, "x").await, "404", "it hangs no more");
    assert_eq!(admin(&server, "DELETE", "faults", None).await.0, 204);
    assert_eq!(get(&server, "/api/sandbox").await.status, 200);

    let bad = json!({ "faults": [ { "do": "hang" }, { "on": "nothing", "do": "hang" } ] });
    let (status, error) = admin(&server, "POST", "faults", Some(bad)).await;
    assert_eq!(status, 400);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("fault 2: there is no operation")
    );
    assert_eq!(
        get(&server, "/api/sandbox").await.status,
        200,
        "nothing of it is used"
    );
}

#[tokio::test]
async fn the_admin_endpoint_shows_the_truth_and_moves_the_clock() {
    let server = server_with(|builder| builder.admin(true)).await;
    let id = named(&server, "x").await;
    send(&server, "DELETE", "/api/sandbox/x", None).await;
    let (_, rows) = admin(&server, "GET", "sandboxes", None).await;
    assert_eq!(
        (&rows["items"][0]["id"], &rows["items"][0]["state"]),
        (&json!(id), &json!("destroyed"))
    );
    let (_, requests) = admin(&server, "GET", "requests", None).await;
    let routes: Vec<_> = requests["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["route"])
        .collect();
    assert_eq!(routes, ["createSandbox", "deleteSandbox"]);
    let (_, before) = admin(&server, "GET", "clock", None).await;
    let jump = Some(json!({ "seconds": 3600 }));
    let (_, after) = admin(&server, "POST", "clock/jump", jump).await;
    let time = |value: &Value| {
        value["now"]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap()
    };
    assert_eq!(time(&after).duration_since(time(&before)).as_secs(), 3600);
    let (status, _) = admin(&server, "POST", "clock/jump", Some(json!({ "days": 1 }))).await;
    assert_eq!(status, 400);
}
