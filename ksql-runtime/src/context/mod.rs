//! From entities and a configuration to a running program: builder, start, lifecycle.
//!
//! Invariant: nothing is touched before everything is valid, and what start opened is flushed and closed on every way out.

mod builder;
mod copartition;
mod home;
mod inspect;
mod needs;
mod options;
mod overview;
mod owner;
pub mod plan;
mod queries;
#[cfg(feature = "cli")]
pub(crate) mod reach;
#[cfg(feature = "kafka")]
mod remote;
mod results;
mod services;
#[cfg(feature = "kafka")]
mod sources;
mod start;
#[cfg(feature = "kafka")]
mod statements;
mod subjects;
mod topics;
#[cfg(feature = "kafka")]
mod warm_up;

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::broadcast;

pub use builder::ContextBuilder;
use plan::Plan;
use queries::Running;
pub use queries::{QueryDuty, QueryStatus};
use services::Services;

use crate::clock::Clock;
use crate::config::Config;
use crate::consume::{ConsumerStatus, Consumers};
use crate::directory::DirectoryLock;
use crate::dlq::{DeadLetterTopic, DeadLetters, KeyForm};
use crate::engine::Runner;
use crate::entity::Entity;
use crate::error::{Chain, Error, Result};
use crate::log::{Log, Ownership, Start};
use crate::operation::Operation;
use crate::registry::Registry;
use crate::set::{EntitySet, Results};
use crate::state::{Event, State, StateError, Status, Store, Table};

/// A running set of entities: their topics, schemas and tables. Clones share it.
///
/// ```
/// use ksql_runtime::prelude::*;
///
/// #[derive(Debug, Clone, PartialEq, Entity)]
/// #[topic("rates")]
/// #[table]
/// pub struct Rate {
///     #[key]
///     pub symbol: String,
///     pub price: f64,
/// }
///
/// # #[tokio::main(flavor = "multi_thread", worker_threads = 1)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let ctx = Context::builder()
/// #   .config(Config::default()) // a test, which asks no environment
///     .entity::<Rate>().state_dir(dir.path()).start().await?;
/// let rates = ctx.set::<Rate>();
/// let receipt = rates.add(Rate { symbol: "EURUSD".into(), price: 1.08 }).await?;
/// let rate = rates.at_least(&receipt).get("EURUSD").await?;
/// assert_eq!(rate.map(|rate| rate.price), Some(1.08));
/// ctx.shutdown().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Context(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    config: Config,
    clock: Clock,
    services: Services,
    store: Arc<Store>,
    stores: Vec<String>,
    /// With the size of their windows, where queries write one topic for each.
    entities: HashMap<(TypeId, Option<u64>), Arc<Registered>>,
    /// Each behind those whose results it reads.
    queries: Vec<Running>,
    /// The same as they were added, whoever runs them.
    defined: Vec<Arc<dyn Runner>>,
    /// Those that ksqlDB runs.
    #[cfg(feature = "kafka")]
    remote: Option<remote::Remote>,
    /// Who writes what they make, where several instances may.
    ownership: Option<Ownership>,
    /// Those with a topic of their own.
    registrations: Vec<builder::Registration>,
    dead_letters: DeadLetters,
    key_forms: Arc<BTreeMap<String, KeyForm>>,
    pub(crate) operation: Operation,
    events: broadcast::Sender<Event>,
    consumers: Arc<Consumers>,
    flusher: Mutex<Option<tokio::task::JoinHandle<()>>>,
    /// The last field: fields are dropped in order, and the directory is free when everything in it is closed.
    lock: Mutex<Option<DirectoryLock>>,
}

/// How long an orderly end waits until everything sent is answered for. This and the two below, and what closing takes,
/// are over within ten seconds, whether brokers answer or not.
pub(crate) const LAST_SENT: Duration = Duration::from_secs(5);
/// The same behind consumers that took long.
const LEAST_SENT: Duration = Duration::from_secs(1);
/// From the order to end on, until when the ends of the topics are asked for, which the tables still read up to.
const LAST_ENDS: Duration = Duration::from_secs(7);
/// From the order to end on, until when the tables read up to there.
const LAST_RECORDS: Duration = Duration::from_millis(8_500);
/// The wait before the ends of a topic are asked for again.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// What a running context knows about one entity.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) topic: String,
    pub(crate) partitions: u32,
    pub(crate) value_schema: u32,
    /// The id under which values are in the entity's own form.
    pub(crate) own_form: u32,
    pub(crate) key_schema: u32,
    /// The size of the windows its keys are of, where the keys do not say it.
    pub(crate) window: Option<i64>,
    /// The label of its window: `5min`.
    pub(crate) label: Option<String>,
    /// Whether a query writes the topic, in ksqlDB's form.
    pub(crate) result: bool,
    pub(crate) log: Log,
    pub(crate) clock: Clock,
    pub(crate) ready_timeout: Duration,
    pub(crate) table: Option<Arc<Table>>,
    pub(crate) results: Arc<Results>,
    pub(crate) consumers: Arc<Consumers>,
    /// Where handlers of a new group begin.
    pub(crate) consume_from: Start,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) application: Arc<str>,
}

/// A table's status beside its names.
#[derive(Debug, Clone)]
pub struct TableStatus {
    /// The entity.
    pub entity: &'static str,
    /// The topic.
    pub topic: String,
    /// State, positions, lag.
    pub status: Status,
}

impl Context {
    /// Begins a context: add entities, then start it.
    pub fn builder() -> ContextBuilder {
        ContextBuilder::default()
    }

    /// The set of an entity: adding and reading. An entity the context was not built with is an error of the first use.
    pub fn set<T: Entity>(&self) -> EntitySet<T> {
        let id = TypeId::of::<T>();
        let windows = T::MODEL.window.iter().flat_map(|window| window.sizes_ms);
        let windows = windows.filter_map(|size| {
            let registered = self.0.entities.get(&(id, Some(*size)))?;
            Some((*size, Arc::clone(registered)))
        });
        EntitySet::new(self.0.entities.get(&(id, None)).cloned(), windows.collect())
    }

    /// The application's dead letters: listed, shown, replayed, purged.
    pub fn dead_letters(&self) -> DeadLetterTopic {
        let inner = &self.0;
        DeadLetterTopic::new(
            inner.dead_letters.clone(),
            inner.services.registry.clone(),
            Arc::clone(&inner.key_forms),
        )
    }

    /// The configuration it runs with.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The clock it goes by.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The log below: bytes, topics, offsets.
    pub fn log(&self) -> &Log {
        &self.0.services.log
    }

    /// The registry below.
    pub fn registry(&self) -> &Registry {
        &self.0.services.registry
    }

    /// ksqlDB, where the configuration names one.
    #[cfg(feature = "kafka")]
    pub fn ksqldb(&self) -> Option<&crate::ksqldb::KsqlDb> {
        self.0.services.ksqldb.as_ref()
    }

    /// Transitions of tables from now on. Those during start are seen through
    /// [`ContextBuilder::events`].
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// What starting again would do: with everything as it was made, nothing.
    ///
    /// # Errors
    /// Where a server cannot be asked.
    pub async fn plan(&self) -> Result<Plan> {
        inspect::plan(
            &self.0.services,
            &self.0.registrations,
            &self.0.defined,
            &self.0.config,
        )
        .await
    }

    /// Every table with its state and lag, by entity.
    pub fn tables(&self) -> Vec<TableStatus> {
        let mut tables: Vec<TableStatus> = self
            .0
            .tables()
            .map(|table| TableStatus {
                entity: table.entity,
                topic: table.topic().to_owned(),
                status: table.status(),
            })
            .collect();
        tables.sort_by_key(|table| table.entity);
        tables
    }

    /// Every consumer that runs, and those that ended with an error, in the order in which they were started.
    pub fn consumers(&self) -> Vec<ConsumerStatus> {
        self.0.consumers.status()
    }

    /// Waits until every table has reached the end its topic had at start.
    ///
    /// # Errors
    /// Where a table stopped, or the time is over; the error names table, topic and lag.
    pub async fn wait_ready(&self, timeout: Duration) -> Result<()> {
        let tables: Vec<_> = self.0.bindings().cloned().collect();
        #[cfg(feature = "kafka")]
        if let Some(remote) = &self.0.remote {
            let deadline = tokio::time::Instant::now() + timeout;
            remote.wait_running(deadline, timeout).await?;
        }
        wait_all(&tables, timeout, "readiness", |status| {
            status.state == State::Running
        })
        .await
    }

    /// Waits until every query and every table has reached the end its topic has now; tables of results hold what the
    /// queries made of it. Where ksqlDB runs the queries, their consumer groups are asked how far they are.
    ///
    /// # Errors
    /// As [`Context::wait_ready`].
    pub async fn wait_caught_up(&self, timeout: Duration) -> Result<()> {
        let deadline = tokio::time::Instant::now() + timeout;
        self.0.wait_followed(deadline).await;
        #[cfg(feature = "kafka")]
        if let Some(remote) = &self.0.remote {
            remote.wait_caught_up(deadline, timeout).await?;
        }
        // Queries first, in their order: what one makes is read by the next, and by the tables behind.
        for table in self.0.bindings() {
            let ends = self.0.ends_of(table).await?;
            let table = Arc::clone(table);
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            let reached = |status: &Status| status.state == State::Running && status.reaches(&ends);
            wait_all(&[table], left, "the end of the topics", reached)
                .await
                .map_err(|error| match error {
                    Error::Timeout { what, missing, .. } => Error::Timeout {
                        what,
                        limit: timeout,
                        missing,
                    },
                    other => other,
                })?;
        }
        Ok(())
    }

    /// Ends every consumer: handlers that run are waited for, as long as their `stop_timeout` says, and what is finished is
    /// committed. Then every table that is ready ends behind the records acknowledged so far; state and log are flushed and
    /// closed. Afterwards the directory is free, and sets that are left over answer with an error. It is over within ten
    /// seconds, unless a `stop_timeout` is longer than its 5 s: what a slow cluster has not shown the tables by then they read
    /// at the next start.
    ///
    /// # Errors
    /// Where records are on their way that nobody acknowledged in time, or the last flush fails: rows since the one before
    /// are read again at the next start. Or where a consumer could not commit: what it finished last comes again.
    pub async fn shutdown(self) -> Result<()> {
        let inner = Arc::clone(&self.0);
        drop(self);
        inner.operation.stopping.store(true, Ordering::Release);
        inner.stop_flushing();
        #[cfg(feature = "kafka")]
        if let Some(remote) = &inner.remote {
            remote.close();
        }
        inner.consumers.close();
        let stopping = Instant::now();
        let consumers = inner.consumers.wait().await;
        // What they took counts, up to what leaves time for the rest.
        let spent = stopping.elapsed().min(LAST_SENT);
        let began = Instant::now().checked_sub(spent).unwrap_or(stopping);
        // A record whose caller was cancelled is still sent: the tables read it too. What is wrong with the log is told
        // when it is closed.
        let patience = LAST_SENT.saturating_sub(spent).max(LEAST_SENT);
        let sent = tokio::time::timeout(patience, inner.services.log.flush()).await;
        let ends = match sent {
            Ok(_) => {
                // What queries still make of what was sent is read by the tables behind them.
                inner.end_queries(began + LAST_ENDS).await;
                inner.last_ends(began + LAST_ENDS).await
            }
            // From a log that does not answer nothing more is waited for.
            Err(_) => HashMap::new(),
        };
        let waited = began.elapsed();
        let below = Arc::clone(&inner);
        let closed =
            tokio::task::spawn_blocking(move || below.close_tables(&ends, began + LAST_RECORDS))
                .await;
        // Behind the last results: another instance goes on from here.
        let below = Arc::clone(&inner);
        drop(tokio::task::spawn_blocking(move || below.leave_office()).await);
        let log_closed = inner.services.log.close_after(waited).await;
        // Until here it tells how the end goes on.
        #[cfg(feature = "http")]
        inner.operation.end_server().await;
        drop(inner.take_lock());
        log_closed?;
        closed.map_err(Error::of_task)??;
        consumers
    }
}

impl Inner {
    fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.entities
            .values()
            .filter_map(|entity| entity.table.as_ref())
    }

    /// Everything with a thread: queries in their order, then tables.
    fn bindings(&self) -> impl Iterator<Item = &Arc<Table>> {
        let queries = self.queries.iter().map(|query| &query.table);
        queries.chain(self.tables())
    }

    /// Waits until every query has read what owners had noted when it began: before that it may hold what another definition
    /// made. One that does not come to it in time is told as what is not reached.
    async fn wait_followed(&self, deadline: tokio::time::Instant) {
        let mut looks = tokio::time::interval(ASK_AGAIN);
        let follows = |table: &Table| {
            let ended = matches!(table.status().state, State::Error | State::NotRunning);
            table.is_following() && !ended
        };
        while self.queries.iter().any(|query| follows(&query.table))
            && tokio::time::Instant::now() < deadline
        {
            looks.tick().await;
        }
    }

    /// Where the topics of the tables that are ready end; what is not known within this time is left out.
    async fn last_ends(&self, until: Instant) -> HashMap<String, Vec<(i32, i64)>> {
        let mut ends = HashMap::new();
        for table in self.tables().filter(|table| table.is_running()) {
            let asked = async {
                loop {
                    match self.ends_of(table).await {
                        Err(Error::Log(error)) if error.is_transient() => {
                            tokio::time::sleep(ASK_AGAIN).await;
                        }
                        other => break other,
                    }
                }
            };
            let entity = table.entity;
            match tokio::time::timeout(until.saturating_duration_since(Instant::now()), asked).await
            {
                Ok(Ok(of_table)) => drop(ends.insert(table.settings.store.clone(), of_table)),
                Ok(Err(error)) => {
                    tracing::warn!(entity, topic = table.topic(), %error, "where its topic ends is not known: what the table has not read it reads at the next start");
                }
                Err(_) => {
                    tracing::warn!(
                        entity,
                        topic = table.topic(),
                        "where its topic ends was not answered in time: what the table has not read it reads at the next start"
                    );
                }
            }
        }
        ends
    }

    async fn ends_of(&self, table: &Table) -> Result<Vec<(i32, i64)>> {
        // Partitions added since are another matter: the table finds them, and says so.
        // What a query has committed is not shown at once by every broker, so nothing that is written is left out.
        let ends = table.topics().ends(&self.services.log).await?;
        Ok((0..).zip(ends).collect())
    }

    /// Ends the tables' threads, each where it has reached these ends or it is too late for that, flushes what they wrote,
    /// closes their store. Again: nothing to do.
    fn close_tables(
        &self,
        ends: &HashMap<String, Vec<(i32, i64)>>,
        until: Instant,
    ) -> Result<(), StateError> {
        if let Some(ownership) = &self.ownership {
            ownership.hurry();
        }
        for table in self.bindings() {
            let goal = ends.get(&table.settings.store).cloned();
            table.ask_to_stop(goal.unwrap_or_default(), until);
        }
        for table in self.bindings() {
            table.wait_for_stop();
        }
        let flushed = match self.store.flush(&self.stores) {
            Err(StateError::Closed { .. }) => Ok(()),
            other => other,
        };
        self.store.close();
        flushed
    }

    /// Lets another instance own the queries. Again: nothing to do.
    fn leave_office(&self) {
        if let Some(ownership) = &self.ownership {
            ownership.close();
        }
    }

    fn stop_flushing(&self) {
        let mut flusher = self.flusher.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flusher) = flusher.take() {
            flusher.abort();
        }
    }

    fn take_lock(&self) -> Option<DirectoryLock> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        lock.take()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        #[cfg(feature = "http")]
        self.operation.abort_server();
        self.stop_flushing();
        self.consumers.close();
        // A drop cannot ask the log for its ends: what the tables have not read is read at the next start.
        if let Err(error) = self.close_tables(&HashMap::new(), Instant::now()) {
            tracing::error!(error = %Chain(&error), "the tables could not be flushed: what they read last is read again at the next start");
        }
        self.leave_office();
    }
}

/// Waits until `reached` holds for every table; ends early where one stopped.
pub(crate) async fn wait_all(
    tables: &[Arc<Table>],
    timeout: Duration,
    what: &'static str,
    reached: impl Fn(&Status) -> bool,
) -> Result<()> {
    let waiting = async {
        for table in tables {
            let mut status = table.subscribe();
            let seen = status
                .wait_for(|status| {
                    reached(status) || matches!(status.state, State::Error | State::NotRunning)
                })
                .await
                .map_err(|_| Error::Closed)?
                .clone();
            if !reached(&seen) {
                return Err(table.not_ready());
            }
        }
        Ok(())
    };
    match tokio::time::timeout(timeout, waiting).await {
        Ok(result) => result,
        Err(_) => {
            let behind = tables.iter().filter(|table| !reached(&table.status()));
            let missing: Vec<String> = behind.map(|table| table.not_ready().to_string()).collect();
            Err(Error::Timeout {
                what,
                limit: timeout,
                missing: missing.join("; "),
            })
        }
    }
}
