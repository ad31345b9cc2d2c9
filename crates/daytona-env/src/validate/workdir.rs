//! The working directory.

use super::Invalid;

/// An absolute directory without `..`; `//`, `.` and a trailing slash are taken out.
///
/// File paths are confined to it by comparing them as text, so it must not itself point elsewhere.
pub(crate) fn normal_workdir(workdir: &str) -> Result<String, Invalid> {
    if workdir.chars().any(char::is_control) {
        return Err(Invalid::new(
            "`workdir` holds a NUL byte, a line break or another control character; remove it",
        ));
    }
    if !workdir.starts_with('/') {
        return Err(Invalid::new(format!(
            "`workdir` must be absolute, such as \"/workspace\", got {workdir:?}"
        )));
    }
    let mut normal = String::with_capacity(workdir.len());
    for part in workdir.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                return Err(Invalid::new(format!(
                    "`workdir` must not contain `..`, got {workdir:?}"
                )));
            }
            part => {
                normal.push('/');
                normal.push_str(part);
            }
        }
    }
    if normal.is_empty() {
        return Err(Invalid::new(
            "`workdir` must be a directory below `/`, not `/` itself",
        ));
    }
    Ok(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workdirs() {
        for (given, wanted) in [
            ("/srv/", Some("/srv")),
            ("//a/./b//c", Some("/a/b/c")),
            ("/workspace", Some("/workspace")),
            ("/a b", Some("/a b")),
        ] {
            assert_eq!(normal_workdir(given).ok().as_deref(), wanted, "{given}");
        }
        for bad in ["", "rel", "/a/../b", "/", "/.", "/a\0b", "/a\nb"] {
            assert!(normal_workdir(bad).is_err(), "{bad:?}");
        }
    }
}
