//! A log by hand: what RocksDB alone allows for durable batches, without topics, headers, waiting readers or retention.
//!
//! One row per batch, keyed by partition and base offset, the records one after another in it; the write-ahead log is on.

use std::path::Path;

use rocksdb::{DB, DBCompressionType, Options, ReadOptions, WriteBatch};

/// One batch, encoded: timestamp, key and value of every record.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    records: i64,
}

impl Batch {
    /// One more record.
    pub fn push(&mut self, timestamp: i64, key: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(&timestamp.to_be_bytes());
        for part in [key, value] {
            self.bytes
                .extend_from_slice(&(part.len() as u32).to_be_bytes());
            self.bytes.extend_from_slice(part);
        }
        self.records += 1;
    }
}

/// An open log.
pub struct Log {
    db: DB,
    ends: Vec<i64>,
}

impl Log {
    /// A new one.
    pub fn open(path: &Path, partitions: usize) -> Self {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.set_compression_type(DBCompressionType::Lz4);
        options.set_write_buffer_size(64 << 20);
        Self {
            db: DB::open(&options, path).expect("floor log opens"),
            ends: vec![0; partitions],
        }
    }

    /// Appends batches of several partitions; durable when it returns, as far as `kill -9` goes.
    pub fn produce(&mut self, batches: &[Batch]) {
        let mut write = WriteBatch::default();
        for (partition, batch) in batches
            .iter()
            .enumerate()
            .filter(|(_, batch)| batch.records > 0)
        {
            write.put(row_key(partition, self.ends[partition]), &batch.bytes);
            self.ends[partition] += batch.records;
        }
        self.db.write(write).expect("floor writes");
    }

    /// Reads a partition to its end.
    pub fn fetch(&self, partition: usize, mut each: impl FnMut(i64, &[u8], &[u8])) {
        let mut read = ReadOptions::default();
        read.set_iterate_upper_bound(row_key(partition + 1, 0));
        let mut cursor = self.db.raw_iterator_opt(read);
        cursor.seek(row_key(partition, 0));
        while let Some(mut rest) = cursor.value() {
            while let Some((timestamp, after)) = rest.split_first_chunk() {
                let (key, after) = part(after);
                let (value, after) = part(after);
                each(i64::from_be_bytes(*timestamp), key, value);
                rest = after;
            }
            cursor.next();
        }
    }
}

fn part(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = bytes.split_first_chunk().expect("a length");
    rest.split_at(u32::from_be_bytes(*length) as usize)
}

fn row_key(partition: usize, offset: i64) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&(partition as u32).to_be_bytes());
    key[4..].copy_from_slice(&offset.to_be_bytes());
    key
}
