//! Over HTTP.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use context_vars::Secret;
use sandbox_tools::mcp::McpServer;
use serde::Serialize;
use tokio::net::TcpListener;

use crate::args::McpArgs;
use crate::cmd::serve::TokenFile;
use crate::error::Failure;
use crate::host::{HostEnv, MCP_TOKEN};
use crate::output;

/// As the library asks for.
const MIN_TOKEN: usize = 16;

/// What is printed, in one line, once clients are served.
// No Debug: it holds the token.
#[derive(Serialize)]
struct Started<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_file: Option<&'a Path>,
}

/// A port of this machine's loopback and the token for it.
#[derive(Debug)]
pub(super) struct Listening {
    listener: TcpListener,
    url: String,
    token: Secret,
    /// Whoever started us knows it.
    given: bool,
    file: Option<PathBuf>,
}

impl Listening {
    pub(super) async fn new(args: &McpArgs, host: &HostEnv) -> Result<Self, Failure> {
        let given = host.mcp_token();
        if given.is_some_and(|token| token.expose().trim().len() < MIN_TOKEN) {
            return Err(
                Failure::new(format!("{MCP_TOKEN} has less than {MIN_TOKEN} characters")).hint(
                    format!("give it more, or unset {MCP_TOKEN} to have a token made"),
                ),
            );
        }
        let token = match given {
            Some(token) => token.clone(),
            None => random()?,
        };
        let failure = || Failure::new(format!("cannot listen on port {} of 127.0.0.1", args.port));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port))
            .await
            .map_err(|error| failure().because(error))?;
        let address = listener
            .local_addr()
            .map_err(|error| failure().because(error))?;
        Ok(Self {
            listener,
            url: format!("http://{address}/mcp"),
            token,
            given: given.is_some(),
            file: args.token_file.clone(),
        })
    }

    pub(super) async fn serve(self, server: &McpServer) -> Result<(), Failure> {
        let file = self
            .file
            .as_deref()
            .map(|path| TokenFile::write(path, self.token.expose()))
            .transpose()?;
        let shown = !self.given && file.is_none();
        output::json(&Started {
            url: &self.url,
            token: shown.then(|| self.token.expose()),
            token_file: self.file.as_deref(),
        });
        let served = server.serve_http(self.listener, self.token).await;
        drop(file);
        served.map_err(|error| Failure::of("cannot serve over HTTP", error))
    }
}

/// 256 bits.
fn random() -> Result<Secret, Failure> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new("the operating system gives no randomness").because(error))?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Secret::new(hex))
}
