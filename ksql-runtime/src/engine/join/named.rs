//! Which rows of the first table name a key of the second, where they are joined by a column.
//!
//! In the store, under [`store::NAMED`]: the key that is named, its length before it, the key of the row that names it; nothing
//! there. In memory what changed since the last write.
//!
//! Invariant: memory and store together are what the first table's rows name after everything taken. Belongs to a query's thread.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use rocksdb::{BoundColumnFamily, WriteBatch};

use super::super::store::{self, QueryStore};
use crate::state::StateError;

/// What an entry costs beside its bytes, about.
const ENTRY: usize = 64;

/// What is named.
#[derive(Debug)]
pub(super) struct Named {
    changed: BTreeMap<Vec<u8>, bool>,
    bytes: usize,
    most: usize,
}

impl Named {
    /// In about so many bytes.
    pub(super) fn new(most: usize) -> Named {
        Named {
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

    /// Whether memory is full.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.most
    }

    /// A row names a key, or does so no more.
    pub(super) fn set(&mut self, named: &[u8], by: &[u8], names: bool) {
        let mut key = prefix(named);
        key.extend_from_slice(by);
        self.bytes = self.bytes.saturating_add(key.len()).saturating_add(ENTRY);
        self.changed.insert(key, names);
    }

    /// The keys of the rows that name a key, in order.
    pub(super) fn of(&self, store: &QueryStore, named: &[u8]) -> Result<Vec<Vec<u8>>, StateError> {
        let prefix = prefix(named);
        let mut found = BTreeMap::new();
        store.scan(&prefix, &prefix, |by| {
            found.insert(by.to_vec(), true);
            true
        })?;
        let from = (Bound::Included(prefix.as_slice()), Bound::Unbounded);
        for (key, names) in self.changed.range::<[u8], _>(from) {
            let Some(by) = key.strip_prefix(prefix.as_slice()) else {
                break;
            };
            found.insert(by.to_vec(), *names);
        }
        found.retain(|_, names| *names);
        Ok(found.into_keys().collect())
    }

    /// Puts what changed into a batch.
    pub(super) fn store(&self, batch: &mut WriteBatch, family: &Arc<BoundColumnFamily<'_>>) {
        for (key, names) in &self.changed {
            match names {
                true => batch.put_cf(family, key, []),
                false => batch.delete_cf(family, key),
            }
        }
    }
}

fn prefix(named: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(named.len().saturating_add(32));
    key.push(store::NAMED);
    key.extend_from_slice(&u32::try_from(named.len()).unwrap_or(u32::MAX).to_be_bytes());
    key.extend_from_slice(named);
    key
}
