//! How long a record waits before its handler sees it again, and how many may in a second.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// The wait between attempts.
///
/// ```
/// use std::time::Duration;
/// use ksql_runtime::consume::Backoff;
///
/// let backoff = Backoff::exponential(Duration::from_millis(100), Duration::from_secs(30)).jitter();
/// # let _ = backoff;
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    factor: u32,
    jitter: bool,
}

impl Default for Backoff {
    /// From 100 ms, doubled each time, to 30 s, with jitter.
    fn default() -> Backoff {
        Backoff::exponential(Duration::from_millis(100), Duration::from_secs(30)).jitter()
    }
}

impl Backoff {
    /// The same wait each time.
    pub fn fixed(wait: Duration) -> Backoff {
        Backoff {
            first: wait,
            longest: wait,
            factor: 1,
            jitter: false,
        }
    }

    /// Doubled each time, from `first` up to `longest`.
    pub fn exponential(first: Duration, longest: Duration) -> Backoff {
        Backoff {
            first,
            longest: longest.max(first),
            factor: 2,
            jitter: false,
        }
    }

    /// Each wait is chosen by chance between half of it and all of it, so that what failed together does not come together.
    #[must_use]
    pub fn jitter(mut self) -> Backoff {
        self.jitter = true;
        self
    }

    /// The wait before attempt number `attempt`; the second is the first that waits.
    pub(super) fn wait(&self, attempt: u32) -> Duration {
        let times = attempt.saturating_sub(2);
        let wait = self
            .factor
            .checked_pow(times)
            .and_then(|factor| self.first.checked_mul(factor))
            .map_or(self.longest, |wait| wait.min(self.longest));
        if !self.jitter {
            return wait;
        }
        // A hasher with keys of its own each time is chance enough to scatter.
        let chance = RandomState::new().hash_one(attempt) % 1024;
        let half = wait / 2;
        half + (half.saturating_mul(chance as u32) / 1024)
    }
}

impl From<Duration> for Backoff {
    fn from(wait: Duration) -> Backoff {
        Backoff::fixed(wait)
    }
}

/// How many retries there may be in a second, of all records of a consumer together. One that is over it waits its turn;
/// nothing is lost by it.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    every: Duration,
    next: Arc<Mutex<Option<Instant>>>,
}

impl Budget {
    /// So many a second, at least one.
    pub(super) fn per_second(retries: u32) -> Budget {
        Budget {
            every: Duration::from_secs(1) / retries.max(1),
            next: Arc::default(),
        }
    }

    /// The moment for a retry that would be due then.
    pub(super) fn at(&self, due: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let at = next.map_or(due, |next| next.max(due));
        *next = Some(at + self.every);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_jitter_stays_between_half_and_all() {
        let backoff = Backoff::exponential(Duration::from_millis(10), Duration::from_millis(60));
        let waits: Vec<u128> = (2..7).map(|at| backoff.wait(at).as_millis()).collect();
        assert_eq!(waits, [10, 20, 40, 60, 60]);
        assert_eq!(backoff.wait(u32::MAX), Duration::from_millis(60));
        let jittered = backoff.jitter();
        for attempt in 2..7 {
            let (wait, most) = (jittered.wait(attempt), backoff.wait(attempt));
            assert!(wait >= most / 2 && wait <= most, "{wait:?} of {most:?}");
        }
    }

    #[test]
    fn a_budget_spreads_retries_that_are_due_together() {
        let budget = Budget::per_second(10);
        let now = Instant::now();
        let at: Vec<Duration> = (0..3).map(|_| budget.at(now) - now).collect();
        let tenth = Duration::from_millis(100);
        assert_eq!(at, [Duration::ZERO, tenth, 2 * tenth]);
        // What comes when all were had goes at once.
        let later = now + Duration::from_secs(5);
        assert_eq!(budget.at(later), later);
    }
}
