//! The log in this process: topics, records and committed offsets in a RocksDB of their own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::batch::{BatchReceipt, RecordBatch};
use super::error::LogError;
use super::reader::{Fetched, LogReader, ReaderWaker};
use super::record::{Receipt, Record};
use super::topic::{Created, Offsets, TopicDescription, TopicSpec};

/// What an acknowledged record survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The end of this process, however it ends: a group of records is in the operating system's hands.
    #[default]
    ProcessCrash,
    /// The loss of power too: a group of records is synced to the disk.
    PowerLoss,
}

/// A function that says what time it is, in milliseconds since 1970, UTC.
pub type ClockFn = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How an embedded log is opened.
#[derive(Clone)]
pub struct EmbeddedOptions {
    /// Where it lives. It is created, and held by one owner at a time.
    pub directory: PathBuf,
    /// What an acknowledged record survives. Default: the end of the process.
    pub durability: Durability,
    /// How often retention and compaction run by themselves, and the clock they go by. Default: only when
    /// [`EmbeddedLog::maintain`] is called.
    pub maintenance: Option<(Duration, ClockFn)>,
    /// The part of a compacted partition's bytes that must be new before it is compacted again. Default: 0.5, as in
    /// Kafka. Minimum: 0, at every maintenance that finds something new.
    pub dirty_ratio: f64,
    /// Memory for records not yet in files and for reading. Default: 64 MiB. Minimum: 8 MiB.
    pub memory_bytes: usize,
}

impl EmbeddedOptions {
    /// The defaults in this directory.
    pub fn new(directory: impl Into<PathBuf>) -> EmbeddedOptions {
        EmbeddedOptions {
            directory: directory.into(),
            durability: Durability::default(),
            maintenance: None,
            dirty_ratio: 0.5,
            memory_bytes: 64 * 1024 * 1024,
        }
    }
}

impl std::fmt::Debug for EmbeddedOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let EmbeddedOptions {
            directory,
            durability,
            maintenance,
            dirty_ratio,
            memory_bytes,
        } = self;
        f.debug_struct("EmbeddedOptions")
            .field("directory", directory)
            .field("durability", durability)
            .field(
                "maintenance",
                &maintenance.as_ref().map(|(interval, _)| interval),
            )
            .field("dirty_ratio", dirty_ratio)
            .field("memory_bytes", memory_bytes)
            .finish()
    }
}

/// What a maintenance did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Maintained {
    /// Records removed because they were too old or too many.
    pub expired: u64,
    /// Records removed because a later one has their key, or a tombstone's time was over.
    pub compacted: u64,
}

/// The log in this process. Clones share it; dropping the last one closes it.
#[derive(Debug, Clone)]
pub struct EmbeddedLog {}

impl EmbeddedLog {
    /// Opens the log of a directory, or creates it.
    pub fn open(options: EmbeddedOptions) -> Result<EmbeddedLog, LogError> {
        let _ = options;
        Err(LogError::Closed)
    }

    /// See [`Log::create_topic`](super::Log::create_topic).
    pub async fn create_topic(&self, spec: &TopicSpec) -> Result<Created, LogError> {
        let _ = spec;
        Err(LogError::Closed)
    }

    /// All topics, by name.
    pub fn topics(&self) -> Result<Vec<TopicDescription>, LogError> {
        Err(LogError::Closed)
    }

    /// One topic.
    pub fn describe(&self, topic: &str) -> Result<TopicDescription, LogError> {
        let _ = topic;
        Err(LogError::Closed)
    }

    /// See [`Log::delete_topic`](super::Log::delete_topic).
    pub async fn delete_topic(&self, topic: &str) -> Result<(), LogError> {
        let _ = topic;
        Err(LogError::Closed)
    }

    /// See [`Log::produce`](super::Log::produce).
    pub async fn produce(&self, topic: &str, record: Record<'_>) -> Result<Receipt, LogError> {
        let _ = (topic, record);
        Err(LogError::Closed)
    }

    /// See [`Log::produce_batch`](super::Log::produce_batch).
    pub async fn produce_batch(
        &self,
        topic: &str,
        batch: RecordBatch,
    ) -> Result<BatchReceipt, LogError> {
        let _ = (topic, batch);
        Err(LogError::Closed)
    }

    /// The first offset still there and the one the next record will get.
    pub fn offsets(&self, topic: &str, partition: i32) -> Result<Offsets, LogError> {
        let _ = (topic, partition);
        Err(LogError::Closed)
    }

    /// See [`Log::commit_all`](super::Log::commit_all).
    pub async fn commit_all(
        &self,
        group: &str,
        topic: &str,
        offsets: &[(i32, i64)],
    ) -> Result<(), LogError> {
        let _ = (group, topic, offsets);
        Err(LogError::Closed)
    }

    /// The offset a group committed, if it did.
    pub fn committed(
        &self,
        group: &str,
        topic: &str,
        partition: i32,
    ) -> Result<Option<i64>, LogError> {
        let _ = (group, topic, partition);
        Err(LogError::Closed)
    }

    /// See [`Log::reader`](super::Log::reader).
    pub fn reader(&self, topic: &str, from: &[(i32, i64)]) -> Result<LogReader, LogError> {
        let _ = (topic, from);
        Err(LogError::Closed)
    }

    /// Applies retention and compaction now, as of `now_ms`.
    pub async fn maintain(&self, now_ms: i64) -> Result<Maintained, LogError> {
        let _ = now_ms;
        Err(LogError::Closed)
    }

    /// See [`Log::flush`](super::Log::flush).
    pub async fn flush(&self) -> Result<(), LogError> {
        Err(LogError::Closed)
    }

    /// See [`Log::close`](super::Log::close).
    pub async fn close(&self) -> Result<(), LogError> {
        Err(LogError::Closed)
    }
}

/// Reads partitions of the log in this process.
#[derive(Debug)]
pub struct EmbeddedReader {}

impl EmbeddedReader {
    pub(crate) fn poll(&mut self, timeout: Duration) -> Result<Option<Fetched>, LogError> {
        let _ = timeout;
        Err(LogError::Closed)
    }

    pub(crate) fn seek(&mut self, partition: i32, offset: i64) -> Result<(), LogError> {
        let _ = (partition, offset);
        Err(LogError::Closed)
    }

    pub(crate) fn positions(&self) -> Vec<(i32, i64)> {
        Vec::new()
    }

    pub(crate) fn waker(&self) -> ReaderWaker {
        ReaderWaker::new(|| {})
    }
}
