//! Tokens for SSH, by a clock that the tests move.

use std::time::Duration;

use crate::live::{Lab, soon};
use crate::support::plain;

#[tokio::test]
async fn a_token_is_good_for_its_time_and_until_the_next() {
    let lab = soon(Lab::new(plain().manual_clock())).await;
    let sandboxes = lab.api.sandboxes();
    let now = lab.server.clock().now();
    let first = sandboxes.create_ssh_access(&lab.id, None).await.unwrap();
    assert_eq!(first.sandbox_id, lab.id);
    assert_eq!(first.token.len(), 32);
    let ends: jiff::Timestamp = first.expires_at.parse().unwrap();
    assert_eq!(
        ends.duration_since(now).as_secs_f64().round(),
        3600.0,
        "an hour if nothing is said"
    );
    // to a name that nobody has: nothing answers SSH here
    assert_eq!(
        first.ssh_command,
        format!("ssh {}@ssh.daytona-local.invalid", first.token)
    );
    let valid = async |token: &str| {
        let found = sandboxes.validate_ssh_access(token).await.unwrap();
        assert_eq!(found.valid, found.sandbox_id == lab.id);
        assert!(found.valid || found.sandbox_id.is_empty());
        found.valid
    };
    assert!(valid(&first.token).await);
    assert!(!valid("no-token").await);

    let second = sandboxes.create_ssh_access(&lab.id, Some(1)).await.unwrap();
    assert!(!valid(&first.token).await, "the next one ends it");
    lab.server.advance(Duration::from_millis(59_999)).unwrap();
    assert!(valid(&second.token).await);
    lab.server.advance(Duration::from_millis(1)).unwrap();
    assert!(!valid(&second.token).await);

    let third = sandboxes
        .create_ssh_access(&lab.id, Some(600))
        .await
        .unwrap();
    // another token ends nothing
    let row = sandboxes
        .revoke_ssh_access(&lab.id, Some(&first.token))
        .await;
    assert_eq!(row.unwrap().id, lab.id);
    assert!(valid(&third.token).await);
    sandboxes
        .revoke_ssh_access(&lab.id, Some(&third.token))
        .await
        .unwrap();
    assert!(!valid(&third.token).await);
    let fourth = sandboxes
        .create_ssh_access(&lab.id, Some(600))
        .await
        .unwrap();
    sandboxes.revoke_ssh_access(&lab.id, None).await.unwrap();
    assert!(!valid(&fourth.token).await);

    let last = sandboxes
        .create_ssh_access(&lab.id, Some(600))
        .await
        .unwrap();
    // a stop does not end it, a delete does
    sandboxes.stop(&lab.id, false).await.unwrap();
    lab.server.settled().await;
    assert!(valid(&last.token).await);
    sandboxes.delete(&lab.id).await.unwrap();
    lab.server.settled().await;
    assert!(!valid(&last.token).await);
    let shown = format!("{:?} {:?}", lab.server.requests(), lab.server.sandboxes());
    assert!(!shown.contains(&last.token) && !shown.contains(&third.token));
    lab.server.shutdown().await;
}

#[tokio::test]
async fn bad_requests_are_told() {
    let lab = soon(Lab::new(plain())).await;
    let sandboxes = lab.api.sandboxes();
    for minutes in [0, 527_041] {
        let error = sandboxes
            .create_ssh_access(&lab.id, Some(minutes))
            .await
            .unwrap_err();
        assert_eq!(error.status(), Some(400), "{minutes}");
        assert_eq!(
            error.message(),
            Some("expiresInMinutes must be between 1 and 527040")
        );
    }
    let error = sandboxes.validate_ssh_access("").await.unwrap_err();
    assert_eq!(error.message(), Some("token should not be empty"));
    assert!(
        sandboxes
            .create_ssh_access("nothing", None)
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert!(
        sandboxes
            .revoke_ssh_access("nothing", None)
            .await
            .unwrap_err()
            .is_not_found()
    );
    lab.server.shutdown().await;
}
