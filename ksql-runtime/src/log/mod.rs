//! Bytes in, bytes out: topics, partitions, offsets.
//!
//! A [`Log`] holds records of bytes under topic names and knows no entity. One set of methods serves both
//! implementations: the [`embedded`] one in this process and `kafka`, a cluster; an enum and no trait objects, so nothing
//! is boxed per record. The asynchronous methods may be called from any task; a [`LogReader`] blocks and belongs to a
//! thread of its own.
//!
//! Promises, whichever implementation: the offsets of a partition grow with each record produced, by one where nobody
//! writes transactions; a record is read only after it is durable; an acknowledged record survives `kill -9` of this
//! process; records of one partition are read in the order of their offsets; a topic deleted and created again under the
//! same name is another topic. Timestamps lie between 1970 and an hour from now: brokers refuse others by default.

#[cfg(not(feature = "kafka"))]
mod alone;
pub mod batch;
pub(crate) mod client_settings;
pub(crate) mod dummy;
pub mod embedded;
pub mod error;
pub(crate) mod event;
pub mod group;
#[cfg(feature = "kafka")]
pub mod kafka;
mod packed;
pub mod partition;
pub mod reader;
pub mod record;
pub(crate) mod several;
#[cfg(test)]
pub(crate) mod testing;
pub mod topic;

pub use crate::directory::DirectoryError;
#[cfg(not(feature = "kafka"))]
pub(crate) use alone::{Ownership, Turn, Writer};
pub use batch::{BatchReceipt, RecordBatch};
pub use embedded::{Durability, EmbeddedLog, EmbeddedOptions, Maintained};
pub use error::LogError;
pub(crate) use event::Event;
pub use group::{Assigned, GroupReader, Membership, Polled, Start, WhenOffsetGone};
#[cfg(feature = "kafka")]
pub use kafka::{KafkaLog, KafkaOptions};
#[cfg(feature = "kafka")]
pub(crate) use kafka::{Ownership, Turn, Writer};
pub(crate) use reader::Place;
pub use reader::{Fetched, LogReader, ReaderWaker};
pub use record::{Header, Headers, Receipt, Record, RecordRef, Records};
pub(crate) use several::SeveralReader;
pub use topic::{Created, Offsets, TopicChange, TopicDescription, TopicId, TopicSpec};

/// A log of records, kept by one of its implementations. Clones share it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Log {
    /// Kept durably in this process.
    Embedded(EmbeddedLog),
    /// Kept by a Kafka cluster.
    #[cfg(feature = "kafka")]
    Kafka(KafkaLog),
}

impl From<EmbeddedLog> for Log {
    fn from(log: EmbeddedLog) -> Log {
        Log::Embedded(log)
    }
}

#[cfg(feature = "kafka")]
impl From<KafkaLog> for Log {
    fn from(log: KafkaLog) -> Log {
        Log::Kafka(log)
    }
}

impl Log {
    /// Whether other programs write to it too: their records may lie where ours never would.
    pub fn is_shared(&self) -> bool {
        match self {
            Log::Embedded(_) => false,
            #[cfg(feature = "kafka")]
            Log::Kafka(_) => true,
        }
    }

    /// Creates a topic. A topic that is there with the same number of partitions is left as it is; another number is
    /// [`LogError::PartitionsDiffer`].
    pub async fn create_topic(&self, spec: &TopicSpec) -> Result<Created, LogError> {
        match self {
            Log::Embedded(log) => log.create_topic(spec).await,
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.create_topic(spec).await,
        }
    }

    /// As [`Log::create_topic`], of a topic whose records get the time of their arrival where the log can: a broker gives
    /// it itself.
    pub(crate) async fn create_topic_stamping(
        &self,
        spec: &TopicSpec,
    ) -> Result<Created, LogError> {
        match self {
            Log::Embedded(log) => log.create_topic(spec).await,
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.create_topic_stamping(spec).await,
        }
    }

    /// What the timestamps of a topic's records mean, in Kafka's words: `CreateTime`, or `LogAppendTime`.
    pub(crate) async fn timestamp_type(&self, topic: &str) -> Result<&'static str, LogError> {
        match self {
            Log::Embedded(log) => log.describe(topic).map(|_| "CreateTime"),
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.timestamp_type(topic).await,
        }
    }

    /// Removes the records of a partition before an offset, which may be its end and no more. False where the topic's
    /// cleanup policy does not let records be removed from the front.
    pub(crate) async fn remove_before(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<bool, LogError> {
        match self {
            Log::Embedded(log) => log.remove_before(topic, partition, offset).await,
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.remove_before(topic, partition, offset).await,
        }
    }

    /// All topics, by name.
    pub async fn topics(&self) -> Result<Vec<TopicDescription>, LogError> {
        match self {
            Log::Embedded(log) => log.topics(),
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.topics().await,
        }
    }

    /// One topic.
    pub async fn describe(&self, topic: &str) -> Result<TopicDescription, LogError> {
        match self {
            Log::Embedded(log) => log.describe(topic),
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.describe(topic).await,
        }
    }

    /// As [`Log::describe`], for who asks again: waits no longer for an answer than a reader does.
    pub(crate) async fn describe_soon(&self, topic: &str) -> Result<TopicDescription, LogError> {
        match self {
            Log::Embedded(log) => log.describe(topic),
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.describe_soon(topic).await,
        }
    }

    /// Changes settings of a topic and leaves the others, and its records, as they are.
    pub async fn alter_topic(&self, topic: &str, change: &TopicChange) -> Result<(), LogError> {
        match self {
            Log::Embedded(log) => log.alter_topic(topic, change).await,
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.alter_topic(topic, change).await,
        }
    }

    /// Deletes a topic, its records and the offsets committed for it.
    pub async fn delete_topic(&self, topic: &str) -> Result<(), LogError> {
        match self {
            Log::Embedded(log) => log.delete_topic(topic).await,
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.delete_topic(topic).await,
        }
    }

    /// Appends one record and resolves when it is durable. Calls issued together are written together.
    pub async fn produce(&self, topic: &str, record: Record<'_>) -> Result<Receipt, LogError> {
        match self {
            Log::Embedded(log) => log.produce(topic, record).await,
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.produce(topic, record).await,
        }
    }

    /// Appends a batch and resolves when all of it is durable. A batch with a record that cannot be written is refused as
    /// a whole, before anything is written. In this process a batch is written whole or not at all; on Kafka a failure on
    /// the way may leave a part of it, and [`LogError::NotDelivered`] says how many records were acknowledged.
    pub async fn produce_batch(
        &self,
        topic: &str,
        batch: RecordBatch,
    ) -> Result<BatchReceipt, LogError> {
        match self {
            Log::Embedded(log) => log.produce_batch(topic, batch).await,
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.produce_batch(topic, batch).await,
        }
    }

    /// The first offset still there and the end: the one the next record will get, or where an open transaction begins.
    pub async fn offsets(&self, topic: &str, partition: i32) -> Result<Offsets, LogError> {
        match self {
            Log::Embedded(log) => log.offsets(topic, partition),
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.offsets(topic, partition).await,
        }
    }

    /// Start and end of all partitions, in their order.
    pub async fn all_offsets(&self, topic: &str) -> Result<Vec<Offsets>, LogError> {
        match self {
            Log::Embedded(log) => {
                let partitions = log.describe(topic)?.partitions.cast_signed();
                (0..partitions)
                    .map(|partition| log.offsets(topic, partition))
                    .collect()
            }
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.all_offsets(topic).await,
        }
    }

    /// As [`Log::all_offsets`], with the end behind everything that was written: what a transaction wrote lies before it while
    /// it is open, and while brokers are still told that it was committed.
    pub(crate) async fn all_written(&self, topic: &str) -> Result<Vec<Offsets>, LogError> {
        match self {
            Log::Embedded(_) => self.all_offsets(topic).await,
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.all_written(topic).await,
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
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.commit_all(group, topic, offsets).await,
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
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.committed(group, topic, partition).await,
        }
    }

    /// A reader of partitions from given offsets, each between the partition's start and end. It joins no group. Blocks
    /// while a cluster is asked.
    pub fn reader(&self, topic: &str, from: &[(i32, i64)]) -> Result<LogReader, LogError> {
        match self {
            Log::Embedded(log) => log.reader(topic, from),
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.reader(topic, from),
        }
    }

    /// Resolves when everything acknowledged is on the disk, whatever the durability chosen.
    pub async fn flush(&self) -> Result<(), LogError> {
        match self {
            Log::Embedded(log) => log.flush().await,
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.flush().await,
        }
    }

    /// Finishes what is in flight, flushes and lets go of the directory or the connections. Readers and later calls get
    /// [`LogError::Closed`]; closing again does nothing.
    pub async fn close(&self) -> Result<(), LogError> {
        self.close_after(std::time::Duration::ZERO).await
    }

    /// As [`Log::close`], by a caller who has waited for what is in flight so long already.
    #[cfg_attr(
        not(feature = "kafka"),
        allow(unused_variables, reason = "only a broker is waited for")
    )]
    pub(crate) async fn close_after(&self, waited: std::time::Duration) -> Result<(), LogError> {
        match self {
            Log::Embedded(log) => log.close().await,
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.close_after(waited).await,
        }
    }
}
