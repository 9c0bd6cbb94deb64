//! Reads and writes that fail because a test asked for it, as they would on a broken disk: how programs are tested against the
//! loss of their log. Asked by every reader before it looks, on its own thread, and by every producer before its records wait
//! for the writer; off unless a test turns it on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::log::error::LogError;

/// How many reads or writes still fail.
#[derive(Debug, Default)]
pub(super) struct Faults(AtomicU32);

impl Faults {
    /// The next so many fail; says how many of those asked for before are left.
    pub(super) fn ask(&self, times: u32) -> u32 {
        self.0.swap(times, Ordering::AcqRel)
    }

    /// Fails where that was asked for. `action` is what could not be done, as in [`LogError::Storage`].
    pub(super) fn next(&self, action: &'static str) -> Result<(), LogError> {
        let left = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
                left.checked_sub(1)
            });
        match left {
            Err(_) => Ok(()),
            Ok(_) => Err(LogError::Storage {
                action,
                source: Arc::new(std::io::Error::other("a fault that was asked for")),
            }),
        }
    }
}
