//! Kinds of failure.

/// What kind of failure an [`Error`](crate::Error) is: what a caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value given by the caller is wrong; nothing was sent.
    InvalidInput,
    /// A path leaves the working directory, is absolute or holds a NUL; nothing was touched.
    PathEscape,
    /// A parameter did not resolve against the context of this call; nothing was sent.
    Unresolved,
    /// The credential is missing, wrong, expired or not allowed to do this.
    Auth,
    /// What was asked for does not exist.
    NotFound,
    /// Something else is in the way: a name in use, a state change under way.
    Conflict,
    /// A quota or plan limit of the provider is used up.
    Quota,
    /// Too many requests; see [`retry_after`](crate::Error::retry_after).
    RateLimited,
    /// The provider cannot be reached or cannot answer now. It says nothing about the sandbox.
    Unavailable,
    /// A deadline passed.
    Timeout,
    /// The factory was closed after this call began, or the handle belongs to a closed one.
    Closed,
    /// The sandbox is gone, with its state; the next `open` makes a new one.
    Lost,
    /// The factory holds as many sandboxes as it may.
    Capacity,
    /// This kind of sandbox cannot do that.
    Unsupported,
    /// More data than the limit of this call.
    TooLarge,
    /// The provider failed in a way of its own, such as an image that does not build.
    Provider,
    /// A fault in this process, such as a panic in a provider.
    Internal,
}
