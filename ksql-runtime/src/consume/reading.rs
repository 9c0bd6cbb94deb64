//! The thread of a consumer: a member of its group that reads ahead of the lanes, commits behind them, and gives partitions
//! back when the group wants them.
//!
//! Invariants: what is committed is finished, and everything before it; a partition is given back after its handlers ended
//! and their work was committed, or the time for that was over. It polls whatever handlers do, so that no handler is too
//! slow for the group.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::chunk::Chunk;
use super::dealer::Dealer;
use super::failure::{Abandoned, Committed, Ended};
use super::position::{Position, Seek};
use super::shared::{End, Held, Shared};
use super::status::ConsumerState;
use super::tracker::Tracker;
use crate::error::{Chain, Error};
use crate::log::{GroupReader, Log, LogError, Membership, Polled, Start};

/// A wait for records is looked up from this often where a partition has no room.
const ROOM: Duration = Duration::from_millis(50);
/// A wait for records while there is nothing to commit.
const IDLE: Duration = Duration::from_secs(1);
/// The wait before it is polled again after a failure.
const AGAIN: Duration = Duration::from_millis(100);
/// The longest wait before it asks again to join.
const LONGEST_JOIN: Duration = Duration::from_secs(5);
/// The least of a partition that is read ahead.
const LEAST: usize = 256 * 1024;

/// Reads for a consumer.
pub(super) struct Reading {
    pub(super) shared: Arc<Shared>,
    pub(super) log: Log,
    pub(super) runtime: tokio::runtime::Handle,
    pub(super) dealer: Dealer,
    /// When offsets were committed last.
    pub(super) committed: Instant,
    pub(super) attempt: u32,
}

impl Reading {
    /// Reads until the consumer ends. What it says is what the consumer ended with.
    pub(super) fn run(mut self) -> End {
        let Some(mut group) = self.join()? else {
            return self.end(None);
        };
        self.shared.bell.wakes(group.waker());
        self.shared.set_state(ConsumerState::Running);
        let read = self.read(&mut group);
        if let Err(error) = read {
            self.shared.fail(error);
        }
        self.end(Some(group))
    }

    /// Joins the group; none where the consumer ended before it could.
    fn join(&mut self) -> Result<Option<GroupReader>, Error> {
        let membership = Membership {
            group: self.shared.group.to_string(),
            topic: self.shared.topic.to_string(),
            start: self.shared.options.start,
            when_offset_gone: self.shared.options.when_offset_gone,
        };
        while !self.shared.is_stopping() {
            match self.log.join(&membership, &self.runtime) {
                Ok(group) => {
                    self.attempt = 1;
                    return Ok(Some(group));
                }
                Err(error) => {
                    let wait = Backoff::default().wait(self.attempt.saturating_add(1));
                    self.away(error, wait.min(LONGEST_JOIN))?;
                }
            }
        }
        Ok(None)
    }

    /// Waits before the log is asked again, where it may answer later.
    fn away(&mut self, error: LogError, wait: Duration) -> Result<(), Error> {
        if self.shared.is_stopping() {
            return Ok(());
        }
        if !error.is_transient() {
            return Err(error.into());
        }
        let told = Chain(&error).to_string();
        if self.attempt == 1 {
            tracing::warn!(
                entity = self.shared.entity, topic = %self.shared.topic, group = %self.shared.group,
                error = told, "the log does not answer: it is asked again until it does"
            );
        }
        self.shared.set_state(ConsumerState::Reconnecting(told));
        self.attempt = self.attempt.saturating_add(1);
        let until = Instant::now() + wait;
        while !self.shared.is_stopping() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.shared.bell.event.take_back();
            if !self.shared.is_stopping() {
                self.shared.bell.event.wait(left);
            }
        }
        Ok(())
    }

    fn read(&mut self, group: &mut GroupReader) -> Result<(), Error> {
        while !self.shared.is_stopping() {
            for seek in self.shared.take_seeks() {
                self.seek(group, seek);
            }
            let (wanted, starved) = self.wanted();
            let patience = self.patience(starved);
            let polled = group.poll(patience, |partition| {
                wanted
                    .iter()
                    .find(|(known, _)| *known == partition)
                    .is_none_or(|(_, wanted)| *wanted)
            });
            match polled {
                Ok(polled) => {
                    if self.attempt > 1 {
                        self.attempt = 1;
                    }
                    self.shared.set_state(ConsumerState::Running);
                    self.polled(group, polled)?;
                }
                // The client connects again by itself, and tells each failure on the way: none is waited for long.
                Err(error) => self.away(error, AGAIN)?,
            }
            if self.committed.elapsed() >= self.shared.options.commit_every {
                self.commit(group)?;
            }
        }
        Ok(())
    }

    fn polled(&mut self, group: &mut GroupReader, polled: Polled) -> Result<(), Error> {
        match polled {
            Polled::Nothing => {}
            Polled::Records(fetched) => {
                let tracker = self
                    .shared
                    .held()
                    .get(&fetched.partition())
                    .map(|held| Arc::clone(&held.tracker));
                if let Some(tracker) = tracker {
                    self.dealer.deal(Chunk::new(fetched, &tracker));
                }
            }
            Polled::Assigned(assigned) => {
                let mut new = false;
                for one in assigned {
                    tracing::info!(
                        entity = self.shared.entity, topic = %self.shared.topic, group = %self.shared.group,
                        partition = one.partition, offset = one.from, "a partition is assigned"
                    );
                    self.hold(one.partition, one.from, one.end, one.committed);
                    new |= one.committed.is_none();
                }
                // Whoever reads next would begin at another end, behind what comes meanwhile.
                if new && self.shared.options.start != Start::Earliest {
                    self.commit(group)?;
                }
            }
            Polled::Revoked(partitions) => {
                self.give_back(group, &partitions)?;
            }
            Polled::Lost(partitions) => {
                for partition in partitions {
                    tracing::warn!(
                        entity = self.shared.entity, topic = %self.shared.topic, group = %self.shared.group,
                        partition, "a partition is lost: what is unfinished of it comes again where it is read next"
                    );
                    if let Some(held) = self.shared.held().remove(&partition) {
                        held.tracker.close();
                        let position = held.tracker.position();
                        group.has_finished(partition, held.committed, position);
                    }
                }
            }
        }
        Ok(())
    }

    fn hold(&self, partition: i32, from: i64, end: i64, committed: Option<i64>) {
        let tracker = Tracker::new(partition, from, end, &self.shared.bell);
        let held = Held {
            tracker: Arc::new(tracker),
            committed,
        };
        if let Some(before) = self.shared.held().insert(partition, held) {
            before.tracker.close();
        }
    }

    /// Which partitions have room, and whether one has not.
    fn wanted(&self) -> (Vec<(i32, bool)>, bool) {
        // Said first: room that comes in between is told.
        self.shared.bell.starve(true);
        let held = self.shared.held();
        let share = self
            .shared
            .options
            .buffer
            .checked_div(held.len())
            .unwrap_or(usize::MAX)
            .max(LEAST);
        let wanted: Vec<(i32, bool)> = held
            .iter()
            .map(|(partition, held)| (*partition, held.tracker.held() < share))
            .collect();
        let starved = wanted.iter().any(|(_, wanted)| !wanted);
        self.shared.bell.starve(starved);
        (wanted, starved)
    }

    /// How long a poll may wait.
    fn patience(&self, starved: bool) -> Duration {
        let due = (self.committed + self.shared.options.commit_every)
            .saturating_duration_since(Instant::now());
        let open =
            self.shared.held().values().any(|held| {
                held.committed != Some(held.tracker.position()) || held.tracker.held() > 0
            });
        match (open, starved) {
            (_, true) => due.min(ROOM),
            (true, false) => due,
            (false, false) => IDLE,
        }
    }

    /// Commits what was finished since the last time. Where the log does not answer it is tried again at the next one.
    fn commit(&mut self, group: &mut GroupReader) -> Result<(), Error> {
        match self.keep(group) {
            // A partition that was lost is told with the next poll: who reads it goes on from what was committed before.
            Err(error) if error.is_transient() || matches!(error, LogError::NotHeld { .. }) => {
                self.not_committed(&error);
                Ok(())
            }
            other => other.map_err(Error::from),
        }
    }

    fn not_committed(&self, error: &LogError) {
        tracing::warn!(
            entity = self.shared.entity, topic = %self.shared.topic, group = %self.shared.group, error = %Chain(error),
            "offsets could not be committed: they are with the next commit, or their records come again"
        );
    }

    /// Commits what was finished since the last time.
    fn keep(&mut self, group: &mut GroupReader) -> Result<(), LogError> {
        self.committed = Instant::now();
        let offsets: Vec<(i32, i64)> = self
            .shared
            .held()
            .iter()
            .filter_map(|(partition, held)| {
                let position = held.tracker.position();
                (held.committed != Some(position)).then_some((*partition, position))
            })
            .collect();
        if offsets.is_empty() {
            return Ok(());
        }
        group.commit(&offsets)?;
        let mut held = self.shared.held();
        for (partition, offset) in offsets {
            if let Some(held) = held.get_mut(&partition) {
                held.committed = Some(offset);
            }
        }
        Ok(())
    }

    /// Gives partitions back: handlers that run end, what is finished is committed.
    fn give_back(&mut self, group: &mut GroupReader, partitions: &[i32]) -> Result<(), Error> {
        let trackers: Vec<Arc<Tracker>> = {
            let held = self.shared.held();
            partitions
                .iter()
                .filter_map(|partition| held.get(partition).map(|held| Arc::clone(&held.tracker)))
                .collect()
        };
        for tracker in &trackers {
            tracker.close();
        }
        self.wait_for(|| trackers.iter().all(|tracker| tracker.is_quiet()));
        for tracker in trackers.iter().filter(|tracker| !tracker.is_quiet()) {
            tracing::warn!(
                entity = self.shared.entity, topic = %self.shared.topic, group = %self.shared.group,
                partition = tracker.partition(), offset = tracker.position(),
                "a handler has not ended in time: its partition is given back, and its record comes again there"
            );
        }
        self.commit(group)?;
        for partition in partitions {
            tracing::info!(
                entity = self.shared.entity, topic = %self.shared.topic, group = %self.shared.group,
                partition, "a partition is given back"
            );
            self.shared.held().remove(partition);
        }
        match group.release(partitions) {
            Err(error) if !error.is_transient() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Waits for handlers, up to `stop_timeout`; whether what was waited for came.
    fn wait_for(&self, reached: impl Fn() -> bool) -> bool {
        let until = Instant::now() + self.shared.options.stop_timeout;
        loop {
            self.shared.bell.event.take_back();
            if reached() {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            self.shared.bell.event.wait(left);
        }
    }

    fn seek(&self, group: &mut GroupReader, seek: Seek) {
        let result = self.go_to(group, seek.partition, seek.position);
        // Whoever asked may have gone.
        let _ = seek.done.send(result);
    }

    fn go_to(
        &self,
        group: &mut GroupReader,
        partition: Option<i32>,
        position: Position,
    ) -> Result<(), Error> {
        let held: Vec<i32> = self.shared.held().keys().copied().collect();
        let partitions = match partition {
            None => held,
            Some(one) if held.contains(&one) => vec![one],
            Some(one) => {
                return Err(LogError::UnknownPartition {
                    topic: self.shared.topic.to_string(),
                    partition: one,
                    partitions: u32::try_from(held.len()).unwrap_or(u32::MAX),
                }
                .into());
            }
        };
        for partition in partitions {
            let topic = &self.shared.topic;
            let offsets = self.runtime.block_on(self.log.offsets(topic, partition))?;
            let offset = match position {
                Position::Earliest => offsets.start,
                Position::Latest => offsets.end,
                Position::Offset(offset) => offset,
                Position::Time(time) => self
                    .runtime
                    .block_on(self.log.offset_at(topic, partition, time))?
                    .unwrap_or(offsets.end),
            };
            let before = self
                .shared
                .held()
                .get(&partition)
                .map(|held| Arc::clone(&held.tracker));
            if let Some(before) = before {
                before.close();
                self.wait_for(|| before.is_quiet());
            }
            let sought = group.seek(partition, offset);
            if let Err(error) = sought {
                // It goes on where it was.
                let from = self.position(partition);
                let _ = group.seek(partition, from);
                self.hold(partition, from, offsets.end, None);
                return Err(error.into());
            }
            // What was delivered before settles nothing any more; where it goes on is committed, be it before.
            self.hold(partition, offset, offsets.end, None);
        }
        Ok(())
    }

    /// Everything of a partition before it is finished.
    fn position(&self, partition: i32) -> i64 {
        let held = self.shared.held();
        held.get(&partition)
            .map_or(0, |held| held.tracker.position())
    }

    /// Ends: no lane gets more; handlers that run are waited for, their work is committed, the group is left.
    fn end(mut self, group: Option<GroupReader>) -> End {
        self.shared.set_state(ConsumerState::Stopping);
        self.shared.stop();
        let (dealer, _) = Dealer::new(self.shared.options.order, 1);
        drop(std::mem::replace(&mut self.dealer, dealer));
        self.wait_for(|| self.shared.lanes_left() == 0);
        for seek in self.shared.take_seeks() {
            let _ = seek.done.send(Err(Error::Closed));
        }
        let mut ended = Ended::default();
        let mut failed = self.shared.failure();
        let Some(mut group) = group else {
            return failed.map_or(Ok(ended), Err);
        };
        match self.keep(&mut group) {
            Ok(()) => {}
            // Whoever holds the partition, or gets it of the group, reads on from what was committed before.
            Err(
                error @ (LogError::NotHeld { .. }
                | LogError::Refused {
                    transient: true, ..
                }),
            ) => self.not_committed(&error),
            // There is no next commit.
            Err(error) => drop(failed.get_or_insert(error.into())),
        }
        for (partition, held) in &*self.shared.held() {
            held.tracker.close();
            if let Some(offset) = held.committed {
                ended.committed.push(Committed {
                    topic: self.shared.topic.to_string(),
                    partition: *partition,
                    offset,
                });
            }
            if !held.tracker.is_quiet() {
                ended.abandoned.push(Abandoned {
                    topic: self.shared.topic.to_string(),
                    partition: *partition,
                    offset: held.tracker.position(),
                });
            }
        }
        let end = self.shared.settle(failed.map_or(Ok(ended), Err));
        group.leave();
        end
    }
}
