//! Shells of this machine, and what a script does in them.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command as Process, Stdio};
use std::sync::LazyLock;
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
}

pub(super) struct Answer {
    pub(super) report: Report,
    pub(super) raw: String,
    pub(super) marker: String,
    pub(super) tmp: tempdir::Dir,
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
        }
    }

    pub(super) fn sh(line: &str) -> Self {
        Self::new(["sh", "-c", line])
    }

    pub(super) fn limit(mut self, millis: u64) -> Self {
        self.timeout = Some(Duration::from_millis(millis));
        self
    }

    pub(super) fn run(&self, shell: &[&str]) -> Answer {
        let (nonce, marker) = (random(), random());
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
            },
            &nonce,
            &marker,
        );
        if let Some((from, to)) = self.patch {
            assert!(script.text.contains(from));
            script.text = script.text.replace(from, to);
        }
        let tmp = tempdir::Dir::new();
        let mut process = Process::new(shell[0]);
        process
            .args(&shell[1..])
            .process_group(0)
            .env("TMPDIR", tmp.path());
        process.envs(self.env.iter().map(|(name, value)| (name, value)));
        // Merged, as the server merges them.
        let (mut reader, writer) = std::io::pipe().unwrap();
        process
            .stdin(Stdio::piped())
            .stdout(writer.try_clone().unwrap())
            .stderr(writer);
        let mut child = process.spawn().unwrap();
        drop(process);
        child
            .stdin
            .take()
            .unwrap()
            .write_all(script.text.as_bytes())
            .unwrap();
        let mut raw = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut raw).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(
            status.code(),
            Some(0),
            "{shell:?}: {}",
            String::from_utf8_lossy(&raw)
        );
        let raw = String::from_utf8_lossy(&raw).into_owned();
        let report =
            parse(&raw, &script.nonce).unwrap_or_else(|error| panic!("{shell:?}: {error}: {raw}"));
        Answer {
            report,
            raw,
            marker,
            tmp,
        }
    }
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
