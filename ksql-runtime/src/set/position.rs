//! How far a reader must have come to have seen certain records. Plain data.

use std::collections::BTreeMap;

use super::Added;
use crate::log::{BatchReceipt, Receipt};

/// Per partition the offset behind the last record that counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    offsets: BTreeMap<i32, i64>,
}

impl Position {
    /// The later of both, partition by partition.
    #[must_use]
    pub fn join(mut self, other: Position) -> Position {
        for (partition, offset) in other.offsets {
            self.reach(partition, offset);
        }
        self
    }

    pub(crate) fn reach(&mut self, partition: i32, offset: i64) {
        let known = self.offsets.entry(partition).or_insert(offset);
        *known = (*known).max(offset);
    }

    /// Partitions and offsets.
    pub fn offsets(&self) -> impl Iterator<Item = (i32, i64)> {
        self.offsets
            .iter()
            .map(|(partition, offset)| (*partition, *offset))
    }
}

impl From<&Receipt> for Position {
    fn from(receipt: &Receipt) -> Position {
        let mut position = Position::default();
        position.reach(receipt.partition, receipt.offset.saturating_add(1));
        position
    }
}

impl From<Receipt> for Position {
    fn from(receipt: Receipt) -> Position {
        Position::from(&receipt)
    }
}

impl From<&BatchReceipt> for Position {
    fn from(receipt: &BatchReceipt) -> Position {
        let mut position = Position::default();
        for (partition, offset) in receipt.positions() {
            position.reach(partition, offset);
        }
        position
    }
}

impl From<&Added> for Position {
    fn from(added: &Added) -> Position {
        added.position.clone()
    }
}

impl From<Added> for Position {
    fn from(added: Added) -> Position {
        added.position
    }
}
