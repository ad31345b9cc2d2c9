//! An object storage for build contexts: as much of S3 as the clients of Daytona use, for the holders of credentials
//! that this server gave out.

mod objects;
mod serve;
mod sign;
mod stored;
mod uploads;
pub(crate) mod xml;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use daytona_api::routes::{Api, HEAD_OBJECT, PUT_OBJECT};
use jiff::Timestamp;
use serde_json::json;

use crate::app::App;
use crate::clock::add;
use crate::control::view::ORGANIZATION;
use crate::ident;
use crate::web::Matched;
use crate::web::query::decode;
use crate::web::reply::{Failure, Reply};

pub(crate) use objects::Object;
use objects::Objects;
pub(crate) use serve::handle;
pub(crate) use sign::check;

pub(crate) const PREFIX: &str = "/storage/";
const BUCKET: &str = "daytona-local";
const REGION: &str = "us-east-1";
/// As long as the service's.
const GRANTED: Duration = Duration::from_secs(60 * 60);
/// Of how many grants the storage knows; the oldest is forgotten first.
const GRANTS: usize = 1_024;

/// What is not in Daytona's documents: ids are those of S3.
pub(crate) const OPERATIONS: [&str; 8] = [
    HEAD_OBJECT.id,
    PUT_OBJECT.id,
    "getObject",
    "listObjectsV2",
    "createMultipartUpload",
    "uploadPart",
    "completeMultipartUpload",
    "abortMultipartUpload",
];

/// Credentials for an hour.
#[derive(Clone)]
struct Grant {
    key: String,
    secret: String,
    token: String,
    until: Timestamp,
}

#[derive(Debug)]
pub(crate) struct Storage {
    /// The most that all objects may hold, in bytes; 0 for no storage at all.
    limit: u64,
    folder: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    grants: VecDeque<Grant>,
    objects: Objects,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner")
            .field("grants", &self.grants.len())
            .field("objects", &self.objects)
            .finish()
    }
}

impl Storage {
    pub(crate) fn new(folder: PathBuf, limit: u64) -> Self {
        Self {
            limit,
            folder,
            inner: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The archive of a build context, if it was uploaded.
    pub(crate) fn context(&self, hash: &str) -> Option<Object> {
        let key = format!("{ORGANIZATION}/{hash}/context.tar");
        self.lock().objects.get(&key)
    }
}

/// `GET /object-storage/push-access`
pub(crate) fn push_access(app: &App) -> Result<Reply, Failure> {
    if app.storage.limit == 0 {
        let message = "Object storage is not configured";
        return Err(Failure::new(503, "SERVICE_UNAVAILABLE", message));
    }
    let grant = Grant {
        key: format!("LOCAL{}", ident::uuid().replace('-', "").to_uppercase()),
        secret: ident::token(),
        token: ident::token(),
        until: add(app.clock.now(), GRANTED),
    };
    let answer = Reply::json(
        200,
        &json!({
            "accessKey": grant.key,
            "secret": grant.secret,
            "sessionToken": grant.token,
            "storageUrl": format!("{}{}", app.origin(), PREFIX.trim_end_matches('/')),
            "organizationId": ORGANIZATION,
            "bucket": BUCKET,
            "region": REGION,
        }),
    );
    let mut inner = app.storage.lock();
    if inner.grants.len() == GRANTS {
        inner.grants.pop_front();
    }
    inner.grants.push_back(grant);
    Ok(answer)
}

/// Where a request to the storage goes; `None` if it is to somebody else.
pub(crate) fn matched(method: &str, path: &str, query: &str) -> Option<Matched> {
    let rest = path.strip_prefix(PREFIX)?;
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    let has = |name: &str| {
        query
            .split('&')
            .any(|pair| pair.split('=').next() == Some(name))
    };
    let part = has("uploadId");
    let route = match (method, key.is_empty()) {
        ("GET", true) => Some("listObjectsV2"),
        ("HEAD", false) => Some(HEAD_OBJECT.id),
        ("GET", false) => Some("getObject"),
        ("PUT", false) if part && has("partNumber") => Some("uploadPart"),
        ("PUT", false) if !part => Some(PUT_OBJECT.id),
        ("POST", false) if has("uploads") => Some("createMultipartUpload"),
        ("POST", false) if part => Some("completeMultipartUpload"),
        ("DELETE", false) if part => Some("abortMultipartUpload"),
        _ => None,
    };
    Some(Matched {
        api: Api::ObjectStorage,
        route,
        params: vec![decode(bucket), decode(key)],
        sandbox: None,
    })
}
