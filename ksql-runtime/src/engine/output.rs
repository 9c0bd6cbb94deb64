//! Results on their way to their topics: gathered as records, sent together, waited for.
//!
//! Invariant: [`Outputs::send`] returns when everything gathered is acknowledged, or with an error and nothing gathered:
//! whoever made the results makes them again. What [`Outputs::send_on`] sent before is in that: an error of either leaves
//! nothing on its way, so that nothing of a transaction can reach the next one; only a query that is told to end, and is out
//! of time, waits for nothing more. Of a topic one batch is on its way at a time, which keeps the order. Belongs to a query's thread.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::time::Duration;

use super::duty::Way;
use super::event_time::EventTime;
use crate::codec::result::TooLong;
use crate::codec::{frame, result};
use crate::entity::{Entity, EntityKey, Window};
use crate::log::partition::partition_for_key;
use crate::log::{BatchReceipt, Log, LogError, RecordBatch};
use crate::ops::Scratch;
use crate::state::{StateError, Table};

/// Results are sent together up to about so many bytes.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// From so many on they are sent while more are made, where nothing of their topic is on its way.
const PORTION_BYTES: usize = 256 * 1024;
/// How often the wait for an acknowledgement looks whether the query is told to stop.
const STOP_CHECK: Duration = Duration::from_millis(20);

/// A topic that results go to.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) topic: String,
    pub(crate) partitions: u32,
    pub(crate) value_schema: u32,
    /// 0 where the key is no record.
    pub(crate) key_schema: u32,
    /// Whether several columns make the key, so that it is a record.
    pub(crate) record_key: bool,
}

impl Target {
    /// Appends the wire bytes of a group's key, without a window.
    pub(super) fn key(&self, group: &[u8], out: &mut Vec<u8>) {
        if self.record_key {
            frame::write(self.key_schema, out);
        }
        out.extend_from_slice(group);
    }
}

/// Says when a batch is acknowledged, or why it is not.
type Answer = Result<BatchReceipt, LogError>;

/// The results of a query.
#[derive(Debug)]
pub(super) struct Outputs {
    table: Arc<Table>,
    log: Log,
    way: Way,
    runtime: tokio::runtime::Handle,
    targets: Vec<Target>,
    time: EventTime,
    batches: Vec<RecordBatch>,
    /// Of each target what is on its way.
    sent: Vec<Option<Receiver<Answer>>>,
    key: Vec<u8>,
    value: Vec<u8>,
    /// What keeps the results from being sent.
    wrong: Option<TooLong>,
}

impl Outputs {
    /// The outputs of a query that writes `T`.
    pub(super) fn new<T: Entity>(
        table: &Arc<Table>,
        log: Log,
        runtime: &tokio::runtime::Handle,
        targets: Vec<Target>,
    ) -> Outputs {
        Outputs {
            table: Arc::clone(table),
            log,
            way: Way::default(),
            runtime: runtime.clone(),
            batches: targets.iter().map(|_| RecordBatch::new()).collect(),
            sent: targets.iter().map(|_| None).collect(),
            targets,
            time: EventTime::of::<T>(),
            key: Vec::new(),
            value: Vec::new(),
            wrong: None,
        }
    }

    /// From now on results go this way.
    pub(super) fn go(&mut self, way: Way) {
        self.way = way;
    }

    /// Forgets what is gathered.
    pub(super) fn clear(&mut self) {
        self.wrong = None;
        self.batches.iter_mut().for_each(RecordBatch::clear);
    }

    /// Whether a batch holds as much as is sent at once.
    pub(super) fn is_full(&self) -> bool {
        self.batches
            .iter()
            .any(|batch| batch.bytes() >= BATCH_BYTES)
    }

    /// A row with its key, which may be another one or none; the partition is the key's, `window` is that part of the source's key.
    /// An error where it cannot be written.
    pub(super) fn row<'a, T: Entity>(
        &mut self,
        row: T::Row<'a>,
        new_key: Option<Option<&[u8]>>,
        window: &[u8],
        scratch: &'a Scratch,
        timestamp: i64,
    ) -> Result<(), TooLong> {
        let Some(timestamp) = self.stamp::<T>(row, scratch, timestamp) else {
            return Ok(());
        };
        let Outputs {
            targets,
            batches,
            key,
            value,
            ..
        } = self;
        let (Some(target), Some(batch)) = (targets.first(), batches.first_mut()) else {
            return Ok(());
        };
        key.clear();
        target.key(&[], key);
        let has_key = match new_key {
            None => T::Key::COLUMNS > 0 && result::key::<T>(row, scratch, key),
            Some(Some(body)) => {
                key.extend_from_slice(body);
                true
            }
            // Such as `PARTITION BY` of NULL.
            Some(None) => false,
        };
        frame_value::<T>(row, scratch, target, value)?;
        let partition = in_window(key, window, target);
        let key = has_key.then_some(key.as_slice());
        batch.push_to(partition, key, Some(value), timestamp, &[]);
        Ok(())
    }

    /// The timestamp of a result; nothing where its column says none, and the result is left out.
    #[inline]
    fn stamp<'a, T: Entity>(
        &self,
        row: T::Row<'a>,
        scratch: &'a Scratch,
        timestamp: i64,
    ) -> Option<i64> {
        let millis = self.time.millis::<T>(row, scratch, timestamp);
        if millis.is_none() {
            let query = self.table.entity;
            tracing::warn!(query, "result left out: its timestamp column says no time");
        }
        millis
    }

    /// A key without a value: its row is gone, or a record of a stream had none. `body` is the key's bytes without a frame, `window`
    /// the part of it that says the window.
    pub(super) fn gone(&mut self, body: Option<&[u8]>, window: &[u8], timestamp: i64) {
        let Outputs {
            targets,
            batches,
            key,
            ..
        } = self;
        if let (Some(target), Some(batch)) = (targets.first(), batches.first_mut()) {
            key.clear();
            if let Some(body) = body {
                // The body ends with the window, which takes no part in choosing the partition.
                let inner = body.len().saturating_sub(window.len());
                target.key(body.get(..inner).unwrap_or(body), key);
            }
            let partition = in_window(key, window, target);
            let key = body.is_some().then_some(key.as_slice());
            batch.push_to(partition, key, None, timestamp, &[]);
        }
    }

    /// The row of a group, in the window that `windowed` says, or its deletion.
    pub(super) fn group<'a, T: Entity>(
        &mut self,
        index: usize,
        group: &[u8],
        windowed: Option<(Window, bool)>,
        row: Option<T::Row<'a>>,
        scratch: &'a Scratch,
        timestamp: i64,
    ) {
        let stamped = row.map_or(Some(timestamp), |row| {
            self.stamp::<T>(row, scratch, timestamp)
        });
        let Some(timestamp) = stamped else {
            return;
        };
        let Outputs {
            targets,
            batches,
            key,
            value,
            wrong,
            ..
        } = self;
        let (Some(target), Some(batch)) = (targets.get(index), batches.get_mut(index)) else {
            return;
        };
        key.clear();
        target.key(group, key);
        // A windowed record lies where its inner key does.
        let partition = windowed.map(|(window, session)| {
            let partition = partition_for_key(key, target.partitions);
            window.encode(session, key);
            partition
        });
        let value = row.map(|row| {
            if let Err(too_long) = frame_value::<T>(row, scratch, target, value) {
                wrong.get_or_insert(too_long);
            }
            value.as_slice()
        });
        batch.push_to(partition, Some(key), value, timestamp, &[]);
    }

    /// Sends what is worth it while more results are made. Waits only where as much is gathered as is sent at once, and what
    /// was sent to the same topic before is not acknowledged yet.
    #[inline]
    pub(super) fn send_on(&mut self) -> Result<(), StateError> {
        let worth_it = |batch: &RecordBatch| batch.bytes() >= PORTION_BYTES;
        if !self.batches.iter().any(worth_it) {
            return Ok(());
        }
        if self.wrong.is_some() || matches!(self.way, Way::Nowhere) {
            return self.send();
        }
        self.start_those(PORTION_BYTES, BATCH_BYTES)
    }

    /// Sends everything gathered and waits until it is acknowledged, with what was sent before.
    pub(super) fn send(&mut self) -> Result<(), StateError> {
        if let Some(wrong) = self.wrong {
            return self.ended(Some(StateError::Unwritable {
                query: self.table.entity,
                reason: wrong.to_string(),
            }));
        }
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
    fn start_those(&mut self, least: usize, patient: usize) -> Result<(), StateError> {
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
        let (Some(batch), Some(sent), Some(target)) = (
            self.batches.get_mut(index),
            self.sent.get_mut(index),
            self.targets.get(index),
        ) else {
            return;
        };
        let room = RecordBatch::with_capacity(batch.len(), batch.bytes());
        let batch = std::mem::replace(batch, room);
        let (answer, answered) = channel();
        let (log, way, topic) = (self.log.clone(), self.way.clone(), target.topic.clone());
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
                .targets
                .get(index)
                .map_or_else(String::new, |target| target.topic.clone()),
            source: Box::new(source),
        })
    }

    /// Waits for all that is on its way. The first error counts; with one, nothing stays gathered.
    fn ended(&mut self, mut failed: Option<StateError>) -> Result<(), StateError> {
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
        self.batches.iter_mut().for_each(RecordBatch::clear);
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

/// Puts the window behind a key; the partition where that is not the whole key's: a windowed record lies where its inner key does.
fn in_window(key: &mut Vec<u8>, window: &[u8], target: &Target) -> Option<i32> {
    if window.is_empty() {
        return None;
    }
    let partition = partition_for_key(key, target.partitions);
    key.extend_from_slice(window);
    Some(partition)
}

/// A framed value, as ksqlDB writes it.
fn frame_value<'a, T: Entity>(
    row: T::Row<'a>,
    scratch: &'a Scratch,
    target: &Target,
    out: &mut Vec<u8>,
) -> Result<(), TooLong> {
    out.clear();
    frame::write(target.value_schema, out);
    result::value::<T>(row, scratch, out)
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
