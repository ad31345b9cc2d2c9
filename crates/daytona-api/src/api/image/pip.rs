//! Packages for Python.

use super::{Image, quoted};

/// How pip finds packages; for [`Image::pip_install_with`] and its relatives. The default adds nothing.
///
/// Debug shows no address, which may hold a password. So may the image: everyone who can read it can read them.
///
/// ```
/// use daytona_api::api::{Image, PipOptions};
///
/// let options = PipOptions::new().index_url("https://pypi.example/simple").pre(true);
/// let image = Image::base("python:3.12").pip_install_with(["numpy"], &options);
/// assert!(image.dockerfile()?.ends_with(
///     "RUN python -m pip install numpy --index-url https://pypi.example/simple --pre\n"
/// ));
/// # Ok::<(), daytona_api::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct PipOptions {
    find_links: Vec<String>,
    index_url: Option<String>,
    extra_index_urls: Vec<String>,
    pre: bool,
    extra: String,
}

impl PipOptions {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more page or folder with packages: `--find-links`.
    pub fn find_links(mut self, address: impl Into<String>) -> Self {
        self.find_links.push(address.into());
        self
    }

    /// The index in place of pip's own: `--index-url`.
    pub fn index_url(mut self, url: impl Into<String>) -> Self {
        self.index_url = Some(url.into());
        self
    }

    /// One more index besides: `--extra-index-url`.
    pub fn extra_index_url(mut self, url: impl Into<String>) -> Self {
        self.extra_index_urls.push(url.into());
        self
    }

    /// Whether releases that are not final will do: `--pre`. Default: no.
    pub fn pre(mut self, pre: bool) -> Self {
        self.pre = pre;
        self
    }

    /// More options, as they are: they are part of a shell's command line. A line break is an error of the image.
    pub fn extra_options(mut self, options: impl Into<String>) -> Self {
        self.extra = options.into();
        self
    }

    /// In the order of the official clients.
    fn text(&self) -> String {
        let mut text = String::new();
        let mut option = |name: &str, value: &str| {
            text.push_str(name);
            text.push_str(&quoted(value));
        };
        for address in &self.find_links {
            option(" --find-links ", address);
        }
        if let Some(url) = &self.index_url {
            option(" --index-url ", url);
        }
        for url in &self.extra_index_urls {
            option(" --extra-index-url ", url);
        }
        if self.pre {
            text.push_str(" --pre");
        }
        if !self.extra.is_empty() {
            text.push(' ');
            text.push_str(self.extra.trim());
        }
        text
    }
}

impl std::fmt::Debug for PipOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PipOptions")
            .field("find_links", &self.find_links.len())
            .field("index_url", &self.index_url.is_some())
            .field("extra_index_urls", &self.extra_index_urls.len())
            .field("pre", &self.pre)
            .finish_non_exhaustive()
    }
}

impl Image {
    /// Installs Python packages with pip, in the order of their names. Each is one argument, such as `numpy` or
    /// `pandas>=2`; one that begins with `-` would be an option of pip and is an error.
    pub fn pip_install<S: AsRef<str>>(self, packages: impl IntoIterator<Item = S>) -> Self {
        self.pip_install_with(packages, &PipOptions::default())
    }

    /// As [`pip_install`](Self::pip_install), with options of pip.
    pub fn pip_install_with<S: AsRef<str>>(
        self,
        packages: impl IntoIterator<Item = S>,
        options: &PipOptions,
    ) -> Self {
        let packages: Vec<S> = packages.into_iter().collect();
        let mut packages: Vec<&str> = packages.iter().map(AsRef::as_ref).collect();
        if packages.is_empty() {
            return self;
        }
        if packages
            .iter()
            .any(|package| package.trim_start().starts_with('-') || package.trim().is_empty())
        {
            return self.refuse("a package must have a name, and not begin with `-`");
        }
        packages.sort_unstable();
        let packages: Vec<String> = packages.into_iter().map(quoted).collect();
        let options = options.text();
        self.instruction(&format!(
            "RUN python -m pip install {}{options}",
            packages.join(" ")
        ))
    }
}

#[cfg(feature = "context")]
mod files {
    use std::path::Path;

    use super::super::glob::json_words;
    use super::{Image, PipOptions, quoted};
    use crate::api::context::Kind;
    use crate::error::Error;

    impl Image {
        /// Copies a file of requirements and installs what it lists.
        ///
        /// ```
        /// use daytona_api::api::{Image, PipOptions};
        ///
        /// let image = Image::base("python:3.12")
        ///     .pip_install_from_requirements("requirements.txt", &PipOptions::new());
        /// assert!(image.dockerfile()?.ends_with(
        ///     "COPY requirements.txt /.requirements.txt\n\
        ///      RUN python -m pip install -r /.requirements.txt\n"
        /// ));
        /// # Ok::<(), daytona_api::Error>(())
        /// ```
        pub fn pip_install_from_requirements(
            self,
            requirements: impl AsRef<Path>,
            options: &PipOptions,
        ) -> Self {
            const TO: &str = "/.requirements.txt";
            let (image, archive) = match self.with(requirements.as_ref(), Kind::File) {
                Ok(added) => added,
                Err(image) => return image,
            };
            // a path of words would be several sources
            let copy = if quoted(&archive) == archive {
                format!("COPY {archive} {TO}")
            } else {
                format!("COPY {}", json_words(&[&archive, TO]))
            };
            let options = options.text();
            image
                .instruction(&copy)
                .instruction(&format!("RUN python -m pip install -r {TO}{options}"))
        }

        /// Installs what a `pyproject.toml` names: `project.dependencies`, and of `project.optional-dependencies` the
        /// `groups`. Only the names go into the image, not the file.
        ///
        /// # Errors
        ///
        /// The file cannot be read, is larger than 16 MiB, is no TOML, or lacks the list or a group. It is read at once
        /// and blocks the thread meanwhile.
        ///
        /// ```
        /// use daytona_api::api::{Image, PipOptions};
        ///
        /// # let folder = tempfile::tempdir().unwrap();
        /// # let path = folder.path().join("pyproject.toml");
        /// let project = "[project]\ndependencies = ['numpy']\noptional-dependencies.dev = ['pytest>=8']";
        /// std::fs::write(&path, project).unwrap();
        /// let image = Image::base("python:3.12").pip_install_from_pyproject(&path, ["dev"], &PipOptions::new())?;
        /// assert!(image.dockerfile()?.ends_with("RUN python -m pip install numpy 'pytest>=8'\n"));
        /// # Ok::<(), daytona_api::Error>(())
        /// ```
        pub fn pip_install_from_pyproject<S: AsRef<str>>(
            self,
            pyproject: impl AsRef<Path>,
            groups: impl IntoIterator<Item = S>,
            options: &PipOptions,
        ) -> Result<Self, Error> {
            let text = super::super::read_text(pyproject.as_ref(), "pyproject.toml")?;
            let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
                // toml's own text shows the line
                let place = error.span().map_or(0, |span| span.start);
                Error::build(format!("the pyproject.toml is no toml (at byte {place})"))
            })?;
            let project = table
                .get("project")
                .and_then(toml::Value::as_table)
                .ok_or_else(|| Error::build("the pyproject.toml has no [project]"))?;
            let mut packages = list(project.get("dependencies"), "dependencies")?;
            for group in groups {
                let name = group.as_ref();
                let found = project
                    .get("optional-dependencies")
                    .and_then(|groups| groups.get(name));
                packages.extend(list(found, &format!("optional-dependencies.{name}"))?);
            }
            Ok(self.pip_install_with(packages, options))
        }
    }

    fn list(value: Option<&toml::Value>, name: &str) -> Result<Vec<String>, Error> {
        let texts = value.and_then(toml::Value::as_array).and_then(|list| {
            let texts = list.iter().map(|text| text.as_str().map(str::to_owned));
            texts.collect::<Option<Vec<String>>>()
        });
        texts.ok_or_else(|| {
            Error::build(format!(
                "the pyproject.toml has no list of texts at project.{name:?}"
            ))
        })
    }
}
