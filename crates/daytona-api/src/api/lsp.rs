use super::Toolbox;
use crate::error::Error;
use crate::models::toolbox::{
    CompletionList, LspCompletionParams, LspDocumentRequest, LspPosition, LspServerRequest,
    LspSymbol,
};
use crate::request::Call;
use crate::routes::toolbox as routes;

/// A language server in a sandbox, for one project; from [`Toolbox::lsp`].
///
/// All fail where the sandbox does not run (status 400), is gone (404) or cannot be reached. Status 400 (code
/// `LSP_SERVER_NOT_INITIALIZED` of newer servers) where the language server was not started.
///
/// ```no_run
/// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
/// let lsp = toolbox.lsp("python", "/srv/app");
/// lsp.start().await?;
/// lsp.did_open("/srv/app/main.py").await?;
/// let found = lsp.completions("/srv/app/main.py", 3, 8).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Lsp {
    toolbox: Toolbox,
    language: String,
    project: String,
}

impl Lsp {
    pub(crate) fn new(toolbox: Toolbox, language: String, project: String) -> Self {
        Self {
            toolbox,
            language,
            project,
        }
    }

    fn project(&self) -> (String, String) {
        (self.language.clone(), self.project.clone())
    }

    /// Starts the server: `POST /lsp/start`. One that runs is left alone.
    ///
    /// # Errors
    ///
    /// See [`Lsp`]. Status 400 for a language that the sandbox has no server for.
    ///
    /// # Cancel safety
    ///
    /// It may start all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let lsp = toolbox.lsp("python", "/srv/app");
    /// lsp.start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start(&self) -> Result<(), Error> {
        let (language_id, path_to_project) = self.project();
        let body = LspServerRequest {
            language_id,
            path_to_project,
        };
        self.toolbox
            .act(Call::new(&routes::START, &[])?.json(&body)?.idempotent())
            .await
    }

    /// Stops the server: `POST /lsp/stop`.
    ///
    /// # Errors
    ///
    /// See [`Lsp`].
    ///
    /// # Cancel safety
    ///
    /// It may stop all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let lsp = toolbox.lsp("python", "/srv/app");
    /// lsp.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stop(&self) -> Result<(), Error> {
        let (language_id, path_to_project) = self.project();
        let body = LspServerRequest {
            language_id,
            path_to_project,
        };
        self.toolbox
            .act(Call::new(&routes::STOP, &[])?.json(&body)?.idempotent())
            .await
    }

    /// Tells the server that a file was opened, which it needs before it completes: `POST /lsp/did-open`.
    ///
    /// # Errors
    ///
    /// See [`Lsp`].
    ///
    /// # Cancel safety
    ///
    /// It may be told all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let lsp = toolbox.lsp("python", "/srv/app");
    /// lsp.did_open("/srv/app/main.py").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn did_open(&self, path: &str) -> Result<(), Error> {
        let (language_id, path_to_project) = self.project();
        let body = LspDocumentRequest {
            language_id,
            path_to_project,
            uri: uri(path),
        };
        self.toolbox
            .act(Call::new(&routes::DID_OPEN, &[])?.json(&body)?.idempotent())
            .await
    }

    /// Tells the server that a file was closed: `POST /lsp/did-close`.
    ///
    /// # Errors
    ///
    /// See [`Lsp`].
    ///
    /// # Cancel safety
    ///
    /// It may be told all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let lsp = toolbox.lsp("python", "/srv/app");
    /// lsp.did_close("/srv/app/main.py").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn did_close(&self, path: &str) -> Result<(), Error> {
        let (language_id, path_to_project) = self.project();
        let body = LspDocumentRequest {
            language_id,
            path_to_project,
            uri: uri(path),
        };
        self.toolbox
            .act(
                Call::new(&routes::DID_CLOSE, &[])?
                    .json(&body)?
                    .idempotent(),
            )
            .await
    }

    /// What could stand at a place in a file: `POST /lsp/completions`. Line and character count from 0,
    /// characters in UTF-16.
    ///
    /// # Errors
    ///
    /// See [`Lsp`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let lsp = toolbox.lsp("python", "/srv/app");
    /// for item in lsp.completions("/srv/app/main.py", 3, 8).await?.items {
    ///     println!("{}", item.label);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn completions(
        &self,
        path: &str,
        line: u32,
        character: u32,
    ) -> Result<CompletionList, Error> {
        let (language_id, path_to_project) = self.project();
        let body = LspCompletionParams {
            language_id,
            path_to_project,
            uri: uri(path),
            position: LspPosition {
                line: i64::from(line),
                character: i64::from(character),
            },
            context: None,
        };
        self.toolbox
            .fetch(
                Call::new(&routes::COMPLETIONS, &[])?
                    .json(&body)?
                    .idempotent(),
            )
            .await
    }

    /// The symbols of a file: `GET /lsp/document-symbols`.
    ///
    /// # Errors
    ///
    /// See [`Lsp`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let lsp = toolbox.lsp("python", "/srv/app");
    /// let symbols = lsp.document_symbols("/srv/app/main.py").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn document_symbols(&self, path: &str) -> Result<Vec<LspSymbol>, Error> {
        let call = Call::new(&routes::DOCUMENT_SYMBOLS, &[])?.query("languageId", &self.language);
        let call = call
            .query("pathToProject", &self.project)
            .query("uri", &uri(path));
        self.toolbox.list_of(call).await
    }

    /// The symbols of the project with `query` in their names, which must not be empty: `GET
    /// /lsp/workspacesymbols`.
    ///
    /// # Errors
    ///
    /// See [`Lsp`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let lsp = toolbox.lsp("python", "/srv/app");
    /// let symbols = lsp.workspace_symbols("main").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn workspace_symbols(&self, query: &str) -> Result<Vec<LspSymbol>, Error> {
        let call = Call::new(&routes::WORKSPACE_SYMBOLS, &[])?.query("query", query);
        let call = call.query("languageId", &self.language);
        self.toolbox
            .list_of(call.query("pathToProject", &self.project))
            .await
    }
}

/// As the official clients write it: nothing is escaped.
fn uri(path: &str) -> String {
    if path.starts_with("file://") {
        path.to_owned()
    } else {
        format!("file://{path}")
    }
}
