//! Records given to the producer and not answered for yet.
//!
//! Records are counted in chunks. Invariant: each record of a chunk is answered for once, by a delivery report or by
//! being taken back unsent; with the last one the chunk's room is free again and whoever still waits is told. What
//! becomes of the waiting caller changes nothing: a cancelled call leaves its records on their way and counted.
//! Chunks are begun on callers' tasks and reported on the producer's thread.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, oneshot};

use super::failure::Failure;

/// The most records of a chunk; a ticket is the chunk's slot times this, plus the record's number.
pub(super) const CHUNK: usize = 1024;

/// Where a record was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delivered {
    pub(super) partition: i32,
    /// Negative where the broker could only say that the record is there.
    pub(super) offset: i64,
    pub(super) timestamp: Option<i64>,
}

/// What became of a chunk.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Partition and offset of each record, in order; those not written have partition -1.
    pub(super) places: Vec<(i32, i64)>,
    /// The timestamp of the last record reported: the broker's where it stamps.
    pub(super) timestamp: Option<i64>,
    /// The first failure.
    pub(super) failure: Option<Failure>,
}

#[derive(Debug)]
struct Chunk {
    left: usize,
    outcome: Outcome,
    done: oneshot::Sender<Outcome>,
    _room: OwnedSemaphorePermit,
}

/// The chunks on their way.
#[derive(Debug, Default)]
pub(super) struct Pending {
    chunks: Mutex<Chunks>,
    /// Told whenever a chunk is done: the producer's own queue has room again.
    pub(super) progress: Notify,
}

#[derive(Debug, Default)]
struct Chunks {
    slots: Vec<Option<Chunk>>,
    free: Vec<usize>,
}

impl Pending {
    /// Counts a chunk that is about to be sent. The answer comes when all its records are answered for.
    pub(super) fn begin(
        &self,
        records: usize,
        room: OwnedSemaphorePermit,
    ) -> (usize, oneshot::Receiver<Outcome>) {
        let (done, answer) = oneshot::channel();
        let chunk = Chunk {
            left: records,
            outcome: Outcome {
                places: vec![(-1, -1); records],
                timestamp: None,
                failure: None,
            },
            done,
            _room: room,
        };
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = match chunks.free.pop() {
            Some(slot) => slot,
            None => {
                chunks.slots.push(None);
                chunks.slots.len().saturating_sub(1)
            }
        };
        if let Some(place) = chunks.slots.get_mut(slot) {
            *place = Some(chunk);
        }
        (slot, answer)
    }

    /// The ticket of a chunk's record.
    pub(super) fn ticket(slot: usize, record: usize) -> usize {
        slot.wrapping_mul(CHUNK).wrapping_add(record)
    }

    /// One record's fate.
    pub(super) fn report(&self, ticket: usize, told: Result<Delivered, Failure>) {
        let (slot, record) = (ticket / CHUNK, ticket % CHUNK);
        self.settle(slot, 1, |outcome| match told {
            Ok(Delivered {
                partition,
                offset,
                timestamp,
            }) => {
                if let Some(place) = outcome.places.get_mut(record) {
                    *place = (partition, offset);
                }
                outcome.timestamp = timestamp;
            }
            Err(failure) => {
                outcome.failure.get_or_insert(failure);
            }
        });
    }

    /// Takes back records that were never sent, with the reason if there is one.
    pub(super) fn unsent(&self, slot: usize, records: usize, reason: Option<Failure>) {
        self.settle(slot, records, |outcome| {
            if let Some(reason) = reason {
                outcome.failure.get_or_insert(reason);
            }
        });
    }

    fn settle(&self, slot: usize, records: usize, change: impl FnOnce(&mut Outcome)) {
        let done = {
            let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(place) = chunks.slots.get_mut(slot) else {
                return;
            };
            let Some(chunk) = place else {
                return;
            };
            change(&mut chunk.outcome);
            chunk.left = chunk.left.saturating_sub(records);
            if chunk.left > 0 {
                return;
            }
            let done = place.take();
            chunks.free.push(slot);
            done
        };
        // Outside the lock: telling wakes a task, and the room given back another.
        if let Some(Chunk { outcome, done, .. }) = done {
            let _nobody_waits = done.send(outcome);
        }
        self.progress.notify_waiters();
    }
}

/// Takes back, when dropped, what of a chunk was not sent: the caller was cancelled, or sending failed.
#[derive(Debug)]
pub(super) struct Sending<'p> {
    pending: &'p Pending,
    slot: usize,
    records: usize,
    sent: usize,
    reason: Option<Failure>,
}

impl<'p> Sending<'p> {
    pub(super) fn new(pending: &'p Pending, slot: usize, records: usize) -> Sending<'p> {
        Sending {
            pending,
            slot,
            records,
            sent: 0,
            reason: None,
        }
    }

    /// The ticket of the next record.
    pub(super) fn ticket(&self) -> usize {
        Pending::ticket(self.slot, self.sent)
    }

    /// The next record is on its way: its report will come.
    pub(super) fn sent(&mut self) {
        self.sent = self.sent.saturating_add(1);
    }

    /// The others are not sent.
    pub(super) fn stop(mut self, reason: Failure) {
        self.reason = Some(reason);
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        let left = self.records.saturating_sub(self.sent);
        if left > 0 {
            self.pending.unsent(self.slot, left, self.reason.take());
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::expect_used,
    reason = "a test that cannot go on shall stop there"
)]
mod tests {
    use std::sync::Arc;

    use rdkafka::types::RDKafkaErrorCode;
    use tokio::sync::Semaphore;

    use super::*;

    fn at(offset: i64) -> Result<Delivered, Failure> {
        Ok(Delivered {
            partition: 0,
            offset,
            timestamp: None,
        })
    }

    fn room(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
        Arc::clone(semaphore)
            .try_acquire_owned()
            .expect("there is room")
    }

    #[test]
    fn a_chunk_is_done_with_its_last_report_and_gives_its_room_back() {
        let (pending, semaphore) = (Pending::default(), Arc::new(Semaphore::new(2)));
        let (one, mut first) = pending.begin(2, room(&semaphore));
        let (two, mut second) = pending.begin(1, room(&semaphore));
        pending.report(Pending::ticket(one, 1), at(8));
        assert!(first.try_recv().is_err());
        pending.report(Pending::ticket(two, 0), at(5));
        assert_eq!(second.try_recv().expect("done").places, [(0, 5)]);
        pending.report(Pending::ticket(one, 0), at(7));
        assert_eq!(first.try_recv().expect("done").places, [(0, 7), (0, 8)]);
        assert_eq!(semaphore.available_permits(), 2);
    }

    #[test]
    fn a_caller_that_went_away_leaves_nothing_uncounted() {
        let (pending, semaphore) = (Pending::default(), Arc::new(Semaphore::new(1)));
        let (slot, answer) = pending.begin(3, room(&semaphore));
        let mut sending = Sending::new(&pending, slot, 3);
        let ticket = sending.ticket();
        sending.sent();
        drop((sending, answer));
        assert_eq!(semaphore.available_permits(), 0, "one is on its way");
        pending.report(ticket, at(0));
        assert_eq!(semaphore.available_permits(), 1);
    }

    #[test]
    fn the_first_failure_is_kept_with_what_was_written() {
        let (pending, semaphore) = (Pending::default(), Arc::new(Semaphore::new(1)));
        let (slot, mut answer) = pending.begin(3, room(&semaphore));
        pending.report(Pending::ticket(slot, 0), at(4));
        let too_large = Failure::new(RDKafkaErrorCode::MessageSizeTooLarge, "too large");
        pending.report(Pending::ticket(slot, 1), Err(too_large.clone()));
        pending.unsent(slot, 1, Some(Failure::new(RDKafkaErrorCode::Fail, "later")));
        let outcome = answer.try_recv().expect("done");
        assert_eq!(outcome.places, [(0, 4), (-1, -1), (-1, -1)]);
        assert_eq!(outcome.failure, Some(too_large));
    }
}
