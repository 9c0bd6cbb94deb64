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
//! In memory lies all of it while there is room, and then nothing is looked up; else what changed since the last write, and of what
//! was looked up as much as there is room for.
//!
//! Invariant: memory and store together are what waits after everything taken. Belongs to a query's thread.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use foldhash::fast::RandomState;
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
    /// Whether what is not in memory is not in the store.
    complete: bool,
    /// Writes since there was no room for all of it.
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
            complete: false,
            writes: 0,
            bytes: 0,
            most,
            key: Vec::new(),
        }
    }

    /// Everything is as it is stored.
    pub(super) fn forget(&mut self, store: &QueryStore) -> Result<(), StateError> {
        self.clear();
        self.load_all(store)
    }

    fn clear(&mut self) {
        self.buckets.clear();
        self.notes.clear();
        (self.bytes, self.complete, self.writes) = (0, false, 0);
    }

    /// Takes all of it into memory, where it has room.
    fn load_all(&mut self, store: &QueryStore) -> Result<(), StateError> {
        let room = self.most / 4;
        let mut complete = true;
        store.range(&[store::WAITING], &[store::CLOCK], |key, value| {
            self.bytes = self
                .bytes
                .saturating_add(key.len())
                .saturating_add(value.len())
                .saturating_add(ENTRY);
            complete = self.bytes < room;
            match key.split_last_chunk::<4>() {
                // Chunks come in their order.
                Some((bucket, _)) if key.first() == Some(&store::WAITING) => {
                    let bucket = self.buckets.entry(bucket.to_vec()).or_default();
                    bucket.chunks.push(Chunk {
                        bytes: value.to_vec(),
                        changed: false,
                    });
                    bucket.stored = bucket.chunks.len();
                }
                _ => {
                    let note = Noted {
                        value: Some(value.to_vec()),
                        changed: false,
                    };
                    self.notes.insert(key.to_vec(), note);
                }
            }
            complete
        })?;
        if !complete {
            self.clear();
        }
        self.complete = complete;
        Ok(())
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
        let (found, added) = load(&mut self.buckets, self.complete, store, bucket)?;
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
            let grown = chunk.bytes.len().saturating_sub(before);
            self.bytes = self.bytes.saturating_add(grown);
        }
        self.bytes = self.bytes.saturating_add(added);
        Ok(())
    }

    /// Whether a bucket has records.
    pub(super) fn has(&mut self, store: &QueryStore, bucket: &[u8]) -> Result<bool, StateError> {
        let (found, added) = load(&mut self.buckets, self.complete, store, bucket)?;
        let has = !found.chunks.is_empty();
        self.bytes = self.bytes.saturating_add(added);
        Ok(has)
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
            if self.complete && !self.buckets.contains_key(&key) {
                continue;
            }
            let (bucket, added) = load(&mut self.buckets, self.complete, store, &key)?;
            self.bytes = self.bytes.saturating_add(added);
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
        let (bucket, added) = load(&mut self.buckets, self.complete, store, bucket)?;
        self.bytes = self.bytes.saturating_add(added);
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
        let (bucket, added) = load(&mut self.buckets, self.complete, store, bucket)?;
        self.bytes = self.bytes.saturating_add(added);
        bucket.chunks.clear();
        bucket.over = true;
        Ok(())
    }

    /// Notes something.
    pub(super) fn note(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let size = key.len().saturating_add(value.as_ref().map_or(0, Vec::len));
        self.bytes = self.bytes.saturating_add(size).saturating_add(ENTRY);
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
        if !self.complete {
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
        if !self.complete {
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
        let mut bytes = 0_usize;
        self.buckets.retain(|key, bucket| {
            bucket.stored = bucket.chunks.len();
            let chunks = bucket.chunks.iter_mut();
            let held: usize = chunks
                .map(|chunk| {
                    chunk.changed = false;
                    chunk.bytes.len()
                })
                .sum();
            bytes = bytes.saturating_add(held.saturating_add(key.len()).saturating_add(ENTRY));
            !bucket.over
        });
        let complete = self.complete;
        self.notes.retain(|key, note| {
            note.changed = false;
            bytes = bytes.saturating_add(key.len().saturating_add(ENTRY));
            complete && note.value.is_some()
        });
        self.bytes = bytes;
        if bytes >= self.most / 2 {
            self.clear();
        }
        self.writes = self.writes.saturating_add(1);
        if !self.complete && self.writes >= TRY_AGAIN {
            self.clear();
            return self.load_all(store);
        }
        Ok(())
    }
}

/// A bucket, from the store where it is not in memory; and how many bytes it takes up now.
fn load<'b>(
    buckets: &'b mut HashMap<Vec<u8>, Bucket, RandomState>,
    complete: bool,
    store: &QueryStore,
    key: &[u8],
) -> Result<(&'b mut Bucket, usize), StateError> {
    let mut added = 0_usize;
    if !buckets.contains_key(key) {
        let bucket = match complete {
            true => Bucket::default(),
            false => stored(store, key)?,
        };
        added = bucket.chunks.iter().map(|chunk| chunk.bytes.len()).sum();
        added = added.saturating_add(key.len()).saturating_add(ENTRY);
        buckets.insert(key.to_vec(), bucket);
    }
    match buckets.get_mut(key) {
        Some(bucket) => Ok((bucket, added)),
        // It was put there.
        None => Err(store.damaged(JOINED_ROW)),
    }
}

/// The key of a note of when something is over; without `what`, where those of a time begin.
pub(super) fn note_key(kind: u8, node: usize, partition: i32, time: i64, what: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(14_usize.saturating_add(what.len()));
    key.push(kind);
    key.push(byte(node));
    key.extend_from_slice(&partition.to_be_bytes());
    ksql_schema::ordered::push_i64(time, &mut key);
    key.extend_from_slice(what);
    key
}

/// The time in the key of a note, and what it is of.
pub(super) fn noted(key: &[u8]) -> Option<(i64, &[u8])> {
    let mut input = key.get(6..)?;
    let time = ksql_schema::ordered::read_i64(&mut input).ok()?;
    Some((time, input))
}
