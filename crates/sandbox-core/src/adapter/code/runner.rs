//! How a language is run.

use std::collections::BTreeMap;

use crate::adapter::repr::repr;
use crate::{Error, ErrorKind};

/// How a language is run: the code as the last argument of a program, or in a file whose path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanguageRunner {
    argv: Vec<String>,
    /// Of the file, if the code goes into one.
    extension: Option<String>,
}

impl LanguageRunner {
    /// Appends the code to these words: `["python", "-c"]`. Code above 128 KiB does not fit.
    #[must_use]
    pub fn inline<I>(argv: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            extension: None,
        }
    }

    /// Writes the code to a file of this extension in the working directory, appends its absolute
    /// path to these words, and removes it afterwards.
    #[must_use]
    pub fn file<I>(extension: impl Into<String>, argv: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            extension: Some(extension.into()),
        }
    }

    /// The program and its arguments, without the code or the file.
    #[must_use]
    pub fn argv(&self) -> &[String] {
        &self.argv
    }

    /// The extension of the file, if the code goes into one.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        self.extension.as_deref()
    }

    /// `python` and `bash` inline, `javascript` by `node` and `typescript` by `ts-node` from a
    /// file.
    pub(super) fn defaults() -> BTreeMap<String, Self> {
        [
            ("python", Self::inline(["python", "-c"])),
            ("bash", Self::inline(["bash", "-c"])),
            ("javascript", Self::file("js", ["node"])),
            ("typescript", Self::file("ts", ["ts-node"])),
        ]
        .map(|(language, runner)| (language.to_owned(), runner))
        .into()
    }

    pub(super) fn check(&self, language: &str) -> Result<(), Error> {
        let refused = |what: &str| {
            let message = format!("the runner of language {} {what}", repr(language));
            Err(Error::new(ErrorKind::InvalidInput, message))
        };
        match self.argv.first() {
            None => return refused("names no program"),
            Some(program) if program.is_empty() => return refused("has an empty program name"),
            Some(_) => {}
        }
        if self.argv.iter().any(|word| word.contains('\0')) {
            return refused("has a NUL in a word");
        }
        match self.extension() {
            Some(extension) if !is_extension(extension) => {
                refused("has a file extension that is not letters, digits, `_`, `-` or `.`")
            }
            _ => Ok(()),
        }
    }
}

/// It becomes part of a file's name.
fn is_extension(extension: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (1..=32).contains(&extension.len()) && extension.chars().all(known)
}
