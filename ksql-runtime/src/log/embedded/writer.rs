//! The one thread that writes: it takes all commands that wait, writes their records as one group, then answers.
//!
//! Invariant: an answer is given only after what it acknowledges is durable, and records become readable only then;
//! after a failed write nothing is written any more, because what that write left is unknown.

use std::sync::Arc;

use rocksdb::{WriteBatch, WriteOptions};

use super::Shared;
use super::catalog::Topic;
use super::layout::{
    GROUP_PREFIX, NEXT_TOPIC_KEY, PARTITION_PREFIX, PartitionState, TOPIC_PREFIX, batch_key,
    partition_key, topic_key, topic_to_bytes,
};
use super::options::Durability;
use super::queue::{Change, Chunk, Command, Produce};
use super::stored::{BatchHeader, ROOM};
use crate::log::error::LogError;
use crate::log::topic::{Created, TopicChange, TopicId, TopicSpec};

/// Stored batches are joined up to this size: small produces issued together are read together.
pub(super) const STORED_BYTES: usize = 256 * 1024;

/// Buffers kept between groups: how many, and up to which size.
const KEPT_BUFFERS: usize = 64;
const KEPT_BYTES: usize = 1024 * 1024;

/// Ends the log when the writer ends by a defect: nobody waits for an answer that never comes, or writes what nobody stores.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.queue.abandon();
            self.0.close();
        }
    }
}

/// The writer's own state.
pub(super) struct Writer {
    shared: Arc<Shared>,
    options: WriteOptions,
    poisoned: Option<String>,
    tails: Tails,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, durability: Durability) -> Writer {
        let mut options = WriteOptions::default();
        options.set_sync(durability == Durability::PowerLoss);
        Writer {
            shared,
            options,
            poisoned: None,
            tails: Tails::default(),
        }
    }

    /// The thread's whole life.
    pub(super) fn run(mut self) {
        let _span =
            tracing::debug_span!("log", directory = %self.shared.directory.display()).entered();
        let _ending = Ending(Arc::clone(&self.shared));
        let mut commands = Vec::new();
        let mut group = Vec::new();
        loop {
            self.shared.queue.take(&mut commands);
            for command in commands.drain(..) {
                let command = match command {
                    Command::Produce(produce) => {
                        group.push(produce);
                        continue;
                    }
                    other => other,
                };
                self.produce(&mut group);
                if self.other(command) {
                    return;
                }
            }
            self.produce(&mut group);
        }
    }

    /// Does one command; says whether it was the last.
    fn other(&mut self, command: Command) -> bool {
        // Whoever asked may not wait for the answer any more.
        match command {
            Command::Produce(produce) => self.produce(&mut vec![produce]),
            Command::Create { spec, done } => drop(done.send(self.create(spec))),
            Command::Alter {
                topic,
                change,
                done,
            } => drop(done.send(self.alter(&topic, &change))),
            Command::Delete { topic, done } => drop(done.send(self.delete(&topic))),
            Command::Put {
                entries,
                then,
                done,
            } => {
                let mut batch = WriteBatch::default();
                let written = self.write(|families| {
                    for (key, value) in &entries {
                        batch.put_cf(&families.meta, key, value);
                    }
                    batch
                });
                if written.is_ok() {
                    (then.0)();
                }
                drop(done.send(written));
            }
            Command::Change { change, done } => drop(done.send(self.change(change))),
            Command::Flush { done } => drop(done.send(self.flush())),
            Command::Close { done } => {
                let flushed = if self.poisoned.is_some() {
                    Ok(())
                } else {
                    self.flush()
                };
                self.shared.close();
                drop(done.send(flushed));
                return true;
            }
        }
        false
    }

    fn write(
        &mut self,
        fill: impl FnOnce(&super::store::Families<'_>) -> WriteBatch,
    ) -> Result<(), LogError> {
        if let Some(reason) = &self.poisoned {
            return Err(LogError::Poisoned {
                reason: reason.clone(),
            });
        }
        let options = &self.options;
        let written = self.shared.store.with(|families| {
            let batch = fill(families);
            families
                .db
                .write_opt(batch, options)
                .map_err(|error| LogError::Storage {
                    action: "be written",
                    source: Arc::new(error),
                })
        });
        if let Err(LogError::Storage { source, .. }) = &written {
            tracing::error!(error = %source, "the log could not be written and takes no more writes");
            self.poisoned = Some(source.to_string());
        }
        written
    }

    fn flush(&self) -> Result<(), LogError> {
        self.shared.store.with(|families| {
            families
                .db
                .flush_wal(true)
                .map_err(|error| LogError::Storage {
                    action: "be flushed",
                    source: Arc::new(error),
                })
        })
    }

    /// Writes a group of produced records as one batch and answers each.
    fn produce(&mut self, group: &mut Vec<Produce>) {
        if group.is_empty() {
            return;
        }
        let mut tails = std::mem::take(&mut self.tails);
        let mut bases = Vec::with_capacity(group.len());
        let written = self.write(|families| {
            let mut batch = WriteBatch::default();
            let mut put = |key: [u8; 16], value: &[u8]| batch.put_cf(&families.log, key, value);
            for produce in group.iter() {
                let mut of_parts = Vec::with_capacity(produce.parts.len());
                for part in produce.parts.iter().filter(|_| !produce.topic.is_deleted()) {
                    let Some(tail) = tails.of(&produce.topic, part.partition) else {
                        continue;
                    };
                    of_parts.push(tail.state.end);
                    let mut from = 0;
                    for chunk in &part.chunks {
                        tail.append(
                            *chunk,
                            part.bytes.get(from..chunk.end).unwrap_or_default(),
                            &mut put,
                        );
                        from = chunk.end;
                    }
                }
                bases.push(of_parts);
            }
            for tail in &mut tails.used {
                tail.store(&mut put);
            }
            for tail in &tails.used {
                batch.put_cf(
                    &families.meta,
                    partition_key(tail.topic.number, tail.partition),
                    tail.state.to_bytes(),
                );
            }
            batch
        });
        if written.is_ok() {
            self.shared.catalog.publish_together(|| tails.publish());
        }
        tails.clear();
        self.tails = tails;
        for (produce, bases) in group
            .drain(..)
            .zip(bases.into_iter().chain(std::iter::repeat_with(Vec::new)))
        {
            let answer = match &written {
                Ok(()) if produce.topic.is_deleted() => {
                    Err(self.shared.catalog.gone(&produce.topic))
                }
                Ok(()) => Ok(bases),
                Err(error) => Err(error.clone()),
            };
            drop(produce.done.send(answer));
        }
    }

    fn alter(&mut self, topic: &Arc<Topic>, change: &TopicChange) -> Result<(), LogError> {
        if topic.is_deleted() {
            return Err(self.shared.catalog.gone(topic));
        }
        let mut spec = (*topic.spec()).clone();
        change.apply(&mut spec);
        self.write(|families| {
            let mut batch = WriteBatch::default();
            batch.put_cf(
                &families.meta,
                topic_key(TOPIC_PREFIX, topic.number),
                topic_to_bytes(topic.id, &spec),
            );
            batch
        })?;
        topic.set_spec(spec);
        Ok(())
    }

    fn create(&mut self, spec: TopicSpec) -> Result<Created, LogError> {
        if let Some(existing) = self.shared.catalog.find(&spec.name) {
            if existing.count != spec.partitions {
                return Err(LogError::PartitionsDiffer {
                    topic: spec.name,
                    existing: existing.count,
                    requested: spec.partitions,
                });
            }
            return Ok(Created::Existed(existing.describe()));
        }
        let number = self.shared.catalog.next_number();
        let id = TopicId::random();
        let partitions = vec![PartitionState::EMPTY; spec.partitions as usize];
        let topic = Arc::new(Topic::new(number, id, spec, partitions));
        self.write(|families| {
            let mut batch = WriteBatch::default();
            batch.put_cf(
                &families.meta,
                NEXT_TOPIC_KEY,
                number.saturating_add(1).to_le_bytes(),
            );
            batch.put_cf(
                &families.meta,
                topic_key(TOPIC_PREFIX, number),
                topic_to_bytes(id, &topic.spec()),
            );
            for partition in topic.partitions() {
                batch.put_cf(
                    &families.meta,
                    partition_key(number, partition),
                    PartitionState::EMPTY.to_bytes(),
                );
            }
            batch
        })?;
        self.shared.catalog.insert(Arc::clone(&topic));
        self.shared
            .catalog
            .set_next_number(number.saturating_add(1));
        Ok(Created::New(topic.describe()))
    }

    fn delete(&mut self, topic: &Arc<Topic>) -> Result<(), LogError> {
        if topic.is_deleted() {
            return Err(self.shared.catalog.gone(topic));
        }
        let number = topic.number;
        let after = number.saturating_add(1);
        // Before the write, so that a reader that misses the records knows why.
        self.shared.catalog.remove(topic);
        self.write(|families| {
            let mut batch = WriteBatch::default();
            batch.delete_cf(&families.meta, topic_key(TOPIC_PREFIX, number));
            for prefix in [PARTITION_PREFIX, GROUP_PREFIX] {
                batch.delete_range_cf(
                    &families.meta,
                    topic_key(prefix, number),
                    topic_key(prefix, after),
                );
            }
            batch.delete_range_cf(
                &families.log,
                batch_key(number, 0, 0),
                batch_key(after, 0, 0),
            );
            batch
        })
    }

    fn change(&mut self, change: Change) -> Result<(), LogError> {
        let (topic, partition) = match &change {
            Change::Expire {
                topic, partition, ..
            }
            | Change::Replace {
                topic, partition, ..
            }
            | Change::Cleaned {
                topic, partition, ..
            } => (Arc::clone(topic), *partition),
        };
        if topic.is_deleted() {
            return Err(self.shared.catalog.gone(&topic));
        }
        let before = topic.state(partition)?;
        let mut state = before;
        if let Change::Expire { start, .. } = change {
            // Before the write, so that a reader that misses the records knows why.
            topic.publish(partition, PartitionState { start, ..before });
        }
        self.write(|families| {
            let mut batch = WriteBatch::default();
            match change {
                Change::Expire {
                    start, kept, bytes, ..
                } => {
                    batch.delete_range_cf(
                        &families.log,
                        batch_key(topic.number, partition, 0),
                        batch_key(topic.number, partition, kept),
                    );
                    state.start = start;
                    state.bytes = state.bytes.saturating_sub(bytes);
                    state.cleaned_bytes = state.cleaned_bytes.saturating_sub(bytes);
                    state.cleaned_to = state.cleaned_to.max(start);
                }
                Change::Replace {
                    remove,
                    base,
                    value,
                    bytes_before,
                    tombstones_to,
                    ..
                } => {
                    state.tombstones_to = state.tombstones_to.max(tombstones_to);
                    for base in remove {
                        batch.delete_cf(&families.log, batch_key(topic.number, partition, base));
                    }
                    batch.put_cf(
                        &families.log,
                        batch_key(topic.number, partition, base),
                        &value,
                    );
                    state.bytes = state
                        .bytes
                        .saturating_sub(bytes_before)
                        .saturating_add(value.len() as u64);
                }
                Change::Cleaned {
                    cleaned_to,
                    cleaned_bytes,
                    horizon,
                    ..
                } => {
                    (state.cleaned_to, state.cleaned_bytes, state.horizon) =
                        (cleaned_to, cleaned_bytes, horizon);
                }
            }
            batch.put_cf(
                &families.meta,
                partition_key(topic.number, partition),
                state.to_bytes(),
            );
            batch
        })?;
        topic.publish(partition, state);
        Ok(())
    }
}

/// The partitions a group touches, as they will be when it is written.
#[derive(Debug, Default)]
struct Tails {
    used: Vec<Tail>,
    /// Buffers of earlier groups.
    free: Vec<Vec<u8>>,
}

/// A partition's end: its state and the stored batch that is being joined.
#[derive(Debug)]
struct Tail {
    topic: Arc<Topic>,
    partition: i32,
    state: PartitionState,
    bytes: Vec<u8>,
    base: i64,
    count: u32,
    max_timestamp: i64,
}

impl Tails {
    fn of(&mut self, topic: &Arc<Topic>, partition: i32) -> Option<&mut Tail> {
        // A group touches few partitions.
        let known = self
            .used
            .iter()
            .position(|tail| tail.partition == partition && tail.topic.number == topic.number);
        let index = match known {
            Some(index) => index,
            None => {
                let state = topic.state(partition).ok()?;
                let bytes = self.free.pop().unwrap_or_default();
                let topic = Arc::clone(topic);
                self.used.push(Tail {
                    topic,
                    partition,
                    state,
                    bytes,
                    base: 0,
                    count: 0,
                    max_timestamp: i64::MIN,
                });
                self.used.len().saturating_sub(1)
            }
        };
        self.used.get_mut(index)
    }

    fn publish(&self) {
        for tail in &self.used {
            tail.topic.publish(tail.partition, tail.state);
        }
        for tail in &self.used {
            tail.topic.signal.raise();
        }
    }

    fn clear(&mut self) {
        for mut tail in self.used.drain(..) {
            tail.bytes.clear();
            if tail.bytes.capacity() <= KEPT_BYTES && self.free.len() < KEPT_BUFFERS {
                self.free.push(tail.bytes);
            }
        }
    }
}

impl Tail {
    fn append(&mut self, chunk: Chunk, bytes: &[u8], put: &mut impl FnMut([u8; 16], &[u8])) {
        if self.count > 0 && self.bytes.len().saturating_add(bytes.len()) > STORED_BYTES {
            self.store(put);
        }
        if self.count == 0 {
            self.bytes.clear();
            self.bytes.resize(ROOM, 0);
            self.base = self.state.end;
            self.max_timestamp = i64::MIN;
            self.state.bytes = self.state.bytes.saturating_add(ROOM as u64);
        }
        self.bytes.extend_from_slice(bytes);
        self.count = self.count.saturating_add(chunk.count);
        self.max_timestamp = self.max_timestamp.max(chunk.max_timestamp);
        self.state.end = self.state.end.saturating_add(i64::from(chunk.count));
        self.state.bytes = self.state.bytes.saturating_add(bytes.len() as u64);
    }

    /// Ends the stored batch, if one is open.
    fn store(&mut self, put: &mut impl FnMut([u8; 16], &[u8])) {
        if self.count > 0 {
            BatchHeader::produced(self.count, self.max_timestamp).write(&mut self.bytes);
            put(
                batch_key(self.topic.number, self.partition, self.base),
                &self.bytes,
            );
            self.count = 0;
        }
    }
}
