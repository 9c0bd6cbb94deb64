//! How large the stores are, and how long their writes took: asked of RocksDB when somebody looks.
//!
//! Invariant: a look costs no read of rows; what is counted is counted once a batch.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::StateError;
use super::store::{Store, family};

/// One store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) store: String,
    /// Bytes in files.
    pub(crate) disk: u64,
    /// Bytes of rows not flushed yet.
    pub(crate) memory: u64,
    /// Rows, as RocksDB estimates them.
    pub(crate) rows: u64,
}

/// How often something was done, and how long it took altogether.
#[derive(Debug, Default)]
pub(crate) struct Timed {
    times: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Timed {
    /// It was done, having begun then.
    pub(super) fn since(&self, began: Instant) {
        let spent = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.times.fetch_add(1, Ordering::Relaxed);
        self.nanoseconds.fetch_add(spent, Ordering::Relaxed);
    }

    /// How often.
    pub(crate) fn times(&self) -> u64 {
        self.times.load(Ordering::Relaxed)
    }

    /// How long.
    pub(crate) fn spent(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed))
    }
}

impl Store {
    /// The sizes of these stores.
    pub(crate) fn sizes(&self, stores: &[String]) -> Result<Vec<Size>, StateError> {
        self.with(|db| {
            stores
                .iter()
                .map(|store| {
                    let family = family(db, store)?;
                    let property = |name: &str| {
                        let value = db.property_int_value_cf(&family, name);
                        value
                            .map(Option::unwrap_or_default)
                            .map_err(|source| self.error("tell the size of a store", source))
                    };
                    Ok(Size {
                        store: store.clone(),
                        disk: property("rocksdb.total-sst-files-size")?,
                        memory: property("rocksdb.cur-size-all-mem-tables")?,
                        rows: property("rocksdb.estimate-num-keys")?,
                    })
                })
                .collect()
        })
    }

    /// How long RocksDB has made writers wait, for compactions that do not keep up.
    pub(crate) fn stalled(&self) -> Result<Duration, StateError> {
        self.with(|db| {
            let text = db
                .property_value("rocksdb.dbstats")
                .map_err(|source| self.error("tell how long writes stalled", source))?;
            Ok(text.as_deref().and_then(stall).unwrap_or_default())
        })
    }
}

/// The sum in a line like `Cumulative stall: 00:01:2.500 H:M:S, 0.4 percent`.
fn stall(text: &str) -> Option<Duration> {
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Cumulative stall:"))?;
    let mut seconds = 0.0;
    for part in line.split_whitespace().next()?.split(':') {
        seconds = seconds * 60.0 + part.parse::<f64>().ok()?;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::state::{StateDurability, StoreOptions};

    #[test]
    fn the_time_writers_waited_is_read_from_what_this_rocksdb_prints() {
        let text = "** DB Stats **\nCumulative writes: 1\nCumulative stall: 00:01:2.500 H:M:S, 0.4 percent\n";
        assert_eq!(stall(text), Some(Duration::from_millis(62_500)));
        assert_eq!(stall("Interval stall: 00:01:2.500 H:M:S"), None);
        let directory = tempfile::tempdir().unwrap();
        let db = rocksdb::DB::open_default(directory.path()).unwrap();
        let printed = db.property_value("rocksdb.dbstats").unwrap().unwrap();
        assert_eq!(stall(&printed), Some(Duration::ZERO), "{printed}");
    }

    #[test]
    fn a_store_grows_by_what_is_written_and_moves_to_disk_by_a_flush() {
        let directory = tempfile::tempdir().unwrap();
        let options = StoreOptions {
            path: directory.path().join("state"),
            memory: 32 * 1024 * 1024,
            durability: StateDurability::Replay,
            rebuild_on_corruption: false,
            expiring: Default::default(),
        };
        let names = ["A_Store".to_owned()];
        let store = Store::open(&options, &names).unwrap();
        store
            .write(
                "A_Store",
                |batch, family| {
                    for n in 0..1_000_u32 {
                        batch.put_cf(family, n.to_be_bytes(), [7; 100]);
                    }
                },
                [],
            )
            .unwrap();
        let before = store.sizes(&names).unwrap().pop().unwrap();
        assert_eq!((before.rows, before.disk), (1_000, 0));
        assert!(before.memory > 100_000, "{before:?}");
        store.flush(&names).unwrap();
        let after = store.sizes(&names).unwrap().pop().unwrap();
        assert_eq!(after.rows, 1_000);
        assert!(after.disk > 0 && after.memory < before.memory, "{after:?}");
        assert_eq!((store.writes.times(), store.flushes.times()), (1, 1));
        assert!(!store.flushes.spent().is_zero());
        assert_eq!(store.stalled().unwrap(), Duration::ZERO);
        store.close();
        assert!(store.sizes(&names).is_err());
    }
}
