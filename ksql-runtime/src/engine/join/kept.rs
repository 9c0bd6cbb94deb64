//! The last row of each key of the tables that are joined.
//!
//! In the store, under [`store::JOINED`]: the input, the key as a record has it; there the row's timestamp and its body. In memory what changed since the last write, and of what was looked up as much as there is room for.
//!
//! Invariant: memory and store together are the tables after everything taken. Belongs to a query's thread.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use rocksdb::{BoundColumnFamily, WriteBatch};

use super::super::store::{self, QueryStore};
use crate::state::StateError;

/// What an entry costs beside its bytes, about.
const ENTRY: usize = 64;

/// Rows of tables.
#[derive(Debug)]
pub(super) struct Kept {
    rows: HashMap<Vec<u8>, Row, RandomState>,
    bytes: usize,
    most: usize,
    /// How many rows changed since the last write.
    changed: usize,
    key: Vec<u8>,
}

#[derive(Debug, Default)]
struct Row {
    /// Timestamp and body; nothing where there is no row.
    found: Option<Vec<u8>>,
    changed: bool,
}

impl Kept {
    /// In about so many bytes.
    pub(super) fn new(most: usize) -> Kept {
        Kept {
            rows: HashMap::default(),
            bytes: 0,
            most,
            changed: 0,
            key: Vec::new(),
        }
    }

    /// Forgets what was not written.
    pub(super) fn forget(&mut self) {
        self.rows.clear();
        (self.bytes, self.changed) = (0, 0);
    }

    /// Whether memory is full of what is to be written.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.most
    }

    /// The row of a key: its timestamp and its body.
    #[inline]
    pub(super) fn get(
        &mut self,
        store: &QueryStore,
        input: usize,
        wire: &[u8],
    ) -> Result<Option<(i64, &[u8])>, StateError> {
        write_key(&mut self.key, input, wire);
        if !self.rows.contains_key(self.key.as_slice()) {
            let found = store.get(&self.key, <[u8]>::to_vec)?;
            let body = found.as_ref().map_or(0, Vec::len);
            self.bytes = self
                .bytes
                .saturating_add(self.key.len())
                .saturating_add(body)
                .saturating_add(ENTRY);
            let row = Row {
                found,
                changed: false,
            };
            self.rows.insert(self.key.clone(), row);
        }
        let found = self.rows.get(self.key.as_slice());
        match found.and_then(|row| row.found.as_deref()) {
            None => Ok(None),
            Some(bytes) => match bytes.split_first_chunk::<8>() {
                Some((timestamp, body)) => Ok(Some((i64::from_be_bytes(*timestamp), body))),
                None => Err(store.damaged("a row that is joined")),
            },
        }
    }

    /// Keeps a row, or that there is none.
    #[inline]
    pub(super) fn set(&mut self, input: usize, wire: &[u8], row: Option<(i64, &[u8])>) {
        write_key(&mut self.key, input, wire);
        let size = row.map_or(0, |(_, body)| body.len());
        let written = match self.rows.get_mut(self.key.as_slice()) {
            Some(known) => known,
            None => {
                self.bytes = self.bytes.saturating_add(self.key.len() + ENTRY);
                self.rows.entry(self.key.clone()).or_default()
            }
        };
        if !written.changed {
            self.changed = self.changed.saturating_add(1);
        }
        written.changed = true;
        match row {
            None => written.found = None,
            Some((timestamp, body)) => {
                let bytes = written.found.get_or_insert_default();
                bytes.clear();
                bytes.extend_from_slice(&timestamp.to_be_bytes());
                bytes.extend_from_slice(body);
            }
        }
        self.bytes = self.bytes.saturating_add(size);
    }

    /// Puts what changed into a batch.
    pub(super) fn store(&self, batch: &mut WriteBatch, family: &Arc<BoundColumnFamily<'_>>) {
        for (key, row) in self.rows.iter().filter(|(_, row)| row.changed) {
            match &row.found {
                Some(bytes) => batch.put_cf(family, key, bytes),
                None => batch.delete_cf(family, key),
            }
        }
    }

    /// What changed is written.
    pub(super) fn wrote(&mut self) {
        if self.bytes >= self.most / 2 {
            self.forget();
            return;
        }
        if self.changed > 0 {
            self.rows.values_mut().for_each(|row| row.changed = false);
        }
        self.changed = 0;
    }
}

fn write_key(out: &mut Vec<u8>, input: usize, wire: &[u8]) {
    out.clear();
    out.push(store::JOINED);
    // No query joins more inputs than a byte counts.
    out.push(u8::try_from(input).unwrap_or(u8::MAX));
    out.extend_from_slice(wire);
}
