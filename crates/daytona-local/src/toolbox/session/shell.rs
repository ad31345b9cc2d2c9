//! The shell of a session: commands go in on its standard input, one after the other, each between two signs.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;
use tokio::sync::{mpsc, watch};

use super::log::Log;
use crate::app::App;
use crate::ident;
use crate::isolate::launch::Start;
use crate::isolate::scan;
use crate::toolbox::Place;

/// A line is marked once it is whole, or this long.
const LONGEST_LINE: usize = 1 << 20;
/// How long processes may take to end by themselves.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long output is still read after the shell has ended.
const LINGER: Duration = Duration::from_secs(1);

/// One command.
pub(crate) struct Command {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) log: Log,
    pub(crate) exit: watch::Sender<Option<i64>>,
    /// Where its input is written to, relative to the sandbox's root.
    pub(crate) input: Option<String>,
    pub(crate) echo: bool,
    /// The streams whose end was seen, and the exit code that came with it.
    ended: Mutex<[Option<i64>; 2]>,
}

impl Command {
    pub(crate) fn exit_code(&self) -> Option<i64> {
        *self.exit.borrow()
    }

    fn end(&self, stream: usize, code: i64) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = ended.get_mut(stream) {
            *slot = Some(code);
        }
        if let [Some(code), Some(_)] = *ended {
            self.exit.send_replace(Some(code));
        }
    }
}

/// A shell that stays.
pub(crate) struct Session {
    pub(crate) id: String,
    /// What no output holds by chance.
    nonce: String,
    stdin: mpsc::UnboundedSender<Bytes>,
    commands: Mutex<Vec<Arc<Command>>>,
    over: watch::Sender<bool>,
    bash: bool,
    home: String,
}

impl Session {
    pub(crate) async fn start(app: &Arc<App>, place: &Place, id: &str) -> io::Result<Arc<Self>> {
        let nonce = ident::uuid();
        let mut env = place.env.clone();
        env.insert("DAYTONA_LOCAL_SESSION".to_owned(), nonce.clone());
        let shell = place.cell.host.shell();
        let start = Start {
            cwd: place.cell.workdir.clone(),
            env,
            network: place.network,
            argv: vec![shell.to_owned()],
        };
        let spawned = place.cell.start(&start, |mut command| {
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .process_group(0)
                .spawn()
        });
        let mut child = spawned.await?;
        let missing = || io::Error::other("no pipe");
        let mut stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        let (sender, mut scripts) = mpsc::unbounded_channel::<Bytes>();
        let session = Arc::new(Self {
            id: id.to_owned(),
            nonce,
            stdin: sender,
            commands: Mutex::default(),
            over: watch::Sender::new(false),
            bash: shell.ends_with("bash"),
            home: place.cell.home.clone(),
        });
        app.spawn(async move {
            while let Some(script) = scripts.recv().await {
                if stdin.write_all(&script).await.is_err() {
                    return;
                }
            }
        });
        let (out, err) = session.saved();
        session.write(format!("exec {out}>&1 {err}>&2\n"));
        app.spawn(watch_over(Arc::clone(&session), child, stdout, stderr));
        Ok(session)
    }

    /// Where the shell keeps its own outputs, whatever a command does with its.
    fn saved(&self) -> (u32, u32) {
        if self.bash { (198, 199) } else { (8, 9) }
    }

    fn write(&self, script: String) {
        // a shell that has ended takes nothing any more, which its commands are told
        drop(self.stdin.send(script.into()));
    }

    pub(crate) fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    pub(crate) fn commands(&self) -> Vec<Arc<Command>> {
        self.lock().clone()
    }

    pub(crate) fn command(&self, id: &str) -> Option<Arc<Command>> {
        self.lock().iter().find(|command| command.id == id).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Command>>> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a command. With `input` its standard input stays open.
    pub(crate) fn run(&self, text: &str, input: bool, echo: bool) -> io::Result<Arc<Command>> {
        let id = ident::uuid();
        let folder = format!("{}/.daytona/{}", self.home, self.nonce);
        let pipe = format!("{folder}/{id}");
        let command = Arc::new(Command {
            text: text.to_owned(),
            log: Log::new()?,
            exit: watch::Sender::new(None),
            input: input.then(|| format!("home/daytona/.daytona/{}/{id}", self.nonce)),
            echo,
            ended: Mutex::default(),
            id,
        });
        let (out, err) = self.saved();
        let (before, stdin, after) = if input {
            let (folder, pipe) = (quoted(&folder), quoted(&pipe));
            let before = format!("mkdir -p {folder}; mkfifo -m 600 {pipe}; ");
            (before, format!("0<>{pipe}"), format!("rm -f {pipe}; "))
        } else {
            (String::new(), "</dev/null".to_owned(), String::new())
        };
        let (code, nonce) = (STANDARD.encode(text), &self.nonce);
        let sign = format!("command printf '\\000%s %d\\000' {nonce} \"$_daytona_exit\"");
        let script = format!(
            "{before}eval \"$(command printf %s '{code}' | command base64 -d)\" \
             {stdin} >&{out} 2>&{err} {out}>&- {err}>&-; \
             _daytona_exit=$?; {after}{sign} >&{out}; {sign} >&{err}\n"
        );
        // under one lock, so that the order of the list is that of the shell
        let mut commands = self.lock();
        if self.is_over() {
            return Err(io::Error::other("the session's shell has ended"));
        }
        commands.push(Arc::clone(&command));
        self.write(script);
        Ok(command)
    }

    fn ended(&self, code: i64) {
        let commands = self.lock();
        self.over.send_replace(true);
        // the one that ran has ended the shell; those behind it never ran
        let mut code = Some(code);
        for command in commands
            .iter()
            .filter(|command| command.exit_code().is_none())
        {
            command.exit.send_replace(Some(code.take().unwrap_or(-1)));
        }
    }

    /// Ends all processes of the session: at first it asks them to.
    pub(crate) async fn kill(&self) {
        let marker = format!("DAYTONA_LOCAL_SESSION={}", self.nonce);
        let name = marker.clone();
        let found = tokio::task::spawn_blocking(move || scan::find(&name)).await;
        for pid in found.unwrap_or_default() {
            kill(Pid::from_raw(pid), Signal::SIGTERM).ok();
        }
        let mut over = self.over.subscribe();
        drop(tokio::time::timeout(PATIENCE, over.wait_for(|over| *over)).await);
        scan::kill_all(&marker).await;
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

async fn watch_over(
    session: Arc<Session>,
    mut child: Child,
    stdout: impl AsyncRead + Unpin,
    stderr: impl AsyncRead + Unpin,
) {
    let mut read = std::pin::pin!(async {
        tokio::join!(follow(&session, stdout, 0), follow(&session, stderr, 1));
    });
    let status = tokio::select! {
        () = &mut read => child.wait().await,
        status = child.wait() => {
            // what it left running may hold the pipes for ever
            drop(tokio::time::timeout(LINGER, read).await);
            status
        }
    };
    let code = status.ok().map_or(-1, |status| {
        let signal = status.signal().map(|signal| 128 + signal);
        i64::from(status.code().or(signal).unwrap_or(-1))
    });
    session.ended(code);
}

/// Sorts one stream into lines and commands.
async fn follow(session: &Session, mut stream: impl AsyncRead + Unpin, which: usize) {
    let sign = format!("\0{} ", session.nonce).into_bytes();
    let mut at = 0;
    let mut held: Vec<u8> = Vec::new();
    let mut piece = vec![0; 16 << 10];
    loop {
        let length = match stream.read(&mut piece).await {
            Ok(0) | Err(_) => break,
            Ok(length) => length,
        };
        held.extend_from_slice(piece.get(..length).unwrap_or_default());
        loop {
            let found = held.windows(sign.len()).position(|part| part == sign);
            let line = held.iter().position(|&byte| byte == b'\n');
            match (line, found) {
                (Some(line), found) if found.is_none_or(|found| line < found) => {
                    let rest = held.split_off(line + 1);
                    emit(session, at, which, &std::mem::replace(&mut held, rest));
                }
                (_, Some(found)) => {
                    let told = held.get(found + sign.len()..).unwrap_or_default();
                    let Some(end) = told.iter().position(|&byte| byte == 0) else {
                        break;
                    };
                    let text = String::from_utf8_lossy(told.get(..end).unwrap_or_default());
                    let code = text.parse().unwrap_or(-1);
                    let rest = held.split_off(found + sign.len() + end + 1);
                    let mut before = std::mem::replace(&mut held, rest);
                    before.truncate(found);
                    emit(session, at, which, &before);
                    let command = session.lock().get(at).cloned();
                    if let Some(command) = command {
                        command.end(which, code);
                    }
                    at += 1;
                }
                _ if held.len() > LONGEST_LINE => {
                    emit(session, at, which, &std::mem::take(&mut held));
                }
                _ => break,
            }
        }
    }
    emit(session, at, which, &held);
}

/// Adds a line to the log of the command at this place; what comes after the last one belongs to it.
fn emit(session: &Session, at: usize, which: usize, line: &[u8]) {
    if line.is_empty() {
        return;
    }
    let command = {
        let commands = session.lock();
        commands.get(at).or_else(|| commands.last()).cloned()
    };
    if let Some(command) = command {
        command.log.line(which, line);
    }
}
