use std::sync::{Arc, OnceLock};

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;

/// The TLS connector, made when the first `https` connection is: reading the roots costs time and memory that a
/// client of a loopback server need not spend.
#[derive(Clone, Default)]
pub(super) struct LazyTls(Arc<OnceLock<HttpsConnector<HttpConnector>>>);

impl LazyTls {
    /// The connector over `tcp`. The ring provider is passed explicitly, so that no default is installed for the
    /// process.
    pub(super) fn get(
        &self,
        tcp: &HttpConnector,
    ) -> std::io::Result<HttpsConnector<HttpConnector>> {
        if let Some(made) = self.0.get() {
            return Ok(made.clone());
        }
        let provider = rustls::crypto::ring::default_provider();
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(provider)
            .map_err(std::io::Error::other)?
            .https_only()
            .enable_http1()
            .wrap_connector(tcp.clone());
        Ok(self.0.get_or_init(|| connector).clone())
    }
}
