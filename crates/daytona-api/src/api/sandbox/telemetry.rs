use super::Sandboxes;
use crate::error::Error;
use crate::models::{MetricsResponse, PaginatedLogs, PaginatedTraces, TraceSpan};
use crate::request::Call;
use crate::routes::control_plane as routes;

/// What to read of a sandbox's telemetry.
///
/// ```
/// use daytona_api::api::TelemetryQuery;
///
/// let query = TelemetryQuery::new("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z").severity("ERROR").limit(50);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TelemetryQuery(Vec<(&'static str, String)>);

impl TelemetryQuery {
    /// Everything between two times (RFC 3339).
    pub fn new(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self(vec![("from", from.into()), ("to", to.into())])
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// The page, from 1 (default 1); for logs and traces.
    pub fn page(self, page: u32) -> Self {
        self.with("page", page.to_string())
    }

    /// Items in a page (default 100); for logs and traces.
    pub fn limit(self, items: u32) -> Self {
        self.with("limit", items.to_string())
    }

    /// Only logs of this severity, such as `ERROR`; given several times, of one of them.
    pub fn severity(self, severity: impl Into<String>) -> Self {
        self.with("severities", severity)
    }

    /// Only logs with this text.
    pub fn search(self, text: impl Into<String>) -> Self {
        self.with("search", text)
    }

    /// Only this metric; given several times, one of them.
    pub fn metric(self, name: impl Into<String>) -> Self {
        self.with("metricNames", name)
    }

    fn apply(&self, call: Call) -> Call {
        self.0
            .iter()
            .fold(call, |call, (name, value)| call.query(name, value))
    }
}

/// What it did.
impl Sandboxes {
    /// Log entries of a sandbox, page by page: `GET /sandbox/{id}/telemetry/logs`. Takes an id only, no name.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// use daytona_api::api::TelemetryQuery;
    ///
    /// let day = TelemetryQuery::new("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    /// let logs = api.sandboxes().telemetry_logs("3f0c8b1e-0000-4000-8000-000000000000", &day).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn telemetry_logs(
        &self,
        id: &str,
        query: &TelemetryQuery,
    ) -> Result<PaginatedLogs, Error> {
        self.client
            .fetch(query.apply(Call::new(&routes::GET_SANDBOX_LOGS, &[id])?))
            .await
    }

    /// Traces of a sandbox, page by page: `GET /sandbox/{id}/telemetry/traces`. Takes an id only, no name.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// use daytona_api::api::TelemetryQuery;
    ///
    /// let day = TelemetryQuery::new("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    /// let traces = api.sandboxes().telemetry_traces("3f0c8b1e-0000-4000-8000-000000000000", &day).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn telemetry_traces(
        &self,
        id: &str,
        query: &TelemetryQuery,
    ) -> Result<PaginatedTraces, Error> {
        self.client
            .fetch(query.apply(Call::new(&routes::GET_SANDBOX_TRACES, &[id])?))
            .await
    }

    /// The spans of one trace: `GET /sandbox/{id}/telemetry/traces/{trace_id}`. Takes an id only, no name.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let spans = api.sandboxes().telemetry_spans("3f0c8b1e-0000-4000-8000-000000000000", "5b8aa5a2d2c872e8").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn telemetry_spans(&self, id: &str, trace_id: &str) -> Result<Vec<TraceSpan>, Error> {
        self.client
            .list_of(Call::new(
                &routes::GET_SANDBOX_TRACE_SPANS,
                &[id, trace_id],
            )?)
            .await
    }

    /// Metrics of a sandbox over time: `GET /sandbox/{id}/telemetry/metrics`. Takes an id only, no name.
    ///
    /// # Errors
    ///
    /// See [`Sandboxes`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// use daytona_api::api::TelemetryQuery;
    ///
    /// let day = TelemetryQuery::new("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    /// let metrics = api.sandboxes().telemetry_metrics("3f0c8b1e-0000-4000-8000-000000000000", &day).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn telemetry_metrics(
        &self,
        id: &str,
        query: &TelemetryQuery,
    ) -> Result<MetricsResponse, Error> {
        self.client
            .fetch(query.apply(Call::new(&routes::GET_SANDBOX_METRICS, &[id])?))
            .await
    }
}
