use daytona_api::api::TelemetryQuery;

use super::Lab;

pub(super) async fn all(lab: &Lab) {
    let sandboxes = lab.api.sandboxes();
    let one = r#"{"id":"sb-1","name":"sb","state":"started"}"#;
    let odd = r#"{"id":"sb-1","name":"a b"}"#;
    for paused in [
        lab.ask(odd, sandboxes.pause("a b")).await,
        lab.ask(one, sandboxes.archive("sb")).await,
        lab.ask(one, sandboxes.recover("sb", true)).await,
        lab.ask(one, sandboxes.resize("sb", |to| to.cpu = Some(4)))
            .await,
        lab.ask(one, sandboxes.create_snapshot("sb", "snap:1", true))
            .await,
        lab.ask(one, sandboxes.fork("sb", Some("copy"))).await,
        lab.ask(one, sandboxes.fork("sb", None)).await,
        lab.ask(one, sandboxes.parent("sb")).await,
        lab.ask(one, sandboxes.set_public("sb", true)).await,
        lab.ask(one, sandboxes.set_auto_pause_interval("sb", 30))
            .await,
        lab.ask(one, sandboxes.revoke_ssh_access("sb", Some("t/1")))
            .await,
        lab.ask(one, sandboxes.update_secrets("sb", [("TOKEN", "github")]))
            .await,
        lab.ask(
            one,
            sandboxes.update_network_settings("sb", |to| to.network_block_all = Some(true)),
        )
        .await,
    ] {
        assert_eq!(paused.id, "sb-1");
    }
    let none = sandboxes.update_secrets::<String, String>("sb", []);
    lab.ask(one, none).await;
    lab.ask(one, sandboxes.revoke_ssh_access("sb", None)).await;
    let list = r#"[{"id":"sb-1"},{"id":"sb-2"}]"#;
    assert_eq!(lab.ask(list, sandboxes.forks("sb", false)).await.len(), 2);
    assert!(lab.ask("null", sandboxes.ancestors("sb")).await.is_empty());

    let preview = r#"{"sandboxId":"sb-1","url":"https://8080-sb-1.example.org","token":"t"}"#;
    assert_eq!(
        lab.ask(preview, sandboxes.preview_url("sb", 8080))
            .await
            .token,
        "t"
    );
    lab.ask(preview, sandboxes.signed_preview_url("sb", 80, Some(60)))
        .await;
    lab.ask(preview, sandboxes.signed_preview_url("sb", 80, None))
        .await;
    lab.ask("", sandboxes.expire_signed_preview_url("sb", 80, "tok"))
        .await;
    let ssh = r#"{"token":"t","sshCommand":"ssh t@example.org"}"#;
    let access = lab
        .ask(ssh, sandboxes.create_ssh_access("sb", Some(5)))
        .await;
    assert_eq!(access.ssh_command, "ssh t@example.org");
    let valid = r#"{"valid":false,"sandboxId":null}"#;
    assert!(
        !lab.ask(valid, sandboxes.validate_ssh_access("t"))
            .await
            .valid
    );
    assert_eq!(
        lab.ask(r#""key""#, sandboxes.signing_key("sb"))
            .await
            .expose(),
        "key"
    );
    assert_eq!(
        lab.ask(r#""new""#, sandboxes.rotate_signing_key("sb"))
            .await
            .expose(),
        "new"
    );
    let url = lab
        .ask(r#"{"url":"https://x/log"}"#, sandboxes.build_logs_url("sb"))
        .await;
    assert_eq!(url, "https://x/log");

    let query = TelemetryQuery::new("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    let logs = query
        .clone()
        .severity("ERROR")
        .severity("WARN")
        .search("x y")
        .page(2)
        .limit(5);
    lab.ask("{}", sandboxes.telemetry_logs("sb", &logs)).await;
    lab.ask("{}", sandboxes.telemetry_traces("sb", &query))
        .await;
    lab.ask("[]", sandboxes.telemetry_spans("sb", "t-1")).await;
    let series = r#"{"series":[{"metricName":"cpu","dataPoints":[{"value":1}]}]}"#;
    let query = query.metric("cpu");
    let metrics = sandboxes.telemetry_metrics("sb", &query);
    assert_eq!(lab.ask(series, metrics).await.series.len(), 1);
}

/// Those whose requests are shown in full elsewhere.
pub(super) async fn elsewhere(lab: &Lab) {
    let sandboxes = lab.api.sandboxes();
    let row = r#"{"id":"sb"}"#;
    lab.ask("{}", sandboxes.create().send()).await;
    lab.ask(row, sandboxes.get("sb")).await;
    lab.ask("{}", sandboxes.list().collect()).await;
    lab.ask(row, sandboxes.start("sb")).await;
    lab.ask(row, sandboxes.stop("sb", false)).await;
    lab.ask("{}", sandboxes.delete("sb")).await;
    lab.ask("{}", sandboxes.replace_labels("sb", [("a", "b")]))
        .await;
    lab.ask(row, sandboxes.set_auto_stop_interval("sb", 1))
        .await;
    lab.ask(row, sandboxes.set_auto_archive_interval("sb", 1))
        .await;
    lab.ask(row, sandboxes.set_auto_delete_interval("sb", 1))
        .await;
    lab.ask(row, sandboxes.set_ttl("sb", 1)).await;
    lab.ask("", sandboxes.update_last_activity("sb")).await;
    lab.ask(r#"{"url":"u"}"#, sandboxes.toolbox_proxy_url("sb"))
        .await;
}

#[tokio::test]
async fn sandboxes() {
    let lab = Lab::new();
    Box::pin(all(&lab)).await;
    insta::assert_snapshot!(lab.seen());
}
