//! The one RocksDB of a context: a column family for each store, and one for the offsets they cover.
//!
//! Invariant: rows and the source offsets they cover go into one write batch, and all column families are flushed
//! together (`atomic_flush`), so that after `kill -9` at any instant the rows equal the topic up to the stored offset.
//! Without `atomic_flush` that is not so: column families flush by themselves, and the offset comes from another moment
//! than the rows. The write-ahead log is off unless asked for: what is lost is read again from the topic.
//!
//! Any thread may read; each store is written by its binding's thread only. A failed write poisons the whole store.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, BoundColumnFamily, Cache, ColumnFamilyDescriptor,
    DBCompressionType, DBWithThreadMode, ErrorKind, MultiThreaded, Options, WriteBatch,
    WriteBufferManager, WriteOptions,
};

use super::{Expiry, StateError, Timed};
use crate::log::TopicId;

pub(crate) type Db = DBWithThreadMode<MultiThreaded>;

const OFFSETS: &str = "offsets";
/// No partition: where the shape of a store's rows stands.
const SHAPE: i32 = -1;
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
///
/// Every use goes through [`Store::with`], which fails once the store is closed; so a read that comes late keeps nothing
/// open.
pub(crate) struct Store {
    db: RwLock<Option<Db>>,
    path: PathBuf,
    write_options: WriteOptions,
    /// With the write-ahead log, whatever was asked for: what a query wrote is not made again in another way.
    logged: WriteOptions,
    poisoned: Mutex<Option<String>>,
    /// Damage that is met leaves a mark, so that the next start rebuilds.
    rebuild: bool,
    written: AtomicBool,
    pub(crate) writes: Timed,
    pub(crate) flushes: Timed,
}

/// How a context's state is opened.
#[derive(Debug, Clone)]
pub(crate) struct StoreOptions {
    pub(crate) path: PathBuf,
    /// Bounds block cache and write buffers together.
    pub(crate) memory: usize,
    pub(crate) durability: StateDurability,
    pub(crate) rebuild_on_corruption: bool,
    /// By its store, which windows of a table leave.
    pub(crate) expiring: HashMap<String, Arc<Expiry>>,
}

/// The file that says that damage was met.
const MARK: &str = "rebuild";

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Store")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the state with these stores, creating what is missing. What is damaged is removed and begun anew if that was
    /// asked for: once, never in a loop.
    pub(crate) fn open(options: &StoreOptions, stores: &[String]) -> Result<Store, StateError> {
        let mark = options.path.join(MARK);
        let met_before = options.rebuild_on_corruption && mark.exists();
        let opened = if met_before {
            Err(StateError::Corrupt {
                path: options.path.clone(),
                what: "damage was met while it was read".to_owned(),
            })
        } else {
            Self::try_open(options, stores)
        };
        match opened {
            Err(StateError::Corrupt { what, .. }) if options.rebuild_on_corruption => {
                tracing::warn!(path = %options.path.display(), error = what, "the state is damaged and is rebuilt from the topics");
                std::fs::remove_dir_all(&options.path).map_err(|source| StateError::Storage {
                    path: options.path.clone(),
                    action: "be removed",
                    source: Arc::new(source),
                })?;
                Self::try_open(options, stores)
            }
            other => other,
        }
    }

    fn try_open(options: &StoreOptions, stores: &[String]) -> Result<Store, StateError> {
        let StoreOptions {
            path,
            memory,
            durability,
            rebuild_on_corruption,
            expiring,
        } = options;
        crate::directory::create(path).map_err(|source| StateError::Storage {
            path: path.clone(),
            action: "be created",
            source: Arc::new(source),
        })?;
        if let Some(what) = crate::rocks::damage(path) {
            return Err(StateError::Corrupt {
                path: path.clone(),
                what,
            });
        }
        let cache = Cache::new_lru_cache(*memory);
        let buffers = WriteBufferManager::new_write_buffer_manager_with_cache(
            memory / 2,
            false,
            cache.clone(),
        );
        let mut db_options = Options::default();
        db_options.create_if_missing(true);
        db_options.create_missing_column_families(true);
        db_options.set_atomic_flush(true);
        db_options.set_write_buffer_manager(&buffers);
        db_options.set_max_background_jobs(2);
        db_options.set_keep_log_file_num(2);
        db_options.set_max_open_files(512);
        db_options.set_stats_dump_period_sec(0);
        let mut names = existing(path)?;
        for name in stores.iter().map(String::as_str).chain([OFFSETS]) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        let buffer = (memory / 8).clamp(MIB, 64 * MIB);
        let families = names.into_iter().map(|name| {
            let mut options = family_options(&cache, buffer);
            if let Some(expiry) = expiring.get(&name) {
                expiry.set(&mut options);
            }
            ColumnFamilyDescriptor::new(name, options)
        });
        let db = Db::open_cf_descriptors(&db_options, path, families)
            .map_err(|source| open_error(path, source))?;
        let mut write_options = WriteOptions::default();
        write_options.disable_wal(*durability == StateDurability::Replay);
        Ok(Store {
            db: RwLock::new(Some(db)),
            path: path.to_owned(),
            write_options,
            logged: WriteOptions::default(),
            poisoned: Mutex::new(None),
            rebuild: *rebuild_on_corruption,
            written: AtomicBool::new(false),
            writes: Timed::default(),
            flushes: Timed::default(),
        })
    }

    /// Works on the open database.
    pub(crate) fn with<R>(
        &self,
        work: impl FnOnce(&Db) -> Result<R, StateError>,
    ) -> Result<R, StateError> {
        let guard = self.db.read().unwrap_or_else(PoisonError::into_inner);
        match guard.as_ref() {
            Some(db) => work(db),
            None => Err(StateError::Closed {
                path: self.path.clone(),
            }),
        }
    }

    /// Closes the database; waits for uses going on.
    pub(crate) fn close(&self) {
        drop(
            self.db
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
    }

    /// Reads one row's bytes.
    pub(crate) fn get<R>(
        &self,
        store: &str,
        key: &[u8],
        found: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>, StateError> {
        self.with(|db| {
            let family = family(db, store)?;
            let value = db
                .get_pinned_cf(&family, key)
                .map_err(|source| self.error("read a row", source))?;
            Ok(value.map(|bytes| found(&bytes)))
        })
    }

    pub(crate) fn offset(
        &self,
        store: &str,
        partition: i32,
    ) -> Result<Option<StoredOffset>, StateError> {
        let value = self.with(|db| {
            let key = offset_key(store, partition);
            db.get_cf(&family(db, OFFSETS)?, key)
                .map_err(|source| self.error("read an offset", source))
        })?;
        let Some(bytes) = value else { return Ok(None) };
        let damaged = || {
            self.corrupt(format!(
                "the stored offset of `{store}` has {} bytes",
                bytes.len()
            ))
        };
        let (topic, next) = bytes.split_first_chunk::<16>().ok_or_else(damaged)?;
        let next = <[u8; 8]>::try_from(next).map_err(|_| damaged())?;
        Ok(Some(StoredOffset {
            topic: TopicId::from_bytes(*topic),
            next: i64::from_be_bytes(next),
        }))
    }

    /// What the rows of a store look like; nothing where there are none yet.
    pub(crate) fn shape(&self, store: &str) -> Result<Option<Vec<u8>>, StateError> {
        self.with(|db| {
            db.get_cf(&family(db, OFFSETS)?, offset_key(store, SHAPE))
                .map_err(|source| self.error("read a shape", source))
        })
    }

    /// Notes what the rows of a store look like.
    pub(crate) fn put_shape(&self, store: &str, shape: u64) -> Result<(), StateError> {
        self.check()?;
        self.with(|db| {
            let mut batch = WriteBatch::default();
            batch.put_cf(
                &family(db, OFFSETS)?,
                offset_key(store, SHAPE),
                shape.to_be_bytes(),
            );
            // Logged, as what a query writes upon it is.
            db.write_opt(batch, &self.logged)
                .map_err(|source| self.poison("note a shape", source))
        })
    }

    /// Writes a batch of rows together with the offsets they cover; after a failure nothing more is written.
    pub(crate) fn write(
        &self,
        store: &str,
        fill: impl FnOnce(&mut WriteBatch, &Arc<BoundColumnFamily<'_>>),
        offsets: impl IntoIterator<Item = (i32, StoredOffset)>,
    ) -> Result<(), StateError> {
        self.write_by(&self.write_options, store, fill, offsets)
    }

    /// The same through the write-ahead log: what is written survives `kill -9` at once.
    pub(crate) fn write_logged(
        &self,
        store: &str,
        fill: impl FnOnce(&mut WriteBatch, &Arc<BoundColumnFamily<'_>>),
        offsets: impl IntoIterator<Item = (i32, StoredOffset)>,
    ) -> Result<(), StateError> {
        self.write_by(&self.logged, store, fill, offsets)
    }

    fn write_by(
        &self,
        options: &WriteOptions,
        store: &str,
        fill: impl FnOnce(&mut WriteBatch, &Arc<BoundColumnFamily<'_>>),
        offsets: impl IntoIterator<Item = (i32, StoredOffset)>,
    ) -> Result<(), StateError> {
        let began = Instant::now();
        let batch = self.pack(store, fill, offsets)?;
        self.write_batch(options, batch, began)
    }

    /// What is to be written of a store, with its offsets, in one batch.
    pub(crate) fn pack(
        &self,
        store: &str,
        fill: impl FnOnce(&mut WriteBatch, &Arc<BoundColumnFamily<'_>>),
        offsets: impl IntoIterator<Item = (i32, StoredOffset)>,
    ) -> Result<WriteBatch, StateError> {
        self.check()?;
        self.with(|db| {
            let mut batch = WriteBatch::default();
            fill(&mut batch, &family(db, store)?);
            let family = family(db, OFFSETS)?;
            for (partition, offset) in offsets {
                let next = offset.next.to_be_bytes();
                let value = [offset.topic.as_bytes().as_slice(), &next].concat();
                batch.put_cf(&family, offset_key(store, partition), value);
            }
            Ok(batch)
        })
    }

    /// Adds to a batch of a store.
    pub(crate) fn pack_more(
        &self,
        store: &str,
        batch: &mut WriteBatch,
        fill: impl FnOnce(&mut WriteBatch, &Arc<BoundColumnFamily<'_>>),
    ) -> Result<(), StateError> {
        self.with(|db| {
            fill(batch, &family(db, store)?);
            Ok(())
        })
    }

    /// Writes a batch, as [`write_logged`](Store::write_logged) does.
    pub(crate) fn write_packed(&self, batch: WriteBatch) -> Result<(), StateError> {
        self.write_batch(&self.logged, batch, Instant::now())
    }

    fn write_batch(
        &self,
        options: &WriteOptions,
        batch: WriteBatch,
        began: Instant,
    ) -> Result<(), StateError> {
        self.check()?;
        self.with(|db| {
            db.write_opt(batch, options)
                .map_err(|source| self.poison("write rows", source))
        })?;
        self.written.store(true, Ordering::Release);
        self.writes.since(began);
        Ok(())
    }

    /// Flushes every store, rows and offsets together; nothing where nothing was written since the last time.
    pub(crate) fn flush(&self, stores: &[String]) -> Result<(), StateError> {
        self.check()?;
        if !self.written.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let began = Instant::now();
        let flushed = self.with(|db| {
            let names = stores.iter().map(String::as_str).chain([OFFSETS]);
            let families = names
                .map(|name| family(db, name))
                .collect::<Result<Vec<_>, _>>()?;
            let borrowed: Vec<_> = families.iter().collect();
            db.flush_cfs_opt(&borrowed, &rocksdb::FlushOptions::default())
                .map_err(|source| self.poison("flush", source))
        });
        self.flushes.since(began);
        flushed
    }

    /// Removes all rows and offsets of one store, so that its topic is read again from the start.
    pub(crate) fn clear(&self, store: &str) -> Result<(), StateError> {
        self.check()?;
        self.with(|db| {
            let mut batch = WriteBatch::default();
            batch.delete_range_cf(&family(db, store)?, &[] as &[u8], &[0xff_u8; 16] as &[u8]);
            let (mut from, mut to) = (store.as_bytes().to_vec(), store.as_bytes().to_vec());
            from.push(0);
            to.push(1);
            batch.delete_range_cf(&family(db, OFFSETS)?, from, to);
            db.write_opt(batch, &self.logged)
                .map_err(|source| self.poison("clear a store", source))
        })
    }

    fn check(&self) -> Result<(), StateError> {
        match self
            .poisoned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
        {
            None => Ok(()),
            Some(reason) => Err(StateError::PoisonedStore {
                path: self.path.clone(),
                reason: reason.clone(),
            }),
        }
    }

    fn poison(&self, action: &'static str, source: rocksdb::Error) -> StateError {
        let reason = format!("it could not {action}: {source}");
        self.poisoned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(reason);
        self.error(action, source)
    }

    pub(crate) fn error(&self, action: &'static str, source: rocksdb::Error) -> StateError {
        // Nothing that is asked for is invalid or unsupported: where RocksDB says so, the file does.
        if !matches!(
            source.kind(),
            ErrorKind::Corruption | ErrorKind::InvalidArgument | ErrorKind::NotSupported
        ) {
            return StateError::Storage {
                path: self.path.clone(),
                action,
                source: Arc::new(source),
            };
        }
        self.corrupt(source.to_string())
    }

    /// Damage that was met; it leaves a mark where a rebuild is asked for.
    pub(crate) fn corrupt(&self, what: String) -> StateError {
        if self.rebuild {
            // If this fails too the damage is met again, and reported again.
            let _ = std::fs::write(self.path.join(MARK), &what);
        }
        StateError::Corrupt {
            path: self.path.clone(),
            what,
        }
    }
}

/// The column family of a store.
pub(crate) fn family<'a>(
    db: &'a Db,
    store: &str,
) -> Result<Arc<BoundColumnFamily<'a>>, StateError> {
    db.cf_handle(store).ok_or_else(|| StateError::NoStore {
        store: store.to_owned(),
    })
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
        ErrorKind::Corruption
        | ErrorKind::InvalidArgument
        | ErrorKind::NotFound
        | ErrorKind::NotSupported => StateError::Corrupt {
            path: path.to_owned(),
            what: source.to_string(),
        },
        ErrorKind::IOError
            if path.join("CURRENT").exists() && source.to_string().contains("No such file") =>
        {
            StateError::Corrupt {
                path: path.to_owned(),
                what: source.to_string(),
            }
        }
        _ => StateError::Storage {
            path: path.to_owned(),
            action: "open",
            source: Arc::new(source),
        },
    }
}

fn family_options(cache: &Cache, buffer: usize) -> Options {
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
    options.set_write_buffer_size(buffer);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_damaged_offset_leaves_the_mark_at_which_the_next_start_rebuilds() {
        let dir = tempfile::tempdir().unwrap();
        let options = StoreOptions {
            path: dir.path().join("state"),
            memory: 8 * MIB,
            durability: StateDurability::Wal,
            rebuild_on_corruption: true,
            expiring: HashMap::new(),
        };
        let stores = ["Stock_Store".to_owned()];
        let store = Store::open(&options, &stores).unwrap();
        store
            .with(|db| {
                let offsets = family(db, OFFSETS)?;
                db.put_cf(&offsets, offset_key("Stock_Store", 0), b"short")
                    .map_err(|source| store.error("write", source))
            })
            .unwrap();
        let error = store.offset("Stock_Store", 0).unwrap_err();
        assert!(matches!(error, StateError::Corrupt { .. }), "{error}");
        drop(store);
        let store = Store::open(&options, &stores).unwrap();
        assert_eq!(store.offset("Stock_Store", 0).unwrap(), None, "begun anew");
    }
}
