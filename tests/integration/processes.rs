//! What other processes of the sandbox can read of a command's secrets: `/proc/*/cmdline`, which is what `ps` shows, and
//! `/proc/*/environ`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use daytona_env::DaytonaSandbox;
use daytona_local::{Isolation, Server};
use sandbox_core::{ExecRequest, ExecStatus, NoVars, Sandbox};
use tokio::io::AsyncWriteExt;

use crate::support::{on, start};

const SECRET: &str = "hunter2-c4n4ry";

/// The command runs as long as this file is there.
const WAITS: &str = "touch up; while [ -e up ]; do sleep 0.05; done";

/// The files below `/proc` that hold the secret, by name, while `request` runs. The one who looks takes the secret in two
/// halves, or it would find itself.
async fn found(sandbox: &DaytonaSandbox, request: ExecRequest) -> Vec<String> {
    let look = ExecRequest::shell(format!(
        r#"until [ -e up ]; do sleep 0.05; done
        want="{}""{}"
        for file in /proc/[0-9]*/cmdline /proc/[0-9]*/environ; do
            if tr '\0' '\n' <"$file" 2>/dev/null | grep -qF "$want"; then basename "$file"; fi
        done | sort -u
        rm up"#,
        &SECRET[..5],
        &SECRET[5..]
    ));
    let (ran, looked) = tokio::join!(sandbox.exec(request), sandbox.exec(look));
    let (ran, looked) = (ran.unwrap(), looked.unwrap());
    assert_eq!(ran.status(), ExecStatus::Exited(0), "{ran:?}");
    assert_eq!(looked.status(), ExecStatus::Exited(0), "{looked:?}");
    let text = looked.stdout().text_lossy();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_given_as_input_is_seen_by_no_other_process() {
    let server = start(Server::builder().isolation(Isolation::None)).await;
    let environment = on(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();

    // the control: what is on the command line is seen
    let told = ExecRequest::argv(["sh", "-c", WAITS, "sh", SECRET]);
    assert!(found(&sandbox, told).await.contains(&"cmdline".to_owned()));

    // in the environment: not in ps, though other processes of the same user can read it
    let set = ExecRequest::argv(["sh", "-c", WAITS]).env("PASSWORD", SECRET);
    assert_eq!(found(&sandbox, set).await, ["environ"]);

    // as input: nowhere, and the command has it
    let script = format!(
        "read -r password; [ \"${{#password}}\" = {} ] && {{ {WAITS}; }}",
        SECRET.len()
    );
    let read = ExecRequest::argv(["sh", "-c", &script]).stdin(format!("{SECRET}\n"));
    assert_eq!(found(&sandbox, read).await, [] as [&str; 0]);

    // and piped, which stays open while it runs
    let (mut writer, reader) = tokio::io::duplex(64);
    let piped = sandbox.exec_piped(ExecRequest::argv(["sh", "-c", &script]), reader);
    let look = async {
        writer
            .write_all(format!("{SECRET}\n").as_bytes())
            .await
            .unwrap();
        found(&sandbox, ExecRequest::argv(["true"])).await
    };
    let (ended, seen) = tokio::join!(piped, look);
    assert_eq!(ended.unwrap().status(), ExecStatus::Exited(0));
    assert_eq!(seen, [] as [&str; 0]);
    environment.close().await.unwrap();
}
