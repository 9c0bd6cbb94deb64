//! From a set to a consumer of its records.

use std::sync::Arc;

use super::EntitySet;
use crate::consume::{
    Backoff, Consumer, Entities, ForEach, IntoOutcome, Manual, OnDecodeError, OnError, Records as _,
};
use crate::entity::Entity;
use crate::error::{Error, Result};

impl<T: Entity> EntitySet<T> {
    /// A consumer of the records, to be told how it reads. A context that does not know the entity is an error of its start.
    pub fn consume(&self) -> Consumer<T> {
        Consumer::new(match &self.registered {
            Some(registered) => Ok(Arc::clone(registered)),
            None => Err(self.registered().err().unwrap_or(Error::Closed)),
        })
    }

    /// Calls a handler with each record, continuously, in the group `<application_id>_<Entity>`. Without a policy the first error
    /// ends it, and nothing from that record on is committed: see [`Consumer`] for all there is to choose.
    pub fn for_each<F, R>(&self, handler: F) -> ForEach
    where
        F: Fn(T) -> R + Send + Sync + 'static,
        R: Future<Output: IntoOutcome> + Send + 'static,
    {
        self.consume().for_each(handler)
    }

    /// The records one after the other. One is finished when the next is asked for.
    ///
    /// # Errors
    /// Where the consumer cannot start.
    pub async fn stream(&self) -> Result<Entities<T>> {
        self.consume().stream().await
    }

    /// A consumer with a policy for records whose handler fails.
    pub fn on_error(&self, on_error: OnError) -> Consumer<T> {
        self.consume().on_error(on_error)
    }

    /// A consumer with a policy for records that are none of the entity.
    pub fn on_decode_error(&self, on_decode_error: OnDecodeError) -> Consumer<T> {
        self.consume().on_decode_error(on_decode_error)
    }

    /// A consumer whose records come again when their handler fails, so many times in all.
    pub fn with_retry(&self, attempts: u32, backoff: impl Into<Backoff>) -> Consumer<T> {
        self.consume().with_retry(attempts, backoff)
    }

    /// A consumer whose handler settles each record itself.
    pub fn with_manual_commit(&self) -> Manual<T> {
        self.consume().with_manual_commit()
    }
}
