//! The RocksDB of a log: opened, held with the directory's lock, closed while readers still know it.
//!
//! Invariant: the database is open exactly as long as the directory is locked. Every use goes through [`Store::with`],
//! which fails once the log is closed; so a reader left over keeps nothing open.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use rocksdb::{
    BlockBasedOptions, BoundColumnFamily, Cache, ColumnFamilyDescriptor, DB, DBCompressionType,
    DBRecoveryMode, ErrorKind, Options,
};

use super::layout::{FORMAT, FORMAT_KEY, LOG, META};
use super::options::Shares;
use crate::directory::DirectoryLock;
use crate::log::error::LogError;
use crate::rocks;

/// The folder of RocksDB's files inside the log's directory.
const DATA: &str = "data";

/// The open database, or nothing after it was closed.
#[derive(Debug)]
pub(super) struct Store(RwLock<Option<Opened>>);

/// Fields are dropped in order: the directory is free only when the database is closed.
#[derive(Debug)]
struct Opened {
    db: DB,
    _lock: DirectoryLock,
}

/// An open database with its column families at hand.
pub(super) struct Families<'a> {
    pub(super) db: &'a DB,
    pub(super) log: Arc<BoundColumnFamily<'a>>,
    pub(super) meta: Arc<BoundColumnFamily<'a>>,
}

impl Store {
    /// Locks the directory and opens or creates the database in it.
    pub(super) fn open(directory: &Path, shares: Shares) -> Result<Store, LogError> {
        let lock = DirectoryLock::acquire(directory)?;
        let data = directory.join(DATA);
        let damaged = |what: String| LogError::Corrupt {
            path: directory.to_path_buf(),
            what,
            source: None,
        };
        let exists = check_current(&data).map_err(damaged)?;
        if let Some(what) = rocks::damage(&data) {
            return Err(damaged(what));
        }
        let families = [
            ColumnFamilyDescriptor::new(META, meta_options()),
            ColumnFamilyDescriptor::new(LOG, log_options(shares)),
        ];
        let db =
            DB::open_cf_descriptors(&db_options(shares), &data, families).map_err(|error| {
                match error.kind() {
                    ErrorKind::Corruption => {
                        corrupt(directory, "its files do not fit together", error)
                    }
                    ErrorKind::InvalidArgument if exists => {
                        corrupt(directory, "its files are not those of a log", error)
                    }
                    _ => LogError::Storage {
                        action: "be opened",
                        source: Arc::new(error),
                    },
                }
            })?;
        let store = Store(RwLock::new(Some(Opened { db, _lock: lock })));
        store.check_format(directory)?;
        Ok(store)
    }

    fn check_format(&self, directory: &Path) -> Result<(), LogError> {
        self.with(|families| {
            let stored = families
                .db
                .get_cf(&families.meta, FORMAT_KEY)
                .map_err(|error| read_error(directory, error))?;
            match stored.as_deref() {
                Some(bytes) if bytes == FORMAT.to_le_bytes() => Ok(()),
                Some(_) => Err(LogError::Corrupt {
                    path: directory.to_path_buf(),
                    what:
                        "it was written in another format; open it with the version that wrote it"
                            .to_owned(),
                    source: None,
                }),
                None => families
                    .db
                    .put_cf(&families.meta, FORMAT_KEY, FORMAT.to_le_bytes())
                    .map_err(|error| LogError::Storage {
                        action: "be created",
                        source: Arc::new(error),
                    }),
            }
        })
    }

    /// Works on the open database.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Families<'_>) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        let guard = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let db = &guard.as_ref().ok_or(LogError::Closed)?.db;
        let (log, meta) = db
            .cf_handle(LOG)
            .zip(db.cf_handle(META))
            .ok_or(LogError::Closed)?;
        work(&Families { db, log, meta })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none()
    }

    /// Closes the database and lets go of the directory. Waits for uses going on.
    pub(super) fn close(&self) {
        drop(
            self.0
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
    }
}

/// An error of a read that concerns the log as a whole.
pub(super) fn read_error(directory: &Path, error: rocksdb::Error) -> LogError {
    match error.kind() {
        ErrorKind::Corruption => corrupt(directory, "a file cannot be read", error),
        _ => LogError::Storage {
            action: "be read",
            source: Arc::new(error),
        },
    }
}

fn corrupt(directory: &Path, what: &str, error: rocksdb::Error) -> LogError {
    LogError::Corrupt {
        path: directory.to_path_buf(),
        what: what.to_owned(),
        source: Some(Arc::new(error)),
    }
}

/// Whether there is a database, or what is wrong with the file that names its manifest. RocksDB would take a folder
/// whose `CURRENT` is missing for an empty one and begin anew over the old files.
fn check_current(data: &Path) -> Result<bool, String> {
    let current = data.join("CURRENT");
    let text = match std::fs::read(&current) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let holds_data = std::fs::read_dir(data)
                .into_iter()
                .flatten()
                .flatten()
                .any(|entry| {
                    let name = entry.file_name();
                    let name = name.to_string_lossy();
                    name.ends_with(".sst") || name.ends_with(".log") && name != "LOG"
                });
            return if holds_data {
                Err("the file CURRENT is missing".to_owned())
            } else {
                Ok(false)
            };
        }
        Err(error) => return Err(format!("the file CURRENT cannot be read ({error})")),
    };
    match text.strip_suffix('\n') {
        Some(name) if name.starts_with("MANIFEST-") && !name.contains('/') => {
            if data.join(name).is_file() {
                Ok(true)
            } else {
                Err(format!("the file {name} is missing"))
            }
        }
        _ => Err("the file CURRENT names no manifest".to_owned()),
    }
}

fn db_options(shares: Shares) -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    // A record cut off at the end was never acknowledged; anything else that does not fit is damage and is reported.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_paranoid_checks(true);
    options.set_max_background_jobs(2);
    options.set_db_write_buffer_size(shares.unflushed);
    options.set_max_total_wal_size((shares.unflushed as u64 * 2).max(32 * 1024 * 1024));
    options.set_bytes_per_sync(1024 * 1024);
    options.set_keep_log_file_num(2);
    options.set_stats_dump_period_sec(0);
    options
}

fn meta_options() -> Options {
    let mut options = Options::default();
    options.set_write_buffer_size(2 * 1024 * 1024);
    options
}

fn log_options(shares: Shares) -> Options {
    let mut table = BlockBasedOptions::default();
    // Batches are read in order and once; large blocks compress better and there is nothing to look up by chance.
    table.set_block_size(64 * 1024);
    table.set_block_cache(&Cache::new_lru_cache(shares.cache));
    table.set_cache_index_and_filter_blocks(true);
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_write_buffer_size(shares.unflushed / 2);
    options.set_max_write_buffer_number(3);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_target_file_size_base(64 * 1024 * 1024);
    options.set_max_bytes_for_level_base(512 * 1024 * 1024);
    options
}
