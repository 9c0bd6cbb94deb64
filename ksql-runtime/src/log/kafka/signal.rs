//! What a reading waits for: an event in its consumer's queue, or somebody who wakes it.
//!
//! Raised by any thread, waited for by the one that reads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::log::event::Event;
use crate::log::reader::ReaderWaker;

/// Something happened: an event, or a wake.
#[derive(Debug, Default)]
pub(super) struct Signal {
    event: Event,
    woken: AtomicBool,
    /// Of who waits for other topics too.
    follower: OnceLock<Arc<Event>>,
}

impl Signal {
    pub(super) fn raise(&self) {
        self.event.raise();
        if let Some(follower) = self.follower.get() {
            follower.raise();
        }
    }

    /// Raises this event too.
    pub(super) fn tell(&self, event: &Arc<Event>) {
        // Told once, by who made the reader.
        let _ = self.follower.set(Arc::clone(event));
        // What came before is there already.
        event.raise();
    }

    /// Waits until it was raised since the last wait, or the time is over.
    pub(super) fn wait(&self, longest: Duration) {
        self.event.wait(longest);
        self.event.take_back();
    }

    /// Whether somebody has woken who waits, since this was asked.
    pub(super) fn was_woken(&self) -> bool {
        self.woken.swap(false, Ordering::AcqRel)
    }

    pub(super) fn waker(self: Arc<Signal>) -> ReaderWaker {
        ReaderWaker::new(move || {
            self.woken.store(true, Ordering::Release);
            self.raise();
        })
    }
}
