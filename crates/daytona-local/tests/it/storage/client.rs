//! A client of S3.

use bytes::Bytes;
use daytona_local::Server;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::Full;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::support::{Answer, Client};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Signs in headers, as the official clients do.
pub(crate) struct S3 {
    pub(super) client: Client,
    pub(super) key: String,
    pub(super) secret: String,
    pub(super) token: String,
    pub(super) prefix: String,
}

impl S3 {
    pub(crate) async fn of(server: &Server) -> Self {
        let client = Client::of(server);
        let answer = client.get("/api/object-storage/push-access").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let access = answer.json();
        let text = |name: &str| access[name].as_str().unwrap().to_owned();
        assert_eq!(
            text("storageUrl"),
            format!("http://{}/storage", client.authority)
        );
        assert_eq!(text("region"), "us-east-1");
        Self {
            key: text("accessKey"),
            secret: text("secret"),
            token: text("sessionToken"),
            prefix: format!("{}/", text("organizationId")),
            client,
        }
    }

    pub(crate) fn path(&self, key: &str) -> String {
        format!("/storage/daytona-local/{}{key}", self.prefix)
    }

    pub(crate) async fn send(&self, method: &str, path: &str, query: &str, body: &[u8]) -> Answer {
        self.send_as(method, path, query, body, &hex(&Sha256::digest(body)))
            .await
    }

    /// `query` must be in order and encoded; `hash` is what is said of the body.
    pub(super) async fn send_as(
        &self,
        method: &str,
        path: &str,
        query: &str,
        body: &[u8],
        hash: &str,
    ) -> Answer {
        let date = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = date[..8].to_owned();
        let names = "host;x-amz-content-sha256;x-amz-date;x-amz-security-token";
        let canonical = format!(
            "{method}\n{path}\n{query}\nhost:{}\nx-amz-content-sha256:{hash}\nx-amz-date:{date}\n\
             x-amz-security-token:{}\n\n{names}\n{hash}",
            self.client.authority, self.token
        );
        let scope = format!("{day}/us-east-1/s3/aws4_request");
        let text = format!(
            "AWS4-HMAC-SHA256\n{date}\n{scope}\n{}",
            hex(&Sha256::digest(canonical.as_bytes()))
        );
        let mut key = mac(format!("AWS4{}", self.secret).as_bytes(), &day);
        for part in ["us-east-1", "s3", "aws4_request"] {
            key = mac(&key, part);
        }
        let signature = hex(&mac(&key, &text));
        let uri = if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{query}")
        };
        let request = http::Request::builder()
            .method(method)
            .uri(uri)
            .header("host", &self.client.authority)
            .header("x-amz-content-sha256", hash)
            .header("x-amz-date", date)
            .header("x-amz-security-token", &self.token)
            .header(
                "authorization",
                format!(
                    "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
                    self.key
                ),
            )
            .body(Full::new(Bytes::copy_from_slice(body)))
            .unwrap();
        self.client.send(request).await
    }
}
