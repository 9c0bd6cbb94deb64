//! What can go wrong in a log.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::topic::TopicId;
use crate::directory::DirectoryError;

/// An error of the storage below, kept as the source of ours.
pub type Source = Arc<dyn std::error::Error + Send + Sync>;

/// Why a log could not do what it was asked.
///
/// One failed write is told to everyone who waited for it, so errors can be cloned.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// There is no such topic.
    #[error("there is no topic `{topic}`: create it first")]
    UnknownTopic {
        /// The topic asked for.
        topic: String,
    },
    /// The topic has no such partition.
    #[error("topic `{topic}` has no partition {partition}: its partitions are 0 to {}", partitions.saturating_sub(1))]
    UnknownPartition {
        /// The topic.
        topic: String,
        /// The partition asked for.
        partition: i32,
        /// How many partitions the topic has.
        partitions: u32,
    },
    /// The topic's name or settings are not possible.
    #[error("the topic `{topic}` cannot be created: {defect}")]
    InvalidTopic {
        /// The topic.
        topic: String,
        /// What is wrong.
        defect: String,
    },
    /// The topic is there already, with another number of partitions.
    #[error(
        "topic `{topic}` has {existing} partitions, not {requested}: state the number it has, or delete it and create \
         it again"
    )]
    PartitionsDiffer {
        /// The topic.
        topic: String,
        /// The number it has.
        existing: u32,
        /// The number asked for.
        requested: u32,
    },
    /// The topic was deleted and created again since the reader was made: its offsets mean other records now.
    #[error(
        "topic `{topic}` was deleted and created again (id {was}, now {now}): read it again from its start"
    )]
    TopicRecreated {
        /// The topic.
        topic: String,
        /// The id it had.
        was: TopicId,
        /// The id it has now.
        now: TopicId,
    },
    /// The offset is below the start or above the end of the partition.
    #[error(
        "offset {offset} of topic `{topic}`, partition {partition}, is outside {start} to {end}: the records were \
         removed by retention, or the topic is not the one the offset came from"
    )]
    OffsetOutOfRange {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The offset asked for.
        offset: i64,
        /// The first offset there.
        start: i64,
        /// The offset the next record will get.
        end: i64,
    },
    /// A member of a consumer group wants to read or commit a partition it does not hold.
    #[error(
        "partition {partition} of topic `{topic}` is not held by this member of group `{group}`: whoever holds it reads it \
         again from the last committed offset, so drop what is left of it"
    )]
    NotHeld {
        /// The group.
        group: String,
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
    },
    /// A record cannot be written as it is.
    #[error("a record for topic `{topic}` cannot be written: {defect}")]
    InvalidRecord {
        /// The topic.
        topic: String,
        /// What is wrong.
        defect: String,
    },
    /// What is stored is damaged.
    #[error(
        "topic `{topic}`, partition {partition}, is damaged at offset {offset}: {what}; restore the log's directory \
         from a copy"
    )]
    CorruptRecords {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The first offset that cannot be read.
        offset: i64,
        /// What was found.
        what: String,
        /// What the storage said, if it was the storage that found it.
        #[source]
        source: Option<Source>,
    },
    /// The log's files are damaged.
    #[error("the log in {path} is damaged: {what}; restore the directory from a copy", path = path.display())]
    Corrupt {
        /// The log's directory.
        path: PathBuf,
        /// What was found.
        what: String,
        /// What the storage said, if it was the storage that found it.
        #[source]
        source: Option<Source>,
    },
    /// The directory cannot be used, or someone else does.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The storage below failed.
    #[error(
        "the log could not {action}: check the space and the rights of its directory, then open it again"
    )]
    Storage {
        /// What was attempted.
        action: &'static str,
        /// What the storage said.
        #[source]
        source: Source,
    },
    /// An earlier write failed. What it would have written is unknown, so nothing is written after it.
    #[error(
        "the log takes no more writes since one failed ({reason}): check the disk or the brokers, then open the log again"
    )]
    Poisoned {
        /// The failure.
        reason: String,
    },
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
    /// A setting of a Kafka client is not possible, or is not the user's to set.
    #[error("the setting `{setting}` cannot be used: {defect}")]
    InvalidSetting {
        /// The setting.
        setting: String,
        /// What is wrong with it. The value is not shown where it may be secret.
        defect: String,
    },
    /// No broker answered.
    #[error(
        "kafka at {bootstrap} could not be reached to {action}: check that a broker runs there, that its advertised \
         listeners can be reached from here, and the security settings"
    )]
    Unreachable {
        /// What was attempted.
        action: &'static str,
        /// The addresses.
        bootstrap: String,
        /// What the client said.
        #[source]
        source: Source,
    },
    /// A broker refused the credentials.
    #[error(
        "kafka at {bootstrap} refuses the credentials: check `security.protocol`, `sasl.mechanism`, `sasl.username` and \
         `sasl.password`"
    )]
    Unauthenticated {
        /// The addresses.
        bootstrap: String,
        /// What the broker said.
        #[source]
        source: Source,
    },
    /// The user may not do this.
    #[error("kafka does not allow this user to {action}: an ACL on {resource} must allow it")]
    Unauthorized {
        /// What was attempted.
        action: &'static str,
        /// What a right is missing on.
        resource: String,
        /// What the broker said.
        #[source]
        source: Source,
    },
    /// A broker refused for another reason.
    #[error(
        "kafka could not {action} (topic `{topic}`): {}",
        if *transient { "try again later" } else { "the broker's answer says why" }
    )]
    Refused {
        /// What was attempted.
        action: &'static str,
        /// The topic.
        topic: String,
        /// Whether it may go well later.
        transient: bool,
        /// What the broker said.
        #[source]
        source: Source,
    },
    /// A record is larger than the topic takes.
    #[error(
        "a record of {bytes} bytes is too large for topic `{topic}`: make it smaller, or raise the topic's \
         `max.message.bytes`"
    )]
    TooLarge {
        /// The topic.
        topic: String,
        /// The record's key and value; of a batch, its largest record.
        bytes: usize,
        /// What the broker said.
        #[source]
        source: Source,
    },
    /// A record was not acknowledged in time. It may have been written all the same.
    #[error(
        "a record for topic `{topic}` was not acknowledged within {after:?}: check the brokers; producing it again may \
         write it twice"
    )]
    NotAcknowledged {
        /// The topic.
        topic: String,
        /// The time it had.
        after: Duration,
        /// What the client said.
        #[source]
        source: Source,
    },
    /// A batch was written in part.
    #[error(
        "{acknowledged} of {records} records of a batch for topic `{topic}` were acknowledged, the others may be \
         missing: producing the batch again writes some of them twice"
    )]
    NotDelivered {
        /// The topic.
        topic: String,
        /// The records of the batch.
        records: usize,
        /// How many were acknowledged.
        acknowledged: usize,
        /// The first failure.
        #[source]
        source: Arc<LogError>,
    },
    /// Another instance of the application writes what queries make.
    #[error(
        "another instance of the application owns the queries now (topic `{topic}`): this one stands by until that one ends"
    )]
    NotOwner {
        /// The topic that elects the owner.
        topic: String,
    },
    /// The log was closed before everything was acknowledged.
    #[error(
        "{records} records were not acknowledged within {after:?} of closing the log and were given up: those who \
         waited for them got an error"
    )]
    GivenUp {
        /// How many.
        records: u64,
        /// The time they had.
        after: Duration,
    },
}

impl LogError {
    /// Whether waiting can cure it: brokers that come back, leaders that move, a disk that has room again.
    pub fn is_transient(&self) -> bool {
        match self {
            LogError::Storage { .. }
            | LogError::Unreachable { .. }
            | LogError::NotAcknowledged { .. }
            | LogError::NotOwner { .. } => true,
            LogError::Refused { transient, .. } => *transient,
            LogError::NotDelivered { source, .. } => source.is_transient(),
            LogError::UnknownTopic { .. }
            | LogError::UnknownPartition { .. }
            | LogError::InvalidTopic { .. }
            | LogError::PartitionsDiffer { .. }
            | LogError::TopicRecreated { .. }
            | LogError::OffsetOutOfRange { .. }
            | LogError::NotHeld { .. }
            | LogError::InvalidRecord { .. }
            | LogError::CorruptRecords { .. }
            | LogError::Corrupt { .. }
            | LogError::Directory(_)
            | LogError::Poisoned { .. }
            | LogError::Closed
            | LogError::InvalidSetting { .. }
            | LogError::Unauthenticated { .. }
            | LogError::Unauthorized { .. }
            | LogError::TooLarge { .. }
            | LogError::GivenUp { .. } => false,
        }
    }
}
