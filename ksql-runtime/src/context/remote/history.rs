//! When a query is started again: at once where it ran for long, and each time twice as late as the time before where it did not. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// The longest wait between two attempts to start a query again.
const LONGEST: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, Default)]
pub(super) struct History {
    pub(super) query_id: Option<String>,
    /// Attempts to start it again since it last ran for long.
    attempts: u32,
    next: Option<Instant>,
    running_since: Option<Instant>,
    /// All attempts that succeeded.
    pub(super) restarts: u64,
}

impl History {
    pub(super) fn of(query_id: Option<String>) -> History {
        History {
            query_id,
            ..History::default()
        }
    }

    /// The wait behind the last attempt.
    fn wait(&self, every: Duration) -> Duration {
        let doubled = 1_u32
            .checked_shl(self.attempts.saturating_sub(1))
            .unwrap_or(u32::MAX);
        every.saturating_mul(doubled).min(LONGEST)
    }

    pub(super) fn runs(&mut self, query_id: &str, every: Duration, now: Instant) {
        self.query_id = Some(query_id.to_owned());
        let since = *self.running_since.get_or_insert(now);
        // A query that fails again and again is not started more often for running in between.
        if now.saturating_duration_since(since) > self.wait(every) {
            self.attempts = 0;
            self.next = None;
        }
    }

    /// Whether it is time to start it again.
    pub(super) fn may_start(&mut self, every: Duration, now: Instant) -> bool {
        self.running_since = None;
        if self.next.is_some_and(|next| now < next) {
            return false;
        }
        self.attempts = self.attempts.saturating_add(1);
        self.next = Some(now + self.wait(every));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_waits_twice_as_long_as_the_one_before() {
        let every = Duration::from_secs(30);
        let mut history = History::default();
        let mut now = Instant::now();
        for expected in [30, 60, 120, 240, 480, 600, 600] {
            assert!(history.may_start(every, now));
            let almost = now + Duration::from_secs(expected) - Duration::from_millis(1);
            // Running in between does not shorten it.
            history.runs("CSAS_X_1", every, almost);
            assert!(!history.may_start(every, almost));
            now += Duration::from_secs(expected);
        }
    }

    #[test]
    fn a_query_that_ran_for_long_is_started_again_at_once() {
        let every = Duration::from_secs(30);
        let mut history = History::default();
        let mut now = Instant::now();
        for _ in 0..3 {
            assert!(history.may_start(every, now));
            now += LONGEST;
        }
        history.runs("CSAS_X_1", every, now);
        now += history.wait(every) * 2;
        history.runs("CSAS_X_1", every, now);
        assert_eq!(history.attempts, 0);
        assert!(history.may_start(every, now));
        assert_eq!(history.wait(every), every);
    }
}
