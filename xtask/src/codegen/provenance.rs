//! The lock of what the generated files were made from and what they are.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::emit::Files;

/// Raised with every change of the generator that changes its output.
pub(crate) const GENERATOR: u32 = 3;

const HEADER: &str = "# Written by `cargo xtask codegen`. Do not edit.\n";

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lock {
    pub(crate) generator: u32,
    pub(crate) upstream: Upstream,
    /// By file name in the upstream folder.
    pub(crate) inputs: BTreeMap<String, Input>,
    /// SHA-256 of each generated file, by path from the folder of generated code.
    pub(crate) files: BTreeMap<String, String>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Upstream {
    pub(crate) project: String,
    pub(crate) folder: String,
    pub(crate) license: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Input {
    pub(crate) title: String,
    pub(crate) version: String,
    pub sha256: String,
}

impl Lock {
    pub(crate) fn new(inputs: BTreeMap<String, Input>, files: &Files) -> Self {
        let upstream = Upstream {
            project: "github.com/daytona/clients".to_owned(),
            folder: "openapi-specs".to_owned(),
            license: "Apache-2.0".to_owned(),
        };
        let files = files
            .iter()
            .map(|(path, text)| (path.display().to_string(), sha256(text.as_bytes())));
        Self {
            generator: GENERATOR,
            upstream,
            inputs,
            files: files.collect(),
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).context("the provenance lock does not parse")
    }

    pub(crate) fn render(&self) -> Result<String> {
        Ok(format!("{HEADER}{}", toml::to_string(self)?))
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}
