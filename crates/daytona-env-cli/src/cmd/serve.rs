//! `serve`: the embedded server for any Daytona client on this machine.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use daytona_local::Server;
use serde::Serialize;

use crate::args::ServeArgs;
use crate::embedded;
use crate::error::Failure;
use crate::output;
use crate::progress::Progress;
use crate::signals::Signals;

/// What `--json` prints, in one line, once the server answers.
// No Debug: it holds the token.
#[derive(Serialize)]
struct Started<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_file: Option<&'a Path>,
    isolation: String,
    network: bool,
}

pub(crate) async fn run(args: ServeArgs, signals: &mut Signals) -> ExitCode {
    match serve(&args, signals).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn serve(args: &ServeArgs, signals: &mut Signals) -> Result<(), Failure> {
    let server = {
        let starting = embedded::for_serve(args);
        tokio::pin!(starting);
        tokio::select! {
            server = &mut starting => server?,
            _ = signals.next() => {
                // let finish, since only a server that runs can clean up after itself
                tokio::select! {
                    server = starting => server?.shutdown().await,
                    _ = signals.next() => {}
                }
                return Ok(());
            }
        }
    };
    let file = args
        .token_file
        .as_deref()
        .map(|path| TokenFile::write(path, server.token()))
        .transpose()?;
    if args.json {
        let report = server.isolation();
        output::json(&Started {
            url: &server.api_url(),
            token: file.is_none().then(|| server.token()),
            token_file: args.token_file.as_deref(),
            isolation: report.mode.to_string(),
            network: report.network,
        });
    } else {
        explain(&server, args.token_file.as_deref());
    }
    signals.next().await;
    drop(file);
    let _progress = Progress::step("stopping");
    tokio::select! {
        () = server.shutdown() => Ok(()),
        signal = signals.next() => Err(Failure::new(format!("{}: leaving at once; the sandboxes end with the process", signal.name()))),
    }
}

fn explain(server: &Server, token_file: Option<&Path>) {
    let url = server.api_url();
    let (shell, python) = match token_file {
        Some(path) => (
            format!("\"$(cat {})\"", quoted(path)),
            format!("open({:?}).read()", path.display().to_string()),
        ),
        None => (server.token().to_owned(), format!("{:?}", server.token())),
    };
    for line in [
        "Serving the Daytona API on this machine.".to_owned(),
        format!("  url:        {url}"),
        match token_file {
            Some(path) => format!("  token file: {}", path.display()),
            None => format!("  token:      {}", server.token()),
        },
        format!("  {}", embedded::describe(&server.isolation())),
        String::new(),
        "Point any Daytona client at it:".to_owned(),
        format!("  export DAYTONA_API_URL={url}"),
        format!("  export DAYTONA_API_KEY={shell}"),
        "  daytona-env run -- echo hello".to_owned(),
        "Python SDK:".to_owned(),
        format!("  Daytona(DaytonaConfig(api_key={python}, api_url={url:?}))"),
        String::new(),
        "Ctrl-C stops it, with all its sandboxes.".to_owned(),
    ] {
        output::line(&line);
    }
}

/// For a POSIX shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

/// A file that holds the token while the server runs.
#[derive(Debug)]
pub(crate) struct TokenFile(PathBuf);

impl TokenFile {
    /// Made under another name and renamed, so that nobody else ever can read it and no link is followed.
    pub(crate) fn write(path: &Path, token: &str) -> Result<Self, Failure> {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}", std::process::id()));
        let fresh = PathBuf::from(name);
        let written: io::Result<()> = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)
            .and_then(|mut file| file.write_all(token.as_bytes()))
            .and_then(|()| fs::rename(&fresh, path));
        match written {
            Ok(()) => Ok(Self(path.to_owned())),
            Err(error) => {
                // there may be nothing to remove
                let _ = fs::remove_file(&fresh);
                Err(
                    Failure::new(format!("cannot write the token to {}", path.display()))
                        .because(error),
                )
            }
        }
    }
}

impl Drop for TokenFile {
    fn drop(&mut self) {
        // the token is worth nothing from here on
        let _ = fs::remove_file(&self.0);
    }
}
