//! The objects of the Daytona API, generated from its published OpenAPI documents.
//!
//! Decoding is lenient, so that an older client reads a newer server: members that are missing, `null` or of
//! another type become the default (`None` for optional ones), unknown members are ignored, the last of two
//! equal members wins, an unknown enum value is kept as text in `Other`, and a number may come as `5`, `5.0`
//! or `"5"`. Well-formed JSON of the right shape at the top (an object) always decodes.
//!
//! What a chart is made of is typed by hand, in [`charts`], and loses nothing that a server tells.
//!
//! Optional fields are left out when they are `None`; required ones that may be null are written as `null`.
//! Fields that hold a credential or the value of an environment variable are `[redacted]` in Debug.
//! Times are kept as the text the server sent (RFC 3339).

pub mod charts;
pub(crate) mod decode;

#[doc(inline)]
pub use crate::generated::models::*;

/// The objects of the toolbox, the API inside each sandbox.
pub mod toolbox {
    #[doc(inline)]
    pub use crate::generated::toolbox::*;
}
