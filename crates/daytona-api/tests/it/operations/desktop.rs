use super::Lab;

pub(super) async fn all(lab: &Lab) {
    let desktop = lab.toolbox().computer_use();
    let status = r#"{"message":"started","status":{"xvfb":{"running":true}}}"#;
    let started = ask!(lab, status, desktop.start());
    assert_eq!(started.status.unwrap()["xvfb"].running, Some(true));
    ask!(lab, status, desktop.stop());
    assert_eq!(
        ask!(lab, r#"{"status":"active"}"#, desktop.status()),
        "active"
    );
    ask!(lab, r#"{"status":"active"}"#, desktop.processes_status());
    assert!(ask!(
        lab,
        r#"{"running":true}"#,
        desktop.process_status("xvfb")
    ));
    assert_eq!(
        ask!(lab, r#"{"logs":"l"}"#, desktop.process_logs("xvfb")),
        "l"
    );
    assert_eq!(
        ask!(lab, r#"{"errors":"e"}"#, desktop.process_errors("xvfb")),
        "e"
    );
    ask!(lab, "{}", desktop.restart_process("xvfb"));
    let displays = r#"{"displays":[{"width":1024}]}"#;
    assert_eq!(ask!(lab, displays, desktop.displays())[0].width, Some(1024));
    assert!(ask!(lab, r#"{"windows":null}"#, desktop.windows()).is_empty());
    input(lab).await;
    screen(lab).await;
}

async fn input(lab: &Lab) {
    let desktop = lab.toolbox().computer_use();
    let place = r#"{"x":1,"y":2}"#;
    assert_eq!(ask!(lab, place, desktop.mouse_position()).y, Some(2));
    ask!(lab, place, desktop.move_mouse(1, -2));
    ask!(
        lab,
        place,
        desktop.click(1, 2, |click| click.double = Some(true))
    );
    ask!(
        lab,
        place,
        desktop.drag((1, 2), (3, 4), |drag| drag.button = Some("left".into()))
    );
    let done = ask!(
        lab,
        r#"{"success":true}"#,
        desktop.scroll(1, 2, "down", |scroll| scroll.amount = Some(3))
    );
    assert!(done);
    ask!(lab, "{}", desktop.mouse_down("left"));
    ask!(lab, "{}", desktop.mouse_up("left"));
    ask!(lab, "{}", desktop.type_text("hello", Some(20)));
    ask!(lab, "{}", desktop.press_key("a", &["ctrl"]));
    ask!(lab, "{}", desktop.press_hotkey("ctrl+c"));
    ask!(lab, "{}", desktop.key_down("shift"));
    ask!(lab, "{}", desktop.key_up("shift"));
}

async fn screen(lab: &Lab) {
    let desktop = lab.toolbox().computer_use();
    let picture = r#"{"screenshot":"aGk=","sizeBytes":2}"#;
    let taken = ask!(lab, picture, desktop.screenshot().send());
    assert_eq!(taken.screenshot.as_deref(), Some("aGk="));
    ask!(
        lab,
        picture,
        desktop
            .screenshot()
            .region(1, 2, 30, 40)
            .show_cursor(true)
            .send()
    );
    ask!(
        lab,
        picture,
        desktop.screenshot().compressed("png", 85, 1.0).send()
    );
    ask!(
        lab,
        picture,
        desktop
            .screenshot()
            .region(1, 2, 30, 40)
            .compressed("jpeg", 80, 0.5)
            .send()
    );
    let node = r#"{"id":":1.5/a","role":"frame","children":[{"role":"button"}]}"#;
    let tree = format!(r#"{{"root":{node},"truncated":false}}"#);
    let tree = ask!(
        lab,
        &tree,
        desktop.accessibility_tree(Some("pid"), Some(7), Some(3))
    );
    assert_eq!(tree.root.unwrap().children.unwrap().len(), 1);
    ask!(
        lab,
        "{}",
        desktop.find_accessibility_nodes(|node| node.limit = Some(1))
    );
    ask!(lab, "{}", desktop.focus_accessibility_node(":1.5/a"));
    ask!(
        lab,
        "{}",
        desktop.invoke_accessibility_node(":1.5/a", Some("click"))
    );
    ask!(
        lab,
        "{}",
        desktop.set_accessibility_node_value(":1.5/a", "Ada")
    );
    let recording = r#"{"id":"r-1","status":"recording"}"#;
    ask!(lab, recording, desktop.start_recording(Some("login")));
    ask!(lab, recording, desktop.stop_recording("r-1"));
    let list = format!(r#"{{"recordings":[{recording}]}}"#);
    assert_eq!(ask!(lab, &list, desktop.recordings())[0].id, "r-1");
    ask!(lab, recording, desktop.recording("r-1"));
    ask!(lab, "", desktop.delete_recording("r-1"));
    assert_eq!(
        ask!(lab, "video", desktop.download_recording("r-1", 5)),
        "video"
    );
}

/// Ways to say that the image lacks something.
const LACKS: [&str; 4] = [
    r#"{"message":"no desktop","code":"SERVICE_UNAVAILABLE","source":"DAYTONA_DAEMON"}"#,
    r#"{"statusCode":503,"message":"no bus","code":"A11Y_UNAVAILABLE"}"#,
    r#"{"statusCode":503,"message":"no ffmpeg","code":"RECORDING_FFMPEG_NOT_FOUND"}"#,
    r#"{"message":"no desktop","details":"no plugin","solution":"install one"}"#,
];

/// Trouble on the way.
const PASSES: [&str; 6] = [
    "",
    "<html>busy</html>",
    r#"{"message":"busy"}"#,
    r#"{"message":"busy","code":"SERVICE_UNAVAILABLE","source":"DAYTONA_PROXY"}"#,
    r#"{"statusCode":503,"message":"busy","error":"Service Unavailable"}"#,
    r#"{"statusCode":503,"message":"busy","code":"SERVICE_UNAVAILABLE","details":"-"}"#,
];

#[tokio::test(start_paused = true)]
async fn what_the_image_lacks_is_not_asked_for_again() {
    let again = async |answers: &[(&str, &[(&str, &str)])]| {
        let lab = Lab::new();
        for (body, headers) in answers {
            let _ = lab.server.clone().answer(503, headers, (*body).to_owned());
        }
        let desktop = lab.toolbox().computer_use();
        let _ = lab.server.clone().json(200, r#"{"status":"active"}"#);
        let told = desktop.status().await;
        (told, lab.server.requests().len())
    };
    for body in LACKS {
        let (told, requests) = again(&[(body, &[])]).await;
        let error = told.unwrap_err();
        assert!(error.is_not_installed(), "{error:?}");
        assert_eq!((error.status(), requests), (Some(503), 1), "{body}");
        assert!(error.message().unwrap().starts_with("no "), "{error:?}");
        // one that is told to come back is not told for good
        let (told, requests) = again(&[(body, &[("retry-after", "1")])]).await;
        assert_eq!((told.unwrap().as_str(), requests), ("active", 2), "{body}");
    }
    for body in PASSES {
        let (told, requests) = again(&[(body, &[])]).await;
        assert_eq!((told.unwrap().as_str(), requests), ("active", 2), "{body}");
        let (told, requests) = again(&[(body, [].as_slice()); 3]).await;
        let error = told.unwrap_err();
        assert!(!error.is_not_installed(), "{error:?}");
        assert_eq!(requests, 3, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_words_elsewhere_are_trouble_on_the_way() {
    for body in LACKS {
        let lab = Lab::new();
        let _ = lab.server.clone().answer(503, &[], body);
        let _ = lab.server.clone().json(200, r#"{"memUsed":5}"#);
        let system = lab.toolbox().system();
        assert_eq!(system.metrics().await.unwrap().mem_used, Some(5), "{body}");
        assert_eq!(lab.server.requests().len(), 2);
    }
}
