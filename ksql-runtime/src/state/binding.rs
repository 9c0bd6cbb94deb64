//! A table's thread: reads its topic, makes rows of records, writes them with the offsets they cover.
//!
//! One loop for restoring and for running: what was polled is put into one arena, sorted by key with the last value
//! kept, and written as one batch with the offsets. While far from the target more is gathered first: sorted input is
//! what RocksDB writes fastest.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use super::gathered::Gathered;
use super::status::{Lag, State};
use super::{OnPoison, StateError, Table};
use crate::codec::frame;
use crate::codec::resolve::{Part, Plan as Resolution};
use crate::entity::{Entity, EntityKey};
use crate::log::{Log, LogError, Offsets, RecordRef};
use crate::registry::{Registry, RegistryError};

/// How long a poll waits; a waker ends it early.
const POLL: Duration = Duration::from_millis(500);

/// How often the wait for a schema looks whether the table is told to stop.
const STOP_CHECK: Duration = Duration::from_millis(20);

/// A stored row starts with what it is.
pub(crate) const ROW: u8 = 0;
/// A marked key: partition and offset of the record that was no row.
pub(crate) const POISON: u8 = 1;

/// Where each partition starts and when it is ready.
#[derive(Debug)]
pub(crate) struct Plan {
    lag: Vec<Lag>,
}

impl Plan {
    /// Compares what is stored with what the topic and the definition have.
    pub(crate) fn new(table: &Table, shape: u64, offsets: &[Offsets]) -> Result<Plan, StateError> {
        let store = &table.settings.store;
        let stored = table.store.shape(store)?;
        if stored.as_deref() != Some(&shape.to_be_bytes()) {
            if stored.is_some() {
                tracing::info!(
                    entity = table.entity,
                    "the definition has changed: the table is read again from its topic"
                );
            }
            table.store.clear(store)?;
            table.store.put_shape(store, shape)?;
        }
        match Self::compare(table, offsets) {
            Err(StateError::Truncated { .. } | StateError::Recreated { .. })
                if table.settings.rebuild_on_truncation =>
            {
                tracing::warn!(
                    entity = table.entity,
                    topic = table.topic(),
                    "topic truncated or created again: the table is rebuilt"
                );
                table.store.clear(store)?;
                table.store.put_shape(store, shape)?;
                Self::compare(table, offsets)
            }
            other => other,
        }
    }

    fn compare(table: &Table, offsets: &[Offsets]) -> Result<Plan, StateError> {
        let mut lag = Vec::with_capacity(offsets.len());
        for (partition, offsets) in (0_i32..).zip(offsets) {
            let position = match table.store.offset(&table.settings.store, partition)? {
                None => offsets.start,
                Some(stored) if stored.topic != table.settings.topic.id => {
                    return Err(StateError::Recreated {
                        topic: table.topic().to_owned(),
                    });
                }
                Some(stored) if stored.next > offsets.end || stored.next < offsets.start => {
                    return Err(StateError::Truncated {
                        topic: table.topic().to_owned(),
                        partition,
                        stored: stored.next,
                        start: offsets.start,
                        end: offsets.end,
                    });
                }
                Some(stored) => stored.next,
            };
            lag.push(Lag {
                partition,
                position,
                target: offsets.end,
                end: offsets.end,
            });
        }
        Ok(Plan { lag })
    }
}

/// The thread's whole life.
pub(crate) fn run<T: Entity>(
    table: &Arc<Table>,
    log: &Log,
    registry: &Registry,
    plan: Plan,
    runtime: &tokio::runtime::Handle,
) {
    let _span =
        tracing::debug_span!("table", entity = table.entity, topic = table.topic()).entered();
    table.update(|status| {
        status.lag = plan.lag;
        status.state = State::Rebalancing;
    });
    if table.status().reached_target() {
        table.update(|status| status.state = State::Running);
    }
    let mut maker = Maker::<T>::new(table, registry, runtime);
    let mut failures = 0_u32;
    while !table.stopping() {
        let followed = maker
            .ask_again()
            .and_then(|()| follow(table, log, &mut maker, &mut failures));
        match followed {
            Ok(()) => break,
            // The wait for a schema was given up.
            Err(StateError::Registry { .. }) if table.stopping() => break,
            Err(error)
                if may_pass(&error)
                    && table.settings.retries.is_none_or(|most| failures < most) =>
            {
                failures += 1;
                table.update(|status| {
                    status.error = Some(error);
                    status.state = State::Disconnected;
                });
                pause(table, failures);
            }
            Err(error) => {
                table.update(|status| {
                    status.error = Some(error);
                    status.state = State::Error;
                });
                return;
            }
        }
    }
}

/// Whether waiting can cure an error.
fn may_pass(error: &StateError) -> bool {
    match error {
        StateError::Log { source, .. } => source.is_transient(),
        StateError::Registry { source, .. } => source.is_transient(),
        _ => false,
    }
}

/// Waits with a capped exponential back-off; stopping ends it.
fn pause(table: &Table, failures: u32) {
    let settings = &table.settings;
    let wait = settings
        .retry_first
        .saturating_mul(1 << failures.saturating_sub(1).min(16))
        .min(settings.retry_longest);
    let end = std::time::Instant::now() + wait;
    while !table.stopping() && std::time::Instant::now() < end {
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

fn follow<T: Entity>(
    table: &Arc<Table>,
    log: &Log,
    maker: &mut Maker<'_, T>,
    failures: &mut u32,
) -> Result<(), StateError> {
    let failed = |source| StateError::Log {
        topic: table.topic().to_owned(),
        source,
    };
    let positions: Vec<(i32, i64)> = table
        .status()
        .lag
        .iter()
        .map(|lag| (lag.partition, lag.position))
        .collect();
    let mut reader = log.reader(table.topic(), &positions).map_err(failed)?;
    table.keep_waker(reader.waker());
    let mut gathered = Gathered::default();
    while !table.stopping() {
        // What is gathered is not waited upon.
        let wait = if gathered.is_empty() {
            POLL
        } else {
            Duration::ZERO
        };
        let fetched = match reader.poll(wait) {
            Ok(fetched) => fetched,
            Err(LogError::Closed) if table.stopping() => return Ok(()),
            Err(source) => return Err(failed(source)),
        };
        if *failures > 0 {
            *failures = 0;
            let back = if table.status().reached_target() {
                State::Running
            } else {
                State::Rebalancing
            };
            table.update(|status| {
                status.error = None;
                status.state = back;
            });
        }
        let more = fetched.is_some();
        if let Some(fetched) = fetched {
            for record in &fetched {
                maker.row(fetched.partition(), &record, &mut gathered)?;
            }
            gathered.reached(
                fetched.partition(),
                fetched.next_offset(),
                fetched.end_offset(),
            );
        }
        let restoring = !table.is_running();
        if !gathered.is_empty() && (!more || !restoring || gathered.is_full()) {
            gathered.write(table)?;
        }
    }
    if gathered.is_empty() {
        Ok(())
    } else {
        gathered.write(table)
    }
}

/// Makes a record a row of one entity.
struct Maker<'a, T> {
    table: &'a Arc<Table>,
    registry: &'a Registry,
    runtime: &'a tokio::runtime::Handle,
    values: HashMap<u32, Resolution>,
    keys: HashMap<u32, Resolution>,
    /// The schema that the registry could not give.
    wanted: Option<(u32, Part)>,
    scratch: Vec<u8>,
    key_scratch: Vec<u8>,
    _entity: std::marker::PhantomData<T>,
}

/// Why a record gave no row.
enum Refusal {
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

impl<'a, T: Entity> Maker<'a, T> {
    fn new(
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
            wanted: None,
            scratch: Vec::new(),
            key_scratch: Vec::new(),
            _entity: std::marker::PhantomData,
        }
    }

    fn row(
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
            Err(Refusal::Poison(reason)) => {
                return Err(poison(format!("the key cannot be read: {reason}")));
            }
            Err(Refusal::Unknown(id, source)) => return Err(self.without(id, Part::Key, source)),
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
            Err(Refusal::Unknown(id, source)) => {
                gathered.arena.truncate(start);
                return Err(self.without(id, Part::Value, source));
            }
            Err(Refusal::Poison(reason)) => match self.table.settings.on_poison {
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

    /// The error for a schema that the registry did not give, which is asked for again before anything is read.
    fn without(&mut self, id: u32, part: Part, source: RegistryError) -> StateError {
        self.wanted = Some((id, part));
        StateError::Registry {
            topic: self.table.topic().to_owned(),
            id,
            source,
        }
    }

    /// Asks for the schema whose lack ended the last attempt: until it is there, reading would end at the same record.
    fn ask_again(&mut self) -> Result<(), StateError> {
        let Some((id, part)) = self.wanted.take() else {
            return Ok(());
        };
        match self.resolution(id, part) {
            Err(Refusal::Unknown(id, source)) => Err(self.without(id, part, source)),
            // What else may be wrong with it is told with the record.
            Ok(_) | Err(Refusal::Poison(_)) => Ok(()),
        }
    }

    fn key(&mut self, wire: &[u8]) -> Result<T::Key, Refusal> {
        if T::Key::COLUMNS < 2 {
            return Ok(T::Key::decode(wire)?);
        }
        let (id, body) = frame::read(wire)?;
        if id == self.table.settings.key_schema {
            return Ok(T::Key::decode(wire)?);
        }
        let mut scratch = std::mem::take(&mut self.key_scratch);
        scratch.clear();
        frame::write(self.table.settings.key_schema, &mut scratch);
        let written = self
            .resolution(id, Part::Key)
            .and_then(|plan| Ok(plan.transcode(body, &mut scratch)?));
        self.key_scratch = scratch;
        written?;
        Ok(T::Key::decode(&self.key_scratch)?)
    }

    fn value(&mut self, value: &[u8], out: &mut Vec<u8>) -> Result<(), Refusal> {
        let (id, body) = frame::read(value)?;
        if id == self.table.settings.value_schema {
            T::check(body)?;
            out.extend_from_slice(body);
            return Ok(());
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let written = self
            .resolution(id, Part::Value)
            .and_then(|plan| Ok(plan.transcode(body, &mut scratch)?));
        self.scratch = scratch;
        written?;
        T::check(&self.scratch)?;
        out.extend_from_slice(&self.scratch);
        Ok(())
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
                let writer = schema(self.table, self.registry, self.runtime, id)?;
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
