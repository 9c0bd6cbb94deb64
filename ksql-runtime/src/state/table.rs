//! One entity's table: its store, its status, its thread.
//!
//! Made by the context, read by entity sets from any thread, written by its binding's thread alone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{broadcast, watch};

use super::status::{Event, State, Status};
use super::{OnPoison, RowCache, StateError, Store, binding};
use crate::entity::Entity;
use crate::error::Error;
use crate::log::{Log, Offsets, ReaderWaker, TopicDescription};
use crate::registry::Registry;

/// What the context knows about a table before it starts.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) store: String,
    pub(crate) topic: TopicDescription,
    pub(crate) value_schema: u32,
    pub(crate) key_schema: u32,
    pub(crate) on_poison: OnPoison,
    pub(crate) rebuild_on_truncation: bool,
    pub(crate) retry_first: Duration,
    pub(crate) retry_longest: Duration,
    pub(crate) retries: Option<u32>,
    pub(crate) cache_rows: usize,
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
    stop: AtomicBool,
    events: broadcast::Sender<Event>,
    waker: Mutex<Option<ReaderWaker>>,
    thread: Mutex<Option<JoinHandle<()>>>,
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
            stop: AtomicBool::new(false),
            events,
            waker: Mutex::new(None),
            thread: Mutex::new(None),
        }
    }

    pub(crate) fn topic(&self) -> &str {
        &self.settings.topic.name
    }

    /// Starts the binding; `offsets` are the frozen ends, one a partition.
    pub(crate) fn start<T: Entity>(
        self: &Arc<Self>,
        log: Log,
        registry: Registry,
        offsets: &[Offsets],
    ) -> Result<(), StateError> {
        let plan = binding::Plan::new(self, T::FINGERPRINT, offsets)?;
        let table = Arc::clone(self);
        let runtime = tokio::runtime::Handle::current();
        let thread = std::thread::Builder::new()
            .name(format!("ksql-table-{}", self.entity))
            .spawn(move || binding::run::<T>(&table, &log, &registry, plan, &runtime))
            .map_err(|error| StateError::Defect {
                topic: self.topic().to_owned(),
                reason: error.to_string(),
            })?;
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
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

    pub(crate) fn keep_waker(&self, waker: ReaderWaker) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker);
    }

    /// Changes the status; events and logs come after it is published.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Status)) {
        let mut transition = None;
        self.status.send_modify(|status| {
            let previous = status.state;
            change(status);
            if status.state != previous {
                if previous.may_become(status.state) {
                    transition = Some((previous, status.state, status.error.clone()));
                } else {
                    status.state = previous;
                }
            }
            self.running
                .store(status.state == State::Running, Ordering::Release);
        });
        let Some((previous, current, error)) = transition else {
            return;
        };
        let (entity, topic) = (self.entity, self.topic());
        if previous == State::Running && current != State::NotRunning {
            tracing::warn!(entity, topic, %previous, %current, error = error.as_ref().map(tracing::field::display), "table left RUNNING");
        } else {
            tracing::info!(entity, topic, %previous, %current, "table changed its state");
        }
        // Nobody listening is fine.
        let _ = self.events.send(Event {
            entity,
            previous,
            current,
        });
    }

    /// Why it cannot be read.
    pub(crate) fn not_ready(&self) -> Error {
        let status = self.status();
        Error::NotReady {
            entity: self.entity,
            topic: self.topic().to_owned(),
            state: status.state,
            lag: status.total_lag(),
            reason: status.error.map(Box::new),
        }
    }

    /// Tells the binding to end, without waiting for it.
    pub(crate) fn ask_to_stop(&self) {
        self.stop.store(true, Ordering::Release);
        if let Some(waker) = self
            .waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
        {
            waker.wake();
        }
    }

    /// Ends the binding and waits for its thread.
    pub(crate) fn stop(&self) {
        self.ask_to_stop();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            self.update(|status| {
                status.error = Some(StateError::Defect {
                    topic: self.topic().to_owned(),
                    reason: "its thread panicked".to_owned(),
                });
                status.state = State::Error;
            });
        }
        self.update(|status| status.state = State::NotRunning);
    }
}
