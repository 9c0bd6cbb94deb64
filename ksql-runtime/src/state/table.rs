//! One entity's table: its store, its status, its thread. A query's state is one too: a store, and the thread that fills it
//! from the query's source.
//!
//! Made by the context, read by entity sets from any thread, written by its binding's thread alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{broadcast, watch};

use super::binding::Binding;
use super::counts::{BindingKind, Counts};
use super::plan::Plan;
use super::status::{Event, State, Status};
use super::work::{Filling, Work};
use super::{Expiry, OnPoison, RowCache, StateError, Store, Topics};
use crate::entity::Entity;
use crate::error::{Chain, Error, panic_text};
use crate::log::{Log, Offsets, ReaderWaker, TopicDescription};
use crate::registry::Registry;

/// What the context knows about a table before it starts.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) kind: BindingKind,
    pub(crate) store: String,
    pub(crate) topic: TopicDescription,
    /// What a query reads beside it, in the order in which it is joined.
    pub(crate) joined: Vec<TopicDescription>,
    pub(crate) value_schema: u32,
    pub(crate) key_schema: u32,
    pub(crate) on_poison: OnPoison,
    pub(crate) rebuild_on_truncation: bool,
    pub(crate) retry_first: Duration,
    pub(crate) retry_longest: Duration,
    pub(crate) retries: Option<u32>,
    pub(crate) cache_rows: usize,
    /// Memory for rows on their way into the store while restoring, or for the groups of a query.
    pub(crate) gather_bytes: usize,
    /// The size of the windows its keys are of, where the keys do not say it.
    pub(crate) window: Option<i64>,
    /// Which windows leave.
    pub(crate) expiry: Option<Arc<Expiry>>,
}

/// A table and the thread that fills it.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) entity: &'static str,
    pub(crate) settings: Settings,
    pub(crate) store: Arc<Store>,
    pub(crate) cache: Option<RowCache>,
    status: watch::Sender<Status>,
    running: AtomicBool,
    /// Grows when all rows are removed: a read that began before and ended after has seen neither table.
    generation: AtomicU64,
    /// Grows whenever rows changed, before that is told.
    version: AtomicU64,
    /// Of a query: how many windows were closed to a row that came too late.
    late: AtomicU64,
    /// Of a query with windows: how many of them take rows still; the largest number where it has none.
    open_windows: AtomicU64,
    /// Of a query: how many records were left out for want of a key.
    keyless: AtomicU64,
    /// Of a query that another instance owns: how many records this one is behind it. Negative where it is the owner.
    behind: AtomicI64,
    /// Of such a query: whether it has not read yet what owners had noted when it began.
    following: AtomicBool,
    pub(crate) counts: Counts,
    stop: AtomicBool,
    /// Ends as if killed.
    abandoned: AtomicBool,
    last: Mutex<Option<Last>>,
    events: broadcast::Sender<Event>,
    waker: Mutex<Option<ReaderWaker>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What a table that was told to end still reads.
#[derive(Debug)]
struct Last {
    goal: Vec<(i32, i64)>,
    until: Instant,
}

impl Table {
    pub(crate) fn new(
        entity: &'static str,
        settings: Settings,
        store: Arc<Store>,
        events: broadcast::Sender<Event>,
    ) -> Table {
        let (status, _) = watch::channel(Status {
            state: State::Created,
            lag: Vec::new(),
            error: None,
            replayed: 0,
        });
        let cache = (settings.cache_rows > 0).then(|| RowCache::new(settings.cache_rows));
        Table {
            entity,
            cache,
            settings,
            store,
            status,
            running: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            version: AtomicU64::new(0),
            late: AtomicU64::new(0),
            open_windows: AtomicU64::new(u64::MAX),
            keyless: AtomicU64::new(0),
            behind: AtomicI64::new(-1),
            following: AtomicBool::new(false),
            counts: Counts::default(),
            stop: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            last: Mutex::new(None),
            events,
            waker: Mutex::new(None),
            thread: Mutex::new(None),
        }
    }

    pub(crate) fn topic(&self) -> &str {
        &self.settings.topic.name
    }

    /// Its name as the logs' field `entity` or `query`, whichever it is.
    pub(crate) fn named(&self) -> (Option<&'static str>, Option<&'static str>) {
        match self.settings.kind {
            BindingKind::Table => (Some(self.entity), None),
            BindingKind::Query => (None, Some(self.entity)),
        }
    }

    /// What it reads.
    pub(crate) fn topics(&self) -> Topics {
        Topics::new(std::iter::once(&self.settings.topic).chain(&self.settings.joined))
    }

    /// Starts filling it with rows; `offsets` are the frozen ends, one a partition.
    pub(crate) fn start<T: Entity>(
        self: &Arc<Self>,
        log: Log,
        registry: Registry,
        offsets: &[Offsets],
    ) -> Result<(), StateError> {
        self.start_work(T::FINGERPRINT, log, offsets, move |table, runtime| {
            Filling::<T>::new(table, registry, runtime.clone())
        })
    }

    /// Starts a binding that gives what it reads to other work; `offsets` are those of all its topics, one behind the other; `shape` tells stored bytes of this form from others.
    pub(crate) fn start_work<W: Work>(
        self: &Arc<Self>,
        shape: u64,
        log: Log,
        offsets: &[Offsets],
        work: impl FnOnce(&Arc<Table>, &tokio::runtime::Handle) -> W + Send + 'static,
    ) -> Result<(), StateError> {
        let plan = Plan::new(self, shape, self.topics(), offsets)?;
        let table = Arc::clone(self);
        let runtime = tokio::runtime::Handle::current();
        let thread = std::thread::Builder::new()
            .name(format!("ksql-table-{}", self.entity))
            .spawn(move || {
                let (name, topic) = (table.entity, table.topic());
                let _span = match table.settings.kind {
                    BindingKind::Table => tracing::debug_span!("table", entity = name, topic),
                    BindingKind::Query => tracing::debug_span!("query", query = name, topic),
                }
                .entered();
                table.guarded(|| {
                    let work = work(&table, &runtime);
                    Binding::new(&table, &log, &runtime, work, shape, plan).run();
                });
            })
            .map_err(|error| self.defect(error.to_string()))?;
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    /// Does the thread's work; a panic ends the table in the state ERROR, not in silence with rows that grow old.
    fn guarded(&self, work: impl FnOnce()) {
        // What the work shares is left whole by a panic: the status is changed in one go, a batch is written or not.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
            self.update(|status| {
                status.error = Some(self.defect(panic_text(&*payload)));
                status.state = State::Error;
            });
        }
    }

    fn defect(&self, reason: String) -> StateError {
        StateError::Defect {
            topic: self.topic().to_owned(),
            reason,
        }
    }

    /// Whether any offset is stored: something was taken in.
    pub(crate) fn has_offsets(&self) -> Result<bool, StateError> {
        for number in (0_i32..).take(self.status().lag.len()) {
            if self.store.offset(&self.settings.store, number)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes all rows and offsets, and takes in everything again. On its binding's thread.
    pub(crate) fn begin_anew(
        &self,
        shape: u64,
        topics: &Topics,
        offsets: &[Offsets],
    ) -> Result<(), StateError> {
        // Before the rows go: nobody takes a row that is missing for one that never was.
        self.update(|status| status.state = State::Rebalancing);
        let plan = Plan::afresh(self, shape, topics.clone(), offsets)?;
        self.update(|status| {
            status.lag = plan.lag;
            status.replayed = 0;
            if status.reached_target() {
                status.state = State::Running;
            }
        });
        Ok(())
    }

    /// Removes all rows and offsets.
    pub(super) fn clear(&self) -> Result<(), StateError> {
        // Before the rows go: a read that misses one of them finds that the table is another.
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.store.clear(&self.settings.store)?;
        self.changed();
        if let Some(cache) = &self.cache {
            cache.clear();
        }
        Ok(())
    }

    /// Rows changed in the store, and nobody was told yet.
    pub(super) fn changed(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// Counts how often rows changed: what was read at one version is what there is at it.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Sets how many windows were closed to a row that came too late, and how many records had no key.
    pub(crate) fn set_left_out(&self, late: u64, keyless: u64) {
        self.keyless.store(keyless, Ordering::Release);
        self.late.store(late, Ordering::Release);
    }

    /// It reads what owners had noted, or has.
    pub(crate) fn set_following(&self, following: bool) {
        self.following.store(following, Ordering::Release);
    }

    /// Whether what it holds may not be what the owners had noted when it began.
    pub(crate) fn is_following(&self) -> bool {
        self.following.load(Ordering::Acquire)
    }

    /// Sets how many records this instance is behind the owner of a query; nothing where it is the owner.
    pub(crate) fn set_behind(&self, records: Option<i64>) {
        self.behind.store(records.unwrap_or(-1), Ordering::Release);
    }

    /// How many records this instance is behind the owner of the query; nothing where it is the owner.
    pub(crate) fn behind(&self) -> Option<u64> {
        u64::try_from(self.behind.load(Ordering::Acquire)).ok()
    }

    /// How many records a query left out for want of a key.
    pub(crate) fn keyless(&self) -> u64 {
        self.keyless.load(Ordering::Acquire)
    }

    /// Sets how many windows of a query take rows still, where it has windows.
    pub(crate) fn set_open_windows(&self, open: Option<u64>) {
        let open = open.unwrap_or(u64::MAX);
        self.open_windows.store(open, Ordering::Release);
    }

    /// How many windows of a query take rows still, where it has windows.
    pub(crate) fn open_windows(&self) -> Option<u64> {
        let open = self.open_windows.load(Ordering::Acquire);
        (open != u64::MAX).then_some(open)
    }

    /// How many windows of a query were closed to a row that came too late.
    pub(crate) fn late(&self) -> u64 {
        self.late.load(Ordering::Acquire)
    }

    /// Counts how often all rows were removed.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    pub(crate) fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Whether reads may answer; one atomic load.
    #[inline]
    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Whether the binding was told to end and has read what was acknowledged before, or had time enough for it.
    pub(crate) fn may_end(&self) -> bool {
        self.stopping()
            && self
                .last
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .as_ref()
                .is_none_or(|last| {
                    self.status.borrow().reaches(&last.goal) || Instant::now() >= last.until
                })
    }

    pub(crate) fn keep_waker(&self, waker: ReaderWaker) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker);
    }

    /// Changes the status. The event is part of the change, so that events come in the order of the changes, and who has
    /// seen a state gets no event about it any more. Logs come afterwards, outside of the lock.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Status)) {
        // What is below is compiled once, and not once for each entity and query whose code calls this.
        let mut change = Some(change);
        self.change(&mut |status| {
            if let Some(change) = change.take() {
                change(status);
            }
        });
    }

    fn change(&self, change: &mut dyn FnMut(&mut Status)) {
        let mut transition = None;
        self.status.send_modify(|status| {
            let previous = status.state;
            change(status);
            let current = status.state;
            if current == previous {
                return;
            }
            if !previous.may_become(current) {
                status.state = previous;
                return;
            }
            self.running
                .store(current == State::Running, Ordering::Release);
            transition = Some((previous, current, status.error.clone()));
            // Runs nobody's code, and nobody listening is fine.
            let _ = self.events.send(Event {
                entity: self.entity,
                previous,
                current,
            });
        });
        let Some((previous, current, error)) = transition else {
            return;
        };
        let told = error.as_ref().map(|error| Chain(error).to_string());
        self.counts.moved(previous, current, told);
        let (entity, query) = self.named();
        let (topic, kind) = (self.topic(), self.settings.kind.name());
        if previous == State::Running && current != State::NotRunning {
            tracing::warn!(entity, query, topic, %previous, %current, error = error.as_ref().map(|error| tracing::field::display(Chain(error))), "{kind} left RUNNING");
        } else {
            tracing::info!(entity, query, topic, %previous, %current, "{kind} changed its state");
        }
    }

    /// Why it cannot be read.
    pub(crate) fn not_ready(&self) -> Error {
        self.not_ready_in(self.status())
    }

    /// Why it cannot be read, having this status.
    pub(crate) fn not_ready_in(&self, status: Status) -> Error {
        Error::NotReady {
            entity: self.entity,
            topic: self.topic().to_owned(),
            state: status.state,
            lag: status.total_lag(),
            reason: status.error.map(Box::new),
        }
    }

    /// Tells the binding to end when the table has reached `goal`, or at a time, without waiting for it. An empty goal is
    /// reached.
    pub(crate) fn ask_to_stop(&self, goal: Vec<(i32, i64)>, until: Instant) {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(Last { goal, until });
        self.stop.store(true, Ordering::Release);
        self.wake();
    }

    /// Ends the poll in which the binding may wait, or the next one.
    pub(crate) fn wake(&self) {
        if let Some(waker) = self
            .waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
        {
            waker.wake();
        }
    }

    /// Tells the binding to end at once, with nothing more written: as if it were killed.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
        self.ask_to_stop(Vec::new(), Instant::now());
    }

    /// Whether nothing more is to be written.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    /// Waits for the binding's thread, which was told to end.
    pub(crate) fn wait_for_stop(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // The thread's work is guarded: a panic is in the status already.
        drop(thread.map(JoinHandle::join));
        self.update(|status| status.state = State::NotRunning);
    }
}
