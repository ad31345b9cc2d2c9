//! Snapshot, image and resources, alone and together.

use super::Invalid;

/// The rules across the three: not both of snapshot and image, and resources only with an image.
///
/// An empty string counts as given.
pub(crate) fn check_shape(
    snapshot: Option<&str>,
    image: Option<&str>,
    resources: bool,
) -> Result<(), Invalid> {
    if snapshot.is_some() && image.is_some() {
        return Err(Invalid::new(
            "Specify either `snapshot` or `image`, not both.",
        ));
    }
    if resources && image.is_none() {
        return Err(Invalid::new(
            "`resources` need an `image`: a snapshot brings its own cpu, memory and disk, so leave `resources` out or \
             give an `image`",
        ));
    }
    Ok(())
}

/// An image reference goes into a Dockerfile line as it is, so it must not be able to add another.
pub(crate) fn check_image(image: &str) -> Result<(), Invalid> {
    if image.is_empty() {
        return Err(Invalid::new(
            "`image` is empty; give a reference such as \"python:3.12\", or leave it out",
        ));
    }
    // a backslash continues a Dockerfile line
    if image
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
    {
        return Err(Invalid::new(
            "`image` must be one image reference such as \"python:3.12\": it holds a line break, another blank, a \
             control character or a backslash, which would add to the Dockerfile made from it",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape() {
        assert!(check_shape(None, None, false).is_ok());
        assert!(check_shape(Some("s"), None, false).is_ok());
        assert!(check_shape(None, Some("i"), true).is_ok());
        assert!(check_shape(Some("s"), None, true).is_err());
        assert!(check_shape(None, None, true).is_err());
        let both = check_shape(Some(""), Some(""), true).unwrap_err();
        insta::assert_snapshot!(both, @"Specify either `snapshot` or `image`, not both.");
    }

    #[test]
    fn image_references() {
        for good in [
            "python:3.12",
            "ghcr.io/a/b@sha256:00",
            "localhost:5000/x",
            "[::1]:5000/x",
            "scratch",
        ] {
            assert!(check_image(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            " ",
            "a b",
            "a\nRUN rm -rf /",
            "a\r",
            "a\u{2028}b",
            "a\0",
            "a\\",
            "a\tb",
            "a\u{85}b",
        ] {
            assert!(check_image(bad).is_err(), "{bad:?}");
        }
    }
}
