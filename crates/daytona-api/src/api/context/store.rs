//! The object storage of a server: signed by `rusty-s3`, sent like every other request.

use std::time::Duration;

use http::{HeaderValue, Uri};
use rusty_s3::actions::{HeadObject, PutObject, S3Action};
use rusty_s3::{Bucket, Credentials, UrlStyle};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::{Part, died, pack};
use crate::client::Daytona;
use crate::client::auth::Base;
use crate::client::retry;
use crate::error::{Error, ErrorKind};
use crate::models::StorageAccessDto;
use crate::request::{Call, check_segment};
use crate::routes::{HEAD_OBJECT, PUT_OBJECT, Route};
use crate::transport::Body;
use crate::wire::archive;

/// As long as the credentials are good for, which end earlier if they have to.
const SIGNED_FOR: Duration = Duration::from_secs(60 * 60);
/// Where servers do not say.
const REGION: &str = "us-east-1";
const BUCKET: &str = "daytona-volume-builds";
/// How many pieces wait between the disk and the network.
const WAITING: usize = 4;

pub(super) struct Store<'a> {
    client: &'a Daytona,
    bucket: Bucket,
    credentials: Credentials,
    organization: &'a str,
    hidden: [&'a String; 3],
}

impl<'a> Store<'a> {
    pub(super) fn new(client: &'a Daytona, access: &'a StorageAccessDto) -> Result<Self, Error> {
        let id = PUT_OBJECT.id;
        let wrong = |what: &'static str| Error::build(what).with_operation(id);
        if access.access_key.trim().is_empty() || access.secret.trim().is_empty() {
            return Err(wrong(
                "the server gave no credentials for its object storage",
            ));
        }
        check_segment(&access.organization_id)
            .map_err(|_| wrong("the server gave no organization for its object storage"))?;
        // the address is not quoted: it may hold a password
        let base = Base::parse(&access.storage_url, "address of the object storage")
            .map_err(|error| error.with_operation(id))?;
        let secure = |base: &Base| base.scheme == http::uri::Scheme::HTTPS;
        if secure(&client.shared.base) && !secure(&base) {
            return Err(wrong(
                "the object storage has an address without https although the api has one with it",
            ));
        }
        let or = |text: &String, default: &str| {
            let text = text.trim();
            if text.is_empty() { default } else { text }.to_owned()
        };
        let bucket = access
            .storage_url
            .trim()
            .parse()
            .ok()
            .and_then(|endpoint| {
                let name = or(&access.bucket, BUCKET);
                Bucket::new(endpoint, UrlStyle::Path, name, or(&access.region, REGION)).ok()
            })
            .ok_or_else(|| wrong("the server gave an object storage that has no address"))?;
        let (key, secret) = (access.access_key.clone(), access.secret.clone());
        let credentials = if access.session_token.is_empty() {
            Credentials::new(key, secret)
        } else {
            Credentials::new_with_token(key, secret, access.session_token.clone())
        };
        Ok(Self {
            client,
            bucket,
            credentials,
            organization: &access.organization_id,
            hidden: [&access.access_key, &access.secret, &access.session_token],
        })
    }

    fn key(&self, hash: &str) -> String {
        format!("{}/{hash}/context.tar", self.organization)
    }

    /// A call of an object, whose signature is in the query.
    fn call(&self, route: &'static Route, signed: &str) -> Result<(Base, Call), Error> {
        let wrong = || Error::build("the object has no address").with_operation(route.id);
        let uri: Uri = signed.parse().map_err(|_| wrong())?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority), Some(path)) =
            (parts.scheme, parts.authority, parts.path_and_query)
        else {
            return Err(wrong());
        };
        let base = Base {
            scheme,
            authority,
            prefix: path.path().to_owned(),
        };
        let hidden = self.hidden.into_iter().filter(|text| !text.is_empty());
        let call = Call::at_base(route)
            .signed(path.query().unwrap_or_default())
            .hide(hidden);
        Ok((base, call))
    }

    /// Whether the object is there already.
    pub(super) async fn has(&self, hash: &str) -> Result<bool, Error> {
        let key = self.key(hash);
        let action = HeadObject::new(&self.bucket, Some(&self.credentials), &key);
        let signed = action.sign(SIGNED_FOR);
        let (base, call) = self.call(&HEAD_OBJECT, signed.as_str())?;
        match self.client.done(&base, call).await {
            Ok(_) => Ok(true),
            // 403 is also what is said of an object that is not there to who may not list; if it is more than that, the
            // upload's answer has a body that says so
            Err(error) if matches!(error.status(), Some(403 | 404)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Stores the archive of one part. An object comes to be once its last byte is there, so repeating is safe.
    pub(super) async fn put(&self, part: &Part) -> Result<(), Error> {
        let attempts = self.client.shared.config.limits.attempts;
        let mut failed = 1;
        loop {
            let error = match self.try_put(part).await {
                Ok(()) => return Ok(()),
                Err(error) => error.with_operation(PUT_OBJECT.id),
            };
            if failed >= attempts || retry::cost(&error, true).is_none() {
                return Err(error);
            }
            sleep(retry::delay(&error, failed)).await;
            failed += 1;
        }
    }

    async fn try_put(&self, part: &Part) -> Result<(), Error> {
        let local = part.local.clone();
        let measured = spawn_blocking(move || pack::measure(&local));
        let length = measured.await.map_err(died)??;
        if length > super::MAX_BYTES {
            let what = "what one step of an image copies is too large for one object";
            return Err(Error::new(ErrorKind::TooLarge, what));
        }
        let key = self.key(&part.scanned.md5);
        let action = PutObject::new(&self.bucket, Some(&self.credentials), &key);
        let signed = action.sign(SIGNED_FOR);
        let (base, call) = self.call(&PUT_OBJECT, signed.as_str())?;

        let (pieces, mut reader) = mpsc::channel(WAITING);
        let (local, digest) = (part.local.clone(), part.scanned.digest);
        let packing = spawn_blocking(move || pack::pack(&local, &digest, pieces));
        let stream = futures_util::stream::poll_fn(move |cx| reader.poll_recv(cx));
        let timeouts = &self.client.shared.config.timeouts;
        let call = call
            .body(
                Body::sized(stream, length),
                HeaderValue::from_static("application/x-tar"),
            )
            .wait(timeouts.body_idle)
            .total(timeouts.transfer);
        let sent = self.client.done(&base, call).await;
        archive::ended(packing.await.map_err(died)?, sent).map(drop)
    }
}
