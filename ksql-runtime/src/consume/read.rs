//! From the bytes of a record to what a handler gets.
//!
//! Invariant: a record that a filter does not want is looked at as a borrowed row and never built. Belongs to a lane; it
//! never waits for the registry, and says which schema it lacks.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::delivered::Delivered;
use crate::dlq::Stage;
use crate::entity::{Entity, EntityKey};
use crate::log::{RecordRef, dummy};
use crate::ops::Scratch;
use crate::query::Condition;
use crate::registry::Registry;
use crate::state::{Decoder, Origin, Refusal};

/// Conditions on rows, all of which are to hold; shared by the lanes.
pub(super) struct Filter<T: Entity>(Vec<Arc<dyn Condition<T> + Send + Sync>>);

impl<T: Entity> Filter<T> {
    pub(super) fn new() -> Filter<T> {
        Filter(Vec::new())
    }

    pub(super) fn push(&mut self, condition: impl Condition<T> + Send + Sync + 'static) {
        self.0.push(Arc::new(condition));
    }
}

impl<T: Entity> Clone for Filter<T> {
    fn clone(&self) -> Self {
        Filter(self.0.clone())
    }
}

impl<T: Entity> fmt::Debug for Filter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filter")
    }
}

/// What a record is.
pub(super) enum Opened<D> {
    Given(D),
    /// A filter does not want it.
    Filtered,
    /// A tombstone, and nobody asks for those.
    Deleted,
    /// It only warms up.
    Marker,
    /// It is none of the entity.
    Bad(Stage, &'static str, String),
    /// The schema it was written with is not known yet.
    Unknown(u32),
}

/// Opens records of one entity.
pub(super) struct Opener<T: Entity, D> {
    decoder: Decoder<T>,
    filter: Filter<T>,
    given: PhantomData<fn() -> D>,
}

impl<T: Entity, D: Delivered<T>> Opener<T, D> {
    pub(super) fn new(origin: Origin, registry: Registry, filter: Filter<T>) -> Self {
        Opener {
            decoder: Decoder::knowing(origin, registry),
            filter,
            given: PhantomData,
        }
    }

    pub(super) fn registry(&self) -> &Registry {
        self.decoder.registry()
    }

    pub(super) fn open(&mut self, record: &RecordRef<'_>) -> Opened<D> {
        if dummy::is_marked(record.headers) {
            return Opened::Marker;
        }
        let key = match record.key {
            None => match T::Key::absent() {
                Some(key) => key,
                None => {
                    return Opened::Bad(
                        Stage::KeyDecode,
                        "key.missing",
                        "the record has no key, and the entity's key is not optional".to_owned(),
                    );
                }
            },
            Some(wire) => match self.decoder.key(wire) {
                Ok(key) => key,
                Err(Refusal::Unknown(id, _)) => return Opened::Unknown(id),
                Err(Refusal::Poison(reason)) => {
                    let message = format!("the key cannot be read: {reason}");
                    return Opened::Bad(Stage::KeyDecode, "key.decode", message);
                }
            },
        };
        let Some(value) = record.value else {
            return D::of_deleted(key).map_or(Opened::Deleted, Opened::Given);
        };
        let bad = |reason: String| {
            let message = format!("the value cannot be read: {reason}");
            Opened::Bad(Stage::ValueDecode, "value.decode", message)
        };
        let body = match self.decoder.value(value) {
            Ok(body) => body,
            Err(Refusal::Unknown(id, _)) => return Opened::Unknown(id),
            Err(Refusal::Poison(reason)) => return bad(reason),
        };
        if !self.filter.0.is_empty() {
            // Takes no memory before a function makes a text.
            let scratch = Scratch::new();
            match T::decode_row(&key, body) {
                Ok(row) if !self.filter.0.iter().all(|one| one.holds(&scratch, row)) => {
                    return Opened::Filtered;
                }
                Ok(_) => {}
                Err(error) => return bad(error.to_string()),
            }
        }
        match D::of(key, body) {
            Ok(given) => Opened::Given(given),
            Err(error) => bad(error.to_string()),
        }
    }
}
