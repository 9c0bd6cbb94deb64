//! Records gathered to be produced together, packed as they come into one buffer.
//!
//! Invariant: every record of a batch is complete; a record whose encoder fails leaves nothing behind. Used on the
//! caller's thread; a batch can be cleared and filled again when it was not given away.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::packed;
use super::record::Header;

/// Records to be produced together.
#[derive(Debug, Clone, Default)]
pub struct RecordBatch {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// Why the batch cannot be produced.
    defect: Option<&'static str>,
}

/// One record in the buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Behind its last byte; it begins where the one before it ends.
    pub(crate) end: usize,
    pub(crate) partition: Option<i32>,
}

impl RecordBatch {
    /// An empty batch.
    pub fn new() -> RecordBatch {
        RecordBatch::default()
    }

    /// An empty batch with room.
    pub fn with_capacity(records: usize, bytes: usize) -> RecordBatch {
        RecordBatch {
            bytes: Vec::with_capacity(bytes),
            entries: Vec::with_capacity(records),
            defect: None,
        }
    }

    /// Adds a record; its key chooses the partition.
    pub fn push(
        &mut self,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        timestamp: i64,
        headers: &[Header<'_>],
    ) {
        self.push_to(None, key, value, timestamp, headers);
    }

    /// Adds a record for a partition of the caller's choice, if one is given.
    pub fn push_to(
        &mut self,
        partition: Option<i32>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        timestamp: i64,
        headers: &[Header<'_>],
    ) {
        packed::begin_record(&mut self.bytes, timestamp);
        let right = packed::write_part(&mut self.bytes, key)
            && packed::write_part(&mut self.bytes, value)
            && packed::write_headers(&mut self.bytes, headers);
        self.finish(right, partition);
    }

    /// Adds a record whose key and value are appended by encoders straight into the batch's buffer. An encoder returns
    /// whether there is a key (a value) at all, and must only append. After an error the batch is as it was.
    pub fn push_with<E>(
        &mut self,
        timestamp: i64,
        headers: &[Header<'_>],
        key: impl FnOnce(&mut Vec<u8>) -> Result<bool, E>,
        value: impl FnOnce(&mut Vec<u8>) -> Result<bool, E>,
    ) -> Result<(), E> {
        let start = self.bytes.len();
        packed::begin_record(&mut self.bytes, timestamp);
        let mut part = |encode: &mut dyn FnMut(&mut Vec<u8>) -> Result<bool, E>| {
            let at = packed::begin_part(&mut self.bytes);
            match encode(&mut self.bytes) {
                Ok(present) => Ok(packed::finish_part(&mut self.bytes, at, present)),
                Err(error) => {
                    self.bytes.truncate(start);
                    Err(error)
                }
            }
        };
        let (mut key, mut value) = (Some(key), Some(value));
        let key_right = part(&mut |out| key.take().map_or(Ok(false), |key| key(out)))?;
        let value_right = part(&mut |out| value.take().map_or(Ok(false), |value| value(out)))?;
        let right = packed::write_headers(&mut self.bytes, headers);
        self.finish(right && key_right && value_right, None);
        Ok(())
    }

    fn finish(&mut self, right: bool, partition: Option<i32>) {
        if !right {
            self.defect =
                Some("a key, value or header is longer than 256 MiB, or an encoder removed bytes");
        }
        self.entries.push(Entry {
            end: self.bytes.len(),
            partition,
        });
    }

    /// How many records it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The bytes it takes, packed.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Removes all records and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.defect = None;
    }

    pub(crate) fn defect(&self) -> Option<&'static str> {
        self.defect
    }

    /// The records with their packed bytes.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (Entry, &[u8])> + Clone {
        let mut start = 0;
        self.entries.iter().map(move |entry| {
            let bytes = self.bytes.get(start..entry.end).unwrap_or_default();
            start = entry.end;
            (*entry, bytes)
        })
    }
}

/// Where the records of an acknowledged batch are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchReceipt {
    topic: Arc<str>,
    places: Places,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Places {
    /// The batch was written as one: the offsets of a partition follow one another.
    Spans {
        /// The partition of each record; empty when all went to the one in `spans`.
        partitions: Vec<i32>,
        /// Per partition the first offset and the number of records.
        spans: Vec<(i32, i64, usize)>,
    },
    /// Partition and offset of each record: others may have written between them.
    #[cfg_attr(
        not(feature = "kafka"),
        expect(dead_code, reason = "only a cluster has other writers")
    )]
    Each(Vec<(i32, i64)>),
}

impl BatchReceipt {
    pub(crate) fn new(
        topic: Arc<str>,
        partitions: Vec<i32>,
        spans: Vec<(i32, i64, usize)>,
    ) -> BatchReceipt {
        BatchReceipt {
            topic,
            places: Places::Spans { partitions, spans },
        }
    }

    #[cfg(feature = "kafka")]
    pub(crate) fn each(topic: Arc<str>, places: Vec<(i32, i64)>) -> BatchReceipt {
        BatchReceipt {
            topic,
            places: Places::Each(places),
        }
    }

    /// The topic.
    pub fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    /// How many records were written.
    pub fn len(&self) -> usize {
        match &self.places {
            Places::Spans { spans, .. } => spans.iter().map(|(_, _, count)| count).sum(),
            Places::Each(places) => places.len(),
        }
    }

    /// Whether the batch was empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Per partition written to, the offset behind the last record: what a reader must have reached to have seen all.
    pub fn positions(&self) -> impl Iterator<Item = (i32, i64)> {
        let positions: Vec<(i32, i64)> = match &self.places {
            Places::Spans { spans, .. } => spans
                .iter()
                .map(|(partition, base, count)| {
                    (*partition, base.saturating_add_unsigned(*count as u64))
                })
                .collect(),
            Places::Each(places) => {
                let mut behind = BTreeMap::new();
                for (partition, offset) in places {
                    let known = behind.entry(*partition).or_insert(0);
                    *known = offset.saturating_add(1).max(*known);
                }
                behind.into_iter().collect()
            }
        };
        positions.into_iter()
    }

    /// Partition and offset of each record, in the order of the batch.
    pub fn records(&self) -> impl Iterator<Item = (i32, i64)> {
        let (partitions, spans, each): (&[i32], &[_], &[_]) = match &self.places {
            Places::Spans { partitions, spans } => (partitions, spans, &[]),
            Places::Each(places) => (&[], &[], places),
        };
        let mut next: Vec<(i32, i64)> = spans
            .iter()
            .map(|(partition, base, _)| (*partition, *base))
            .collect();
        let single = match (partitions.is_empty(), spans.first()) {
            (true, Some((partition, _, count))) => Some(std::iter::repeat_n(*partition, *count)),
            _ => None,
        };
        single
            .into_iter()
            .flatten()
            .chain(partitions.iter().copied())
            .filter_map(move |partition| {
                let (_, offset) = next
                    .iter_mut()
                    .find(|(candidate, _)| *candidate == partition)?;
                let this = *offset;
                *offset = this.saturating_add(1);
                Some((partition, this))
            })
            .chain(each.iter().copied())
    }
}
