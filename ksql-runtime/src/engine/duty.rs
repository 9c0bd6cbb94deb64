//! The part of an instance in a query that several run: its owner writes, the others stand by.
//!
//! Invariant: an owner has followed the journal to its end since it took office, and writes results and note in one
//! transaction of that term; its store is written behind, so it is never ahead of the journal. Where nobody else can run the query
//! there is no office, and the intent does what the journal does here. Belongs to a query's thread.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::Site;
use super::journal::Entry;
use crate::clock::Clock;
use crate::log::{Log, LogError, Ownership, RecordBatch, TopicId, Turn, Writer};
use crate::state::{Progress, StateError, Table, Topics};

/// How often a wait for an answer looks whether the query is told to stop.
const STOP_CHECK: Duration = Duration::from_millis(20);

/// Where results go.
#[derive(Debug, Clone, Default)]
pub(super) enum Way {
    /// Nobody else writes.
    #[default]
    Log,
    /// Into the transaction of the owner.
    Turn(Writer),
    /// They are told already.
    Nowhere,
}

/// Who owns the queries, and the journal of that.
#[derive(Debug, Clone)]
pub(crate) struct Duty {
    pub(crate) ownership: Ownership,
    pub(crate) topic: TopicId,
}

/// A query's part in it.
#[derive(Debug, Clone)]
pub(super) struct Office {
    duty: Duty,
    table: Arc<Table>,
    log: Log,
    runtime: tokio::runtime::Handle,
    shape: u64,
    /// The term in which this instance may write, once it has followed the journal.
    pub(super) term: Option<u64>,
}

/// Ends the wait for a change with it.
#[derive(Debug)]
pub(super) struct Waking(tokio::task::JoinHandle<()>);

impl Drop for Waking {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Office {
    /// Nothing where nobody else can run the query.
    pub(super) fn of(
        site: &Site,
        table: &Arc<Table>,
        runtime: &tokio::runtime::Handle,
    ) -> Option<Office> {
        let duty = site.duty.clone()?;
        Some(Office {
            duty,
            table: Arc::clone(table),
            log: site.log.clone(),
            runtime: runtime.clone(),
            shape: site.shape,
            term: None,
        })
    }

    pub(super) fn journal_id(&self) -> TopicId {
        self.duty.topic
    }

    pub(super) fn journal_name(&self) -> Arc<str> {
        Arc::from(self.duty.ownership.topic())
    }

    /// The term, where this instance is the owner.
    pub(super) fn now(&self) -> Result<Option<u64>, StateError> {
        self.duty.ownership.term().map_err(|error| self.told(error))
    }

    /// Ends the binding's poll each time that the office is another's, until what this gives is dropped.
    pub(super) fn wakes(&self) -> Waking {
        let table = Arc::clone(&self.table);
        let changes = self.duty.ownership.each_change(move || table.wake());
        Waking(self.runtime.spawn(changes))
    }

    /// An error once this instance is not the owner any more that it was.
    pub(super) fn check(&self) -> Result<(), StateError> {
        match self.now()? {
            Some(term) if self.term == Some(term) => Ok(()),
            _ => Err(self.not_owner()),
        }
    }

    fn not_owner(&self) -> StateError {
        self.told(LogError::NotOwner {
            topic: self.duty.ownership.topic().to_owned(),
        })
    }

    /// An error about the journal.
    pub(super) fn told(&self, error: LogError) -> StateError {
        StateError::of_log(self.duty.ownership.topic(), error)
    }

    /// What tells the notes of this query over these very topics from others of its name.
    pub(super) fn mark(&self, topics: &Topics) -> u64 {
        let mut text = format!("{:x}", self.shape);
        for topic in topics.iter() {
            text.push_str(&format!(" {} {}", topic.id, topic.partitions));
        }
        ksql_schema::fingerprint::of_all(&[text.as_str()])
    }

    /// The owner's turn to write.
    pub(super) fn turn(&self) -> Result<Turn, StateError> {
        let term = self.term.ok_or_else(|| self.not_owner())?;
        let turn = self
            .duty
            .ownership
            .turn(term, || self.table.may_end())
            .map_err(|error| self.told(error))?;
        Ok(turn)
    }

    /// Notes what results of this turn are made of and makes it all visible; the place of the note goes with the progress.
    pub(super) fn commit(
        &self,
        turn: Turn,
        entry: &Entry,
        progress: &mut Progress,
    ) -> Result<(), StateError> {
        let mut batch = RecordBatch::new();
        let key = self.table.entity.as_bytes();
        // Read by brokers alone, so it is their clock's kind of time.
        let now = Clock::wall().now_ms();
        batch.push_to(Some(0), Some(key), Some(&entry.write()), now, &[]);
        let (writer, topic) = (turn.writer(), self.journal_name());
        let noted = self.ask(async move { writer.produce_batch(&topic, batch).await })?;
        let next = noted.positions().next().map_or(0, |(_, next)| next);
        if self.table.is_abandoned() {
            return Err(self.told(LogError::Closed));
        }
        turn.commit(|| self.table.may_end())
            .map_err(|error| self.told(error))?;
        progress.journal = Some((self.journal_id(), next));
        Ok(())
    }

    /// Where the journal begins and ends: of an owner, behind everything any owner has written.
    pub(super) fn edges(&self) -> Result<(i64, i64), StateError> {
        let (log, topic) = (self.log.clone(), self.journal_name());
        let offsets = self.ask(async move { log.all_written(&topic).await })?;
        Ok(offsets
            .first()
            .map_or((0, 0), |offsets| (offsets.start, offsets.end)))
    }

    /// Forgets everything that is stored, if there is anything: what it says is not what stands in the topics of the results.
    pub(super) fn begin_anew(&self, log: &Log, topics: &Topics) -> Result<bool, StateError> {
        if !self.table.has_offsets()? {
            return Ok(false);
        }
        tracing::info!(
            query = self.table.entity,
            "another query of this name wrote results in between: this one makes its own anew"
        );
        let (log, asked) = (log.clone(), topics.clone());
        let offsets =
            self.ask(async move { asked.offsets(&log).await.map_err(|(_, error)| error) })?;
        self.table.begin_anew(self.shape, topics, &offsets)?;
        Ok(true)
    }

    /// Waits for an answer of the log; the order to stop ends the wait.
    fn ask<R: Send + 'static>(
        &self,
        question: impl Future<Output = Result<R, LogError>> + Send + 'static,
    ) -> Result<R, StateError> {
        let (answer, answered) = channel();
        drop(self.runtime.spawn(async move {
            // Nobody listens where the query gave up.
            let _ = answer.send(question.await);
        }));
        loop {
            match answered.recv_timeout(STOP_CHECK) {
                Ok(answer) => return answer.map_err(|error| self.told(error)),
                Err(RecvTimeoutError::Timeout) if !self.table.may_end() => {}
                Err(_) => return Err(self.told(LogError::Closed)),
            }
        }
    }
}
