//! What a binding does with what it reads: fills a table's rows, or drives a query.
//!
//! Invariant: what was taken and not written is forgotten on an error and taken again, so whoever works keeps nothing of it
//! elsewhere. Belongs to a binding's thread.

use std::sync::Arc;
use std::time::Duration;

use super::gathered::Gathered;
use super::record::{Decoder, Maker};
use super::{StateError, Table, Topics};
use crate::entity::Entity;
use crate::log::{Fetched, Log};
use crate::registry::Registry;

/// What is done with what a binding reads.
pub(crate) trait Work {
    /// Forgets what was taken and not written: it comes again.
    fn forget(&mut self) -> Result<(), StateError>;

    /// Asks again for what the last attempt ended for want of.
    fn ask_again(&mut self) -> Result<(), StateError>;

    /// Whether something is done before it goes on where the positions are.
    fn resumes(&self) -> bool {
        false
    }

    /// Ends what was begun and not ended before a kill or an error. Positions may be written.
    fn resume(&mut self, log: &Log, topics: &Topics) -> Result<(), StateError> {
        let _ = (log, topics);
        Ok(())
    }

    /// Whether more of the partition with this number is wanted now.
    fn wants(&self, _partition: i32) -> bool {
        true
    }

    /// How many bytes of a partition are wanted at once.
    fn portion(&self) -> usize {
        usize::MAX
    }

    /// How long a poll may wait. What is gathered is not waited upon.
    fn patience(&self) -> Duration {
        if self.is_empty() {
            Duration::MAX
        } else {
            Duration::ZERO
        }
    }

    /// Takes what was fetched, or goes on without where nothing was; says whether there may be more to take at once.
    fn take(&mut self, fetched: Option<Fetched>) -> Result<bool, StateError>;

    /// Whether nothing waits to be written.
    fn is_empty(&self) -> bool;

    /// Whether it is time to write, while the target was not reached or is; `more` says that there may be more to read.
    fn is_due(&self, more: bool, restoring: bool) -> bool;

    /// Writes what was taken with the offsets it covers, and publishes the positions.
    fn write(&mut self, topics: &Topics) -> Result<(), StateError>;

    /// The target was reached.
    fn restored(&mut self) {}
}

/// Filling a table: records become rows.
#[derive(Debug)]
pub(super) struct Filling<T> {
    table: Arc<Table>,
    maker: Maker<T>,
    gathered: Gathered,
}

impl<T: Entity> Filling<T> {
    pub(super) fn new(
        table: &Arc<Table>,
        registry: Registry,
        runtime: tokio::runtime::Handle,
    ) -> Filling<T> {
        Filling {
            table: Arc::clone(table),
            maker: Maker::new(table, Decoder::new(table, registry, runtime)),
            gathered: Gathered::new(table.settings.gather_bytes),
        }
    }
}

impl<T: Entity> Work for Filling<T> {
    fn forget(&mut self) -> Result<(), StateError> {
        self.gathered.clear();
        Ok(())
    }

    fn ask_again(&mut self) -> Result<(), StateError> {
        self.maker.ask_again()
    }

    fn take(&mut self, fetched: Option<Fetched>) -> Result<bool, StateError> {
        let Some(fetched) = fetched else {
            return Ok(false);
        };
        let mut latest = i64::MIN;
        for record in &fetched {
            latest = latest.max(record.timestamp);
            self.maker
                .row(fetched.partition(), &record, &mut self.gathered)?;
        }
        if let Some(expiry) = &self.table.settings.expiry {
            expiry.saw(latest);
        }
        self.gathered.progress.took(&fetched);
        Ok(true)
    }

    fn is_empty(&self) -> bool {
        self.gathered.is_empty()
    }

    fn is_due(&self, more: bool, restoring: bool) -> bool {
        !more || !restoring || self.gathered.is_full()
    }

    fn write(&mut self, topics: &Topics) -> Result<(), StateError> {
        self.gathered.write(&self.table, topics)
    }

    fn restored(&mut self) {
        self.gathered.shrink();
    }
}
