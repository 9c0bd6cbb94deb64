//! How far time has come in each partition of a join of streams.
//!
//! Invariant: a clock never goes back; it stands in the store with what was taken, under [`store::CLOCK`]. Belongs to a query's
//! thread.

use std::sync::Arc;

use rocksdb::{BoundColumnFamily, WriteBatch};

use super::super::store::{self, QueryStore};
use crate::state::StateError;

/// No time was seen.
const NEVER: i64 = i64::MIN;

/// The clocks of a query.
#[derive(Debug)]
pub(super) struct Clocks {
    partitions: usize,
    of: Vec<Clock>,
}

/// Where time stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub(super) time: i64,
    /// Nothing goes out alone before.
    pub(super) alone: i64,
    /// What is over before is forgotten.
    pub(super) expired: i64,
    moved: bool,
}

impl Clock {
    /// Time goes on to this, where it is later.
    pub(super) fn advance(&mut self, time: i64) -> i64 {
        if time > self.time {
            (self.time, self.moved) = (time, true);
        }
        self.time
    }
}

impl Clocks {
    /// Of so many joins and partitions.
    pub(super) fn new(nodes: usize, partitions: u32) -> Clocks {
        let partitions = partitions as usize;
        let clock = Clock {
            time: NEVER,
            alone: NEVER,
            expired: NEVER,
            moved: false,
        };
        Clocks {
            partitions,
            of: vec![clock; nodes.saturating_mul(partitions)],
        }
    }

    /// The clock of a join in a partition.
    pub(super) fn get(&mut self, node: usize, partition: i32) -> Option<&mut Clock> {
        let partition = usize::try_from(partition).ok()?;
        let index = node
            .saturating_mul(self.partitions)
            .saturating_add(partition);
        self.of.get_mut(index)
    }

    /// The latest time of a join in any partition.
    pub(super) fn latest(&self, node: usize) -> i64 {
        let first = node.saturating_mul(self.partitions);
        let of_node = self.of.iter().skip(first).take(self.partitions);
        of_node.map(|clock| clock.time).max().unwrap_or(NEVER)
    }

    /// Each as it is stored.
    pub(super) fn forget(&mut self, store: &QueryStore) -> Result<(), StateError> {
        let partitions = self.partitions;
        for (index, clock) in self.of.iter_mut().enumerate() {
            let stored = store.time_under(&key(index, partitions))?;
            *clock = Clock {
                time: stored.unwrap_or(NEVER),
                alone: NEVER,
                expired: NEVER,
                moved: false,
            };
        }
        Ok(())
    }

    /// Puts those that moved into a batch.
    pub(super) fn store(&self, batch: &mut WriteBatch, family: &Arc<BoundColumnFamily<'_>>) {
        for (index, clock) in self.of.iter().enumerate().filter(|(_, clock)| clock.moved) {
            batch.put_cf(
                family,
                key(index, self.partitions),
                clock.time.to_be_bytes(),
            );
        }
    }

    /// The batch is written.
    pub(super) fn wrote(&mut self) {
        self.of.iter_mut().for_each(|clock| clock.moved = false);
    }
}

fn key(index: usize, partitions: usize) -> [u8; 6] {
    let node = index.checked_div(partitions).unwrap_or_default();
    let partition = index.checked_rem(partitions).unwrap_or_default();
    let [a, b, c, d] = u32::try_from(partition).unwrap_or(u32::MAX).to_be_bytes();
    [
        store::CLOCK,
        u8::try_from(node).unwrap_or(u8::MAX),
        a,
        b,
        c,
        d,
    ]
}
