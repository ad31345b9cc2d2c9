//! The process of a language server.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::sync::{Mutex, oneshot};
use tokio::time::timeout;

use super::link::{Link, Trouble};
use super::wire;
use crate::app::App;
use crate::ident;
use crate::isolate::launch::Start;
use crate::isolate::scan;
use crate::toolbox::Place;

/// How long a server may take to say that it is there, and to go.
const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(2);

/// Takes the first of its arguments that is installed; packages of a user's own count.
const SCRIPT: &str = "PATH=$PATH:$HOME/.local/bin
for one in \"$@\"; do
    if command -v \"${one%% *}\" >/dev/null 2>&1; then exec $one; fi
done
exit 127";
/// How the shell ends where none is.
const MISSING: i32 = 127;

/// What stays as it is in a path.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The servers for a language, best first.
pub(super) fn candidates(language: &str) -> Option<&'static [&'static str]> {
    match language {
        "python" => Some(&[
            "pylsp",
            "pyright-langserver --stdio",
            "jedi-language-server",
        ]),
        "typescript" | "javascript" => Some(&["typescript-language-server --stdio"]),
        _ => None,
    }
}

/// Why a server did not start.
pub(super) enum Why {
    Missing,
    Failed(io::Error),
}

/// The server for one language and project.
#[derive(Default)]
pub(crate) struct Language {
    running: Mutex<Option<Running>>,
}

struct Running {
    link: Arc<Link>,
    /// By which its processes are found.
    marker: String,
    /// How it ended, once it has.
    ended: oneshot::Receiver<Option<i32>>,
}

impl Language {
    pub(super) async fn link(&self) -> Option<Arc<Link>> {
        let running = self.running.lock().await;
        let link = running.as_ref().map(|running| Arc::clone(&running.link));
        link.filter(|link| !link.over())
    }

    /// Starts it unless it runs.
    pub(super) async fn start(
        &self,
        app: &Arc<App>,
        place: &Place,
        project: &str,
        candidates: &[&str],
    ) -> Result<(), Why> {
        let mut running = self.running.lock().await;
        if running.as_ref().is_some_and(|running| !running.link.over()) {
            return Ok(());
        }
        let mut started = spawn(app, place, project, candidates)
            .await
            .map_err(Why::Failed)?;
        let greeted = started
            .link
            .ask_within(START, "initialize", greeting(project))
            .await;
        let Err(trouble) = greeted else {
            started.link.tell("initialized", &json!({}));
            *running = Some(started);
            return Ok(());
        };
        let why = match trouble {
            Trouble::Ended => {
                let code = timeout(STOP, &mut started.ended).await;
                match code.ok().and_then(Result::ok).flatten() {
                    Some(MISSING) => Why::Missing,
                    Some(code) => {
                        Why::Failed(io::Error::other(format!("it ended with code {code}")))
                    }
                    None => Why::Failed(io::Error::other("it ended")),
                }
            }
            Trouble::Late(limit) => {
                let message = format!("it gave no answer in {} s", limit.as_secs());
                Why::Failed(io::Error::other(message))
            }
            Trouble::Refused(message) => Why::Failed(io::Error::other(message)),
        };
        scan::kill_all(&started.marker).await;
        Err(why)
    }

    /// Ends it and what it started; false if it did not run.
    pub(super) async fn stop(&self) -> bool {
        let Some(running) = self.running.lock().await.take() else {
            return false;
        };
        let ran = !running.link.over();
        if ran {
            let link = &running.link;
            if link.ask_within(STOP, "shutdown", Value::Null).await.is_ok() {
                link.tell("exit", &Value::Null);
                drop(timeout(STOP, running.ended).await);
            }
        }
        scan::kill_all(&running.marker).await;
        ran
    }
}

async fn spawn(
    app: &Arc<App>,
    place: &Place,
    project: &str,
    candidates: &[&str],
) -> io::Result<Running> {
    let cell = &place.cell;
    let nonce = ident::uuid();
    let mut env = place.env.clone();
    env.insert("DAYTONA_LOCAL_LSP".to_owned(), nonce.clone());
    let mut argv = [cell.host.shell(), "-c", SCRIPT, "sh"]
        .map(str::to_owned)
        .to_vec();
    argv.extend(candidates.iter().map(|&one| one.to_owned()));
    let start = Start {
        cwd: project.to_owned(),
        env,
        network: place.network,
        argv,
    };
    let (mut child, mut stdin, stdout) = cell.start_piped(&start).await?;
    let mut stdout = BufReader::new(stdout);
    let (link, mut said) = Link::new();
    app.spawn(async move {
        while let Some((message, _unread)) = said.recv().await {
            if stdin.write_all(&message).await.is_err() {
                return;
            }
        }
    });
    let (told, ended) = oneshot::channel();
    let marker = format!("DAYTONA_LOCAL_LSP={nonce}");
    app.spawn({
        let (link, marker) = (Arc::clone(&link), marker.clone());
        async move {
            let over = loop {
                match wire::read(&mut stdout).await {
                    Ok(Some(message)) => {
                        if let Err(error) = link.hear(message) {
                            break Err(error);
                        }
                    }
                    over => break over,
                }
            };
            link.end();
            if let Err(error) = over {
                tracing::debug!(%error, "a language server is not listened to any more");
                scan::kill_all(&marker).await;
            }
            let status = child.wait().await;
            // who wants to know may have gone
            told.send(status.ok().and_then(|status| status.code())).ok();
        }
    });
    Ok(Running {
        link,
        marker,
        ended,
    })
}

/// What a client says of itself: flat symbols, plain completions, and nothing that would need an editor.
fn greeting(project: &str) -> Value {
    let uri = format!("file://{}", utf8_percent_encode(project, PATH));
    let name = project.rsplit('/').next().unwrap_or_default();
    json!({
        // it is in another world of process ids
        "processId": null,
        "clientInfo": { "name": "daytona-local", "version": env!("CARGO_PKG_VERSION") },
        "rootPath": project,
        "rootUri": uri,
        "workspaceFolders": [{ "uri": uri, "name": name }],
        "capabilities": {
            "textDocument": {
                "synchronization": { "dynamicRegistration": false },
                "completion": { "completionItem": { "snippetSupport": false } },
                "documentSymbol": { "hierarchicalDocumentSymbolSupport": false },
            },
            "workspace": { "symbol": {}, "workspaceFolders": true, "configuration": true },
        },
    })
}
