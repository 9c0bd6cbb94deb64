//! Results of a query: what is made becomes records, gathered for their topics and sent.
//!
//! Invariant: what is gathered and what is on its way is one write's (see [`Sending`]); an error leaves neither: whoever made
//! the results makes them again. Belongs to a query's thread.

use std::sync::Arc;

use super::duty::Way;
use super::event_time::EventTime;
use super::sending::Sending;
use crate::codec::result::TooLong;
use crate::codec::{frame, result};
use crate::entity::{Entity, EntityKey, Window};
use crate::log::partition::partition_for_key;
use crate::log::{Log, RecordBatch};
use crate::ops::Scratch;
use crate::state::{StateError, Table};

/// Results are sent together up to about so many bytes.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// From so many on they are sent while more are made, where nothing of their topic is on its way.
const PORTION_BYTES: usize = 256 * 1024;

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

/// The results of a query.
#[derive(Debug)]
pub(super) struct Outputs {
    table: Arc<Table>,
    targets: Vec<Target>,
    time: EventTime,
    sending: Sending,
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
        let topics = targets
            .iter()
            .map(|target| Arc::from(target.topic.as_str()));
        let topics = topics.collect();
        Outputs {
            table: Arc::clone(table),
            sending: Sending::new(table, log, runtime, topics),
            targets,
            time: EventTime::of::<T>(),
            key: Vec::new(),
            value: Vec::new(),
            wrong: None,
        }
    }

    /// From now on results go this way.
    pub(super) fn go(&mut self, way: Way) {
        self.sending.way = way;
    }

    /// Forgets what is gathered.
    pub(super) fn clear(&mut self) {
        self.wrong = None;
        self.sending.clear();
    }

    /// Whether a batch holds as much as is sent at once.
    pub(super) fn is_full(&self) -> bool {
        let batches = &self.sending.batches;
        batches.iter().any(|batch| batch.bytes() >= BATCH_BYTES)
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
            sending,
            key,
            value,
            ..
        } = self;
        let (Some(target), Some(batch)) = (targets.first(), sending.batches.first_mut()) else {
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
            sending,
            key,
            ..
        } = self;
        if let (Some(target), Some(batch)) = (targets.first(), sending.batches.first_mut()) {
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
            sending,
            key,
            value,
            wrong,
            ..
        } = self;
        let (Some(target), Some(batch)) = (targets.get(index), sending.batches.get_mut(index))
        else {
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
        if !self.sending.batches.iter().any(worth_it) {
            return Ok(());
        }
        if self.wrong.is_some() || matches!(self.sending.way, Way::Nowhere) {
            return self.send();
        }
        self.sending.start_those(PORTION_BYTES, BATCH_BYTES)
    }

    /// Sends everything gathered and waits until it is acknowledged, with what was sent before.
    pub(super) fn send(&mut self) -> Result<(), StateError> {
        self.refuse()?;
        self.sending.end()
    }

    /// Everything that was made, for who sends and waits for the rest of it.
    pub(super) fn hand_over(&mut self) -> Result<Sending, StateError> {
        self.refuse()?;
        Ok(self.sending.hand_over())
    }

    /// An error where a result cannot be written: then none is sent, and nothing left on its way.
    fn refuse(&mut self) -> Result<(), StateError> {
        match self.wrong {
            None => Ok(()),
            Some(wrong) => self.sending.ended(Some(StateError::Unwritable {
                query: self.table.entity,
                reason: wrong.to_string(),
            })),
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
pub(super) mod tests;
