//! What a context is doing, gathered from its parts. Part of the context; called by whoever looks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::queries::Running;
#[cfg(feature = "kafka")]
use super::remote::Remote;
use super::{Context, Inner};
use crate::consume::ConsumerStatus;
use crate::error::Chain;
use crate::log::{EmbeddedLog, Log, LogError, Offsets};
use crate::operation::{
    Binding, Client, Consumer, ConsumerPartition, Letters, MetError, Overview, Partition, Sample,
    StateDatabase, StoreSize,
};
use crate::state::{BindingKind, Met, Size, State, StateError, Status, Table};

impl Context {
    /// Everything it is doing at this moment. No server is asked.
    ///
    /// ```
    /// # use ksql_runtime::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Entity)]
    /// # #[topic("seats")]
    /// # #[table]
    /// # pub struct Seat { #[key] pub id: i64, pub taken: bool }
    /// # #[tokio::main(flavor = "multi_thread", worker_threads = 1)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let ctx = Context::builder().config(Config::default()).entity::<Seat>().state_dir(dir.path()).start().await?;
    /// let overview = ctx.overview();
    /// assert!(overview.ready);
    /// for table in &overview.bindings {
    ///     println!("{} is {}, lag {}", table.name, table.state, table.lag);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn overview(&self) -> Overview {
        self.0.overview()
    }

    /// The same as metrics: each with its name, unit and labels. They are computed by this call.
    pub fn metrics(&self) -> Vec<Sample> {
        self.0.overview().samples()
    }

    /// The metrics in Prometheus' text format: what `/metrics` answers.
    #[cfg(feature = "metrics")]
    pub fn prometheus(&self) -> String {
        self.0.overview().prometheus()
    }

    /// Where it listens for HTTP; nothing where the setting `http_listen` is not made.
    #[cfg(feature = "http")]
    pub fn http_address(&self) -> Option<std::net::SocketAddr> {
        let server = self.0.operation.server.lock();
        let server = server.unwrap_or_else(std::sync::PoisonError::into_inner);
        server
            .as_ref()
            .map(crate::operation::server::Server::address)
    }
}

impl Inner {
    pub(crate) fn overview(&self) -> Overview {
        let stopping = self.operation.stopping.load(Ordering::Acquire);
        let mut tables: Vec<&Arc<Table>> = self.tables().collect();
        tables.sort_by(|a, b| (a.entity, a.topic()).cmp(&(b.entity, b.topic())));
        let queries = self.queries.iter().map(of_query);
        let bindings: Vec<Binding> = queries
            .chain(self.remote_bindings())
            .chain(tables.iter().map(|table| of_table(table)))
            .collect();
        let mut errors: Vec<(Instant, MetError)> =
            self.bindings().flat_map(|table| met(table)).collect();
        errors.extend(self.remote_errors());
        errors.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Overview {
            application: self.config.application_id.clone(),
            ready: !stopping
                && bindings
                    .iter()
                    .all(|b| b.state == State::Running.to_string()),
            stopping,
            uptime_seconds: self.operation.started.elapsed().as_secs_f64(),
            log: match self.services.log {
                Log::Embedded(_) => "embedded",
                #[cfg(feature = "kafka")]
                Log::Kafka(_) => "kafka",
            },
            bindings,
            consumers: self
                .consumers
                .status()
                .into_iter()
                .map(of_consumer)
                .collect(),
            dead_letters: self.letters(),
            dead_letter_topic: self.dead_letters.topic().to_owned(),
            dead_letter_records: self.letter_records(),
            // A state that is closed has no size.
            stores: self.stores().unwrap_or_default(),
            state: self.state(),
            clients: self.clients(),
            errors: errors.into_iter().map(|(_, error)| error).collect(),
        }
    }

    #[cfg(not(feature = "kafka"))]
    fn remote_bindings(&self) -> impl Iterator<Item = Binding> {
        std::iter::empty()
    }

    #[cfg(not(feature = "kafka"))]
    fn remote_errors(&self) -> Vec<(Instant, MetError)> {
        Vec::new()
    }

    #[cfg(feature = "kafka")]
    fn remote_bindings(&self) -> impl Iterator<Item = Binding> {
        let queries = self.remote.iter().flat_map(Remote::queries);
        queries.map(|query| Binding {
            results: query.writes.clone(),
            outages: query.counts.outages(),
            restarts: Some(query.restarts()),
            ..of_status(
                query.name,
                BindingKind::Query,
                query.reads.first().cloned().unwrap_or_default(),
                query.status(),
            )
        })
    }

    #[cfg(feature = "kafka")]
    fn remote_errors(&self) -> Vec<(Instant, MetError)> {
        let queries = self.remote.iter().flat_map(Remote::queries);
        let met = queries.flat_map(|query| {
            let topic = query.reads.first().cloned().unwrap_or_default();
            let met = query.counts.met().into_iter();
            met.map(move |met| told(met, query.name, BindingKind::Query, topic.clone()))
        });
        met.collect()
    }

    fn letters(&self) -> Vec<Letters> {
        let written = self.dead_letters.written().into_iter();
        let told = written.map(|(entity, stage, class, count)| Letters {
            entity,
            stage: stage.as_str(),
            class,
            count,
        });
        told.collect()
    }

    /// What is known without asking; a topic that is not there holds none.
    fn letter_records(&self) -> Option<u64> {
        match &self.services.log {
            Log::Embedded(log) => match held(log, self.dead_letters.topic()) {
                Ok(records) => Some(records),
                Err(LogError::UnknownTopic { .. }) => Some(0),
                Err(_) => None,
            },
            #[cfg(feature = "kafka")]
            Log::Kafka(_) => None,
        }
    }

    fn stores(&self) -> Result<Vec<StoreSize>, StateError> {
        let sizes = self.store.sizes(&self.stores)?;
        let told = |size: Size| StoreSize {
            store: size.store,
            disk_bytes: size.disk,
            memory_bytes: size.memory,
            rows: size.rows,
        };
        Ok(sizes.into_iter().map(told).collect())
    }

    fn state(&self) -> StateDatabase {
        let store = &self.store;
        StateDatabase {
            writes: store.writes.times(),
            write_seconds: store.writes.spent().as_secs_f64(),
            flushes: store.flushes.times(),
            flush_seconds: store.flushes.spent().as_secs_f64(),
            stall_seconds: store.stalled().unwrap_or_default().as_secs_f64(),
        }
    }

    fn clients(&self) -> Vec<Client> {
        match &self.services.log {
            Log::Embedded(_) => Vec::new(),
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.statistics(),
        }
    }
}

/// The records of a topic. They are in memory, these numbers.
fn held(log: &EmbeddedLog, topic: &str) -> Result<u64, LogError> {
    let partitions = log.describe(topic)?.partitions.cast_signed();
    let records = (0..partitions).map(|partition| {
        let Offsets { start, end, .. } = log.offsets(topic, partition)?;
        Ok(u64::try_from(end.saturating_sub(start)).unwrap_or(0))
    });
    records.sum()
}

fn of_table(table: &Arc<Table>) -> Binding {
    let counts = &table.counts;
    Binding {
        read: counts.read(),
        restoring_seconds: counts.restoring_for().as_secs_f64(),
        outages: counts.outages(),
        unreadable: counts.unreadable(),
        ..of_status(
            table.entity,
            table.settings.kind,
            table.topic().to_owned(),
            table.status(),
        )
    }
}

fn of_status(name: &str, kind: BindingKind, topic: String, status: Status) -> Binding {
    let lag = status.total_lag();
    let partitions = status.lag.into_iter().map(|lag| Partition {
        topic: lag.topic.to_string(),
        partition: lag.partition,
        position: lag.position,
        target: lag.target,
        end: lag.end,
    });
    Binding {
        name: name.to_owned(),
        kind: kind.name(),
        topic,
        state: status.state.to_string(),
        error: status.error.map(|error| Chain(&error).to_string()),
        lag,
        partitions: partitions.collect(),
        restored: status.replayed,
        ..Binding::default()
    }
}

fn of_consumer(status: ConsumerStatus) -> Consumer {
    let partitions = status.partitions.iter().map(|held| ConsumerPartition {
        partition: held.partition,
        position: held.position,
        end: held.end,
    });
    Consumer {
        lag: status.lag(),
        partitions: partitions.collect(),
        entity: status.entity.to_owned(),
        topic: status.topic,
        group: status.group,
        state: status.state.to_string(),
        error: status.error.or(status.holding),
        counts: status.counters.iter().collect(),
    }
}

fn of_query(query: &Running) -> Binding {
    let targets = query.site.targets.iter();
    Binding {
        results: targets.map(|target| target.topic.clone()).collect(),
        late: Some(query.table.late()),
        keyless: Some(query.table.keyless()),
        open_windows: query.table.open_windows(),
        future: Some(query.table.counts.future()),
        ..of_table(&query.table)
    }
}

fn met(table: &Table) -> impl Iterator<Item = (Instant, MetError)> {
    let met = table.counts.met().into_iter();
    met.map(|met| {
        let topic = table.topic().to_owned();
        told(met, table.entity, table.settings.kind, topic)
    })
}

fn told(met: Met, name: &str, kind: BindingKind, topic: String) -> (Instant, MetError) {
    let Met { at, state, text } = met;
    let told = MetError {
        name: name.to_owned(),
        kind: kind.name(),
        topic,
        state: state.to_string(),
        age_seconds: at.elapsed().as_secs_f64(),
        error: text,
    };
    (at, told)
}
