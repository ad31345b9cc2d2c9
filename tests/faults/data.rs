//! Faults 86 to 90: data.

use bytes::Bytes;
use context_vars::NoVars;
use sandbox_core::{ErrorKind, ExecRequest, Sandbox};

use crate::world::{closes, loopback, on};

/// 87. Every byte, as it is, in files and in output; as text only where asked for.
#[tokio::test]
async fn bytes_that_are_no_text() {
    let server = loopback().await;
    let environment = on(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let mut bytes: Vec<u8> = (0..=255).collect();
    bytes.extend_from_slice(b"\x1b]52;c;aGk=\x07\x1b[31m\xed\xa0\x80\0\r\n");
    bytes.extend("\u{202e}\u{2066}".bytes());
    let bytes = Bytes::from(bytes);
    sandbox.put("bytes", bytes.clone()).await.unwrap();
    assert_eq!(sandbox.get("bytes").await.unwrap(), bytes);
    let outcome = sandbox
        .exec(ExecRequest::argv(["cat", "bytes"]))
        .await
        .unwrap();
    assert_eq!(outcome.stdout().to_bytes(), bytes);
    assert!(outcome.stdout().text_lossy().contains('\u{fffd}'));
    closes(&server, &environment).await;
}

/// 90. Refused before anything is sent, or the very file that was named.
#[tokio::test]
async fn paths_that_lead_elsewhere_or_look_odd() {
    let server = loopback().await;
    let environment = on(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let before = server.requests().len();
    for path in [
        "../../etc/cron.d/x",
        "a/../../b",
        "/etc/passwd",
        "nul\0l",
        "..",
    ] {
        let error = sandbox
            .put(path, Bytes::from_static(b"x"))
            .await
            .unwrap_err();
        assert!(
            matches!(
                error.kind(),
                ErrorKind::PathEscape | ErrorKind::InvalidInput
            ),
            "{path}: {error}"
        );
    }
    assert_eq!(server.requests().len(), before, "nothing was sent");
    for path in [
        "back\\slash",
        "dot.",
        "quo\"te",
        "späße ☃",
        "%2e%2e",
        "a b?c#d&e=f;g",
    ] {
        sandbox
            .put(path, Bytes::from(path.to_owned()))
            .await
            .unwrap();
        assert_eq!(sandbox.get(path).await.unwrap(), path, "{path:?}");
        let listed = sandbox
            .exec(ExecRequest::argv(["cat", path]))
            .await
            .unwrap();
        assert_eq!(listed.stdout().to_bytes(), path, "{path:?}");
    }
    closes(&server, &environment).await;
}
