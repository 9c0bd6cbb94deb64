//! The metrics: one table of names, and their values out of an overview. Pure.
//!
//! Names follow Prometheus: the unit is in the name, what only grows ends in `_total`, durations are in seconds. The page about
//! operation lists the same table, held by a test.

use super::{Binding, Overview};

/// What a metric does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows while the program runs.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub kind: MetricKind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

/// A value of a metric.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Sample {
    /// The metric.
    pub metric: &'static Metric,
    /// The values of its labels, in their order.
    pub labels: Vec<String>,
    /// The value.
    pub value: f64,
}

const NONE: &[&str] = &[];
const BINDING: &[&str] = &["kind", "name", "topic"];
const STATE: &[&str] = &["kind", "name", "topic", "state"];
const PARTITION: &[&str] = &["kind", "name", "topic", "partition"];
const QUERY: &[&str] = &["name"];
const STORE: &[&str] = &["store"];
const CLIENT: &[&str] = &["client", "kind"];
const CONSUMER: &[&str] = &["entity", "group", "topic", "partition"];
const LETTERS: &[&str] = &["entity", "stage", "class"];
const OUTCOME: &[&str] = &["entity", "group", "outcome"];

macro_rules! metrics {
    ($($id:ident $kind:ident $name:literal $labels:ident $help:literal,)*) => {
        /// Where a metric stands in the table.
        #[derive(Clone, Copy)]
        enum Id {
            $($id,)*
        }

        impl Id {
            fn metric(self) -> &'static Metric {
                match self {
                    $(Id::$id => {
                        const METRIC: &Metric =
                            &Metric { name: $name, kind: MetricKind::$kind, labels: $labels, help: $help };
                        METRIC
                    })*
                }
            }
        }

        /// Every metric there is.
        pub const METRICS: &[Metric] = &[
            $(Metric { name: $name, kind: MetricKind::$kind, labels: $labels, help: $help },)*
        ];
    };
}

metrics! {
    Ready Gauge "ksql_ready" NONE "1 where every table and query is RUNNING, else 0",
    Uptime Gauge "ksql_uptime_seconds" NONE "time since the start",
    State Gauge "ksql_state" STATE "1 for the state a table or query is in, 0 for the others",
    Lag Gauge "ksql_lag_records" PARTITION "records of a partition still to read",
    Position Gauge "ksql_position_offset" PARTITION "the next offset of a partition that is read",
    End Gauge "ksql_end_offset" PARTITION "the end of a partition as last seen",
    Read Counter "ksql_read_records_total" BINDING "records taken in since the start",
    Restored Counter "ksql_restored_records_total" BINDING "those of them that were read to be ready",
    Restoring Counter "ksql_restoring_seconds_total" BINDING "time spent restoring; records restored by this time is the rate",
    Outages Counter "ksql_outages_total" BINDING "how often it left RUNNING by an error",
    Unreadable Counter "ksql_unreadable_records_total" BINDING "records that were no rows and were left out, or their keys marked",
    Late Counter "ksql_late_windows_total" QUERY "windows that were closed to a record that came too late; kept over restarts",
    Keyless Counter "ksql_keyless_records_total" QUERY "records left out for want of a key; kept over restarts",
    OpenWindows Gauge "ksql_open_windows" QUERY "windows that take rows still; of a query with windows",
    Future Counter "ksql_future_records_total" QUERY "records stamped more than an hour ahead of the clock: stream time follows them",
    Restarts Counter "ksql_ksqldb_restarts_total" QUERY "how often a query that ksqlDB runs was started again",
    StoreDisk Gauge "ksql_store_disk_bytes" STORE "size of a store's files",
    StoreMemory Gauge "ksql_store_memory_bytes" STORE "size of a store's rows that are not flushed yet",
    StoreRows Gauge "ksql_store_rows" STORE "rows of a store, as RocksDB estimates them; a query's group with all its windows is one",
    Writes Counter "ksql_state_writes_total" NONE "batches written to the stores",
    WriteSeconds Counter "ksql_state_write_seconds_total" NONE "time that took",
    Flushes Counter "ksql_state_flushes_total" NONE "flushes of the stores",
    FlushSeconds Counter "ksql_state_flush_seconds_total" NONE "time they took",
    Stall Counter "ksql_state_stall_seconds_total" NONE "time for which RocksDB held up writers",
    ConsumerLag Gauge "ksql_consumer_lag_records" CONSUMER "records of a consumer's partition still to finish",
    ConsumerRecords Counter "ksql_consumer_records_total" OUTCOME "what became of a consumer's records",
    DeadLetters Counter "ksql_dlq_records_total" LETTERS "dead letters written",
    SentRecords Counter "ksql_client_sent_records_total" CLIENT "records a Kafka client sent",
    SentBytes Counter "ksql_client_sent_bytes_total" CLIENT "bytes of them",
    ReceivedRecords Counter "ksql_client_received_records_total" CLIENT "records a Kafka client got",
    ReceivedBytes Counter "ksql_client_received_bytes_total" CLIENT "bytes of them",
    Queued Gauge "ksql_client_queued_records" CLIENT "records that wait to be sent",
    Timeouts Counter "ksql_client_timeouts_total" CLIENT "requests that brokers did not answer in time",
    Failures Counter "ksql_client_failures_total" CLIENT "requests that could not be sent, or whose answers could not be read",
    Disconnects Counter "ksql_client_disconnects_total" CLIENT "connections to brokers that were lost",
    RoundTrip Gauge "ksql_client_round_trip_seconds" CLIENT "the mean time until the slowest broker answers",
}

/// The states, of which one is.
const STATES: [&str; 6] = [
    "CREATED",
    "REBALANCING",
    "RUNNING",
    "DISCONNECTED",
    "ERROR",
    "NOT_RUNNING",
];

#[derive(Default)]
struct Samples(Vec<Sample>);

impl Samples {
    fn add(&mut self, id: Id, labels: &[&str], value: f64) {
        let metric = id.metric();
        debug_assert_eq!(metric.labels.len(), labels.len(), "{}", metric.name);
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        self.0.push(Sample {
            metric,
            labels,
            value,
        });
    }

    fn binding(&mut self, binding: &Binding) {
        let labels = [binding.kind, &binding.name, &binding.topic];
        let [kind, name, topic] = labels;
        for state in STATES {
            let is = f64::from(u8::from(binding.state == state));
            self.add(Id::State, &[kind, name, topic, state], is);
        }
        for partition in &binding.partitions {
            let number = partition.partition.to_string();
            let labels = [kind, name, &partition.topic, &number];
            let lag = partition.end.saturating_sub(partition.position).max(0);
            self.add(Id::Lag, &labels, lag as f64);
            self.add(Id::Position, &labels, partition.position as f64);
            self.add(Id::End, &labels, partition.end as f64);
        }
        self.add(Id::Read, &labels, binding.read as f64);
        self.add(Id::Restored, &labels, binding.restored as f64);
        self.add(Id::Restoring, &labels, binding.restoring_seconds);
        self.add(Id::Outages, &labels, binding.outages as f64);
        self.add(Id::Unreadable, &labels, binding.unreadable as f64);
        if let Some(late) = binding.late {
            self.add(Id::Late, &[name], late as f64);
        }
        if let Some(keyless) = binding.keyless {
            self.add(Id::Keyless, &[name], keyless as f64);
        }
        if let Some(open) = binding.open_windows {
            self.add(Id::OpenWindows, &[name], open as f64);
        }
        if let Some(future) = binding.future {
            self.add(Id::Future, &[name], future as f64);
        }
        if let Some(restarts) = binding.restarts {
            self.add(Id::Restarts, &[name], restarts as f64);
        }
    }
}

impl Overview {
    /// The metrics: those that there are a table, query, consumer or client for.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        let mut out = Samples::default();
        out.add(Id::Ready, &[], f64::from(u8::from(self.ready)));
        out.add(Id::Uptime, &[], self.uptime_seconds);
        for binding in &self.bindings {
            out.binding(binding);
        }
        for store in &self.stores {
            out.add(Id::StoreDisk, &[&store.store], store.disk_bytes as f64);
            out.add(Id::StoreMemory, &[&store.store], store.memory_bytes as f64);
            out.add(Id::StoreRows, &[&store.store], store.rows as f64);
        }
        let state = &self.state;
        out.add(Id::Writes, &[], state.writes as f64);
        out.add(Id::WriteSeconds, &[], state.write_seconds);
        out.add(Id::Flushes, &[], state.flushes as f64);
        out.add(Id::FlushSeconds, &[], state.flush_seconds);
        out.add(Id::Stall, &[], state.stall_seconds);
        for consumer in &self.consumers {
            let (entity, group) = (consumer.entity.as_str(), consumer.group.as_str());
            for held in &consumer.partitions {
                let number = held.partition.to_string();
                let labels = [entity, group, &consumer.topic, &number];
                let lag = held.end.saturating_sub(held.position).max(0);
                out.add(Id::ConsumerLag, &labels, lag as f64);
            }
            for (outcome, count) in &consumer.counts {
                out.add(
                    Id::ConsumerRecords,
                    &[entity, group, outcome],
                    *count as f64,
                );
            }
        }
        for letters in &self.dead_letters {
            let labels = [letters.entity.as_str(), letters.stage, &letters.class];
            out.add(Id::DeadLetters, &labels, letters.count as f64);
        }
        for client in &self.clients {
            let labels = [client.client.as_str(), client.kind.as_str()];
            for (id, value) in [
                (Id::SentRecords, client.sent_records as f64),
                (Id::SentBytes, client.sent_bytes as f64),
                (Id::ReceivedRecords, client.received_records as f64),
                (Id::ReceivedBytes, client.received_bytes as f64),
                (Id::Queued, client.queued_records as f64),
                (Id::Timeouts, client.timeouts as f64),
                (Id::Failures, client.failures as f64),
                (Id::Disconnects, client.disconnects as f64),
                (Id::RoundTrip, client.round_trip_seconds),
            ] {
                out.add(id, &labels, value);
            }
        }
        out.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeSet;

    use super::*;
    use crate::operation::{Client, Consumer, ConsumerPartition, Letters, Partition, StoreSize};
    use crate::state::State;

    const PAGE: &str = include_str!("../../../docs/operation.md");

    /// A context with one of everything.
    pub(crate) fn everything() -> Overview {
        Overview {
            bindings: vec![Binding {
                kind: "query",
                name: "Q".to_owned(),
                topic: "t".to_owned(),
                state: "RUNNING".to_owned(),
                partitions: vec![Partition {
                    topic: "t".to_owned(),
                    position: 3,
                    end: 10,
                    ..Partition::default()
                }],
                late: Some(1),
                keyless: Some(2),
                open_windows: Some(3),
                future: Some(3),
                restarts: Some(3),
                ..Binding::default()
            }],
            consumers: vec![Consumer {
                entity: "E".to_owned(),
                topic: "e".to_owned(),
                group: "g".to_owned(),
                partitions: [(0, 3, 5), (7, 1, 1)]
                    .map(|(partition, position, end)| ConsumerPartition {
                        partition,
                        position,
                        end,
                    })
                    .into(),
                counts: vec![("handled", 1)],
                ..Consumer::default()
            }],
            dead_letters: vec![Letters::default()],
            stores: vec![StoreSize::default()],
            clients: vec![Client::default()],
            ..Overview::default()
        }
    }

    #[test]
    fn every_metric_of_the_table_is_exported_and_has_its_labels() {
        let samples = everything().samples();
        let exported: BTreeSet<&str> = samples.iter().map(|sample| sample.metric.name).collect();
        let table: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(exported, table);
        assert_eq!(table.len(), METRICS.len(), "a name stands twice");
        for sample in samples {
            let labels = sample.metric.labels;
            assert_eq!(labels.len(), sample.labels.len(), "{sample:?}");
        }
    }

    #[test]
    fn names_follow_the_conventions() {
        for Metric { name, kind, .. } in METRICS {
            assert!(name.starts_with("ksql_"), "{name}");
            let counts = name.ends_with("_total");
            assert_eq!(counts, *kind == MetricKind::Counter, "{name}");
        }
    }

    #[test]
    fn the_page_lists_every_metric_as_it_is_and_no_other() {
        let rows = PAGE.lines().filter(|line| line.starts_with("| `ksql_"));
        let told: Vec<&str> = rows.collect();
        let table = METRICS.iter().map(|metric| {
            let labels: Vec<String> = metric.labels.iter().map(|l| format!("`{l}`")).collect();
            let kind = match metric.kind {
                MetricKind::Counter => "counter",
                MetricKind::Gauge => "gauge",
            };
            let (name, labels, help) = (metric.name, labels.join(", "), metric.help);
            format!("| `{name}` | {kind} | {labels} | {help} |").replace("|  |", "| |")
        });
        let table: Vec<String> = table.collect();
        assert_eq!(told, table, "{}", table.join("\n"));
    }

    #[test]
    fn exactly_one_state_is_one_whichever_it_is() {
        for state in [
            State::Created,
            State::Rebalancing,
            State::Running,
            State::Disconnected,
            State::Error,
            State::NotRunning,
        ] {
            let mut overview = everything();
            overview.bindings.first_mut().unwrap().state = state.to_string();
            let samples = overview.samples();
            let ones = samples
                .iter()
                .filter(|s| s.metric.name == "ksql_state" && s.value == 1.0);
            let told: Vec<&str> = ones
                .filter_map(|s| s.labels.last())
                .map(String::as_str)
                .collect();
            assert_eq!(told, [state.to_string()]);
        }
    }

    #[test]
    fn lag_is_what_lies_between_position_and_end() {
        let samples = everything().samples();
        let lag = samples.iter().find(|s| s.metric.name == "ksql_lag_records");
        let lag = lag.unwrap();
        assert_eq!(
            (lag.labels.join(" "), lag.value),
            ("query Q t 0".to_owned(), 7.0)
        );
    }

    #[test]
    fn the_lag_of_a_consumer_is_told_of_each_partition_and_of_no_other() {
        let samples = everything().samples();
        let lags = samples
            .iter()
            .filter(|s| s.metric.name == "ksql_consumer_lag_records");
        let lags: Vec<_> = lags.map(|s| (s.labels.join(" "), s.value)).collect();
        let told = [("E g e 0".to_owned(), 2.0), ("E g e 7".to_owned(), 0.0)];
        assert_eq!(lags, told);
    }
}
