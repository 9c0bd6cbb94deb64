//! Giving an entity to the dead letters by hand.

use super::EntitySet;
use crate::codec::Defect;
use crate::dlq::{Failed, Stage, WriteError, Written};
use crate::entity::Writable;
use crate::error::Result;
use crate::log::partition::partition_for_key;
use crate::log::{Headers, RecordRef};

impl<T: Writable> EntitySet<T> {
    /// Writes an entity as a dead letter; resolves when it is durable. It is encoded as `add` would, and names the entity's
    /// topic as its origin, so that a replay adds it there.
    ///
    /// `error` is the text of the letter, with all causes where it is `{:#}` of an error that shows them. `reason` is its
    /// class: a stable code such as `fraud.suspected`, by which letters are listed and counted. Where it is empty the class
    /// is `handler.error`.
    ///
    /// ```
    /// # use ksql_runtime::prelude::*;
    /// # #[derive(Debug, Clone, Entity)]
    /// # #[topic("orders")]
    /// # #[stream]
    /// # pub struct Order { #[key] pub id: i64, pub pieces: i64 }
    /// # #[tokio::main(flavor = "multi_thread", worker_threads = 1)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let ctx = Context::builder().config(Config::default()).entity::<Order>().state_dir(dir.path()).start().await?;
    /// let order = Order { id: 7, pieces: -1 };
    /// ctx.set::<Order>().send_to_dlq(&order, "-1 pieces", "pieces.negative").await?;
    /// assert_eq!(ctx.dead_letters().status().await?.letters, 1);
    /// # ctx.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`EntitySet::add`]; [`Error::Log`](crate::error::Error::Log) also where the letter is larger than its topic takes.
    #[tracing::instrument(level = "debug", skip_all, fields(entity = T::MODEL.name))]
    pub async fn send_to_dlq(
        &self,
        entity: &T,
        error: impl std::fmt::Display + Send,
        reason: &str,
    ) -> Result<Written> {
        let registered = self.registered()?;
        let (mut key, mut value) = (Vec::with_capacity(64), Vec::with_capacity(256));
        let defect = |defect: Defect| super::add::refused::<T>(registered, defect, 0);
        let has_key = entity
            .encode_key(registered.key_schema, &mut key)
            .map_err(defect)?;
        super::add::encode(entity, registered, &mut value).map_err(defect)?;
        let message = error.to_string();
        let failed = Failed {
            entity: T::MODEL.name,
            group: &registered.application,
            topic: &registered.topic,
            // Where `add` would have put it.
            partition: match has_key {
                true => partition_for_key(&key, registered.partitions),
                false => -1,
            },
            record: RecordRef {
                offset: -1,
                timestamp: entity
                    .timestamp()
                    .unwrap_or_else(|| registered.clock.now_ms()),
                key: has_key.then_some(key.as_slice()),
                value: Some(&value),
                headers: Headers::default(),
            },
            stage: Stage::Handler,
            class: match reason {
                "" => "handler.error",
                reason => reason,
            },
            message: &message,
            attempts: 1,
        };
        drop(error);
        let written = registered.dead_letters.write(&failed).await;
        written.map_err(|error: WriteError| error.into())
    }
}
