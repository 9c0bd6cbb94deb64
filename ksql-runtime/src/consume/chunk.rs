//! Records as they were fetched, shared by the lanes that work on them until the last of them is finished.

use std::sync::Arc;

use super::tracker::Tracker;
use crate::log::{Fetched, Place, RecordRef};

/// What was fetched of one partition at once.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) fetched: Fetched,
    pub(super) tracker: Arc<Tracker>,
    /// The tracker's number of the first record.
    pub(super) first: u64,
    bytes: usize,
}

impl Chunk {
    /// Takes over what was fetched; from now on the tracker waits for it.
    pub(super) fn new(fetched: Fetched, tracker: &Arc<Tracker>) -> Chunk {
        let offsets = fetched.records().map(|record| record.offset);
        let first = tracker.deliver(offsets, fetched.next_offset(), fetched.end_offset());
        let bytes = fetched.bytes.len().saturating_add(size_of::<Chunk>());
        tracker.hold(bytes);
        Chunk {
            fetched,
            tracker: Arc::clone(tracker),
            first,
            bytes,
        }
    }

    pub(super) fn partition(&self) -> i32 {
        self.fetched.partition()
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.tracker.let_go(self.bytes);
    }
}

/// One record of a chunk.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) chunk: Arc<Chunk>,
    pub(super) place: Place,
    /// The tracker's number.
    pub(super) number: u64,
}

impl Item {
    pub(super) fn record(&self) -> Option<RecordRef<'_>> {
        Some(self.chunk.fetched.read(self.place)?.0)
    }
}

/// The records of a chunk one after the other, each with its place and number.
pub(super) struct Walk {
    chunk: Arc<Chunk>,
    place: Place,
    number: u64,
}

impl Walk {
    pub(super) fn new(chunk: Arc<Chunk>) -> Walk {
        Walk {
            place: Place::default(),
            number: chunk.first,
            chunk,
        }
    }
}

impl Iterator for Walk {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        let (_, behind) = self.chunk.fetched.read(self.place)?;
        let item = Item {
            chunk: Arc::clone(&self.chunk),
            place: self.place,
            number: self.number,
        };
        self.place = behind;
        self.number = self.number.wrapping_add(1);
        Some(item)
    }
}
