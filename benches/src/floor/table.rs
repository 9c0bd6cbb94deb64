//! A table by hand: records of [`Order`](crate::entities::Order) into a RocksDB, last value per key, offsets beside the rows.
//!
//! What an expert would write for exactly this payload: rows collected in a hash map over an arena, sorted, and written in
//! large batches with the offsets in the last one, without a write-ahead log. The options are those of the framework's state.

use std::path::Path;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use rocksdb::{
    BlockBasedOptions, Cache, DB, DBCompressionType, IteratorMode, Options, ReadOptions,
    WriteBatch, WriteOptions,
};

use super::order;

/// Bytes of rows collected before they are written.
const ARENA: usize = 32 << 20;
const BATCH: usize = 1000;
/// Sorts behind all rows: partitions are far below.
const OFFSETS: [u8; 4] = [0xff; 4];

/// A row's place in RocksDB: partition, then the key with its sign flipped, both big-endian.
pub fn row_key(partition: i32, id: i64) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&partition.to_be_bytes());
    key[4..].copy_from_slice(&(id ^ i64::MIN).to_be_bytes());
    key
}

/// An open database.
pub struct Table {
    db: DB,
    write: WriteOptions,
}

/// Rows that are collected to be written in order.
#[derive(Default)]
pub struct Collected {
    rows: HashMap<(i32, i64), Option<(usize, usize)>, RandomState>,
    arena: Vec<u8>,
    offsets: Vec<i64>,
}

/// The options of a table.
pub fn options() -> Options {
    let mut block = BlockBasedOptions::default();
    block.set_block_cache(&Cache::new_lru_cache(64 << 20));
    block.set_block_size(16 << 10);
    block.set_bloom_filter(10.0, false);
    block.set_format_version(6);
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_write_buffer_size(16 << 20);
    options.set_max_write_buffer_number(3);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_block_based_table_factory(&block);
    options.set_max_background_jobs(2);
    options
}

impl Table {
    /// Opens or creates it.
    pub fn open(path: &Path) -> Self {
        let db = DB::open(&options(), path).expect("floor table opens");
        let mut write = WriteOptions::default();
        write.disable_wal(true);
        Self { db, write }
    }

    /// Takes one record of the topic: checks that it decodes, remembers it, writes when enough has come together.
    pub fn record(
        &self,
        into: &mut Collected,
        partition: i32,
        offset: i64,
        key: &[u8],
        value: Option<&[u8]>,
    ) {
        let id = i64::from_be_bytes(key.try_into().expect("a key of 8 bytes"));
        let place = value.map(|value| {
            let body = value.get(5..).expect("a frame");
            order::decode_row(body).expect("a body that decodes");
            let from = into.arena.len();
            into.arena.extend_from_slice(body);
            (from, into.arena.len())
        });
        into.rows.insert((partition, id), place);
        let partition = partition as usize;
        if into.offsets.len() <= partition {
            into.offsets.resize(partition + 1, -1);
        }
        into.offsets[partition] = offset + 1;
        if into.arena.len() > ARENA {
            self.write(into);
        }
    }

    /// Writes what was collected, sorted, the offsets with the last rows.
    pub fn write(&self, from: &mut Collected) {
        let mut rows: Vec<_> = from.rows.drain().collect();
        rows.sort_unstable_by_key(|row| row.0);
        let mut batch = WriteBatch::default();
        for ((partition, id), place) in rows {
            let key = row_key(partition, id);
            match place {
                Some((start, end)) => batch.put(key, &from.arena[start..end]),
                None => batch.delete(key),
            }
            if batch.len() >= BATCH {
                self.db
                    .write_opt(std::mem::take(&mut batch), &self.write)
                    .expect("floor writes");
            }
        }
        for (partition, offset) in from.offsets.iter().enumerate() {
            let mut key = [0; 8];
            key[..4].copy_from_slice(&OFFSETS);
            key[4..].copy_from_slice(&(partition as u32).to_be_bytes());
            batch.put(key, offset.to_be_bytes());
        }
        self.db.write_opt(batch, &self.write).expect("floor writes");
        from.arena.clear();
    }

    /// One row decoded.
    pub fn get(&self, partition: i32, id: i64) -> Option<crate::entities::Order> {
        let body = self
            .db
            .get_pinned(row_key(partition, id))
            .expect("floor reads")?;
        Some(order::decode(id, &body).expect("a body that decodes"))
    }

    /// Walks over all rows of a partition from a key on, decoded into the borrowed row, while `each` says so.
    pub fn rows(
        &self,
        partition: i32,
        from: i64,
        mut each: impl FnMut(i64, order::Row<'_>) -> bool,
    ) {
        let mut read = ReadOptions::default();
        read.set_iterate_upper_bound((partition + 1).to_be_bytes());
        read.set_readahead_size(2 << 20);
        let start = row_key(partition, from);
        let mut cursor = self.db.raw_iterator_opt(read);
        cursor.seek(start);
        while let Some((key, body)) = cursor.item() {
            let id = i64::from_be_bytes(key[4..].try_into().expect("a row's key")) ^ i64::MIN;
            if !each(id, order::decode_row(body).expect("a body that decodes")) {
                return;
            }
            cursor.next();
        }
    }

    /// Rows in all partitions.
    pub fn count(&self) -> usize {
        self.db
            .iterator(IteratorMode::Start)
            .filter(|row| row.as_ref().is_ok_and(|row| row.0.len() == 12))
            .count()
    }

    /// Everything to disk.
    pub fn flush(&self) {
        self.db.flush().expect("floor flushes");
    }
}
