//! Records of streams that wait for those of the other side.
//!
//! They lie in buckets: those of one side of a join that are compared by the same value and whose times are near each other. In
//! the store, by the first byte of a key:
//!
//! * [`store::WAITING`]: the join, the side, what is compared (its length before it), the bucket's number, the number of a chunk.
//!   There records, one behind the other: time, number, whether it goes out alone, the parts of its row. A chunk that is full is
//!   written no more unless a record in it is met, so that a value with many records is not written again with each.
//! * [`store::ALONE`]: the join, a partition, a time, the number of a record. There the key of its bucket: when that time is over
//!   the record goes out alone, if it met none.
//! * [`store::EXPIRY`]: the join, a partition, a time, the key of a bucket. Nothing: when that time is over the bucket is
//!   forgotten.
//!
//! In memory lie the newest buckets, as many as have room: one of them that is not there is nowhere, so records that come in the order
//! of time look nothing up. Of older ones memory has what changed or was looked up since the last write, and so it is with notes,
//! but for those of what goes out alone, which lie there while all of them have room.
//!
//! Invariant: memory and store together are what waits after everything taken. Belongs to a query's thread.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use foldhash::fast::RandomState;
use ksql_schema::ordered;
use rocksdb::{BoundColumnFamily, WriteBatch};

use super::super::store::{self, QueryStore};
use super::JOINED_ROW;
use super::bucket::{
    ALONE, Bucket, Chunk, GONE, Met, Of, Record, SETTLED, bucket_key, byte, chunk_key, set, stored,
};
use crate::codec::write;
use crate::state::StateError;

/// What an entry costs beside its bytes, about.
const ENTRY: usize = 96;
/// As many notes are looked at together.
const NOTES: usize = 1024;
/// After so many writes it is tried again whether all of it has room.
const TRY_AGAIN: u32 = 64;

/// Records that wait.
#[derive(Debug)]
pub(super) struct Waiting {
    buckets: HashMap<Vec<u8>, Bucket, RandomState>,
    /// Notes of what is over when.
    notes: BTreeMap<Vec<u8>, Noted>,
    /// Of each join the number from which on a bucket that is not in memory is nowhere.
    whole: Vec<i64>,
    /// Whether a note of what goes out alone that is not in memory is nowhere.
    noted: bool,
    /// Writes since there was no room for all of these.
    writes: u32,
    bytes: usize,
    most: usize,
    key: Vec<u8>,
}

/// A note.
#[derive(Debug)]
struct Noted {
    /// Nothing where it is deleted.
    value: Option<Vec<u8>>,
    /// Since the last write.
    changed: bool,
}

/// A note as it is stored: key and value.
pub(super) type Note = (Vec<u8>, Vec<u8>);

impl Waiting {
    /// In about so many bytes.
    pub(super) fn new(most: usize) -> Waiting {
        Waiting {
            buckets: HashMap::default(),
            notes: BTreeMap::new(),
            whole: Vec::new(),
            noted: false,
            writes: 0,
            bytes: 0,
            most,
            key: Vec::new(),
        }
    }

    /// Everything is as it is stored, where of each join there is no bucket from a number on.
    pub(super) fn forget(&mut self, store: &QueryStore, none: Vec<i64>) -> Result<(), StateError> {
        self.buckets.clear();
        self.notes.clear();
        self.bytes = 0;
        self.whole = none;
        self.load_notes(store)
    }

    /// Takes all notes of what goes out alone into memory, where they have room.
    fn load_notes(&mut self, store: &QueryStore) -> Result<(), StateError> {
        let (mut bytes, room) = (0_usize, self.most / 8);
        let mut notes = BTreeMap::new();
        store.range(&[store::ALONE], &[store::EXPIRY], |key, value| {
            bytes = bytes.saturating_add(size_of_note(key, Some(value)));
            let note = Noted {
                value: Some(value.to_vec()),
                changed: false,
            };
            notes.insert(key.to_vec(), note);
            bytes < room
        })?;
        self.noted = bytes < room;
        self.writes = 0;
        if self.noted {
            self.bytes = self.bytes.saturating_add(bytes);
            self.notes.append(&mut notes);
        }
        Ok(())
    }

    /// Whether a bucket is nowhere, if it is not in memory.
    fn is_whole(&self, bucket: &[u8]) -> bool {
        let number = bucket.split_last_chunk::<8>();
        let number = number.and_then(|(_, number)| ordered::read_i64(&mut &number[..]).ok());
        let whole = bucket
            .get(1)
            .and_then(|node| self.whole.get(usize::from(*node)));
        number
            .zip(whole)
            .is_some_and(|(number, whole)| number >= *whole)
    }

    /// Whether memory is full.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.most
    }

    /// A record waits in a bucket.
    pub(super) fn put(
        &mut self,
        store: &QueryStore,
        bucket: &[u8],
        (time, number, alone): (i64, u64, bool),
        parts: &[u8],
    ) -> Result<(), StateError> {
        let found = self.load(store, bucket)?;
        let mut grown = 0_usize;
        if found.chunks.last().is_none_or(Chunk::is_full) {
            found.chunks.push(Chunk::default());
        }
        if let Some(chunk) = found.chunks.last_mut() {
            let before = chunk.bytes.len();
            chunk.bytes.extend_from_slice(&time.to_be_bytes());
            chunk.bytes.extend_from_slice(&number.to_be_bytes());
            chunk.bytes.push(if alone { ALONE } else { SETTLED });
            write::bytes(parts, &mut chunk.bytes);
            chunk.changed = true;
            grown = chunk.bytes.len().saturating_sub(before);
        }
        self.bytes = self.bytes.saturating_add(grown);
        Ok(())
    }

    /// Whether a bucket has records.
    pub(super) fn has(&mut self, store: &QueryStore, bucket: &[u8]) -> Result<bool, StateError> {
        if self.is_nowhere(bucket) {
            return Ok(false);
        }
        Ok(!self.load(store, bucket)?.chunks.is_empty())
    }

    /// Adds the records of a side to `met` whose times are in a range, both ends included, in the order of time. They go out alone
    /// no more.
    pub(super) fn meet(
        &mut self,
        store: &QueryStore,
        of: Of,
        on: &[u8],
        (from, to, width): (i64, i64, i64),
        met: &mut Met,
    ) -> Result<(), StateError> {
        met.bytes.clear();
        met.records.clear();
        let mut key = std::mem::take(&mut self.key);
        for number in from.div_euclid(width)..=to.div_euclid(width) {
            bucket_key(&mut key, of, on, number);
            if self.is_nowhere(&key) {
                continue;
            }
            let bucket = self.load(store, &key)?;
            for chunk in &mut bucket.chunks {
                let read = chunk.each(|record, bytes| {
                    if record.time < from || record.time > to || record.state == GONE {
                        return false;
                    }
                    let start = met.bytes.len();
                    met.bytes
                        .extend_from_slice(bytes.get(record.parts.clone()).unwrap_or_default());
                    met.records.push(Record {
                        parts: start..met.bytes.len(),
                        ..record.clone()
                    });
                    set(bytes, record, SETTLED)
                });
                read.map_err(|_| store.damaged(JOINED_ROW))?;
            }
        }
        self.key = key;
        // Mostly they came in this order.
        met.records
            .sort_by_key(|record| (record.time, record.number));
        Ok(())
    }

    /// Takes the parts of the record with a number out of a bucket, where it goes out alone: it is met no more.
    pub(super) fn take_alone(
        &mut self,
        store: &QueryStore,
        bucket: &[u8],
        number: u64,
        parts: &mut Vec<u8>,
    ) -> Result<Option<i64>, StateError> {
        let bucket = self.load(store, bucket)?;
        let mut time = None;
        for chunk in &mut bucket.chunks {
            let read = chunk.each(|record, bytes| {
                if record.number != number || record.state != ALONE {
                    return false;
                }
                parts.clear();
                parts.extend_from_slice(bytes.get(record.parts.clone()).unwrap_or_default());
                time = Some(record.time);
                set(bytes, record, GONE)
            });
            read.map_err(|_| store.damaged(JOINED_ROW))?;
        }
        Ok(time)
    }

    /// A bucket is forgotten.
    pub(super) fn drop_bucket(
        &mut self,
        store: &QueryStore,
        bucket: &[u8],
    ) -> Result<(), StateError> {
        let bucket = self.load(store, bucket)?;
        bucket.chunks.clear();
        bucket.over = true;
        Ok(())
    }

    /// Notes something.
    pub(super) fn note(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.bytes = self
            .bytes
            .saturating_add(size_of_note(&key, value.as_deref()));
        let note = Noted {
            value,
            changed: true,
        };
        self.notes.insert(key, note);
    }

    /// The first notes from one key to before another, in order, and whether there may be more.
    pub(super) fn notes(
        &self,
        store: &QueryStore,
        from: &[u8],
        to: &[u8],
    ) -> Result<(Vec<Note>, bool), StateError> {
        let mut found = BTreeMap::new();
        let mut last = None;
        if !self.has_all_of(from) {
            store.range(from, to, |key, value| {
                if !self.notes.contains_key(key) {
                    found.insert(key.to_vec(), value.to_vec());
                }
                let more = found.len() < NOTES;
                if !more {
                    last = Some(key.to_vec());
                }
                more
            })?;
        }
        // Of those in memory none that lies behind what was read.
        let until = last.as_deref().map_or(Bound::Excluded(to), Bound::Included);
        if from < to {
            for (key, note) in self.notes.range::<[u8], _>((Bound::Included(from), until)) {
                if let Some(value) = &note.value {
                    found.insert(key.clone(), value.clone());
                }
            }
        }
        Ok((found.into_iter().collect(), last.is_some()))
    }

    /// The time of the first note from one key to before another.
    pub(super) fn first_note(
        &self,
        store: &QueryStore,
        from: &[u8],
        to: &[u8],
    ) -> Result<Option<i64>, StateError> {
        let time = |key: &[u8]| noted(key).map(|(time, _)| time);
        let mut stored = None;
        if !self.has_all_of(from) {
            store.range(from, to, |key, _| {
                if !self.notes.contains_key(key) {
                    stored = time(key);
                }
                stored.is_none()
            })?;
        }
        let changed = self
            .notes
            .range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)))
            .find(|(_, note)| note.value.is_some());
        let changed = changed.and_then(|(key, _)| time(key));
        Ok(stored.into_iter().chain(changed).min())
    }

    /// Puts what changed into a batch.
    pub(super) fn store(&self, batch: &mut WriteBatch, family: &Arc<BoundColumnFamily<'_>>) {
        for (key, note) in self.notes.iter().filter(|(_, note)| note.changed) {
            match &note.value {
                Some(value) => batch.put_cf(family, key, value),
                None => batch.delete_cf(family, key),
            }
        }
        let mut key = Vec::new();
        for (of, bucket) in &self.buckets {
            for (number, chunk) in bucket.chunks.iter().enumerate() {
                if chunk.changed {
                    chunk_key(&mut key, of, number);
                    batch.put_cf(family, &key, &chunk.bytes);
                }
            }
            for number in bucket.chunks.len()..bucket.stored {
                chunk_key(&mut key, of, number);
                batch.delete_cf(family, &key);
            }
        }
    }

    /// What changed is written.
    pub(super) fn wrote(&mut self, store: &QueryStore) -> Result<(), StateError> {
        self.bytes = 0;
        self.keep_newest();
        let mut bytes = 0_usize;
        let keep = self.noted;
        self.notes.retain(|key, note| {
            note.changed = false;
            let stays = keep && key.first() == Some(&store::ALONE) && note.value.is_some();
            if stays {
                bytes = bytes.saturating_add(size_of_note(key, note.value.as_deref()));
            }
            stays
        });
        if bytes >= self.most / 8 {
            self.notes.clear();
            (self.noted, bytes) = (false, 0);
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.writes = self.writes.saturating_add(1);
        match !self.noted && self.writes >= TRY_AGAIN {
            true => self.load_notes(store),
            false => Ok(()),
        }
    }

    /// Keeps the newest buckets of each join, as many as have room, all of which are written.
    fn keep_newest(&mut self) {
        // By join and number, how many bytes.
        let mut sizes = BTreeMap::<(u8, i64), usize>::new();
        let place = |key: &[u8]| {
            let (_, number) = key.split_last_chunk::<8>()?;
            Some((*key.get(1)?, ordered::read_i64(&mut &number[..]).ok()?))
        };
        for (key, bucket) in &mut self.buckets {
            bucket.stored = bucket.chunks.len();
            let mut held = key.len().saturating_add(ENTRY);
            for chunk in &mut bucket.chunks {
                chunk.changed = false;
                held = held.saturating_add(chunk.bytes.len());
            }
            if let Some(place) = place(key).filter(|_| !bucket.over) {
                let size = sizes.entry(place).or_default();
                *size = size.saturating_add(held);
            }
        }
        let room = self.most / 8 * 3;
        let room = room.checked_div(self.whole.len()).unwrap_or(0);
        for (node, whole) in (0_u8..).zip(&mut self.whole) {
            let mut held = 0_usize;
            for ((_, number), size) in sizes.range((node, i64::MIN)..=(node, i64::MAX)).rev() {
                held = held.saturating_add(*size);
                if held > room {
                    *whole = (*whole).max(number.saturating_add(1));
                    break;
                }
                self.bytes = self.bytes.saturating_add(*size);
            }
        }
        let whole = &self.whole;
        self.buckets.retain(|key, bucket| {
            let newest = place(key)
                .zip(key.get(1))
                .is_some_and(|((_, number), node)| {
                    let whole = whole.get(usize::from(*node));
                    whole.is_some_and(|whole| number >= *whole)
                });
            newest && !bucket.over
        });
    }

    /// Whether a bucket is neither in memory nor in the store, as far as that is known without looking.
    fn is_nowhere(&self, bucket: &[u8]) -> bool {
        !self.buckets.contains_key(bucket) && self.is_whole(bucket)
    }

    /// Whether memory has every note of the kind that a key is of.
    fn has_all_of(&self, key: &[u8]) -> bool {
        self.noted && key.first() == Some(&store::ALONE)
    }

    /// A bucket, from the store where it is not in memory.
    fn load(&mut self, store: &QueryStore, key: &[u8]) -> Result<&mut Bucket, StateError> {
        if !self.buckets.contains_key(key) {
            let bucket = match self.is_whole(key) {
                true => Bucket::default(),
                false => stored(store, key)?,
            };
            let chunks = bucket.chunks.iter().map(|chunk| chunk.bytes.len());
            let held = chunks.sum::<usize>().saturating_add(key.len());
            self.bytes = self.bytes.saturating_add(held).saturating_add(ENTRY);
            self.buckets.insert(key.to_vec(), bucket);
        }
        // It was put there.
        self.buckets
            .get_mut(key)
            .ok_or_else(|| store.damaged(JOINED_ROW))
    }
}

/// What a note takes up, about.
fn size_of_note(key: &[u8], value: Option<&[u8]>) -> usize {
    let value = value.map_or(0, <[u8]>::len);
    key.len().saturating_add(value).saturating_add(ENTRY)
}

/// The key of a note of when something is over; without `what`, where those of a time begin.
pub(super) fn note_key(kind: u8, node: usize, partition: i32, time: i64, what: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(14_usize.saturating_add(what.len()));
    key.push(kind);
    key.push(byte(node));
    key.extend_from_slice(&partition.to_be_bytes());
    ordered::push_i64(time, &mut key);
    key.extend_from_slice(what);
    key
}

/// The time in the key of a note, and what it is of.
pub(super) fn noted(key: &[u8]) -> Option<(i64, &[u8])> {
    let mut input = key.get(6..)?;
    let time = ordered::read_i64(&mut input).ok()?;
    Some((time, input))
}
