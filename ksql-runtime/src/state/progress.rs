//! How far a binding has read: what goes into the batch as offsets, and is published once the batch is written.
//!
//! Belongs to a binding's thread.

use super::Table;
use super::Topics;
use super::status::State;
use super::store::StoredOffset;
use crate::log::{Fetched, TopicId};

/// What was read since the last batch: of each partition, by its number over all topics, where reading goes on, and its end as last seen.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    reached: Vec<(i32, i64, i64)>,
    read: u64,
    /// Of a query that others follow: its journal's topic, and where that is read on.
    pub(crate) journal: Option<(TopicId, i64)>,
}

impl Progress {
    /// Whether nothing was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.reached.is_empty()
    }

    /// Forgets what was read.
    pub(crate) fn clear(&mut self) {
        self.reached.clear();
        self.read = 0;
        self.journal = None;
    }

    /// Counts a record.
    pub(crate) fn count(&mut self) {
        self.read = self.read.saturating_add(1);
    }

    /// Everything of a fetch was taken in.
    pub(crate) fn took(&mut self, fetched: &Fetched) {
        self.reached(
            fetched.partition(),
            fetched.next_offset(),
            fetched.end_offset(),
        );
    }

    /// Everything of a partition before `next` was taken in.
    pub(crate) fn reached(&mut self, partition: i32, next: i64, end: i64) {
        match self
            .reached
            .iter_mut()
            .find(|(known, ..)| *known == partition)
        {
            Some(known) => *known = (partition, next, end),
            None => self.reached.push((partition, next, end)),
        }
    }

    /// Of each partition that was read: its number, and where reading goes on.
    pub(crate) fn places(&self) -> impl Iterator<Item = (i32, i64)> + '_ {
        self.reached
            .iter()
            .map(|(number, next, _)| (*number, *next))
    }

    /// The offsets to be stored.
    pub(crate) fn offsets(&self, topics: &Topics) -> impl Iterator<Item = (i32, StoredOffset)> {
        self.reached.iter().filter_map(move |(number, next, _)| {
            let (topic, _) = topics.place(*number)?;
            let stored = StoredOffset {
                topic: topic.id,
                next: *next,
            };
            Some((*number, stored))
        })
    }

    /// Tells everybody, after the batch is written, and begins anew.
    pub(crate) fn publish(&mut self, table: &Table) {
        table.counts.add_read(self.read);
        table.update(|status| {
            let restoring = status.state == State::Rebalancing;
            for (number, next, end) in &self.reached {
                let known = usize::try_from(*number).ok();
                if let Some(lag) = known.and_then(|number| status.lag.get_mut(number)) {
                    (lag.position, lag.end) = (*next, *end);
                }
            }
            if restoring {
                status.replayed = status.replayed.saturating_add(self.read);
                if status.reached_target() {
                    status.state = State::Running;
                }
            }
        });
        self.clear();
    }
}
