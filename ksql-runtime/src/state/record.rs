//! Making a record a row: key and value bytes of the topic become the bytes of a store.
//!
//! Invariant: a row's value is in the entity's own Avro form, whoever wrote the record; a value that is no row leaves no
//! old row behind it (see [`OnPoison`]); a record whose schema the registry does not give for now is neither row nor poison.
//! Belongs to a binding's thread; here bytes meet an entity, for tables and for what queries read.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use super::gathered::Gathered;
use super::{OnPoison, StateError, Table};
use crate::codec::frame;
use crate::codec::resolve::{Part, Plan as Resolution};
use crate::entity::{Entity, EntityKey};
use crate::log::{LogError, RecordRef, dummy};
use crate::registry::{Registry, RegistryError};

/// How often the wait for a schema looks whether the table is told to stop.
const STOP_CHECK: Duration = Duration::from_millis(20);

/// A stored row starts with what it is.
pub(crate) const ROW: u8 = 0;
/// A marked key: partition and offset of the record that was no row.
pub(crate) const POISON: u8 = 1;

/// Where records come from: their topic, and the ids under which values and keys are in the entity's own form.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) topic: Arc<str>,
    pub(crate) value_schema: u32,
    pub(crate) key_schema: u32,
    /// The size of the windows its keys are of, where the keys do not say it.
    pub(crate) window: Option<i64>,
}

/// Reads keys and values of one entity, whoever wrote them.
pub(crate) struct Decoder<T> {
    origin: Origin,
    registry: Registry,
    /// For whom it waits for schemas, and on which runtime; nobody where it does not.
    waits: Option<(Arc<Table>, tokio::runtime::Handle)>,
    values: HashMap<u32, Resolution>,
    keys: HashMap<u32, Resolution>,
    /// The schema that the registry could not give.
    wanted: Option<(u32, Part)>,
    scratch: Vec<u8>,
    key_scratch: Vec<u8>,
    _entity: std::marker::PhantomData<fn() -> T>,
}

impl<T> std::fmt::Debug for Decoder<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Decoder")
            .field("topic", &self.origin.topic)
            .finish_non_exhaustive()
    }
}

/// Makes a record a row of one entity.
#[derive(Debug)]
pub(super) struct Maker<T> {
    table: Arc<Table>,
    decoder: Decoder<T>,
}

/// Why a record gave no row.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It is none.
    Poison(String),
    /// Whether it is one is not known: the registry did not give this schema.
    Unknown(u32, RegistryError),
}

impl<E: std::fmt::Display> From<E> for Refusal {
    fn from(error: E) -> Refusal {
        Refusal::Poison(error.to_string())
    }
}

impl<T: Entity> Maker<T> {
    pub(super) fn new(table: &Arc<Table>, decoder: Decoder<T>) -> Self {
        Maker {
            table: Arc::clone(table),
            decoder,
        }
    }

    /// As [`Decoder::ask_again`].
    pub(super) fn ask_again(&mut self) -> Result<(), StateError> {
        self.decoder.ask_again()
    }

    pub(super) fn row(
        &mut self,
        partition: i32,
        record: &RecordRef<'_>,
        gathered: &mut Gathered,
    ) -> Result<(), StateError> {
        // A record without a key is in no table, as in ksqlDB; one that only warms up says nothing.
        let Some(wire) = record.key.filter(|_| !dummy::is_marked(record.headers)) else {
            return Ok(());
        };
        let poison = |reason: String| StateError::Poison {
            topic: self.table.topic().to_owned(),
            partition,
            offset: record.offset,
            reason,
        };
        let key = match self.decoder.key(wire) {
            Ok(key) => key,
            // Which key is meant is unknown, so none can be marked.
            Err(Refusal::Poison(reason)) => {
                return Err(poison(format!("the key cannot be read: {reason}")));
            }
            Err(Refusal::Unknown(id, source)) => {
                return Err(self.decoder.without(id, Part::Key, source));
            }
        };
        let start = gathered.start_key(partition);
        key.encode_ordered(&mut gathered.arena);
        gathered.start_value();
        let Some(value) = record.value else {
            gathered.end(start, false);
            return Ok(());
        };
        gathered.arena.push(ROW);
        let read = self.decoder.value(value).and_then(|body| {
            T::check(body)?;
            gathered.arena.extend_from_slice(body);
            Ok(())
        });
        match read {
            Ok(()) => gathered.end(start, true),
            Err(Refusal::Unknown(id, source)) => {
                gathered.arena.truncate(start);
                return Err(self.decoder.without(id, Part::Value, source));
            }
            Err(Refusal::Poison(reason)) => match self.table.settings.on_poison {
                OnPoison::Stop => {
                    gathered.arena.truncate(start);
                    return Err(poison(format!("the value cannot be read: {reason}")));
                }
                OnPoison::Mark => {
                    tracing::warn!(
                        entity = self.table.entity,
                        topic = self.table.topic(),
                        partition,
                        offset = record.offset,
                        reason,
                        "key marked as poisoned"
                    );
                    self.table.counts.add_unreadable();
                    gathered.poison(partition, record.offset);
                    gathered.end(start, true);
                }
            },
        }
        Ok(())
    }
}

impl<T: Entity> Decoder<T> {
    pub(crate) fn new(
        table: &Arc<Table>,
        registry: Registry,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        let origin = Origin {
            topic: Arc::clone(&table.settings.topic.name),
            value_schema: table.settings.value_schema,
            key_schema: table.settings.key_schema,
            window: table.settings.window,
        };
        Decoder::of(table, origin, registry, runtime)
    }

    /// One for records of another origin than the table's first topic.
    pub(crate) fn of(
        table: &Arc<Table>,
        origin: Origin,
        registry: Registry,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        Decoder {
            waits: Some((Arc::clone(table), runtime)),
            ..Decoder::knowing(origin, registry)
        }
    }

    /// One that asks nobody: a schema that is not known yet is [`Refusal::Unknown`].
    pub(crate) fn knowing(origin: Origin, registry: Registry) -> Self {
        Decoder {
            origin,
            registry,
            waits: None,
            values: HashMap::new(),
            keys: HashMap::new(),
            wanted: None,
            scratch: Vec::new(),
            key_scratch: Vec::new(),
            _entity: std::marker::PhantomData,
        }
    }

    /// Where schemas come from.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The error for a schema that the registry did not give, which is asked for again before anything is read.
    pub(crate) fn without(&mut self, id: u32, part: Part, source: RegistryError) -> StateError {
        self.wanted = Some((id, part));
        StateError::Registry {
            topic: self.origin.topic.to_string(),
            id,
            source,
        }
    }

    /// Asks for the schema whose lack ended the last attempt: until it is there, reading would end at the same record.
    pub(crate) fn ask_again(&mut self) -> Result<(), StateError> {
        let Some((id, part)) = self.wanted.take() else {
            return Ok(());
        };
        match self.resolution(id, part) {
            Err(Refusal::Unknown(id, source)) => Err(self.without(id, part, source)),
            // What else may be wrong with it is told with the record.
            Ok(_) | Err(Refusal::Poison(_)) => Ok(()),
        }
    }

    /// The key of its wire bytes, with its window's end.
    pub(crate) fn key(&mut self, wire: &[u8]) -> Result<T::Key, Refusal> {
        let mut key = self.key_as_written(wire)?;
        if let Some(size) = self.origin.window {
            key.end_window(size);
        }
        Ok(key)
    }

    fn key_as_written(&mut self, wire: &[u8]) -> Result<T::Key, Refusal> {
        if T::Key::COLUMNS < 2 {
            return Ok(T::Key::decode(wire)?);
        }
        let (id, body) = frame::read(wire)?;
        if id == self.origin.key_schema {
            return Ok(T::Key::decode(wire)?);
        }
        let mut scratch = std::mem::take(&mut self.key_scratch);
        scratch.clear();
        frame::write(self.origin.key_schema, &mut scratch);
        let written = self
            .resolution(id, Part::Key)
            .and_then(|plan| Ok(plan.transcode(body, &mut scratch)?));
        self.key_scratch = scratch;
        written?;
        Ok(T::Key::decode(&self.key_scratch)?)
    }

    /// Whether the schema of a value is known, and can be read as the entity's.
    pub(crate) fn known(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let (id, _) = frame::read(value)?;
        if id != self.origin.value_schema {
            self.resolution(id, Part::Value)?;
        }
        Ok(())
    }

    /// The body of a value in the entity's own form, not checked yet.
    pub(crate) fn value<'b>(&'b mut self, value: &'b [u8]) -> Result<&'b [u8], Refusal> {
        let (id, body) = frame::read(value)?;
        if id == self.origin.value_schema {
            return Ok(body);
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let written = self
            .resolution(id, Part::Value)
            .and_then(|plan| Ok(plan.transcode(body, &mut scratch)?));
        self.scratch = scratch;
        written?;
        Ok(&self.scratch)
    }

    /// The plan for a schema id, built once.
    fn resolution(&mut self, id: u32, part: Part) -> Result<&Resolution, Refusal> {
        let plans = match part {
            Part::Value => &mut self.values,
            Part::Key => &mut self.keys,
        };
        match plans.entry(id) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(free) => {
                let writer = match &self.waits {
                    Some((table, runtime)) => schema(table, &self.registry, runtime, id)?,
                    None => self
                        .registry
                        .known_schema(id)
                        .ok_or(Refusal::Unknown(id, RegistryError::Log(LogError::Closed)))?,
                };
                let plan = Resolution::build(&writer, T::MODEL, part)
                    .map_err(|error| format!("schema {id}: {error}"))?;
                Ok(free.insert(plan))
            }
        }
    }
}

/// The text of a schema. Waits for the registry, and for the order to stop.
fn schema(
    table: &Table,
    registry: &Registry,
    runtime: &tokio::runtime::Handle,
    id: u32,
) -> Result<Arc<str>, Refusal> {
    if let Some(known) = registry.known_schema(id) {
        return Ok(known);
    }
    let (answer, answered) = std::sync::mpsc::channel();
    let asked = registry.clone();
    // On the runtime, not on this thread: a runtime of one thread may be the one that waits for this thread to stop, and
    // would drive no request meanwhile.
    let task = runtime.spawn(async move {
        // Nobody listens once the table was told to stop.
        let _ = answer.send(asked.schema_by_id(id).await);
    });
    loop {
        match answered.recv_timeout(STOP_CHECK) {
            Ok(Ok(schema)) => return Ok(schema),
            Ok(Err(error)) if error.is_about_the_schema() => {
                return Err(Refusal::Poison(error.to_string()));
            }
            Ok(Err(error)) => return Err(Refusal::Unknown(id, error)),
            Err(RecvTimeoutError::Timeout) if !table.stopping() => {}
            // Told to stop, or the runtime is gone.
            Err(_) => {
                task.abort();
                return Err(Refusal::Unknown(id, RegistryError::Log(LogError::Closed)));
            }
        }
    }
}
