//! Reading: a consumer assigned by hand, its events packed into one buffer a partition.
//!
//! Invariants: what is given out of a partition follows what was given out before, without a hole and without a repeat,
//! and its position moves past transaction markers, aborted records and compacted ones only where the broker said that
//! nothing else is there (a later record, or the end of the partition). Connections that fail and come back change
//! nothing. A reader belongs to one thread; its waker to any.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaErrorCode as Code;

use super::Shared;
use super::catalog::Topic;
use super::failure::{Doing, Failure};
use super::native::{self, Call, Consumer, Kind};
use super::slot::Slot;
use crate::log::error::LogError;
use crate::log::event::Event;
use crate::log::reader::{Fetched, ReaderWaker};

/// What is packed before it is given out.
const FETCH_BYTES: usize = 1024 * 1024;
/// What is packed at most of partitions that are not wanted, before it is given out all the same.
const HELD_BYTES: usize = 16 * FETCH_BYTES;

/// A wait is looked up from this often, for what nobody signals: the log being closed.
const SLICE: Duration = Duration::from_millis(100);

/// Reads partitions of a topic of a Kafka cluster.
#[derive(Debug)]
pub struct KafkaReader {
    consumer: Consumer,
    shared: Arc<Shared>,
    topic: Arc<Topic>,
    slots: Vec<Slot>,
    /// Where in `slots` a partition is.
    index: Vec<Option<usize>>,
    turn: usize,
    signal: Arc<Signal>,
    /// Told when everything read before it is given out.
    failure: Option<LogError>,
    check: Check,
}

/// The question whether the topic is still the same.
#[derive(Debug)]
struct Check {
    asked: Option<Call>,
    due: Instant,
}

/// Something happened: an event, or a wake.
#[derive(Debug, Default)]
struct Signal {
    event: Event,
    woken: AtomicBool,
    /// Of who waits for other topics too.
    follower: OnceLock<Arc<Event>>,
}

impl Signal {
    fn raise(&self) {
        self.event.raise();
        if let Some(follower) = self.follower.get() {
            follower.raise();
        }
    }

    /// Waits until it was raised since the last wait, or the time is over.
    fn wait(&self, longest: Duration) {
        self.event.wait(longest);
        self.event.take_back();
    }
}

/// How long a reader waits for an answer: whoever reads asks again, and may have been told to stop meanwhile.
fn patience(shared: &Shared) -> Duration {
    shared.options.request_timeout.min(Duration::from_secs(5))
}

impl KafkaReader {
    /// Blocks for some questions to the cluster.
    pub(super) fn new(
        shared: Arc<Shared>,
        topic: &str,
        from: &[(i32, i64)],
    ) -> Result<KafkaReader, LogError> {
        let topic = shared.topic_within(topic, patience(&shared))?;
        let signal = Arc::new(Signal::default());
        let raised = Arc::clone(&signal);
        let consumer = Consumer::new(&shared.options.reader_config(), &topic.name, move || {
            raised.raise();
        })
        .map_err(|error| super::options::refused(error, "consumer"))?;
        let due = Instant::now() + shared.options.topic_check;
        let mut reader = KafkaReader {
            consumer,
            shared,
            topic,
            slots: Vec::new(),
            index: Vec::new(),
            turn: 0,
            signal,
            failure: None,
            check: Check { asked: None, due },
        };
        reader.read_from(from)?;
        Ok(reader)
    }

    fn doing(&self) -> Doing<'_> {
        self.shared.doing("read", &self.topic.name)
    }

    fn topic_now(&self) -> Result<Arc<Topic>, LogError> {
        self.shared
            .topic_within(&self.topic.name, patience(&self.shared))
    }

    /// Moves partitions to offsets that are there.
    fn read_from(&mut self, from: &[(i32, i64)]) -> Result<(), LogError> {
        let topic = Arc::clone(&self.topic.name);
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
        if from.is_empty() {
            return Ok(());
        }
        let edges = self
            .shared
            .offsets_within(&topic, &partitions, patience(&self.shared))?;
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
        self.consumer
            .read_from(from)
            .map_err(|error| self.doing().failed(Failure::from(error)))?;
        for (partition, offset) in from {
            let end = edges.get(partition).map_or(*offset, |(_, end)| *end);
            self.slot(*partition).start(*offset, end);
        }
        Ok(())
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

    pub(crate) fn tell(&self, event: &Arc<Event>) {
        // Told once, by who made the reader.
        let _ = self.signal.follower.set(Arc::clone(event));
        // What came before is there already.
        event.raise();
    }

    pub(crate) fn seek(&mut self, partition: i32, offset: i64) -> Result<(), LogError> {
        self.read_from(&[(partition, offset)])
    }

    pub(crate) fn positions(&self) -> Vec<(i32, i64)> {
        self.slots
            .iter()
            .map(|slot| (slot.partition, slot.position))
            .collect()
    }

    /// How many partitions the topic has, as of the last check.
    pub(crate) fn partitions(&self) -> u32 {
        self.topic.partitions()
    }

    pub(crate) fn waker(&self) -> ReaderWaker {
        let signal = Arc::clone(&self.signal);
        ReaderWaker::new(move || {
            signal.woken.store(true, Ordering::Release);
            signal.raise();
        })
    }

    pub(crate) fn poll(
        &mut self,
        timeout: Duration,
        wanted: impl Fn(i32) -> bool,
    ) -> Result<Option<Fetched>, LogError> {
        let deadline = Instant::now().checked_add(timeout);
        loop {
            if self.shared.is_closed() {
                return Err(LogError::Closed);
            }
            if self.topic.is_gone() {
                return Err(self.gone());
            }
            if self.failure.is_none() {
                self.check();
            }
            if let Some(fetched) = self.gather(&wanted) {
                return Ok(Some(fetched));
            }
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            if self.signal.woken.swap(false, Ordering::AcqRel) {
                return Ok(None);
            }
            let left = deadline.map_or(SLICE, |deadline| {
                deadline.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return Ok(None);
            }
            self.signal.wait(left.min(SLICE));
        }
    }

    /// Packs events until a wanted partition has something to give out, if one gets something.
    fn gather(&mut self, wanted: &impl Fn(i32) -> bool) -> Option<Fetched> {
        let mut room = FETCH_BYTES;
        loop {
            let packed = match self.failure {
                None => self.drain(room),
                Some(_) => 0,
            };
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

    /// Packs the events that are there, until so much is packed; says how much is.
    fn drain(&mut self, room: usize) -> usize {
        let mut packed: usize = self.slots.iter().map(|slot| slot.bytes.len()).sum();
        while packed < room {
            let KafkaReader {
                consumer,
                slots,
                index,
                ..
            } = self;
            let Some(mut event) = consumer.next() else {
                return packed;
            };
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
                    packed = packed.saturating_add(bytes);
                }
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
                    if let Some(error) = self.judge(partition, failure, fatal) {
                        self.failure = Some(error);
                        return packed;
                    }
                }
                Kind::Nothing => {}
            }
        }
        packed
    }

    /// What an error event means. None where librdkafka goes on by itself.
    fn judge(&self, partition: Option<i32>, failure: Failure, fatal: bool) -> Option<LogError> {
        tracing::debug!(topic = %self.topic.name, partition, error = %failure, "reading");
        match failure.code {
            Code::AutoOffsetReset | Code::OffsetOutOfRange => Some(self.out_of_range(partition?)),
            Code::UnknownTopicOrPartition
            | Code::UnknownTopic
            | Code::UnknownTopicId
            | Code::UnknownPartition => match self.topic_now() {
                // A broker that does not know yet, or not any more, while it is handed over.
                Ok(now) if Arc::ptr_eq(&now, &self.topic) => None,
                Ok(_) => Some(self.gone()),
                Err(error) => Some(error),
            },
            // Readers need no coordinator; who commits is told when he does.
            Code::GroupAuthorizationFailed
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::CoordinatorLoadInProgress
            | Code::WaitingForCoordinator
            | Code::PollExceeded => None,
            // One connection of several; all of them down is an event of its own.
            Code::BrokerTransportFailure
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::NetworkException
            | Code::RequestTimedOut
            | Code::TimedOutQueue
                if !fatal =>
            {
                None
            }
            // A broker failed and does not know at what: what is there to be read may be had a little later, and readers lose
            // nothing by asking again.
            Code::Unknown => Some(LogError::Refused {
                action: "read",
                topic: self.topic.name.to_string(),
                transient: true,
                source: Arc::new(failure),
            }),
            _ => match self.doing().failed(failure) {
                LogError::Refused {
                    transient: true, ..
                } if !fatal => None,
                error => Some(error),
            },
        }
    }

    /// The offset we wanted is not there: because records were removed, or because the topic is another one.
    fn out_of_range(&self, partition: i32) -> LogError {
        let topic = &self.topic.name;
        match self.topic_now() {
            Ok(now) if Arc::ptr_eq(&now, &self.topic) => {}
            Ok(_) => return self.gone(),
            Err(error) => return error,
        }
        let offset = self
            .slots
            .iter()
            .find(|slot| slot.partition == partition)
            .map_or(0, |slot| slot.next);
        match self
            .shared
            .offsets_within(topic, &[partition], patience(&self.shared))
        {
            Ok(edges) => {
                let (start, end) = edges.get(&partition).copied().unwrap_or((0, 0));
                LogError::OffsetOutOfRange {
                    topic: topic.to_string(),
                    partition,
                    offset,
                    start,
                    end,
                }
            }
            Err(error) => error,
        }
    }

    /// The topic this reader was made for is there no longer: what is instead.
    fn gone(&self) -> LogError {
        match self.topic_now() {
            Ok(now) => LogError::TopicRecreated {
                topic: self.topic.name.to_string(),
                was: self.topic.id,
                now: now.id,
            },
            Err(error) => error,
        }
    }

    /// Asks from time to time whether the topic is the same, and never waits for the answer.
    fn check(&mut self) {
        let now = Instant::now();
        match &self.check.asked {
            None if now >= self.check.due => {
                let timeout = self.shared.options.request_timeout;
                let client = &self.shared.producer.client;
                self.check.asked = native::ask_topics(client, &[&self.topic.name], timeout).ok();
                self.check.due = now + self.shared.options.topic_check;
            }
            None => {}
            Some(call) => {
                let Some(answer) = call.poll(Duration::ZERO) else {
                    return;
                };
                let told = native::described(&answer);
                self.check.asked = None;
                self.check.due = now + self.shared.options.topic_check;
                // Another topic of the name marks ours as gone; a failed question is asked again.
                match told.map(|mut told| told.pop()) {
                    Ok(Some(Ok(described))) => {
                        self.shared.catalog.learn(&described);
                    }
                    Ok(Some(Err(failure))) if failure.code == Code::UnknownTopicOrPartition => {
                        self.shared.catalog.forget(&self.topic.name);
                        self.topic.mark_gone();
                    }
                    Ok(_) => {}
                    Err(failure) => {
                        tracing::debug!(topic = %self.topic.name, error = %failure, "asking for the topic")
                    }
                }
            }
        }
    }

    /// What the next wanted partition in turn has.
    fn take(&mut self, wanted: &impl Fn(i32) -> bool) -> Option<Fetched> {
        for _ in 0..self.slots.len() {
            self.turn = self
                .turn
                .wrapping_add(1)
                .checked_rem(self.slots.len())
                .unwrap_or(0);
            let KafkaReader {
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
                return Some(slot.take(&topic.name));
            }
        }
        None
    }
}
