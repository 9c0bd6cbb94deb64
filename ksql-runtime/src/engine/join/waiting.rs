//! Records of two streams that wait for each other.
//!
//! In the store, by the first byte of a key: [`store::WAITING`] with the input, the partition, what is compared (its length
//! before it), the time and the number of the record: there whether it goes out alone when its time is over, its key and its body.
//! [`store::ALONE`] and [`store::EXPIRY`] with the partition, a time and the number: there which of them is over at that time, told
//! alone or forgotten. In memory what changed since the last write.
//!
//! Invariant: memory and store together are what waits after everything taken. Belongs to a query's thread.

use std::collections::BTreeMap;
use std::sync::Arc;

use rocksdb::{BoundColumnFamily, WriteBatch};

use super::super::store::{self, QueryStore};
use crate::state::StateError;

/// What an entry costs beside its bytes, about.
const ENTRY: usize = 96;

/// Records that wait.
#[derive(Debug)]
pub(super) struct Waiting {
    changed: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    bytes: usize,
    most: usize,
}

/// Bytes of a store: key and value.
pub(super) type Entry = (Vec<u8>, Vec<u8>);

impl Waiting {
    /// In about so many bytes.
    pub(super) fn new(most: usize) -> Waiting {
        Waiting {
            changed: BTreeMap::new(),
            bytes: 0,
            most,
        }
    }

    /// Forgets what was not written.
    pub(super) fn forget(&mut self) {
        self.changed.clear();
        self.bytes = 0;
    }

    /// Whether memory is full of what is to be written.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.most
    }

    pub(super) fn put(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let size = key.len().saturating_add(value.as_ref().map_or(0, Vec::len));
        self.bytes = self.bytes.saturating_add(size).saturating_add(ENTRY);
        self.changed.insert(key, value);
    }

    pub(super) fn get(
        &self,
        store: &QueryStore,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, StateError> {
        match self.changed.get(key) {
            Some(known) => Ok(known.clone()),
            None => store.get(key, <[u8]>::to_vec),
        }
    }

    /// What lies from one key to before another, in order.
    pub(super) fn range(
        &self,
        store: &QueryStore,
        from: &[u8],
        to: &[u8],
    ) -> Result<Vec<Entry>, StateError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let mut found = BTreeMap::new();
        store.range(from, to, |key, value| {
            found.insert(key.to_vec(), value.to_vec());
        })?;
        for (key, value) in self.changed.range::<[u8], _>((
            std::ops::Bound::Included(from),
            std::ops::Bound::Excluded(to),
        )) {
            match value {
                Some(value) => drop(found.insert(key.clone(), value.clone())),
                None => drop(found.remove(key)),
            }
        }
        Ok(found.into_iter().collect())
    }

    /// Puts what changed into a batch.
    pub(super) fn store(&self, batch: &mut WriteBatch, family: &Arc<BoundColumnFamily<'_>>) {
        for (key, value) in &self.changed {
            match value {
                Some(value) => batch.put_cf(family, key, value),
                None => batch.delete_cf(family, key),
            }
        }
    }
}

/// The key of a record that waits, or, with number 0, where those of a time begin.
pub(super) fn record_key(
    (input, partition): (usize, i32),
    on: &[u8],
    time: i64,
    number: u64,
) -> Vec<u8> {
    let mut key = Vec::with_capacity(on.len().saturating_add(32));
    key.push(store::WAITING);
    key.push(u8::try_from(input).unwrap_or(u8::MAX));
    key.extend_from_slice(&partition.to_be_bytes());
    key.extend_from_slice(&u32::try_from(on.len()).unwrap_or(u32::MAX).to_be_bytes());
    key.extend_from_slice(on);
    ksql_schema::ordered::push_i64(time, &mut key);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The time in the key of a record that waits.
pub(super) fn time_of(key: &[u8]) -> Option<i64> {
    let at = key.len().checked_sub(16)?;
    let mut input = key.get(at..)?;
    ksql_schema::ordered::read_i64(&mut input).ok()
}

/// The key of a note of when something is over, or, with number 0, where those of a time begin.
pub(super) fn note_key(kind: u8, partition: i32, time: i64, number: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(21);
    key.push(kind);
    key.extend_from_slice(&partition.to_be_bytes());
    ksql_schema::ordered::push_i64(time, &mut key);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// A record that waits: whether it goes out alone, its key and its body.
pub(super) fn write(alone: bool, wire: &[u8], body: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(wire.len().saturating_add(body.len()).saturating_add(5));
    value.push(alone.into());
    value.extend_from_slice(&u32::try_from(wire.len()).unwrap_or(u32::MAX).to_be_bytes());
    value.extend_from_slice(wire);
    value.extend_from_slice(body);
    value
}

/// As [`write`] wrote it.
pub(super) fn read(value: &[u8]) -> Option<(bool, &[u8], &[u8])> {
    let (alone, rest) = value.split_first()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (wire, body) = rest.split_at_checked(length)?;
    Some((*alone != 0, wire, body))
}
