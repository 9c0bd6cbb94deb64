//! Making a record a row: key and value bytes of the topic become the bytes of a store.
//!
//! Invariant: a row's value is in the entity's own Avro form, whoever wrote the record; a value that is no row leaves no
//! old row behind it (see [`OnPoison`]). Belongs to a binding's thread, and is the only place where bytes meet an entity.

use std::collections::HashMap;
use std::sync::Arc;

use super::gathered::Gathered;
use super::{OnPoison, StateError, Table};
use crate::codec::frame;
use crate::codec::resolve::{Part, Plan as Resolution};
use crate::entity::{Entity, EntityKey};
use crate::log::RecordRef;
use crate::registry::Registry;

/// A stored row starts with what it is.
pub(crate) const ROW: u8 = 0;
/// A marked key: partition and offset of the record that was no row.
pub(crate) const POISON: u8 = 1;

/// Makes a record a row of one entity.
pub(super) struct Maker<'a, T> {
    table: &'a Arc<Table>,
    registry: &'a Registry,
    runtime: &'a tokio::runtime::Handle,
    values: HashMap<u32, Resolution>,
    keys: HashMap<u32, Resolution>,
    scratch: Vec<u8>,
    key_scratch: Vec<u8>,
    _entity: std::marker::PhantomData<T>,
}

impl<'a, T: Entity> Maker<'a, T> {
    pub(super) fn new(
        table: &'a Arc<Table>,
        registry: &'a Registry,
        runtime: &'a tokio::runtime::Handle,
    ) -> Self {
        Maker {
            table,
            registry,
            runtime,
            values: HashMap::new(),
            keys: HashMap::new(),
            scratch: Vec::new(),
            key_scratch: Vec::new(),
            _entity: std::marker::PhantomData,
        }
    }

    pub(super) fn row(
        &mut self,
        partition: i32,
        record: &RecordRef<'_>,
        gathered: &mut Gathered,
    ) -> Result<(), StateError> {
        // A record without a key is in no table, as in ksqlDB.
        let Some(wire) = record.key else {
            return Ok(());
        };
        let poison = |reason: String| StateError::Poison {
            topic: self.table.topic().to_owned(),
            partition,
            offset: record.offset,
            reason,
        };
        let key = match self.key(wire) {
            Ok(key) => key,
            // Which key is meant is unknown, so none can be marked.
            Err(reason) => return Err(poison(format!("the key cannot be read: {reason}"))),
        };
        let start = gathered.start_key(partition);
        key.encode_ordered(&mut gathered.arena);
        gathered.start_value();
        let Some(value) = record.value else {
            gathered.end(start, false);
            return Ok(());
        };
        gathered.arena.push(ROW);
        match self.value(value, &mut gathered.arena) {
            Ok(()) => gathered.end(start, true),
            Err(reason) => match self.table.settings.on_poison {
                OnPoison::Stop => {
                    gathered.arena.truncate(start);
                    return Err(poison(format!("the value cannot be read: {reason}")));
                }
                OnPoison::Mark => {
                    tracing::warn!(
                        entity = self.table.entity,
                        partition,
                        offset = record.offset,
                        reason,
                        "key marked as poisoned"
                    );
                    gathered.poison(partition, record.offset);
                    gathered.end(start, true);
                }
            },
        }
        Ok(())
    }

    fn key(&mut self, wire: &[u8]) -> Result<T::Key, String> {
        if T::Key::COLUMNS < 2 {
            return T::Key::decode(wire).map_err(|error| error.to_string());
        }
        let (id, body) = frame::read(wire).map_err(|error| error.to_string())?;
        if id == self.table.settings.key_schema {
            return T::Key::decode(wire).map_err(|error| error.to_string());
        }
        let plan = resolution::<T>(&mut self.keys, id, Part::Key, self.registry, self.runtime)?;
        self.key_scratch.clear();
        frame::write(self.table.settings.key_schema, &mut self.key_scratch);
        plan.transcode(body, &mut self.key_scratch)
            .map_err(|error| error.to_string())?;
        T::Key::decode(&self.key_scratch).map_err(|error| error.to_string())
    }

    fn value(&mut self, value: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        let (id, body) = frame::read(value).map_err(|error| error.to_string())?;
        if id == self.table.settings.value_schema {
            T::check(body).map_err(|error| error.to_string())?;
            out.extend_from_slice(body);
            return Ok(());
        }
        let plan = resolution::<T>(
            &mut self.values,
            id,
            Part::Value,
            self.registry,
            self.runtime,
        )?;
        self.scratch.clear();
        plan.transcode(body, &mut self.scratch)
            .map_err(|error| error.to_string())?;
        T::check(&self.scratch).map_err(|error| error.to_string())?;
        out.extend_from_slice(&self.scratch);
        Ok(())
    }
}

/// The plan for a schema id, built once.
fn resolution<'p, T: Entity>(
    plans: &'p mut HashMap<u32, Resolution>,
    id: u32,
    part: Part,
    registry: &Registry,
    runtime: &tokio::runtime::Handle,
) -> Result<&'p Resolution, String> {
    use std::collections::hash_map::Entry;
    match plans.entry(id) {
        Entry::Occupied(known) => Ok(known.into_mut()),
        Entry::Vacant(free) => {
            let writer = runtime
                .block_on(registry.schema_by_id(id))
                .map_err(|error| error.to_string())?;
            let plan = Resolution::build(&writer, T::MODEL, part)
                .map_err(|error| format!("schema {id}: {error}"))?;
            Ok(free.insert(plan))
        }
    }
}
