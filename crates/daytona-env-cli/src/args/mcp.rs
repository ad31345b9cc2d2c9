//! The arguments of `mcp`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::values::{self, Assignment, Reference};
use super::{EmbeddedArgs, IsolationArg, ServeIsolation};

#[derive(Debug, Args)]
#[command(
    after_help = "Without --http it speaks with one client on stdin and stdout, and ends with its input. Each session \
    has a sandbox of its own, which is deleted when the session ends.\n\n\
    Without DAYTONA_API_KEY an embedded server on this machine is used, with isolation. With --http the token is that of \
    DAYTONA_ENV_MCP_TOKEN; without it a new one is made and printed. Exit code 125 for a failure of this program, and if \
    a sandbox may be left."
)]
pub(crate) struct McpArgs {
    /// Print the configuration for a client, without any secret, and do nothing else
    #[arg(long, value_name = "CLIENT", value_enum)]
    pub(crate) print_config: Option<McpClient>,
    /// Serve any number of clients over HTTP on this machine's loopback, at /mcp
    #[arg(long)]
    pub(crate) http: bool,
    /// Port to listen on; 0 takes a free one
    #[arg(long, requires = "http", default_value_t = 0)]
    pub(crate) port: u16,
    /// Write the token to this file, readable by you alone, instead of printing it
    #[arg(long, requires = "http", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// How long an HTTP session lives without a message; at least a minute more than --timeout
    #[arg(long, requires = "http", value_name = "DURATION", value_parser = values::duration, default_value = "30m")]
    pub(crate) idle: Duration,
    /// Image to build the sandboxes from, such as python:3.12
    #[arg(long, value_parser = values::name, conflicts_with = "snapshot")]
    pub(crate) image: Option<String>,
    /// Snapshot to start from [default: the server's]
    #[arg(long, value_parser = values::name)]
    pub(crate) snapshot: Option<String>,
    /// Set environment variable K of the sandboxes to V
    #[arg(long = "env", value_name = "K=V", value_parser = values::ENV)]
    pub(crate) envs: Vec<Assignment>,
    /// Set environment variable K of the sandboxes to the value that --var gives to VARIABLE; `session` is the session's id
    #[arg(long = "env-var", value_name = "K=VARIABLE", value_parser = values::ENV_VAR)]
    pub(crate) env_vars: Vec<Reference>,
    /// Give variable K the value V, for --env-var
    #[arg(long = "var", value_name = "K=V", value_parser = values::VAR)]
    pub(crate) vars: Vec<Assignment>,
    /// Directory in the sandboxes to work in [default: /workspace, or where the server allows]
    #[arg(long, value_name = "DIR", value_parser = values::workdir)]
    pub(crate) workdir: Option<String>,
    /// Let all sessions share one sandbox of this scope, which lives until this program ends
    #[arg(long, value_parser = values::SCOPE)]
    pub(crate) scope: Option<String>,
    /// Kill a command after this long: 30, 30s, 5m, 1h
    #[arg(long, value_name = "DURATION", value_parser = values::duration, default_value = "10m")]
    pub(crate) timeout: Duration,
    /// Languages of run_code
    #[arg(
        long,
        value_name = "LANGUAGE",
        value_delimiter = ',',
        default_values = ["python", "bash"],
        value_parser = ["python", "bash", "javascript", "typescript"]
    )]
    pub(crate) languages: Vec<String>,
    /// Offer only tools that look at files
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Minutes after which the server deletes a sandbox if this program dies: 3 to 60
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(3..=60), default_value_t = 5)]
    pub(crate) lease: u64,
    /// How long to wait for the deletion of the sandboxes at the end
    #[arg(long, value_name = "DURATION", value_parser = values::duration, default_value = "30s")]
    pub(crate) close_timeout: Duration,
    /// How commands are kept apart from this machine [default: required]
    #[arg(long, value_enum, help_heading = "Embedded server")]
    pub(crate) isolation: Option<ServeIsolation>,
    /// Show this directory of the machine in the sandboxes, read-only
    #[arg(long, value_name = "DIR", help_heading = "Embedded server")]
    pub(crate) bind_ro: Vec<PathBuf>,
    /// No network in the sandboxes
    #[arg(long, help_heading = "Embedded server")]
    pub(crate) no_network: bool,
}

/// A client whose configuration we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum McpClient {
    /// claude_desktop_config.json
    ClaudeDesktop,
    /// .mcp.json of a project
    ClaudeCode,
    /// .cursor/mcp.json, or ~/.cursor/mcp.json
    Cursor,
    /// .vscode/mcp.json
    Vscode,
}

impl McpArgs {
    /// What the embedded server is told, if it is used: a model's commands run isolated, or a person has said not.
    pub(crate) fn embedded(&self, is_used: bool) -> EmbeddedArgs {
        let isolation = self
            .isolation
            .or(is_used.then_some(ServeIsolation::Required));
        EmbeddedArgs {
            isolation: isolation.map(|isolation| match isolation {
                ServeIsolation::Required => IsolationArg::Required,
                ServeIsolation::None => IsolationArg::None,
            }),
            bind_ro: self.bind_ro.clone(),
            no_network: self.no_network,
        }
    }
}
