//! What several readers wait for together: one event that each of them raises.
//!
//! Invariant: whatever is raised after an event was taken back ends the next wait, so that who takes it back before looking
//! misses nothing. Raised by any thread, waited for by one.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Something happened.
#[derive(Debug, Default)]
pub(crate) struct Event {
    raised: Mutex<bool>,
    some: Condvar,
}

impl Event {
    pub(crate) fn raise(&self) {
        *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.some.notify_all();
    }

    /// Takes back what was raised so far.
    pub(crate) fn take_back(&self) {
        *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    /// Waits until it is raised, or the time is over.
    pub(crate) fn wait(&self, longest: Duration) {
        let raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        drop(
            self.some
                .wait_timeout_while(raised, longest, |raised| !*raised),
        );
    }
}
