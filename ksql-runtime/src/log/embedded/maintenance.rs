//! Retention and compaction, on a thread of their own; what they decide is written by the writer.
//!
//! Invariant: reading here and writing there do not disturb each other, because only maintenance changes batches that
//! were written, one maintenance at a time, and each change is one write that leaves a partition without gaps.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ksql_schema::model::Cleanup;
use tokio::sync::oneshot;

use super::Shared;
use super::catalog::{Topic, lock};
use super::compaction;
use super::layout::{base_of, batch_key};
use super::options::{ClockFn, Maintained};
use super::queue::{Answer, Change, Command};
use super::stored::BatchHeader;
use crate::log::error::LogError;

/// What maintenance was asked.
#[derive(Debug, Default)]
pub(super) struct Requests {
    waiting: Mutex<Waiting>,
    some: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    asked: VecDeque<(i64, Answer<Maintained>)>,
    closed: bool,
}

impl Requests {
    pub(super) fn push(&self, now: i64, done: Answer<Maintained>) -> Result<(), LogError> {
        let mut waiting = lock(&self.waiting);
        if waiting.closed {
            return Err(LogError::Closed);
        }
        waiting.asked.push_back((now, done));
        self.some.notify_one();
        Ok(())
    }

    pub(super) fn close(&self) {
        lock(&self.waiting).closed = true;
        self.some.notify_one();
    }

    /// The next request; nothing in it when the interval is over; none when closed.
    fn next(&self, interval: Option<Duration>) -> Option<Option<(i64, Answer<Maintained>)>> {
        let deadline = interval.and_then(|interval| Instant::now().checked_add(interval));
        let mut waiting = lock(&self.waiting);
        loop {
            if let Some(asked) = waiting.asked.pop_front() {
                return Some(Some(asked));
            }
            if waiting.closed {
                return None;
            }
            waiting = match deadline {
                None => self
                    .some
                    .wait(waiting)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Some(None);
                    }
                    self.some
                        .wait_timeout(waiting, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }
}

/// The thread's whole life.
pub(super) fn run(
    shared: &Arc<Shared>,
    by_itself: Option<(Duration, ClockFn)>,
    dirty_ratio: f64,
    memory: usize,
) {
    let _span =
        tracing::debug_span!("maintenance", directory = %shared.directory.display()).entered();
    let interval = by_itself.as_ref().map(|(interval, _)| *interval);
    while let Some(asked) = shared.requests.next(interval) {
        match (asked, &by_itself) {
            (Some((now, done)), _) => drop(done.send(all(shared, now, dirty_ratio, memory))),
            (None, Some((_, clock))) => match all(shared, clock(), dirty_ratio, memory) {
                Ok(_) | Err(LogError::Closed) => {}
                Err(error) => tracing::warn!(%error, "retention and compaction of the log failed"),
            },
            (None, None) => {}
        }
    }
}

fn all(
    shared: &Arc<Shared>,
    now: i64,
    dirty_ratio: f64,
    memory: usize,
) -> Result<Maintained, LogError> {
    let mut done = Maintained::default();
    for topic in shared.catalog.all() {
        for partition in topic.partitions() {
            let one = partition_of(
                shared,
                &topic,
                partition,
                now,
                dirty_ratio,
                memory,
                &mut done,
            );
            match one {
                // Deleted while this went on.
                Err(_) if topic.is_deleted() => break,
                other => other?,
            }
        }
    }
    Ok(done)
}

fn partition_of(
    shared: &Shared,
    topic: &Arc<Topic>,
    partition: i32,
    now: i64,
    dirty_ratio: f64,
    memory: usize,
    done: &mut Maintained,
) -> Result<(), LogError> {
    let cleanup = topic.spec().cleanup;
    if cleanup != Cleanup::Compact {
        done.expired = done
            .expired
            .saturating_add(expire(shared, topic, partition, now)?);
    }
    if cleanup != Cleanup::Delete {
        let removed = compaction::run(shared, topic, partition, now, dirty_ratio, memory)?;
        done.compacted = done.compacted.saturating_add(removed);
    }
    Ok(())
}

/// Asks the writer for a change and waits for it.
pub(super) fn change(shared: &Shared, change: Change) -> Result<(), LogError> {
    let (done, answer) = oneshot::channel();
    shared.queue.push(Command::Change { change, done })?;
    answer.blocking_recv().map_err(|_| LogError::Closed)?
}

/// Removes stored batches from the front: whole ones, whose latest record is too old, or that are more than the
/// retention in bytes.
fn expire(shared: &Shared, topic: &Arc<Topic>, partition: i32, now: i64) -> Result<u64, LogError> {
    let spec = topic.spec();
    if spec.retention_ms.is_none() && spec.retention_bytes.is_none() {
        return Ok(0);
    }
    let state = topic.state(partition)?;
    let oldest = spec
        .retention_ms
        .map(|retention| now.saturating_sub_unsigned(retention));
    let (mut start, mut bytes, mut records) = (state.start, 0_u64, 0_u64);
    each_batch(shared, topic, partition, state.start, state.end, |batch| {
        let length = batch.length;
        let left = state.bytes.saturating_sub(bytes).saturating_sub(length);
        let too_old = oldest.is_some_and(|oldest| batch.header.max_timestamp < oldest);
        let too_many = spec.retention_bytes.is_some_and(|most| left >= most);
        if !too_old && !too_many {
            return Ok(false);
        }
        start = batch
            .base
            .saturating_add(batch.header.last)
            .saturating_add(1);
        bytes = bytes.saturating_add(length);
        records = records.saturating_add(u64::from(batch.header.count));
        Ok(true)
    })?;
    if start > state.start {
        change(
            shared,
            Change::Expire {
                topic: Arc::clone(topic),
                partition,
                start,
                bytes,
            },
        )?;
    }
    Ok(records)
}

/// A stored batch as maintenance sees it.
pub(super) struct Batch<'a> {
    pub(super) base: i64,
    pub(super) header: BatchHeader,
    pub(super) records: &'a [u8],
    pub(super) length: u64,
}

/// Gives every stored batch of a range of offsets to `each` until it says to stop.
pub(super) fn each_batch(
    shared: &Shared,
    topic: &Topic,
    partition: i32,
    from: i64,
    to: i64,
    mut each: impl FnMut(Batch<'_>) -> Result<bool, LogError>,
) -> Result<(), LogError> {
    let damaged =
        |offset: i64, what: &str, source: Option<rocksdb::Error>| LogError::CorruptRecords {
            topic: topic.name.to_string(),
            partition,
            offset,
            what: what.to_owned(),
            source: source.map(|error| Arc::new(error) as _),
        };
    let mut next = from;
    // The database is let go of between batches' groups by ending the iterator: the writer needs no lock of it.
    shared.store.with(|families| {
        let mut read = rocksdb::ReadOptions::default();
        read.set_iterate_upper_bound(batch_key(topic.number, partition, to));
        read.fill_cache(false);
        let mut batches = families.db.raw_iterator_cf_opt(&families.log, read);
        batches.seek(batch_key(topic.number, partition, from));
        while let Some((key, value)) = batches.item() {
            let base = base_of(key).ok_or_else(|| damaged(next, "a key has another form", None))?;
            let (header, records) = BatchHeader::read(value)
                .ok_or_else(|| damaged(base, "a batch has another form", None))?;
            if base != next {
                return Err(damaged(next, "the records are missing", None));
            }
            next = base.saturating_add(header.last).saturating_add(1);
            if !each(Batch {
                base,
                header,
                records,
                length: value.len() as u64,
            })? {
                return Ok(());
            }
            batches.next();
        }
        batches
            .status()
            .map_err(|error| damaged(next, "it cannot be read", Some(error)))
    })
}
