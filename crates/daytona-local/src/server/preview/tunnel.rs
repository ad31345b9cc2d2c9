//! Two connections that switched their protocol, joined.

use std::sync::Arc;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::app::App;

/// Carries bytes both ways until either side ends or the server stops; `held` is kept as long.
pub(super) fn join(
    app: &Arc<App>,
    client: OnUpgrade,
    program: OnUpgrade,
    held: impl Send + 'static,
) {
    let stop = app.stop.clone();
    app.spawn(async move {
        let _held = held;
        let carry = async {
            let (Ok(client), Ok(program)) = tokio::join!(client, program) else {
                return;
            };
            let (mut asks, mut hears) = tokio::io::split(TokioIo::new(client));
            let (mut says, mut takes) = tokio::io::split(TokioIo::new(program));
            // neither protocol that is switched to here goes on with one side only; how one ends is nothing to report
            tokio::select! {
                _ = tokio::io::copy(&mut asks, &mut takes) => {}
                _ = tokio::io::copy(&mut says, &mut hears) => {}
            }
        };
        tokio::select! {
            () = carry => {}
            () = stop.cancelled() => {}
        }
    });
}
