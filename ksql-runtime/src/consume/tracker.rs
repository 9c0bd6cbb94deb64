//! Which records of a partition are finished: what may be committed.
//!
//! Invariants: everything before the position is finished; it is the lowest offset that is not, else behind the last one
//! delivered, so neither gaps of compaction nor transaction markers hold it up. A tracker belongs to one possession of a
//! partition: after a revoke or a seek there is another, and what settles late settles nothing. No allocation a record
//! once as many were open as ever are together. Any thread.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::bell::Bell;

/// One possession of a partition.
#[derive(Debug)]
pub(super) struct Tracker {
    partition: i32,
    open: Mutex<Open>,
    /// Nothing of it is to be begun any more.
    closed: AtomicBool,
    /// Ends the wait with a record of it.
    over: Notify,
    /// Handlers that see a record of it now.
    running: AtomicUsize,
    /// Bytes of it in memory.
    held: AtomicUsize,
    /// Rung when a handler ends after it was closed, and when bytes are let go of.
    bell: Arc<Bell>,
}

#[derive(Debug, Default)]
struct Open {
    /// The number of the first one in `records`.
    first: u64,
    /// Delivered, from the first unfinished one on: offset, and whether it is finished.
    records: VecDeque<(i64, bool)>,
    /// Behind what was delivered.
    next: i64,
    /// The end of the partition, as of the last fetch.
    end: i64,
}

impl Tracker {
    pub(super) fn new(partition: i32, from: i64, end: i64, bell: &Arc<Bell>) -> Tracker {
        Tracker {
            partition,
            open: Mutex::new(Open {
                next: from,
                end: end.max(from),
                ..Open::default()
            }),
            closed: AtomicBool::new(false),
            over: Notify::new(),
            running: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            bell: Arc::clone(bell),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn partition(&self) -> i32 {
        self.partition
    }

    /// Takes over records, `next` behind them, and says the number of the first.
    pub(super) fn deliver(&self, offsets: impl Iterator<Item = i64>, next: i64, end: i64) -> u64 {
        let mut open = self.lock();
        let number = open.first.wrapping_add(open.records.len() as u64);
        open.records.extend(offsets.map(|offset| (offset, false)));
        open.next = open.next.max(next);
        open.end = open.end.max(end);
        number
    }

    /// The record with this number is finished.
    pub(super) fn finish(&self, number: u64) {
        let mut open = self.lock();
        let at = usize::try_from(number.wrapping_sub(open.first)).unwrap_or(usize::MAX);
        if at == 0 {
            // In order, as it mostly is.
            open.records.pop_front();
            open.first = open.first.wrapping_add(1);
            while open.records.front().is_some_and(|(_, finished)| *finished) {
                open.records.pop_front();
                open.first = open.first.wrapping_add(1);
            }
        } else if let Some((_, finished)) = open.records.get_mut(at) {
            *finished = true;
        }
    }

    /// Everything before it is finished.
    pub(super) fn position(&self) -> i64 {
        let open = self.lock();
        open.records
            .front()
            .map_or(open.next, |(offset, _)| *offset)
    }

    /// Records not finished yet, and how many lie behind what was delivered.
    pub(super) fn counts(&self) -> (usize, i64, i64) {
        let open = self.lock();
        let unfinished = open.records.iter().filter(|(_, finished)| !finished);
        (unfinished.count(), open.next, open.end)
    }

    /// Offsets not finished.
    #[cfg(test)]
    fn unfinished(&self) -> Vec<i64> {
        let open = self.lock();
        let unfinished = open.records.iter().filter(|(_, finished)| !finished);
        unfinished.map(|(offset, _)| *offset).collect()
    }

    /// Begins with a record, unless the partition was given back.
    pub(super) fn begin(&self) -> bool {
        self.running.fetch_add(1, Ordering::SeqCst);
        if self.closed.load(Ordering::SeqCst) {
            self.end();
            return false;
        }
        true
    }

    /// Ends with it, finished or not.
    pub(super) fn end(&self) {
        let left = self.running.fetch_sub(1, Ordering::SeqCst);
        if left == 1 && self.closed.load(Ordering::SeqCst) {
            self.bell.event.raise();
        }
    }

    /// From now on nothing of it begins.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.bell.closed();
        self.over.notify_waiters();
    }

    /// Comes back once it is closed.
    pub(super) async fn closed(&self) {
        let mut over = std::pin::pin!(self.over.notified());
        // Heard from here on, and not only from when it is waited for.
        over.as_mut().enable();
        if !self.is_closed() {
            over.await;
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Whether no handler sees a record of it.
    pub(super) fn is_quiet(&self) -> bool {
        self.running.load(Ordering::SeqCst) == 0
    }

    /// Bytes of it that are in memory.
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Acquire)
    }

    pub(super) fn hold(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::AcqRel);
    }

    pub(super) fn let_go(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::AcqRel);
        self.bell.freed();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_position_is_the_lowest_unfinished_offset_in_whatever_order_records_finish(
            gaps in proptest::collection::vec(1_i64..4, 1..60),
            order in any::<u64>(),
            behind in 0_i64..3,
        ) {
            let bell = Arc::new(Bell::default());
            let tracker = Tracker::new(0, 10, 10, &bell);
            let mut at = 9;
            let offsets: Vec<i64> = gaps.iter().map(|gap| { at += gap; at }).collect();
            let next = at + 1 + behind;
            let half = offsets.len() / 2;
            let (early, late) = offsets.split_at(half);
            let first = tracker.deliver(early.iter().copied(), late.first().copied().unwrap_or(next), next);
            let second = tracker.deliver(late.iter().copied(), next, next);
            prop_assert_eq!(second, first + half as u64);
            let mut left: Vec<usize> = (0..offsets.len()).collect();
            let mut chance = order;
            while !left.is_empty() {
                chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let one = left.remove(usize::try_from(chance >> 33).unwrap_or(0) % left.len());
                tracker.finish(first + one as u64);
                let lowest = left.iter().filter_map(|one| offsets.get(*one)).min().copied();
                prop_assert_eq!(tracker.position(), lowest.unwrap_or(next));
                prop_assert_eq!(tracker.unfinished().len(), left.len());
            }
        }
    }

    #[test]
    fn nothing_begins_after_a_partition_was_given_back() {
        let bell = Arc::new(Bell::default());
        let tracker = Tracker::new(0, 0, 0, &bell);
        assert!(tracker.begin());
        tracker.close();
        assert!(!tracker.is_quiet());
        assert!(!tracker.begin());
        tracker.end();
        assert!(tracker.is_quiet());
    }
}
