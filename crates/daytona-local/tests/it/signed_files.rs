//! Addresses of files that need no token, by a clock that the tests move.

use std::time::{Duration, UNIX_EPOCH};

use http::Request;
use http_body_util::Full;

use crate::live::{Lab, soon};
use crate::support::{Answer, Client, plain};

/// Somebody who has an address and nothing else.
struct Stranger(Client);

impl Stranger {
    fn path<'a>(&self, address: &'a str) -> &'a str {
        let origin = format!("http://{}", self.0.authority);
        address.strip_prefix(&origin).unwrap()
    }

    async fn ask(&self, method: &str, address: &str, body: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(self.path(address))
            .header("host", &self.0.authority)
            .header("content-type", "multipart/form-data; boundary=XX")
            .body(Full::from(body.to_owned()))
            .unwrap();
        self.0.send(request).await
    }

    async fn get(&self, address: &str) -> u16 {
        self.ask("GET", address, "").await.status
    }
}

const FORM: &str = "--XX\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\ntext\r\n--XX--\r\n";

#[tokio::test]
async fn they_open_one_file_for_one_purpose_and_a_time() {
    let lab = soon(Lab::new(plain().manual_clock())).await;
    let files = lab.toolbox.files();
    files.upload("a b&c.txt", "hello").await.unwrap();
    let key = lab.api.sandboxes().signing_key(&lab.id).await.unwrap();
    let stranger = Stranger(Client::of(&lab.server));
    let now = lab.server.clock().now().as_second();
    let now = UNIX_EPOCH + Duration::from_secs(now.unsigned_abs());
    let until = Some(now + Duration::from_secs(60));
    let down = files.signed_download_url("a b&c.txt", &key, until).unwrap();
    let answer = stranger.ask("GET", down.expose(), "").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));

    // for nothing else
    let up = files.signed_upload_url("d.txt", &key, until).unwrap();
    let other = |from: &str, to: &str| {
        let changed = down.expose().replace(from, to);
        assert_ne!(changed, down.expose());
        changed
    };
    let expires = down.expose().split("expires=").nth(1).unwrap();
    let expires = expires.split('&').next().unwrap();
    for address in [
        other("path=a%20b%26c.txt", "path=d.txt"),
        other(&format!("expires={expires}"), "expires=0"),
        other(&format!("expires={expires}"), "expires=99999999999"),
        other(&format!("expires={expires}"), "expires="),
        other("signature=v1_", "signature=v2_"),
        other("/files/download?", "/files/info?"),
        other("/files/download?", "/files?"),
        other(&lab.id, "00000000-0000-4000-8000-000000000000"),
        up.expose().replace("upload-v2", "download"),
        down.expose().split("&signature").next().unwrap().to_owned(),
    ] {
        assert_eq!(stranger.get(&address).await, 401, "{address}");
    }
    let sent = stranger.ask("POST", down.expose(), FORM).await;
    assert_ne!(sent.status, 200, "an address to download from");
    let sent = stranger.ask("POST", up.expose(), FORM).await;
    assert_eq!(sent.status, 200, "{}", sent.text());
    assert_eq!(files.download("d.txt").bytes().await.unwrap(), "text");

    // for no longer
    let always = files.signed_download_url("d.txt", &key, None).unwrap();
    lab.server.advance(Duration::from_secs(58)).unwrap();
    assert_eq!(stranger.get(down.expose()).await, 200);
    lab.server.advance(Duration::from_secs(2)).unwrap();
    assert_eq!(stranger.get(down.expose()).await, 401);
    assert_eq!(stranger.get(always.expose()).await, 200);

    // and not with the key of before
    let sandboxes = lab.api.sandboxes();
    let new = sandboxes.rotate_signing_key(&lab.id).await.unwrap();
    assert_ne!(new.expose(), key.expose());
    let told = sandboxes.signing_key(&lab.id).await.unwrap();
    assert_eq!(told.expose(), new.expose());
    assert_eq!(stranger.get(always.expose()).await, 401);
    let again = files.signed_download_url("d.txt", &new, None).unwrap();
    assert_eq!(stranger.get(again.expose()).await, 200);

    // a stopped sandbox has no files, and a deleted one no addresses
    sandboxes.stop(&lab.id, false).await.unwrap();
    lab.server.advance(Duration::from_secs(5)).unwrap();
    assert_eq!(stranger.get(again.expose()).await, 400);
    sandboxes.delete(&lab.id).await.unwrap();
    lab.server.advance(Duration::from_secs(5)).unwrap();
    assert_eq!(stranger.get(again.expose()).await, 401);
    let gone = sandboxes.signing_key(&lab.id).await.unwrap_err();
    assert!(gone.is_not_found(), "{gone}");

    let shown = format!("{:?} {:?}", lab.server, lab.server.requests());
    for secret in [key.expose(), new.expose(), "v1_"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    lab.server.shutdown().await;
}
