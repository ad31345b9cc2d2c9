//! What opens one sandbox from outside, beside the API key.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::clock::add;
use crate::server::ident;

/// How long the tokens are, as the service has them.
const PREVIEW: usize = 32;
const SIGNED: usize = 16;
const SSH: usize = 32;
/// The service does not say how long its key is.
const SIGNING: usize = 64;

/// The tokens of a sandbox. They end with it.
#[derive(Clone)]
pub(crate) struct Keys {
    preview: String,
    /// With what addresses of files are signed.
    signing: String,
    signed: Vec<Signed>,
    ssh: Option<Ssh>,
}

/// Opens one port for a time.
#[derive(Clone)]
struct Signed {
    token: String,
    port: u16,
    until: Timestamp,
}

/// Opens a sandbox for SSH. There is one at a time.
#[derive(Clone)]
pub(crate) struct Ssh {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) created: Timestamp,
    pub(crate) until: Timestamp,
}

impl fmt::Debug for Keys {
    /// How many there are, and none of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("signed", &self.signed.len())
            .field("ssh", &self.ssh.is_some())
            .finish_non_exhaustive()
    }
}

/// An address of a file that opens it without a token.
#[derive(Clone, Copy)]
pub(crate) struct SignedFile<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) expires: &'a str,
    pub(crate) signature: &'a str,
}

/// Takes the same time whatever is wrong with a token.
fn same(given: &str, token: &str) -> bool {
    given.as_bytes().ct_eq(token.as_bytes()).into()
}

impl Keys {
    pub(crate) fn new() -> Self {
        Self {
            preview: ident::letters(PREVIEW),
            signing: ident::letters(SIGNING),
            signed: Vec::new(),
            ssh: None,
        }
    }

    /// The sandbox starts again: what opened all its ports does so no more.
    pub(crate) fn rotate(&mut self) {
        self.preview = ident::letters(PREVIEW);
    }

    /// Opens every port.
    pub(crate) fn preview(&self) -> &str {
        &self.preview
    }

    pub(crate) fn is_preview(&self, given: &str) -> bool {
        same(given, &self.preview)
    }

    pub(crate) fn signing(&self) -> &str {
        &self.signing
    }

    /// A new key. What the old one has signed opens nothing any more.
    pub(crate) fn renew_signing(&mut self) -> &str {
        self.signing = ident::letters(SIGNING);
        &self.signing
    }

    /// Whether this signs the one file for the one method, and its time is not over. `expires` is in seconds since
    /// 1970; 0 is never.
    pub(crate) fn signs_file(&self, file: &SignedFile<'_>, now: Timestamp) -> bool {
        let SignedFile {
            method,
            path,
            expires,
            signature,
        } = file;
        let seconds: Option<i64> = expires.parse().ok();
        let in_time = seconds.is_some_and(|seconds| seconds == 0 || now.as_second() < seconds);
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.signing.as_bytes()) else {
            return false;
        };
        mac.update(format!("v1:files:{method}:{path}:{expires}").as_bytes());
        let wanted = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        in_time && same(signature, &format!("v1_{wanted}"))
    }

    /// A token that opens one port for so long.
    pub(crate) fn sign(&mut self, port: u16, now: Timestamp, time: Duration) -> String {
        self.signed.retain(|signed| now < signed.until);
        let token = ident::letters(SIGNED);
        self.signed.push(Signed {
            token: token.clone(),
            port,
            until: add(now, time),
        });
        token
    }

    pub(crate) fn is_signed(&self, port: u16, given: &str, now: Timestamp) -> bool {
        let fits = |signed: &Signed| {
            signed.port == port && now < signed.until && same(given, &signed.token)
        };
        // all of them are looked at: which one fits is not to be told by the time
        self.signed.iter().filter(|signed| fits(signed)).count() > 0
    }

    /// Ends such a token before its time. One that is not known is ended already.
    pub(crate) fn expire(&mut self, port: u16, given: &str) {
        self.signed
            .retain(|signed| signed.port != port || !same(given, &signed.token));
    }

    /// A new token for SSH, which ends the one before it.
    pub(crate) fn open_ssh(&mut self, now: Timestamp, time: Duration) -> Ssh {
        let ssh = Ssh {
            id: ident::uuid(),
            token: ident::letters(SSH),
            created: now,
            until: add(now, time),
        };
        self.ssh = Some(ssh.clone());
        ssh
    }

    pub(crate) fn is_ssh(&self, given: &str, now: Timestamp) -> bool {
        let ssh = self.ssh.as_ref();
        ssh.is_some_and(|ssh| now < ssh.until && same(given, &ssh.token))
    }

    /// Ends this token, or whatever there is.
    pub(crate) fn close_ssh(&mut self, given: Option<&str>) {
        self.ssh
            .take_if(|ssh| given.is_none_or(|given| same(given, &ssh.token)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_is_in_the_debug_output() {
        let mut keys = Keys::new();
        let now = Timestamp::UNIX_EPOCH;
        let signed = keys.sign(80, now, Duration::from_secs(1));
        let ssh = keys.open_ssh(now, Duration::from_secs(1)).token;
        let shown = format!("{keys:?}");
        for token in [keys.preview(), keys.signing(), &signed, &ssh] {
            assert!(!shown.contains(token), "{shown}");
        }
    }
}
