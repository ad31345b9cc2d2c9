use super::Lab;

pub(super) async fn all(lab: &Lab) {
    let desktop = lab.toolbox().computer_use();
    let status = r#"{"message":"started","status":{"xvfb":{"running":true}}}"#;
    let started = lab.ask(status, desktop.start()).await;
    assert_eq!(started.status.unwrap()["xvfb"].running, Some(true));
    lab.ask(status, desktop.stop()).await;
    assert_eq!(
        lab.ask(r#"{"status":"active"}"#, desktop.status()).await,
        "active"
    );
    lab.ask(r#"{"status":"active"}"#, desktop.processes_status())
        .await;
    assert!(
        lab.ask(r#"{"running":true}"#, desktop.process_status("xvfb"))
            .await
    );
    assert_eq!(
        lab.ask(r#"{"logs":"l"}"#, desktop.process_logs("xvfb"))
            .await,
        "l"
    );
    assert_eq!(
        lab.ask(r#"{"errors":"e"}"#, desktop.process_errors("xvfb"))
            .await,
        "e"
    );
    lab.ask("{}", desktop.restart_process("xvfb")).await;
    let displays = r#"{"displays":[{"width":1024}]}"#;
    assert_eq!(
        lab.ask(displays, desktop.displays()).await[0].width,
        Some(1024)
    );
    assert!(
        lab.ask(r#"{"windows":null}"#, desktop.windows())
            .await
            .is_empty()
    );
    input(lab).await;
    screen(lab).await;
}

async fn input(lab: &Lab) {
    let desktop = lab.toolbox().computer_use();
    let place = r#"{"x":1,"y":2}"#;
    assert_eq!(lab.ask(place, desktop.mouse_position()).await.y, Some(2));
    lab.ask(place, desktop.move_mouse(1, -2)).await;
    lab.ask(
        place,
        desktop.click(1, 2, |click| click.double = Some(true)),
    )
    .await;
    lab.ask(
        place,
        desktop.drag((1, 2), (3, 4), |drag| drag.button = Some("left".into())),
    )
    .await;
    let scroll = desktop.scroll(1, 2, "down", |scroll| scroll.amount = Some(3));
    assert!(lab.ask(r#"{"success":true}"#, scroll).await);
    lab.ask("{}", desktop.mouse_down("left")).await;
    lab.ask("{}", desktop.mouse_up("left")).await;
    lab.ask("{}", desktop.type_text("hello", Some(20))).await;
    lab.ask("{}", desktop.press_key("a", &["ctrl"])).await;
    lab.ask("{}", desktop.press_hotkey("ctrl+c")).await;
    lab.ask("{}", desktop.key_down("shift")).await;
    lab.ask("{}", desktop.key_up("shift")).await;
}

async fn screen(lab: &Lab) {
    let desktop = lab.toolbox().computer_use();
    let picture = r#"{"screenshot":"aGk=","sizeBytes":2}"#;
    let taken = lab.ask(picture, desktop.screenshot().send()).await;
    assert_eq!(taken.screenshot.as_deref(), Some("aGk="));
    let region = || desktop.screenshot().region(1, 2, 30, 40);
    lab.ask(picture, region().show_cursor(true).send()).await;
    lab.ask(
        picture,
        desktop.screenshot().compressed("png", 85, 1.0).send(),
    )
    .await;
    lab.ask(picture, region().compressed("jpeg", 80, 0.5).send())
        .await;
    let node = r#"{"id":":1.5/a","role":"frame","children":[{"role":"button"}]}"#;
    let tree = format!(r#"{{"root":{node},"truncated":false}}"#);
    let tree = lab
        .ask(
            &tree,
            desktop.accessibility_tree(Some("pid"), Some(7), Some(3)),
        )
        .await;
    assert_eq!(tree.root.unwrap().children.unwrap().len(), 1);
    lab.ask(
        "{}",
        desktop.find_accessibility_nodes(|node| node.limit = Some(1)),
    )
    .await;
    lab.ask("{}", desktop.focus_accessibility_node(":1.5/a"))
        .await;
    lab.ask(
        "{}",
        desktop.invoke_accessibility_node(":1.5/a", Some("click")),
    )
    .await;
    lab.ask("{}", desktop.set_accessibility_node_value(":1.5/a", "Ada"))
        .await;
    let recording = r#"{"id":"r-1","status":"recording"}"#;
    lab.ask(recording, desktop.start_recording(Some("login")))
        .await;
    lab.ask(recording, desktop.stop_recording("r-1")).await;
    let list = format!(r#"{{"recordings":[{recording}]}}"#);
    assert_eq!(lab.ask(&list, desktop.recordings()).await[0].id, "r-1");
    lab.ask(recording, desktop.recording("r-1")).await;
    lab.ask("", desktop.delete_recording("r-1")).await;
    assert_eq!(
        lab.ask("video", desktop.download_recording("r-1", 5)).await,
        "video"
    );
}

#[tokio::test]
async fn desktop() {
    let lab = Lab::new();
    Box::pin(all(&lab)).await;
    insta::assert_snapshot!(lab.seen());
}
