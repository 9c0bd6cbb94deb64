//! The time. The only place where the wall clock is read; everything else is given a [`Clock`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of time, in milliseconds since 1970, UTC. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Clock(Source);

#[derive(Debug, Clone, Default)]
enum Source {
    #[default]
    Wall,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn wall() -> Clock {
        Clock(Source::Wall)
    }

    /// A clock that stands still until it is moved: for tests.
    ///
    /// ```
    /// let clock = ksql_runtime::clock::Clock::manual(1_000);
    /// clock.advance(500);
    /// assert_eq!(clock.now_ms(), 1_500);
    /// ```
    pub fn manual(now_ms: i64) -> Clock {
        Clock(Source::Manual(Arc::new(AtomicI64::new(now_ms))))
    }

    /// What time it is.
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Source::Wall => {
                let since = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            }
            Source::Manual(now) => now.load(Ordering::Acquire),
        }
    }

    /// Moves a manual clock; the machine's clock cannot be moved.
    pub fn advance(&self, millis: i64) {
        if let Source::Manual(now) = &self.0 {
            now.fetch_add(millis, Ordering::AcqRel);
        }
    }
}
