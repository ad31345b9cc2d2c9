//! Running a command. Its input and output are files, so that neither a full pipe nor a process it
//! leaves behind holds it up, and long output can be read afterwards.

use std::io::{self, SeekFrom};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sandbox_core::{ExecOutcome, ExecRequest, ExecStatus, Output, Sandbox};
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::process::Command;
use tokio::time::{Instant, timeout};

use crate::sandbox::Workshop;

/// Ends all processes whose mark begins with the argument, and those that they start meanwhile.
const KILL: &str = "while pids=$(grep -lz \"^WORKSHOP=$1\" /proc/[0-9]*/environ | cut -d/ -f3)
    [ -n \"$pids\" ]; do kill -9 $pids; done";

fn kill_now(mark: &str) {
    let mut shell = std::process::Command::new("sh");
    // What is left where there is no shell are processes that no shell has started.
    let _ = shell
        .args(["-c", KILL, "sh", mark])
        .stderr(Stdio::null())
        .status();
}

pub(crate) async fn kill(mark: String) {
    // It does not panic.
    let _ = tokio::task::spawn_blocking(move || kill_now(&mark)).await;
}

/// A command that is dropped in the middle: nobody would end it any more.
struct Unfinished(Option<String>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.0
            .take()
            .map(|mark| std::thread::spawn(move || kill_now(&mark)));
    }
}

pub(crate) async fn run(shop: &Workshop, request: &ExecRequest) -> io::Result<ExecOutcome> {
    let (begun, home) = (Instant::now(), shop.workdir());
    let number = shop.commands.fetch_add(1, Ordering::Relaxed);
    let [stdin, stdout, stderr] = ["in", "out", "err"].map(|of| format!("{home}.{number}.{of}"));
    fs::write(&stdin, request.stdin_given().map_or(&[][..], |bytes| bytes)).await?;
    let mark = format!("{}/{number}/", shop.info().name());
    let variables = shop.env_vars.iter().chain(request.env_given());
    // The shell reads none of the words; it tells what cannot be run as shells do.
    let mut child = Command::new("/bin/sh")
        .args(["-c", "exec \"$@\"", "sh"])
        .args(request.words())
        .current_dir(Path::new(home).join(request.cwd_given().unwrap_or_default()))
        .env_clear()
        .envs([("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", home)])
        .envs(variables.map(|(name, value)| (name, value.expose())))
        .env("WORKSHOP", &mark)
        .stdin(File::open(&stdin).await?.into_std().await)
        .stdout(File::create(&stdout).await?.into_std().await)
        .stderr(File::create(&stderr).await?.into_std().await)
        .spawn()?;
    let mut unfinished = Unfinished(Some(mark.clone()));
    let limit = request.timeout_given().unwrap_or(Duration::from_secs(60));
    let ended = timeout(limit, child.wait()).await;
    if ended.is_err() {
        kill(mark).await;
    }
    let status = match (ended, child.wait().await?.into_raw()) {
        (Err(_), _) => ExecStatus::TimedOut,
        (Ok(_), raw) if raw & 0x7f != 0 => ExecStatus::Signaled(raw & 0x7f),
        (Ok(_), raw) => ExecStatus::Exited(raw >> 8),
    };
    unfinished.0 = None;
    let (out, err) = (
        output(&stdout, request).await?,
        output(&stderr, request).await?,
    );
    Ok(ExecOutcome::new(status, out, err, begun.elapsed()))
}

/// The beginning and the end of a file, as much as was asked for.
async fn output(path: &str, request: &ExecRequest) -> io::Result<Output> {
    let (head, tail) = (request.head_limit() as u64, request.tail_limit() as u64);
    let (mut file, mut begin, mut end) = (File::open(path).await?, Vec::new(), Vec::new());
    let total = file.metadata().await?.len();
    (&mut file).take(head).read_to_end(&mut begin).await?;
    file.seek(SeekFrom::Start(head.max(total.saturating_sub(tail))))
        .await?;
    file.take(tail).read_to_end(&mut end).await?;
    Ok(Output::bounded(begin, end, total).with_spill_path(path))
}
