//! Every method's request, as it leaves the client.

use std::time::Duration;

use bytes::Bytes;
use daytona_api::api::{Permissions, Upload};
use daytona_api::models::SandboxState;
use daytona_api::test_util::Scripted;
use daytona_api::{Config, Daytona};
use futures_util::stream;

use crate::support::{KEY, scripted, show};

fn seen(server: &Scripted) -> String {
    let all: Vec<_> = server.requests().iter().map(show).collect();
    all.join("\n----\n")
}

#[tokio::test]
async fn sandboxes() {
    let mut server = Scripted::new();
    for _ in 0..10 {
        server = server.json(200, r#"{"id":"sb-1","name":"a b/ü?#%"}"#);
    }
    let api = scripted(&server);
    let sandboxes = api.sandboxes();
    sandboxes.get("a b/ü?#%").await.unwrap();
    sandboxes.start("sb-1").await.unwrap();
    sandboxes.stop("sb-1", true).await.unwrap();
    sandboxes.delete("sb-1").await.unwrap();
    sandboxes
        .replace_labels("sb-1", [("a", "b")])
        .await
        .unwrap();
    sandboxes.set_auto_stop_interval("sb-1", 5).await.unwrap();
    sandboxes
        .set_auto_archive_interval("sb-1", 6)
        .await
        .unwrap();
    sandboxes
        .set_auto_delete_interval("sb-1", -1)
        .await
        .unwrap();
    sandboxes.set_ttl("sb-1", 7).await.unwrap();
    sandboxes.update_last_activity("sb-1").await.unwrap();
    insta::assert_snapshot!(seen(&server));
}

#[tokio::test]
async fn create() {
    let server = Scripted::new().json(200, "{}").json(201, "{}");
    let api = Daytona::builder(Config::jwt(KEY, "org-1").target("eu"))
        .transport(server.share())
        .build()
        .unwrap();
    api.sandboxes().create().send().await.unwrap();
    // the call's own target wins
    let elsewhere = api.sandboxes().create().target("us").image("python:3.12");
    elsewhere.send().await.unwrap();
    insta::assert_snapshot!(seen(&server));
}

#[tokio::test]
async fn list() {
    let server = Scripted::new()
        .json(200, r#"{"items":[{"id":"a"}],"nextCursor":"c/1="}"#)
        .json(200, r#"{"items":[{"id":"b"}],"nextCursor":""}"#);
    let api = scripted(&server);
    let all = api
        .sandboxes()
        .list()
        .id_prefix("i")
        .name_prefix("n")
        .label("a", "b c")
        .state(&SandboxState::Started)
        .state(&SandboxState::from("new one"))
        .snapshot("s")
        .region("r")
        .include_errored_deleted(true)
        .created_after("2026-01-01T00:00:00Z")
        .created_before("2026-02-01T00:00:00Z")
        .page_size(1000)
        .collect()
        .await
        .unwrap();
    assert_eq!(all.len(), 2);
    insta::assert_snapshot!(seen(&server));
}

#[tokio::test]
async fn a_cursor_that_stands_still_is_an_error() {
    let page = r#"{"items":[{"id":"a"}],"nextCursor":"same"}"#;
    let server = Scripted::new()
        .json(200, page)
        .json(200, page)
        .json(200, page);
    let error = scripted(&server)
        .sandboxes()
        .list()
        .collect()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("same page"), "{error}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn toolbox() {
    let mut server = Scripted::new();
    for _ in 0..4 {
        server = server.json(200, r#"{"dir":"/d"}"#);
    }
    server = server.json(200, "null").json(200, "{}");
    for status in [200, 206, 204, 201, 200, 200, 200] {
        server = server.answer(status, &[("content-range", "bytes 1-2/9")], "{}");
    }
    let api = scripted(&server);
    let toolbox = api
        .toolbox_at("https://proxy.app.daytona.io/toolbox/", "sb-1")
        .unwrap();
    let process = toolbox.process();
    let timeout = Duration::from_millis(1);
    let execute = process
        .execute("ls")
        .cwd("/srv")
        .env("A", "1")
        .timeout(timeout);
    execute.send().await.unwrap();
    let code = process
        .code_run("print(1)", "python")
        .arg("x")
        .env("A", "1");
    code.timeout(Duration::from_secs(2)).send().await.unwrap();
    assert_eq!(toolbox.info().work_dir().await.unwrap(), "/d");
    assert_eq!(toolbox.info().home_dir().await.unwrap(), "/d");
    let files = toolbox.files();
    assert!(files.list("a b&c").await.unwrap().is_empty());
    files.info("/x").await.unwrap();
    let content = stream::iter([Ok(Bytes::from("he")), Ok(Bytes::from("llo"))]);
    files
        .upload("d/\"n\".txt", Upload::stream(content, 5))
        .await
        .unwrap();
    assert_eq!(
        files.download("/x").range(1..3).bytes().await.unwrap(),
        "{}"
    );
    files.delete("/x", true).await.unwrap();
    files.create_folder("f", None).await.unwrap();
    files.move_file("a", "b").await.unwrap();
    let permissions = Permissions::new().mode(0o644).owner("o").group("g");
    files.set_permissions("f", permissions).await.unwrap();
    files.upload("t", "text").await.unwrap();
    insta::assert_snapshot!(seen(&server));
}

#[tokio::test]
async fn bad_arguments_are_refused_before_anything_is_sent() {
    let server = Scripted::new();
    let api = scripted(&server);
    for id in ["", ".", "..", "a\r\nb", "a\0b"] {
        assert!(
            api.sandboxes().get(id).await.unwrap_err().is_build(),
            "{id:?}"
        );
        assert!(
            api.toolbox_at("https://app.daytona.io", id).is_err(),
            "{id:?}"
        );
    }
    let toolbox = api
        .toolbox_at("https://proxy.app.daytona.io/toolbox", "a")
        .unwrap();
    let zero = toolbox
        .process()
        .execute("ls")
        .timeout(Duration::ZERO)
        .send()
        .await;
    assert!(zero.unwrap_err().is_build());
    assert!(
        toolbox
            .process()
            .execute(" ")
            .send()
            .await
            .unwrap_err()
            .is_build()
    );
    for image in ["a\nRUN x", "", "a b", "a\u{2028}b"] {
        let error = api
            .sandboxes()
            .create()
            .image(image)
            .send()
            .await
            .unwrap_err();
        assert!(
            error.is_build() && !error.may_have_reached_server(),
            "{image:?}"
        );
    }
    let both = api
        .sandboxes()
        .create()
        .image("a")
        .snapshot("b")
        .send()
        .await;
    assert!(both.unwrap_err().is_build());
    for path in ["", "a\0b"] {
        assert!(toolbox.files().info(path).await.unwrap_err().is_build());
        assert!(
            toolbox
                .files()
                .upload(path, "")
                .await
                .unwrap_err()
                .is_build()
        );
        assert!(
            toolbox
                .files()
                .download(path)
                .send()
                .await
                .unwrap_err()
                .is_build()
        );
    }
    assert!(
        toolbox
            .files()
            .create_folder("a", Some(0o10000))
            .await
            .unwrap_err()
            .is_build()
    );
    assert!(
        Upload::file("/nowhere/at/all")
            .await
            .unwrap_err()
            .is_build()
    );
    assert!(server.requests().is_empty());
    for key in ["", "  ", "a\nb"] {
        assert!(
            Daytona::new(Config::new(key)).unwrap_err().is_build(),
            "{key:?}"
        );
    }
    assert!(Daytona::new(Config::jwt("t", "")).unwrap_err().is_build());
    assert!(
        Daytona::new(Config::new("k").api_url("nonsense"))
            .unwrap_err()
            .is_build()
    );
}

#[tokio::test]
async fn an_upload_whose_source_has_another_length_fails() {
    for (announced, text) in [(4, "longer"), (6, "shorter")] {
        let server = Scripted::new().json(200, "{}");
        let toolbox = scripted(&server)
            .toolbox_at("https://app.daytona.io", "a")
            .unwrap();
        let content = stream::iter([Ok(Bytes::from("hello"))]);
        let error = toolbox
            .files()
            .upload("f", Upload::stream(content, announced))
            .await
            .unwrap_err();
        assert!(format!("{error:?}").contains(text), "{error:?}");
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn no_secret_is_in_what_is_captured() {
    let value = "canary-env-value";
    let body = format!(r#"{{"message":"{KEY} {value}"}}"#);
    let server = Scripted::new().json(400, body);
    let create = scripted(&server).sandboxes().create().env("A", value);
    let error = create.send().await.unwrap_err();
    let shown = format!("{error:?} {:?} {server:?}", server.requests());
    assert!(!shown.contains("canary"), "{shown}");
    assert!(
        !server.requests()[0]
            .headers()
            .iter()
            .any(|(_, value)| value.contains("canary"))
    );
}

#[tokio::test]
async fn one_that_is_deleted_when_it_stops_is_known_by_the_name_it_had() {
    let gone = r#"{"id":"b","name":"DESTROYED_my_box_1700000000000","state":"destroying"}"#;
    for (asked, known) in [("my_box", true), ("b", true), ("box", false), ("my", false)] {
        let server = Scripted::new().json(200, gone);
        let stopped = scripted(&server).sandboxes().stop(asked, false).await;
        assert_eq!(stopped.is_ok(), known, "{asked}");
    }
}
