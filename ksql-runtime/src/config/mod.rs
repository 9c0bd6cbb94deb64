//! One typed configuration: defaults, a TOML file, the environment, code, in rising order.
//!
//! Invariant: every key is in the one table of the `keys` module; what a file or the environment says goes through it,
//! so that an unknown key names the nearest known one wherever it stands. Read once, when a context starts.

mod check;
mod cluster;
mod environment;
mod keys;
mod librdkafka;
mod source;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use cluster::{ClientSettings, Cluster, Credentials, Engine, OnDrift, WarmUp};

pub use crate::log::{Durability, Start};
pub use crate::registry::Compatibility;
pub use crate::state::{OnPoison, StateDurability};

/// What a program can choose. Fields have the names of the keys; those of the cluster stand in [`Cluster`].
///
/// ```
/// use ksql_runtime::prelude::*;
///
/// let mut config = Config::default();
/// config.state_dir = "data".into();
/// config.set("entity.Flight.partitions", "4")?;
/// assert_eq!(config.set("partitons", "4").unwrap_err().to_string(), "there is no setting `partitons`: did you mean `partitions`?");
/// # Ok::<(), ksql_runtime::config::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Names the application: in its logs, where the span `start` carries it; as `client.id` on Kafka; in the names of
    /// consumer groups. Default: `KsqlDsl`.
    pub application_id: String,
    /// Where log and state live. Default: `rocksdb`.
    pub state_dir: PathBuf,
    /// Memory for log and tables together, in bytes: caches, buffers and what is gathered while tables restore. Rows of
    /// `cache_rows` and `cached_results` come on top. Default: 256 MiB. Minimum: 32 MiB.
    pub memory: usize,
    /// What an acknowledged record survives. Default: the end of the process.
    pub log_durability: Durability,
    /// Whether tables have a write-ahead log of their own. Default: no, they are read again from the topic.
    pub state_durability: StateDurability,
    /// How often tables are flushed, so that less is read again after a crash. Default: 30 s.
    pub flush_interval: Duration,
    /// How often retention and compaction of the embedded log run. Default: 1 min.
    pub maintenance_interval: Duration,
    /// Whether start waits until every table is ready. Default: yes.
    pub wait_for_ready: bool,
    /// How long start waits for that. Default: 60 s.
    pub ready_timeout: Duration,
    /// Put before every topic name. Default: nothing.
    pub topic_prefix: String,
    /// Partitions of topics that state none. Default: 1.
    pub partitions: u32,
    /// Copies of topics that state none. Default: 1.
    pub replication: u16,
    /// Which earlier schemas a new one must fit. Default: `BACKWARD`.
    pub compatibility: Compatibility,
    /// The topic of dead letters, behind `topic_prefix` as every topic. Default: `system.dlq`.
    pub dlq_topic: String,
    /// Its partitions, where it is not there yet. Default: 1.
    pub dlq_partitions: u32,
    /// How long it keeps letters; nothing is for ever. Default: 14 days.
    pub dlq_retention: Option<Duration>,
    /// What a table does with a record that is no row. Default: it stops.
    pub on_poison: OnPoison,
    /// Where handlers of a group begin that has committed nothing. Default: at the end.
    pub consume_from: Start,
    /// Whether a damaged state is removed and read again from the topics. Default: no.
    pub rebuild_on_corruption: bool,
    /// Whether a table whose topic was truncated or created again is read again. Default: no.
    pub rebuild_on_truncation: bool,
    /// The first wait after a transport error. Default: 100 ms.
    pub retry_first: Duration,
    /// The longest wait between attempts. Default: 30 s.
    pub retry_longest: Duration,
    /// How many attempts there are in a row. Default: no end.
    pub retries: Option<u32>,
    /// Rows kept decoded-ready in memory in front of each table. Default: 0, RocksDB's block cache does.
    pub cache_rows: usize,
    /// Rows of all results together that reads with `cached` keep. Default: 100,000.
    pub cached_results: usize,
    /// Where to listen for HTTP: health, readiness, metrics, a page about the state. Default: nowhere.
    pub http_listen: Option<SocketAddr>,
    /// Whether `http_listen` may be an address that other machines reach. Default: no, nothing asks for a password there.
    pub http_public: bool,
    /// Kafka, registry and ksqlDB. Default: none of them, everything runs in this process.
    pub cluster: Cluster,
    /// What holds for one entity, by its name.
    pub entity: BTreeMap<String, EntityConfig>,
}

/// What can be chosen for one entity; what is not chosen is as the definition or the configuration says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EntityConfig {
    /// Partitions of the topic.
    pub partitions: Option<u32>,
    /// Copies of the topic.
    pub replication: Option<u16>,
    /// How long the topic keeps records, in milliseconds; -1 for ever.
    pub retention_ms: Option<i64>,
    /// Which earlier schemas a new one must fit.
    pub compatibility: Option<Compatibility>,
    /// Whether the table is kept in RocksDB and can be read. Default: yes.
    pub cached: Option<bool>,
    /// Rows kept in memory in front of the table.
    pub cache_rows: Option<usize>,
    /// What the table does with a record that is no row.
    pub on_poison: Option<OnPoison>,
    /// Where handlers of a group begin that has committed nothing.
    pub consume_from: Option<Start>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            application_id: "KsqlDsl".to_owned(),
            state_dir: PathBuf::from("rocksdb"),
            memory: 256 * 1024 * 1024,
            log_durability: Durability::default(),
            state_durability: StateDurability::default(),
            flush_interval: Duration::from_secs(30),
            maintenance_interval: Duration::from_secs(60),
            wait_for_ready: true,
            ready_timeout: Duration::from_secs(60),
            topic_prefix: String::new(),
            partitions: 1,
            replication: 1,
            compatibility: Compatibility::default(),
            dlq_topic: "system.dlq".to_owned(),
            dlq_partitions: 1,
            dlq_retention: Some(Duration::from_secs(14 * 24 * 60 * 60)),
            on_poison: OnPoison::default(),
            consume_from: Start::default(),
            rebuild_on_corruption: false,
            rebuild_on_truncation: false,
            retry_first: Duration::from_millis(100),
            retry_longest: Duration::from_secs(30),
            retries: None,
            cache_rows: 0,
            cached_results: 100_000,
            http_listen: None,
            http_public: false,
            cluster: Cluster::default(),
            entity: BTreeMap::new(),
        }
    }
}

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No such key.
    #[error("there is no setting `{key}`{}", nearest.as_ref().map(|nearest| format!(": did you mean `{nearest}`?")).unwrap_or_default())]
    UnknownKey {
        /// The key.
        key: String,
        /// The nearest known one.
        nearest: Option<String>,
    },
    /// No such value.
    #[error("setting `{key}` cannot be `{value}`: {expected}")]
    InvalidValue {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// A setting of Kafka's clients that is not the user's to choose.
    #[error("setting `{key}` cannot be chosen: {reason}; remove it")]
    Owned {
        /// The key.
        key: String,
        /// Why.
        reason: &'static str,
    },
    /// Settings that do not go together.
    #[error("the settings contradict each other: {what}; {cure}")]
    Contradiction {
        /// Which.
        what: String,
        /// What to do.
        cure: String,
    },
    /// Settings for an entity the context does not have.
    #[error("there are settings for the entity `{entity}`, and the context has {known}")]
    UnknownEntity {
        /// The entity.
        entity: String,
        /// The entities there are.
        known: String,
    },
    /// Settings for one entity under two names.
    #[error(
        "`{one}` and `{other}` are settings for the same entity: put them together under one name"
    )]
    TwoNames {
        /// A name.
        one: String,
        /// The same in other letters.
        other: String,
    },
    /// The file cannot be read.
    #[error("the configuration file {path} cannot be read: {reason}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}
