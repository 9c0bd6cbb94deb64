//! The thread of a table or a query: reads a topic, or several, and gives what it read to the [`Work`], which writes it with the offsets
//! it covers.
//!
//! One loop for restoring and for running. While far from the target more is gathered first: sorted input is what RocksDB
//! writes fastest.
//!
//! Invariant: the thread ends only when it is told to, or in the state ERROR with the reason. What waiting can cure it
//! waits for; what reading again can cure it reads again, where that was asked for.

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::plan::Plan;
use super::status::State;
use super::work::Work;
use super::{StateError, Table, Topics};
use crate::log::{Log, LogError, Offsets, SeveralReader, TopicDescription};

/// How long a poll waits; a waker ends it early.
const POLL: Duration = Duration::from_millis(500);
/// How long a poll waits while the last records are fetched before the end.
const LAST_POLL: Duration = Duration::from_millis(10);
/// How often a wait for an answer looks whether the table is told to stop.
const STOP_CHECK: Duration = Duration::from_millis(20);

/// A table's thread at work.
pub(super) struct Binding<'a, W> {
    table: &'a Arc<Table>,
    log: &'a Log,
    runtime: &'a tokio::runtime::Handle,
    work: W,
    /// What the stored bytes look like.
    shape: u64,
    topics: Topics,
    resume_from: Vec<i64>,
    failures: u32,
}

impl<'a, W: Work> Binding<'a, W> {
    pub(super) fn new(
        table: &'a Arc<Table>,
        log: &'a Log,
        runtime: &'a tokio::runtime::Handle,
        work: W,
        shape: u64,
        plan: Plan,
    ) -> Binding<'a, W> {
        let mut binding = Binding {
            table,
            log,
            runtime,
            work,
            shape,
            topics: plan.topics.clone(),
            resume_from: Vec::new(),
            failures: 0,
        };
        binding.begin(plan);
        binding
    }

    /// The thread's whole life.
    pub(super) fn run(mut self) {
        while let Err(error) = self.follow() {
            if self.table.stopping() && is_given_up(&error) {
                return;
            }
            // Nothing failed: another instance owns the query, and this one stands by.
            if error.is_not_owner() {
                continue;
            }
            if let Err(error) = self.recover(error) {
                if self.table.stopping() && is_given_up(&error) {
                    return;
                }
                self.table.update(|status| {
                    status.error = Some(error);
                    status.state = State::Error;
                });
                return;
            }
            if self.table.stopping() {
                return;
            }
        }
    }

    /// Takes up a plan: restoring, or ready at once where there is nothing to restore.
    fn begin(&mut self, plan: Plan) {
        self.topics = plan.topics;
        self.resume_from = plan.resume_from;
        self.table.update(|status| {
            status.lag = plan.lag;
            status.error = None;
            status.replayed = 0;
            status.state = State::Rebalancing;
        });
        self.table.update(|status| {
            if status.reached_target() {
                status.state = State::Running;
            }
        });
    }

    /// Reads from the table's positions on until it is told to end.
    fn follow(&mut self) -> Result<(), StateError> {
        let table = self.table;
        // After an error what was gathered is read again.
        self.work.forget()?;
        self.work.ask_again()?;
        if self.failures > 0 && self.has_missed_deletions()? {
            let (entity, query) = table.named();
            tracing::info!(
                entity,
                query,
                topic = table.topic(),
                "tombstones were removed from a topic while the table could not read it: it is read again from the start"
            );
            self.rebuild()?;
            // What it knew of what is gone.
            self.work.forget()?;
        }
        if self.work.resumes() {
            // Before there is a reader: what it fetched ahead meanwhile would be thrown away.
            self.expect_topics()?;
            self.work.resume(self.log, &self.topics)?;
        }
        let mut reader = self.reader()?;
        table.keep_waker(reader.waker());
        while !table.may_end() {
            let longest = if table.stopping() { LAST_POLL } else { POLL };
            let wait = self.work.patience().min(longest);
            let fetched = match reader.poll_of(wait, |partition| self.work.wants(partition)) {
                Ok(fetched) => fetched,
                Err((_, LogError::Closed)) if table.stopping() => break,
                Err(failed) => return Err(self.topics.failed(failed)),
            };
            self.expect_partitions(reader.partitions())?;
            self.reconnected();
            let more = self.work.take(fetched)?;
            let restoring = !table.is_running();
            if !self.work.is_empty() && self.work.is_due(more, restoring) {
                self.work.write(&self.topics)?;
                if restoring && table.is_running() {
                    self.work.restored();
                }
            }
        }
        if self.work.is_empty() || table.is_abandoned() {
            Ok(())
        } else {
            self.work.write(&self.topics)
        }
    }

    /// A reader of these very topics, at the table's positions.
    fn reader(&self) -> Result<SeveralReader, StateError> {
        let lag = self.table.status().lag;
        let positions: Vec<(i32, i64)> = (0..).zip(lag.iter().map(|lag| lag.position)).collect();
        let made = self.ask(move |log, runtime, topics| {
            let reader = match topics.reader(log, &positions) {
                // Of another topic the offsets say nothing: which one it is comes first.
                made @ (Ok(_) | Err((_, LogError::OffsetOutOfRange { .. }))) => made,
                // What cannot be read is not rebuilt either.
                Err(failed) => return Err(failed),
            };
            // Afterwards: a topic that is created again from now on ends the reader.
            Ok((reader, runtime.block_on(describe(log, topics))?))
        })?;
        let (reader, described) = made.map_err(|failed| self.topics.failed(failed))?;
        self.expect_same(&described)?;
        let mut reader = reader.map_err(|failed| self.topics.failed(failed))?;
        reader.limit(self.work.portion());
        Ok(reader)
    }

    /// The topics must be these very ones.
    fn expect_topics(&self) -> Result<(), StateError> {
        let described = self
            .ask(|log, runtime, topics| runtime.block_on(describe(log, topics)))?
            .map_err(|failed| self.topics.failed(failed))?;
        self.expect_same(&described)
    }

    fn expect_same(&self, described: &[TopicDescription]) -> Result<(), StateError> {
        for (topic, described) in self.topics.iter().zip(described) {
            if described.id != topic.id {
                return Err(StateError::Recreated {
                    topic: topic.name.to_string(),
                });
            }
        }
        self.expect_partitions(described.iter().map(|topic| topic.partitions))
    }

    /// Partitions added to a topic change where keys belong: rows of one key would lie in two of them.
    fn expect_partitions(&self, existing: impl IntoIterator<Item = u32>) -> Result<(), StateError> {
        let requested = self.topics.iter().map(|topic| topic.partitions);
        for (index, (existing, requested)) in existing.into_iter().zip(requested).enumerate() {
            if existing != requested {
                let topic = self.topics.iter().nth(index);
                let differ = LogError::PartitionsDiffer {
                    topic: topic.map_or_else(String::new, |topic| topic.name.to_string()),
                    existing,
                    requested,
                };
                return Err(self.topics.failed((index, differ)));
            }
        }
        Ok(())
    }

    /// Asks the log something that may take as long as a cluster lets us wait. The order to stop ends the wait, and leaves
    /// the question to itself.
    fn ask<R: Send + 'static>(
        &self,
        question: impl FnOnce(&Log, &tokio::runtime::Handle, &Topics) -> R + Send + 'static,
    ) -> Result<R, StateError> {
        if !self.log.is_shared() {
            return Ok(question(self.log, self.runtime, &self.topics));
        }
        let (answer, answered) = std::sync::mpsc::channel();
        let (topics, log, runtime) = (self.topics.clone(), self.log.clone(), self.runtime.clone());
        std::thread::Builder::new()
            .name(format!("ksql-ask-{}", self.table.entity))
            .spawn(move || {
                // Nobody listens once the table was told to stop.
                let _ = answer.send(question(&log, &runtime, &topics));
            })
            .map_err(|error| self.defect(&error))?;
        loop {
            match answered.recv_timeout(STOP_CHECK) {
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Timeout) if !self.table.stopping() => {}
                Err(RecvTimeoutError::Timeout) => return Err(self.of_log(LogError::Closed)),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.defect(&"a question to the log ended without an answer"));
                }
            }
        }
    }

    fn defect(&self, reason: &dyn std::fmt::Display) -> StateError {
        StateError::Defect {
            topic: self.table.topic().to_owned(),
            reason: reason.to_string(),
        }
    }

    /// Where the partitions begin and end now.
    fn offsets(&self) -> Result<Vec<Offsets>, StateError> {
        self.ask(|log, runtime, topics| runtime.block_on(topics.offsets(log)))?
            .map_err(|failed| self.topics.failed(failed))
    }

    /// Whether compaction has removed tombstones since the plan was made that the table has not read: the rows they delete
    /// would stay for ever.
    fn has_missed_deletions(&self) -> Result<bool, StateError> {
        self.expect_topics()?;
        let lag = self.table.status().lag;
        let now = self.offsets()?;
        let partitions = lag.iter().zip(&self.resume_from).zip(&now);
        Ok(partitions.into_iter().any(|((lag, planned), now)| {
            now.resume_from > *planned && lag.position < now.resume_from
        }))
    }

    fn of_log(&self, source: LogError) -> StateError {
        StateError::of_log(self.table.topic(), source)
    }

    /// The log answers again, if it did not.
    fn reconnected(&mut self) {
        if self.failures == 0 {
            return;
        }
        self.failures = 0;
        self.table.update(|status| {
            status.error = None;
            status.state = if status.reached_target() {
                State::Running
            } else {
                State::Rebalancing
            };
        });
    }

    /// Does what can be done about an error; gives it back where nothing can.
    fn recover(&mut self, error: StateError) -> Result<(), StateError> {
        let rebuild = self.table.settings.rebuild_on_truncation;
        let error = if rebuild && error.is_lost_topic() {
            let (entity, query) = self.table.named();
            tracing::warn!(entity, query, topic = self.table.topic(), %error, "the table is rebuilt");
            match self.rebuild() {
                Ok(()) => return Ok(()),
                Err(error) => error,
            }
        } else {
            error
        };
        let retries = self.table.settings.retries;
        if !may_pass(&error, rebuild) || retries.is_some_and(|most| self.failures >= most) {
            return Err(error);
        }
        self.failures = self.failures.saturating_add(1);
        self.table.update(|status| {
            status.error = Some(error);
            status.state = State::Disconnected;
        });
        self.pause();
        Ok(())
    }

    /// Reads the topic of the table's name from its start, whatever the table held.
    fn rebuild(&mut self) -> Result<(), StateError> {
        let topics = self
            .ask(|log, runtime, topics| runtime.block_on(describe(log, topics)))?
            .map_err(|failed| self.topics.failed(failed))?;
        self.expect_partitions(topics.iter().map(|topic| topic.partitions))?;
        let offsets = self.offsets()?;
        // Before the rows go: nobody takes a row that is missing for one that never was.
        self.table
            .update(|status| status.state = State::Rebalancing);
        let plan = Plan::afresh(self.table, self.shape, Topics::new(&topics), &offsets)?;
        self.failures = 0;
        self.begin(plan);
        Ok(())
    }

    /// Waits before the next attempt; stopping ends it.
    fn pause(&self) {
        let settings = &self.table.settings;
        let wait = back_off(settings.retry_first, settings.retry_longest, self.failures);
        let end = Instant::now().checked_add(wait);
        while !self.table.stopping() && end.is_none_or(|end| Instant::now() < end) {
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

/// The topics of these names as they are now.
async fn describe(log: &Log, topics: &Topics) -> Result<Vec<TopicDescription>, (usize, LogError)> {
    let mut described = Vec::new();
    for (index, topic) in topics.iter().enumerate() {
        let found = log.describe_soon(&topic.name).await;
        described.push(found.map_err(|error| (index, error))?);
    }
    Ok(described)
}

/// Whether an error is only that a table which was told to stop gave up waiting: for a schema, or for the log.
fn is_given_up(error: &StateError) -> bool {
    match error {
        StateError::Registry { .. } => true,
        StateError::Log { source, .. } => matches!(source, LogError::Closed),
        StateError::Output { source, .. } => matches!(**source, LogError::Closed),
        _ => false,
    }
}

/// Whether waiting can cure an error. A topic that was deleted may be created again, where such a one is read.
fn may_pass(error: &StateError, recreated: bool) -> bool {
    match error {
        StateError::Log {
            source: LogError::UnknownTopic { .. },
            ..
        } => recreated,
        StateError::Log { source, .. } => source.is_transient(),
        StateError::Output { source, .. } => source.is_transient(),
        StateError::Registry { source, .. } => source.is_transient(),
        _ => false,
    }
}

/// The wait before an attempt: the first, then twice as long each time, up to the longest.
fn back_off(first: Duration, longest: Duration, failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(31);
    first.saturating_mul(1_u32 << doublings).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_twice_the_one_before_up_to_the_longest() {
        let (first, longest) = (Duration::from_millis(100), Duration::from_secs(1));
        let waits = (1..=6).map(|failures| back_off(first, longest, failures).as_millis());
        assert_eq!(waits.collect::<Vec<_>>(), [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(back_off(first, longest, u32::MAX), longest);
        assert_eq!(back_off(longest, first, 1), first, "the longest wins");
    }
}
