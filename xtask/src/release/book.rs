//! docs/ as a book, by mdBook.

use anyhow::{Context as _, Result, bail};
use xshell::cmd;

use super::Release;

pub(super) const TOOL: &str = "mdbook";

pub(super) fn check(release: &Release<'_>) -> Result<String> {
    let sh = &release.sh;
    release.install(TOOL)?;
    let root = release.root;
    let book = release.target_dir().join("book");
    sh.remove_path(&book)?;
    let output = cmd!(sh, "mdbook build --dest-dir {book} {root}")
        .quiet()
        .ignore_status()
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    // It makes an empty page for one that is missing, and only warns of much else.
    if !output.status.success() || said.contains("WARN") || said.contains("ERROR") {
        bail!("mdbook: {said}");
    }
    let pages = std::fs::read_dir(&book)
        .with_context(|| book.display().to_string())?
        .filter_map(Result::ok)
        .filter(|entry| entry.path().extension().is_some_and(|kind| kind == "html"))
        .count();
    if pages < 2 {
        bail!("the book has no pages");
    }
    Ok(format!("{pages} pages"))
}
