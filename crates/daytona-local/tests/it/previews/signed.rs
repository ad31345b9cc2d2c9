//! Addresses that open one port for a time, and what the service says of tokens.

use std::time::Duration;

use super::{TOKEN, get, seen, serve};
use crate::live::{Lab, soon};
use crate::support::plain;

#[tokio::test]
async fn a_signed_address_opens_one_port_until_its_time_is_over() {
    let lab = soon(Lab::new(plain().manual_clock())).await;
    let sandboxes = lab.api.sandboxes();
    let port = serve(&lab.toolbox).await;
    let minute = sandboxes
        .signed_preview_url(&lab.id, port, None)
        .await
        .unwrap();
    let hour = sandboxes
        .signed_preview_url(&lab.id, port, Some(3600))
        .await
        .unwrap();
    let ended = sandboxes
        .signed_preview_url(&lab.id, port, Some(3600))
        .await
        .unwrap();
    assert_eq!((minute.token.len(), minute.port), (16, i64::from(port)));
    let open = async |url: &str| get(&lab.server, url, &[]).await.status;
    for url in [&minute.url, &hour.url, &ended.url] {
        assert_eq!(
            seen(&get(&lab.server, &format!("{url}/x"), &[]).await)["path"],
            "/x"
        );
    }
    // bound to the port, and no token of the other kind
    let elsewhere = hour.url.replace(&format!("/{port}-"), "/8081-");
    assert_eq!(open(&elsewhere).await, 401);
    let preview = sandboxes.preview_url(&lab.id, port).await.unwrap();
    let answer = get(&lab.server, &preview.url, &[(TOKEN, &hour.token)]).await;
    assert_eq!(answer.status, 401);
    assert_eq!(
        open(&preview.url.replace(&lab.id, &preview.token)).await,
        401
    );

    // ended for another port, it is not
    sandboxes
        .expire_signed_preview_url(&lab.id, 8081, &ended.token)
        .await
        .unwrap();
    assert_eq!(open(&ended.url).await, 200);
    sandboxes
        .expire_signed_preview_url(&lab.id, port, &ended.token)
        .await
        .unwrap();
    sandboxes
        .expire_signed_preview_url(&lab.id, port, &ended.token)
        .await
        .unwrap();
    assert_eq!(open(&ended.url).await, 401);

    lab.server.advance(Duration::from_millis(59_999)).unwrap();
    assert_eq!(open(&minute.url).await, 200);
    lab.server.advance(Duration::from_millis(1)).unwrap();
    assert_eq!((open(&minute.url).await, open(&hour.url).await), (401, 200));
    for seconds in [0, 86_401] {
        let error = sandboxes
            .signed_preview_url(&lab.id, port, Some(seconds))
            .await
            .unwrap_err();
        assert_eq!(error.status(), Some(400), "{seconds}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(error.message().unwrap(), @"expiresInSeconds must be between 1 and 86400");
        }
    }
    assert_eq!(
        sandboxes
            .preview_url(&lab.id, 0)
            .await
            .unwrap_err()
            .message(),
        Some("Invalid port")
    );
    lab.server.shutdown().await;
}

#[tokio::test]
async fn the_service_can_be_asked_about_tokens() {
    let (server, client) = crate::support::start(plain().manual_clock()).await;
    let id = client.create(serde_json::json!({ "public": true })).await;
    let ask = async |path: String| {
        let answer = client.get(&format!("/api/preview/{path}")).await;
        (answer.status == 200).then(|| answer.json())
    };
    let url = format!("/api/sandbox/{id}/ports/3000");
    let token = client.get(&format!("{url}/preview-url")).await.json()["token"].clone();
    let token = token.as_str().unwrap();
    let signed = client
        .get(&format!("{url}/signed-preview-url"))
        .await
        .json()["token"]
        .clone();
    let signed = signed.as_str().unwrap();
    let (yes, no) = (Some(true.into()), Some(false.into()));
    assert_eq!(ask(format!("{id}/public")).await, yes);
    assert_eq!(ask(format!("{id}/access")).await, yes);
    assert_eq!(ask(format!("{id}/validate/{token}")).await, yes);
    assert_eq!(ask(format!("{id}/validate/{signed}")).await, no);
    let warning = Some(serde_json::json!({ "enabled": false }));
    assert_eq!(ask(format!("{id}/preview-warning")).await, warning);
    assert_eq!(
        ask(format!("{signed}/preview-warning?port=3000")).await,
        warning
    );
    assert_eq!(ask(format!("{signed}/preview-warning")).await, None);
    assert_eq!(
        ask(format!("{signed}/3000/sandbox-id")).await,
        Some(id.clone().into())
    );
    assert_eq!(ask(format!("{signed}/3001/sandbox-id")).await, None);
    for what in ["public", "access", "validate/x", "preview-warning"] {
        assert_eq!(ask(format!("nothing/{what}")).await, None, "{what}");
    }
    server.advance(Duration::from_secs(60)).unwrap();
    assert_eq!(ask(format!("{signed}/3000/sandbox-id")).await, None);
    let shown = format!("{:?}", server.requests());
    assert!(!shown.contains(token) && !shown.contains(signed), "{shown}");
    server.shutdown().await;
}
