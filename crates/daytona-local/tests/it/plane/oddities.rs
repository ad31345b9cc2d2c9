//! Faults of the wire, of lists, of look-ups and of time.

use std::time::Duration;

use daytona_api::routes::{control_plane as routes, toolbox};
use daytona_local::Fault;
use jiff::SignedDuration;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::client::{
    Answer, connect, create, get, minutes, named, port, send, server, server_with, state, try_send,
};

fn ids(list: &Answer) -> Vec<String> {
    let list = list.json();
    let items = list["items"].as_array().unwrap().iter();
    let mut names: Vec<_> = items
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// Everything that comes back on a connection of its own, byte for byte.
async fn verbatim(server: &daytona_local::Server, path: &str) -> String {
    let mut wire = connect(server).await;
    let request = format!(
        "GET {path} HTTP/1.1\r\nconnection: close\r\nhost: 127.0.0.1:{}\r\nauthorization: Bearer {}\r\n\r\n",
        port(server),
        server.token()
    );
    wire.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // A reset is one way for it to end.
    let _ = wire.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn bytes_can_stand_in_place_of_an_answer() {
    let server = server().await;
    let bad = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n";
    server
        .faults()
        .inject(Fault::on(&routes::LIST_SANDBOXES).raw(bad));
    assert_eq!(verbatim(&server, "/api/sandbox").await, bad);
    server
        .faults()
        .inject(Fault::on(&routes::LIST_SANDBOXES).raw(bad));
    assert!(
        try_send(&server, "GET", "/api/sandbox", None)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn an_answer_breaks_off_at_any_byte_of_it() {
    let server = server().await;
    server
        .faults()
        .inject(Fault::on(&routes::GET_SANDBOX).http_1_0());
    let id = named(&server, "x").await;
    let path = format!("/api/sandbox/{id}");
    let whole = verbatim(&server, &path).await;
    assert!(whole.starts_with("HTTP/1.0 200 OK\r\n") && whole.ends_with('}'));
    for cut in [0, 1, 12, 60, whole.len() - 1] {
        let fault = Fault::on(&routes::GET_SANDBOX).cut_answer(cut);
        server.faults().inject(fault);
        let seen = verbatim(&server, &path).await;
        assert_eq!(seen.len(), cut, "{seen}");
        let fault = Fault::on(&routes::GET_SANDBOX).cut_answer(cut);
        server.faults().inject(fault);
        assert!(try_send(&server, "GET", &path, None).await.is_err());
    }
}

#[tokio::test]
async fn a_connection_closes_although_the_answer_did_not_say_so() {
    let server = server().await;
    server
        .faults()
        .inject(Fault::on(&routes::LIST_SANDBOXES).close_after_answer());
    let seen = verbatim(&server, "/api/sandbox").await;
    assert!(seen.starts_with("HTTP/1.1 200 OK\r\n"), "{seen}");
    assert!(!seen.contains("close"), "{seen}");
}

#[tokio::test]
async fn an_answer_trickles_by_the_servers_time() {
    let server = server().await;
    server
        .faults()
        .inject(Fault::on(&routes::LIST_SANDBOXES).trickle(10));
    let request = verbatim(&server, "/api/sandbox");
    let mut request = std::pin::pin!(request);
    let mut seconds = 0;
    let seen = loop {
        if let Ok(seen) = tokio::time::timeout(Duration::from_millis(1), &mut request).await {
            break seen;
        }
        server.advance(Duration::from_secs(1)).unwrap();
        seconds += 1;
    };
    assert!(seen.ends_with('}'), "{seen}");
    assert!(seconds >= seen.len() / 10, "{seconds} s, {}", seen.len());
}

#[tokio::test]
async fn a_body_can_be_short_or_noise_in_good_order() {
    let server = server().await;
    server
        .faults()
        .inject(Fault::on(&routes::CREATE_SANDBOX).truncate_body(7));
    let body = Some(json!({ "name": "x" }));
    let answer = send(&server, "POST", "/api/sandbox", body).await;
    assert_eq!((answer.status, answer.header("content-length")), (200, "7"));
    assert_eq!(state(&server, "x").await, "started");
    let mut noise = Vec::new();
    for seed in [1, 1, 2] {
        let fault = Fault::on(&routes::GET_SANDBOX).garbage(40, seed);
        server.faults().inject(fault);
        let seen = verbatim(&server, "/api/sandbox/x").await;
        // the date comes and goes
        let (_, body) = seen.rsplit_once("\r\n\r\n").unwrap();
        noise.push(body.to_owned());
    }
    assert_eq!(noise[0], noise[1]);
    assert_ne!(noise[0], noise[2]);
}

#[tokio::test]
async fn headers_can_be_others_and_the_date_is_the_servers() {
    let server = server().await;
    let before = get(&server, "/api/sandbox").await;
    server.advance(minutes(60)).unwrap();
    let after = get(&server, "/api/sandbox").await;
    let hour = |answer: &Answer| answer.header("date")[17..19].parse::<u32>().unwrap();
    assert_eq!((hour(&before) + 1) % 24, hour(&after));
    server
        .faults()
        .inject(Fault::on(&routes::LIST_SANDBOXES).set_headers([
            ("Date", "never"),
            ("Content-Type", ""),
            ("X-More", "1"),
        ]));
    let odd = get(&server, "/api/sandbox").await;
    assert_eq!(
        (
            odd.header("date"),
            odd.header("content-type"),
            odd.header("x-more")
        ),
        ("never", "", "1")
    );
}

#[tokio::test]
async fn a_list_can_lag_behind() {
    let server = server().await;
    let old = named(&server, "old").await;
    let doomed = named(&server, "doomed").await;
    server.advance(minutes(1)).unwrap();
    let fresh = named(&server, "fresh").await;
    send(&server, "DELETE", &format!("/api/sandbox/{doomed}"), None).await;
    let kept = old.clone();
    let mut now = vec![old.clone(), fresh];
    let mut then = vec![old, doomed];
    now.sort();
    then.sort();
    assert_eq!(ids(&get(&server, "/api/sandbox").await), now);
    server.faults().inject(
        Fault::on(&routes::LIST_SANDBOXES)
            .stale_list(Duration::from_secs(30))
            .always(),
    );
    let stale = get(&server, "/api/sandbox").await;
    assert_eq!(ids(&stale), then);
    assert_eq!(stale.json()["items"][0]["state"], "started");
    // what was done since is not known there
    let active = |list: &Answer| {
        let rows = list.json()["items"].as_array().unwrap().clone();
        let row = rows.into_iter().find(|row| row["id"] == kept.as_str());
        row.unwrap()["lastActivityAt"].clone()
    };
    let path = format!("/api/sandbox/{kept}/last-activity");
    send(&server, "POST", &path, None).await;
    let stale_still = get(&server, "/api/sandbox").await;
    assert_eq!(active(&stale_still), active(&stale));
    server.advance(Duration::from_secs(31)).unwrap();
    let current = get(&server, "/api/sandbox").await;
    assert_eq!(ids(&current), now);
    assert_ne!(active(&current), active(&stale));
}

#[tokio::test]
async fn a_list_can_flap_and_the_seed_says_how() {
    let server = server().await;
    for n in 0..20 {
        named(&server, &format!("n{n}")).await;
    }
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let fault = Fault::on(&routes::LIST_SANDBOXES).flapping_list(50, seed);
        let flapping = server.faults().inject(fault.always());
        let mut lists = Vec::new();
        for _ in 0..3 {
            lists.push(ids(&get(&server, "/api/sandbox").await));
        }
        flapping.remove();
        assert!(
            lists.iter().all(|list| (1..20).contains(&list.len())),
            "{lists:?}"
        );
        assert_ne!(lists[0], lists[1]);
        runs.push(lists);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    assert_eq!(ids(&get(&server, "/api/sandbox").await).len(), 20);
}

#[tokio::test]
async fn what_was_looked_up_is_kept_for_a_while() {
    let server = server().await;
    let ten = Duration::from_secs(10);
    let negative = Fault::on(&routes::GET_SANDBOX).negative_cache(ten);
    let negative = server.faults().inject(negative.always());
    assert_eq!(state(&server, "x").await, "404");
    let id = named(&server, "x").await;
    assert_eq!(state(&server, "x").await, "404", "kept");
    assert_eq!(state(&server, &id).await, "started", "another key");
    server.advance(ten).unwrap();
    assert_eq!(state(&server, "x").await, "started");
    assert!(server.force_stop("x").await);
    assert_eq!(
        state(&server, "x").await,
        "stopped",
        "what exists is not kept"
    );
    negative.remove();

    let all = Fault::on(&routes::GET_SANDBOX).lookup_cache(ten).always();
    server.faults().inject(all);
    assert_eq!(state(&server, "x").await, "stopped");
    send(&server, "DELETE", "/api/sandbox/x", None).await;
    assert_eq!(state(&server, "x").await, "stopped");
    server.advance(ten).unwrap();
    assert_eq!(state(&server, "x").await, "404");
}

#[tokio::test]
async fn a_renewal_or_a_delete_can_be_lost_behind_the_front_door() {
    let server = server().await;
    let lease = json!({ "name": "x", "autoStopInterval": 5, "autoDeleteInterval": 0 });
    let id = create(&server, lease).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for route in [&routes::UPDATE_LAST_ACTIVITY, &routes::DELETE_SANDBOX] {
        server.faults().inject(Fault::on(route).swallow().always());
    }
    for _ in 0..5 {
        server.advance(minutes(1)).unwrap();
        let path = format!("/api/sandbox/{id}/last-activity");
        assert_eq!(send(&server, "POST", &path, None).await.status, 201);
    }
    let answer = send(&server, "DELETE", "/api/sandbox/x", None).await;
    assert_eq!(
        (answer.status, answer.json()["id"].as_str()),
        (200, Some(id.as_str()))
    );
    assert_eq!(state(&server, "x").await, "started");
    server.advance(Duration::from_secs(11)).unwrap();
    assert_eq!(state(&server, "x").await, "404", "nothing renewed it");
}

#[tokio::test]
async fn a_request_can_be_done_twice() {
    let server = server().await;
    server
        .faults()
        .inject(Fault::on(&routes::CREATE_SANDBOX).run_twice().times(2));
    let named = send(
        &server,
        "POST",
        "/api/sandbox",
        Some(json!({ "name": "x" })),
    )
    .await;
    assert_eq!(named.status, 409, "the second is answered");
    assert_eq!(state(&server, "x").await, "started");
    create(&server, json!({})).await;
    assert_eq!(server.sandboxes().len(), 3, "without a name there are two");
}

#[tokio::test]
async fn the_clock_can_jump_both_ways() {
    let server = server().await;
    create(&server, json!({ "name": "x", "autoStopInterval": 5 })).await;
    let start = server.clock().now();
    let jump =
        |minutes| Fault::on(&routes::LIST_SANDBOXES).clock_jump(SignedDuration::from_mins(minutes));
    server.faults().inject(jump(-60));
    get(&server, "/api/sandbox").await;
    assert_eq!(server.clock().now(), start - SignedDuration::from_mins(60));
    assert_eq!(state(&server, "x").await, "started");
    server.faults().inject(jump(66));
    get(&server, "/api/sandbox").await;
    assert_eq!(state(&server, "x").await, "stopped");
    // who sleeps wakes at the time it waits for, not after the time it would have taken
    let wake = server
        .clock()
        .sleep_until(start + SignedDuration::from_hours(9));
    server.jump_clock(SignedDuration::from_hours(10));
    wake.await;
}

#[tokio::test]
async fn a_sandbox_can_stop_as_it_is_used() {
    let server = server_with(|builder| builder).await;
    let id = named(&server, "x").await;
    server
        .faults()
        .inject(Fault::on(&toolbox::EXECUTE_COMMAND).stop());
    let path = format!("/toolbox/{id}/process/execute");
    let body = Some(json!({ "command": "true" }));
    assert_eq!(send(&server, "POST", &path, body).await.status, 400);
    assert_eq!(state(&server, "x").await, "stopped");
}
