//! What the writer thread is asked to do, in the order in which it was asked.
//!
//! Invariant: every command taken is answered, or its answer is dropped where the writer ended by a defect; a closed queue
//! takes none. Filled by any thread or task, emptied by the
//! writer thread alone, all that waits at once: that is what makes a group.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::catalog::{Topic, lock};
use crate::log::error::LogError;
use crate::log::topic::{Created, TopicChange, TopicSpec};

/// Where the answer to a command goes. Whoever asked may be gone.
pub(super) type Answer<T> = oneshot::Sender<Result<T, LogError>>;

/// One thing to do.
#[derive(Debug)]
pub(super) enum Command {
    Produce(Produce),
    Create {
        spec: TopicSpec,
        done: Answer<Created>,
    },
    Alter {
        topic: Arc<Topic>,
        change: TopicChange,
        done: Answer<()>,
    },
    Delete {
        topic: Arc<Topic>,
        done: Answer<()>,
    },
    /// Entries of the small column family, all or none.
    Put {
        entries: Vec<(Vec<u8>, Vec<u8>)>,
        then: Then,
        done: Answer<()>,
    },
    /// Makes a run of stored batches another one.
    Change {
        change: Change,
        done: Answer<()>,
    },
    Flush {
        done: Answer<()>,
    },
    Close {
        done: Answer<()>,
    },
}

/// What the writer does when entries are durable and before it answers, whoever still waits: what is kept of them in
/// memory follows what is stored.
pub(super) struct Then(pub(super) Box<dyn FnOnce() + Send>);

impl std::fmt::Debug for Then {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Then")
    }
}

/// Records to append.
#[derive(Debug)]
pub(super) struct Produce {
    pub(super) topic: Arc<Topic>,
    /// At most one a partition.
    pub(super) parts: Vec<Part>,
    /// Per part its base offset.
    pub(super) done: Answer<Vec<i64>>,
    /// Room in the queue, given back when the records are written.
    pub(super) _permit: OwnedSemaphorePermit,
}

/// Packed records for one partition.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) partition: i32,
    pub(super) count: u32,
    pub(super) bytes: Vec<u8>,
    /// Where the packed bytes may be cut: record count, end, and latest timestamp of each chunk; none if it is one.
    pub(super) chunks: Vec<Chunk>,
}

/// Some records of a part, to be stored together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Chunk {
    pub(super) count: u32,
    pub(super) end: usize,
    pub(super) max_timestamp: i64,
}

/// What maintenance wants changed.
#[derive(Debug)]
pub(super) enum Change {
    /// The partition begins later.
    Expire {
        topic: Arc<Topic>,
        partition: i32,
        start: i64,
        /// Where the first stored batch begins that stays: at the start, or before it where the start is inside of one.
        kept: i64,
        bytes: u64,
    },
    /// One batch instead of some.
    Replace {
        topic: Arc<Topic>,
        partition: i32,
        remove: Vec<i64>,
        base: i64,
        value: Vec<u8>,
        bytes_before: u64,
        /// Behind the last tombstone that is not there any more.
        tombstones_to: i64,
    },
    /// Compaction has come to here.
    Cleaned {
        topic: Arc<Topic>,
        partition: i32,
        cleaned_to: i64,
        cleaned_bytes: u64,
        horizon: i64,
    },
}

/// Why an answer was dropped: nothing else drops one.
pub(super) fn defect() -> LogError {
    LogError::Poisoned {
        reason: "the thread that writes ended unexpectedly; please report it".to_owned(),
    }
}

/// The commands that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    some: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    commands: Vec<Command>,
    /// Why no more are taken.
    closed: Option<LogError>,
}

impl Queue {
    /// Adds a command, unless the log is closed.
    pub(super) fn push(&self, command: Command) -> Result<(), LogError> {
        let mut waiting = lock(&self.waiting);
        if let Some(reason) = &waiting.closed {
            return Err(reason.clone());
        }
        if matches!(command, Command::Close { .. }) {
            waiting.closed = Some(LogError::Closed);
        }
        waiting.commands.push(command);
        self.some.notify_one();
        Ok(())
    }

    /// Takes no more, and drops what waits with its answers: the writer ended by a defect.
    pub(super) fn abandon(&self) {
        let mut waiting = lock(&self.waiting);
        waiting.closed.get_or_insert_with(defect);
        waiting.commands.clear();
    }

    /// Takes everything that waits, waiting for something.
    pub(super) fn take(&self, into: &mut Vec<Command>) {
        let mut waiting = self
            .some
            .wait_while(lock(&self.waiting), |waiting| waiting.commands.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(into, &mut waiting.commands);
    }
}
