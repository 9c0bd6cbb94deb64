//! Reading rows in key order: one snapshot, one iterator a partition, merged.

use std::ops::Bound;

use super::{StateError, Table};

/// Which keys a scan covers, as ordered key bytes.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    pub(crate) from: Bound<Vec<u8>>,
    pub(crate) to: Bound<Vec<u8>>,
}

impl Bounds {
    pub(crate) fn all() -> Bounds {
        Bounds { from: Bound::Unbounded, to: Bound::Unbounded }
    }

    fn ends_before(&self, key: &[u8]) -> bool {
        match &self.to {
            Bound::Unbounded => false,
            Bound::Included(last) => key > last.as_slice(),
            Bound::Excluded(end) => key >= end.as_slice(),
        }
    }

    fn starts_after(&self, key: &[u8]) -> bool {
        matches!(&self.from, Bound::Excluded(before) if key <= before.as_slice())
    }
}

/// Gives every row's ordered key and stored value to `each`, in key order, until it says to stop.
pub(crate) fn scan(
    table: &Table,
    bounds: &Bounds,
    mut each: impl FnMut(&[u8], &[u8]) -> bool,
) -> Result<(), StateError> {
    let store = &table.store;
    let snapshot = store.db().snapshot();
    let from: &[u8] = match &bounds.from {
        Bound::Unbounded => &[],
        Bound::Included(key) | Bound::Excluded(key) => key,
    };
    let mut partitions = Vec::new();
    for partition in 0..i32::try_from(table.settings.topic.partitions).unwrap_or(i32::MAX) {
        let mut rows = store.rows(&snapshot, &table.settings.store, partition, from)?;
        if let Some(head) = rows.next() {
            partitions.push((head?, rows));
        }
    }
    loop {
        // Few partitions: looking at each head is cheaper than a heap.
        let least = partitions
            .iter()
            .enumerate()
            .min_by(|(_, ((a, _), _)), (_, ((b, _), _))| a.get(4..).cmp(&b.get(4..)))
            .map(|(index, _)| index);
        let Some((head, rows)) = least.and_then(|index| partitions.get_mut(index)) else { return Ok(()) };
        let next = rows.next().transpose()?;
        let (key, value) = match next {
            Some(next) => std::mem::replace(head, next),
            None => match least {
                Some(index) => partitions.swap_remove(index).0,
                None => return Ok(()),
            },
        };
        let key = key.get(4..).unwrap_or_default();
        if bounds.ends_before(key) {
            return Ok(());
        }
        if !bounds.starts_after(key) && !each(key, &value) {
            return Ok(());
        }
    }
}
