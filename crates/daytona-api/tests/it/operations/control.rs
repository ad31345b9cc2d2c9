use std::time::Duration;

use daytona_api::ErrorKind;
use futures_util::TryStreamExt;

use super::Lab;

pub(super) async fn all(lab: &Lab) {
    snapshots(lab).await;
    volumes(lab).await;
    secrets(lab).await;
    let pools = lab.api.warm_pools();
    let pool = r#"{"id":"p-1","pool":3,"currentSize":1}"#;
    assert_eq!(
        lab.ask(&format!("[{pool}]"), pools.list()).await[0].current_size,
        1
    );
    lab.ask(pool, pools.create("snap:1", 3, Some("eu"))).await;
    lab.ask(pool, pools.update("p-1", 0)).await;
    lab.ask("", pools.delete("p-1")).await;
    let organizations = lab.api.organizations();
    lab.ask(r#"[{"id":"o-1"}]"#, organizations.list()).await;
    assert_eq!(
        lab.ask(r#"{"id":"o-1"}"#, organizations.get("o-1"))
            .await
            .id,
        "o-1"
    );
    let usage = r#"{"regionUsage":[{"regionId":"us","totalCpuQuota":10}]}"#;
    let usage = lab.ask(usage, organizations.usage("o-1")).await;
    assert_eq!(usage.region_usage[0].total_cpu_quota, 10);
    lab.ask("[{}]", organizations.available_sandbox_classes("o-1"))
        .await;
    assert_eq!(
        lab.ask(r#"{"H100":2}"#, organizations.gpu_capacity("o-1"))
            .await["H100"],
        2
    );
    let regions = lab.api.regions();
    let region = r#"{"id":"us","name":"us"}"#;
    assert_eq!(
        lab.ask(&format!("[{region}]"), regions.list()).await.len(),
        1
    );
    lab.ask("[]", regions.list_shared()).await;
    assert_eq!(lab.ask(region, regions.get("us")).await.name, "us");
    let server = lab.api.server();
    assert_eq!(
        lab.ask(r#"{"version":"0.205"}"#, server.config())
            .await
            .version,
        "0.205"
    );
    lab.ask("", server.health()).await;
    assert_eq!(
        lab.ask(r#"{"status":"ok"}"#, server.ready()).await["status"],
        "ok"
    );
    let access = lab
        .ask(r#"{"bucket":"b","secret":"s"}"#, server.push_access())
        .await;
    assert_eq!(access.bucket, "b");
    assert!(!format!("{access:?}").contains("\"s\""));
}

async fn snapshots(lab: &Lab) {
    let snapshots = lab.api.snapshots();
    let one = r#"{"id":"s-1","name":"snap:1","state":"active"}"#;
    let image = |new: &mut daytona_api::models::CreateSnapshot| {
        new.image_name = Some("python:3.12".into());
        new.memory = Some(4);
    };
    lab.ask(one, snapshots.create("snap:1", image)).await;
    lab.ask(one, snapshots.get("org/snap:1")).await;
    lab.ask("", snapshots.delete("s-1")).await;
    lab.ask(one, snapshots.activate("s-1")).await;
    lab.ask("", snapshots.deactivate("s-1")).await;
    lab.ask(r#"{"url":"u"}"#, snapshots.build_logs_url("s-1"))
        .await;
    let page = r#"{"items":[{"id":"s-1"}],"page":1,"totalPages":2,"total":2}"#;
    let last = r#"{"items":[{"id":"s-2"}],"page":2,"totalPages":2,"total":2}"#;
    let _ = lab.server.clone().json(200, page);
    let list = snapshots
        .list()
        .name("sn")
        .sort("name")
        .order("asc")
        .page_size(1);
    let list = list.source_sandbox("sb-1");
    assert_eq!(lab.ask(last, list.collect()).await.len(), 2);
}

async fn volumes(lab: &Lab) {
    let volumes = lab.api.volumes();
    let one = r#"{"id":"v-1","name":"data","state":"ready"}"#;
    lab.ask(&format!("[{one}]"), volumes.list(true)).await;
    lab.ask(one, volumes.create("data")).await;
    lab.ask(one, volumes.get("v-1")).await;
    assert_eq!(lab.ask(one, volumes.get_by_name("my data")).await.id, "v-1");
    lab.ask("", volumes.delete("v-1")).await;
}

async fn secrets(lab: &Lab) {
    let secrets = lab.api.secrets();
    let one = r#"{"id":"k-1","name":"github","placeholder":"dtn_secret_x"}"#;
    let hosts = |new: &mut daytona_api::models::CreateSecret| new.hosts = Some(vec!["a".into()]);
    lab.ask(one, secrets.create("github", &"value".into(), hosts))
        .await;
    lab.ask(one, secrets.get("k-1")).await;
    lab.ask(
        one,
        secrets.update("k-1", |to| to.value = Some("new".into())),
    )
    .await;
    lab.ask("", secrets.delete("k-1")).await;
    let page = format!(r#"{{"items":[{one}],"total":2,"nextCursor":"c"}}"#);
    let _ = lab.server.clone().json(200, page);
    let last = format!(r#"{{"items":[{one}],"total":2,"nextCursor":null}}"#);
    let all: Vec<_> = lab
        .ask(&last, secrets.list(Some("git")).try_collect())
        .await;
    assert_eq!(all.len(), 2);
}

#[tokio::test]
async fn control_plane() {
    let lab = Lab::new();
    Box::pin(all(&lab)).await;
    insta::assert_snapshot!(lab.seen());
}

#[tokio::test]
async fn a_few_raw_ones() {
    let lab = Lab::new();
    let raw = lab.api.raw();
    let query = [("page", "2"), ("action", "a b")];
    lab.ask("{}", raw.get_organization_audit_logs("o-1", &query))
        .await;
    assert_eq!(lab.ask("[{}]", raw.list_registries()).await.len(), 1);
    assert!(lab.ask("true", raw.is_sandbox_public("sb")).await);
    assert_eq!(
        lab.ask("whatever", raw.admin_list_users()).await,
        "whatever"
    );
    let mut key = daytona_api::models::CreateApiKey::default();
    key.name = "ci".into();
    let made = lab
        .ask(r#"{"value":"dtn_made"}"#, raw.create_api_key(&key))
        .await;
    assert_eq!(made.value, "dtn_made");
    let region = serde_json::json!({ "defaultQueueTimeout": 5 });
    lab.ask(
        "{}",
        raw.update_organization_default_queue_timeout("o-1", &region),
    )
    .await;
    let mut token = daytona_api::models::toolbox::InitializeRequest::default();
    token.token = "t".into();
    lab.ask("{}", lab.toolbox().raw().initialize(&token)).await;
    insta::assert_snapshot!(lab.seen());
}

#[tokio::test]
async fn a_value_that_the_server_repeats_is_not_in_the_error() {
    let lab = Lab::new();
    let told = r#"{"message":"canary-value is too short","code":"canary-value"}"#;
    let _ = lab
        .server
        .clone()
        .json(400, told)
        .json(400, told)
        .json(400, told)
        .json(400, told);
    let value = "canary-value".into();
    let secret = lab
        .api
        .secrets()
        .create("n", &value, |_| {})
        .await
        .unwrap_err();
    let git = lab.toolbox().git();
    let clone = git
        .clone_repository("https://x", "p")
        .credentials("u", value.clone());
    let clone = clone.send().await.unwrap_err();
    let kept = git.authenticate("u", &value, |_| {}).await.unwrap_err();
    let typed = lab
        .toolbox()
        .computer_use()
        .type_text("canary-value", None)
        .await
        .unwrap_err();
    for error in [secret, clone, kept, typed] {
        assert!(
            !format!("{error} {error:?}").contains("canary"),
            "{error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_with_the_state_the_reason_or_the_timeout() {
    let lab = Lab::new();
    let volumes = lab.api.volumes();
    let second = Duration::from_secs(1);
    let _ = lab
        .server
        .clone()
        .json(200, r#"{"state":"pending_create"}"#);
    lab.ask(
        r#"{"state":"ready"}"#,
        volumes.wait_until_ready("v-1", second),
    )
    .await;
    let reason = r#"{"state":"error","errorReason":"no\nspace for dtn_canary-key-0123456789"}"#;
    let _ = lab.server.clone().json(200, reason);
    let error = volumes.wait_until_ready("v-1", second).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert_eq!(
        error.to_string(),
        "the volume is error: no space for [redacted]"
    );

    let snapshots = lab.api.snapshots();
    let _ = lab.server.clone().json(404, "{}");
    assert!(
        snapshots
            .wait_until_active("s", second)
            .await
            .unwrap_err()
            .is_not_found()
    );
    for _ in 0..30 {
        let _ = lab.server.clone().json(200, r#"{"state":"building"}"#);
    }
    let before = lab.server.requests().len();
    let error = snapshots.wait_until_active("s", second).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(lab.server.requests().len() - before, 10);
}
