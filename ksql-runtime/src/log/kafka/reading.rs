//! Reading from a consumer's queue: its events packed into one buffer a partition, whoever chose the partitions. Used by
//! `reader`, where the caller does, and by `member`, where a group does.
//!
//! Invariants: what is given out of a partition follows what was given out before, without a hole and without a repeat,
//! and its position moves past transaction markers, aborted records and compacted ones only where the broker said that
//! nothing else is there (a later record, or the end of the partition). Connections that fail and come back change
//! nothing. A reader belongs to one thread; its waker to any.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaErrorCode as Code;

use super::Shared;
use super::catalog::Topic;
use super::failure::{Doing, Failure};
use super::native::{Consumer, Kind, Told};
use super::signal::Signal;
use super::slot::Slot;
use super::watch::Check;
use crate::log::error::LogError;
use crate::log::event::Event;
use crate::log::reader::{Fetched, ReaderWaker};

/// What is packed before it is given out.
const FETCH_BYTES: usize = 1024 * 1024;
/// What is packed at most of partitions that are not wanted, before it is given out all the same, or they are paused.
const HELD_BYTES: usize = 16 * FETCH_BYTES;

/// A wait is looked up from this often, for what nobody signals: the log being closed.
const SLICE: Duration = Duration::from_millis(100);

/// What is packed at least of a partition that is not wanted, before it is paused: pausing drops what was fetched ahead.
const LEAST_PAUSED_BYTES: usize = 64 * 1024;

/// Partitions of a topic of a Kafka cluster, read through one consumer.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) consumer: Consumer,
    pub(super) shared: Arc<Shared>,
    pub(super) topic: Arc<Topic>,
    /// Whose member reads; then partitions that are not wanted are paused.
    pub(super) group: Option<String>,
    pub(super) slots: Vec<Slot>,
    /// Where in `slots` a partition is.
    index: Vec<Option<usize>>,
    turn: usize,
    signal: Arc<Signal>,
    /// Told when everything read before it is given out.
    pub(super) failure: Option<LogError>,
    /// What the group decided. Nothing is taken from the queue until it is dealt with.
    pub(super) told: Option<Told>,
    pub(super) check: Check,
}

/// How long a reader waits for an answer: whoever reads asks again, and may have been told to stop meanwhile.
pub(super) fn patience(shared: &Shared) -> Duration {
    shared.options.request_timeout.min(Duration::from_secs(5))
}

impl Reading {
    /// Without partitions yet. Blocks for a question to the cluster.
    pub(super) fn new(
        shared: Arc<Shared>,
        topic: &str,
        group: Option<&str>,
    ) -> Result<Reading, LogError> {
        let topic = shared.topic_within(topic, patience(&shared))?;
        let config = match group {
            Some(group) => shared.options.member_config(group),
            None => shared.options.reader_config(),
        };
        let signal = Arc::new(Signal::default());
        let raised = Arc::clone(&signal);
        let statistics = Arc::default();
        let consumer = Consumer::new(&config, &topic.name, &statistics, move || {
            raised.raise();
        })
        .map_err(|error| super::options::refused(error, "consumer"))?;
        shared.readers.add(&statistics);
        let due = Instant::now() + shared.options.topic_check;
        Ok(Reading {
            consumer,
            shared,
            topic,
            group: group.map(str::to_owned),
            slots: Vec::new(),
            index: Vec::new(),
            turn: 0,
            signal,
            failure: None,
            told: None,
            check: Check::due(due),
        })
    }

    pub(super) fn doing(&self, action: &'static str) -> Doing<'_> {
        Doing {
            group: self.group.as_deref(),
            ..self.shared.doing(action, &self.topic.name)
        }
    }

    pub(super) fn topic_now(&self) -> Result<Arc<Topic>, LogError> {
        self.shared
            .topic_within(&self.topic.name, patience(&self.shared))
    }

    /// Moves partitions to offsets that are there.
    pub(super) fn read_from(&mut self, from: &[(i32, i64)]) -> Result<(), LogError> {
        let ends = self.checked(from)?;
        if from.is_empty() {
            return Ok(());
        }
        for (partition, _) in from {
            self.resume(*partition);
        }
        self.consumer
            .read_from(from)
            .map_err(|error| self.doing("read").failed(Failure::from(error)))?;
        for (partition, offset) in from {
            let end = ends.get(partition).copied().unwrap_or(*offset);
            self.begin(*partition, *offset, end);
        }
        Ok(())
    }

    /// Moves a partition of a member to an offset that is there. `may_assign` says whether it may be taken anew for that: it
    /// must be when librdkafka has given it up for an offset that is gone, and must not while an answer is owed to the
    /// group.
    pub(super) fn seek(
        &mut self,
        partition: i32,
        offset: i64,
        may_assign: bool,
    ) -> Result<(), LogError> {
        let ends = self.checked(&[(partition, offset)])?;
        self.resume(partition);
        let patience = patience(&self.shared);
        let sought = self.consumer.seek(partition, offset, patience);
        let moved = match sought {
            Err(failure) if failure.code == Code::State && may_assign => self
                .consumer
                .read_from(&[(partition, offset)])
                .map_err(Failure::from),
            other => other,
        };
        moved.map_err(|failure| match failure.code {
            // It is being taken or given up just now.
            Code::State | Code::PreviousInProgress => LogError::Refused {
                action: "move to an offset",
                topic: self.topic.name.to_string(),
                transient: true,
                source: Arc::new(failure),
            },
            _ => self.doing("move to an offset").failed(failure),
        })?;
        let end = ends.get(&partition).copied().unwrap_or(offset);
        self.begin(partition, offset, end);
        Ok(())
    }

    /// Makes sure that offsets are there; says where their partitions end.
    fn checked(&self, from: &[(i32, i64)]) -> Result<BTreeMap<i32, i64>, LogError> {
        let topic = &self.topic.name;
        let partitions: Vec<i32> = from.iter().map(|(partition, _)| *partition).collect();
        for partition in &partitions {
            if !self.topic.has(*partition) {
                // It may have been added since.
                let now = self.topic_now()?;
                if !now.has(*partition) {
                    return Err(LogError::UnknownPartition {
                        topic: topic.to_string(),
                        partition: *partition,
                        partitions: now.partitions(),
                    });
                }
            }
        }
        let edges = self
            .shared
            .offsets_within(topic, &partitions, patience(&self.shared))?;
        for (partition, offset) in from {
            let (start, end) = edges.get(partition).copied().unwrap_or((0, 0));
            if *offset < start || *offset > end {
                return Err(LogError::OffsetOutOfRange {
                    topic: topic.to_string(),
                    partition: *partition,
                    offset: *offset,
                    start,
                    end,
                });
            }
        }
        let ends = edges.iter().map(|(partition, (_, end))| (*partition, *end));
        Ok(ends.collect())
    }

    /// Expects records of a partition from this offset on.
    pub(super) fn begin(&mut self, partition: i32, offset: i64, end: i64) {
        self.slot(partition).start(offset, end);
    }

    /// Knows nothing of a partition any more; what is packed of it is not given out.
    pub(super) fn forget(&mut self, partition: i32) {
        self.resume(partition);
        self.slots.retain(|slot| slot.partition != partition);
        self.index.fill(None);
        for (at, slot) in self.slots.iter().enumerate() {
            let place = usize::try_from(slot.partition).ok();
            if let Some(place) = place.and_then(|place| self.index.get_mut(place)) {
                *place = Some(at);
            }
        }
    }

    /// Ends the pause of a partition, if it is paused.
    fn resume(&mut self, partition: i32) {
        let slot = self
            .slots
            .iter_mut()
            .find(|slot| slot.partition == partition);
        if let Some(slot) = slot.filter(|slot| slot.paused) {
            slot.paused = false;
            if let Err(error) = self.consumer.resume(partition) {
                tracing::debug!(topic = %self.topic.name, partition, %error, "resuming");
            }
        }
    }

    /// The slot of a partition, made if there is none.
    fn slot(&mut self, partition: i32) -> &mut Slot {
        let at = usize::try_from(partition).unwrap_or(0);
        if self.index.len() <= at {
            self.index.resize(at.saturating_add(1), None);
        }
        let known = self.index.get(at).copied().flatten();
        let index = known.unwrap_or(self.slots.len());
        if known.is_none() {
            self.slots.push(Slot::new(partition));
            if let Some(place) = self.index.get_mut(at) {
                *place = Some(index);
            }
        }
        #[expect(
            clippy::indexing_slicing,
            reason = "the index was looked up or pushed just above"
        )]
        &mut self.slots[index]
    }

    pub(super) fn tell(&self, event: &Arc<Event>) {
        self.signal.tell(event);
    }

    /// The partitions, and what is given out of each next.
    pub(super) fn positions(&self) -> impl Iterator<Item = (i32, i64)> {
        let slots = self.slots.iter();
        slots.map(|slot| (slot.partition, slot.position))
    }

    pub(super) fn waker(&self) -> ReaderWaker {
        Arc::clone(&self.signal).waker()
    }

    /// Whatever `look` finds, or nothing when the time is over or a waker said so. Asks meanwhile whether the topic is the
    /// same.
    pub(super) fn wait_for<R, T>(
        reader: &mut R,
        timeout: Duration,
        reading: impl Fn(&mut R) -> &mut Reading,
        mut look: impl FnMut(&mut R) -> Result<Option<T>, LogError>,
    ) -> Result<Option<T>, LogError> {
        let deadline = Instant::now().checked_add(timeout);
        loop {
            let this = reading(reader);
            if this.shared.is_closed() {
                return Err(LogError::Closed);
            }
            if this.topic.is_gone() {
                return Err(this.gone());
            }
            if this.failure.is_none() {
                this.check();
            }
            if let Some(found) = look(reader)? {
                return Ok(Some(found));
            }
            let this = reading(reader);
            if this.signal.was_woken() {
                return Ok(None);
            }
            let left = deadline.map_or(SLICE, |deadline| {
                deadline.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return Ok(None);
            }
            this.signal.wait(left.min(SLICE));
        }
    }

    /// The next records that are there, of a wanted partition. After what was read before a failure comes the failure.
    pub(super) fn look(
        &mut self,
        wanted: &impl Fn(i32) -> bool,
    ) -> Result<Option<Fetched>, LogError> {
        if let Some(fetched) = self.gather(wanted) {
            return Ok(Some(fetched));
        }
        self.failure.take().map_or(Ok(None), Err)
    }

    /// Packs events until a wanted partition has something to give out, if one gets something.
    fn gather(&mut self, wanted: &impl Fn(i32) -> bool) -> Option<Fetched> {
        let mut room = FETCH_BYTES;
        loop {
            let packed = match self.failure {
                None => self.drain(room, wanted),
                Some(_) => 0,
            };
            if self.told.is_some() {
                return None;
            }
            if let Some(fetched) = self.take(wanted) {
                return Some(fetched);
            }
            if packed < room {
                return None;
            }
            // The events come in one queue: those of the others stand before those that are wanted.
            if room >= HELD_BYTES {
                return self.take(&|_| true);
            }
            room = room.saturating_add(FETCH_BYTES);
        }
    }

    /// Packs the events that are there, until so much is packed; says how much is. Where partitions are paused, those that
    /// are not wanted do not count. A client without brokers says so at every attempt to reach one: failures that follow one another
    /// are one, or what comes then would wait behind each of them.
    fn drain(&mut self, room: usize, wanted: &impl Fn(i32) -> bool) -> usize {
        let pauses = self.group.is_some();
        let counts = |partition: i32| !pauses || wanted(partition);
        let most = HELD_BYTES
            .checked_div(self.slots.len())
            .unwrap_or(FETCH_BYTES)
            .clamp(LEAST_PAUSED_BYTES, FETCH_BYTES);
        let counted = self.slots.iter().filter(|slot| counts(slot.partition));
        let mut packed: usize = counted.map(|slot| slot.bytes.len()).sum();
        while packed < room && self.told.is_none() {
            let Reading {
                consumer,
                slots,
                index,
                ..
            } = self;
            let Some(mut event) = consumer.next() else {
                return packed;
            };
            let mut failed = false;
            let found = |partition: i32| -> Option<usize> {
                index.get(usize::try_from(partition).ok()?).copied()?
            };
            match event.kind() {
                Kind::Record(message) => {
                    let slot = found(message.partition()).and_then(|at| slots.get_mut(at));
                    let Some(slot) = slot else {
                        continue;
                    };
                    let Some(bytes) = slot.push(message) else {
                        self.failure = Some(LogError::CorruptRecords {
                            topic: self.topic.name.to_string(),
                            partition: message.partition(),
                            offset: message.offset(),
                            what: "a record is longer than 256 MiB".to_owned(),
                            source: None,
                        });
                        return packed;
                    };
                    if counts(slot.partition) {
                        packed = packed.saturating_add(bytes);
                    } else if slot.bytes.len() >= most && !slot.paused {
                        let partition = slot.partition;
                        drop(event);
                        match consumer.pause(partition) {
                            Ok(()) => slot.paused = true,
                            // Tried again with its next record.
                            Err(error) => {
                                tracing::debug!(topic = %self.topic.name, partition, %error, "pausing");
                            }
                        }
                    }
                }
                Kind::Told(told) => self.told = Some(told),
                Kind::End { partition, offset } => {
                    if let Some(slot) = found(partition).and_then(|at| slots.get_mut(at)) {
                        slot.reached(offset);
                    }
                }
                Kind::Failed {
                    partition,
                    failure,
                    fatal,
                } => {
                    drop(event);
                    failed = true;
                    if let Some(error) = self.judge(partition, failure, fatal) {
                        let passes = error.is_transient();
                        self.failure = Some(error);
                        if !passes {
                            return packed;
                        }
                    }
                }
                Kind::Nothing => {}
            }
            if self.failure.is_some() && !failed {
                return packed;
            }
        }
        packed
    }

    /// What the next wanted partition in turn has.
    fn take(&mut self, wanted: &impl Fn(i32) -> bool) -> Option<Fetched> {
        for _ in 0..self.slots.len() {
            self.turn = self
                .turn
                .wrapping_add(1)
                .checked_rem(self.slots.len())
                .unwrap_or(0);
            let Reading {
                consumer,
                topic,
                slots,
                turn,
                ..
            } = self;
            let slot = slots.get_mut(*turn)?;
            if slot.next > slot.position && wanted(slot.partition) {
                if let Some(high) = consumer.high_watermark(slot.partition) {
                    slot.end = slot.end.max(high);
                }
                let (partition, fetched) = (slot.partition, slot.take(&topic.name));
                self.resume(partition);
                return Some(fetched);
            }
        }
        None
    }
}
