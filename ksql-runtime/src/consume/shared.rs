//! What a consumer's lanes, its reading thread and its handle share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::bell::Bell;
use super::counts::{Counters, Counts};
use super::dealer::Order;
use super::failure::Ended;
use super::policy::Policies;
use super::position::Seek;
use super::status::{ConsumerState, ConsumerStatus, PartitionStatus};
use super::tracker::Tracker;
use crate::dlq::DeadLetters;
use crate::error::{Chain, Error};
use crate::log::{Start, WhenOffsetGone};

/// What a consumer was asked for.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) group: Option<String>,
    pub(super) start: Start,
    pub(super) when_offset_gone: WhenOffsetGone,
    pub(super) lanes: usize,
    pub(super) order: Order,
    pub(super) policies: Policies,
    pub(super) timeout: Option<Duration>,
    pub(super) commit_every: Duration,
    pub(super) stop_timeout: Duration,
    pub(super) buffer: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            group: None,
            start: Start::default(),
            when_offset_gone: WhenOffsetGone::Fail,
            lanes: 1,
            order: Order::ByPartition,
            policies: Policies::default(),
            timeout: None,
            commit_every: Duration::from_millis(500),
            stop_timeout: Duration::from_secs(5),
            buffer: 16 * 1024 * 1024,
        }
    }
}

/// A partition that is held.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) tracker: Arc<Tracker>,
    /// What was committed last; none where that is not known or does not count any more.
    pub(super) committed: Option<i64>,
}

/// How a consumer ended.
pub(super) type End = Result<Ended, Error>;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) entity: &'static str,
    pub(super) topic: Arc<str>,
    pub(super) group: Arc<str>,
    pub(super) options: Options,
    pub(super) letters: DeadLetters,
    pub(super) bell: Arc<Bell>,
    stopping: AtomicBool,
    /// Told with `stopping`.
    stop: Notify,
    /// What ended it, the first of its kind.
    failure: Mutex<Option<Error>>,
    /// What records are held for, in the order in which that began.
    holding: Mutex<BTreeMap<u64, String>>,
    holds: AtomicU64,
    lanes_left: AtomicUsize,
    pub(super) counts: Vec<Arc<Counts>>,
    held: Mutex<BTreeMap<i32, Held>>,
    seeks: Mutex<Vec<Seek>>,
    state: watch::Sender<ConsumerState>,
    /// How it ends, known before it has left its group.
    settled: OnceLock<End>,
    pub(super) ended: watch::Sender<Option<End>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(
        entity: &'static str,
        topic: &str,
        group: String,
        options: Options,
        letters: DeadLetters,
    ) -> Shared {
        let lanes = options.lanes.max(1);
        Shared {
            entity,
            topic: Arc::from(topic),
            group: Arc::from(group),
            options,
            letters,
            bell: Arc::default(),
            stopping: AtomicBool::new(false),
            stop: Notify::new(),
            failure: Mutex::default(),
            holding: Mutex::default(),
            holds: AtomicU64::new(0),
            lanes_left: AtomicUsize::new(lanes),
            counts: (0..lanes).map(|_| Arc::default()).collect(),
            held: Mutex::default(),
            seeks: Mutex::default(),
            state: watch::Sender::new(ConsumerState::Starting),
            settled: OnceLock::new(),
            ended: watch::Sender::new(None),
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Tells everything to end: handlers that run are waited for, nothing else begins.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.stop.notify_waiters();
        self.bell.ring();
    }

    /// Waits until it is told to end.
    pub(super) async fn stopped(&self) {
        let mut stopped = std::pin::pin!(self.stop.notified());
        stopped.as_mut().enable();
        if !self.is_stopping() {
            stopped.await;
        }
    }

    /// Everything is committed, or is not: what is left is to leave the group.
    pub(super) fn settle(&self, end: End) -> End {
        self.settled.get_or_init(|| end).clone()
    }

    /// How it ends where its log has not answered for so long: as it is known by then.
    pub(super) fn unanswered(&self, limit: Duration) -> End {
        if let Some(end) = self.settled.get() {
            return end.clone();
        }
        Err(self.failure().unwrap_or_else(|| Error::Timeout {
            what: "the last commit of a consumer",
            limit,
            missing: format!(
                "group `{}` of topic `{}`: the log does not answer, so what handlers finished last is not committed and comes again",
                self.group, self.topic
            ),
        }))
    }

    /// Ends with an error; the first one counts.
    pub(super) fn fail(&self, error: Error) {
        lock(&self.failure).get_or_insert(error);
        self.stop();
    }

    pub(super) fn failure(&self) -> Option<Error> {
        lock(&self.failure).clone()
    }

    /// Tells what a record is held for, once that is known.
    pub(super) fn hold(&self) -> Hold<'_> {
        Hold {
            shared: self,
            number: None,
        }
    }

    /// Waits, no longer than until the consumer ends.
    pub(super) async fn pause(&self, wait: Duration) {
        let mut stopped = std::pin::pin!(self.stop.notified());
        stopped.as_mut().enable();
        if !self.is_stopping() {
            // Whichever comes first.
            let _ = tokio::time::timeout(wait, stopped).await;
        }
    }

    pub(super) fn lane_ended(&self) {
        self.lanes_left.fetch_sub(1, Ordering::SeqCst);
        self.bell.event.raise();
    }

    pub(super) fn lanes_left(&self) -> usize {
        self.lanes_left.load(Ordering::SeqCst)
    }

    pub(super) fn held(&self) -> MutexGuard<'_, BTreeMap<i32, Held>> {
        lock(&self.held)
    }

    pub(super) fn seek(&self, seek: Seek) {
        lock(&self.seeks).push(seek);
        self.bell.ring();
    }

    pub(super) fn take_seeks(&self) -> Vec<Seek> {
        std::mem::take(&mut *lock(&self.seeks))
    }

    pub(super) fn set_state(&self, state: ConsumerState) {
        self.state.send_if_modified(|known| {
            let changed = *known != state;
            if changed {
                *known = state;
            }
            changed
        });
    }

    pub(super) fn watch_state(&self) -> watch::Receiver<ConsumerState> {
        self.state.subscribe()
    }

    pub(super) fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        for counts in &self.counts {
            counts.add_to(&mut sum);
        }
        sum
    }

    pub(super) fn status(&self) -> ConsumerStatus {
        let partitions = self
            .held()
            .iter()
            .map(|(partition, held)| {
                let (in_flight, _, end) = held.tracker.counts();
                let position = held.tracker.position();
                PartitionStatus {
                    partition: *partition,
                    position,
                    committed: held.committed,
                    end: end.max(position),
                    in_flight,
                }
            })
            .collect();
        ConsumerStatus {
            entity: self.entity,
            topic: self.topic.to_string(),
            group: self.group.to_string(),
            state: self.state.borrow().clone(),
            error: self.failure().map(|error| Chain(&error).to_string()),
            holding: lock(&self.holding).values().next().cloned(),
            partitions,
            counters: self.counters(),
        }
    }
}

/// A record that is held: the status tells for what until this is dropped, whatever becomes of the record.
pub(super) struct Hold<'a> {
    shared: &'a Shared,
    number: Option<u64>,
}

impl Hold<'_> {
    pub(super) fn tell(&mut self, what: &str) {
        let next = || self.shared.holds.fetch_add(1, Ordering::Relaxed);
        let number = *self.number.get_or_insert_with(next);
        lock(&self.shared.holding).insert(number, what.to_owned());
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            lock(&self.shared.holding).remove(&number);
        }
    }
}
