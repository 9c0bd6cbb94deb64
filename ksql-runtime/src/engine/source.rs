//! Records of a query's source: passed over, a row, or a deletion.
//!
//! Invariant: a record whose schema the registry does not give for now ends the attempt and is read again; one that is no
//! row stops the query or is left out, as `on_poison` says. Belongs to the query's thread.

use std::sync::Arc;

use crate::codec::DecodeError;
use crate::codec::resolve::Part;
use crate::entity::{Entity, EntityKey};
use crate::log::{RecordRef, dummy};
use crate::registry::Registry;
use crate::state::{Decoder, OnPoison, Origin, Refusal, StateError, Table};

/// What a record is.
#[derive(Debug)]
pub(super) enum Read<'b, K> {
    /// Nothing for a query.
    Nothing,
    /// A key, and the body of a value in the entity's own form, not checked yet.
    Row(K, &'b [u8]),
    /// The key's row is gone.
    Gone(K),
}

/// A key, and the body of a value in the entity's own form.
type Body<'b, T> = (<T as Entity>::Key, &'b [u8]);

/// What a query reads.
#[derive(Debug)]
pub(super) struct Source<T> {
    decoder: Decoder<T>,
    pub(super) judge: Judge,
    /// How many records had no key, and were left out for it.
    pub(super) keyless: u64,
}

/// Says what comes of a record that is no row.
#[derive(Debug)]
pub(super) struct Judge {
    table: Arc<Table>,
    topic: Arc<str>,
}

impl<T: Entity> Source<T> {
    pub(super) fn new(
        table: &Arc<Table>,
        registry: Registry,
        runtime: &tokio::runtime::Handle,
    ) -> Source<T> {
        Source {
            decoder: Decoder::new(table, registry, runtime.clone()),
            judge: Judge {
                table: Arc::clone(table),
                topic: Arc::clone(&table.settings.topic.name),
            },
            keyless: 0,
        }
    }

    /// One of several that a query joins.
    pub(super) fn of(
        table: &Arc<Table>,
        origin: Origin,
        registry: Registry,
        runtime: &tokio::runtime::Handle,
    ) -> Source<T> {
        let judge = Judge {
            table: Arc::clone(table),
            topic: Arc::clone(&origin.topic),
        };
        Source {
            decoder: Decoder::of(table, origin, registry, runtime.clone()),
            judge,
            keyless: 0,
        }
    }

    /// Asks again for the schema whose lack ended the last attempt.
    pub(super) fn ask_again(&mut self) -> Result<(), StateError> {
        self.decoder.ask_again()
    }

    /// The key and the body of a record that is a row, without judging it: it is read again.
    pub(super) fn look<'b>(
        &'b mut self,
        record: &RecordRef<'b>,
    ) -> Result<Option<Body<'b, T>>, StateError> {
        let decoder = &mut self.decoder;
        let Some(value) = record.value else {
            return Ok(None);
        };
        let key = match record.key.map(|wire| decoder.key(wire)) {
            None => match T::Key::absent() {
                Some(key) => key,
                None => return Ok(None),
            },
            Some(Ok(key)) => key,
            Some(Err(Refusal::Poison(_))) => return Ok(None),
            Some(Err(Refusal::Unknown(id, source))) => {
                return Err(decoder.without(id, Part::Key, source));
            }
        };
        match decoder.known(value) {
            Ok(()) => {}
            Err(Refusal::Poison(_)) => return Ok(None),
            Err(Refusal::Unknown(id, source)) => {
                return Err(decoder.without(id, Part::Value, source));
            }
        }
        Ok(decoder.value(value).ok().map(|body| (key, body)))
    }

    /// What a record is; beside it who judges what its value turns out to be.
    pub(super) fn read<'b>(
        &'b mut self,
        partition: i32,
        record: &RecordRef<'b>,
    ) -> Result<(Read<'b, T::Key>, &'b Judge), StateError> {
        let Source {
            decoder,
            judge,
            keyless,
        } = self;
        if dummy::is_marked(record.headers) {
            return Ok((Read::Nothing, judge));
        }
        let key = match record.key.map(|wire| decoder.key(wire)) {
            None => match T::Key::absent() {
                Some(key) => key,
                // A row of a table has a key, and a key column that is no `Option` has nothing to put there.
                None => {
                    *keyless = keyless.saturating_add(1);
                    return Ok((Read::Nothing, judge));
                }
            },
            Some(Ok(key)) => key,
            Some(Err(Refusal::Poison(reason))) => {
                let reason = format!("the key cannot be read: {reason}");
                judge.poison(partition, record.offset, reason)?;
                return Ok((Read::Nothing, judge));
            }
            Some(Err(Refusal::Unknown(id, source))) => {
                return Err(decoder.without(id, Part::Key, source));
            }
        };
        let Some(value) = record.value else {
            return Ok((Read::Gone(key), judge));
        };
        // Asked first: what is borrowed from the decoder cannot be kept beside its errors.
        match decoder.known(value) {
            Ok(()) => {}
            Err(Refusal::Poison(reason)) => {
                let reason = format!("the value cannot be read: {reason}");
                judge.poison(partition, record.offset, reason)?;
                return Ok((Read::Nothing, judge));
            }
            Err(Refusal::Unknown(id, source)) => {
                return Err(decoder.without(id, Part::Value, source));
            }
        }
        match decoder.value(value) {
            Ok(body) => Ok((Read::Row(key, body), judge)),
            Err(Refusal::Poison(reason)) => {
                let reason = format!("the value cannot be read: {reason}");
                judge.poison(partition, record.offset, reason)?;
                Ok((Read::Nothing, judge))
            }
            Err(Refusal::Unknown(id, source)) => Err(StateError::Registry {
                topic: judge.topic.to_string(),
                id,
                source,
            }),
        }
    }
}

impl Judge {
    /// A value that its own schema belies.
    #[cold]
    pub(super) fn unreadable(
        &self,
        partition: i32,
        offset: i64,
        error: &DecodeError,
    ) -> Result<(), StateError> {
        self.poison(
            partition,
            offset,
            format!("the value cannot be read: {error}"),
        )
    }

    /// A record whose timestamp column says no time is left out, as ksqlDB does.
    #[cold]
    pub(super) fn timeless(&self, partition: i32, offset: i64) {
        let (query, topic) = (self.table.entity, &*self.topic);
        let reason = "its timestamp column says no time";
        tracing::warn!(query, topic, partition, offset, reason, "record left out");
    }

    /// A record that is no row: stops the query, or is left out.
    #[cold]
    fn poison(&self, partition: i32, offset: i64, reason: String) -> Result<(), StateError> {
        let (query, topic) = (self.table.entity, &*self.topic);
        match self.table.settings.on_poison {
            OnPoison::Stop => Err(StateError::Unreadable {
                query,
                topic: topic.to_owned(),
                partition,
                offset,
                reason,
            }),
            OnPoison::Mark => {
                self.table.counts.add_unreadable();
                tracing::warn!(query, topic, partition, offset, reason, "record left out");
                Ok(())
            }
        }
    }

    /// What a query makes of a record cannot be kept or written.
    #[cold]
    pub(super) fn impossible(
        &self,
        partition: i32,
        offset: i64,
        reason: &dyn std::fmt::Display,
    ) -> StateError {
        StateError::Result {
            query: self.table.entity,
            topic: self.topic.to_string(),
            partition,
            offset,
            reason: reason.to_string(),
        }
    }
}
