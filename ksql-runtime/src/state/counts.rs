//! What a table or query counts for whoever operates it: records, restores, outages, its last errors.
//!
//! Invariant: nothing here is touched for each record; the binding's thread adds once a batch, and whoever looks reads.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::State;

/// Errors that are remembered of one table.
const ERRORS: usize = 16;

/// What a binding fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BindingKind {
    /// The rows of an entity.
    Table,
    /// The state of a query, which writes results.
    Query,
}

impl BindingKind {
    /// Its name: `table`, `query`.
    pub fn name(self) -> &'static str {
        match self {
            BindingKind::Table => "table",
            BindingKind::Query => "query",
        }
    }
}

/// An error that a table or query met.
#[derive(Debug, Clone)]
pub(crate) struct Met {
    pub(crate) at: Instant,
    /// What it went into by it.
    pub(crate) state: State,
    pub(crate) text: String,
}

/// What is counted since the start.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    read: AtomicU64,
    unreadable: AtomicU64,
    future: AtomicU64,
    outages: AtomicU64,
    restoring: Mutex<Restoring>,
    met: Mutex<VecDeque<Met>>,
}

/// The time spent restoring.
#[derive(Debug, Default)]
struct Restoring {
    since: Option<Instant>,
    before: Duration,
}

impl Counts {
    /// So many records were taken in.
    pub(super) fn add_read(&self, records: u64) {
        self.read.fetch_add(records, Ordering::Relaxed);
    }

    /// A record that is no row was left out, or its key marked.
    pub(crate) fn add_unreadable(&self) {
        self.unreadable.fetch_add(1, Ordering::Relaxed);
    }

    /// So many rows stamped far ahead of the clock were taken.
    pub(crate) fn add_future(&self, rows: u64) {
        if rows > 0 {
            self.future.fetch_add(rows, Ordering::Relaxed);
        }
    }

    /// Rows stamped far ahead of the clock.
    pub(crate) fn future(&self) -> u64 {
        self.future.load(Ordering::Relaxed)
    }

    /// The state changed.
    pub(crate) fn moved(&self, previous: State, current: State, error: Option<String>) {
        let now = Instant::now();
        let mut restoring = self.restoring();
        if current == State::Rebalancing {
            restoring.since.get_or_insert(now);
        } else if let Some(since) = restoring.since.take() {
            restoring.before += now.saturating_duration_since(since);
        }
        drop(restoring);
        if previous == State::Running && matches!(current, State::Disconnected | State::Error) {
            self.outages.fetch_add(1, Ordering::Relaxed);
        }
        let Some(text) = error.filter(|_| current != State::Running) else {
            return;
        };
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        // An orderly end behind an error says the same again.
        if current == State::NotRunning && met.back().is_some_and(|last| last.text == text) {
            return;
        }
        if met.len() >= ERRORS {
            met.pop_front();
        }
        met.push_back(Met {
            at: now,
            state: current,
            text,
        });
    }

    /// Records taken in.
    pub(crate) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Records that were no rows.
    pub(crate) fn unreadable(&self) -> u64 {
        self.unreadable.load(Ordering::Relaxed)
    }

    /// How often it left RUNNING by an error.
    pub(crate) fn outages(&self) -> u64 {
        self.outages.load(Ordering::Relaxed)
    }

    /// How long it has been restoring, all times together.
    pub(crate) fn restoring_for(&self) -> Duration {
        let restoring = self.restoring();
        let now = restoring.since.map(|since| since.elapsed());
        restoring.before + now.unwrap_or_default()
    }

    /// The last errors, the oldest first.
    pub(crate) fn met(&self) -> Vec<Met> {
        let met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        met.iter().cloned().collect()
    }

    fn restoring(&self) -> std::sync::MutexGuard<'_, Restoring> {
        self.restoring
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn of_many_errors_the_last_are_kept() {
        let counts = Counts::default();
        for n in 0..3 * ERRORS {
            counts.moved(State::Running, State::Disconnected, Some(n.to_string()));
            counts.moved(State::Disconnected, State::Running, None);
        }
        let texts: Vec<String> = counts.met().into_iter().map(|met| met.text).collect();
        let expected: Vec<String> = (2 * ERRORS..3 * ERRORS).map(|n| n.to_string()).collect();
        assert_eq!(texts, expected);
        assert_eq!(counts.outages(), 3 * ERRORS as u64);
    }

    #[test]
    fn time_counts_as_restoring_only_while_it_restores() {
        let counts = Counts::default();
        assert_eq!(counts.restoring_for(), Duration::ZERO);
        counts.moved(State::Created, State::Rebalancing, None);
        while counts.restoring_for().is_zero() {
            std::thread::yield_now();
        }
        counts.moved(State::Rebalancing, State::Running, None);
        let spent = counts.restoring_for();
        assert!(!spent.is_zero());
        assert_eq!(counts.restoring_for(), spent);
    }
}
