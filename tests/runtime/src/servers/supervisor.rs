//! One server process, owned through a small shell script (`supervise.sh`) that ends it when this process ends, however
//! that comes about. Its invariant: a server lives at most as long as the process that started it, and its folder too.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a server may take until it answers. Each takes about three seconds on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(300);

/// How long a port may be taken that a server had before: by what is left of its connections, or a connection of
/// somebody else.
const TAKEN_LIMIT: Duration = Duration::from_secs(60);

/// How long between two looks at whether it answers.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// A server and its folder. Dropped: killed, its folder removed.
#[derive(Debug)]
pub(super) struct Supervisor {
    what: &'static str,
    folder: PathBuf,
    child: Mutex<Child>,
    pipes: Mutex<Option<Pipes>>,
}

#[derive(Debug)]
struct Pipes {
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    server: Option<u32>,
}

/// Why a server did not start.
#[derive(Debug)]
pub(super) enum NotReady {
    /// Another process took its port between our look and its bind.
    PortTaken,
    /// Anything else, with what it had written.
    Failed(String),
}

impl Supervisor {
    /// Takes over a folder and a command line; nothing is started yet.
    pub(super) fn new(what: &'static str, folder: PathBuf, command: &[String]) -> Supervisor {
        let mut child = Command::new("bash")
            .args(["-c", include_str!("supervise.sh"), what])
            .arg(&folder)
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl-C at a terminal goes to a whole group; the end of this process is what the supervisor waits for.
            .process_group(0)
            .spawn()
            .expect("bash starts");
        let orders = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Supervisor {
            what,
            folder,
            child: Mutex::new(child),
            pipes: Mutex::new(Some(Pipes {
                orders,
                answers,
                server: None,
            })),
        }
    }

    /// The server's folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the server wrote so far.
    pub(super) fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.join("server.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The server's process id, when it is running.
    pub(super) fn id(&self) -> Option<u32> {
        self.pipes().as_ref().and_then(|pipes| pipes.server)
    }

    /// Starts the server and waits until `answers` says that it does.
    pub(super) fn start(&self, mut answers: impl FnMut() -> bool) -> Result<(), NotReady> {
        assert_eq!(self.id(), None, "{} is running already", self.what);
        let already = self.log().len();
        let id = self.order("start");
        if let Some(pipes) = self.pipes().as_mut() {
            pipes.server = Some(id.parse().expect("a process id"));
        }
        let end = Instant::now() + START_LIMIT;
        while !answers() {
            let state = self.order("check");
            if state != "running" || Instant::now() > end {
                let log = self.log().split_off(already);
                if state == "running" {
                    self.end("kill");
                } else if let Some(pipes) = self.pipes().as_mut() {
                    pipes.server = None;
                }
                // Kafka's words and the registry's.
                if log.contains("Address already in use")
                    || log.contains("in use by another process")
                {
                    return Err(NotReady::PortTaken);
                }
                return Err(NotReady::Failed(format!(
                    "{} did not start ({state}). It said:\n{}",
                    self.what,
                    tail(&log)
                )));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    /// As [`Supervisor::start`], at an address that the server had before: waits for it while it is taken.
    pub(super) fn start_again(&self, address: &str, mut answers: impl FnMut() -> bool) {
        let end = Instant::now() + TAKEN_LIMIT;
        loop {
            match self.start(&mut answers) {
                Ok(()) => return,
                Err(NotReady::PortTaken) if Instant::now() < end => {
                    std::thread::sleep(LOOK_AGAIN);
                }
                Err(NotReady::PortTaken) => panic!("{address} was taken meanwhile"),
                Err(NotReady::Failed(why)) => panic!("{why}"),
            }
        }
    }

    /// Ends the server: `stop` (SIGTERM) or `kill` (SIGKILL). Returns when the process is gone. One that ended already
    /// stays so.
    pub(super) fn end(&self, how: &str) {
        if self.id().is_none() {
            return;
        }
        let answer = self.order(how);
        assert!(answer.starts_with("ended"), "{}: {answer}", self.what);
        if let Some(pipes) = self.pipes().as_mut() {
            pipes.server = None;
        }
    }

    /// Halts the server's process or lets it go on: `pause` (SIGSTOP), `resume` (SIGCONT).
    pub(super) fn signal(&self, order: &str) {
        assert!(self.id().is_some(), "{} is not running", self.what);
        self.order(order);
    }

    fn order(&self, word: &str) -> String {
        let mut pipes = self.pipes();
        let pipes = pipes.as_mut().expect("open until dropped");
        writeln!(pipes.orders, "{word}").expect("the supervisor listens");
        let mut answer = String::new();
        pipes
            .answers
            .read_line(&mut answer)
            .expect("the supervisor answers");
        answer.trim().to_string()
    }

    fn pipes(&self) -> std::sync::MutexGuard<'_, Option<Pipes>> {
        self.pipes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.pipes().take();
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.wait();
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
