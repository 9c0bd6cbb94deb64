//! Retention and compaction, on a thread of their own; what they decide is written by the writer.
//!
//! Invariant: reading here and writing there do not disturb each other, because only maintenance changes batches that
//! were written, one maintenance at a time, and each change is one write that leaves a partition without gaps.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ksql_schema::model::Cleanup;
use tokio::sync::oneshot;

use super::catalog::{Topic, lock};
use super::compaction;
use super::layout::{base_of, batch_key};
use super::options::{ClockFn, Maintained};
use super::queue::{Answer, Change, Command};
use super::stored::BatchHeader;
use super::{EmbeddedLog, Shared};
use crate::log::error::LogError;

/// One thing maintenance is asked.
#[derive(Debug)]
pub(super) enum Request {
    /// Retention and compaction of everything, as of a time.
    Maintain {
        now_ms: i64,
        done: Answer<Maintained>,
    },
    /// The records before an offset go, whatever their age.
    RemoveBefore {
        topic: Arc<Topic>,
        partition: i32,
        offset: i64,
        done: Answer<()>,
    },
}

/// What maintenance was asked.
#[derive(Debug, Default)]
pub(super) struct Requests {
    waiting: Mutex<VecDeque<Request>>,
    some: Condvar,
    /// Changed under the lock of what waits, read by a maintenance going on without it.
    closed: AtomicBool,
}

impl Requests {
    pub(super) fn push(&self, request: Request) -> Result<(), LogError> {
        let mut waiting = lock(&self.waiting);
        if self.is_closed() {
            return Err(LogError::Closed);
        }
        waiting.push_back(request);
        self.some.notify_one();
        Ok(())
    }

    /// Ends the maintenance going on, and those that wait.
    pub(super) fn close(&self) {
        let mut waiting = lock(&self.waiting);
        self.closed.store(true, Ordering::Release);
        waiting.clear();
        self.some.notify_one();
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// The next request; nothing in it when the interval is over; none when closed.
    fn next(&self, interval: Option<Duration>) -> Option<Option<Request>> {
        let deadline = interval.and_then(|interval| Instant::now().checked_add(interval));
        let mut waiting = lock(&self.waiting);
        loop {
            if self.is_closed() {
                return None;
            }
            if let Some(asked) = waiting.pop_front() {
                return Some(Some(asked));
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

/// Closes the requests when the thread ends, however it ends: nobody waits for an answer that never comes.
struct Closing<'a>(&'a Requests);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
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
    let _closing = Closing(&shared.requests);
    let interval = by_itself.as_ref().map(|(interval, _)| *interval);
    while let Some(asked) = shared.requests.next(interval) {
        match (asked, &by_itself) {
            (Some(Request::Maintain { now_ms, done }), _) => {
                drop(done.send(all(shared, now_ms, dirty_ratio, memory)));
            }
            (
                Some(Request::RemoveBefore {
                    topic,
                    partition,
                    offset,
                    done,
                }),
                _,
            ) => drop(done.send(remove_before(shared, &topic, partition, offset))),
            (None, Some((_, clock))) => match all(shared, clock(), dirty_ratio, memory) {
                Ok(_) | Err(LogError::Closed) => {}
                Err(error) => tracing::warn!(%error, "retention and compaction of the log failed"),
            },
            (None, None) => {}
        }
    }
}

/// Maintains every partition. One that is damaged keeps no other from it; the first error is told.
fn all(
    shared: &Arc<Shared>,
    now: i64,
    dirty_ratio: f64,
    memory: usize,
) -> Result<Maintained, LogError> {
    let (mut done, mut failed) = (Maintained::default(), None);
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
                Ok(()) => {}
                // Deleted while this went on.
                Err(_) if topic.is_deleted() => break,
                Err(LogError::Closed) => return Err(LogError::Closed),
                Err(error) => drop(failed.get_or_insert(error)),
            }
        }
    }
    failed.map_or(Ok(done), Err)
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
        start = batch.after();
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
                kept: start,
                bytes,
            },
        )?;
    }
    Ok(records)
}

impl EmbeddedLog {
    /// See [`Log::remove_before`](crate::log::Log::remove_before).
    pub(crate) async fn remove_before(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<bool, LogError> {
        self.open_still()?;
        let topic = self.shared().catalog.get(topic)?;
        if topic.spec().cleanup != Cleanup::Delete {
            return Ok(false);
        }
        let (done, answer) = oneshot::channel();
        self.shared().requests.push(Request::RemoveBefore {
            topic,
            partition,
            offset,
            done,
        })?;
        answer.await.map_err(|_| LogError::Closed)?.map(|()| true)
    }
}

/// Removes the records before an offset. A stored batch that holds the offset stays with what it holds before, which nobody
/// can read any more, until the partition begins behind it.
fn remove_before(
    shared: &Shared,
    topic: &Arc<Topic>,
    partition: i32,
    offset: i64,
) -> Result<(), LogError> {
    let state = topic.state(partition)?;
    if offset > state.end || offset < 0 {
        return Err(topic.out_of_range(partition, offset));
    }
    if offset <= state.start {
        return Ok(());
    }
    let (mut kept, mut bytes) = (offset, 0_u64);
    each_batch(shared, topic, partition, state.start, state.end, |batch| {
        if batch.after() <= offset {
            bytes = bytes.saturating_add(batch.length);
            return Ok(true);
        }
        kept = kept.min(batch.base);
        Ok(false)
    })?;
    change(
        shared,
        Change::Expire {
            topic: Arc::clone(topic),
            partition,
            start: offset,
            kept,
            bytes,
        },
    )
}

/// A stored batch as maintenance sees it.
pub(super) struct Batch<'a> {
    pub(super) base: i64,
    pub(super) header: BatchHeader,
    pub(super) records: &'a [u8],
    pub(super) length: u64,
}

impl Batch<'_> {
    /// The offset behind the last one the batch answers for.
    pub(super) fn after(&self) -> i64 {
        self.base.saturating_add(self.header.last).saturating_add(1)
    }

    /// Makes sure that the records are what the header says. Whoever copies them does so before: what cannot be read would
    /// be left out of the copy.
    pub(super) fn check(&self, topic: &Topic, partition: i32) -> Result<(), LogError> {
        match self.header.check(self.records, 0) {
            Some(_) => Ok(()),
            None => Err(damaged(
                topic,
                partition,
                self.base,
                "a batch does not hold what it says",
                None,
            )),
        }
    }
}

fn damaged(
    topic: &Topic,
    partition: i32,
    offset: i64,
    what: &str,
    source: Option<rocksdb::Error>,
) -> LogError {
    LogError::CorruptRecords {
        topic: topic.name.to_string(),
        partition,
        offset,
        what: what.to_owned(),
        source: source.map(|error| Arc::new(error) as _),
    }
}

/// Gives every stored batch of a range of offsets to `each` until it says to stop, or the log is closed. The first one may
/// begin before the range: a compaction that was cut short has joined batches it did not come to note.
pub(super) fn each_batch(
    shared: &Shared,
    topic: &Topic,
    partition: i32,
    from: i64,
    to: i64,
    mut each: impl FnMut(Batch<'_>) -> Result<bool, LogError>,
) -> Result<(), LogError> {
    if from >= to {
        return Ok(());
    }
    let damaged = |offset: i64, what: &str, source: Option<rocksdb::Error>| {
        damaged(topic, partition, offset, what, source)
    };
    shared.store.with(|families| {
        let mut read = rocksdb::ReadOptions::default();
        read.set_iterate_lower_bound(batch_key(topic.number, partition, 0));
        read.set_iterate_upper_bound(batch_key(topic.number, partition, to));
        read.fill_cache(false);
        let mut batches = families.db.raw_iterator_cf_opt(&families.log, read);
        batches.seek_for_prev(batch_key(topic.number, partition, from));
        let mut next = None;
        while let Some((key, value)) = batches.item() {
            // Closing waits for this to let go of the database.
            if shared.requests.is_closed() {
                return Err(LogError::Closed);
            }
            let at = next.unwrap_or(from);
            let base = base_of(key).ok_or_else(|| damaged(at, "a key has another form", None))?;
            let (header, records) = BatchHeader::read(value)
                .ok_or_else(|| damaged(base, "a batch has another form", None))?;
            let batch = Batch {
                base,
                header,
                records,
                length: value.len() as u64,
            };
            let after = batch.after();
            let fits = match next {
                None => (base..after).contains(&from),
                Some(next) => base == next,
            };
            if !fits {
                return Err(damaged(at, "the records are missing", None));
            }
            next = Some(after);
            if !each(batch)? {
                return Ok(());
            }
            batches.next();
        }
        let reached = next.unwrap_or(from);
        batches
            .status()
            .map_err(|error| damaged(reached, "it cannot be read", Some(error)))?;
        if reached < to {
            return Err(damaged(reached, "the records are missing", None));
        }
        Ok(())
    })
}
