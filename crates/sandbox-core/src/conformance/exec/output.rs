//! What commands write.

use crate::conformance::lab::{Lab, ended};
use crate::conformance::rule::{Check, ensure, same};
use crate::{ExecStatus, SandboxExt};

/// Prints the numbers from 1 to 20,000, one a line.
const NUMBERS: &str = "i=1; while [ $i -le 20000 ]; do echo $i; i=$((i+1)); done";

fn numbers() -> String {
    (1..=20_000).map(|at| format!("{at}\n")).collect()
}

pub(super) async fn streams_apart(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let outcome = sandbox
        .shell("echo a; echo b >&2; echo c; echo d >&2")
        .await?;
    ended(&outcome, ExecStatus::Exited(0))?;
    same(
        "standard output",
        outcome.stdout().text_lossy().as_str(),
        "a\nc\n",
    )?;
    same(
        "standard error",
        outcome.stderr().text_lossy().as_str(),
        "b\nd\n",
    )
}

pub(super) async fn bytes_exact(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let line = "printf ' \\n\\377\\000a\\r\\n\\303\\n \\n'; printf '\\n x ' >&2";
    let outcome = sandbox.shell(line).await?;
    ended(&outcome, ExecStatus::Exited(0))?;
    let wanted: &[u8] = b" \n\xff\0a\r\n\xc3\n \n";
    same("standard output", &outcome.stdout().to_bytes()[..], wanted)?;
    same("its size", outcome.stdout().total(), wanted.len() as u64)?;
    same("standard error", &outcome.stderr().to_bytes()[..], b"\n x ")?;
    let outcome = sandbox.run(["true"]).await?;
    same("the output of nothing", outcome.stdout().total(), 0)
}

pub(super) async fn bounded(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let line = format!("{NUMBERS}; echo short >&2");
    let outcome = sandbox.shell(line).output_limit(10, 12).await?;
    ended(&outcome, ExecStatus::Exited(0))?;
    let out = outcome.stdout();
    same("the beginning", &out.head()[..], b"1\n2\n3\n4\n5\n")?;
    same("the end", &out.tail()[..], b"19999\n20000\n")?;
    same("the size", out.total(), numbers().len() as u64)?;
    same(
        "the short stream",
        outcome.stderr().text_lossy().as_str(),
        "short\n",
    )?;
    // The limit itself is not beyond it.
    let outcome = sandbox
        .shell("printf 0123456789")
        .output_limit(4, 6)
        .await?;
    same(
        "an output of just the limit",
        &outcome.stdout().to_bytes()[..],
        b"0123456789",
    )?;
    same(
        "whether it is truncated",
        outcome.stdout().truncated(),
        false,
    )?;
    // Nothing of it is asked for, and it is counted all the same.
    let outcome = sandbox.shell("printf abc").output_limit(0, 0).await?;
    ended(&outcome, ExecStatus::Exited(0))?;
    let out = outcome.stdout();
    same("what arrived of it", &out.to_bytes()[..], b"")?;
    same("the size of what was not asked for", out.total(), 3)?;
    // Without limits of the call, a usual output arrives whole.
    let outcome = sandbox.shell(NUMBERS).await?;
    ensure(outcome.stdout().text_lossy() == numbers(), || {
        let (found, wanted) = (outcome.stdout().total(), numbers().len());
        format!("of {wanted} bytes without a limit, {found} arrived, or others")
    })
}

pub(super) async fn spill_holds_all(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let outcome = sandbox.shell(NUMBERS).output_limit(5, 5).await?;
    let Some(path) = outcome.stdout().spill_path() else {
        return Ok(());
    };
    let read = sandbox
        .run(["cat", path])
        .output_limit(1 << 20, 1 << 20)
        .await?;
    ended(&read, ExecStatus::Exited(0))?;
    ensure(read.stdout().text_lossy() == numbers(), || {
        let (found, wanted) = (read.stdout().total(), numbers().len());
        format!("of {wanted} bytes, {found} are in the file {path:?}, or others")
    })
}
