//! One partition of a reader: its position, and the records packed and not given out yet.
//!
//! Invariant: packed records follow the position in the order of their offsets; what is given out begins at the position
//! and ends at `next`, which is behind the last record or where the broker said the partition ends.

use std::sync::Arc;

use super::native::Message;
use crate::log::packed;
use crate::log::reader::Fetched;
use crate::log::record::{Header, Run};

/// A partition: where it is, and what was read and not given out yet.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) partition: i32,
    /// Where the next thing given out begins.
    pub(super) position: i64,
    /// Behind what is packed.
    pub(super) next: i64,
    /// The end of the partition, as far as known.
    pub(super) end: i64,
    /// The offset of the first record packed.
    base: i64,
    /// Behind the last record packed.
    behind: i64,
    count: usize,
    pub(super) bytes: Vec<u8>,
    /// How much the last one given out took: what to make room for.
    usual: usize,
    /// Whether the consumer was told to fetch no more of it.
    pub(super) paused: bool,
}

impl Slot {
    pub(super) fn new(partition: i32) -> Slot {
        Slot {
            partition,
            position: 0,
            next: 0,
            end: 0,
            base: 0,
            behind: 0,
            count: 0,
            bytes: Vec::new(),
            usual: 0,
            paused: false,
        }
    }

    /// Goes to an offset; what was packed is not given out any more.
    pub(super) fn start(&mut self, offset: i64, end: i64) {
        (self.position, self.next, self.end) = (offset, offset, end);
        (self.base, self.count) = (offset, 0);
        self.bytes.clear();
    }

    /// The end of the partition was met here.
    pub(super) fn reached(&mut self, end: i64) {
        self.next = self.next.max(end);
        self.end = self.end.max(end);
    }

    /// Packs a record and says how many bytes it took; none where it is too long to be packed.
    pub(super) fn push(&mut self, message: Message<'_>) -> Option<usize> {
        let before = self.bytes.len();
        let (offset, timestamp) = (message.offset(), message.timestamp());
        // librdkafka drops what it fetched before a seek; a repeat would be worse than the comparison.
        if offset < self.next {
            return Some(0);
        }
        if !self.begin(offset, timestamp, message.key(), message.value()) {
            self.bytes.truncate(before);
            return None;
        }
        message.headers(
            &mut self.bytes,
            |out, count| packed::write_varint(out, count as u64),
            |out, name, value| packed::write_header(out, &Header { name, value }),
        );
        self.finish(offset);
        Some(self.bytes.len().saturating_sub(before))
    }

    /// Packs a record up to its headers.
    fn begin(
        &mut self,
        offset: i64,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> bool {
        if self.count == 0 {
            self.base = offset;
            self.behind = offset;
            self.bytes.reserve(self.usual);
        }
        // From the record before, not from `next`: the end of the partition may have been met between them.
        let gap = offset.wrapping_sub(self.behind).cast_unsigned();
        packed::write_parts(&mut self.bytes, gap, timestamp, key, value)
    }

    fn finish(&mut self, offset: i64) {
        self.count = self.count.saturating_add(1);
        self.behind = offset.saturating_add(1);
        self.next = self.behind;
    }

    /// Gives out what is packed.
    pub(super) fn take(&mut self, topic: &Arc<str>) -> Fetched {
        let from = self.position;
        self.position = self.next;
        self.end = self.end.max(self.next);
        let bytes = std::mem::take(&mut self.bytes);
        self.usual = bytes.len();
        let runs = if self.count == 0 {
            Vec::new()
        } else {
            vec![Run {
                base: self.base,
                bytes: bytes.len(),
            }]
        };
        Fetched {
            topic: Arc::clone(topic),
            partition: self.partition,
            from,
            next_offset: self.next,
            end_offset: self.end,
            count: std::mem::take(&mut self.count),
            bytes,
            runs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(slot: &mut Slot, offset: i64) {
        assert!(slot.begin(offset, 7, Some(b"k"), Some(b"v")));
        packed::write_varint(&mut slot.bytes, 0);
        slot.finish(offset);
    }

    fn given(slot: &mut Slot) -> (Vec<i64>, i64, i64) {
        let fetched = slot.take(&Arc::from("t"));
        let offsets: Vec<i64> = fetched.records().map(|record| record.offset).collect();
        assert_eq!(offsets.len(), fetched.len());
        (offsets, fetched.next_offset(), fetched.end_offset())
    }

    #[test]
    fn offsets_are_kept_over_gaps_and_ends_met_between_records() {
        let mut slot = Slot::new(0);
        slot.start(5, 20);
        push(&mut slot, 5);
        push(&mut slot, 9);
        // A transaction's marker at 10 was the end; then there came more.
        slot.reached(11);
        push(&mut slot, 11);
        push(&mut slot, 12);
        assert_eq!(given(&mut slot), (vec![5, 9, 11, 12], 13, 20));
        slot.reached(14);
        assert_eq!(given(&mut slot), (vec![], 14, 20));
        push(&mut slot, 14);
        slot.reached(25);
        assert_eq!(given(&mut slot), (vec![14], 25, 25));
    }

    #[test]
    fn what_was_packed_before_a_seek_is_not_given_out() {
        let mut slot = Slot::new(0);
        slot.start(0, 10);
        push(&mut slot, 0);
        slot.start(7, 10);
        push(&mut slot, 7);
        assert_eq!(given(&mut slot), (vec![7], 8, 10));
    }
}
