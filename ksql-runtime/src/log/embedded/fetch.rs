//! Reading: from positions onwards, one partition at a time, never past what is durable.
//!
//! Invariant: what is given out is complete from the position on, or an error names the first offset that cannot be read;
//! a missing or damaged batch is never skipped. A reader belongs to one thread; its waker to any.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rocksdb::{ErrorKind, ReadOptions};

use super::Shared;
use super::catalog::Topic;
use super::layout::{base_of, batch_key};
use super::stored::BatchHeader;
use crate::log::error::LogError;
use crate::log::event::Event;
use crate::log::reader::{Fetched, ReaderWaker};
use crate::log::record::Run;

/// A fetch ends behind the stored batch that reaches this, where nobody wants less.
const FETCH_BYTES: usize = 1024 * 1024;

/// Reads partitions of the log in this process.
#[derive(Debug)]
pub struct EmbeddedReader {
    shared: Arc<Shared>,
    topic: Arc<Topic>,
    positions: Vec<(i32, i64)>,
    turn: usize,
    woken: Arc<AtomicBool>,
    /// A fetch ends behind the stored batch that reaches this.
    most: usize,
}

impl EmbeddedReader {
    pub(super) fn new(
        shared: Arc<Shared>,
        topic: Arc<Topic>,
        from: &[(i32, i64)],
    ) -> Result<EmbeddedReader, LogError> {
        let woken = Arc::new(AtomicBool::new(false));
        let mut reader = EmbeddedReader {
            shared,
            topic,
            positions: Vec::new(),
            turn: 0,
            woken,
            most: FETCH_BYTES,
        };
        for (partition, offset) in from {
            reader.seek(*partition, *offset)?;
        }
        Ok(reader)
    }

    pub(crate) fn seek(&mut self, partition: i32, offset: i64) -> Result<(), LogError> {
        let state = self.topic.state(partition)?;
        if offset < state.start || offset > state.end {
            return Err(self.topic.out_of_range(partition, offset));
        }
        self.start(partition, offset);
        Ok(())
    }

    /// Reads a partition from an offset that was looked at before.
    pub(super) fn start(&mut self, partition: i32, offset: i64) {
        match self
            .positions
            .iter_mut()
            .find(|(known, _)| *known == partition)
        {
            Some(known) => known.1 = offset,
            None => self.positions.push((partition, offset)),
        }
    }

    /// Reads a partition no longer.
    pub(super) fn forget(&mut self, partition: i32) {
        self.positions.retain(|(known, _)| *known != partition);
    }

    pub(super) fn position(&self, partition: i32) -> Option<i64> {
        let found = self.positions.iter().find(|(known, _)| *known == partition);
        found.map(|(_, position)| *position)
    }

    /// Whether somebody has woken who waits.
    pub(super) fn woken(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.woken)
    }

    pub(crate) fn tell(&self, event: &Arc<Event>) {
        self.topic.signal.tell(event);
    }

    pub(crate) fn limit(&mut self, bytes: usize) {
        self.most = bytes.min(FETCH_BYTES);
    }

    pub(crate) fn positions(&self) -> Vec<(i32, i64)> {
        self.positions.clone()
    }

    pub(crate) fn partitions(&self) -> u32 {
        self.topic.count
    }

    pub(crate) fn waker(&self) -> ReaderWaker {
        let (topic, woken) = (Arc::clone(&self.topic), Arc::clone(&self.woken));
        ReaderWaker::new(move || {
            woken.store(true, Ordering::Release);
            topic.signal.raise();
        })
    }

    pub(crate) fn poll(
        &mut self,
        timeout: Duration,
        wanted: impl Fn(i32) -> bool,
    ) -> Result<Option<Fetched>, LogError> {
        let (topic, woken) = (Arc::clone(&self.topic), self.woken());
        until(&topic, &woken, timeout, || self.look(&wanted))
    }

    /// The next records of the first wanted partition, in turn, that has some.
    pub(super) fn look(
        &mut self,
        wanted: &impl Fn(i32) -> bool,
    ) -> Result<Option<Fetched>, LogError> {
        self.shared.faults.next("be read")?;
        self.shared.catalog.settled();
        if self.topic.is_deleted() {
            return Err(self.shared.catalog.gone(&self.topic));
        }
        if self.positions.is_empty() && self.shared.store.is_closed() {
            return Err(LogError::Closed);
        }
        for _ in 0..self.positions.len() {
            self.turn = self
                .turn
                .wrapping_add(1)
                .checked_rem(self.positions.len())
                .unwrap_or(0);
            let Some(&(partition, position)) = self.positions.get(self.turn) else {
                continue;
            };
            let state = self.topic.state(partition)?;
            if position < state.start || position > state.end {
                return Err(self.topic.out_of_range(partition, position));
            }
            if position < state.end && wanted(partition) {
                let fetched = self.read(partition, position, state.end)?;
                if let Some(known) = self.positions.get_mut(self.turn) {
                    known.1 = fetched.next_offset;
                }
                return Ok(Some(fetched));
            }
        }
        if self.shared.store.is_closed() {
            Err(LogError::Closed)
        } else {
            Ok(None)
        }
    }

    fn read(&self, partition: i32, from: i64, end: i64) -> Result<Fetched, LogError> {
        let damaged =
            |offset: i64, what: &str, source: Option<rocksdb::Error>| LogError::CorruptRecords {
                topic: self.topic.name.to_string(),
                partition,
                offset,
                what: what.to_owned(),
                source: source.map(|error| Arc::new(error) as _),
            };
        let mut fetched = Fetched {
            topic: Arc::clone(&self.topic.name),
            partition,
            from,
            next_offset: from,
            end_offset: end,
            count: 0,
            bytes: Vec::new(),
            runs: Vec::new(),
        };
        let read = self.shared.store.with(|families| {
            let number = self.topic.number;
            let failed = |offset: i64, error: rocksdb::Error| match error.kind() {
                ErrorKind::Corruption => {
                    damaged(offset, "the storage found wrong checksums", Some(error))
                }
                _ => LogError::Storage {
                    action: "be read",
                    source: Arc::new(error),
                },
            };
            let mut read = ReadOptions::default();
            read.set_iterate_lower_bound(batch_key(number, partition, 0));
            read.set_iterate_upper_bound(batch_key(number, partition, end));
            let mut batches = families.db.raw_iterator_cf_opt(&families.log, read);
            batches.seek_for_prev(batch_key(number, partition, from));
            while fetched.next_offset < end {
                let Some((key, value)) = batches.item() else {
                    batches
                        .status()
                        .map_err(|error| failed(fetched.next_offset, error))?;
                    return Err(damaged(
                        fetched.next_offset,
                        "the records are missing",
                        None,
                    ));
                };
                let base = base_of(key)
                    .ok_or_else(|| damaged(fetched.next_offset, "a key has another form", None))?;
                let (header, records) = BatchHeader::read(value).ok_or_else(|| {
                    damaged(fetched.next_offset, "a batch has another form", None)
                })?;
                let last = base.saturating_add(header.last);
                let fits = if fetched.runs.is_empty() && fetched.next_offset == from {
                    base <= from && from <= last
                } else {
                    base == fetched.next_offset
                };
                if !fits {
                    return Err(damaged(
                        fetched.next_offset,
                        "the records are missing",
                        None,
                    ));
                }
                let wanted = header
                    .check(records, from.saturating_sub(base))
                    .ok_or_else(|| {
                        damaged(
                            fetched.next_offset,
                            "a batch does not hold what it says",
                            None,
                        )
                    })?;
                fetched.count = fetched.count.saturating_add(wanted);
                fetched.bytes.extend_from_slice(records);
                fetched.runs.push(Run {
                    base,
                    bytes: records.len(),
                });
                fetched.next_offset = last.saturating_add(1);
                if fetched.bytes.len() >= self.most {
                    break;
                }
                batches.next();
            }
            Ok(fetched)
        });
        match read {
            // What is missing because retention or a deletion was faster is not damaged; both say so before they write.
            Err(LogError::CorruptRecords { .. }) if self.topic.is_deleted() => {
                Err(self.shared.catalog.gone(&self.topic))
            }
            Err(LogError::CorruptRecords { .. }) if from < self.topic.state(partition)?.start => {
                Err(self.topic.out_of_range(partition, from))
            }
            other => other,
        }
    }
}

/// Looks again whenever there may be something in a topic, until there is, the time is over, or somebody wakes who waits.
pub(super) fn until<T>(
    topic: &Topic,
    woken: &AtomicBool,
    timeout: Duration,
    mut look: impl FnMut() -> Result<Option<T>, LogError>,
) -> Result<Option<T>, LogError> {
    let deadline = Instant::now().checked_add(timeout);
    loop {
        // Taken before looking, so that nothing that comes between looking and waiting is missed.
        let epoch = topic.signal.epoch();
        if let Some(found) = look()? {
            return Ok(Some(found));
        }
        if woken.swap(false, Ordering::AcqRel) {
            return Ok(None);
        }
        let far = Duration::from_secs(3600);
        let until = deadline.unwrap_or_else(|| Instant::now() + far);
        if !topic.signal.wait(epoch, until) && deadline.is_some() {
            return Ok(None);
        }
    }
}
