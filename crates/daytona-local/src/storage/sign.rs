//! Whether a request is signed by a holder of credentials: signature version 4 of AWS, in headers or in the query.
//!
//! How old a signature may be is not looked at: it goes by the client's clock, and this server's may be moved. The
//! credentials end by this server's.

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Grant, REGION};
use crate::app::App;
use crate::web::query::decode;
use crate::web::reply::Failure;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

type Pairs = Vec<(String, String)>;

/// What a request says about its signature.
struct Claim {
    key: String,
    /// Date, region, service and the end, as they were signed.
    scope: String,
    date: String,
    headers: Vec<String>,
    signature: String,
    token: Option<String>,
    payload: String,
    /// What of the query is signed.
    query: Pairs,
}

fn denied(message: &'static str) -> Failure {
    Failure::new(403, "AccessDenied", message)
}

/// Refuses what is not signed with credentials that are still good.
pub(crate) fn check(
    app: &App,
    method: &str,
    path: &str,
    query: &str,
    headers: &HeaderMap,
) -> Result<(), Failure> {
    let claim = claim(query, headers)?;
    let grant: Option<Grant> = {
        let inner = app.storage.lock();
        let found = inner.grants.iter().find(|grant| grant.key == claim.key);
        found.cloned()
    };
    let grant = grant.ok_or_else(|| {
        let message = "The access key does not exist in the records of this server.";
        Failure::new(403, "InvalidAccessKeyId", message)
    })?;
    let signed = signature(&claim, &grant, method, path, headers)?;
    if !bool::from(signed.as_bytes().ct_eq(claim.signature.as_bytes())) {
        let message = "The request signature does not match the one this server calculated.";
        return Err(Failure::new(403, "SignatureDoesNotMatch", message));
    }
    let token = claim.token.as_deref().unwrap_or_default();
    if !bool::from(token.as_bytes().ct_eq(grant.token.as_bytes())) {
        let message = "The provided token is malformed or otherwise invalid.";
        return Err(Failure::new(400, "InvalidToken", message));
    }
    if app.clock.now() >= grant.until {
        let message = "The provided token has expired.";
        return Err(Failure::new(400, "ExpiredToken", message));
    }
    Ok(())
}

fn pairs(query: &str) -> Pairs {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn claim(query: &str, headers: &HeaderMap) -> Result<Claim, Failure> {
    let query = pairs(query);
    let header = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.map(|value| value.trim().to_owned())
    };
    let authorization = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let (credential, names, signature, date, token, payload, query) =
        if let Some(text) = authorization {
            let rest = text
                .strip_prefix(ALGORITHM)
                .ok_or_else(|| denied("Only AWS4-HMAC-SHA256 is taken."))?;
            let part = |name: &str| {
                let mut parts = rest.split(',').map(str::trim);
                parts.find_map(|part| {
                    part.strip_prefix(name)?
                        .strip_prefix('=')
                        .map(str::to_owned)
                })
            };
            (
                part("Credential"),
                part("SignedHeaders"),
                part("Signature"),
                header("x-amz-date"),
                header("x-amz-security-token"),
                header("x-amz-content-sha256"),
                query,
            )
        } else {
            let part = |name: &str| {
                let found = query.iter().find(|(key, _)| key == name);
                found.map(|(_, value)| value.clone())
            };
            if part("X-Amz-Algorithm").as_deref() != Some(ALGORITHM) {
                return Err(denied("Access denied: the request is not signed."));
            }
            let seconds = part("X-Amz-Expires").and_then(|text| text.parse::<u32>().ok());
            if !seconds.is_some_and(|seconds| (1..=604_800).contains(&seconds)) {
                let message = "X-Amz-Expires must be from 1 to 604800 seconds";
                return Err(Failure::new(
                    400,
                    "AuthorizationQueryParametersError",
                    message,
                ));
            }
            (
                part("X-Amz-Credential"),
                part("X-Amz-SignedHeaders"),
                part("X-Amz-Signature"),
                part("X-Amz-Date"),
                part("X-Amz-Security-Token"),
                Some(UNSIGNED.to_owned()),
                query
                    .iter()
                    .filter(|(name, _)| name != "X-Amz-Signature")
                    .cloned()
                    .collect(),
            )
        };
    let incomplete = || denied("The signature lacks a part.");
    let credential = credential.ok_or_else(incomplete)?;
    let (key, scope) = credential.split_once('/').ok_or_else(incomplete)?;
    let names = names.ok_or_else(incomplete)?;
    let names: Vec<String> = names.split(';').map(str::to_owned).collect();
    if !names.iter().any(|name| name == "host") {
        return Err(denied("The host must be signed."));
    }
    Ok(Claim {
        key: key.to_owned(),
        scope: scope.to_owned(),
        date: date.ok_or_else(incomplete)?,
        headers: names,
        signature: signature.ok_or_else(incomplete)?,
        token,
        payload: payload.ok_or_else(incomplete)?,
        query,
    })
}

/// The signature that the request must have.
fn signature(
    claim: &Claim,
    grant: &Grant,
    method: &str,
    path: &str,
    headers: &HeaderMap,
) -> Result<String, Failure> {
    let day = claim.date.get(..8).unwrap_or_default();
    if claim.scope != format!("{day}/{REGION}/s3/aws4_request") {
        return Err(denied(
            "The credential is for another day, region or service.",
        ));
    }
    let encode = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
    let mut query: Pairs = claim
        .query
        .iter()
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    query.sort_unstable();
    let query: Vec<String> = query
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut canonical = format!("{method}\n{path}\n{}\n", query.join("&"));
    for name in &claim.headers {
        let values: Vec<String> = headers
            .get_all(name.as_str())
            .iter()
            .map(|value| {
                let value = String::from_utf8_lossy(value.as_bytes());
                value.split_whitespace().collect::<Vec<_>>().join(" ")
            })
            .collect();
        canonical.push_str(&format!("{name}:{}\n", values.join(",")));
    }
    canonical.push_str(&format!("\n{}\n{}", claim.headers.join(";"), claim.payload));
    let text = format!(
        "{ALGORITHM}\n{}\n{}\n{}",
        claim.date,
        claim.scope,
        hex(&Sha256::digest(canonical.as_bytes()))
    );
    let mut key = mac(format!("AWS4{}", grant.secret).as_bytes(), day);
    for part in [REGION, "s3", "aws4_request"] {
        key = mac(&key, part);
    }
    Ok(hex(&mac(&key, &text)))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(text.as_bytes());
            mac.finalize().into_bytes().to_vec()
        }
        // a key of any length is taken
        Err(_) => Vec::new(),
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of a request in Amazon's documentation of this signature, for S3: `GET /test.txt`.
    #[test]
    fn the_published_example() {
        let text = "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n\
            7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972";
        let mut key = mac(b"AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524");
        for part in ["us-east-1", "s3", "aws4_request"] {
            key = mac(&key, part);
        }
        assert_eq!(
            hex(&mac(&key, text)),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
    }
}
