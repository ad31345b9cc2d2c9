//! Computer use where there is no desktop.

use daytona_api::routes::{self, Api};

use crate::support::{plain, start};

#[tokio::test]
async fn every_route_says_that_there_is_no_desktop() {
    let (server, client) = start(plain()).await;
    let id = client.create(serde_json::json!({})).await;
    let mut asked = 0;
    for route in routes::ALL {
        if route.api != Api::Toolbox || !route.path.starts_with("/computeruse") {
            continue;
        }
        asked += 1;
        let path = route.path.replace(['{', '}'], "");
        let answer = client
            .call(
                route.method.as_str(),
                &format!("/toolbox/{id}{path}"),
                serde_json::Value::Null,
            )
            .await;
        assert_eq!(answer.status, 503, "{}", route.id);
        let body = answer.json();
        let code = if path.starts_with("/computeruse/a11y") {
            "A11Y_UNAVAILABLE"
        } else {
            "SERVICE_UNAVAILABLE"
        };
        assert_eq!(body["code"], code, "{}", route.id);
        assert_eq!(body["source"], "DAYTONA_DAEMON");
        let message = body["message"].as_str().unwrap();
        assert!(
            message.contains("computer use is not available"),
            "{message}"
        );
    }
    assert!(asked > 30, "{asked}");
    server.shutdown().await;
}
