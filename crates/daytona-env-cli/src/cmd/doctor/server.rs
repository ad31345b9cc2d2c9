//! Whether the configured server answers, and takes the credential.

use std::sync::{Arc, Mutex, PoisonError};

use daytona_api::Daytona;
use daytona_api::transport::{Body, HyperTransport, Transport, TransportError};
use futures_util::StreamExt as _;
use serde::Serialize;

use crate::cmd::ls::advice;
use crate::error::Failure;
use crate::host::Account;
use crate::output;

/// What the server said.
#[derive(Debug, Serialize)]
pub(super) struct ServerCheck {
    url: Option<String>,
    /// It answered anything at all.
    reachable: bool,
    /// It answered a list of sandboxes.
    authenticated: bool,
    /// Its clock, as it wrote it.
    clock: Option<String>,
    error: Option<String>,
    /// What to do about it.
    hint: Option<String>,
}

impl ServerCheck {
    pub(super) async fn of(account: &Account) -> Self {
        let seen = Arc::new(Seen {
            inner: HyperTransport::builder().build(),
            date: Mutex::default(),
        });
        let transport = Arc::clone(&seen) as Arc<dyn Transport>;
        let listed = match Daytona::builder(account.config())
            .transport(transport)
            .build()
        {
            Ok(api) => api
                .sandboxes()
                .list()
                .page_size(1)
                .pages()
                .next()
                .await
                .transpose()
                .map(|_| ()),
            Err(error) => Err(error),
        };
        let date = seen
            .date
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let authenticated = listed.is_ok();
        let failure = listed.err().map(|error| {
            let advice = advice(&error);
            let failure = Failure::new("cannot list sandboxes").because(error);
            failure.hint(advice).at(Some(account))
        });
        let hint = failure
            .as_ref()
            .and_then(|failure| failure.hint_text().map(str::to_owned));
        let error = failure.map(|failure| failure.to_string());
        Self {
            url: Some(account.api_url.clone()),
            reachable: date.is_some(),
            authenticated,
            clock: date.filter(|date| !date.is_empty()),
            error,
            hint,
        }
    }

    pub(super) fn misconfigured(failure: &Failure) -> Self {
        Self {
            url: None,
            reachable: false,
            authenticated: false,
            clock: None,
            error: Some(failure.to_string()),
            hint: failure.hint_text().map(str::to_owned),
        }
    }

    pub(super) fn usable(&self) -> bool {
        self.authenticated
    }

    pub(super) fn print(&self) {
        let yes = |yes| if yes { "yes" } else { "no" };
        if let Some(url) = &self.url {
            output::line(&format!("  url: {url}"));
            output::line(&format!("  reachable: {}", yes(self.reachable)));
            output::line(&format!(
                "  takes the credential: {}",
                yes(self.authenticated)
            ));
        }
        if let Some(clock) = &self.clock {
            output::line(&format!("  clock: {}", output::one_line(clock)));
        }
        if let Some(error) = &self.error {
            output::line(&format!("  {}", output::one_line(error)));
        }
        if let Some(hint) = &self.hint {
            output::line(&format!("  hint: {hint}"));
        }
    }
}

/// Notes the `Date` of answers on their way.
#[derive(Debug)]
struct Seen {
    inner: HyperTransport,
    /// Empty for an answer without one.
    date: Mutex<Option<String>>,
}

#[async_trait::async_trait]
impl Transport for Seen {
    async fn send(
        &self,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, TransportError> {
        let response = self.inner.send(request).await?;
        let date = response
            .headers()
            .get(http::header::DATE)
            .and_then(|date| date.to_str().ok());
        *self.date.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(date.unwrap_or_default().to_owned());
        Ok(response)
    }
}
