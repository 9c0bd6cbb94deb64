//! Adding: entity, key and value bytes, log, acknowledgement.
//!
//! Invariant: a defect in an entity is an error before the batch it belongs to is sent; what is acknowledged is durable.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use super::{EntitySet, Position};
use crate::codec::{Defect, frame, result};
use crate::context::Registered;
use crate::entity::{Entity, EntityKey, TableEntity, Writable};
use crate::error::{Error, Result};
use crate::log::{BatchReceipt, LogError, Receipt, Record, RecordBatch};
use crate::ops::Scratch;

/// Records are sent together up to this many encoded bytes.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// What was added together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Added {
    /// How many records.
    pub records: u64,
    /// What a reader must have reached to have seen all of them.
    pub position: Position,
}

impl<T: Entity> EntitySet<T> {
    /// Adds a record; resolves when it is durable.
    ///
    /// # Errors
    /// Where a field breaks a rule such as `#[max_length]` (nothing is sent), or the log cannot write.
    #[tracing::instrument(level = "trace", skip_all, fields(entity = T::MODEL.name))]
    pub async fn add(&self, entity: T) -> Result<Receipt>
    where
        T: Writable,
    {
        self.add_at(None, entity).await
    }

    /// The same, with a timestamp that counts instead of the entity's own.
    pub(crate) async fn add_at(&self, timestamp: Option<i64>, entity: T) -> Result<Receipt>
    where
        T: Writable,
    {
        let registered = self.registered()?;
        let (mut key, mut value) = (Vec::with_capacity(64), Vec::with_capacity(256));
        let defect = |defect| refused::<T>(registered, defect, 0);
        let has_key = entity
            .encode_key(registered.key_schema, &mut key)
            .map_err(defect)?;
        encode(&entity, registered, &mut value).map_err(defect)?;
        let timestamp = timestamp
            .or_else(|| entity.timestamp())
            .unwrap_or_else(|| registered.clock.now_ms());
        let record = Record::new(has_key.then_some(key.as_slice()), Some(&value), timestamp);
        Ok(registered.log.produce(&registered.topic, record).await?)
    }

    /// Adds records in batches, each whole or not at all; resolves when all are durable. Much faster than one by one.
    ///
    /// # Errors
    /// As [`EntitySet::add`]; the error says how many records before the wrong one were acknowledged.
    #[tracing::instrument(level = "debug", skip_all, fields(entity = T::MODEL.name))]
    pub async fn add_all(&self, entities: impl IntoIterator<Item = T>) -> Result<Added>
    where
        T: Writable,
    {
        self.add_all_at(entities.into_iter().map(|entity| (None, entity)))
            .await
    }

    /// The same, with timestamps that count instead of the entities' own.
    pub(crate) async fn add_all_at(
        &self,
        entities: impl Iterator<Item = (Option<i64>, T)>,
    ) -> Result<Added>
    where
        T: Writable,
    {
        let registered = self.registered()?;
        let mut added = Added::default();
        let mut batch = RecordBatch::new();
        let mut sending = None;
        for (timestamp, entity) in entities {
            let timestamp = timestamp
                .or_else(|| entity.timestamp())
                .unwrap_or_else(|| registered.clock.now_ms());
            let pushed = batch.push_with(
                timestamp,
                &[],
                |out| entity.encode_key(registered.key_schema, out),
                |out| encode(&entity, registered, out).map(|()| true),
            );
            if let Err(defect) = pushed {
                finish(&mut sending, &mut added).await?;
                return Err(refused::<T>(registered, defect, added.records));
            }
            if batch.bytes() >= BATCH_BYTES {
                // While one batch is written the next is encoded; the order stays, as the earlier one is in the queue.
                finish(&mut sending, &mut added).await?;
                sending = Some(send(registered, std::mem::take(&mut batch)).await);
            }
        }
        finish(&mut sending, &mut added).await?;
        if !batch.is_empty() {
            sending = Some(send(registered, batch).await);
            finish(&mut sending, &mut added).await?;
        }
        Ok(added)
    }

    /// Deletes the row of a key: adds a record without a value (a tombstone). Resolves when it is durable.
    ///
    /// # Errors
    /// Where the log cannot write.
    #[tracing::instrument(level = "trace", skip_all, fields(entity = T::MODEL.name))]
    pub async fn remove(&self, key: impl Into<T::Key>) -> Result<Receipt>
    where
        T: TableEntity + Writable,
    {
        self.remove_at(None, key.into()).await
    }

    /// A record without a value, of a stream too.
    pub(crate) async fn remove_at(&self, timestamp: Option<i64>, key: T::Key) -> Result<Receipt>
    where
        T: Writable,
    {
        let registered = self.registered()?;
        let mut wire = Vec::with_capacity(64);
        key.encode(registered.key_schema, &mut wire);
        let timestamp = timestamp.unwrap_or_else(|| registered.clock.now_ms());
        let wire = (!key.is_absent()).then_some(wire.as_slice());
        let record = Record::new(wire, None, timestamp);
        Ok(registered.log.produce(&registered.topic, record).await?)
    }
}

/// Appends a framed value; into a topic that a query writes too, in the form that query writes.
pub(super) fn encode<T: Entity>(
    entity: &T,
    registered: &Registered,
    out: &mut Vec<u8>,
) -> Result<(), Defect> {
    frame::write(registered.value_schema, out);
    let body = out.len();
    entity.encode_value(out)?;
    if registered.result {
        out.truncate(body);
        // An entity's decimals have the digits of their types.
        let _ = result::value::<T>(entity.row(), &Scratch::new(), out);
    }
    Ok(())
}

/// A batch on its way.
enum Sending<'a> {
    /// Given to the log, not answered for.
    Begun(Pin<Box<dyn Future<Output = Sent> + Send + 'a>>),
    /// Answered for at once.
    Done(Sent),
}

type Sent = Result<BatchReceipt, LogError>;

/// Gives a batch to the log. It is not a task of its own: a caller who goes away leaves nothing behind that is still to be
/// given, which an orderly end could not wait for.
async fn send(registered: &Registered, batch: RecordBatch) -> Sending<'_> {
    let produced = registered.log.produce_batch(&registered.topic, batch);
    let mut sending: Pin<Box<dyn Future<Output = Sent> + Send + '_>> = Box::pin(produced);
    match poll_fn(|context| Poll::Ready(sending.as_mut().poll(context))).await {
        Poll::Ready(sent) => Sending::Done(sent),
        Poll::Pending => Sending::Begun(sending),
    }
}

/// Waits for the batch that is being written, if there is one.
async fn finish(sending: &mut Option<Sending<'_>>, added: &mut Added) -> Result<()> {
    let receipt = match sending.take() {
        None => return Ok(()),
        Some(Sending::Done(sent)) => sent?,
        Some(Sending::Begun(sending)) => sending.await?,
    };
    added.records = added.records.saturating_add(receipt.len() as u64);
    for (partition, offset) in receipt.positions() {
        added.position.reach(partition, offset);
    }
    Ok(())
}

#[cold]
pub(super) fn refused<T: Entity>(
    registered: &Registered,
    defect: Defect,
    acknowledged: u64,
) -> Error {
    Error::Value {
        entity: T::MODEL.name,
        topic: registered.topic.clone(),
        defect,
        acknowledged,
    }
}
