//! Rows gathered to be written together: of each key the last, sorted.
//!
//! Invariant: rows and the offsets they cover go into one batch, and positions are published after it is written. Belongs
//! to a binding's thread.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::progress::Progress;
use super::record::POISON;
use super::store::row_prefix;
use super::{StateError, Table, Topics};

/// More than this is not gathered however much there is room: sorting gains nothing any more.
const MOST: usize = 32 * 1024 * 1024;

/// What a row takes beside its bytes: its place here, in the index, in the batch.
const ROW_BYTES: usize = size_of::<Row>() + 2 * size_of::<usize>();

/// Rows on their way into a batch: keys and values in one arena, of each key the last row.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    full: usize,
    pub(super) arena: Vec<u8>,
    rows: Vec<Row>,
    /// Into `rows`, by key.
    index: HashTable<usize>,
    hasher: RandomState,
    value_at: usize,
    pub(super) progress: Progress,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    key: usize,
    value: usize,
    /// How long the value is.
    length: u32,
    /// How much room there is for a later one of the same key.
    room: u32,
    present: bool,
}

impl Gathered {
    /// Nothing yet, and never more than fits into so many bytes, up to the one fetch by which it becomes full.
    pub(super) fn new(bytes: usize) -> Gathered {
        Gathered {
            // What grows holds up to twice what is in it, and a batch holds it once more.
            full: (bytes / 3).min(MOST),
            ..Gathered::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.progress.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        let rows = self.rows.len().saturating_mul(ROW_BYTES);
        self.arena.len().saturating_add(rows) >= self.full
    }

    /// Forgets what was gathered.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.index.clear();
        self.arena.clear();
        self.progress.clear();
    }

    /// Gives back the memory that restoring took: what comes later comes in small portions.
    pub(super) fn shrink(&mut self) {
        *self = Gathered {
            full: self.full,
            ..Gathered::default()
        };
    }

    pub(super) fn start_key(&mut self, partition: i32) -> usize {
        let start = self.arena.len();
        self.arena.extend_from_slice(&row_prefix(partition));
        start
    }

    pub(super) fn start_value(&mut self) {
        self.value_at = self.arena.len();
    }

    pub(super) fn poison(&mut self, partition: i32, offset: i64) {
        self.arena.truncate(self.value_at);
        self.arena.push(POISON);
        self.arena.extend_from_slice(&partition.to_be_bytes());
        self.arena.extend_from_slice(&offset.to_be_bytes());
    }

    /// Ends a row begun at `start`; it takes the place of an earlier one of its key.
    pub(super) fn end(&mut self, start: usize, present: bool) {
        let Gathered {
            arena,
            rows,
            index,
            hasher,
            value_at,
            ..
        } = self;
        let length = u32::try_from(arena.len() - *value_at).unwrap_or(u32::MAX);
        let row = Row {
            key: start,
            value: *value_at,
            length,
            room: length,
            present,
        };
        let key_of = |row: &Row| arena.get(row.key..row.value).unwrap_or_default();
        let key = key_of(&row);
        let entry = index.entry(
            hasher.hash_one(key),
            |known| rows.get(*known).is_some_and(|known| key_of(known) == key),
            |known| hasher.hash_one(rows.get(*known).map(key_of).unwrap_or_default()),
        );
        match entry {
            Entry::Occupied(known) => {
                if let Some(earlier) = rows.get_mut(*known.get()) {
                    if length <= earlier.room {
                        // In the place of the earlier one: a hot key takes no more room than a cold one.
                        arena.copy_within(row.value.., earlier.value);
                        arena.truncate(start);
                        (earlier.length, earlier.present) = (length, present);
                    } else {
                        *earlier = row;
                    }
                }
            }
            Entry::Vacant(free) => {
                free.insert(rows.len());
                rows.push(row);
            }
        }
        self.progress.count();
    }

    fn key(&self, row: &Row) -> &[u8] {
        self.arena.get(row.key..row.value).unwrap_or_default()
    }

    fn value(&self, row: &Row) -> &[u8] {
        let end = row.value + row.length as usize;
        self.arena.get(row.value..end).unwrap_or_default()
    }

    /// Writes the last row of each key with the offsets, then publishes the positions.
    pub(super) fn write(&mut self, table: &Table, topics: &Topics) -> Result<(), StateError> {
        let mut rows = std::mem::take(&mut self.rows);
        rows.sort_unstable_by(|a, b| self.key(a).cmp(self.key(b)));
        table.store.write(
            &table.settings.store,
            |batch, family| {
                for row in &rows {
                    match row.present {
                        true => batch.put_cf(family, self.key(row), self.value(row)),
                        false => batch.delete_cf(family, self.key(row)),
                    }
                }
            },
            self.progress.offsets(topics),
        )?;
        // Before the position is published: whoever waited for it reads the new row.
        if !rows.is_empty() {
            table.changed();
        }
        if let Some(cache) = &table.cache {
            rows.iter().for_each(|row| cache.forget(self.key(row)));
        }
        self.progress.publish(table);
        self.rows = rows;
        self.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn put(gathered: &mut Gathered, key: u8, value: Option<&[u8]>) {
        let start = gathered.start_key(0);
        gathered.arena.push(key);
        gathered.start_value();
        gathered.arena.extend_from_slice(value.unwrap_or_default());
        gathered.end(start, value.is_some());
    }

    #[test]
    fn a_hot_key_takes_no_more_room_than_a_cold_one() {
        let mut gathered = Gathered::new(1 << 20);
        put(&mut gathered, 1, Some(b"longest"));
        let room = gathered.arena.len();
        for value in [&b"shorter"[..], b"", b"longest", b"short"] {
            put(&mut gathered, 1, Some(value));
            put(&mut gathered, 1, None);
            assert_eq!(gathered.arena.len(), room);
        }
        assert_eq!(gathered.rows.len(), 1);
    }

    proptest! {
        #[test]
        fn of_each_key_the_last_row_is_kept(
            rows in prop::collection::vec((0_u8..6, prop::option::of(prop::collection::vec(any::<u8>(), 0..9))), 0..60)
        ) {
            let mut gathered = Gathered::new(1 << 20);
            let mut model = BTreeMap::new();
            for (key, value) in &rows {
                put(&mut gathered, *key, value.as_deref());
                model.insert(*key, value.clone());
            }
            let kept: BTreeMap<u8, Option<Vec<u8>>> = gathered
                .rows
                .iter()
                .map(|row| {
                    let key = *gathered.key(row).last().unwrap_or(&u8::MAX);
                    (key, row.present.then(|| gathered.value(row).to_vec()))
                })
                .collect();
            prop_assert_eq!(kept, model);
        }
    }
}
