//! What of an image takes effect here, where nothing is built: the files that its Dockerfile copies from build contexts,
//! its `ENV` and its `WORKDIR`.

mod apply;
mod dockerfile;
mod index;
mod pattern;
mod plan;
mod vars;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::app::App;
use crate::storage::Object;

/// As Linux has it, in bytes.
const LONGEST_PATH: usize = 4_096;

/// What is done for a sandbox of this image.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) env: BTreeMap<String, String>,
    /// Absolute, as in the image.
    pub(crate) workdir: Option<String>,
    steps: Vec<Step>,
    /// What the build log says of each line.
    pub(crate) log: String,
    /// Why it cannot be built.
    pub(crate) failed: Option<String>,
}

#[derive(Clone)]
enum Step {
    Folder(String),
    Copy(Copy),
}

/// One source of a `COPY`.
#[derive(Clone)]
struct Copy {
    archive: Object,
    /// Its path in the archive, normal; empty for all of it.
    from: String,
    /// Where it goes: absolute and normal.
    to: String,
    /// It goes into `to`, under its own name.
    into: bool,
    mode: Option<u32>,
}

impl fmt::Debug for Plan {
    /// Lines of an image may hold a secret: it shows sizes only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("env", &self.env.len())
            .field("steps", &self.steps.len())
            .field("failed", &self.failed.is_some())
            .finish_non_exhaustive()
    }
}

impl Plan {
    /// What the `buildInfo` of a create asks for; `None` if there is none.
    pub(crate) async fn of(app: &Arc<App>, body: &Value) -> Option<Arc<Self>> {
        let info = body.get("buildInfo")?.as_object()?;
        let dockerfile = info.get("dockerfileContent").and_then(Value::as_str);
        let dockerfile = dockerfile.unwrap_or_default().to_owned();
        let mut contexts = Vec::new();
        for hash in hashes(info) {
            match app.storage.context(hash) {
                Some(object) => contexts.push((hash.to_owned(), object)),
                None => {
                    let failed = format!("the build context {hash} is not in the object storage");
                    return Some(Arc::new(Self::none(&dockerfile, failed)));
                }
            }
        }
        let (host, text) = (Arc::clone(&app.host), dockerfile.clone());
        let work = tokio::task::spawn_blocking(move || {
            let contexts = index::read(&contexts)?;
            plan::make(&host, &text, &contexts)
        });
        let made = work
            .await
            .unwrap_or_else(|_| Err("the build context cannot be read".to_owned()));
        Some(Arc::new(
            made.unwrap_or_else(|failed| Self::none(&dockerfile, failed)),
        ))
    }

    fn none(dockerfile: &str, failed: String) -> Self {
        let mut log = String::new();
        for line in dockerfile.lines() {
            log.push_str(&format!("not carried out: {line}\n"));
        }
        Self {
            log,
            failed: Some(failed),
            ..Self::default()
        }
    }
}

fn hashes(info: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let hashes = info.get("contextHashes").and_then(Value::as_array);
    hashes
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::trim)
}

/// Absolute, without `.`, doubled slashes and `..`: above the root is the root.
fn normal(base: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let whole = if path.starts_with('/') {
        [path, ""]
    } else {
        [base, path]
    };
    for part in whole.iter().flat_map(|text| text.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_above_the_root() {
        for (base, path, wanted) in [
            ("/srv", "a", "/srv/a"),
            ("/srv", "../../../etc/x", "/etc/x"),
            ("/", "/../a/./b//c/", "/a/b/c"),
            ("/a/b", ".", "/a/b"),
            ("/", "..", "/"),
        ] {
            assert_eq!(normal(base, path), wanted, "{base} {path}");
        }
    }
}
