//! What a topic is: its name, its settings, its identity, its offsets.

use std::fmt;
use std::sync::Arc;

use ksql_schema::model::Cleanup;
use uuid::Uuid;

/// The topic to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// The name.
    pub name: String,
    /// Partitions. Default: 1. Minimum: 1.
    pub partitions: u32,
    /// Copies on different brokers; the embedded log keeps one whatever stands here. Default: 1. Three is usual where
    /// there are three brokers.
    pub replication: u16,
    /// What happens to old records. Default: they are deleted after the retention.
    pub cleanup: Cleanup,
    /// How long records stay where `cleanup` deletes, measured by their timestamps. Default: for ever.
    pub retention_ms: Option<u64>,
    /// How many bytes of a partition stay where `cleanup` deletes. Default: all.
    pub retention_bytes: Option<u64>,
    /// How long a tombstone stays after the first compaction that met it, for readers that come by. Default: a day.
    pub delete_retention_ms: u64,
}

impl TopicSpec {
    /// Kafka's default time a tombstone stays.
    pub const DELETE_RETENTION_MS: u64 = 24 * 60 * 60 * 1000;

    /// A topic with the defaults.
    pub fn new(name: impl Into<String>, partitions: u32) -> TopicSpec {
        TopicSpec {
            name: name.into(),
            partitions,
            replication: 1,
            cleanup: Cleanup::Delete,
            retention_ms: None,
            retention_bytes: None,
            delete_retention_ms: Self::DELETE_RETENTION_MS,
        }
    }

    /// The same topic, compacted: the latest record of each key stays.
    #[must_use]
    pub fn compacted(mut self) -> TopicSpec {
        self.cleanup = Cleanup::Compact;
        self
    }

    /// The same topic with records deleted when they are older than this.
    #[must_use]
    pub fn retention_ms(mut self, retention_ms: u64) -> TopicSpec {
        self.retention_ms = Some(retention_ms);
        self
    }

    /// What makes the topic impossible, if anything.
    pub(crate) fn defect(&self) -> Option<String> {
        if let Some(defect) = ksql_schema::names::topic_defect(&self.name) {
            return Some(defect);
        }
        if self.partitions == 0 {
            return Some("a topic has at least one partition".to_owned());
        }
        if i32::try_from(self.partitions).is_err() {
            return Some(format!(
                "{} partitions are more than {}",
                self.partitions,
                i32::MAX
            ));
        }
        if self.replication == 0 {
            return Some("a topic has at least one copy (replication)".to_owned());
        }
        None
    }
}

/// What to change of a topic; nothing is changed that is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TopicChange {
    /// What happens to old records. Default: unchanged.
    pub cleanup: Option<Cleanup>,
    /// How long records stay; `Some(None)` is for ever. Default: unchanged.
    pub retention_ms: Option<Option<u64>>,
    /// How many bytes of a partition stay; `Some(None)` is all. Default: unchanged.
    pub retention_bytes: Option<Option<u64>>,
    /// How long a tombstone stays. Default: unchanged.
    pub delete_retention_ms: Option<u64>,
}

impl TopicChange {
    /// The settings with the change.
    pub(crate) fn apply(&self, spec: &mut TopicSpec) {
        let TopicChange {
            cleanup,
            retention_ms,
            retention_bytes,
            delete_retention_ms,
        } = *self;
        spec.cleanup = cleanup.unwrap_or(spec.cleanup);
        spec.retention_ms = retention_ms.unwrap_or(spec.retention_ms);
        spec.retention_bytes = retention_bytes.unwrap_or(spec.retention_bytes);
        spec.delete_retention_ms = delete_retention_ms.unwrap_or(spec.delete_retention_ms);
    }
}

/// The identity of a topic: another one each time a topic is created, whatever its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicId(Uuid);

impl TopicId {
    pub(crate) fn random() -> TopicId {
        TopicId(Uuid::new_v4())
    }

    /// The id in its text form, as [`Display`](fmt::Display) writes it.
    pub(crate) fn parse(text: &str) -> Option<TopicId> {
        Uuid::parse_str(text).ok().map(TopicId)
    }

    /// The bytes, to be kept beside stored offsets.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id with these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> TopicId {
        TopicId(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A topic that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicDescription {
    /// The name.
    pub name: Arc<str>,
    /// Which topic of this name.
    pub id: TopicId,
    /// How many partitions it has.
    pub partitions: u32,
    /// Its settings as they are.
    pub spec: TopicSpec,
}

/// What `create_topic` found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// The topic is new.
    New(TopicDescription),
    /// It was there already and is unchanged.
    Existed(TopicDescription),
}

impl Created {
    /// The topic.
    pub fn topic(&self) -> &TopicDescription {
        match self {
            Created::New(topic) | Created::Existed(topic) => topic,
        }
    }

    /// Whether it was created just now.
    pub fn is_new(&self) -> bool {
        matches!(self, Created::New(_))
    }
}

/// Where a partition begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offsets {
    /// The first offset that can be read.
    pub start: i64,
    /// The offset the next record will get; on Kafka the first one of a transaction that is still open.
    pub end: i64,
    /// Who stopped reading before this offset and goes on may miss deletions: compaction has removed tombstones from
    /// before it. Reading from the start misses none. 0 where there are none, or the log cannot say.
    pub resume_from: i64,
}
