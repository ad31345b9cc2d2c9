use std::time::Duration;

use daytona_api::api::{Change, Event, Events};
use daytona_api::models::SandboxState;
use daytona_api::{Config, Error};
use futures_util::{StreamExt, TryStreamExt};
use tokio::time::{Instant, sleep, timeout};

use super::{Peer, Script, close, frame, text};

const KEY: &str = "dtn_canary-key";
const OPEN: &str =
    r#"0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
const JOINED: &str = r#"40{"sid":"t"}"#;

fn packets(packets: &[&str]) -> Vec<u8> {
    packets.iter().flat_map(|packet| text(packet)).collect()
}

fn opened(more: &[&str]) -> Vec<u8> {
    [packets(&[OPEN, JOINED]), packets(more)].concat()
}

fn updated(id: &str, old: &str, new: &str) -> String {
    format!(
        r#"42["sandbox.state.updated",{{"sandbox":{{"id":"{id}","name":"n","env":{{"A":"canary-env"}},"state":"{new}"}},"oldState":"{old}","newState":"{new}"}}]"#
    )
}

fn listen(peer: &Peer) -> Events {
    peer.api(Config::new(KEY)).events()
}

async fn next(events: &mut Events) -> Event {
    events.next().await.unwrap().unwrap()
}

async fn names(events: &mut Events, count: usize) -> Vec<String> {
    let mut names = Vec::new();
    for _ in 0..count {
        names.push(next(events).await.name().to_owned());
    }
    names
}

#[tokio::test(start_paused = true)]
async fn the_handshake_is_the_wire_s_and_the_token_is_in_the_join_only() {
    let jwt = Config::jwt("jwt-canary", "org-1").api_url("https://daytona.test/base/api");
    let mut shown = Vec::new();
    for config in [Config::new(KEY), jwt] {
        let peer = Peer::new([Script::Stay(opened(&["2"]))]);
        let mut events = peer.api(config).events();
        assert_eq!(next(&mut events).await.name(), "resynced");
        while peer.received().len() < 2 {
            sleep(Duration::from_millis(1)).await;
        }
        let heads = peer.heads().join("\n\n");
        assert!(!heads.contains("canary"), "{heads}");
        shown.push(heads);
        let sent = peer.received().into_iter();
        let sent = sent.map(|(kind, data)| format!("{kind} {}", String::from_utf8(data).unwrap()));
        shown.extend(sent);
    }
    insta::assert_snapshot!(shown.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn events_are_typed_and_unknown_ones_kept() {
    let created = r#"42["sandbox.created",{"id":"sb-1","state":"creating"}]"#;
    let wanted = r#"42["sandbox.desired-state.updated",{"sandbox":{"id":"sb-1"},"oldDesiredState":"started","newDesiredState":"stopped"}]"#;
    let snapshot = r#"42["snapshot.state.updated",{"snapshot":{"id":"sn-1"},"oldState":"pulling","newState":"active"}]"#;
    let removed = r#"42["snapshot.removed",{"id":"sn-1"}]"#;
    let volume = r#"42["volume.created",{"id":"v-1"}]"#;
    let newer = r#"42["sandbox.teleported",{"secret":"canary-payload"}]"#;
    let odd = r#"42["sandbox.state.updated","what"]"#;
    let bare = r#"42["volume.lastUsedAt.updated"]"#;
    let peer = Peer::new([Script::Stay(opened(&[
        created,
        &updated("sb-1", "creating", "started"),
        wanted,
        snapshot,
        removed,
        volume,
        newer,
        odd,
        bare,
        // none of these is an event for us
        r#"42/admin,["sandbox.created",{"id":"sb-2"}]"#,
        "43[1]",
        "6",
        "42[]",
        r#"42["snapshot.created",{"id":"sn-2"}]"#,
    ]))]);
    let mut events = listen(&peer);
    let mut all = Vec::new();
    loop {
        let event = next(&mut events).await;
        all.push(event.clone());
        if event.name() == "snapshot.created" {
            break;
        }
    }
    let names: Vec<_> = all.iter().map(Event::name).collect();
    assert_eq!(
        names,
        [
            "resynced",
            "sandbox.created",
            "sandbox.state.updated",
            "sandbox.desired-state.updated",
            "snapshot.state.updated",
            "snapshot.removed",
            "volume.created",
            "sandbox.teleported",
            "sandbox.state.updated",
            "volume.lastUsedAt.updated",
            "snapshot.created",
        ]
    );
    let Event::SandboxStateUpdated {
        sandbox,
        old_state,
        new_state,
    } = &all[2]
    else {
        panic!("{:?}", all[2]);
    };
    assert_eq!(sandbox.env["A"], "canary-env");
    assert_eq!(
        (old_state, new_state),
        (&SandboxState::Creating, &SandboxState::Started)
    );
    let Event::Other { payload, .. } = &all[7] else {
        panic!("{:?}", all[7]);
    };
    assert_eq!(payload["secret"], "canary-payload");
    let shown = format!("{all:?} {events:?}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_anywhere_is_opened_again_and_the_gap_is_told() {
    let told = [
        updated("a", "creating", "started"),
        r#"42["sandbox.created",{"id":"b"}]"#.to_owned(),
        "2".to_owned(),
        updated("a", "started", "stopped"),
    ];
    let told: Vec<&str> = told.iter().map(String::as_str).collect();
    let whole = opened(&told);
    let opening = packets(&[OPEN]).len();
    let joined = opened(&[]).len();
    for at in 0..=whole.len() {
        let peer = Peer::new([
            if at < opening {
                Script::Frames(whole[..at].to_vec())
            } else {
                Script::Leave(whole[..at].to_vec())
            },
            Script::Stay(whole.clone()),
        ]);
        let mut events = listen(&peer);
        let (mut since, mut gaps) = (Vec::new(), 0);
        while peer.heads().len() < 2 || since.len() < 4 {
            let event = next(&mut events).await;
            if matches!(event, Event::Resynced) {
                since.clear();
                gaps += 1;
            }
            since.push(event.name().to_owned());
        }
        let all = [
            "resynced",
            "sandbox.state.updated",
            "sandbox.created",
            "sandbox.state.updated",
        ];
        assert_eq!(since, all, "cut at {at}");
        assert_eq!(gaps, if at < joined { 1 } else { 2 }, "cut at {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_way_to_close_or_to_talk_nonsense_ends_in_another_connection() {
    for end in [
        text("1"),
        text("41"),
        text("x"),
        text(""),
        text("42{}"),
        close(1000, ""),
        close(1006 + 5, "why"),
        frame(1, &[0xff, 0xfe]),
        frame(0x3, b"reserved"),
        vec![0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 1],
    ] {
        let peer = Peer::new([
            Script::Leave([opened(&[]), end.clone()].concat()),
            Script::Refuse,
            Script::Answer("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"),
            Script::Answer("HTTP/1.1 429 Slow\r\ncontent-length: 0\r\n\r\n"),
            Script::Frames(packets(&["2"])),
            Script::Leave(packets(&[OPEN, "41"])),
            Script::Stay(opened(&[])),
        ]);
        let mut events = listen(&peer);
        assert_eq!(names(&mut events, 2).await, ["resynced"; 2], "{end:?}");
        assert_eq!(peer.heads().len(), 6, "{end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_is_left() {
    let peer = Peer::new([Script::Stay(opened(&[])), Script::Stay(opened(&["2"]))]);
    let mut events = listen(&peer);
    let began = Instant::now();
    assert_eq!(names(&mut events, 2).await, ["resynced"; 2]);
    let passed = began.elapsed();
    assert!(
        passed >= Duration::from_secs(45) && passed < Duration::from_secs(47),
        "{passed:?}"
    );
    // one that never answers at all is left sooner
    let peer = Peer::new([Script::Stay(Vec::new()), Script::Stay(opened(&[]))]);
    let began = Instant::now();
    assert_eq!(names(&mut listen(&peer), 1).await, ["resynced"]);
    assert!(began.elapsed() < Duration::from_secs(6));
}

async fn refusal(peer: &Peer) -> (Error, Events) {
    let mut events = listen(peer);
    let error = events.next().await.unwrap_err();
    assert!(
        events.next().await.unwrap().is_none(),
        "an error is the end"
    );
    (error, events)
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_is_told_from_a_server_without_events() {
    let said = format!(r#"44{{"message":"no {KEY} here"}}"#);
    let peer = Peer::new([Script::Stay(packets(&[OPEN, &said]))]);
    let (error, _) = refusal(&peer).await;
    assert!(error.is_auth() && !error.is_not_found(), "{error:?}");
    assert_eq!(error.message(), Some("no [redacted] here"));
    assert_eq!(error.operation(), Some("connectEvents"));
    assert!(!format!("{error:?} {error}").contains("canary"));

    let answer = "HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\ncontent-length: 29\r\n\r\n{\"message\":\"Access denied 1\"}";
    let (error, _) = refusal(&Peer::new([Script::Answer(answer)])).await;
    assert!(error.is_auth(), "{error:?}");

    for answer in [
        "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 41\r\n\r\n{\"message\":\"Cannot GET /api/socket.io/\" }\r\n",
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 400 Bad\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>",
    ] {
        let peer = Peer::new([Script::Answer(answer)]);
        let (error, _) = refusal(&peer).await;
        assert!(!error.is_auth() && error.status().is_some(), "{error:?}");
        sleep(Duration::from_secs(100)).await;
        assert_eq!(peer.heads().len(), 1, "it is not asked again and again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_without_events_is_asked_again_later() {
    let answer = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
    let peer = Peer::new([Script::Answer(answer), Script::Stay(opened(&[]))]);
    let api = peer.api(Config::new(KEY));
    api.events().next().await.unwrap_err();
    // known already: nothing is sent
    api.events().next().await.unwrap_err();
    assert_eq!(peer.heads().len(), 1);
    sleep(Duration::from_secs(301)).await;
    assert_eq!(names(&mut api.events(), 1).await, ["resynced"]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_listener_loses_the_oldest_is_told_and_holds_up_nobody() {
    let burst: Vec<String> = (0..1000)
        .map(|number| format!(r#"42["sandbox.created",{{"id":"sb-{number}"}}]"#))
        .collect();
    let burst: Vec<&str> = burst.iter().map(String::as_str).collect();
    let peer = Peer::new([Script::Stay(opened(&burst))]);
    let api = peer.api(Config::new(KEY));
    let mut slow = api.events();
    let mut watch = api.sandboxes().watch("sb-999");
    // the last one of the burst is there, so all of it is
    let change = watch.changed().await;
    assert!(matches!(change, Change::State(_)), "{change:?}");
    let mut ids = Vec::new();
    assert_eq!(next(&mut slow).await.name(), "resynced");
    while ids.last().is_none_or(|last| last != "sb-999") {
        let event = next(&mut slow).await;
        ids.push(event.sandbox().unwrap().id.clone());
    }
    assert_eq!((ids.len(), ids[0].as_str()), (256, "sb-744"));
    assert_eq!(peer.heads().len(), 1, "all share one socket");
}

#[tokio::test(start_paused = true)]
async fn a_watch_sees_its_own_sandbox_only_and_when_the_socket_goes() {
    let peer = Peer::new([
        Script::Stay(opened(&[
            &updated("other", "creating", "error"),
            &updated("mine", "creating", "started"),
        ])),
        Script::Stay(opened(&[])),
    ]);
    let api = peer.api(Config::new(KEY));
    let mut watch = api.sandboxes().watch("mine");
    assert!(!watch.is_live(), "nobody waits for the socket");
    assert_eq!(watch.changed().await, Change::State(SandboxState::Started));
    assert!(watch.is_live());
    // it falls silent
    assert_eq!(watch.changed().await, Change::Down);
    let nothing = timeout(Duration::from_secs(1), watch.changed()).await;
    assert!(nothing.is_err() && watch.is_live(), "{nothing:?}");
    assert_eq!(peer.heads().len(), 2);
    // up, but not to be relied on
    watch.overlooked();
    assert!(!watch.is_live());
}

#[tokio::test(start_paused = true)]
async fn events_are_a_stream() {
    let created = r#"42["sandbox.created",{"id":"sb-1","state":"creating"}]"#;
    let peer = Peer::new([Script::Stay(opened(&[created]))]);
    let events: Vec<Event> = listen(&peer)
        .into_stream()
        .take(2)
        .try_collect()
        .await
        .unwrap();
    let names: Vec<&str> = events.iter().map(Event::name).collect();
    assert_eq!(names, ["resynced", "sandbox.created"]);
}

#[tokio::test(start_paused = true)]
async fn the_socket_is_opened_for_a_listener_and_closed_after_the_last() {
    let peer = Peer::new([
        Script::Stay(opened(&[])),
        Script::Stay(opened(&[])),
        Script::Stay(opened(&[])),
    ]);
    let api = peer.api(Config::new(KEY));
    sleep(Duration::from_secs(5)).await;
    assert_eq!(peer.heads().len(), 0, "nobody listens");
    let mut events = api.events();
    next(&mut events).await;
    drop(events);
    sleep(Duration::from_secs(10)).await;
    // within half a minute it is still the same
    let mut events = api.clone().events();
    assert_eq!(names(&mut events, 1).await, ["resynced"]);
    assert_eq!((peer.heads().len(), peer.open()), (1, 1));
    drop(events);
    let began = Instant::now();
    peer.left().await;
    assert!(
        began.elapsed() >= Duration::from_secs(29),
        "{:?}",
        began.elapsed()
    );
    // and opened anew when somebody listens again
    next(&mut api.events()).await;
    assert_eq!(peer.heads().len(), 2);
    // a client that goes takes it along at once
    let began = Instant::now();
    drop(api);
    peer.left().await;
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[test]
fn a_runtime_that_ends_takes_the_socket_along_and_the_next_listener_opens_another() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let peer = Peer::new([Script::Stay(opened(&[])), Script::Stay(opened(&[]))]);
    let api = peer.api(Config::new(KEY));
    let (first, second) = (runtime(), runtime());
    let mut events = first.block_on(async {
        let mut events = api.events();
        assert_eq!(next(&mut events).await.name(), "resynced");
        events
    });
    drop(first);
    let mut watch = api.sandboxes().watch("x");
    assert!(!watch.is_live(), "without a runtime there is no socket");
    second.block_on(async {
        assert_eq!(next(&mut events).await.name(), "resynced");
        assert!(watch.is_live());
        let nothing = timeout(Duration::from_millis(20), watch.changed()).await;
        assert!(nothing.is_err());
    });
    assert_eq!(peer.heads().len(), 2);
}
