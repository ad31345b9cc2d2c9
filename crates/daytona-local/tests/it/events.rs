//! The event socket, through the client of this project.

use std::time::Duration;

use daytona_api::api::{Change, Event, Events};
use daytona_api::models::SandboxState;
use daytona_api::routes::EVENT_SOCKET;
use daytona_api::{Config, Daytona};
use daytona_local::{Fault, Isolation, Server, ServerBuilder};

async fn soon<T>(future: impl Future<Output = T>) -> T {
    let soon = tokio::time::timeout(Duration::from_secs(20), future);
    soon.await.unwrap()
}

async fn start(options: ServerBuilder) -> (Server, Daytona) {
    let server = options.isolation(Isolation::None).start().await.unwrap();
    let api = client(&server, server.token());
    (server, api)
}

fn client(server: &Server, token: &str) -> Daytona {
    Daytona::new(Config::new(token).api_url(server.api_url())).unwrap()
}

/// Events as one line each, up to one that holds `last`.
async fn until(events: &mut Events, last: &str) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let event = soon(events.next()).await.unwrap().unwrap();
        let line = match &event {
            Event::SandboxCreated(sandbox) => format!("created {}", sandbox.name),
            Event::SandboxStateUpdated {
                sandbox,
                old_state,
                new_state,
            } => format!("{} {old_state} -> {new_state}", sandbox.name),
            Event::SandboxDesiredStateUpdated {
                sandbox,
                old_desired_state,
                new_desired_state,
            } => format!(
                "{} wants {old_desired_state} -> {new_desired_state}",
                sandbox.name
            ),
            other => other.name().to_owned(),
        };
        let found = line.contains(last);
        all.push(line);
        if found {
            return all;
        }
    }
}

#[tokio::test]
async fn every_change_of_a_sandbox_is_told_in_its_order() {
    let (server, api) = start(Server::builder()).await;
    let mut events = api.events();
    assert_eq!(until(&mut events, "resynced").await, ["resynced"]);
    let sandboxes = api.sandboxes();
    let sandbox = sandboxes.create().name("one").send().await.unwrap();
    sandboxes.stop(&sandbox.id, false).await.unwrap();
    sandboxes.start(&sandbox.id).await.unwrap();
    assert!(server.force_stop("one").await);
    sandboxes.archive(&sandbox.id).await.unwrap();
    sandboxes.delete(&sandbox.id).await.unwrap();
    let told = until(&mut events, "-> destroyed").await;
    assert_eq!(
        told,
        [
            "created one",
            "one creating -> started",
            "one wants started -> stopped",
            "one started -> stopped",
            "one wants stopped -> started",
            "one stopped -> started",
            "one wants started -> stopped",
            "one started -> stopped",
            "one wants stopped -> archived",
            "one stopped -> archived",
            "one wants archived -> destroyed",
        ]
    );
    let told = until(&mut events, "archived -> destroyed").await;
    assert!(told[0].starts_with("DESTROYED_one_"), "{told:?}");
    // the rest of the server's life needs nobody to ask
    api.snapshots()
        .create("tools:1", |new| new.image_name = Some("x:1".into()))
        .await
        .unwrap();
    assert_eq!(until(&mut events, "snapshot").await, ["snapshot.created"]);
    let told = ["snapshot.state.updated", "snapshot.state.updated"];
    let volume = api.volumes().create("data").await.unwrap();
    let until_made = until(&mut events, "volume").await;
    assert_eq!(until_made, [told.as_slice(), &["volume.created"]].concat());
    api.volumes().delete(&volume.id).await.unwrap();
    for _ in 0..3 {
        assert_eq!(until(&mut events, "volume").await, ["volume.state.updated"]);
    }
    assert_eq!(server.requests_to(&EVENT_SOCKET).len(), 1);
}

#[tokio::test]
async fn a_failure_is_told_with_its_reason_and_only_to_the_holder_of_the_token() {
    let (server, api) = start(Server::builder().create_delay(Duration::from_millis(50))).await;
    let mut events = api.events();
    until(&mut events, "resynced").await;
    let fault = Fault::any()
        .path("/api/sandbox")
        .error_state_later("no room");
    let _fault = server.faults().inject(fault);
    let sandbox = api.sandboxes().create().name("two").send().await.unwrap();
    let mut watch = api.sandboxes().watch(&sandbox.id);
    // that it was created may come after the answer
    while soon(watch.changed()).await != Change::State(SandboxState::Error) {}
    let told = until(&mut events, "-> error").await;
    assert_eq!(told, ["created two", "two creating -> error"]);

    let stranger = client(&server, "dtn_canary");
    let error = soon(stranger.events().next()).await.unwrap_err();
    assert!(error.is_auth(), "{error:?}");
    assert!(!format!("{error:?} {error}").contains("canary"));
    let shown = format!("{:?}", server.requests());
    assert!(!shown.contains("canary") && !shown.contains(server.token()));
}

#[tokio::test]
async fn a_server_without_it_answers_like_an_older_one() {
    let (_server, api) = start(Server::builder().events(false)).await;
    let error = soon(api.events().next()).await.unwrap_err();
    assert_eq!(error.status(), Some(404));
    assert!(!error.is_auth(), "{error:?}");
}

#[tokio::test]
async fn faults_of_the_socket() {
    let (server, api) = start(Server::builder()).await;
    let create = |name: &'static str| {
        let create = api.sandboxes().create().name(name);
        async move { create.send().await.unwrap() }
    };
    let faulty = |fault: Fault| server.faults().inject(fault);
    let other = || client(&server, server.token());

    let _fault = faulty(Fault::on(&EVENT_SOCKET).drop_events_after(1));
    let api_ = other();
    let mut events = api_.events();
    until(&mut events, "resynced").await;
    create("a").await;
    assert_eq!(
        until(&mut events, "resynced").await,
        ["created a", "resynced"]
    );
    create("b").await;
    until(&mut events, "b creating -> started").await;

    let _fault = faulty(Fault::on(&EVENT_SOCKET).duplicate_events());
    let api_ = other();
    let mut events = api_.events();
    until(&mut events, "resynced").await;
    create("c").await;
    assert_eq!(
        until(&mut events, "->").await,
        ["created c", "created c", "c creating -> started"]
    );

    let _fault = faulty(Fault::on(&EVENT_SOCKET).reorder_events());
    let api_ = other();
    let mut events = api_.events();
    until(&mut events, "resynced").await;
    create("d").await;
    assert_eq!(
        until(&mut events, "created").await,
        ["d creating -> started", "created d"]
    );

    let _fault = faulty(Fault::on(&EVENT_SOCKET).late_events(Duration::from_millis(300)));
    let api_ = other();
    let mut events = api_.events();
    until(&mut events, "resynced").await;
    let began = tokio::time::Instant::now();
    create("e").await;
    until(&mut events, "e creating -> started").await;
    assert!(began.elapsed() >= Duration::from_millis(300));

    let _fault = faulty(Fault::on(&EVENT_SOCKET).silent_events());
    let api_ = other();
    let mut events = api_.events();
    until(&mut events, "resynced").await;
    let mut telling = api.events();
    until(&mut telling, "resynced").await;
    create("f").await;
    until(&mut telling, "f creating -> started").await;
    let nothing = tokio::time::timeout(Duration::from_millis(100), events.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
}

#[tokio::test]
async fn waits_end_with_the_state_or_with_its_failure() {
    for told in [true, false] {
        let delay = Duration::from_millis(50);
        let (server, api) = start(Server::builder().create_delay(delay).events(told)).await;
        let sandboxes = api.sandboxes();
        let minute = Duration::from_secs(60);
        let sandbox = sandboxes.create().send().await.unwrap();
        let started = soon(sandboxes.wait_until_started(&sandbox.id, minute)).await;
        assert_eq!(started.unwrap().state, Some(SandboxState::Started));
        sandboxes.stop(&sandbox.id, false).await.unwrap();
        let stopped = soon(sandboxes.wait_until_stopped(&sandbox.id, minute)).await;
        let stopped = stopped.unwrap().unwrap();
        assert_eq!(stopped.state, Some(SandboxState::Stopped));
        let short = Duration::from_millis(300);
        let late = soon(sandboxes.wait_until_started(&sandbox.id, short)).await;
        assert!(late.unwrap_err().is_timeout());
        sandboxes.delete(&sandbox.id).await.unwrap();
        soon(sandboxes.wait_until_deleted(&sandbox.id, minute))
            .await
            .unwrap();
        let gone = soon(sandboxes.wait_until_stopped(&sandbox.id, minute)).await;
        assert!(gone.unwrap().is_none());

        let fault = Fault::any()
            .path("/api/sandbox")
            .error_state_later("no room");
        let _fault = server.faults().inject(fault);
        let sandbox = sandboxes.create().image("x").send().await.unwrap();
        let failed = soon(sandboxes.wait_until_started(&sandbox.id, minute)).await;
        let failed = failed.unwrap_err();
        assert_eq!(failed.kind(), daytona_api::ErrorKind::Failed);
        assert_eq!(failed.message(), Some("no room"));
        assert_eq!(server.requests_to(&EVENT_SOCKET).len(), 1);
    }
}
