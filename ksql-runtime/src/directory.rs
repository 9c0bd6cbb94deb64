//! The lock on a data directory: one owner at a time.
//!
//! Invariant: whoever holds a [`DirectoryLock`] is the only process (and the only owner inside this process) that uses
//! the directory. The lock belongs to an open file, so the operating system gives it back when the process ends,
//! however it ends: the file that stays behind after `kill -9` never blocks anyone. Taken by a context
//! for its state directory, whichever log lies under it, and by the embedded log for its own.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The name of the lock file inside the directory.
const FILE: &str = "owner.pid";

/// How long to wait for the owner to write its process id: it does so right after it locked the file.
const PATIENCE: Duration = Duration::from_millis(200);

/// Holds a directory until dropped.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    file: File,
    path: PathBuf,
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // Closing is not enough: the lock lives as long as any copy of the open file, and a child process has one from the
        // moment it is forked until it runs its program.
        if let Err(error) = self.file.unlock() {
            tracing::warn!(path = %self.path.display(), %error, "a directory could not be unlocked");
        }
    }
}

/// Why a directory cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// Another owner holds the directory.
    #[error(
        "the directory {path} is in use by {owner}: stop it or choose another directory",
        path = path.display(),
        owner = owner(*pid)
    )]
    AlreadyOwned {
        /// The directory.
        path: PathBuf,
        /// The owner's process id, when it could be read. It is this process's own id when the directory is opened twice.
        pid: Option<u32>,
    },
    /// The directory cannot be created or written.
    #[error("the directory {path} cannot be used: check that it exists and is writable", path = path.display())]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::sync::Arc<std::io::Error>,
    },
}

fn owner(pid: Option<u32>) -> String {
    match pid {
        Some(pid) if pid == std::process::id() => format!("this process ({pid}) already"),
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    }
}

impl DirectoryLock {
    /// Creates the directory if need be (mode `rwxr-x---`) and takes its lock, or says who holds it. Returns at once.
    pub(crate) fn acquire(path: &Path) -> Result<DirectoryLock, DirectoryError> {
        let unusable = |source: std::io::Error| DirectoryError::Unusable {
            path: path.to_path_buf(),
            source: std::sync::Arc::new(source),
        };
        create(path).map_err(unusable)?;
        warn_when_temporary(path);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(FILE))
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DirectoryError::AlreadyOwned {
                    path: path.to_path_buf(),
                    pid: owner_of(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        file.set_len(0).map_err(unusable)?;
        file.write_all(format!("{}\n", std::process::id()).as_bytes())
            .map_err(unusable)?;
        Ok(DirectoryLock {
            file,
            path: path.to_path_buf(),
        })
    }

    /// The directory held.
    #[allow(dead_code, reason = "for messages of whoever holds it")]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// The process id in the lock file. An owner that has just taken the lock may not have written it yet.
fn owner_of(file: &mut File) -> Option<u32> {
    let end = Instant::now() + PATIENCE;
    loop {
        let mut text = String::new();
        let read = file
            .seek(SeekFrom::Start(0))
            .and_then(|_| file.read_to_string(&mut text));
        if read.is_ok() && text.ends_with('\n') {
            return text.trim().parse().ok();
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::yield_now();
    }
}

/// Creates a directory and what is above it for this user, readable for its group: mode `rwxr-x---`.
#[cfg(unix)]
pub(crate) fn create(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    DirBuilder::new().recursive(true).mode(0o750).create(path)
}

#[cfg(not(unix))]
pub(crate) fn create(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).create(path)
}

/// State under the temporary directory is gone after a reboot, and nobody notices before that.
fn warn_when_temporary(path: &Path) {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    if absolute.starts_with(std::env::temp_dir()) {
        tracing::warn!(
            path = %absolute.display(),
            "data is kept under the operating system's temporary directory and may vanish at any time"
        );
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;

    #[test]
    fn a_second_owner_is_refused_with_the_pid_and_a_stale_file_never_blocks() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join(FILE), "4194304\n").unwrap();
        let lock = DirectoryLock::acquire(&path).unwrap();
        match DirectoryLock::acquire(&path) {
            Err(DirectoryError::AlreadyOwned { path: named, pid }) => {
                assert_eq!((named, pid), (path.clone(), Some(std::process::id())));
            }
            other => panic!("{other:?}"),
        }
        drop(lock);
        DirectoryLock::acquire(&path).unwrap();
    }

    #[test]
    fn a_lock_given_back_is_free_although_a_copy_of_the_open_file_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let lock = DirectoryLock::acquire(dir.path()).unwrap();
        // What a child process holds that was forked and does not run its own program yet.
        let copy = lock.file.try_clone().unwrap();
        drop(lock);
        DirectoryLock::acquire(dir.path()).unwrap();
        drop(copy);
    }

    #[test]
    fn a_path_that_is_a_file_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "x").unwrap();
        let error = DirectoryLock::acquire(&path).unwrap_err();
        assert!(
            error.to_string().contains(&path.display().to_string()),
            "{error}"
        );
    }
}
