//! Killing what a cancelled call started.

use std::pin::Pin;
use std::time::Duration;

use sandbox_core::{ExecRequest, ExecStatus, Sandbox, SandboxFactory as _};
use tokio::time::{sleep, timeout};

use super::session::{CALL_ENV, Live};

/// Kills every process whose environment holds the mark, until a look finds none. 9: it killed some.
const SCRIPT: &str = r#"
killed=0 n=0
while [ $n -lt 50 ]; do
  found=0
  for d in /proc/[0-9]*; do
    if tr '\0' '\n' <"$d/environ" 2>/dev/null | grep -qxF -e "$1"; then
      kill -KILL "${d#/proc/}" 2>/dev/null && found=1
    fi
  done
  [ $found = 0 ] && break
  killed=9 n=$((n+1))
done
exit $killed
"#;
/// Looks for a command that may just be about to start.
const LOOKS: usize = 5;
const PAUSE: Duration = Duration::from_millis(300);
/// For all of it.
const BOUND: Duration = Duration::from_secs(20);

/// Kills the processes of `call`, which is polled on: a command that is on its way to the sandbox is met there.
pub(super) async fn stop<F: Future>(live: &Live, mark: &str, mut call: Pin<&mut F>) {
    let stopping = async {
        let context = live.context(mark);
        let mut ended = false;
        let opened = {
            let mut open = std::pin::pin!(live.factory.open(&context));
            loop {
                tokio::select! {
                    opened = &mut open => break opened,
                    _ = &mut call, if !ended => ended = true,
                }
            }
        };
        let Ok(sandbox) = opened else {
            return;
        };
        for _ in 0..LOOKS {
            let killed = {
                let mut kill = std::pin::pin!(kill(&*sandbox, mark));
                loop {
                    tokio::select! {
                        killed = &mut kill => break killed,
                        _ = &mut call, if !ended => ended = true,
                    }
                }
            };
            if killed || ended {
                return;
            }
            tokio::select! {
                _ = &mut call => ended = true,
                () = sleep(PAUSE) => {}
            }
        }
    };
    if timeout(BOUND, stopping).await.is_err() {
        tracing::warn!(
            "what a cancelled call started could not be stopped in time; its timeout will"
        );
    }
}

async fn kill(sandbox: &dyn Sandbox, mark: &str) -> bool {
    let entry = format!("{CALL_ENV}={mark}");
    let request = ExecRequest::argv(["sh", "-c", SCRIPT, "sh", &entry]).timeout(BOUND);
    match sandbox.exec(request).await {
        Ok(outcome) => outcome.status() == ExecStatus::Exited(9),
        Err(error) => {
            tracing::debug!(%error, "a cancelled call could not be looked for");
            false
        }
    }
}
