//! Addresses of files that need no credential.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

use super::{Files, SecretText};
use crate::error::Error;
use crate::request::{Call, check_path};
use crate::routes::toolbox as routes;

impl Files {
    /// An address by which whoever has it may download one file, without a credential, until `expires`, to the second;
    /// without one as long as the key is good. Nothing is sent. `key` is that of the sandbox, from
    /// [`Sandboxes::signing_key`](crate::api::Sandboxes::signing_key), and
    /// [`rotate_signing_key`](crate::api::Sandboxes::rotate_signing_key) ends all such addresses. (Server 0.205 and
    /// newer.)
    ///
    /// ```
    /// # use std::time::{Duration, UNIX_EPOCH};
    /// # fn example(files: daytona_api::api::Files) -> Result<(), daytona_api::Error> {
    /// let key = "from api.sandboxes().signing_key(id)".into();
    /// let until = UNIX_EPOCH + Duration::from_secs(1_900_000_000);
    /// let address = files.signed_download_url("report.pdf", &key, Some(until))?;
    /// println!("{}", address.expose());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// An error of kind [`Build`](crate::ErrorKind::Build) where the path is empty or holds a NUL, the key is empty, or
    /// `expires` is not after 1970.
    pub fn signed_download_url(
        &self,
        path: &str,
        key: &SecretText,
        expires: Option<SystemTime>,
    ) -> Result<SecretText, Error> {
        let call = Call::new(&routes::DOWNLOAD_FILE, &[])?;
        self.signed(call, path, key, expires)
    }

    /// As [`signed_download_url`](Self::signed_download_url), for an upload: a `POST` of the bytes as they are, as
    /// [`upload_v2`](Self::upload_v2) sends them, or of a form whose part `file` they are. What is at the path already is
    /// replaced.
    ///
    /// ```
    /// # fn example(files: daytona_api::api::Files) -> Result<(), daytona_api::Error> {
    /// let key = "from api.sandboxes().signing_key(id)".into();
    /// let address = files.signed_upload_url("inbox/data.csv", &key, None)?;
    /// println!("curl --form file=@data.csv '{}'", address.expose());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`signed_download_url`](Self::signed_download_url).
    pub fn signed_upload_url(
        &self,
        path: &str,
        key: &SecretText,
        expires: Option<SystemTime>,
    ) -> Result<SecretText, Error> {
        let call = Call::new(&routes::UPLOAD_FILE, &[])?;
        self.signed(call, path, key, expires)
    }

    fn signed(
        &self,
        call: Call,
        path: &str,
        key: &SecretText,
        expires: Option<SystemTime>,
    ) -> Result<SecretText, Error> {
        check_path(path)?;
        if key.expose().is_empty() {
            return Err(Error::build("the signing key is empty"));
        }
        // 0 is what says never
        let expires = match expires {
            None => 0,
            Some(time) => {
                let since = time.duration_since(UNIX_EPOCH).map(|since| since.as_secs());
                let since = since.ok().filter(|since| *since > 0);
                since.ok_or_else(|| Error::build("the time that an address ends is in 1970"))?
            }
        };
        let method = call.route.method.as_str();
        let text = format!("v1:files:{method}:{path}:{expires}");
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes());
        let signature = hmac::sign(&key, text.as_bytes());
        let signature = format!("v1_{}", URL_SAFE_NO_PAD.encode(signature));
        let call = call
            .query("path", path)
            .query("expires", &expires.to_string())
            .query("signature", &signature);
        Ok(call.address(&self.toolbox.base).into())
    }
}
