//! Which letters there are: counted once, then kept up with what is new.
//!
//! Invariant: up to the offset it has come to, it names exactly the letters that are in the topic and not purged. It
//! forgets all where the topic was made anew. Kept by the context, used by one caller at a time.

use std::collections::BTreeMap;

use super::headers;
use super::letter::Replayed;
use super::marker::Marker;
use super::scan::{Range, scan};
use crate::error::Result;
use crate::log::{Log, Offsets, RecordRef, TopicId};

/// The letters of all partitions.
#[derive(Debug, Default)]
pub(super) struct Tally {
    topic: Option<TopicId>,
    partitions: BTreeMap<i32, Partition>,
}

/// The letters of one.
#[derive(Debug, Default)]
struct Partition {
    start: i64,
    next: i64,
    letters: BTreeMap<i64, Known>,
}

/// What is remembered of a letter.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// When it failed.
    pub(super) at: i64,
    pub(super) replayed: Option<Replayed>,
}

impl Tally {
    /// Comes to these offsets, which are those of all partitions. Blocks.
    pub(super) fn keep_up(
        &mut self,
        log: &Log,
        name: &str,
        id: TopicId,
        offsets: &[Offsets],
    ) -> Result<()> {
        if self.topic != Some(id) {
            *self = Tally {
                topic: Some(id),
                ..Tally::default()
            };
        }
        let mut ranges = Vec::new();
        for (partition, offsets) in (0..).zip(offsets) {
            let known = self.partitions.entry(partition).or_default();
            known.start = offsets.start;
            known.letters = known.letters.split_off(&offsets.start);
            known.next = known.next.max(offsets.start);
            ranges.push(Range {
                partition,
                from: known.next,
                to: offsets.end,
            });
        }
        scan(log, name, &ranges, |partition, record| {
            self.take(partition, record);
        })?;
        for range in ranges {
            if let Some(known) = self.partitions.get_mut(&range.partition) {
                known.next = known.next.max(range.to);
            }
        }
        Ok(())
    }

    fn take(&mut self, partition: i32, record: RecordRef<'_>) {
        let known = self.partitions.entry(partition).or_default();
        known.next = record.offset.saturating_add(1);
        match Marker::read(record) {
            None => {
                let at =
                    headers::number(record.headers, headers::FAILED_AT).unwrap_or(record.timestamp);
                let letter = Known { at, replayed: None };
                known.letters.insert(record.offset, letter);
            }
            Some(Marker::Purged(offsets)) => {
                for offset in offsets {
                    known.letters.remove(&offset);
                }
            }
            Some(Marker::Replayed(offset, replayed)) => {
                if let Some(letter) = known.letters.get_mut(&offset) {
                    letter.replayed = Some(replayed);
                }
            }
            Some(Marker::Unknown) => {}
        }
    }

    /// Start and end of a partition as they were last seen.
    pub(super) fn edges(&self, partition: i32) -> (i64, i64) {
        let known = self.partitions.get(&partition);
        known.map_or((0, 0), |known| (known.start, known.next))
    }

    /// The partitions there are.
    pub(super) fn partitions(&self) -> impl Iterator<Item = i32> {
        self.partitions.keys().copied()
    }

    pub(super) fn get(&self, partition: i32, offset: i64) -> Option<&Known> {
        self.partitions.get(&partition)?.letters.get(&offset)
    }

    /// The letters of a partition.
    pub(super) fn of(&self, partition: i32) -> impl Iterator<Item = i64> {
        let known = self.partitions.get(&partition);
        known
            .into_iter()
            .flat_map(|known| known.letters.keys().copied())
    }

    /// All letters by partition and offset.
    pub(super) fn all(&self) -> impl Iterator<Item = (i32, i64, &Known)> {
        self.partitions.iter().flat_map(|(partition, known)| {
            let letters = known.letters.iter();
            letters.map(move |(offset, known)| (*partition, *offset, known))
        })
    }
}
