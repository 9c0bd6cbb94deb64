//! The one RocksDB of a context: a column family for each store, and one for the offsets they cover.
//!
//! Invariant: rows and the source offsets they cover go into one write batch, and all column families are flushed
//! together (`atomic_flush`), so that after `kill -9` at any instant the rows equal the topic up to the stored offset.
//! Without `atomic_flush` that is not so: column families flush by themselves, and the offset comes from another moment
//! than the rows. The write-ahead log is off unless asked for: what is lost is read again from the topic.
//!
//! Any thread may read; each store is written by its binding's thread only. A failed write poisons the whole store.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, BoundColumnFamily, Cache, ColumnFamilyDescriptor, DBCompressionType,
    DBWithThreadMode, ErrorKind, IteratorMode, MultiThreaded, Options, ReadOptions, SnapshotWithThreadMode, WriteBatch,
    WriteBufferManager, WriteOptions,
};

use super::StateError;
use crate::log::TopicId;

pub(crate) type Db = DBWithThreadMode<MultiThreaded>;
pub(crate) type Snapshot<'a> = SnapshotWithThreadMode<'a, Db>;

const OFFSETS: &str = "offsets";
const MIB: usize = 1024 * 1024;

/// How the state is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateDurability {
    /// No write-ahead log: rows since the last flush are read again from the topic. The default.
    #[default]
    Replay,
    /// A write-ahead log: for tables whose topic keeps records only shortly.
    Wal,
}

/// Where a binding goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredOffset {
    pub(crate) topic: TopicId,
    pub(crate) next: i64,
}

/// The RocksDB of a context's tables.
pub(crate) struct Store {
    db: Db,
    path: PathBuf,
    write_options: WriteOptions,
    poisoned: Mutex<Option<String>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the state under `path` with these stores, creating what is missing. `memory` bounds block cache and write
    /// buffers together.
    pub(crate) fn open(path: &Path, stores: &[String], memory: usize, durability: StateDurability) -> Result<Store, StateError> {
        let cache = Cache::new_lru_cache(memory);
        let buffers = WriteBufferManager::new_write_buffer_manager_with_cache(memory / 2, false, cache.clone());
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_atomic_flush(true);
        options.set_write_buffer_manager(&buffers);
        options.set_max_background_jobs(2);
        options.set_keep_log_file_num(2);
        options.set_max_open_files(512);
        let mut names = existing(path)?;
        for name in stores.iter().map(String::as_str).chain([OFFSETS]) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        let families = names.into_iter().map(|name| ColumnFamilyDescriptor::new(name, family_options(&cache)));
        let db = Db::open_cf_descriptors(&options, path, families).map_err(|source| open_error(path, source))?;
        let mut write_options = WriteOptions::default();
        write_options.disable_wal(durability == StateDurability::Replay);
        Ok(Store { db, path: path.to_owned(), write_options, poisoned: Mutex::new(None) })
    }

    /// The database, for iterators.
    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    pub(crate) fn family(&self, store: &str) -> Result<Arc<BoundColumnFamily<'_>>, StateError> {
        self.db.cf_handle(store).ok_or_else(|| StateError::NoStore { store: store.to_owned() })
    }

    /// Reads one row's bytes into `found`.
    pub(crate) fn get<R>(&self, store: &str, key: &[u8], found: impl FnOnce(&[u8]) -> R) -> Result<Option<R>, StateError> {
        let family = self.family(store)?;
        let value = self.db.get_pinned_cf(&family, key).map_err(|source| self.error("read a row", source))?;
        Ok(value.map(|bytes| found(&bytes)))
    }

    pub(crate) fn offset(&self, store: &str, partition: i32) -> Result<Option<StoredOffset>, StateError> {
        let family = self.family(OFFSETS)?;
        let value = self
            .db
            .get_pinned_cf(&family, offset_key(store, partition))
            .map_err(|source| self.error("read an offset", source))?;
        let Some(bytes) = value else { return Ok(None) };
        let damaged = || StateError::Corrupt { path: self.path.clone(), what: format!("the stored offset of `{store}` has {} bytes", bytes.len()) };
        let (topic, next) = bytes.split_first_chunk::<16>().ok_or_else(damaged)?;
        let next = <[u8; 8]>::try_from(next).map_err(|_| damaged())?;
        Ok(Some(StoredOffset { topic: TopicId::from_bytes(*topic), next: i64::from_be_bytes(next) }))
    }

    /// Adds a store's offset to a batch.
    pub(crate) fn put_offset(&self, batch: &mut WriteBatch, store: &str, partition: i32, offset: StoredOffset) -> Result<(), StateError> {
        let mut value = [0_u8; 24];
        for (slot, byte) in value.iter_mut().zip(offset.topic.as_bytes().iter().chain(&offset.next.to_be_bytes())) {
            *slot = *byte;
        }
        batch.put_cf(&self.family(OFFSETS)?, offset_key(store, partition), value);
        Ok(())
    }

    /// Writes a batch of rows and offsets; after a failure nothing more is written.
    pub(crate) fn write(&self, batch: WriteBatch) -> Result<(), StateError> {
        self.check()?;
        self.db.write_opt(batch, &self.write_options).map_err(|source| self.poison("write rows", source))
    }

    /// Flushes every store, rows and offsets together.
    pub(crate) fn flush(&self, stores: &[String]) -> Result<(), StateError> {
        self.check()?;
        let names = stores.iter().map(String::as_str).chain([OFFSETS]);
        let families = names.map(|name| self.family(name)).collect::<Result<Vec<_>, _>>()?;
        let borrowed: Vec<_> = families.iter().collect();
        self.db
            .flush_cfs_opt(&borrowed, &rocksdb::FlushOptions::default())
            .map_err(|source| self.poison("flush", source))
    }

    /// Removes all rows and offsets of one store, so that its topic is read again from the start.
    pub(crate) fn clear(&self, store: &str) -> Result<(), StateError> {
        let family = self.family(store)?;
        let mut batch = WriteBatch::default();
        batch.delete_range_cf(&family, &[] as &[u8], &[0xff_u8; 16] as &[u8]);
        let mut prefix = store.as_bytes().to_vec();
        prefix.push(0);
        let mut end = store.as_bytes().to_vec();
        end.push(1);
        batch.delete_range_cf(&self.family(OFFSETS)?, prefix, end);
        self.write(batch)
    }

    fn check(&self) -> Result<(), StateError> {
        match self.poisoned.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            None => Ok(()),
            Some(reason) => Err(StateError::PoisonedStore { path: self.path.clone(), reason: reason.clone() }),
        }
    }

    fn poison(&self, action: &'static str, source: rocksdb::Error) -> StateError {
        let reason = format!("it could not {action}: {source}");
        self.poisoned.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
        self.error(action, source)
    }

    pub(crate) fn error(&self, action: &'static str, source: rocksdb::Error) -> StateError {
        if source.kind() == ErrorKind::Corruption {
            return StateError::Corrupt { path: self.path.clone(), what: source.to_string() };
        }
        StateError::Storage { path: self.path.clone(), action, source: Arc::new(source) }
    }

    /// The rows of a partition from a key on, on a snapshot.
    pub(crate) fn rows<'a>(
        &'a self,
        snapshot: &'a Snapshot<'a>,
        store: &str,
        partition: i32,
        from: &[u8],
    ) -> Result<impl Iterator<Item = Result<(Box<[u8]>, Box<[u8]>), StateError>> + 'a, StateError> {
        let family = self.family(store)?;
        let mut start = row_prefix(partition).to_vec();
        start.extend_from_slice(from);
        let mut read = ReadOptions::default();
        if let Some(after) = partition.checked_add(1) {
            read.set_iterate_upper_bound(row_prefix(after).to_vec());
        }
        read.set_readahead_size(MIB);
        let rows = snapshot.iterator_cf_opt(&family, read, IteratorMode::From(&start, rocksdb::Direction::Forward));
        Ok(rows.map(move |row| row.map_err(|source| self.error("scan rows", source))))
    }
}

/// The column families a database has; none where there is no database yet.
fn existing(path: &Path) -> Result<Vec<String>, StateError> {
    if !path.join("CURRENT").exists() {
        return Ok(vec!["default".to_owned()]);
    }
    Db::list_cf(&Options::default(), path).map_err(|source| open_error(path, source))
}

/// A database that is there and cannot be opened is damaged unless the system says otherwise.
fn open_error(path: &Path, source: rocksdb::Error) -> StateError {
    match source.kind() {
        ErrorKind::Corruption | ErrorKind::InvalidArgument | ErrorKind::NotFound | ErrorKind::NotSupported => {
            StateError::Corrupt { path: path.to_owned(), what: source.to_string() }
        }
        ErrorKind::IOError if path.join("CURRENT").exists() && source.to_string().contains("No such file") => {
            StateError::Corrupt { path: path.to_owned(), what: source.to_string() }
        }
        _ => StateError::Storage { path: path.to_owned(), action: "open", source: Arc::new(source) },
    }
}

fn family_options(cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_block_size(16 * 1024);
    table.set_bloom_filter(10.0, false);
    // Index and filter count as memory; partitioned, or one large file's filter would push everything else out.
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    table.set_partition_filters(true);
    table.set_format_version(5);
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_write_buffer_size(16 * MIB);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_level_compaction_dynamic_level_bytes(true);
    options
}

/// The bytes every row key of a partition starts with.
pub(crate) fn row_prefix(partition: i32) -> [u8; 4] {
    partition.to_be_bytes()
}

fn offset_key(store: &str, partition: i32) -> Vec<u8> {
    let mut key = store.as_bytes().to_vec();
    key.push(0);
    key.extend_from_slice(&partition.to_be_bytes());
    key
}
