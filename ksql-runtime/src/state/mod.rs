//! Tables in RocksDB: stores, bindings, readiness.
//!
//! A `Table` is one entity's store with the thread that fills it from its topic (its *binding*). State and offsets
//! cannot disagree, see the store's module; nothing answers before the offsets frozen at start are reached. Bytes only
//! but for the one generic step that makes a record a row.

mod binding;
mod cache;
mod counts;
mod expiry;
mod gathered;
#[cfg(all(test, feature = "kafka"))]
mod outage;
mod plan;
mod progress;
mod record;
mod rows;
mod sizes;
mod status;
mod store;
mod table;
mod topics;
mod work;

use std::path::PathBuf;
use std::sync::Arc;

pub(crate) use cache::RowCache;
pub use counts::BindingKind;
#[cfg(feature = "kafka")]
pub(crate) use counts::Counts;
pub(crate) use counts::Met;
pub(crate) use expiry::Expiry;
pub(crate) use progress::Progress;
pub(crate) use record::{Decoder, Origin, POISON, ROW, Refusal};
pub(crate) use rows::{Bounds, scan};
pub(crate) use sizes::{Size, Timed};
pub use status::{Event, Lag, State, Status};
pub use store::StateDurability;
pub(crate) use store::{Store, StoreOptions, family};
pub(crate) use table::{Settings, Table};
pub(crate) use topics::Topics;
pub(crate) use work::Work;

use crate::log::LogError;

/// What a table does with a record that is no row of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnPoison {
    /// The table stops in the state ERROR, naming the record. The default: skipping would leave the old value readable.
    #[default]
    Stop,
    /// The key is marked: reading it is an error that names the record, all other keys are served.
    Mark,
}

/// What goes wrong in a table.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The state is damaged.
    #[error("the state in {path} is corrupt: {what}; set `rebuild_on_corruption` to read it again from the topics", path = path.display())]
    Corrupt {
        /// Where it lies.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The disk or RocksDB failed.
    #[error("the state in {path} could not {action}: check the space and the rights of the directory, then start again", path = path.display())]
    Storage {
        /// Where it lies.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The cause.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// An earlier write failed.
    #[error("the state in {path} takes no more writes since {reason}: start again", path = path.display())]
    PoisonedStore {
        /// Where it lies.
        path: PathBuf,
        /// What failed.
        reason: String,
    },
    /// The context was shut down.
    #[error("the state in {path} is closed: the context was shut down", path = path.display())]
    Closed {
        /// Where it lies.
        path: PathBuf,
    },
    /// A query that ksqlDB runs does not run.
    #[error("{reason}")]
    KsqlDb {
        /// What is wrong, naming the query, and what to do.
        reason: String,
    },
    /// A store that was never opened.
    #[error("there is no store `{store}`")]
    NoStore {
        /// Its name.
        store: String,
    },
    /// The topic was cut off behind the stored offset, or deleted and created again.
    #[error(
        "the table of topic `{topic}` stands at offset {stored} of partition {partition}, and the topic has {start} to {end}: it was truncated or re-created; set `rebuild_on_truncation` to read it again"
    )]
    Truncated {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// Where the table stands.
        stored: i64,
        /// The topic's first offset.
        start: i64,
        /// The topic's end.
        end: i64,
    },
    /// Another topic than the one that was read: of the same name, or the name has changed.
    #[error(
        "the topic `{topic}` is not the one that the table was written from: it was deleted and created again, or has another name than it had, such as by another `topic_prefix`; set `rebuild_on_truncation` to read it again, or a `state_dir` for each"
    )]
    Recreated {
        /// The topic.
        topic: String,
    },
    /// A record that is no row.
    #[error(
        "topic `{topic}`, partition {partition}, offset {offset}: {reason}; the table stops so that no old value is taken for the current one (set `on_poison = \"mark\"` to serve the other keys)"
    )]
    Poison {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The offset.
        offset: i64,
        /// Why it is none.
        reason: String,
    },
    /// A record that is no row of what a query reads.
    #[error(
        "topic `{topic}`, partition {partition}, offset {offset}: {reason}; the query `{query}` stops so that no result is made without it (set `on_poison = \"mark\"` to leave such records out)"
    )]
    Unreadable {
        /// The query.
        query: &'static str,
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The offset.
        offset: i64,
        /// Why it is none.
        reason: String,
    },
    /// What a query makes of a record cannot be kept or written.
    #[error(
        "the query `{query}` stops at topic `{topic}`, partition {partition}, offset {offset}: {reason}"
    )]
    Result {
        /// The query.
        query: &'static str,
        /// The topic it reads.
        topic: String,
        /// The partition.
        partition: i32,
        /// The offset.
        offset: i64,
        /// What cannot be, and what would be right.
        reason: String,
    },
    /// A group's result cannot be written.
    #[error("the query `{query}` stops at the result of a group: {reason}")]
    Unwritable {
        /// The query.
        query: &'static str,
        /// What cannot be, and what would be right.
        reason: String,
    },
    /// Results could not be written.
    #[error("the query `{query}` cannot write to topic `{topic}`")]
    Output {
        /// The query.
        query: &'static str,
        /// The topic.
        topic: String,
        /// The cause.
        #[source]
        source: Box<LogError>,
    },
    /// The log failed.
    #[error("topic `{topic}` cannot be read")]
    Log {
        /// The topic.
        topic: String,
        /// The cause.
        #[source]
        source: LogError,
    },
    /// The registry did not say what records were written with. They may be rows.
    #[error("topic `{topic}` cannot be read, for want of the schema {id} of its records: {source}")]
    Registry {
        /// The topic.
        topic: String,
        /// The schema's id.
        id: u32,
        /// What the registry said.
        #[source]
        source: crate::registry::RegistryError,
    },
    /// A thread ended by a defect.
    #[error("the binding of topic `{topic}` ended unexpectedly: {reason}; please report it")]
    Defect {
        /// The topic.
        topic: String,
        /// What it said.
        reason: String,
    },
}

impl StateError {
    /// What an error of the log means for the table of a topic.
    pub(crate) fn of_log(topic: &str, source: LogError) -> StateError {
        let topic = topic.to_owned();
        match source {
            LogError::OffsetOutOfRange {
                partition,
                offset,
                start,
                end,
                ..
            } => StateError::Truncated {
                topic,
                partition,
                stored: offset,
                start,
                end,
            },
            LogError::TopicRecreated { .. } => StateError::Recreated { topic },
            source => StateError::Log { topic, source },
        }
    }

    /// Whether another instance owns the query.
    fn is_not_owner(&self) -> bool {
        match self {
            StateError::Log { source, .. } => matches!(source, LogError::NotOwner { .. }),
            StateError::Output { source, .. } => matches!(**source, LogError::NotOwner { .. }),
            _ => false,
        }
    }

    /// Whether the topic is not any more the one the rows came from, so that only reading it again helps.
    fn is_lost_topic(&self) -> bool {
        matches!(
            self,
            StateError::Truncated { .. } | StateError::Recreated { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::TopicId;

    #[test]
    fn what_a_reader_says_of_a_lost_topic_is_what_a_start_says_of_it() {
        let cut_off = StateError::of_log(
            "stock",
            LogError::OffsetOutOfRange {
                topic: "stock".to_owned(),
                partition: 2,
                offset: 7,
                start: 9,
                end: 12,
            },
        );
        assert!(
            matches!(
                &cut_off,
                StateError::Truncated {
                    partition: 2,
                    stored: 7,
                    start: 9,
                    end: 12,
                    ..
                }
            ),
            "{cut_off:?}"
        );
        let id = TopicId::from_bytes([7; 16]);
        let again = StateError::of_log(
            "stock",
            LogError::TopicRecreated {
                topic: "stock".to_owned(),
                was: id,
                now: id,
            },
        );
        assert!(matches!(again, StateError::Recreated { .. }), "{again:?}");
        assert!(cut_off.is_lost_topic() && again.is_lost_topic());
        let other = StateError::of_log("stock", LogError::Closed);
        assert!(!other.is_lost_topic(), "{other:?}");
    }
}
