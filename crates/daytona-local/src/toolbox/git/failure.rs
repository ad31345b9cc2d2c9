//! What git's complaints mean to a client.

use super::run::Ended;
use crate::web::reply::Failure;

/// A part of a complaint in lower case, and the answer for it; the first that fits counts.
const MEANINGS: &[(&str, u16, &str, &str)] = &[
    (
        "not a git repository",
        404,
        "GIT_REPO_NOT_FOUND",
        "not found: repository does not exist",
    ),
    (
        "cannot change to",
        404,
        "GIT_REPO_NOT_FOUND",
        "not found: repository does not exist",
    ),
    (
        "could not read username",
        401,
        "GIT_AUTH_FAILED",
        "unauthorized: authentication required",
    ),
    (
        "could not read password",
        401,
        "GIT_AUTH_FAILED",
        "unauthorized: authentication required",
    ),
    (
        "authentication failed",
        401,
        "GIT_AUTH_FAILED",
        "unauthorized: authentication failed",
    ),
    (
        "returned error: 403",
        403,
        "GIT_AUTH_FAILED",
        "forbidden: authorization failed",
    ),
    ("permission denied", 403, "FORBIDDEN", "forbidden"),
    (
        "does not appear to be a git repository",
        404,
        "GIT_REPO_NOT_FOUND",
        "not found: repository not found",
    ),
    (
        "returned error: 404",
        404,
        "GIT_REPO_NOT_FOUND",
        "not found: repository not found",
    ),
    (
        "' does not exist",
        404,
        "GIT_REPO_NOT_FOUND",
        "not found: repository not found",
    ),
    (
        "repository not found",
        404,
        "GIT_REPO_NOT_FOUND",
        "not found: repository not found",
    ),
    (
        "remote branch",
        404,
        "GIT_BRANCH_NOT_FOUND",
        "not found: reference not found",
    ),
    (
        "couldn't find remote ref",
        404,
        "GIT_BRANCH_NOT_FOUND",
        "not found: reference not found",
    ),
    (
        "does not match any",
        404,
        "GIT_BRANCH_NOT_FOUND",
        "not found: reference not found",
    ),
    (
        "invalid reference",
        404,
        "GIT_BRANCH_NOT_FOUND",
        "not found: reference not found",
    ),
    (
        "unknown revision",
        404,
        "GIT_BRANCH_NOT_FOUND",
        "not found: reference not found",
    ),
    (
        "reference is not a tree",
        404,
        "GIT_BRANCH_NOT_FOUND",
        "not found: reference not found",
    ),
    (
        "does not have any commits yet",
        404,
        "NOT_FOUND",
        "not found: reference not found",
    ),
    (
        "a branch named",
        409,
        "GIT_BRANCH_EXISTS",
        "conflict: the branch already exists",
    ),
    (
        "already exists and is not an empty directory",
        409,
        "CONFLICT",
        "conflict: repository already exists",
    ),
    (
        "would be overwritten by",
        409,
        "GIT_DIRTY_WORKTREE",
        "conflict: worktree contains unstaged changes",
    ),
    (
        "conflict",
        409,
        "GIT_MERGE_CONFLICT",
        "conflict: merge conflict",
    ),
    (
        "nothing to commit",
        400,
        "BAD_REQUEST",
        "bad request: cannot create empty commit: clean working tree",
    ),
    (
        "nothing added to commit",
        400,
        "BAD_REQUEST",
        "bad request: cannot create empty commit: clean working tree",
    ),
    (
        "no changes added to commit",
        400,
        "BAD_REQUEST",
        "bad request: cannot create empty commit: clean working tree",
    ),
    (
        "could not resolve host",
        500,
        "GIT_TRANSPORT_FAILED",
        "internal server error: the remote is not reachable",
    ),
    (
        "failed to connect",
        500,
        "GIT_TRANSPORT_FAILED",
        "internal server error: the remote is not reachable",
    ),
];

/// Complaints about a remote that a plain word would mistake.
const OF_REMOTES: &[(&str, u16, &str, &str)] = &[
    (
        "already exists.",
        409,
        "CONFLICT",
        "conflict: remote already exists",
    ),
    (
        "[remote rejected]",
        409,
        "GIT_REMOTE_REJECTED",
        "conflict: the remote rejected the push",
    ),
    (
        "[rejected]",
        409,
        "GIT_PUSH_REJECTED",
        "conflict: non-fast-forward update",
    ),
    (
        "not possible to fast-forward",
        409,
        "GIT_PUSH_REJECTED",
        "conflict: non-fast-forward update",
    ),
    (
        "diverging branches",
        409,
        "GIT_PUSH_REJECTED",
        "conflict: non-fast-forward update",
    ),
];

pub(super) fn of(ended: &Ended) -> Failure {
    // Some of what git has to say is on standard output, such as that there is nothing to commit.
    let complaints = format!("{}{}", ended.complaints, ended.output);
    let small = complaints.to_lowercase();
    if ended.code == 127 {
        return Failure::new(
            501,
            "NOT_IMPLEMENTED",
            "not implemented: there is no git in this sandbox",
        );
    }
    let fits = |(part, ..): &&(&str, u16, &str, &str)| small.contains(part);
    let meaning = OF_REMOTES
        .iter()
        .find(fits)
        .or_else(|| MEANINGS.iter().find(fits));
    match meaning {
        Some((_, status, code, message)) => Failure::new(*status, code, *message),
        None => {
            // Credentials are never in it: git gets them from its environment.
            let line = complaints
                .lines()
                .find(|line| line.starts_with("fatal:") || line.starts_with("error:"));
            let line = line
                .or_else(|| complaints.lines().next())
                .unwrap_or("git failed");
            Failure::internal(format!("internal server error: {line}"))
        }
    }
}
