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
        ask!(lab, &format!("[{pool}]"), pools.list())[0].current_size,
        1
    );
    ask!(lab, pool, pools.create("snap:1", 3, Some("eu")));
    ask!(lab, pool, pools.update("p-1", 0));
    ask!(lab, "", pools.delete("p-1"));
    let organizations = lab.api.organizations();
    ask!(lab, r#"[{"id":"o-1"}]"#, organizations.list());
    assert_eq!(
        ask!(lab, r#"{"id":"o-1"}"#, organizations.get("o-1")).id,
        "o-1"
    );
    let usage = r#"{"regionUsage":[{"regionId":"us","totalCpuQuota":10}]}"#;
    let usage = ask!(lab, usage, organizations.usage("o-1"));
    assert_eq!(usage.region_usage[0].total_cpu_quota, 10);
    ask!(lab, "[{}]", organizations.available_sandbox_classes("o-1"));
    assert_eq!(
        ask!(lab, r#"{"H100":2}"#, organizations.gpu_capacity("o-1"))["H100"],
        2
    );
    let regions = lab.api.regions();
    let region = r#"{"id":"us","name":"us"}"#;
    assert_eq!(ask!(lab, &format!("[{region}]"), regions.list()).len(), 1);
    ask!(lab, "[]", regions.list_shared());
    assert_eq!(ask!(lab, region, regions.get("us")).name, "us");
    let server = lab.api.server();
    assert_eq!(
        ask!(lab, r#"{"version":"0.205"}"#, server.config()).version,
        "0.205"
    );
    ask!(lab, "", server.health());
    assert_eq!(
        ask!(lab, r#"{"status":"ok"}"#, server.ready())["status"],
        "ok"
    );
    let access = ask!(lab, r#"{"bucket":"b","secret":"s"}"#, server.push_access());
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
    ask!(lab, one, snapshots.create("snap:1", image));
    ask!(lab, one, snapshots.get("org/snap:1"));
    ask!(lab, "", snapshots.delete("s-1"));
    ask!(lab, one, snapshots.activate("s-1"));
    ask!(lab, "", snapshots.deactivate("s-1"));
    ask!(lab, r#"{"url":"u"}"#, snapshots.build_logs_url("s-1"));
    let page = r#"{"items":[{"id":"s-1"}],"page":1,"totalPages":2,"total":2}"#;
    let last = r#"{"items":[{"id":"s-2"}],"page":2,"totalPages":2,"total":2}"#;
    let _ = lab.server.clone().json(200, page);
    let all = ask!(
        lab,
        last,
        snapshots
            .list()
            .name("sn")
            .sort("name")
            .order("asc")
            .page_size(1)
            .source_sandbox("sb-1")
            .collect()
    );
    assert_eq!(all.len(), 2);
}

async fn volumes(lab: &Lab) {
    let volumes = lab.api.volumes();
    let one = r#"{"id":"v-1","name":"data","state":"ready"}"#;
    ask!(lab, &format!("[{one}]"), volumes.list(true));
    ask!(lab, one, volumes.create("data"));
    ask!(lab, one, volumes.get("v-1"));
    assert_eq!(ask!(lab, one, volumes.get_by_name("my data")).id, "v-1");
    ask!(lab, "", volumes.delete("v-1"));
}

async fn secrets(lab: &Lab) {
    let secrets = lab.api.secrets();
    let one = r#"{"id":"k-1","name":"github","placeholder":"dtn_secret_x"}"#;
    let hosts = |new: &mut daytona_api::models::CreateSecret| new.hosts = Some(vec!["a".into()]);
    let value = "value".into();
    ask!(lab, one, secrets.create("github", &value, hosts));
    ask!(lab, one, secrets.get("k-1"));
    ask!(
        lab,
        one,
        secrets.update("k-1", |to| to.value = Some("new".into()))
    );
    ask!(lab, "", secrets.delete("k-1"));
    let page = format!(r#"{{"items":[{one}],"total":2,"nextCursor":"c"}}"#);
    let _ = lab.server.clone().json(200, page);
    let last = format!(r#"{{"items":[{one}],"total":2,"nextCursor":null}}"#);
    let all: Vec<_> = ask!(lab, &last, secrets.list(Some("git")).try_collect());
    assert_eq!(all.len(), 2);
}

#[tokio::test]
async fn a_few_raw_ones() {
    let lab = Lab::new();
    let raw = lab.api.raw();
    let query = [("page", "2"), ("action", "a b")];
    ask!(lab, "{}", raw.get_organization_audit_logs("o-1", &query));
    assert_eq!(ask!(lab, "[{}]", raw.list_registries()).len(), 1);
    assert!(ask!(lab, "true", raw.is_sandbox_public("sb")));
    assert_eq!(ask!(lab, "whatever", raw.admin_list_users()), "whatever");
    let mut key = daytona_api::models::CreateApiKey::default();
    key.name = "ci".into();
    let made = ask!(lab, r#"{"value":"dtn_made"}"#, raw.create_api_key(&key));
    assert_eq!(made.value, "dtn_made");
    let region = serde_json::json!({ "defaultQueueTimeout": 5 });
    ask!(
        lab,
        "{}",
        raw.update_organization_default_queue_timeout("o-1", &region)
    );
    let mut token = daytona_api::models::toolbox::InitializeRequest::default();
    token.token = "t".into();
    let raw = lab.toolbox().raw();
    ask!(lab, "{}", raw.initialize(&token));
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
    ask!(
        lab,
        r#"{"state":"ready"}"#,
        volumes.wait_until_ready("v-1", second)
    );
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
