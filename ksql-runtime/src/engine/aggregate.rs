//! Group by and aggregate: rows change what is kept for their group, and what is kept makes results.
//!
//! Rows are taken into groups in memory; a write tells the results of those that changed, then stores them.
//!
//! Invariant: what is in memory is the store's state with everything taken since the last write. Belongs to the query's thread.

use std::collections::HashMap;
use std::sync::Arc;

use ksql_schema::model::Kind;
use rocksdb::WriteBatch;

use super::Site;
use super::duty::Office;
use super::event_time::EventTime;
use super::keeping::{Keeping, Stop};
use super::ordered::{Ordered, Taking};
use super::output::Outputs;
use super::source::{Read, Source};
use super::store::{self, Counts, QueryStore};
use crate::clock::Clock;
use crate::entity::{Entity, EntityKey};
use crate::log::RecordRef;
use crate::query::{Aggregate, At, Scratch};
use crate::state::{Progress, StateError, Table, Topics};

/// An aggregation at work.
pub(super) type Aggregating<Q> = Ordered<Grouping<Q>>;

/// What takes rows into groups.
pub(super) struct Grouping<Q: Aggregate> {
    query: Q,
    table: Arc<Table>,
    source: Source<Q::Input>,
    time: EventTime,
    clock: Clock,
    scratch: Scratch,
    store: QueryStore,
    keeping: Keeping<Q::Groups>,
    outputs: Outputs,
    sequence: u64,
    /// What was counted up to the last write, and how many rows of the future were in it.
    packed: (Counts, u64),
    /// Of a table: the last row of each key that changed since the last write.
    last: Option<HashMap<Vec<u8>, Option<Vec<u8>>>>,
}

impl<E: Entity, Q: Aggregate<Input = E>> Grouping<Q> {
    pub(super) fn start(
        query: Q,
        table: &Arc<Table>,
        site: Site,
        runtime: &tokio::runtime::Handle,
    ) -> Aggregating<Q> {
        let of_table = Q::PLAN
            .inputs
            .first()
            .is_some_and(|input| input.kind == Kind::Table);
        let store = QueryStore::new(table);
        // Before the query is seen to run. What cannot be read is met again, and told, when it begins.
        if let Ok(counts) = store.counts() {
            table.set_left_out(counts.late, counts.keyless);
            table.set_open_windows(counts.open);
        }
        let most = table.settings.gather_bytes;
        let office = Office::of(&site, table, runtime);
        let grouping = Grouping {
            query,
            table: Arc::clone(table),
            source: Source::new(table, site.registry, runtime),
            time: EventTime::of::<E>(),
            clock: site.clock,
            scratch: Scratch::new(),
            store,
            keeping: Keeping::new(
                table,
                Q::Output::MODEL,
                site.targets.first(),
                site.emit,
                most / 8 * 7,
            ),
            outputs: Outputs::new::<Q::Output>(table, site.log, runtime, site.targets),
            sequence: 0,
            packed: Default::default(),
            last: of_table.then(HashMap::new),
        };
        let partitions = table.settings.topic.partitions;
        Ordered::new(grouping, table, (office, runtime), partitions, most / 8)
    }
}

impl<E: Entity, Q: Aggregate<Input = E>> Taking for Grouping<Q> {
    fn forget(&mut self) -> Result<(), StateError> {
        self.outputs.clear();
        self.time.forget();
        if let Some(last) = &mut self.last {
            last.clear();
        }
        let counts = self.store.counts()?;
        self.sequence = counts.sequence;
        self.source.keyless = 0;
        self.keeping.forget(&self.store, counts)
    }

    fn ask_again(&mut self) -> Result<(), StateError> {
        self.source.ask_again()
    }

    fn refresh(&mut self) {
        self.scratch.reset();
        self.time.set_now(self.clock.now_ms());
    }

    fn is_full(&self) -> bool {
        self.keeping.is_full() || self.outputs.is_full()
    }

    fn is_crammed(&self) -> bool {
        self.keeping.is_full()
    }

    fn has_changed(&self) -> bool {
        self.keeping.has_changed()
    }

    fn outputs(&mut self) -> &mut Outputs {
        &mut self.outputs
    }

    fn tell(&mut self) -> Result<(), StateError> {
        self.keeping
            .tell(&self.query, &mut self.scratch, &mut self.outputs)
    }

    fn pack(&mut self, progress: &Progress, topics: &Topics) -> Result<WriteBatch, StateError> {
        self.keeping.close(&self.store)?;
        let counts = Counts {
            sequence: self.sequence,
            late: self.keeping.late(),
            keyless: self.keeping.keyless().saturating_add(self.source.keyless),
            open: None,
        };
        let (keeping, last) = (&mut self.keeping, &mut self.last);
        let batch = self.table.store.pack(
            &self.table.settings.store,
            |batch, family| {
                keeping.store(batch, family);
                let open = keeping.open();
                store::put_counts(batch, family, Counts { open, ..counts });
                for (key, row) in last.iter_mut().flat_map(HashMap::drain) {
                    match row {
                        Some(row) => batch.put_cf(family, key, row),
                        None => batch.delete_cf(family, key),
                    }
                }
                batch.delete_cf(family, [store::INTENT]);
            },
            progress.offsets(topics),
        )?;
        self.packed = (counts, self.time.ahead());
        Ok(batch)
    }

    fn may_take_on(&self) -> bool {
        // What is kept of a table's rows would have to be looked for in the batch.
        self.last.is_none() && self.keeping.may_take_on()
    }

    fn wrote(&mut self) -> Result<(), StateError> {
        self.keeping.wrote();
        let (counts, ahead) = self.packed;
        self.table.counts.add_future(ahead);
        self.table.set_open_windows(self.keeping.open());
        self.table.set_left_out(counts.late, counts.keyless);
        Ok(())
    }

    #[inline]
    fn time_of(&mut self, _: i32, record: &RecordRef<'_>) -> Result<i64, StateError> {
        if !self.time.is_in_row() {
            return Ok(record.timestamp);
        }
        let Some((key, body)) = self.source.look(record)? else {
            return Ok(record.timestamp);
        };
        let said = match E::decode_row(&key, body) {
            Ok(row) => self.time.millis::<E>(row, &self.scratch, record.timestamp),
            Err(_) => None,
        };
        Ok(said.unwrap_or(record.timestamp))
    }

    #[inline]
    fn take(&mut self, partition: i32, record: &RecordRef<'_>) -> Result<(), StateError> {
        let Grouping {
            query,
            source,
            time,
            scratch,
            store,
            keeping,
            outputs,
            sequence,
            last,
            ..
        } = self;
        let (query, scratch) = (&*query, &*scratch);
        let (read, judge) = source.read(partition, record)?;
        let (key, body) = match read {
            Read::Nothing => return Ok(()),
            Read::Row(key, body) => (key, Some(body)),
            Read::Gone(key) => (key, None),
        };
        let row = match body.map(|body| E::decode_row(&key, body)).transpose() {
            Ok(row) => row,
            Err(error) => return judge.unreadable(partition, record.offset, &error),
        };
        let said = row.map_or(Some(record.timestamp), |row| {
            time.of_taken::<E>(row, scratch, record.timestamp)
        });
        let Some(timestamp) = said else {
            judge.timeless(partition, record.offset);
            return Ok(());
        };
        let at = At {
            scratch,
            timestamp,
            partition,
            offset: record.offset,
            sequence: *sequence,
            exploded: &[],
        };
        *sequence = sequence.wrapping_add(1);
        let told = |stop| match stop {
            Stop::State(error) => error,
            Stop::Overflow(overflow) => judge.impossible(partition, record.offset, &overflow),
        };
        if let Some(last) = last {
            let mut ordered = vec![store::LAST];
            key.encode_ordered(&mut ordered);
            let before = match last.get(&ordered) {
                Some(known) => known.clone(),
                None => store.get(&ordered, <[u8]>::to_vec)?,
            };
            if let Some(before) = &before {
                let (old_at, body) = store::last_row(before, at)
                    .ok_or_else(|| store.damaged("a row of the source"))?;
                let old =
                    E::decode_row(&key, body).map_err(|_| store.damaged("a row of the source"))?;
                // Within a group a row is replaced in one step.
                let replaced =
                    row.is_some_and(|row| keeping.is_one_group(query, (&old_at, old), (&at, row)));
                let change = (timestamp, replaced);
                keeping
                    .remove(query, store, outputs, &old_at, old, change)
                    .map_err(told)?;
            }
            let now = body.map(|body| store::write_last_row(&at, body));
            if before.is_some() || now.is_some() {
                drop(last.insert(ordered, now));
            }
        }
        match row {
            Some(row) => keeping.add(query, store, outputs, &at, row).map_err(told),
            None => Ok(()),
        }
    }
}
