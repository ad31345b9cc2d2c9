//! Files that break one rule.

use bytes::Bytes;
use sandbox_core::{Error, ErrorKind, ExecRequest, FileEntry, path};

use super::sandbox::BrokenSandbox;

impl BrokenSandbox {
    pub(super) async fn broken_put(&self, path: &str, content: Bytes) -> Result<(), Error> {
        match self.rule() {
            "file-bytes-exact" => {
                let text = String::from_utf8_lossy(&content).into_owned();
                self.inner().put(path, text.into()).await
            }
            "put-replaces" => {
                let old = self.inner().get(path).await.unwrap_or_default();
                let rest = old.get(content.len()..).unwrap_or_default();
                self.inner()
                    .put(path, [&content[..], rest].concat().into())
                    .await
            }
            "put-makes-parents" if path.contains('/') => {
                let above = path.rsplit_once('/').unwrap().0;
                self.inner().list(above).await?;
                self.inner().put(path, content).await
            }
            "file-names-as-given" => self.inner().put(&path.replace(' ', "_"), content).await,
            "files-are-those-of-commands" => {
                self.inner().put(&format!(".store/{path}"), content).await
            }
            "files-at-once" => {
                if self.is_busy() {
                    return Err(Error::new(ErrorKind::Conflict, "a file is written"));
                }
                let put = self.inner().put(path, content).await;
                self.is_free();
                put
            }
            "file-is-no-directory" => {
                if path != "." && self.inner().list(path).await.is_ok() {
                    self.inner().remove(path).await?;
                }
                self.inner().put(path, content).await
            }
            "paths-are-confined" => self.inner().put(&clamped(path), content).await,
            _ => self.inner().put(path, content).await,
        }
    }

    pub(super) async fn broken_get(&self, path: &str) -> Result<Bytes, Error> {
        match self.rule() {
            "file-names-as-given" => self.inner().get(&path.replace(' ', "_")).await,
            "files-are-those-of-commands" => self.inner().get(&format!(".store/{path}")).await,
            "missing-is-not-found" => match self.inner().get(path).await {
                Err(error) if error.is_not_found() => Ok(Bytes::new()),
                other => other,
            },
            _ => self.inner().get(path).await,
        }
    }

    pub(super) async fn broken_list(&self, path: &str) -> Result<Vec<FileEntry>, Error> {
        let mut listed = self.inner().list(path).await?;
        if self.rule() == "list-tells-entries" {
            listed.retain(|entry| !entry.name.starts_with('.'));
        }
        if self.rule() == "list-is-complete" {
            listed.truncate(1000);
        }
        Ok(listed)
    }

    pub(super) async fn broken_remove(&self, path: &str) -> Result<(), Error> {
        match self.rule() {
            "remove-takes-all" => {
                let outcome = self
                    .inner()
                    .exec(ExecRequest::argv(["rm", "-r", "--", path]))
                    .await?;
                if outcome.success() {
                    return Ok(());
                }
                Err(Error::new(
                    ErrorKind::NotFound,
                    "there is nothing of that name",
                ))
            }
            "remove-spares-targets" => {
                let line = "rm -rf -- \"$(readlink -f \"$0\")\" \"$0\"";
                let request = ExecRequest::argv(["sh", "-c", line, path]);
                self.inner().exec(request).await.map(drop)
            }
            "workdir-stays" if path::normalize(path).is_ok_and(|path| path.is_empty()) => {
                for entry in self.inner().list("").await? {
                    self.inner().remove(&entry.path).await?;
                }
                Ok(())
            }
            _ => self.inner().remove(path).await,
        }
    }

    pub(super) async fn broken_make_dir(&self, path: &str) -> Result<(), Error> {
        if self.rule() == "make-dir-again" && self.inner().list(path).await.is_ok() {
            return Err(Error::new(ErrorKind::Conflict, "it exists"));
        }
        self.inner().make_dir(path).await
    }
}

/// Bends a path back into the directory, silently.
fn clamped(path: &str) -> String {
    let parts = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "." | ".."));
    parts.collect::<Vec<_>>().join("/")
}
