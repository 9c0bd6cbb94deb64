//! Everything a context is doing at one moment, as plain data that is also the JSON of the HTTP server.
//!
//! Invariant: it is gathered without asking a server, so that it answers while all of them are away.

use serde::Serialize;

use crate::consume::ConsumerState;

/// What a context is doing.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Overview {
    /// Its application id.
    pub application: String,
    /// Whether every table and query is RUNNING.
    pub ready: bool,
    /// Whether it was told to shut down.
    pub stopping: bool,
    /// Seconds since its start.
    pub uptime_seconds: f64,
    /// Where its topics are: `embedded` or `kafka`.
    pub log: &'static str,
    /// Tables and queries: queries in front, each behind those whose results it reads.
    pub bindings: Vec<Binding>,
    /// What runs handlers of records.
    pub consumers: Vec<Consumer>,
    /// Dead letters that this process wrote, by what they are.
    pub dead_letters: Vec<Letters>,
    /// The topic they are in.
    pub dead_letter_topic: String,
    /// How many records that topic holds, whoever wrote them and when: letters, and notes of those replayed or purged. Nothing
    /// where a server would have to be asked: on Kafka.
    pub dead_letter_records: Option<u64>,
    /// The stores of tables and queries.
    pub stores: Vec<StoreSize>,
    /// The database they lie in.
    pub state: StateDatabase,
    /// What Kafka's clients say of themselves.
    pub clients: Vec<Client>,
    /// The last errors of tables and queries, the newest first.
    pub errors: Vec<MetError>,
}

/// A table or a query.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Binding {
    /// The entity, or the query.
    pub name: String,
    /// `table` or `query`.
    pub kind: &'static str,
    /// The topic it reads, or the first of them.
    pub topic: String,
    /// The topics it writes; those of a query.
    pub results: Vec<String>,
    /// CREATED, REBALANCING, RUNNING, DISCONNECTED, ERROR or NOT_RUNNING.
    pub state: String,
    /// Why it ended, or what it waits for.
    pub error: Option<String>,
    /// Records still to read, over all partitions.
    pub lag: i64,
    /// Each partition of each topic it reads.
    pub partitions: Vec<Partition>,
    /// Records taken in since the start.
    pub read: u64,
    /// Those of them that were read to be ready.
    pub restored: u64,
    /// Seconds spent restoring, all times together.
    pub restoring_seconds: f64,
    /// How often it left RUNNING by an error.
    pub outages: u64,
    /// Records that were no rows and were left out, or their keys marked.
    pub unreadable: u64,
    /// Of a query: windows that were closed to a record that came too late.
    pub late: Option<u64>,
    /// Of a query: records left out for want of a key.
    pub keyless: Option<u64>,
    /// Of a query with windows: those that take rows still.
    pub open_windows: Option<u64>,
    /// Of a query: records stamped more than an hour ahead of the clock.
    pub future: Option<u64>,
    /// Of a query that ksqlDB runs: how often it was started again.
    pub restarts: Option<u64>,
}

/// A partition that a table or query reads.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Partition {
    /// The topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// The next offset that is read.
    pub position: i64,
    /// The offset that was the end at start.
    pub target: i64,
    /// The end as last seen.
    pub end: i64,
}

/// A consumer that calls a handler for each record.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Consumer {
    /// The entity.
    pub entity: String,
    /// The topic.
    pub topic: String,
    /// The consumer group.
    pub group: String,
    /// What it is at.
    pub state: String,
    /// What ended it.
    pub error: Option<String>,
    /// Records behind the ends of its partitions.
    pub lag: i64,
    /// Each partition it holds.
    pub partitions: Vec<ConsumerPartition>,
    /// What became of records, by name: `handled`, `skipped`, `dead_lettered` and so on.
    pub counts: Vec<(&'static str, u64)>,
}

/// A partition that a consumer holds.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct ConsumerPartition {
    /// Its number.
    pub partition: i32,
    /// Everything before it is finished.
    pub position: i64,
    /// The end as last seen.
    pub end: i64,
}

/// Dead letters of one kind.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Letters {
    /// The entity.
    pub entity: String,
    /// What failed: `handler`, `value-decode` and so on.
    pub stage: &'static str,
    /// The stable code of the error.
    pub class: String,
    /// How many.
    pub count: u64,
}

/// A store of a table or a query.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct StoreSize {
    /// Its name.
    pub store: String,
    /// Bytes in files.
    pub disk_bytes: u64,
    /// Bytes of rows not flushed yet.
    pub memory_bytes: u64,
    /// Rows, as RocksDB estimates them. A query's groups with all their windows are one.
    pub rows: u64,
}

/// The one database of all stores.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct StateDatabase {
    /// Batches of rows written.
    pub writes: u64,
    /// Seconds that took.
    pub write_seconds: f64,
    /// Flushes.
    pub flushes: u64,
    /// Seconds they took.
    pub flush_seconds: f64,
    /// Seconds for which RocksDB held up writers.
    pub stall_seconds: f64,
}

/// A client of Kafka, as its library counts.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Client {
    /// Its name: the client id and a number.
    pub client: String,
    /// `producer` or `consumer`.
    pub kind: String,
    /// Records sent to brokers.
    pub sent_records: u64,
    /// Bytes of them.
    pub sent_bytes: u64,
    /// Records got from brokers.
    pub received_records: u64,
    /// Bytes of them.
    pub received_bytes: u64,
    /// Records waiting to be sent.
    pub queued_records: u64,
    /// Requests to brokers that ended without an answer in time.
    pub timeouts: u64,
    /// Requests that failed, sending or receiving.
    pub failures: u64,
    /// Times a connection to a broker was lost.
    pub disconnects: u64,
    /// The mean time until brokers answer, of the slowest one, in seconds.
    pub round_trip_seconds: f64,
}

/// An error that a table or query met.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct MetError {
    /// The entity or query.
    pub name: String,
    /// `table` or `query`.
    pub kind: &'static str,
    /// The topic.
    pub topic: String,
    /// The state it went into.
    pub state: String,
    /// How many seconds ago.
    pub age_seconds: f64,
    /// What was said.
    pub error: String,
}

impl Overview {
    /// Why it is not ready; empty where it is.
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.stopping {
            reasons.push("the context is shutting down".to_owned());
        }
        for binding in self.bindings.iter().filter(|b| b.state != "RUNNING") {
            let error = binding.error.as_ref();
            reasons.push(format!(
                "{} `{}` of topic `{}` is {}, lag {}{}",
                binding.kind,
                binding.name,
                binding.topic,
                binding.state,
                binding.lag,
                error.map(|error| format!(": {error}")).unwrap_or_default()
            ));
        }
        reasons
    }

    /// Consumers that ended by an error.
    pub fn failed_consumers(&self) -> impl Iterator<Item = &Consumer> {
        let failed = ConsumerState::Failed.to_string();
        self.consumers.iter().filter(move |one| one.state == failed)
    }

    /// What ended by an error that no waiting cures.
    pub fn failed(&self) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(|b| b.state == "ERROR")
    }
}

impl Binding {
    /// Records read a second while restoring; nothing where it did not restore.
    pub fn restore_rate(&self) -> Option<f64> {
        (self.restoring_seconds > 0.0 && self.restored > 0)
            .then(|| self.restored as f64 / self.restoring_seconds)
    }
}
