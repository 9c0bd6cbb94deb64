//! What of a record is given to a handler: the entity alone, or what happened to its key.

use crate::codec::DecodeError;
use crate::entity::{Entity, EntityKey};

/// What can be made of the records of an entity: the entity itself, or a [`Change`].
pub trait Delivered<T: Entity>: Sized + Send + 'static {
    /// Of a record with a value.
    #[doc(hidden)]
    fn of(key: T::Key, body: &[u8]) -> Result<Self, DecodeError>;

    /// Of a record without a value, if anything.
    #[doc(hidden)]
    fn of_deleted(key: T::Key) -> Option<Self>;
}

impl<T: Entity> Delivered<T> for T {
    #[inline]
    fn of(key: T::Key, body: &[u8]) -> Result<T, DecodeError> {
        T::decode(key, body)
    }

    fn of_deleted(_key: T::Key) -> Option<T> {
        None
    }
}

/// What a record says about its key: what handlers of [`with_deletions`](super::Consumer::with_deletions) get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<T: Entity> {
    /// The row of its key is this from now on.
    Updated(T),
    /// There is no row of this key any more: the record is a tombstone.
    Deleted(T::Key),
}

impl<T: Entity> Change<T> {
    /// The key it is about.
    pub fn key(&self) -> T::Key {
        match self {
            Change::Updated(entity) => entity.key(),
            Change::Deleted(key) => key.clone(),
        }
    }
}

impl<T: Entity> Delivered<T> for Change<T> {
    fn of(key: T::Key, body: &[u8]) -> Result<Change<T>, DecodeError> {
        T::decode(key, body).map(Change::Updated)
    }

    fn of_deleted(key: T::Key) -> Option<Change<T>> {
        (!key.is_absent()).then_some(Change::Deleted(key))
    }
}
