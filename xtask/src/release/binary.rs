//! What a user of the command waits for and keeps on disk.

use std::fs;

use anyhow::{Context as _, Result};
use xshell::cmd;

use super::Release;
use crate::clock::now;

/// Starts measured; the median is told.
const STARTS: usize = 15;

pub(super) fn measure(release: &Release<'_>) -> Result<String> {
    let sh = &release.sh;
    let target = release.target_dir();
    cmd!(
        sh,
        "cargo build --quiet --locked --release --package daytona-env-cli --target-dir {target}"
    )
    .quiet()
    .run()?;
    let binary = target.join("release/daytona-env");
    let size = fs::metadata(&binary)
        .with_context(|| binary.display().to_string())?
        .len();
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let start = now();
        cmd!(sh, "{binary} --version")
            .quiet()
            .ignore_stdout()
            .run()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let median = times.get(STARTS / 2).copied().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "a size in MiB for people")]
    let mib = size as f64 / (1024.0 * 1024.0);
    Ok(format!(
        "{mib:.1} MiB, starts in {:.1} ms",
        median.as_secs_f64() * 1000.0
    ))
}
