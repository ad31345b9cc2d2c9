//! `/computeruse`: there is no desktop in these sandboxes, which is told as the daemon of an image without one does.

use crate::web::Call;
use crate::web::reply::{Failure, Reply};

pub(super) fn handle(call: &Call) -> Result<Reply, Failure> {
    let accessibility = call.path.split('/').nth(4) == Some("a11y");
    let code = if accessibility {
        "A11Y_UNAVAILABLE"
    } else {
        "SERVICE_UNAVAILABLE"
    };
    Err(Failure::new(
        503,
        code,
        "service unavailable: computer use is not available: sandboxes of this embedded server have no desktop",
    ))
}
