//! Results on their way to their topics: sent together, waited for, and handed over whole to who waits for the rest.
//!
//! Invariant: of a topic one batch is on its way at a time, which keeps the order. [`Sending::end`] returns when everything is
//! acknowledged, or with an error and nothing left: an error of any batch leaves nothing on its way, so that nothing of a
//! transaction can reach the next one; only a query that is told to end, and is out of time, waits for nothing more. Belongs to
//! one thread at a time: the query's, or the one that ends a write beside it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::time::Duration;

use super::duty::Way;
use crate::log::{BatchReceipt, Log, LogError, RecordBatch};
use crate::state::{StateError, Table};

/// How often the wait for an acknowledgement looks whether the query is told to stop.
const STOP_CHECK: Duration = Duration::from_millis(20);

/// Says when a batch is acknowledged, or why it is not.
type Answer = Result<BatchReceipt, LogError>;

/// Of each topic what is gathered, and what is on its way.
#[derive(Debug)]
pub(super) struct Sending {
    table: Arc<Table>,
    log: Log,
    pub(super) way: Way,
    runtime: tokio::runtime::Handle,
    topics: Vec<Arc<str>>,
    pub(super) batches: Vec<RecordBatch>,
    pub(super) sent: Vec<Option<Receiver<Answer>>>,
}

impl Sending {
    /// To these topics.
    pub(super) fn new(
        table: &Arc<Table>,
        log: Log,
        runtime: &tokio::runtime::Handle,
        topics: Vec<Arc<str>>,
    ) -> Sending {
        Sending {
            table: Arc::clone(table),
            log,
            way: Way::default(),
            runtime: runtime.clone(),
            batches: topics.iter().map(|_| RecordBatch::new()).collect(),
            sent: topics.iter().map(|_| None).collect(),
            topics,
        }
    }

    /// Everything, gathered and on its way; what is gathered from now on is the next write's.
    pub(super) fn hand_over(&mut self) -> Sending {
        let room = |batch: &RecordBatch| RecordBatch::with_capacity(batch.len(), batch.bytes());
        let next = Sending {
            table: Arc::clone(&self.table),
            log: self.log.clone(),
            way: Way::default(),
            runtime: self.runtime.clone(),
            topics: self.topics.clone(),
            batches: self.batches.iter().map(room).collect(),
            sent: self.sent.iter().map(|_| None).collect(),
        };
        std::mem::replace(self, next)
    }

    /// Forgets what is gathered.
    pub(super) fn clear(&mut self) {
        self.batches.iter_mut().for_each(RecordBatch::clear);
    }

    /// Sends everything gathered and waits until it is acknowledged, with what was sent before.
    pub(super) fn end(&mut self) -> Result<(), StateError> {
        if let Way::Nowhere = self.way {
            self.clear();
            return Ok(());
        }
        // No topic waits for what is on its way to another.
        self.start_those(1, usize::MAX)?;
        self.start_those(1, 1)?;
        self.ended(None)
    }

    /// Sends the batches with at least so many bytes, where nothing of their topic is on its way; that is waited for where they
    /// have as many as `patient` says.
    pub(super) fn start_those(&mut self, least: usize, patient: usize) -> Result<(), StateError> {
        for index in 0..self.batches.len() {
            let bytes = self.batches.get(index).map_or(0, RecordBatch::bytes);
            if bytes < least {
                continue;
            }
            match self.arrived(index, bytes >= patient) {
                Ok(true) => self.start(index),
                Ok(false) => {}
                Err(failed) => return self.ended(Some(failed)),
            }
        }
        Ok(())
    }

    /// Sends the batch of a target, of which nothing is on its way.
    fn start(&mut self, index: usize) {
        let (Some(batch), Some(sent), Some(topic)) = (
            self.batches.get_mut(index),
            self.sent.get_mut(index),
            self.topics.get(index),
        ) else {
            return;
        };
        let room = RecordBatch::with_capacity(batch.len(), batch.bytes());
        let batch = std::mem::replace(batch, room);
        let (answer, answered) = channel();
        let (log, way, topic) = (self.log.clone(), self.way.clone(), Arc::clone(topic));
        // On the runtime: its timers and connections are what the log works with.
        drop(self.runtime.spawn(async move {
            // Nobody listens where the query gave up.
            let _ = answer.send(match way {
                Way::Turn(writer) => writer.produce_batch(&topic, batch).await,
                Way::Log | Way::Nowhere => log.produce_batch(&topic, batch).await,
            });
        }));
        *sent = Some(answered);
    }

    /// Whether what was sent to a target is acknowledged; it is waited for where `waits` says so.
    fn arrived(&mut self, index: usize, waits: bool) -> Result<bool, StateError> {
        let Some(sent) = self.sent.get_mut(index) else {
            return Ok(true);
        };
        let Some(answered) = sent.take() else {
            return Ok(true);
        };
        let answer = match answered.try_recv() {
            Ok(answer) => answer,
            Err(TryRecvError::Empty) if !waits => {
                *sent = Some(answered);
                return Ok(false);
            }
            Err(_) => self.wait(&answered),
        };
        answer.map(|_| true).map_err(|source| StateError::Output {
            query: self.table.entity,
            topic: self
                .topics
                .get(index)
                .map_or_else(String::new, |topic| topic.to_string()),
            source: Box::new(source),
        })
    }

    /// Waits for all that is on its way. The first error counts; with one, nothing stays gathered.
    pub(super) fn ended(&mut self, mut failed: Option<StateError>) -> Result<(), StateError> {
        for index in 0..self.sent.len() {
            if let Err(error) = self.arrived(index, true) {
                failed.get_or_insert(error);
            }
        }
        if self.table.is_abandoned() {
            failed.get_or_insert(StateError::Output {
                query: self.table.entity,
                topic: self.table.topic().to_owned(),
                source: Box::new(LogError::Closed),
            });
        }
        let Some(failed) = failed else {
            return Ok(());
        };
        self.clear();
        Err(failed)
    }

    fn wait(&self, answered: &Receiver<Answer>) -> Answer {
        loop {
            match answered.recv_timeout(STOP_CHECK) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Timeout) if !self.table.may_end() => {}
                // Told to stop and out of time, or the runtime is gone.
                Err(_) => return Err(LogError::Closed),
            }
        }
    }
}
