//! Group by and aggregate: rows change what is kept for their group, and what is kept makes results.
//!
//! Rows are taken into groups in memory; a write tells the results of those that changed, then stores them. The order of
//! records is noted before results are sent (see the intent), so that a kill between the two changes nothing.
//!
//! Invariant: what is in memory is the store's state with everything taken since the last write; an error forgets both, and
//! what was taken is read again. Belongs to the query's thread.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ksql_schema::model::Kind;

use super::Site;
use super::event_time::EventTime;
use super::intent::{Intent, Run};
use super::keeping::{Keeping, Stop};
use super::lanes::Lanes;
use super::output::Outputs;
use super::source::{Read, Source};
use super::store::{self, Counts, QueryStore};
use crate::entity::{Entity, EntityKey};
use crate::log::{Fetched, Log, RecordRef};
use crate::query::{Aggregate, At, Scratch};
use crate::state::{Progress, StateError, Table, Topics, Work};

/// How long changes gather while there is more to read.
const GATHER: Duration = Duration::from_millis(200);
/// The same while nobody may read the results yet: the longer, the fewer there are of a group.
const GATHER_RESTORING: Duration = Duration::from_secs(1);
/// How many records are written together at most.
const MOST_RECORDS: u64 = 200_000;
/// How many are taken before it is asked whether it is time to write.
const AT_ONCE: u64 = 1024;
/// How long a poll waits for a record that is there.
const POLL: Duration = Duration::from_millis(200);

/// An aggregation at work.
pub(super) struct Aggregating<Q: Aggregate> {
    lanes: Lanes,
    taking: Taking<Q>,
}

/// What takes records in.
struct Taking<Q: Aggregate> {
    query: Q,
    table: Arc<Table>,
    source: Source<Q::Input>,
    time: EventTime,
    scratch: Scratch,
    store: QueryStore,
    keeping: Keeping<Q::Groups>,
    outputs: Outputs,
    progress: Progress,
    sequence: u64,
    /// Records since the last write.
    taken: u64,
    began: Option<Instant>,
    /// Of a table: the last row of each key that changed since the last write.
    last: Option<HashMap<Vec<u8>, Option<Vec<u8>>>>,
}

impl<E: Entity, Q: Aggregate<Input = E>> Aggregating<Q> {
    pub(super) fn new(
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
        }
        let most = table.settings.gather_bytes;
        let taking = Taking {
            query,
            table: Arc::clone(table),
            source: Source::new(table, site.registry, runtime),
            time: EventTime::of::<E>(),
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
            progress: Progress::default(),
            sequence: 0,
            taken: 0,
            began: None,
            last: of_table.then(HashMap::new),
        };
        Aggregating {
            lanes: Lanes::new(table.settings.topic.partitions, most / 8),
            taking,
        }
    }

    /// Goes on where the table's positions are.
    fn begin(&mut self) {
        let lag = self.taking.table.status().lag;
        self.lanes.begin(
            (0_i32..)
                .zip(&lag)
                .map(|(number, lag)| (number, lag.position, lag.end.max(lag.target))),
        );
    }

    /// Takes what is in the lanes in its order, until one of them has no more or it is time to write.
    fn take_in_order(&mut self) -> Result<(), StateError> {
        let Aggregating { lanes, taking } = self;
        taking.began.get_or_insert_with(Instant::now);
        let mut left = AT_ONCE;
        taking.scratch.reset();
        while let Some(index) = lanes.earliest(|_, record| taking.time_of(record))? {
            let Some((partition, record, behind)) = lanes.record(index) else {
                break;
            };
            taking.take(partition, &record)?;
            let offset = record.offset;
            if lanes.took(index, offset, behind) {
                break;
            }
            left = left.wrapping_sub(1);
            // A row of any size may make a group as much larger.
            if taking.keeping.is_full() {
                break;
            }
            if left == 0 {
                if taking.is_full() {
                    break;
                }
                left = AT_ONCE;
                taking.scratch.reset();
            }
        }
        let progress = &mut taking.progress;
        lanes.moved(|partition, to, end| progress.reached(partition, to, end));
        Ok(())
    }

    /// Takes a stretch again that was about to be written.
    fn take_again(&mut self, log: &Log, topics: &Topics, runs: &[Run]) -> Result<(), StateError> {
        let failed = |failed| topics.failed(failed);
        let from: Vec<(i32, i64)> = runs.iter().map(|run| (run.partition, run.from)).collect();
        let mut reader = topics.reader(log, &from).map_err(failed)?;
        reader.limit(self.lanes.portion());
        self.taking.table.keep_waker(reader.waker());
        self.lanes.begin_stretch(runs.iter().copied());
        while !self.lanes.is_over() {
            if self.taking.table.may_end() {
                return Err(failed((0, crate::log::LogError::Closed)));
            }
            if self.lanes.is_whole() {
                self.take_in_order()?;
                continue;
            }
            let lanes = &self.lanes;
            let fetched = reader.poll_of(POLL, |partition| lanes.wants(partition));
            if let Some(fetched) = fetched.map_err(failed)? {
                self.lanes.push(fetched);
            }
        }
        // Offsets without a record count too.
        let progress = &mut self.taking.progress;
        self.lanes
            .moved(|partition, to, end| progress.reached(partition, to, end));
        Ok(())
    }

    /// Notes what is about to be written.
    fn intend(&mut self) -> Result<(), StateError> {
        let mut bytes = Vec::new();
        self.lanes.intent().write(&mut bytes);
        let table = &self.taking.table;
        table.store.write_logged(
            &table.settings.store,
            |batch, family| batch.put_cf(family, [store::INTENT], &bytes),
            [],
        )
    }
}

impl<E: Entity, Q: Aggregate<Input = E>> Taking<Q> {
    /// Whether it is time to write.
    fn is_full(&self) -> bool {
        self.taken >= MOST_RECORDS || self.keeping.is_full() || self.outputs.is_full()
    }

    /// The time of a record; that of a record that is no row, or says none, does not matter.
    #[inline]
    fn time_of(&mut self, record: &RecordRef<'_>) -> Result<i64, StateError> {
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

    /// Takes a record.
    #[inline]
    fn take(&mut self, partition: i32, record: &RecordRef<'_>) -> Result<(), StateError> {
        let Taking {
            query,
            source,
            time,
            scratch,
            store,
            keeping,
            outputs,
            progress,
            sequence,
            taken,
            last,
            ..
        } = self;
        let (query, scratch) = (&*query, &*scratch);
        progress.count();
        *taken = taken.saturating_add(1);
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
            time.millis::<E>(row, scratch, record.timestamp)
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

impl<E: Entity, Q: Aggregate<Input = E>> Work for Aggregating<Q> {
    fn forget(&mut self) -> Result<(), StateError> {
        self.begin();
        let taking = &mut self.taking;
        taking.outputs.clear();
        taking.progress.clear();
        (taking.taken, taking.began) = (0, None);
        if let Some(last) = &mut taking.last {
            last.clear();
        }
        let counts = taking.store.counts()?;
        taking.sequence = counts.sequence;
        taking.source.keyless = 0;
        taking.keeping.forget(&taking.store, counts)
    }

    fn ask_again(&mut self) -> Result<(), StateError> {
        self.taking.source.ask_again()
    }

    fn resume(&mut self, log: &Log, topics: &Topics) -> Result<bool, StateError> {
        let store = &self.taking.store;
        let Some(intent) = store.get(&[store::INTENT], Intent::read)? else {
            return Ok(false);
        };
        let intent = intent.map_err(|_| store.damaged("what was about to be written"))?;
        for runs in &intent.stretches {
            self.take_again(log, topics, runs)?;
        }
        self.write(topics)?;
        self.begin();
        Ok(true)
    }

    fn wants(&self, partition: i32) -> bool {
        self.lanes.wants(partition)
    }

    fn portion(&self) -> usize {
        self.lanes.portion()
    }

    fn patience(&self) -> Duration {
        let stopping = self.taking.table.stopping();
        match (self.lanes.is_empty(), self.is_empty()) {
            (true, true) => Duration::MAX,
            (false, _) if !stopping => self.lanes.patience(Instant::now()),
            _ => Duration::ZERO,
        }
    }

    fn take(&mut self, fetched: Option<Fetched>) -> Result<bool, StateError> {
        let exhausted = fetched.is_none();
        if let Some(fetched) = fetched {
            self.lanes.push(fetched);
        }
        // An order to stop waits for nobody.
        let hurry = self.taking.table.stopping();
        if self.lanes.may_go_on(Instant::now(), exhausted, hurry) {
            self.take_in_order()?;
            return Ok(true);
        }
        let progress = &mut self.taking.progress;
        self.lanes
            .moved(|partition, to, end| progress.reached(partition, to, end));
        Ok(!exhausted || !self.lanes.is_empty())
    }

    fn is_empty(&self) -> bool {
        self.taking.progress.is_empty()
    }

    fn is_due(&self, more: bool, restoring: bool) -> bool {
        let gather = if restoring { GATHER_RESTORING } else { GATHER };
        let gathered = |began: Instant| began.elapsed() >= gather;
        !more || self.taking.is_full() || self.taking.began.is_some_and(gathered)
    }

    fn write(&mut self, topics: &Topics) -> Result<(), StateError> {
        if self.taking.keeping.has_changed() {
            self.intend()?;
            let taking = &mut self.taking;
            taking
                .keeping
                .tell(&taking.query, &mut taking.scratch, &mut taking.outputs)?;
            taking.outputs.send()?;
        }
        let taking = &mut self.taking;
        taking.keeping.close(&taking.store)?;
        let counts = Counts {
            sequence: taking.sequence,
            late: taking.keeping.late(),
            keyless: taking
                .keeping
                .keyless()
                .saturating_add(taking.source.keyless),
        };
        let (keeping, last) = (&mut taking.keeping, &mut taking.last);
        taking.table.store.write_logged(
            &taking.table.settings.store,
            |batch, family| {
                keeping.store(batch, family);
                store::put_counts(batch, family, counts);
                for (key, row) in last.iter_mut().flat_map(HashMap::drain) {
                    match row {
                        Some(row) => batch.put_cf(family, key, row),
                        None => batch.delete_cf(family, key),
                    }
                }
                batch.delete_cf(family, [store::INTENT]);
            },
            taking.progress.offsets(topics),
        )?;
        taking.keeping.wrote();
        (taking.taken, taking.began) = (0, None);
        taking.table.set_left_out(counts.late, counts.keyless);
        taking.progress.publish(&taking.table);
        self.lanes.wrote();
        Ok(())
    }
}
