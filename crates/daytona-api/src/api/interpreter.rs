use super::Toolbox;
use crate::error::Error;
use crate::models::toolbox::{CreateContextRequest, InterpreterContext, ListContextsResponse};
use crate::request::Call;
use crate::routes::toolbox as routes;

/// Python that remembers, in a sandbox; from [`Toolbox::interpreter`].
///
/// All fail where the sandbox does not run (status 400), is gone (404) or cannot be reached. Status 404 is also
/// no such context.
///
/// ```no_run
/// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
/// let interpreter = toolbox.interpreter();
/// let context = interpreter.create_context(None).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Interpreter {
    pub(super) toolbox: Toolbox,
}

impl Interpreter {
    pub(crate) fn new(toolbox: Toolbox) -> Self {
        Self { toolbox }
    }

    /// Makes a context, in which what earlier runs defined stays: `POST /process/interpreter/context`. `cwd` is
    /// its folder (default: the work-dir).
    ///
    /// # Errors
    ///
    /// See [`Interpreter`]. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be made all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let interpreter = toolbox.interpreter();
    /// let context = interpreter.create_context(Some("/srv")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_context(&self, cwd: Option<&str>) -> Result<InterpreterContext, Error> {
        let body = CreateContextRequest {
            cwd: cwd.map(str::to_owned),
            language: None,
        };
        self.toolbox
            .fetch(Call::new(&routes::CREATE_INTERPRETER_CONTEXT, &[])?.json(&body)?)
            .await
    }

    /// The contexts, without the one used where none is named: `GET /process/interpreter/context`.
    ///
    /// # Errors
    ///
    /// See [`Interpreter`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let interpreter = toolbox.interpreter();
    /// let contexts = interpreter.contexts().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn contexts(&self) -> Result<Vec<InterpreterContext>, Error> {
        let call = Call::new(&routes::LIST_INTERPRETER_CONTEXTS, &[])?;
        let found: ListContextsResponse = self.toolbox.fetch(call).await?;
        Ok(found.contexts)
    }

    /// Ends a context and what runs in it: `DELETE /process/interpreter/context/{id}`.
    ///
    /// # Errors
    ///
    /// See [`Interpreter`]. After a retry, not found may mean that the first attempt did it.
    ///
    /// # Cancel safety
    ///
    /// It may be ended all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let interpreter = toolbox.interpreter();
    /// let context = interpreter.create_context(None).await?;
    /// interpreter.delete_context(&context.id).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete_context(&self, id: &str) -> Result<(), Error> {
        self.toolbox
            .act(Call::new(&routes::DELETE_INTERPRETER_CONTEXT, &[id])?)
            .await
    }
}
