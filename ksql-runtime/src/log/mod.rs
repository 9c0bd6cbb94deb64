//! Bytes in, bytes out: topics, partitions, offsets.
//!
//! A [`Log`] holds records of bytes under topic names and knows no entity. One set of methods serves every
//! implementation: the [`embedded`] one in this process, Kafka later; an enum and no trait objects, so nothing is
//! boxed per record. The asynchronous methods may be called from any task; a [`LogReader`] blocks and belongs to a
//! thread of its own.
//!
//! Promises, whichever implementation: the offsets of a partition grow by one with each record produced; a record is
//! read only after it is durable; an acknowledged record survives `kill -9` of this process; records of one partition
//! are read in the order of their offsets; a topic deleted and created again under the same name is another topic.

pub mod batch;
pub(crate) mod dummy;
pub mod embedded;
pub mod error;
mod packed;
pub mod partition;
pub mod reader;
pub mod record;
pub mod topic;

pub use crate::directory::DirectoryError;
pub use batch::{BatchReceipt, RecordBatch};
pub use embedded::{Durability, EmbeddedLog, EmbeddedOptions, Maintained};
pub use error::LogError;
pub use reader::{Fetched, LogReader, ReaderWaker};
pub use record::{Header, Headers, Receipt, Record, RecordRef, Records};
pub use topic::{Created, Offsets, TopicDescription, TopicId, TopicSpec};

/// A log of records, kept by one of its implementations. Clones share it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Log {
    /// Kept durably in this process.
    Embedded(EmbeddedLog),
}

impl From<EmbeddedLog> for Log {
    fn from(log: EmbeddedLog) -> Log {
        Log::Embedded(log)
    }
}

impl Log {
    /// Creates a topic. A topic that is there with the same number of partitions is left as it is; another number is
    /// [`LogError::PartitionsDiffer`].
    pub async fn create_topic(&self, spec: &TopicSpec) -> Result<Created, LogError> {
        match self {
            Log::Embedded(log) => log.create_topic(spec).await,
        }
    }

    /// All topics, by name.
    pub async fn topics(&self) -> Result<Vec<TopicDescription>, LogError> {
        match self {
            Log::Embedded(log) => log.topics(),
        }
    }

    /// One topic.
    pub async fn describe(&self, topic: &str) -> Result<TopicDescription, LogError> {
        match self {
            Log::Embedded(log) => log.describe(topic),
        }
    }

    /// Deletes a topic, its records and the offsets committed for it.
    pub async fn delete_topic(&self, topic: &str) -> Result<(), LogError> {
        match self {
            Log::Embedded(log) => log.delete_topic(topic).await,
        }
    }

    /// Appends one record and resolves when it is durable. Calls issued together are written together.
    pub async fn produce(&self, topic: &str, record: Record<'_>) -> Result<Receipt, LogError> {
        match self {
            Log::Embedded(log) => log.produce(topic, record).await,
        }
    }

    /// Appends a batch and resolves when all of it is durable. Either every record is written or none.
    pub async fn produce_batch(
        &self,
        topic: &str,
        batch: RecordBatch,
    ) -> Result<BatchReceipt, LogError> {
        match self {
            Log::Embedded(log) => log.produce_batch(topic, batch).await,
        }
    }

    /// The first offset still there and the one the next record will get.
    pub async fn offsets(&self, topic: &str, partition: i32) -> Result<Offsets, LogError> {
        match self {
            Log::Embedded(log) => log.offsets(topic, partition),
        }
    }

    /// Keeps the offset of the next record a consumer group will read.
    pub async fn commit(
        &self,
        group: &str,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<(), LogError> {
        self.commit_all(group, topic, &[(partition, offset)]).await
    }

    /// Keeps the offsets of several partitions, all or none.
    pub async fn commit_all(
        &self,
        group: &str,
        topic: &str,
        offsets: &[(i32, i64)],
    ) -> Result<(), LogError> {
        match self {
            Log::Embedded(log) => log.commit_all(group, topic, offsets).await,
        }
    }

    /// The offset a group committed, if it did.
    pub async fn committed(
        &self,
        group: &str,
        topic: &str,
        partition: i32,
    ) -> Result<Option<i64>, LogError> {
        match self {
            Log::Embedded(log) => log.committed(group, topic, partition),
        }
    }

    /// A reader of partitions from given offsets, each between the partition's start and end. It joins no group.
    pub fn reader(&self, topic: &str, from: &[(i32, i64)]) -> Result<LogReader, LogError> {
        match self {
            Log::Embedded(log) => log.reader(topic, from),
        }
    }

    /// Resolves when everything acknowledged is on the disk, whatever the durability chosen.
    pub async fn flush(&self) -> Result<(), LogError> {
        match self {
            Log::Embedded(log) => log.flush().await,
        }
    }

    /// Finishes what is in flight, flushes and lets go of the directory. Readers and later calls get
    /// [`LogError::Closed`]; closing again does nothing.
    pub async fn close(&self) -> Result<(), LogError> {
        match self {
            Log::Embedded(log) => log.close().await,
        }
    }
}
