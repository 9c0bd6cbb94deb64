//! Rows kept in memory in front of a store.
//!
//! Invariant: after a write is published no reader finds the row before it here. A reader that misses reads the store and
//! keeps the row while it holds the key's lock; the binding forgets the key under the same lock after it wrote and before
//! it publishes. So a row read before the write is forgotten, and one read after it is new.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use quick_cache::sync::Cache;

const LOCKS: usize = 64;

/// Encoded rows by stored key; as many as asked for.
#[derive(Debug)]
pub(crate) struct RowCache {
    rows: Cache<Box<[u8]>, Option<std::sync::Arc<[u8]>>>,
    locks: Vec<Mutex<()>>,
    hasher: RandomState,
}

impl RowCache {
    /// A cache of this many rows; absent rows count too.
    pub(crate) fn new(rows: usize) -> RowCache {
        RowCache {
            rows: Cache::new(rows),
            locks: std::iter::repeat_with(Mutex::default).take(LOCKS).collect(),
            hasher: RandomState::new(),
        }
    }

    fn locked<R>(&self, key: &[u8], work: impl FnOnce() -> R) -> R {
        let index = (self.hasher.hash_one(key) as usize) % LOCKS;
        let _guard = self
            .locks
            .get(index)
            .map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner));
        work()
    }

    /// The row of a key, read with `read` where it is not known.
    pub(crate) fn get<E>(
        &self,
        key: &[u8],
        read: impl FnOnce() -> Result<Option<std::sync::Arc<[u8]>>, E>,
    ) -> Result<Option<std::sync::Arc<[u8]>>, E> {
        if let Some(row) = self.rows.get(key) {
            return Ok(row);
        }
        self.locked(key, || {
            let row = read()?;
            self.rows.insert(key.into(), row.clone());
            Ok(row)
        })
    }

    /// How many rows there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Forgets a key that was written.
    pub(crate) fn forget(&self, key: &[u8]) {
        self.locked(key, || drop(self.rows.remove(key)));
    }

    /// Forgets all keys, when all rows were removed. Whoever still reads an old row keeps it before this, or not at all.
    pub(crate) fn clear(&self) {
        let _guards: Vec<_> = self
            .locks
            .iter()
            .map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner))
            .collect();
        self.rows.clear();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::RowCache;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn a_row_read_after_its_write_was_published_is_never_older() {
        let cache = RowCache::new(16);
        let (stored, published) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while published.load(Ordering::SeqCst) < 20_000 {
                        let least = published.load(Ordering::SeqCst);
                        let read = || {
                            Ok::<_, ()>(Some(Arc::from(
                                stored.load(Ordering::SeqCst).to_be_bytes().as_slice(),
                            )))
                        };
                        let row = cache.get(b"key", read).unwrap().unwrap();
                        let row = u64::from_be_bytes(row.as_ref().try_into().unwrap());
                        assert!(row >= least, "{row} was read after {least} was published");
                    }
                });
            }
            for n in 1..=20_000 {
                stored.store(n, Ordering::SeqCst);
                cache.forget(b"key");
                published.store(n, Ordering::SeqCst);
            }
        });
    }
}
