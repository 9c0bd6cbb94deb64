//! Real child processes: started, listened to line by line, killed by id.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::environment::command;

/// A child process whose lines are read as they come.
#[derive(Debug)]
pub struct Lines {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

/// A test that fails leaves no child behind.
impl Drop for Lines {
    fn drop(&mut self) {
        // One that has ended cannot be killed, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Lines {
    /// Starts `program` with arguments.
    pub fn start(program: &str, arguments: &[&str], directory: &Path) -> Lines {
        Lines::start_in(program, arguments, directory, &[])
    }

    /// Starts `program` with arguments and more environment; of the settings in ours it has none.
    pub fn start_in(
        program: &str,
        arguments: &[&str],
        directory: &Path,
        environment: &[(String, String)],
    ) -> Lines {
        let mut child = command(program)
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("KSQL_TEST_DIR", directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child starts");
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("a pipe");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Lines {
            child,
            stdin,
            lines,
        }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line, or nothing when the child closed its output or the time is over.
    pub fn next(&mut self, limit: Duration) -> Option<String> {
        self.lines.recv_timeout(limit).ok()
    }

    /// Reads lines for `time`, giving each to `each`; ends early when the child ends.
    pub fn read_for(&mut self, time: Duration, mut each: impl FnMut(&str)) {
        let end = Instant::now() + time;
        loop {
            match self
                .lines
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(line) => each(&line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Reads lines up to the first one that starts with `prefix`, giving each to `each`.
    pub fn read_until(&mut self, prefix: &str, limit: Duration, mut each: impl FnMut(&str)) {
        let end = Instant::now() + limit;
        loop {
            match self
                .lines
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(line) => {
                    each(&line);
                    if line.starts_with(prefix) {
                        return;
                    }
                }
                Err(error) => panic!("no line `{prefix}` from the child: {error}"),
            }
        }
    }

    /// Waits for a line that starts with `prefix` and returns the rest of it.
    pub fn expect(&mut self, prefix: &str, limit: Duration) -> String {
        let end = Instant::now() + limit;
        let mut seen = Vec::new();
        loop {
            match self
                .lines
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(line) => match line.strip_prefix(prefix) {
                    Some(rest) => return rest.trim().to_string(),
                    None => seen.push(line),
                },
                Err(error) => {
                    panic!("no line `{prefix}` from the child ({error}); it said {seen:?}")
                }
            }
        }
    }

    /// Says a line to the child.
    pub fn say(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            writeln!(stdin, "{line}").expect("the child listens");
        }
    }

    /// Kills it (SIGKILL) and gives every line it had still written to `each`.
    pub fn kill(mut self, mut each: impl FnMut(&str)) {
        self.child.kill().expect("the child is killed");
        self.child.wait().expect("the child ends");
        while let Ok(line) = self.lines.recv() {
            each(&line);
        }
    }

    /// Kills it when this time is over, and gives every line that it had until then to `each`.
    pub fn kill_after(mut self, time: Duration, mut each: impl FnMut(&str)) {
        self.read_for(time, &mut each);
        self.kill(each);
    }

    /// Sends a signal by name (`TERM`).
    pub fn signal(&self, name: &str) {
        // The shell's own `kill`: the program of this name is not everywhere.
        let status = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.id())])
            .status();
        assert!(status.expect("a shell runs").success());
    }

    /// Waits until it ends by itself; kills it and fails when it does not within `limit`.
    pub fn ended(self, limit: Duration) -> (ExitStatus, Duration) {
        self.ended_after(limit, |_| ())
    }

    /// As [`Lines::ended`], with every line it still writes.
    pub fn ended_after(
        mut self,
        limit: Duration,
        mut each: impl FnMut(&str),
    ) -> (ExitStatus, Duration) {
        let started = Instant::now();
        drop(self.stdin.take());
        // Its output closes when it ends: waiting for that needs no polling.
        while started.elapsed() < limit {
            match self
                .lines
                .recv_timeout(limit.saturating_sub(started.elapsed()))
            {
                Ok(line) => each(&line),
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.child.wait().expect("the child ends");
                    return (status, started.elapsed());
                }
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
        self.child.kill().expect("the child is killed");
        panic!("the child did not end within {limit:?}");
    }
}
