//! How lanes reach the thread that reads for them: it waits either for records or for handlers.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::log::{Event, ReaderWaker};

/// Rung by lanes, heard by the reading thread.
#[derive(Debug, Default)]
pub(super) struct Bell {
    /// What it waits for when it waits for handlers.
    pub(super) event: Event,
    /// Ends its wait for records.
    waker: OnceLock<ReaderWaker>,
    /// Whether it reads less than it could, for want of room.
    starved: AtomicBool,
    /// Partitions given back, lost, or left by a seek.
    closings: AtomicU64,
}

impl Bell {
    /// What ends a wait for records.
    pub(super) fn wakes(&self, waker: ReaderWaker) {
        // Set once, by the one thread that reads.
        let _ = self.waker.set(waker);
    }

    /// Ends whichever wait is going on.
    pub(super) fn ring(&self) {
        self.event.raise();
        if let Some(waker) = self.waker.get() {
            waker.wake();
        }
    }

    /// Says that there is no room; asked before the room is looked at.
    pub(super) fn starve(&self, starved: bool) {
        self.starved.store(starved, Ordering::SeqCst);
    }

    /// There is more room than before.
    pub(super) fn freed(&self) {
        if self.starved.swap(false, Ordering::SeqCst) {
            self.ring();
        }
    }

    /// A partition is not held any more.
    pub(super) fn closed(&self) {
        self.closings.fetch_add(1, Ordering::SeqCst);
    }

    /// How many there were: while it stays the same, whatever was held is.
    pub(super) fn closings(&self) -> u64 {
        self.closings.load(Ordering::SeqCst)
    }
}
