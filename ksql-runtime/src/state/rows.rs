//! Reading rows in key order: one snapshot, one iterator a partition, merged without copying.

use std::ops::Bound;

use rocksdb::ReadOptions;

use super::store::{family, row_prefix};
use super::{StateError, Table};

/// Which keys a scan covers, as ordered key bytes.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    pub(crate) from: Bound<Vec<u8>>,
    pub(crate) to: Bound<Vec<u8>>,
}

impl Bounds {
    pub(crate) fn all() -> Bounds {
        Bounds {
            from: Bound::Unbounded,
            to: Bound::Unbounded,
        }
    }
}

/// Bytes read ahead of a scan.
const READ_AHEAD: usize = 1024 * 1024;

/// Gives every row's ordered key and stored value to `each`, in key order over all partitions, until it says to stop.
pub(crate) fn scan(
    table: &Table,
    bounds: &Bounds,
    mut each: impl FnMut(&[u8], &[u8]) -> bool,
) -> Result<(), StateError> {
    let store = &table.store;
    store.with(|db| {
        let family = family(db, &table.settings.store)?;
        let snapshot = db.snapshot();
        let mut partitions = Vec::new();
        for partition in 0..i32::try_from(table.settings.topic.partitions).unwrap_or(i32::MAX) {
            let prefix = row_prefix(partition);
            let mut read = ReadOptions::default();
            read.set_readahead_size(READ_AHEAD);
            read.set_iterate_upper_bound(end_of(&prefix, &bounds.to));
            let mut rows = snapshot.raw_iterator_cf_opt(&family, read);
            rows.seek(start_of(&prefix, &bounds.from));
            rows.status()
                .map_err(|source| store.error("scan rows", source))?;
            if rows.valid() {
                partitions.push(rows);
            }
        }
        loop {
            // Few partitions: looking at each head is cheaper than a heap.
            let least = match partitions.len() {
                0 => return Ok(()),
                1 => 0,
                _ => {
                    let heads = partitions.iter().enumerate();
                    let least = heads.min_by(|(_, a), (_, b)| inner(a.key()).cmp(inner(b.key())));
                    least.map_or(0, |(index, _)| index)
                }
            };
            let Some(rows) = partitions.get_mut(least) else {
                return Ok(());
            };
            if let Some((key, value)) = rows.item()
                && !each(inner(Some(key)), value)
            {
                return Ok(());
            }
            rows.next();
            if !rows.valid() {
                rows.status()
                    .map_err(|source| store.error("scan rows", source))?;
                drop(partitions.swap_remove(least));
            }
        }
    })
}

/// A key without its partition.
fn inner(key: Option<&[u8]>) -> &[u8] {
    key.and_then(|key| key.get(4..)).unwrap_or_default()
}

fn start_of(prefix: &[u8; 4], from: &Bound<Vec<u8>>) -> Vec<u8> {
    let mut start = prefix.to_vec();
    match from {
        Bound::Unbounded => {}
        Bound::Included(key) => start.extend_from_slice(key),
        Bound::Excluded(key) => {
            // The next possible key.
            start.extend_from_slice(key);
            start.push(0);
        }
    }
    start
}

fn end_of(prefix: &[u8; 4], to: &Bound<Vec<u8>>) -> Vec<u8> {
    match to {
        Bound::Unbounded => i32::from_be_bytes(*prefix)
            .saturating_add(1)
            .to_be_bytes()
            .to_vec(),
        Bound::Excluded(key) => [prefix.as_slice(), key].concat(),
        Bound::Included(key) => [prefix.as_slice(), key, &[0]].concat(),
    }
}
