//! Shells of this machine, and what a script does in them.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::wrapper::{Command, Ran, Report, Script, Stdin, parse};

/// Whatever of these is installed; `sh` always is.
pub(super) static SHELLS: LazyLock<Vec<Vec<&'static str>>> = LazyLock::new(|| {
    let all = [
        vec!["sh"],
        vec!["dash"],
        vec!["bash"],
        vec!["zsh"],
        vec!["busybox", "sh"],
    ];
    all.into_iter()
        .filter(|shell| {
            let mut probe = Process::new(shell[0]);
            probe.args(&shell[1..]).args(["-c", ":"]);
            probe
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        })
        .collect()
});

pub(super) fn random() -> String {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes).unwrap();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One call in one shell, in directories of its own.
pub(super) struct Call {
    pub(super) argv: Vec<String>,
    pub(super) cwd: Option<String>,
    pub(super) stdin: Option<Vec<u8>>,
    /// What the files of a piecewise input are named.
    pub(super) pieces: Option<String>,
    pub(super) timeout: Option<Duration>,
    pub(super) head: u64,
    pub(super) tail: u64,
    pub(super) env: Vec<(&'static str, String)>,
    /// Replaced in the script, to take something away from the shell.
    pub(super) patch: Option<(&'static str, &'static str)>,
    keep: bool,
    tmp: Arc<tempdir::Dir>,
}

pub(super) struct Answer {
    pub(super) report: Report,
    pub(super) raw: String,
    pub(super) marker: String,
    pub(super) tmp: Arc<tempdir::Dir>,
}

impl Call {
    pub(super) fn new<I: IntoIterator>(argv: I) -> Self
    where
        I::Item: Into<String>,
    {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            cwd: None,
            stdin: None,
            pieces: None,
            timeout: Some(Duration::from_secs(60)),
            head: 65_536,
            tail: 65_536,
            env: Vec::new(),
            patch: None,
            keep: false,
            tmp: Arc::new(tempdir::Dir::new()),
        }
    }

    pub(super) fn sh(line: &str) -> Self {
        Self::new(["sh", "-c", line])
    }

    pub(super) fn limit(mut self, millis: u64) -> Self {
        self.timeout = Some(Duration::from_millis(millis));
        self
    }

    pub(super) fn keep(mut self) -> Self {
        self.keep = true;
        self
    }

    pub(super) fn tmp(&self) -> &Path {
        self.tmp.path()
    }

    pub(super) fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.tmp().join(".denv"));
        let entries = entries.into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    pub(super) fn run(&self, shell: &[&str]) -> Answer {
        // Directories of its own: nothing of an earlier run is seen.
        let call = Self {
            tmp: Arc::new(tempdir::Dir::new()),
            argv: self.argv.clone(),
            cwd: self.cwd.clone(),
            stdin: self.stdin.clone(),
            pieces: self.pieces.clone(),
            env: self.env.clone(),
            ..*self
        };
        call.run_as(shell, &random())
    }

    pub(super) fn run_as(&self, shell: &[&str], nonce: &str) -> Answer {
        let (raw, marker, status) = self.send(shell, nonce);
        assert_eq!(status, Some(0), "{shell:?}: {raw}");
        let report = parse(&raw, nonce).unwrap_or_else(|error| panic!("{shell:?}: {error}: {raw}"));
        Answer {
            report,
            raw,
            marker,
            tmp: Arc::clone(&self.tmp),
        }
    }

    /// What the shell prints, the marker, and how the shell ends.
    pub(super) fn send(&self, shell: &[&str], nonce: &str) -> (String, String, Option<i32>) {
        let marker = random();
        let mut script = Script::new(
            &Command {
                argv: &self.argv,
                cwd: self.cwd.as_deref(),
                stdin: match (&self.pieces, &self.stdin) {
                    (Some(pieces), _) => Stdin::Pieces(pieces),
                    (None, Some(bytes)) => Stdin::Bytes(bytes),
                    (None, None) => Stdin::Closed,
                },
                timeout: self.timeout,
                head: self.head,
                tail: self.tail,
                keep: self.keep,
            },
            nonce,
            &marker,
        );
        if let Some((from, to)) = self.patch {
            assert!(script.text.contains(from));
            script.text = script.text.replace(from, to);
        }
        let mut process = Process::new(shell[0]);
        process.args(&shell[1..]).env("TMPDIR", self.tmp());
        process.envs(self.env.iter().map(|(name, value)| (name, value)));
        let (raw, status) = merged(process, &script.text);
        (raw, marker, status)
    }
}

/// What a script of ours prints.
pub(super) fn shell_result(shell: &[&str], script: &str, tmp: &Path) -> String {
    let mut process = Process::new(shell[0]);
    process.args(&shell[1..]).env("TMPDIR", tmp);
    merged(process, script).0
}

/// Both streams in one, as the server merges them.
fn merged(mut process: Process, script: &str) -> (String, Option<i32>) {
    let (mut reader, writer) = std::io::pipe().unwrap();
    process
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(writer.try_clone().unwrap())
        .stderr(writer);
    let mut child = process.spawn().unwrap();
    drop(process);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(script.as_bytes()).unwrap();
    drop(stdin);
    let mut raw = Vec::new();
    std::io::Read::read_to_end(&mut reader, &mut raw).unwrap();
    let status = child.wait().unwrap();
    (String::from_utf8_lossy(&raw).into_owned(), status.code())
}

impl Answer {
    pub(super) fn ran(&self) -> &Ran {
        match &self.report {
            Report::Ran(ran) => ran,
            Report::Refused(refusal) => panic!("refused: {refusal}"),
        }
    }

    pub(super) fn stdout(&self) -> String {
        String::from_utf8(self.ran().stdout.head.clone()).unwrap()
    }

    pub(super) fn stderr(&self) -> String {
        String::from_utf8(self.ran().stderr.head.clone()).unwrap()
    }

    /// Nothing with this call's marker is alive after a while.
    pub(super) fn assert_no_process_left(&self) {
        let needle = format!("_DENV_MARK={}", self.marker);
        for _ in 0..20_000 {
            if !alive(&needle) {
                return;
            }
            std::thread::yield_now();
        }
        panic!("a process of the command is still alive");
    }

    /// The clean-up runs behind the answer, so it may take a moment.
    pub(super) fn assert_no_file_left(&self) {
        for _ in 0..200_000 {
            if self.files().is_empty() {
                return;
            }
            std::thread::yield_now();
        }
        panic!("left: {:?}", self.files());
    }

    pub(super) fn files(&self) -> Vec<PathBuf> {
        let list = |dir: PathBuf| {
            let entries = std::fs::read_dir(dir).into_iter().flatten();
            entries
                .map(|entry| entry.unwrap().path())
                .collect::<Vec<_>>()
        };
        list(self.tmp.path().join(".denv"))
    }
}

pub(super) fn alive(needle: &str) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let environ = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        environ
            .windows(needle.len())
            .any(|window| window == needle.as_bytes())
    })
}

/// A temporary directory that goes with its value.
pub(super) mod tempdir {
    use std::path::{Path, PathBuf};

    pub(in super::super) struct Dir(PathBuf);

    impl Dir {
        pub(in super::super) fn new() -> Self {
            let dir = std::env::temp_dir().join(format!("wrapper-test-{}", super::random()));
            std::fs::create_dir(&dir).unwrap();
            Self(dir)
        }

        pub(in super::super) fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}
