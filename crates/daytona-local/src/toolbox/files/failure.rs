//! What went wrong with a file, as the documents spell it.

use std::io;

use crate::isolate::place::Refusal;
use crate::web::reply::Failure;

pub(super) fn missing_parameter(name: &str) -> Failure {
    Failure::bad(format!("bad request: {name} is required"))
}

pub(super) fn denied(path: &str) -> Failure {
    Failure::new(
        403,
        "FILE_ACCESS_DENIED",
        format!("forbidden: access to {path} is denied"),
    )
}

pub(super) fn missing(path: &str) -> Failure {
    Failure::new(404, "FILE_NOT_FOUND", format!("not found: {path}"))
}

pub(super) fn invalid(path: &str, reason: &str) -> Failure {
    Failure::new(
        400,
        "INVALID_FILE_PATH",
        format!("bad request: {path} {reason}"),
    )
}

pub(super) fn refused(refusal: Refusal, path: &str) -> Failure {
    match refusal {
        Refusal::Invalid => invalid("the path", "has a NUL"),
        Refusal::Outside => denied(path),
    }
}

pub(super) fn io(error: &io::Error, path: &str) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => missing(path),
        // A path that leads out of the sandbox is denied too.
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => denied(path),
        io::ErrorKind::NotADirectory => invalid(path, "is below something that is no folder"),
        io::ErrorKind::IsADirectory => invalid(path, "is a folder"),
        io::ErrorKind::AlreadyExists => invalid(path, "exists already"),
        io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput => {
            invalid(path, "is no valid path")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Failure::new(
            507,
            "FILE_WRITE_FAILED",
            format!("no space left for {path}"),
        ),
        _ => Failure::new(
            500,
            "FILE_READ_FAILED",
            format!("internal server error: {path}: {error}"),
        ),
    }
}
