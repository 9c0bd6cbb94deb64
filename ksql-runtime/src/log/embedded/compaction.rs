//! Compaction: of the records of a key the latest stays, and tombstones go when their time is over.
//!
//! Invariant: the value a reader from the start ends with, for each key, is the same before and after; a tombstone is
//! removed only after it was kept `delete_retention_ms` since a compaction first met it, so that a reader going by sees
//! it. Offsets never change. Called by maintenance only.

use std::collections::HashMap;
use std::sync::Arc;

use super::Shared;
use super::catalog::Topic;
use super::layout::NEVER;
use super::maintenance::{change, each_batch};
use super::queue::Change;
use super::stored::{BatchHeader, ROOM};
use super::writer::STORED_BYTES;
use crate::log::error::LogError;
use crate::log::packed;

/// The latest offset of each key.
type Latest = HashMap<Box<[u8]>, i64>;

/// Compacts a partition if enough of it is new, or tombstones are due. Says how many records were removed.
pub(super) fn run(
    shared: &Shared,
    topic: &Arc<Topic>,
    partition: i32,
    now: i64,
    dirty_ratio: f64,
    memory: usize,
) -> Result<u64, LogError> {
    let mut removed = 0_u64;
    loop {
        let state = topic.state(partition)?;
        let dirty = state.bytes.saturating_sub(state.cleaned_bytes);
        let is_new =
            state.cleaned_to < state.end && dirty as f64 >= dirty_ratio * state.bytes as f64;
        let is_due = state.horizon <= now;
        if !is_new && !is_due {
            return Ok(removed);
        }
        let from = state.cleaned_to.max(state.start);
        let (latest, upto) = latest_of(shared, topic, partition, from, state.end, memory)?;
        let pass = Pass {
            shared,
            topic,
            partition,
            now,
            latest: &latest,
            delete_retention_ms: topic.spec().delete_retention_ms,
        };
        let outcome = pass.rewrite(state.start, upto)?;
        removed = removed.saturating_add(outcome.removed);
        change(
            shared,
            Change::Cleaned {
                topic: Arc::clone(topic),
                partition,
                cleaned_to: upto,
                cleaned_bytes: outcome.bytes,
                horizon: outcome.horizon,
            },
        )?;
        if upto >= state.end {
            return Ok(removed);
        }
    }
}

/// The latest offset of each key from `from` on, up to where the memory ends.
fn latest_of(
    shared: &Shared,
    topic: &Topic,
    partition: i32,
    from: i64,
    end: i64,
    memory: usize,
) -> Result<(Latest, i64), LogError> {
    let mut latest = Latest::new();
    let mut held = 0_usize;
    let mut upto = from;
    each_batch(shared, topic, partition, from, end, |batch| {
        batch.check(topic, partition)?;
        let mut records = batch.records;
        let mut next = batch.base;
        while let Some(record) = packed::read_record(&mut records) {
            let offset = next.saturating_add_unsigned(record.gap);
            next = offset.saturating_add(1);
            let Some(key) = record.key else { continue };
            match latest.get_mut(key) {
                Some(known) => *known = offset,
                None => {
                    held = held.saturating_add(key.len()).saturating_add(64);
                    latest.insert(key.into(), offset);
                }
            }
        }
        upto = batch.after();
        Ok(held < memory)
    })?;
    Ok((latest, upto))
}

struct Pass<'a> {
    shared: &'a Shared,
    topic: &'a Arc<Topic>,
    partition: i32,
    now: i64,
    latest: &'a Latest,
    delete_retention_ms: u64,
}

struct Outcome {
    removed: u64,
    bytes: u64,
    horizon: i64,
}

/// Neighbouring stored batches becoming one.
struct Group {
    bases: Vec<i64>,
    next: i64,
    value: Vec<u8>,
    /// Where the next record's gap is counted from.
    written_to: i64,
    count: u32,
    max_timestamp: i64,
    horizon: i64,
    bytes_before: u64,
    changed: bool,
    /// Behind the last tombstone that goes because its time is over; 0 for none.
    tombstones_to: i64,
}

impl Group {
    fn new(base: i64) -> Group {
        Group {
            bases: Vec::new(),
            next: base,
            value: vec![0; ROOM],
            written_to: base,
            count: 0,
            max_timestamp: i64::MIN,
            horizon: NEVER,
            bytes_before: 0,
            changed: false,
            tombstones_to: 0,
        }
    }
}

impl Pass<'_> {
    /// Goes over all batches up to `to`, joining those that shrank.
    fn rewrite(&self, from: i64, to: i64) -> Result<Outcome, LogError> {
        let mut outcome = Outcome {
            removed: 0,
            bytes: 0,
            horizon: NEVER,
        };
        let mut group: Option<Group> = None;
        each_batch(self.shared, self.topic, self.partition, from, to, |batch| {
            batch.check(self.topic, self.partition)?;
            let mut open = group.take().unwrap_or_else(|| Group::new(batch.base));
            open.bases.push(batch.base);
            open.bytes_before = open.bytes_before.saturating_add(batch.length);
            open.max_timestamp = open.max_timestamp.max(batch.header.max_timestamp);
            // A tombstone that is due stays or goes by the batch's own time; one met first gets a time now.
            let due = batch.header.horizon <= self.now;
            let mut tombstones = false;
            let mut records = batch.records;
            let mut next = batch.base;
            while let Some(record) = packed::read_record(&mut records) {
                let offset = next.saturating_add_unsigned(record.gap);
                next = offset.saturating_add(1);
                let key = record.key.unwrap_or_default();
                let superseded = self.latest.get(key).is_some_and(|latest| *latest > offset);
                let over = due && record.value.is_none();
                if over && !superseded {
                    open.tombstones_to = next;
                }
                if superseded || over {
                    outcome.removed = outcome.removed.saturating_add(1);
                    open.changed = true;
                    continue;
                }
                tombstones |= record.value.is_none();
                packed::write_varint(&mut open.value, offset.abs_diff(open.written_to));
                open.value.extend_from_slice(record.tail);
                open.written_to = next;
                open.count = open.count.saturating_add(1);
            }
            if tombstones {
                let first_met = self.now.saturating_add_unsigned(self.delete_retention_ms);
                let horizon = if batch.header.horizon == NEVER {
                    first_met
                } else {
                    batch.header.horizon
                };
                open.changed |= batch.header.horizon == NEVER;
                // Joined batches wait for the latest of their times.
                open.horizon = if open.horizon == NEVER {
                    horizon
                } else {
                    open.horizon.max(horizon)
                };
            }
            open.next = batch.after();
            if open.value.len() >= STORED_BYTES || !open.changed {
                self.finish(open, &mut outcome)?;
            } else {
                group = Some(open);
            }
            Ok(true)
        })?;
        if let Some(open) = group {
            self.finish(open, &mut outcome)?;
        }
        Ok(outcome)
    }

    fn finish(&self, mut group: Group, outcome: &mut Outcome) -> Result<(), LogError> {
        let Some((base, rest)) = group.bases.split_first() else {
            return Ok(());
        };
        outcome.horizon = outcome.horizon.min(group.horizon);
        if !group.changed {
            outcome.bytes = outcome.bytes.saturating_add(group.bytes_before);
            return Ok(());
        }
        let last = group.next.saturating_sub(*base).saturating_sub(1);
        let header = BatchHeader {
            count: group.count,
            last,
            max_timestamp: group.max_timestamp,
            horizon: group.horizon,
        };
        header.write(&mut group.value);
        outcome.bytes = outcome.bytes.saturating_add(group.value.len() as u64);
        change(
            self.shared,
            Change::Replace {
                topic: Arc::clone(self.topic),
                partition: self.partition,
                remove: rest.to_vec(),
                base: *base,
                value: group.value,
                bytes_before: group.bytes_before,
                tombstones_to: group.tombstones_to,
            },
        )
    }
}
