//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

mod mcp;
mod values;

pub(crate) use mcp::{McpArgs, McpClient};
pub(crate) use values::{Assignment, Reference, Transfer};

/// Run programs in Daytona sandboxes, or in an embedded server on this machine.
#[derive(Debug, Parser)]
#[command(
    name = "daytona-env",
    version,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    /// Say more on stderr; twice for debugging. RUST_LOG gives finer control
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 900)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run one command in a new sandbox, then delete the sandbox
    Run(Box<RunArgs>),
    /// Open a terminal in a new sandbox, which is deleted at its end, or in one that is there
    Shell(Box<ShellArgs>),
    /// Serve the Daytona API on this machine, for any Daytona client
    Serve(ServeArgs),
    /// Give a model tools that work in a sandbox: a server of the Model Context Protocol
    Mcp(Box<McpArgs>),
    /// List the sandboxes that this program or library made
    Ls(LsArgs),
    /// Delete sandboxes that this program or library made
    Rm(RmArgs),
    /// Remove sandboxes that processes of this program or library left behind and nobody renews
    Sweep(SweepArgs),
    /// Show what is configured, what is reachable and what this machine can isolate
    Doctor(DoctorArgs),
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: the command's own; 128+n if signal n ended it; 124 if it timed out; 125 for a \
    failure of this program; 130, 143 or 129 if SIGINT, SIGTERM or SIGHUP ended the run and nothing is left.\n\n\
    Without DAYTONA_API_KEY (or DAYTONA_JWT_TOKEN with DAYTONA_ORGANIZATION_ID) an embedded server on this machine is \
    used; with it Daytona's service, or the server that DAYTONA_API_URL names. DAYTONA_TARGET chooses the region."
)]
pub(crate) struct RunArgs {
    /// Image to build the sandbox from, such as python:3.12
    #[arg(long, value_parser = values::name, conflicts_with = "snapshot")]
    pub(crate) image: Option<String>,
    /// Use this sandbox, which a run with --persist kept, instead of a new one; start it if it is stopped, and keep it
    #[arg(
        long,
        value_name = "ID|NAME",
        value_parser = values::name,
        conflicts_with_all = ["image", "snapshot", "scope", "persist", "lease", "workdir"]
    )]
    pub(crate) sandbox: Option<String>,
    /// With --sandbox: also one that neither this program nor its library made
    #[arg(long, requires = "sandbox")]
    pub(crate) any: bool,
    /// Snapshot to start from [default: the server's]
    #[arg(long, value_parser = values::name)]
    pub(crate) snapshot: Option<String>,
    /// Set environment variable K of the sandbox (with --sandbox: of the command) to V
    #[arg(long = "env", value_name = "K=V", value_parser = values::ENV)]
    pub(crate) envs: Vec<Assignment>,
    /// Set environment variable K of the sandbox to the value that --var gives to VARIABLE
    #[arg(long = "env-var", value_name = "K=VARIABLE", value_parser = values::ENV_VAR)]
    pub(crate) env_vars: Vec<Reference>,
    /// Give variable K the value V, for --env-var
    #[arg(long = "var", value_name = "K=V", value_parser = values::VAR)]
    pub(crate) vars: Vec<Assignment>,
    /// Upload a file or directory, before the command, to DEST in the working directory [default: its base name]
    #[arg(long = "upload", value_name = "PATH[:DEST]", value_parser = values::upload)]
    pub(crate) uploads: Vec<Transfer>,
    /// Download a file or directory after the command, also when that failed, to DEST [default: its base name, here]
    #[arg(long = "download", value_name = "PATH[:DEST]", value_parser = values::download)]
    pub(crate) downloads: Vec<Transfer>,
    /// Directory in the sandbox to work in [default: /workspace, or where the server allows]
    #[arg(long, value_name = "DIR", value_parser = values::workdir)]
    pub(crate) workdir: Option<String>,
    /// Kill the command after this long: 30, 30s, 5m, 1h
    #[arg(long, value_name = "DURATION", value_parser = values::duration, default_value = "10m", allow_negative_numbers = true)]
    pub(crate) timeout: Duration,
    /// Pass standard input to the command; the default where it is a pipe or a file, this is for a terminal
    #[arg(short = 'i', long)]
    pub(crate) stdin: bool,
    /// Give the command an empty standard input
    #[arg(long, conflicts_with = "stdin")]
    pub(crate) no_stdin: bool,
    /// Whose sandbox it is; recorded as a fingerprint only
    #[arg(long, value_parser = values::SCOPE)]
    pub(crate) scope: Option<String>,
    /// Keep the sandbox, for --sandbox: the server stops it when idle and deletes it a day later
    #[arg(long)]
    pub(crate) persist: bool,
    /// Print one JSON object instead of the command's output, also of a failure
    #[arg(long)]
    pub(crate) json: bool,
    /// Minutes after which the server deletes the sandbox (stops it, with --persist) if this program dies: 3 to 60
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(3..=60), default_value_t = 5)]
    pub(crate) lease: u64,
    /// How often to renew the lease; at most a minute, shorter only for a server with --speed
    #[arg(long, value_name = "DURATION", value_parser = values::duration, default_value = "60s")]
    pub(crate) renew_interval: Duration,
    /// How long to wait for the deletion of the sandbox at the end or after a signal
    #[arg(long, value_name = "DURATION", value_parser = values::duration, default_value = "30s")]
    pub(crate) close_timeout: Duration,
    /// The command and its arguments, after `--`
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<String>,
    #[command(flatten)]
    pub(crate) embedded: EmbeddedArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: the shell's own; 125 for a failure of this program; 130, 143 or 129 if SIGINT, SIGTERM \
    or SIGHUP ended it.\n\n\
    Without DAYTONA_API_KEY an embedded server on this machine is used, as by `run`."
)]
pub(crate) struct ShellArgs {
    /// A sandbox that is there, by id or name; it stays, and needs an account [default: a new one]
    #[arg(value_name = "SANDBOX", value_parser = values::name)]
    pub(crate) sandbox: Option<String>,
    /// Image to build a new sandbox from, such as python:3.12
    #[arg(long, value_parser = values::name, conflicts_with_all = ["snapshot", "sandbox"])]
    pub(crate) image: Option<String>,
    /// Snapshot to start a new sandbox from [default: the server's]
    #[arg(long, value_parser = values::name, conflicts_with = "sandbox")]
    pub(crate) snapshot: Option<String>,
    /// Set environment variable K of a new sandbox to V
    #[arg(long = "env", value_name = "K=V", value_parser = values::ENV, conflicts_with = "sandbox")]
    pub(crate) envs: Vec<Assignment>,
    /// Directory in the sandbox to start in [default: as `run`]
    #[arg(long, value_name = "DIR", value_parser = values::workdir)]
    pub(crate) workdir: Option<String>,
    #[command(flatten)]
    pub(crate) embedded: EmbeddedArgs,
}

/// A sandbox for a shell is made as one for a run.
impl From<ShellArgs> for RunArgs {
    fn from(args: ShellArgs) -> Self {
        Self {
            image: args.image,
            sandbox: None,
            any: false,
            snapshot: args.snapshot,
            envs: args.envs,
            env_vars: Vec::new(),
            vars: Vec::new(),
            uploads: Vec::new(),
            downloads: Vec::new(),
            workdir: args.workdir,
            timeout: Duration::from_secs(600),
            scope: None,
            persist: false,
            json: false,
            stdin: false,
            no_stdin: true,
            lease: 5,
            renew_interval: Duration::from_secs(60),
            close_timeout: Duration::from_secs(30),
            command: Vec::new(),
            embedded: args.embedded,
        }
    }
}

/// What only the embedded server knows.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Embedded server")]
pub(crate) struct EmbeddedArgs {
    /// How commands are kept apart from this machine [default: auto]
    #[arg(long, value_enum)]
    pub(crate) isolation: Option<IsolationArg>,
    /// Show this directory of the machine in the sandboxes, read-only
    #[arg(long, value_name = "DIR")]
    pub(crate) bind_ro: Vec<PathBuf>,
    /// No network in the sandboxes
    #[arg(long)]
    pub(crate) no_network: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IsolationArg {
    /// Isolate where this machine can, else say so and do not
    Auto,
    /// Fail where this machine cannot
    Required,
    /// Commands run as you, on this machine
    None,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address to listen on; loopback is all there is, since whoever reaches the server runs commands here
    #[arg(long, value_parser = values::loopback, default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// How commands are kept apart from this machine
    #[arg(long, value_enum, default_value = "required")]
    pub(crate) isolation: ServeIsolation,
    /// Show this directory of the machine in the sandboxes, read-only
    #[arg(long, value_name = "DIR")]
    pub(crate) bind_ro: Vec<PathBuf>,
    /// No network in the sandboxes
    #[arg(long)]
    pub(crate) no_network: bool,
    /// Let the server's clock run N times as fast, to try leases and timeouts of minutes in seconds
    #[arg(long, value_name = "N", value_parser = values::speed, default_value = "1")]
    pub(crate) speed: f64,
    /// Inject the faults of this JSON file; docs/testing-offline.md has the format
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Let whoever holds the token inject faults, move the clock and see all requests, at /admin/
    #[arg(long)]
    pub(crate) admin: bool,
    /// Write the token to this file, readable by you alone, instead of printing it
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Print one line of JSON: url, token, isolation
    #[arg(long)]
    pub(crate) json: bool,
}

/// A server that others call: there is no `auto`, which is for commands that a person typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ServeIsolation {
    /// Fail where this machine cannot isolate
    Required,
    /// Commands run as you, on this machine
    None,
}

#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    /// Print a JSON array; of a failure an object with `errors`
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "One that does not exist any more is no failure, so a repeated `rm` succeeds. Exit code 125 if any of \
    them may be left."
)]
pub(crate) struct RmArgs {
    /// Ids or names, as `ls` shows them
    #[arg(required = true, value_name = "ID|NAME", value_parser = values::name)]
    pub(crate) sandboxes: Vec<String>,
    /// Also those that neither this program nor its library made
    #[arg(long)]
    pub(crate) any: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "A sandbox goes only if it carries our labels and this namespace, has a name of ours, and nobody has \
    renewed it for --idle and for three times its lease, by the server's clock, on two looks more than ten seconds \
    apart. What a living process renews, on whatever host, is spared. Exit code 125 if one could not be removed."
)]
pub(crate) struct SweepArgs {
    /// Only tell what would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Only sandboxes of this namespace
    #[arg(long, value_parser = values::name, default_value = "default")]
    pub(crate) namespace: String,
    /// Only sandboxes that nobody has renewed for this long; at least 9m
    #[arg(long, value_name = "DURATION", value_parser = values::duration, default_value = "15m")]
    pub(crate) idle: Duration,
    /// Also sandboxes that are meant to be kept when stopped (--persist); broken ones go in any case
    #[arg(long)]
    pub(crate) persistent: bool,
    /// Print a JSON array; of a failure an object with `errors`
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_follows_the_dashes_is_the_commands() {
        let cli =
            Cli::try_parse_from(["daytona-env", "run", "--timeout", "1", "--", "ls", "--json"])
                .unwrap();
        let Command::Run(run) = cli.command else {
            panic!("{:?}", cli.command)
        };
        assert_eq!(run.command, ["ls", "--json"]);
        assert!(!run.json);
        assert_eq!(run.timeout, Duration::from_secs(1));
    }
}
