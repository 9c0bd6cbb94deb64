//! A table's thread: reads its topic, makes rows of records, writes them with the offsets they cover.
//!
//! One loop for restoring and for running: what was polled is put into one arena, sorted by key with the last value
//! kept, and written as one batch with the offsets. While far from the target more is gathered first: sorted input is
//! what RocksDB writes fastest.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::gathered::Gathered;
use super::status::{Lag, State};
use super::{OnPoison, StateError, Table};
use crate::codec::frame;
use crate::codec::resolve::{Part, Plan as Resolution};
use crate::entity::{Entity, EntityKey};
use crate::log::{Log, LogError, Offsets, RecordRef};
use crate::registry::Registry;

/// How long a poll waits; a waker ends it early.
const POLL: Duration = Duration::from_millis(500);

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
        match follow(table, log, &mut maker, &mut failures) {
            Ok(()) => break,
            Err(StateError::Log { source, .. })
                if may_pass(&source)
                    && table.settings.retries.is_none_or(|most| failures < most) =>
            {
                failures += 1;
                let topic = table.topic().to_owned();
                table.update(|status| {
                    status.error = Some(StateError::Log { topic, source });
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

/// Whether waiting can cure an error of the log.
fn may_pass(error: &LogError) -> bool {
    matches!(error, LogError::Storage { .. })
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
    scratch: Vec<u8>,
    key_scratch: Vec<u8>,
    _entity: std::marker::PhantomData<T>,
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
