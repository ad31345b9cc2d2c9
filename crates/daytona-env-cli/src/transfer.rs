//! Files and directories between this machine and a sandbox.

mod check;
mod download;
mod plan;
mod upload;

pub(crate) use check::check;
pub(crate) use download::download;
pub(crate) use plan::{Plan, plan};
pub(crate) use upload::upload;

/// A path of the sandbox as its files calls take it: relative to the working directory.
///
/// An absolute one that lies below the working directory is made relative; anything else is left for the sandbox to
/// refuse.
fn relative<'p>(workdir: &str, path: &'p str) -> &'p str {
    match path.strip_prefix(workdir.trim_end_matches('/')) {
        Some("") => ".",
        Some(rest) if rest.starts_with('/') => rest.trim_start_matches('/'),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_below_the_workdir_become_relative() {
        for (path, want) in [
            ("/workspace/a/b", "a/b"),
            ("/workspace", "."),
            ("/workspace2/a", "/workspace2/a"),
            ("a/b", "a/b"),
            ("/etc/passwd", "/etc/passwd"),
        ] {
            assert_eq!(relative("/workspace", path), want);
        }
    }
}
