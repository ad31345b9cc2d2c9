use daytona_api::api::TelemetryQuery;

use super::Lab;

pub(super) async fn all(lab: &Lab) {
    let sandboxes = lab.api.sandboxes();
    let one = r#"{"id":"sb-1","name":"sb","state":"started"}"#;
    let odd = r#"{"id":"sb-1","name":"a b"}"#;
    for paused in [
        ask!(lab, odd, sandboxes.pause("a b")),
        ask!(lab, one, sandboxes.archive("sb")),
        ask!(lab, one, sandboxes.recover("sb", true)),
        ask!(lab, one, sandboxes.resize("sb", |to| to.cpu = Some(4))),
        ask!(lab, one, sandboxes.create_snapshot("sb", "snap:1", true)),
        ask!(lab, one, sandboxes.fork("sb", Some("copy"))),
        ask!(lab, one, sandboxes.fork("sb", None)),
        ask!(lab, one, sandboxes.parent("sb")),
        ask!(lab, one, sandboxes.set_public("sb", true)),
        ask!(lab, one, sandboxes.set_auto_pause_interval("sb", 30)),
        ask!(lab, one, sandboxes.revoke_ssh_access("sb", Some("t/1"))),
        ask!(
            lab,
            one,
            sandboxes.update_secrets("sb", [("TOKEN", "github")])
        ),
        ask!(
            lab,
            one,
            sandboxes.update_network_settings("sb", |to| to.network_block_all = Some(true))
        ),
    ] {
        assert_eq!(paused.id, "sb-1");
    }
    let none: [(String, String); 0] = [];
    ask!(lab, one, sandboxes.update_secrets("sb", none));
    ask!(lab, one, sandboxes.revoke_ssh_access("sb", None));
    let list = r#"[{"id":"sb-1"},{"id":"sb-2"}]"#;
    assert_eq!(ask!(lab, list, sandboxes.forks("sb", false)).len(), 2);
    assert!(ask!(lab, "null", sandboxes.ancestors("sb")).is_empty());

    let preview = r#"{"sandboxId":"sb-1","url":"https://8080-sb-1.example.org","token":"t"}"#;
    assert_eq!(
        ask!(lab, preview, sandboxes.preview_url("sb", 8080)).token,
        "t"
    );
    ask!(
        lab,
        preview,
        sandboxes.signed_preview_url("sb", 80, Some(60))
    );
    ask!(lab, preview, sandboxes.signed_preview_url("sb", 80, None));
    ask!(
        lab,
        "",
        sandboxes.expire_signed_preview_url("sb", 80, "tok")
    );
    let ssh = r#"{"token":"t","sshCommand":"ssh t@example.org"}"#;
    let access = ask!(lab, ssh, sandboxes.create_ssh_access("sb", Some(5)));
    assert_eq!(access.ssh_command, "ssh t@example.org");
    let valid = r#"{"valid":false,"sandboxId":null}"#;
    assert!(!ask!(lab, valid, sandboxes.validate_ssh_access("t")).valid);
    assert_eq!(
        ask!(lab, r#""key""#, sandboxes.signing_key("sb")).expose(),
        "key"
    );
    assert_eq!(
        ask!(lab, r#""new""#, sandboxes.rotate_signing_key("sb")).expose(),
        "new"
    );
    let url = ask!(
        lab,
        r#"{"url":"https://x/log"}"#,
        sandboxes.build_logs_url("sb")
    );
    assert_eq!(url, "https://x/log");

    let query = TelemetryQuery::new("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    let logs = made!(
        lab,
        query
            .severity("ERROR")
            .severity("WARN")
            .search("x y")
            .page(2)
            .limit(5)
    );
    ask!(lab, "{}", sandboxes.telemetry_logs("sb", &logs));
    ask!(lab, "{}", sandboxes.telemetry_traces("sb", &query));
    ask!(lab, "[]", sandboxes.telemetry_spans("sb", "t-1"));
    let series = r#"{"series":[{"metricName":"cpu","dataPoints":[{"value":1}]}]}"#;
    let query = made!(lab, query.metric("cpu"));
    let metrics = ask!(lab, series, sandboxes.telemetry_metrics("sb", &query));
    assert_eq!(metrics.series.len(), 1);
}

/// Those whose requests are shown with all their headers in `requests.rs`.
pub(super) async fn elsewhere(lab: &Lab) {
    let sandboxes = lab.api.sandboxes();
    let row = r#"{"id":"sb"}"#;
    ask!(lab, "{}", sandboxes.create().send());
    ask!(lab, row, sandboxes.get("sb"));
    ask!(lab, "{}", sandboxes.list().collect());
    ask!(lab, row, sandboxes.start("sb"));
    ask!(lab, row, sandboxes.stop("sb", false));
    ask!(lab, "{}", sandboxes.delete("sb"));
    ask!(lab, "{}", sandboxes.replace_labels("sb", [("a", "b")]));
    ask!(lab, row, sandboxes.set_auto_stop_interval("sb", 1));
    ask!(lab, row, sandboxes.set_auto_archive_interval("sb", 1));
    ask!(lab, row, sandboxes.set_auto_delete_interval("sb", 1));
    ask!(lab, row, sandboxes.set_ttl("sb", 1));
    ask!(lab, "", sandboxes.update_last_activity("sb"));
    ask!(lab, r#"{"url":"u"}"#, sandboxes.toolbox_proxy_url("sb"));
}
