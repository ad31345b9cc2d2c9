//! `/lsp`: language servers, one for each language and project, as programs of the sandbox.

mod answer;
mod link;
mod server;
mod wire;

use std::io::Read;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use self::link::{Link, Trouble};
pub(crate) use self::server::Language;
use super::{Place, text};
use crate::app::App;
use crate::isolate::cell::Cell;
use crate::web::Call;
use crate::web::query::decode;
use crate::web::reply::{Failure, Reply};

/// The largest file that a language server is told of, in bytes.
const LARGEST: u64 = 16 << 20;

/// What each request names.
struct Asked {
    language: String,
    /// As programs in the sandbox name it.
    project: String,
}

impl Asked {
    fn new(place: &Place, language: Option<&str>, project: Option<&str>) -> Result<Self, Failure> {
        let language = language.filter(|text| !text.is_empty());
        let project = project.filter(|text| !text.is_empty());
        let missing = |name| move || text::invalid(format!("{name} is required"));
        Ok(Self {
            language: language.ok_or_else(missing("languageId"))?.to_owned(),
            project: place
                .cell
                .absolute(project.ok_or_else(missing("pathToProject"))?),
        })
    }

    fn in_body(place: &Place, body: &Map<String, Value>) -> Result<Self, Failure> {
        let language = text::text(body, "languageId")?;
        Self::new(place, language, text::text(body, "pathToProject")?)
    }

    fn in_query(place: &Place, call: &Call) -> Result<Self, Failure> {
        let query = &call.query;
        Self::new(place, query.get("languageId"), query.get("pathToProject"))
    }

    fn key(&self) -> String {
        format!("{}:{}", self.language, self.project)
    }

    async fn link(&self, place: &Place) -> Result<Arc<Link>, Failure> {
        let found = place.cell.live.languages.get(&self.key());
        let link = match found {
            Some(found) => found.link().await,
            None => None,
        };
        link.ok_or_else(|| self.not_started())
    }

    fn not_started(&self) -> Failure {
        Failure::new(
            400,
            "LSP_SERVER_NOT_INITIALIZED",
            format!(
                "bad request: no language server for {} is started in {}",
                self.language, self.project
            ),
        )
    }
}

pub(super) async fn handle(
    app: &Arc<App>,
    place: &Place,
    mut call: Call,
) -> Result<Reply, Failure> {
    match call.matched.route.unwrap_or_default() {
        "Start" => {
            let asked = Asked::in_body(place, &text::body(&mut call).await?)?;
            start(app, place, &asked).await?;
            Ok(Reply::empty(200))
        }
        "Stop" => {
            let asked = Asked::in_body(place, &text::body(&mut call).await?)?;
            let language = place.cell.live.languages.remove(&asked.key());
            let stopped = match language {
                Some(language) => language.stop().await,
                None => false,
            };
            if stopped {
                Ok(Reply::empty(200))
            } else {
                Err(asked.not_started())
            }
        }
        "DidOpen" => {
            let body = text::body(&mut call).await?;
            let asked = Asked::in_body(place, &body)?;
            let uri = uri(text::text(&body, "uri")?)?;
            let link = asked.link(place).await?;
            let content = content(&place.cell, uri).await?;
            link.open(uri, &asked.language, &content);
            Ok(Reply::empty(200))
        }
        "DidClose" => {
            let body = text::body(&mut call).await?;
            let asked = Asked::in_body(place, &body)?;
            let uri = uri(text::text(&body, "uri")?)?;
            asked.link(place).await?.close(uri);
            Ok(Reply::empty(200))
        }
        "Completions" => {
            let body = text::body(&mut call).await?;
            let asked = Asked::in_body(place, &body)?;
            let uri = uri(text::text(&body, "uri")?)?;
            let mut params = json!({
                "textDocument": { "uri": uri },
                "position": position(&body)?,
            });
            if let (Some(context), Value::Object(params)) = (context(&body)?, &mut params) {
                params.insert("context".to_owned(), context);
            }
            let link = asked.link(place).await?;
            let found = ask(&link, "textDocument/completion", params).await?;
            Ok(Reply::json(200, &answer::completions(found)))
        }
        "DocumentSymbols" => {
            let asked = Asked::in_query(place, &call)?;
            let uri = uri(call.query.get("uri"))?;
            let link = asked.link(place).await?;
            let params = json!({ "textDocument": { "uri": uri } });
            let found = ask(&link, "textDocument/documentSymbol", params).await?;
            Ok(Reply::json(200, &answer::symbols(found, uri)))
        }
        _ => {
            let asked = Asked::in_query(place, &call)?;
            let query = call.query.get("query").filter(|query| !query.is_empty());
            let query = query.ok_or_else(|| text::invalid("query is required"))?;
            let link = asked.link(place).await?;
            let found = ask(&link, "workspace/symbol", json!({ "query": query })).await?;
            Ok(Reply::json(200, &answer::symbols(found, "")))
        }
    }
}

async fn start(app: &Arc<App>, place: &Place, asked: &Asked) -> Result<(), Failure> {
    let candidates = server::candidates(&asked.language).ok_or_else(|| {
        text::invalid(format!(
            "no language server is known for {}: there are python, typescript and javascript",
            asked.language
        ))
    })?;
    let folder = tokio::task::spawn_blocking({
        let (cell, project) = (Arc::clone(&place.cell), asked.project.clone());
        move || cell.is_folder(&project)
    });
    if !folder.await.unwrap_or(false) {
        let message = format!("the project {} is no folder of the sandbox", asked.project);
        return Err(text::invalid(message));
    }
    let table = &place.cell.live.languages;
    let key = asked.key();
    let fresh = Arc::new(Language::default());
    let language = match table.add(&key, Arc::clone(&fresh)) {
        Ok(()) => fresh,
        // of two at once one may have been removed again
        Err(fresh) => table.get(&key).unwrap_or(fresh),
    };
    let started = language.start(app, place, &asked.project, candidates).await;
    started.map_err(|why| {
        table.remove_this(&key, &language);
        match why {
            server::Why::Missing => {
                let names: Vec<_> = candidates
                    .iter()
                    .filter_map(|one| one.split(' ').next())
                    .collect();
                text::invalid(format!(
                    "the sandbox has no language server for {}: install one of {}",
                    asked.language,
                    names.join(", ")
                ))
            }
            server::Why::Failed(error) => Failure::internal(format!(
                "internal server error: the language server did not start: {error}"
            )),
        }
    })
}

async fn ask(link: &Link, method: &str, params: Value) -> Result<Value, Failure> {
    link.ask(method, params)
        .await
        .map_err(|trouble| match trouble {
            Trouble::Ended => Failure::new(
                400,
                "LSP_SERVER_NOT_INITIALIZED",
                "bad request: the language server has ended; start it again",
            ),
            Trouble::Late(limit) => Failure::new(
                408,
                "REQUEST_TIMEOUT",
                format!(
                    "request timeout: the language server gave no answer in {} s",
                    limit.as_secs()
                ),
            ),
            Trouble::Refused(message) => Failure::bad(format!(
                "bad request: the language server refuses {method}: {message}"
            )),
        })
}

fn uri(given: Option<&str>) -> Result<&str, Failure> {
    let uri = given.filter(|uri| !uri.is_empty());
    let uri = uri.ok_or_else(|| text::invalid("uri is required"))?;
    if uri.starts_with("file:///") {
        Ok(uri)
    } else {
        Err(text::invalid("uri must be file:// and an absolute path"))
    }
}

/// The file that a URI names, as it is or with escapes: clients write either.
async fn content(cell: &Arc<Cell>, uri: &str) -> Result<String, Failure> {
    let path = uri.trim_start_matches("file://").to_owned();
    let escaped = decode(&path);
    let paths = [path.clone(), escaped];
    let cell = Arc::clone(cell);
    let read = tokio::task::spawn_blocking(move || {
        let found = paths.iter().find_map(|path| {
            let place = cell.place(path).ok()?;
            place.dir.open(&place.path).ok()
        })?;
        let mut bytes = Vec::new();
        let read = found.take(LARGEST + 1).read_to_end(&mut bytes);
        read.ok().map(|_| bytes)
    });
    let wrong = |what: &str| text::invalid(format!("the file {path} {what}"));
    let bytes = read.await.ok().flatten();
    let bytes = bytes.ok_or_else(|| wrong("cannot be read"))?;
    if bytes.len() as u64 > LARGEST {
        return Err(wrong("is too large for a language server"));
    }
    String::from_utf8(bytes).map_err(|_| wrong("is no UTF-8"))
}

fn position(body: &Map<String, Value>) -> Result<Value, Failure> {
    let position = body.get("position").and_then(Value::as_object);
    let number = |name: &str| position?.get(name)?.as_u64();
    match (number("line"), number("character")) {
        (Some(line), Some(character)) => Ok(json!({ "line": line, "character": character })),
        _ => Err(text::invalid(
            "position must hold a line and a character, both counted from 0",
        )),
    }
}

fn context(body: &Map<String, Value>) -> Result<Option<Value>, Failure> {
    match body.get("context") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(context)) if context.get("triggerKind").is_some_and(Value::is_u64) => {
            let known = ["triggerKind", "triggerCharacter"].into_iter();
            let known =
                known.filter_map(|name| Some((name.to_owned(), context.get(name)?.clone())));
            Ok(Some(Value::Object(known.collect())))
        }
        Some(_) => Err(text::invalid("context must hold a triggerKind")),
    }
}
