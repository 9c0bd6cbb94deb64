//! The topics in memory: names, settings, where partitions begin and end, and who waits for records.
//!
//! Invariant: what stands here is durable; the writer publishes only after its write. Written by the writer thread
//! alone, read by everyone.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Instant;

use super::faults::Faults;
use super::layout::PartitionState;
use crate::log::error::LogError;
use crate::log::event::Event;
use crate::log::topic::{Offsets, TopicDescription, TopicId, TopicSpec};

/// Locks; a thread that panicked while it held the lock left plain data that is still right.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A topic.
#[derive(Debug)]
pub(super) struct Topic {
    /// Its number in keys; never used again.
    pub(super) number: u32,
    pub(super) id: TopicId,
    pub(super) name: Arc<str>,
    /// How many partitions it has; never another number.
    pub(super) count: u32,
    spec: Mutex<Arc<TopicSpec>>,
    partitions: Vec<Mutex<PartitionState>>,
    deleted: AtomicBool,
    /// Where records without a key go next.
    turn: AtomicU32,
    pub(super) signal: Signal,
    /// Writes of records that fail because a test asked for it.
    pub(super) faults: Faults,
}

impl Topic {
    pub(super) fn new(
        number: u32,
        id: TopicId,
        spec: TopicSpec,
        partitions: Vec<PartitionState>,
    ) -> Topic {
        Topic {
            number,
            id,
            name: Arc::from(spec.name.as_str()),
            count: spec.partitions,
            spec: Mutex::new(Arc::new(spec)),
            partitions: partitions.into_iter().map(Mutex::new).collect(),
            deleted: AtomicBool::new(false),
            turn: AtomicU32::new(0),
            signal: Signal::default(),
            faults: Faults::default(),
        }
    }

    pub(super) fn describe(&self) -> TopicDescription {
        TopicDescription {
            name: Arc::clone(&self.name),
            id: self.id,
            partitions: self.count,
            spec: (*self.spec()).clone(),
        }
    }

    /// Its settings as they are.
    pub(super) fn spec(&self) -> Arc<TopicSpec> {
        Arc::clone(&lock(&self.spec))
    }

    /// Gives it other settings, which are stored already.
    pub(super) fn set_spec(&self, spec: TopicSpec) {
        *lock(&self.spec) = Arc::new(spec);
    }

    /// The numbers of its partitions.
    pub(super) fn partitions(&self) -> std::ops::Range<i32> {
        0..self.count.cast_signed()
    }

    fn slot(&self, partition: i32) -> Result<&Mutex<PartitionState>, LogError> {
        usize::try_from(partition)
            .ok()
            .and_then(|index| self.partitions.get(index))
            .ok_or_else(|| LogError::UnknownPartition {
                topic: self.name.to_string(),
                partition,
                partitions: self.count,
            })
    }

    pub(super) fn state(&self, partition: i32) -> Result<PartitionState, LogError> {
        Ok(*lock(self.slot(partition)?))
    }

    pub(super) fn publish(&self, partition: i32, state: PartitionState) {
        if let Ok(slot) = self.slot(partition) {
            *lock(slot) = state;
        }
    }

    pub(super) fn offsets(&self, partition: i32) -> Result<Offsets, LogError> {
        let PartitionState {
            start,
            end,
            tombstones_to,
            ..
        } = self.state(partition)?;
        Ok(Offsets {
            start,
            end,
            resume_from: tombstones_to,
        })
    }

    /// The partition for the next records without a key. Relaxed: any order spreads them.
    pub(super) fn next_partition(&self) -> i32 {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        turn.checked_rem(self.count).unwrap_or(0).cast_signed()
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.deleted.load(Ordering::Acquire)
    }

    pub(super) fn out_of_range(&self, partition: i32, offset: i64) -> LogError {
        match self.offsets(partition) {
            Ok(Offsets { start, end, .. }) => LogError::OffsetOutOfRange {
                topic: self.name.to_string(),
                partition,
                offset,
                start,
                end,
            },
            Err(error) => error,
        }
    }
}

/// Wakes who waits for records of a topic.
#[derive(Debug, Default)]
pub(super) struct Signal {
    epoch: Mutex<u64>,
    changed: Condvar,
    /// Of readers that wait for other topics too.
    followers: Mutex<Vec<Weak<Event>>>,
}

impl Signal {
    /// What to give to [`Signal::wait`]: whatever is raised after this ends the wait.
    pub(super) fn epoch(&self) -> u64 {
        *lock(&self.epoch)
    }

    pub(super) fn raise(&self) {
        let mut epoch = lock(&self.epoch);
        *epoch = epoch.wrapping_add(1);
        self.changed.notify_all();
        drop(epoch);
        lock(&self.followers).retain(|follower| match follower.upgrade() {
            Some(event) => {
                event.raise();
                true
            }
            None => false,
        });
    }

    /// Raises this event too, as long as somebody has it.
    pub(super) fn tell(&self, event: &Arc<Event>) {
        lock(&self.followers).push(Arc::downgrade(event));
    }

    /// Waits until raised since `seen`, or the deadline. False when the time is over.
    pub(super) fn wait(&self, seen: u64, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let (epoch, _) = self
            .changed
            .wait_timeout_while(lock(&self.epoch), left, |epoch| *epoch == seen)
            .unwrap_or_else(PoisonError::into_inner);
        *epoch != seen
    }
}

/// All topics, by name.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    topics: RwLock<BTreeMap<Arc<str>, Arc<Topic>>>,
    next_number: AtomicU32,
    /// Held while partitions are published that were written together.
    publishing: RwLock<()>,
}

impl Catalog {
    /// The number the next topic gets. Relaxed: only the writer asks.
    pub(super) fn next_number(&self) -> u32 {
        self.next_number.load(Ordering::Relaxed)
    }

    /// Publishes partitions that were written together, so that a reader that saw one sees the others when it looks next.
    pub(super) fn publish_together(&self, publish: impl FnOnce()) {
        let _alone = self
            .publishing
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        publish();
    }

    /// Waits until what is being published is published whole.
    pub(super) fn settled(&self) {
        drop(
            self.publishing
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    pub(super) fn set_next_number(&self, number: u32) {
        self.next_number.store(number, Ordering::Relaxed);
    }

    pub(super) fn find(&self, name: &str) -> Option<Arc<Topic>> {
        self.topics
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    pub(super) fn get(&self, name: &str) -> Result<Arc<Topic>, LogError> {
        self.find(name).ok_or_else(|| LogError::UnknownTopic {
            topic: name.to_owned(),
        })
    }

    pub(super) fn all(&self) -> Vec<Arc<Topic>> {
        self.topics
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    pub(super) fn insert(&self, topic: Arc<Topic>) {
        self.topics
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(Arc::clone(&topic.name), topic);
    }

    /// Takes the topic away. Its readers notice at once.
    pub(super) fn remove(&self, topic: &Topic) {
        self.topics
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&topic.name);
        topic.deleted.store(true, Ordering::Release);
        topic.signal.raise();
    }

    /// Why a deleted topic cannot be used: there is another one of its name, or none.
    pub(super) fn gone(&self, topic: &Topic) -> LogError {
        match self.find(&topic.name) {
            Some(now) if now.id != topic.id => LogError::TopicRecreated {
                topic: topic.name.to_string(),
                was: topic.id,
                now: now.id,
            },
            _ => LogError::UnknownTopic {
                topic: topic.name.to_string(),
            },
        }
    }
}
