//! What a handler gets beside the entity: where its record came from, and how it is settled by hand.
//!
//! Invariant: a message is settled once; one that is dropped unsettled is not acknowledged, and comes again.

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Notify;

use super::chunk::{Chunk, Item};
use super::outcome::{HandlerError, Outcome};
use crate::log::{Headers, RecordRef};

/// Where a record came from.
#[derive(Clone)]
pub struct Meta {
    item: Item,
    offset: i64,
    timestamp: i64,
    attempt: u32,
}

impl Meta {
    fn new(item: Item, attempt: u32) -> Meta {
        let (offset, timestamp) = item
            .record()
            .map_or((0, 0), |record| (record.offset, record.timestamp));
        Meta {
            item,
            offset,
            timestamp,
            attempt,
        }
    }

    fn record(&self) -> Option<RecordRef<'_>> {
        self.item.record()
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        self.item.chunk.fetched.topic()
    }

    /// The partition.
    pub fn partition(&self) -> i32 {
        self.item.chunk.partition()
    }

    /// The offset.
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// Milliseconds since 1970, UTC.
    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }

    /// The key's bytes, where the record has one.
    pub fn key(&self) -> Option<&[u8]> {
        self.record()?.key
    }

    /// The headers, in order.
    pub fn headers(&self) -> Headers<'_> {
        self.record()
            .map(|record| record.headers)
            .unwrap_or_default()
    }

    /// How often the handler has seen the record, this time included. Counted since it was read: a restart begins anew.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }
}

impl fmt::Debug for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meta")
            .field("topic", &self.topic())
            .field("partition", &self.partition())
            .field("offset", &self.offset)
            .field("timestamp", &self.timestamp)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// From what a [`Meta`] is made, where a handler asks for one.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    pub(super) chunk: &'a Arc<Chunk>,
    pub(super) place: crate::log::Place,
    pub(super) number: u64,
    pub(super) attempt: u32,
    /// How its message is settled, where a handler settles by hand.
    pub(super) settlement: &'a OnceLock<Arc<Settlement>>,
}

impl About<'_> {
    /// What was settled by hand so far, whatever becomes of the handler.
    pub(super) fn settled(&self) -> Option<Outcome> {
        self.settlement.get()?.settled()
    }

    pub(super) fn item(&self) -> Item {
        Item {
            chunk: Arc::clone(self.chunk),
            place: self.place,
            number: self.number,
        }
    }

    pub(super) fn meta(&self) -> Meta {
        Meta::new(self.item(), self.attempt)
    }
}

/// How a message was settled: not yet, finished, or not acknowledged; above that, with a wait in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Settlement {
    how: AtomicU64,
    told: Notify,
}

const FINISHED: u64 = 1;
const AGAIN: u64 = 2;

impl Settlement {
    /// What the lane makes of it, with what the handler itself said.
    pub(super) fn outcome(&self, said: Result<(), HandlerError>) -> Outcome {
        match (self.settled(), said) {
            (Some(settled), _) => settled,
            (None, Ok(())) => Outcome::Retry,
            (None, Err(error)) => Outcome::Failed(error),
        }
    }

    /// How it was settled, if it was.
    fn settled(&self) -> Option<Outcome> {
        match self.how.load(Ordering::Acquire) {
            0 => None,
            FINISHED => Some(Outcome::Done),
            AGAIN => Some(Outcome::Retry),
            wait => {
                let wait = Duration::from_millis(wait.saturating_sub(AGAIN + 1));
                Some(Outcome::RetryAfter(wait))
            }
        }
    }
}

/// A record to be settled by hand: what the handler of [`with_manual_commit`](super::Consumer::with_manual_commit) gets. It
/// is used as the entity it holds.
#[derive(Debug)]
#[must_use = "a message that is dropped is not acknowledged, and comes again"]
pub struct Message<D> {
    item: D,
    meta: Meta,
    settlement: Arc<Settlement>,
    settled: bool,
}

impl<D> Message<D> {
    pub(super) fn new(item: D, meta: Meta, settlement: &Arc<Settlement>) -> Message<D> {
        Message {
            item,
            meta,
            settlement: Arc::clone(settlement),
            settled: false,
        }
    }

    /// What it holds.
    pub fn entity(&self) -> &D {
        &self.item
    }

    /// Where it came from.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// It is finished. Its offset is committed when everything before it is finished too, with the next commit.
    pub fn commit(self) -> Settled {
        self.settle(FINISHED)
    }

    /// It is not acknowledged: it comes again, after the consumer's back-off.
    pub fn negative_ack(self) -> Settled {
        self.settle(AGAIN)
    }

    /// It is not acknowledged, and comes again after this time.
    pub fn negative_ack_after(self, wait: Duration) -> Settled {
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX / 2);
        self.settle(millis.saturating_add(AGAIN + 1))
    }

    /// Resolves when it is settled or dropped.
    pub(super) fn settling(&self) -> impl Future<Output = ()> + Send + use<D> {
        let settlement = Arc::clone(&self.settlement);
        async move { settlement.told.notified().await }
    }

    fn settle(mut self, how: u64) -> Settled {
        self.settlement.how.store(how, Ordering::Release);
        self.settled = true;
        Settled(())
    }
}

impl<D> Deref for Message<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.item
    }
}

impl<D> Drop for Message<D> {
    fn drop(&mut self) {
        self.settlement.told.notify_one();
        if !self.settled {
            tracing::warn!(
                topic = self.meta.topic(),
                partition = self.meta.partition(),
                offset = self.meta.offset(),
                "a message was dropped unsettled: it is not acknowledged, and comes again"
            );
        }
    }
}

/// That a message was settled, one way or the other. Only [`Message::commit`] and [`Message::negative_ack`] make one, so that
/// a handler cannot forget to.
#[derive(Debug)]
#[must_use = "a handler returns it"]
pub struct Settled(());

impl Settled {
    /// For who has waited until it was.
    pub(super) fn seen() -> Settled {
        Settled(())
    }
}

/// What a handler that settles by hand may return.
#[diagnostic::on_unimplemented(
    message = "a handler with manual commit cannot return `{Self}`",
    label = "does not say how the message was settled",
    note = "it ends with `message.commit()` or `message.negative_ack()`, and may return that in a `Result`"
)]
pub trait IntoSettled {
    /// What the handler said beside settling.
    fn said(self) -> Result<(), HandlerError>;
}

impl IntoSettled for Settled {
    fn said(self) -> Result<(), HandlerError> {
        Ok(())
    }
}

impl<E: Into<HandlerError>> IntoSettled for Result<Settled, E> {
    fn said(self) -> Result<(), HandlerError> {
        self.map(|_| ()).map_err(Into::into)
    }
}
