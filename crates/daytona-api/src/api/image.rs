use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use self::dockerfile::opens_here_document;
#[cfg(feature = "context")]
use super::context::Local;
use crate::error::Error;
use crate::models::CreateBuildInfo;

mod dockerfile;
#[cfg(feature = "context")]
mod glob;
#[cfg(feature = "context")]
mod local;
mod pip;
mod words;

pub use self::pip::PipOptions;

/// The largest Dockerfile, or description of a project, that is read. No person writes such ones.
const LARGEST: u64 = 16 << 20;

/// The series of Python that [`Image::debian_slim`] knows, and the release that each stands for.
///
/// Source: the official Python client, release 0.226.1.
const PYTHON: [(&str, &str); 5] = [
    ("3.9", "3.9.22"),
    ("3.10", "3.10.17"),
    ("3.11", "3.11.12"),
    ("3.12", "3.12.10"),
    ("3.13", "3.13.3"),
];

#[cfg(feature = "context")]
const NO_CONTEXT: &str = "`COPY` and `ADD` of local files need the folder they are in: use dockerfile_commands_in, \
    from_dockerfile, add_local_file or add_local_dir";
#[cfg(not(feature = "context"))]
const NO_CONTEXT: &str = "files of this machine can be copied into an image with the feature `context` of daytona-api \
    only; turn it on, or upload them to the sandbox instead";

/// An image described step by step, which the server builds: the lines of a Dockerfile.
///
/// The lines are those that the official clients write, so that the server can reuse what it built for one.
/// Two images with the same lines, and local files at the same places, are equal, whatever they were made with. No
/// argument can add a line of its own: a line break, or an end that would swallow the next line, is an error; only
/// [`dockerfile_commands`](Self::dockerfile_commands) and its kin, and [`from_dockerfile`](Self::from_dockerfile), take
/// whole lines. The first error is kept and comes with [`dockerfile`](Self::dockerfile), or when the sandbox is created.
/// Debug shows no line: it may hold a secret.
///
/// With the feature `context` files of this machine can be copied into it, by `add_local_file`, `add_local_dir`,
/// `dockerfile_commands_in`, `from_dockerfile` and `pip_install_from_requirements`: they are read and uploaded when a
/// sandbox or a snapshot is created from the image. Without it `COPY` and `ADD` of one are errors.
///
/// ```
/// use daytona_api::api::Image;
///
/// let image = Image::debian_slim("3.12")
///     .pip_install(["numpy", "pandas>=2"])
///     .env("STAGE", "a test")
///     .workdir("/srv")
///     .cmd(["python", "-m", "http.server"]);
/// assert!(image.dockerfile()?.ends_with(
///     "RUN python -m pip install numpy 'pandas>=2'\n\
///      ENV STAGE='a test'\n\
///      WORKDIR /srv\n\
///      CMD [\"python\", \"-m\", \"http.server\"]\n"
/// ));
/// # Ok::<(), daytona_api::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[must_use = "an image does nothing before a sandbox is created from it"]
pub struct Image {
    lines: String,
    #[cfg(feature = "context")]
    context: Vec<Local>,
    wrong: Option<Cow<'static, str>>,
}

impl Image {
    fn empty() -> Self {
        Self {
            lines: String::new(),
            #[cfg(feature = "context")]
            context: Vec::new(),
            wrong: None,
        }
    }

    /// Starts from an image of a registry, such as `python:3.12`. A space, a line break or a control character in
    /// it is an error.
    ///
    /// ```
    /// # use daytona_api::api::Image;
    /// assert_eq!(Image::base("debian:12").dockerfile()?, "FROM debian:12\n");
    /// assert!(Image::base("debian:12\nUSER root").dockerfile().is_err());
    /// # Ok::<(), daytona_api::Error>(())
    /// ```
    pub fn base(image: impl AsRef<str>) -> Self {
        let image = image.as_ref().trim();
        let start = Self::empty();
        if image.is_empty()
            || image
                .chars()
                .any(|char| char.is_control() || char.is_whitespace())
        {
            return start.refuse("an image must be one word without control characters");
        }
        start.instruction(&format!("FROM {image}"))
    }

    /// Starts from Debian with Python and a C and a Fortran compiler. `python` is a series, from `3.9` to `3.13`;
    /// another one is an error.
    pub fn debian_slim(python: impl AsRef<str>) -> Self {
        let python = python.as_ref();
        let Some((_, release)) = PYTHON.iter().find(|(series, _)| *series == python) else {
            return Self::base("python").refuse(
                "no such series of Python: give 3.9, 3.10, 3.11, 3.12 or 3.13, or use Image::base",
            );
        };
        Self::base(format!("python:{release}-slim-bookworm"))
            .line("RUN apt-get update")
            .line("RUN apt-get install -y gcc gfortran build-essential")
            .line("RUN pip install --upgrade pip")
            .line(
                "RUN echo 'debconf debconf/frontend select Noninteractive' | debconf-set-selections",
            )
    }

    /// Takes a Dockerfile as it is. With the feature `context`, `COPY` and `ADD` take local files from its folder, as
    /// `dockerfile_commands_in` says; without it they are an error of the image.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is larger than 16 MiB, or is not UTF-8 text. It is read at once and blocks the thread
    /// meanwhile.
    pub fn from_dockerfile(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = read_text(path, "Dockerfile")?;
        let start = Self::empty();
        if let Err(why) = check_lines(&text) {
            return Ok(start.refuse(why));
        }
        let mut image = start.beside(path, &text);
        image.lines.push_str(&text);
        if !text.ends_with('\n') {
            image.lines.push('\n');
        }
        Ok(image)
    }

    #[cfg(feature = "context")]
    fn beside(self, dockerfile: &Path, text: &str) -> Self {
        let folder = dockerfile.parent().unwrap_or_else(|| Path::new(""));
        // with a slash at its end, which the official client hashes without
        self.copying(text, &folder.join(""))
    }

    #[cfg(not(feature = "context"))]
    fn beside(self, _: &Path, text: &str) -> Self {
        self.without_local_files(text)
    }

    fn without_local_files(self, text: &str) -> Self {
        if dockerfile::copies(text).is_empty() {
            return self;
        }
        self.refuse(NO_CONTEXT)
    }

    /// Runs shell commands while the image is built, each in a layer of its own. Line breaks, a `\` at the end and
    /// here-documents reach into the next line and are errors.
    pub fn run_commands<S: AsRef<str>>(self, commands: impl IntoIterator<Item = S>) -> Self {
        commands.into_iter().fold(self, |image, command| {
            let command = command.as_ref().trim();
            if command.is_empty() {
                return image.refuse("a command of an image must not be empty");
            }
            image.instruction(&format!("RUN {command}"))
        })
    }

    /// Sets an environment variable of the image. It is readable by everyone who can read the image: give secrets
    /// to the sandbox instead.
    pub fn env(self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        let first = name.chars().next();
        if first.is_none_or(|char| char.is_ascii_digit())
            || !name
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || char == '_')
        {
            return self.refuse(
                "the name of an environment variable takes letters, digits and `_`, and no digit first",
            );
        }
        self.instruction(&format!("ENV {name}={}", quoted(value.as_ref())))
    }

    /// Sets the directory that what follows, and the sandbox, works in.
    pub fn workdir(self, path: impl AsRef<str>) -> Self {
        self.instruction(&format!("WORKDIR {}", quoted(path.as_ref())))
    }

    /// Sets the program that the sandbox starts, as its arguments.
    pub fn entrypoint<S: AsRef<str>>(self, arguments: impl IntoIterator<Item = S>) -> Self {
        let line = format!("ENTRYPOINT {}", exec_form(arguments));
        self.line(&line)
    }

    /// Sets the default arguments of the entrypoint.
    pub fn cmd<S: AsRef<str>>(self, arguments: impl IntoIterator<Item = S>) -> Self {
        let line = format!("CMD {}", exec_form(arguments));
        self.line(&line)
    }

    /// Adds lines of a Dockerfile as they are. `COPY` and `ADD` are errors unless they copy from another stage or
    /// image (`--from=`), or `ADD` from an address; with the feature `context`, `dockerfile_commands_in` takes local
    /// files along.
    pub fn dockerfile_commands<S: AsRef<str>>(self, lines: impl IntoIterator<Item = S>) -> Self {
        lines.into_iter().fold(self, |image, text| {
            let text = text.as_ref();
            match check_lines(text) {
                Ok(()) => image.without_local_files(text).line(text.trim_end()),
                Err(why) => image.refuse(why),
            }
        })
    }

    /// The Dockerfile, ending in a line break.
    ///
    /// # Errors
    ///
    /// The first thing that was wrong with the steps.
    pub fn dockerfile(&self) -> Result<&str, Error> {
        match &self.wrong {
            None => Ok(&self.lines),
            Some(why) => Err(Error::build(why.clone())),
        }
    }

    /// The Dockerfile as the wire has it; the hashes of what it copies are not in it yet.
    pub(crate) fn build_info(&self) -> Result<CreateBuildInfo, Error> {
        Ok(CreateBuildInfo {
            dockerfile_content: self.dockerfile()?.to_owned(),
            ..CreateBuildInfo::default()
        })
    }

    fn refuse(mut self, why: impl Into<Cow<'static, str>>) -> Self {
        self.wrong.get_or_insert_with(|| why.into());
        self
    }

    /// One instruction on one line: nothing in it may reach the next one.
    fn instruction(self, line: &str) -> Self {
        if line.chars().any(char::is_control) {
            return self.refuse(
                "a line break or control character in a step would add lines to the build",
            );
        }
        let opens = line.starts_with("RUN ") && line.split_whitespace().any(opens_here_document);
        if line.ends_with('\\') || opens {
            return self.refuse(
                "a `\\` at the end, or a here-document, would swallow the next line of the build",
            );
        }
        self.line(line)
    }

    fn line(mut self, line: &str) -> Self {
        self.lines.push_str(line);
        self.lines.push('\n');
        self
    }
}

impl Image {
    #[cfg(feature = "context")]
    fn local_count(&self) -> usize {
        self.context.len()
    }

    #[cfg(not(feature = "context"))]
    #[expect(clippy::unused_self, reason = "with the feature it is used")]
    const fn local_count(&self) -> usize {
        0
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image")
            .field("lines", &self.lines.lines().count())
            .field("local", &self.local_count())
            .field("wrong", &self.wrong)
            .finish()
    }
}

impl From<&str> for Image {
    /// As [`Image::base`].
    fn from(image: &str) -> Self {
        Self::base(image)
    }
}

impl From<String> for Image {
    /// As [`Image::base`].
    fn from(image: String) -> Self {
        Self::base(image)
    }
}

impl From<&String> for Image {
    /// As [`Image::base`].
    fn from(image: &String) -> Self {
        Self::base(image)
    }
}

impl From<&Self> for Image {
    fn from(image: &Self) -> Self {
        image.clone()
    }
}

/// As the official clients quote: only where needed, in single quotes. The same text lets the server reuse a build.
pub(super) fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "_@%+=:,./-".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\"'\"'"))
}

/// A JSON array, whose strings hold no line break whatever is in them.
fn exec_form<S: AsRef<str>>(arguments: impl IntoIterator<Item = S>) -> String {
    let arguments: Vec<String> = arguments
        .into_iter()
        .map(|argument| serde_json::Value::from(argument.as_ref()).to_string())
        .collect();
    format!("[{}]", arguments.join(", "))
}

/// Whether lines can be added as they are.
fn check_lines(text: &str) -> Result<(), &'static str> {
    if text.contains('\0') || text.trim().is_empty() || text.trim_end().ends_with('\\') {
        return Err("lines of a Dockerfile must not be empty, hold a zero byte, or end in `\\`");
    }
    Ok(())
}

/// A text file of this machine, with line breaks of one kind.
fn read_text(path: &Path, name: &str) -> Result<String, Error> {
    let unreadable = |error: std::io::Error| {
        Error::build(format!("the {name} cannot be read")).with_source(error)
    };
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        return Err(Error::build(format!("the {name} is no regular file")));
    }
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    let read = file.take(LARGEST + 1).read_to_string(&mut text);
    if read.map_err(unreadable)? as u64 > LARGEST {
        return Err(Error::build(format!(
            "the {name} is larger than {LARGEST} bytes"
        )));
    }
    Ok(text.replace("\r\n", "\n"))
}
