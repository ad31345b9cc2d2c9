//! The server in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use daytona_api::routes::{Route, control_plane::DELETE_SANDBOX};
use daytona_local::{CannedExec, Fault, Isolation, Server};

/// A server process; ends when it is dropped.
pub(crate) struct Process {
    child: Child,
    _stdin: Option<ChildStdin>,
    pub(crate) url: String,
    pub(crate) token: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server: how long a create takes, how long a delete takes, and what execute answers without running it.
pub(crate) fn start(create: Duration, delete: Duration, canned: Option<&str>) -> Process {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("serve")
        .arg(create.as_millis().to_string())
        .arg(delete.as_millis().to_string())
        .args(canned)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut line = || lines.next().unwrap().unwrap();
    let (url, token) = (line(), line());
    Process {
        _stdin: child.stdin.take(),
        child,
        url,
        token,
    }
}

/// This program again, in another part; the numbers that it prints.
pub(crate) fn said(arguments: &[&str]) -> Vec<u64> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let ran = command.args(arguments).output().unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let said = String::from_utf8(ran.stdout).unwrap();
    let numbers = said.split_whitespace().map(|number| number.parse());
    numbers.collect::<Result<_, _>>().unwrap()
}

pub(crate) fn serve(arguments: &[String]) {
    let millis = |n: usize| {
        Duration::from_millis(arguments.get(n).and_then(|n| n.parse().ok()).unwrap_or(0))
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut builder = Server::builder()
        .isolation(Isolation::None)
        .object_storage(64 << 30)
        .create_delay(millis(1));
    if let Some(canned) = arguments.get(3) {
        builder = builder.canned_exec(CannedExec::new(0, canned.as_str()));
    }
    let server = runtime.block_on(builder.start()).unwrap();
    if !millis(2).is_zero() {
        let slow = |route: &Route| Fault::on(route).delay(millis(2)).always();
        server.faults().inject(slow(&DELETE_SANDBOX));
    }
    println!("{}\n{}", server.api_url(), server.token());
    // until whoever started it goes away
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
