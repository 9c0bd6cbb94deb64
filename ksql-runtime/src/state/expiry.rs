//! Windows leave a table some time after their retention: with the next compaction of the files they lie in, as a broker
//! deletes what it kept long enough.
//!
//! Time is stream time: the largest timestamp of what the table has read. Invariant: a row is dropped only where its window ended
//! longer ago than the retention that was stated; where none was, none is. The table's thread says how far time is, RocksDB's ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rocksdb::{CompactionDecision, Options};

/// How often files are looked through at least that nothing else compacts.
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Which windows of a table are over.
#[derive(Debug)]
pub(crate) struct Expiry {
    retention_ms: i64,
    stream: AtomicI64,
}

impl Expiry {
    /// After so long.
    pub(crate) fn new(retention_ms: i64) -> Expiry {
        Expiry {
            retention_ms,
            stream: AtomicI64::new(i64::MIN),
        }
    }

    /// Time has come so far.
    pub(crate) fn saw(&self, timestamp: i64) {
        self.stream.fetch_max(timestamp, Ordering::Relaxed);
    }

    /// Whether the row of a stored key is of no use any more. Such a key ends with the end of its window.
    fn is_over(&self, key: &[u8]) -> bool {
        let Some(mut end) = key.last_chunk::<8>().map(<[u8; 8]>::as_slice) else {
            return false;
        };
        let stream = self.stream.load(Ordering::Relaxed);
        ksql_schema::ordered::read_i64(&mut end)
            .is_ok_and(|end| end.saturating_add(self.retention_ms) < stream)
    }

    /// Has the rows of a store dropped.
    pub(super) fn set(self: &Arc<Expiry>, options: &mut Options) {
        let expiry = Arc::clone(self);
        options.set_compaction_filter(
            "ksql-retention",
            move |_, key: &[u8], _: &[u8]| match expiry.is_over(key) {
                true => CompactionDecision::Remove,
                false => CompactionDecision::Keep,
            },
        );
        let retention = Duration::from_millis(self.retention_ms.unsigned_abs());
        let every = (retention / 2).clamp(SHORTEST, LONGEST);
        options.set_periodic_compaction_seconds(every.as_secs());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(start: i64, end: i64) -> Vec<u8> {
        let mut key = b"\0\0\0\0name".to_vec();
        ksql_schema::ordered::push_i64(start, &mut key);
        ksql_schema::ordered::push_i64(end, &mut key);
        key
    }

    #[test]
    fn a_window_is_over_once_it_ended_longer_ago_than_the_retention_and_time_never_goes_back() {
        let expiry = Expiry::new(100);
        assert!(!expiry.is_over(&key(-20, -10)), "no time was seen");
        expiry.saw(110);
        assert!(!expiry.is_over(&key(0, 10)));
        expiry.saw(111);
        expiry.saw(50);
        assert!(expiry.is_over(&key(0, 10)));
        assert!(!expiry.is_over(&key(0, 11)));
        assert!(expiry.is_over(&key(-20, -10)));
        assert!(!expiry.is_over(b"short"), "no window");
        assert!(!Expiry::new(i64::MAX).is_over(&key(0, 10)));
    }
}
