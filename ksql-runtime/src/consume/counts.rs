//! What a consumer counts: each lane for itself, so that none waits for another; summed when asked.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// What a consumer has done since it began.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
        }

        /// One lane's.
        #[derive(Debug, Default)]
        pub(super) struct Counts {
            $(pub(super) $name: Counter,)*
        }

        impl Counts {
            pub(super) fn add_to(&self, sum: &mut Counters) {
                $(sum.$name = sum.$name.saturating_add(self.$name.get());)*
            }
        }

        impl Counters {
            /// Name and value of each.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name)),*].into_iter()
            }
        }
    };
}

counters! {
    /// Records whose handler finished them.
    handled,
    /// Records that a filter kept from the handler.
    filtered,
    /// Tombstones that nobody asked for.
    deleted,
    /// Records passed over by a policy or by their handler.
    skipped,
    /// Records that became dead letters.
    dead_lettered,
    /// Attempts after the first.
    retried,
    /// Attempts that ended with an error.
    failed,
    /// Attempts that panicked.
    panicked,
    /// Attempts that took longer than the time-out.
    timed_out,
    /// Records that are none of the entity.
    undecodable,
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self) {
        // One writer, so that a load and a store are enough.
        self.0.store(self.get().wrapping_add(1), Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
