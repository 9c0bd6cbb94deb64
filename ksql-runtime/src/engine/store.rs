//! What a query keeps in its store, by the first byte of a key.
//!
//! Groups by their key; which groups have windows that close, in the order of closing; how far time has come in each
//! partition; of a table that is aggregated the row last seen of each key. Belongs to a query's thread.

use std::sync::Arc;

use rocksdb::{BoundColumnFamily, PrefixRange, ReadOptions, WriteBatch};

use super::join::Place;
use crate::codec::Reader;
use crate::log::TopicId;
use crate::query::At;
use crate::state::{Progress, StateError, Table, family};

/// Behind it: a group's key. What is kept of the group.
pub(super) const GROUP: u8 = 1;
/// Behind it: partition, the time at which the group's first window closes, the group's key. Nothing.
pub(super) const CLOSING: u8 = 2;
/// Behind it: a partition. The largest timestamp seen there.
pub(super) const TIME: u8 = 3;
/// Alone: how many records were processed, how many windows were late for one, how many were left out without a key.
pub(super) const COUNTS: u8 = 4;
/// Alone: what is being written, so that it is made again alike.
pub(super) const INTENT: u8 = 5;
/// Behind it: an ordered key of the source. Its last row.
pub(super) const LAST: u8 = 6;
/// Behind it: an ordered key of the source. Nothing: its row is shown.
pub(super) const SHOWN: u8 = 7;
/// Behind it: an input, a key. The last row of a table that is joined.
pub(super) const JOINED: u8 = 8;
/// Behind it: a join, a side, what is compared, a bucket, a chunk. Records of streams that are joined.
pub(super) const WAITING: u8 = 9;
/// Behind it: a join, a partition, a time, a number. The bucket of the record that goes out alone once that time is over.
pub(super) const ALONE: u8 = 10;
/// Behind it: a join, a partition, a time, a bucket. Nothing: it is forgotten once that time is over.
pub(super) const EXPIRY: u8 = 11;
/// Behind it: a join, a partition. How far time has come there.
pub(super) const CLOCK: u8 = 12;
/// Behind it: a key of the right table, its length before it, and one of the left. Nothing: the left row names the right one.
pub(super) const NAMED: u8 = 13;

/// Alone: the journal's topic, and where it is read on.
pub(super) const JOURNAL: u8 = 14;

/// What is counted with every write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    /// Records processed.
    pub(super) sequence: u64,
    /// Windows that were closed to a row that came too late.
    pub(super) late: u64,
    /// Records left out for want of a key.
    pub(super) keyless: u64,
    /// Windows that still take rows; nothing where there are no windows, or an older version counted.
    pub(super) open: Option<u64>,
}

/// Reading of a query's store.
#[derive(Debug)]
pub(super) struct QueryStore {
    table: Arc<Table>,
}

impl QueryStore {
    pub(super) fn new(table: &Arc<Table>) -> QueryStore {
        QueryStore {
            table: Arc::clone(table),
        }
    }

    /// What stands under a key.
    pub(super) fn get<R>(
        &self,
        key: &[u8],
        found: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>, StateError> {
        self.table.store.get(&self.table.settings.store, key, found)
    }

    /// Whether there is such a key.
    pub(super) fn has(&self, key: &[u8]) -> Result<bool, StateError> {
        Ok(self.get(key, |_| ())?.is_some())
    }

    /// What was counted.
    pub(super) fn counts(&self) -> Result<Counts, StateError> {
        let found = self.get(&[COUNTS], |bytes| {
            let (sequence, rest) = bytes.split_first_chunk::<8>()?;
            let (late, rest) = rest.split_first_chunk::<8>()?;
            // Older stores end here,
            let (keyless, rest) = rest.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
            // or here.
            let open = rest.first_chunk::<8>();
            Some(Counts {
                open: open.map(|open| u64::from_be_bytes(*open)),
                sequence: u64::from_be_bytes(*sequence),
                late: u64::from_be_bytes(*late),
                keyless: u64::from_be_bytes(*keyless),
            })
        })?;
        match found {
            None => Ok(Counts::default()),
            Some(Some(counts)) => Ok(counts),
            Some(None) => Err(self.damaged("the number of records processed")),
        }
    }

    /// Where the journal is read on, where it is this topic.
    pub(super) fn journal(&self, topic: TopicId) -> Result<Option<i64>, StateError> {
        let found = self.get(&[JOURNAL], |bytes| {
            let (id, next) = bytes.split_first_chunk::<16>()?;
            let next = i64::from_be_bytes(*next.first_chunk::<8>()?);
            Some((TopicId::from_bytes(*id) == topic).then_some(next))
        })?;
        match found {
            Some(None) => Err(self.damaged("the place in the journal")),
            found => Ok(found.flatten().flatten()),
        }
    }

    /// Sets where the journal is read on.
    pub(super) fn set_journal(&self, place: (TopicId, i64)) -> Result<(), StateError> {
        let value = journal_place(place);
        let table = &self.table;
        table.store.write_logged(
            &table.settings.store,
            |batch, family| batch.put_cf(family, [JOURNAL], value),
            [],
        )
    }

    /// The largest timestamp seen in a partition.
    pub(super) fn time(&self, partition: i32) -> Result<Option<i64>, StateError> {
        self.time_under(&time_key(partition))
    }

    /// A time, under its key.
    pub(super) fn time_under(&self, key: &[u8]) -> Result<Option<i64>, StateError> {
        let found = self.get(key, |bytes| {
            bytes
                .first_chunk::<8>()
                .map(|bytes| i64::from_be_bytes(*bytes))
        })?;
        match found {
            Some(None) => Err(self.damaged("the time of a partition")),
            found => Ok(found.flatten()),
        }
    }

    /// How many windows all groups have: as an older version left them, which did not count.
    pub(super) fn windows(&self) -> Result<u64, StateError> {
        let (mut windows, mut damaged) = (0_u64, false);
        self.range(&[GROUP], &[GROUP + 1], |_, value| {
            match Reader::new(value).block() {
                Ok(count) => windows = windows.saturating_add(count as u64),
                Err(_) => damaged = true,
            }
            !damaged
        })?;
        match damaged {
            true => Err(self.damaged("a group")),
            false => Ok(windows),
        }
    }

    /// Whether there is no group.
    pub(super) fn has_no_group(&self) -> Result<bool, StateError> {
        let mut none = true;
        self.scan(&[GROUP], &[GROUP], |_| {
            none = false;
            false
        })?;
        Ok(none)
    }

    /// The keys of groups with a window that closes at `until` or before, those that close first in front, and a time
    /// before which no other closes; none closes before `from`.
    pub(super) fn closing(
        &self,
        partition: i32,
        from: i64,
        until: i64,
        most: usize,
    ) -> Result<(Vec<Vec<u8>>, i64), StateError> {
        let mut start = Vec::new();
        closing_key(partition, from, &[], &mut start);
        let prefix = start.get(..1 + size_of::<i32>()).unwrap_or_default();
        let (mut keys, mut next) = (Vec::new(), i64::MAX);
        let mut damaged = false;
        // Not from the prefix on: what was closed before is deleted, and walking over it takes longer each time.
        self.scan(prefix, &start, |rest| {
            let mut input = rest;
            let Ok(closes) = ksql_schema::ordered::read_i64(&mut input) else {
                damaged = true;
                return false;
            };
            if closes > until || keys.len() >= most {
                next = closes;
                return false;
            }
            keys.push(input.to_vec());
            true
        })?;
        if damaged {
            return Err(self.damaged("when windows close"));
        }
        Ok((keys, next))
    }

    /// Gives what follows a prefix in each key from `start` on, in order, to `each`, until it says to stop.
    pub(super) fn scan(
        &self,
        prefix: &[u8],
        start: &[u8],
        mut each: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), StateError> {
        let store = &self.table.store;
        store.with(|db| {
            let family = family(db, &self.table.settings.store)?;
            let mut options = ReadOptions::default();
            options.set_iterate_range(PrefixRange(prefix));
            let mut keys = db.raw_iterator_cf_opt(&family, options);
            keys.seek(start);
            while let Some(rest) = keys.key().and_then(|key| key.strip_prefix(prefix)) {
                if !each(rest) {
                    return Ok(());
                }
                keys.next();
            }
            keys.status()
                .map_err(|source| store.error("scan groups", source))
        })
    }

    /// Gives keys and values from one key to before another, in order, to `each`, until it says to stop.
    pub(super) fn range(
        &self,
        from: &[u8],
        to: &[u8],
        mut each: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StateError> {
        let store = &self.table.store;
        store.with(|db| {
            let family = family(db, &self.table.settings.store)?;
            let mut options = ReadOptions::default();
            // Or it walks over everything that was deleted behind, up to a key that is there.
            options.set_iterate_upper_bound(to);
            let mut keys = db.raw_iterator_cf_opt(&family, options);
            keys.seek(from);
            while let Some((key, value)) = keys.item() {
                if !each(key, value) {
                    return Ok(());
                }
                keys.next();
            }
            keys.status()
                .map_err(|source| store.error("scan records", source))
        })
    }

    /// What is stored is nothing of the kind.
    #[cold]
    pub(super) fn damaged(&self, what: &str) -> StateError {
        let store = &self.table.settings.store;
        self.table
            .store
            .corrupt(format!("{what} in the store `{store}` cannot be read"))
    }

    /// What a query that joins makes of a record cannot be written.
    #[cold]
    pub(super) fn impossible(&self, place: Place, reason: &dyn std::fmt::Display) -> StateError {
        let topics = self.table.topics();
        let topic = topics.iter().nth(place.input);
        StateError::Result {
            query: self.table.entity,
            topic: topic.map_or_else(String::new, |topic| topic.name.to_string()),
            partition: place.partition,
            offset: place.offset,
            reason: reason.to_string(),
        }
    }
}

/// Notes what was counted.
pub(super) fn put_counts(
    batch: &mut WriteBatch,
    family: &Arc<BoundColumnFamily<'_>>,
    counts: Counts,
) {
    let numbers = [counts.sequence, counts.late, counts.keyless];
    let mut value = numbers.map(u64::to_be_bytes).concat();
    if let Some(open) = counts.open {
        value.extend_from_slice(&open.to_be_bytes());
    }
    batch.put_cf(family, [COUNTS], value);
}

/// Notes how far the journal was followed, where there is one.
pub(super) fn put_journal(
    batch: &mut WriteBatch,
    family: &Arc<BoundColumnFamily<'_>>,
    progress: &Progress,
) {
    if let Some(place) = progress.journal {
        batch.put_cf(family, [JOURNAL], journal_place(place));
    }
}

fn journal_place((topic, next): (TopicId, i64)) -> Vec<u8> {
    [topic.as_bytes().as_slice(), &next.to_be_bytes()].concat()
}

/// Notes the largest timestamp seen in a partition.
pub(super) fn put_time(
    batch: &mut WriteBatch,
    family: &Arc<BoundColumnFamily<'_>>,
    partition: i32,
    time: i64,
) {
    batch.put_cf(family, time_key(partition), time.to_be_bytes());
}

fn time_key(partition: i32) -> [u8; 5] {
    let [a, b, c, d] = partition.to_be_bytes();
    [TIME, a, b, c, d]
}

/// Appends the key that says when a group's first window closes.
pub(super) fn closing_key(partition: i32, closes: i64, group: &[u8], out: &mut Vec<u8>) {
    out.push(CLOSING);
    out.extend_from_slice(&partition.to_be_bytes());
    ksql_schema::ordered::push_i64(closes, out);
    out.extend_from_slice(group);
}

/// A row of the source as it is kept: its timestamp, its offset, its body.
pub(super) fn write_last_row(at: &At<'_>, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len().saturating_add(16));
    out.extend_from_slice(&at.timestamp.to_be_bytes());
    out.extend_from_slice(&at.offset.to_be_bytes());
    out.extend_from_slice(body);
    out
}

/// Where a kept row stood, and its body.
pub(super) fn last_row<'a, 's>(bytes: &'a [u8], now: At<'s>) -> Option<(At<'s>, &'a [u8])> {
    let (timestamp, rest) = bytes.split_first_chunk::<8>()?;
    let (offset, body) = rest.split_first_chunk::<8>()?;
    let at = At {
        timestamp: i64::from_be_bytes(*timestamp),
        offset: i64::from_be_bytes(*offset),
        ..now
    };
    Some((at, body))
}
