//! Reading as a member of a consumer group: the members share the partitions of a topic.
//!
//! A [`GroupReader`] is told which partitions it holds, gives out their records and keeps their offsets for the group.
//! Rebalancing is cooperative: only partitions that move are taken back, and the member that gets one gets it after the
//! one that had it has released it, or is gone.
//!
//! Invariants, whichever log: of a partition that is held the records come in the order of their offsets, without a hole,
//! from where [`Assigned`] said; of one that was taken back none come any more; an offset is kept only for a partition that
//! is held. Belongs to one thread, its waker to any.

use std::time::Duration;

use tokio::runtime::Handle;

use super::Log;
use super::embedded::EmbeddedMember;
use super::error::LogError;
#[cfg(feature = "kafka")]
use super::kafka::KafkaMember;
use super::reader::{Fetched, ReaderWaker};

/// Where a partition begins for which the group has committed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// At the first record still there.
    Earliest,
    /// At its end: only what comes from then on.
    #[default]
    Latest,
    /// At the first record with this timestamp or a later one, milliseconds since 1970 UTC; at the end where there is none.
    Time(i64),
}

/// What happens when the offset to read is not there any more: removed by retention, or cut off with a broker's disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenOffsetGone {
    /// [`LogError::OffsetOutOfRange`]: somebody has to decide.
    #[default]
    Fail,
    /// Reading goes on at the first record still there; what was removed is passed over, with a warning.
    Earliest,
    /// Reading goes on at the end; everything there is passed over, with a warning.
    Latest,
}

impl WhenOffsetGone {
    /// Where to go on, when an offset is not between start and end.
    pub(crate) fn instead(
        self,
        group: &str,
        topic: &str,
        partition: i32,
        offset: i64,
        start: i64,
        end: i64,
    ) -> Result<i64, LogError> {
        let instead = match self {
            WhenOffsetGone::Fail => {
                return Err(LogError::OffsetOutOfRange {
                    topic: topic.to_owned(),
                    partition,
                    offset,
                    start,
                    end,
                });
            }
            WhenOffsetGone::Earliest => start,
            WhenOffsetGone::Latest => end,
        };
        tracing::warn!(
            group,
            topic,
            partition,
            offset,
            start,
            end,
            "the offset is not there any more; reading goes on at {instead}"
        );
        Ok(instead)
    }
}

/// Which group reads which topic, and from where.
///
/// ```
/// use ksql_runtime::log::{Membership, Start, WhenOffsetGone};
///
/// let membership = Membership {
///     group: "billing".to_owned(),
///     topic: "orders".to_owned(),
///     start: Start::Latest,
///     when_offset_gone: WhenOffsetGone::Fail,
/// };
/// assert_eq!(membership.start, Start::default());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The group.
    pub group: String,
    /// The topic.
    pub topic: String,
    /// Where a partition begins for which the group has committed nothing.
    pub start: Start,
    /// What happens when the committed offset, or the one to be read next, is not there any more.
    pub when_offset_gone: WhenOffsetGone,
}

/// What a poll brought.
#[derive(Debug)]
pub enum Polled {
    /// Records of a partition that is held.
    Records(Fetched),
    /// Partitions that are held from now on.
    Assigned(Vec<Assigned>),
    /// The group wants these back. Nothing of them is given out any more: finish, commit, then
    /// [`release`](GroupReader::release). Until that is done other partitions may stand still.
    Revoked(Vec<i32>),
    /// Gone already: the group has given up this member. Commits for them are refused, and there is nothing to release.
    Lost(Vec<i32>),
    /// The time is over, or a waker said so.
    Nothing,
}

/// A partition that is held from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assigned {
    /// The partition.
    pub partition: i32,
    /// The first offset that will be given out, if there is a record of it.
    pub from: i64,
    /// What the group had committed.
    pub committed: Option<i64>,
    /// The offset the next record of the partition will get, as of now.
    pub end: i64,
}

/// Reads the partitions the group gives it. It blocks, so it belongs to a thread of its own. Dropping it leaves the group.
#[derive(Debug)]
pub struct GroupReader(Implementation);

#[derive(Debug)]
enum Implementation {
    Embedded(Box<EmbeddedMember>),
    #[cfg(feature = "kafka")]
    Kafka(Box<KafkaMember>),
}

impl Log {
    /// Joins a group to read a topic, as one of its members. Partitions come with the first polls. Blocks while a cluster
    /// is asked; the runtime drives what the log in this process does asynchronously.
    ///
    /// # Errors
    /// [`LogError::UnknownTopic`], [`LogError::InvalidSetting`] for a group without a name, and whatever keeps a cluster
    /// from being asked.
    pub fn join(&self, membership: &Membership, runtime: &Handle) -> Result<GroupReader, LogError> {
        let Membership { group, topic, .. } = membership;
        // A client would take some of the names no topic can have for expressions that match others.
        if ksql_schema::names::topic_defect(topic).is_some() {
            return Err(LogError::UnknownTopic {
                topic: topic.clone(),
            });
        }
        if group.is_empty() {
            return Err(LogError::InvalidSetting {
                setting: "group".to_owned(),
                defect: "a group has a name".to_owned(),
            });
        }
        let implementation = match self {
            Log::Embedded(log) => {
                Implementation::Embedded(Box::new(log.join(membership, runtime)?))
            }
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => Implementation::Kafka(Box::new(log.join(membership)?)),
        };
        Ok(GroupReader(implementation))
    }

    /// The offset of the first record with this timestamp (milliseconds since 1970 UTC) or a later one. `None` where there
    /// is none.
    ///
    /// # Errors
    /// [`LogError::UnknownTopic`], [`LogError::UnknownPartition`], and whatever keeps the log from being read.
    pub async fn offset_at(
        &self,
        topic: &str,
        partition: i32,
        timestamp_ms: i64,
    ) -> Result<Option<i64>, LogError> {
        match self {
            Log::Embedded(log) => log.offset_at(topic, partition, timestamp_ms).await,
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.offset_at(topic, partition, timestamp_ms).await,
        }
    }
}

impl GroupReader {
    /// What comes next: news of the group before records, records of the wanted partitions in turn. Waits up to `timeout`.
    /// Partitions that are not wanted keep their place; some of their records may be fetched and held until they are.
    ///
    /// # Errors
    /// [`LogError::OffsetOutOfRange`] where [`WhenOffsetGone::Fail`] was chosen: [`seek`](GroupReader::seek) if the
    /// partition is held already, or leave. [`LogError::TopicRecreated`] and [`LogError::UnknownTopic`] when the topic is
    /// not the one that was joined: leave, and join again. After transient errors poll again.
    pub fn poll(
        &mut self,
        timeout: Duration,
        wants: impl Fn(i32) -> bool,
    ) -> Result<Polled, LogError> {
        match &mut self.0 {
            Implementation::Embedded(member) => member.poll(timeout, wants),
            #[cfg(feature = "kafka")]
            Implementation::Kafka(member) => member.poll(timeout, wants),
        }
    }

    /// Gives back partitions that were [revoked](Polled::Revoked): another member gets them. Of others nothing happens.
    ///
    /// # Errors
    /// Where the group cannot be told; release again.
    pub fn release(&mut self, partitions: &[i32]) -> Result<(), LogError> {
        match &mut self.0 {
            Implementation::Embedded(member) => member.release(partitions),
            #[cfg(feature = "kafka")]
            Implementation::Kafka(member) => member.release(partitions),
        }
    }

    /// Keeps the offsets of the next records the group will read, and waits until they are kept. Only for partitions that
    /// are held, or revoked and not released yet.
    ///
    /// # Errors
    /// [`LogError::NotHeld`] for others: their records are another member's now. While the group rebalances the error may
    /// be [transient](LogError::is_transient): poll, then commit again.
    pub fn commit(&mut self, offsets: &[(i32, i64)]) -> Result<(), LogError> {
        match &mut self.0 {
            Implementation::Embedded(member) => member.commit(offsets),
            #[cfg(feature = "kafka")]
            Implementation::Kafka(member) => member.commit(offsets),
        }
    }

    /// Reads a partition that is held from this offset on.
    ///
    /// # Errors
    /// [`LogError::NotHeld`], and [`LogError::OffsetOutOfRange`] for an offset that is not there; the partition is read
    /// from where it was then.
    pub fn seek(&mut self, partition: i32, offset: i64) -> Result<(), LogError> {
        match &mut self.0 {
            Implementation::Embedded(member) => member.seek(partition, offset),
            #[cfg(feature = "kafka")]
            Implementation::Kafka(member) => member.seek(partition, offset),
        }
    }

    /// Of a partition that was [lost](Polled::Lost): this member has finished everything before `position`, and `committed` was
    /// committed last. If the group gives it the partition again and nothing before that was committed meanwhile, it goes on
    /// there, so that nothing finished comes again.
    pub fn has_finished(&mut self, partition: i32, committed: Option<i64>, position: i64) {
        match &mut self.0 {
            // Nobody is lost in one process.
            Implementation::Embedded(_) => {
                let _ = (partition, committed, position);
            }
            #[cfg(feature = "kafka")]
            Implementation::Kafka(member) => member.has_finished(partition, committed, position),
        }
    }

    /// The offset that is given out next, of a partition that is held.
    pub fn position(&self, partition: i32) -> Option<i64> {
        match &self.0 {
            Implementation::Embedded(member) => member.position(partition),
            #[cfg(feature = "kafka")]
            Implementation::Kafka(member) => member.position(partition),
        }
    }

    /// Ends a waiting poll from another thread.
    pub fn waker(&self) -> ReaderWaker {
        match &self.0 {
            Implementation::Embedded(member) => member.waker(),
            #[cfg(feature = "kafka")]
            Implementation::Kafka(member) => member.waker(),
        }
    }

    /// Leaves the group at once, so that others take over without waiting for a session to end. Dropping does the same.
    pub fn leave(self) {
        drop(self);
    }
}

/// What a member had finished of a partition that it lost: everything before an offset, and what was committed last.
#[cfg(feature = "kafka")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finished {
    pub(crate) committed: Option<i64>,
    pub(crate) position: i64,
}

#[cfg(feature = "kafka")]
impl Finished {
    /// Where it goes on when it gets the partition again, which would begin at `from` as of what is committed now. Somebody may
    /// have set that back meanwhile, or have gone further; and the log may have lost its end.
    pub(crate) fn goes_on_at(self, committed: Option<i64>, from: i64, end: i64) -> i64 {
        let is_known = committed >= self.committed && self.position <= end;
        if is_known {
            from.max(self.position)
        } else {
            from
        }
    }
}

#[cfg(all(test, feature = "kafka"))]
mod tests {
    use super::*;

    #[test]
    fn what_was_finished_is_passed_over_unless_somebody_went_back_or_the_log_lost_it() {
        let finished = |committed, position| Finished {
            committed,
            position,
        };
        // Nothing happened meanwhile, whether something was committed before or not.
        assert_eq!(finished(Some(5), 9).goes_on_at(Some(5), 5, 20), 9);
        assert_eq!(finished(None, 9).goes_on_at(None, 0, 9), 9);
        // A commit whose answer was lost, or one of another member that had it meanwhile.
        assert_eq!(finished(Some(5), 9).goes_on_at(Some(7), 7, 20), 9);
        assert_eq!(finished(Some(5), 9).goes_on_at(Some(12), 12, 20), 12);
        // Set back, or forgotten.
        assert_eq!(finished(Some(5), 9).goes_on_at(Some(4), 4, 20), 4);
        assert_eq!(finished(Some(5), 9).goes_on_at(None, 0, 20), 0);
        // The log ends before it.
        assert_eq!(finished(Some(5), 9).goes_on_at(Some(5), 5, 8), 5);
    }
}
