//! Why a consumer ended, and what it left behind.

use crate::error::Error;

/// The record that ended a consumer.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "group `{group}` stopped at offset {offset} of partition {partition} of topic `{topic}` (`{entity}`, {stage}, attempt {attempts}): {message} [{code}]; nothing from this record on is committed, so it comes first at the next start: cure the cause, or choose what happens to such records with `{policy}`"
)]
#[non_exhaustive]
pub struct Stopped {
    /// The entity.
    pub entity: &'static str,
    /// The consumer group.
    pub group: String,
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The record's offset.
    pub offset: i64,
    /// How often it was tried: how often the handler saw it, or once where it could not be decoded.
    pub attempts: u32,
    /// Where it failed: `handler`, `value-decode` and so on, as in dead letters.
    pub stage: &'static str,
    /// A stable code: `handler.error`, `handler.panic`, `handler.timeout`, `value.decode` and so on, or the handler's own.
    pub code: String,
    /// What was wrong, with all causes.
    pub message: String,
    /// The policy that would have gone on: `on_error`, `on_panic`, `on_decode_error`.
    pub policy: &'static str,
}

/// What a consumer was when it ended in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// What was committed last, by topic and partition.
    pub committed: Vec<Committed>,
    /// Records whose handlers had not ended when there was no more time to wait: they come again at the next start.
    pub abandoned: Vec<Abandoned>,
}

/// The committed offset of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Committed {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// Everything before it is finished.
    pub offset: i64,
}

/// A record that a handler had begun and not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Abandoned {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The first unfinished offset of the partition.
    pub offset: i64,
}

impl Ended {
    /// Whether everything that was begun was finished.
    pub fn is_clean(&self) -> bool {
        self.abandoned.is_empty()
    }

    pub(super) fn and(mut self, other: Ended) -> Ended {
        self.committed.extend(other.committed);
        self.abandoned.extend(other.abandoned);
        self
    }
}

impl From<Stopped> for Error {
    fn from(stopped: Stopped) -> Error {
        Error::Consumer(Box::new(stopped))
    }
}
