//! Joins: rows of several inputs become one, of which a result is made.
//!
//! The records of all inputs are taken in the order of time (see the lanes), since what a join finds depends on what came
//! before. Each makes its rows at once, which a sink turns into results or takes into groups; the order is noted before results
//! are sent (see the intent), so that after a kill the same are made again.
//!
//! Where the first input is a stream its rows go through one join after the other: they meet another stream's within a time
//! ([`within`]), or look up a table ([`lookup`]). Where it is a table a record changes the row of its key, and the joined row
//! before is compared with that after ([`keys`]).
//!
//! Invariant: what is in memory is the store's state with everything taken since the last write; an error forgets both, and what
//! was taken is read again. Belongs to the query's thread.

mod clocks;
mod kept;
mod keys;
mod lookup;
mod named;
mod part;
mod sink;
#[cfg(test)]
mod tests;
mod waiting;
mod within;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ksql_schema::model::Kind;
use ksql_schema::query::plan::{self, JoinForm};

use super::Site;
use super::intent::{Intent, Run};
use super::keeping::Keeping;
use super::lanes::Lanes;
use super::output::Outputs;
use super::source::Source;
use super::store::{self, Counts, QueryStore};
use crate::entity::Entity;
use crate::log::{Fetched, Log, LogError, RecordRef};
use crate::query::{Aggregate, At, Inputs, Join, Project, Scratch, Side, Visit};
use crate::state::{Origin, Progress, StateError, Table, Topics, Work};
use clocks::Clocks;
use kept::Kept;
use named::Named;
use part::{Have, Held, Holding, What, joined};
use sink::{Grouped, Projected, Sink, With};
use waiting::{Met, Waiting};

/// How long changes gather while there is more to read.
const GATHER: Duration = Duration::from_millis(200);
/// How many records are written together at most.
const MOST_RECORDS: u64 = 200_000;
/// How many are taken before it is asked whether it is time to write.
const AT_ONCE: u64 = 1024;
/// How long a poll waits for a record that is there.
const POLL: Duration = Duration::from_millis(200);
/// As many inputs as a query may join.
const MOST_INPUTS: usize = 6;
/// What a joined row that cannot be put together is called.
const JOINED_ROW: &str = "a row that is joined";

/// A join at work.
pub(super) struct Joining<Q: Join, S> {
    lanes: Lanes,
    taking: Taking<Q, S>,
}

/// A join whose rows become results.
pub(super) type JoinedProjecting<Q> = Joining<Q, Projected>;
/// A join whose rows are grouped.
pub(super) type JoinedAggregating<Q> = Joining<Q, Grouped<<Q as Aggregate>::Groups>>;

/// Where the record stands that is taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) input: usize,
    /// Its partition in the topic of its input.
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) sequence: u64,
}

/// What takes records in.
struct Taking<Q: Join, S> {
    query: Q,
    table: Arc<Table>,
    inputs: Vec<Box<dyn Holding>>,
    /// Which inputs hold a part of the row that is being made.
    have: Have,
    /// Of each number of a partition its input, and its own number there.
    places: Vec<(usize, i32)>,
    joins: Vec<plan::Join<'static>>,
    /// Whether the first input is a table.
    tables: bool,
    /// How many partitions each input has.
    partitions: u32,
    kept: Kept,
    named: Named,
    waiting: Waiting,
    clocks: Clocks,
    sink: S,
    scratch: Scratch,
    store: QueryStore,
    outputs: Outputs,
    progress: Progress,
    sequence: u64,
    /// Records that came too late for a join, since what is in memory was forgotten.
    late: u64,
    /// Records without what a join compares, since then.
    keyless: u64,
    /// Records since the last write.
    taken: u64,
    began: Option<Instant>,
    /// What a join compares.
    on: Vec<u8>,
    /// Records that were met.
    met: Met,
    /// A record that is about to wait.
    own: Vec<u8>,
    key: Vec<u8>,
    /// The key of a row that changes, the row, and the row before.
    wire: Vec<u8>,
    row: Vec<u8>,
    before: Vec<u8>,
}

/// Why a query cannot be run here, if so.
pub(super) fn refusal(plan: &plan::Query<'_>) -> Option<String> {
    let stream = plan.inputs.first()?.kind == Kind::Stream;
    let runs = plan
        .joins()
        .enumerate()
        .all(|(index, join)| match join.form {
            JoinForm::Within(_) | JoinForm::Lookup => stream,
            JoinForm::Keys => !stream,
            JoinForm::ForeignKey => !stream && index == 0,
        });
    (!runs || plan.inputs.len() > MOST_INPUTS).then(|| {
        "it joins what cannot be joined in one query: write each join as a query of its own over the output of the one before"
            .to_owned()
    })
}

/// Makes the inputs as their types are shown.
struct Making<'a> {
    table: &'a Arc<Table>,
    site: &'a Site,
    runtime: &'a tokio::runtime::Handle,
    topics: &'a Topics,
    inputs: Vec<Box<dyn Holding>>,
}

impl Visit for Making<'_> {
    fn input<T: Entity>(&mut self) {
        let index = self.inputs.len();
        let (Some(topic), Some((value_schema, key_schema))) =
            (self.topics.iter().nth(index), self.site.forms.get(index))
        else {
            return;
        };
        let origin = Origin {
            topic: Arc::clone(&topic.name),
            value_schema: *value_schema,
            key_schema: *key_schema,
        };
        let registry = self.site.registry.clone();
        let source = Source::<T>::of(self.table, origin, registry, self.runtime);
        self.inputs.push(Box::new(Held::new(source)));
    }
}

impl<Q: Join + Project<Input = <Q as Join>::Inputs>> JoinedProjecting<Q> {
    pub(super) fn projecting(
        query: Q,
        table: &Arc<Table>,
        site: Site,
        runtime: &tokio::runtime::Handle,
    ) -> JoinedProjecting<Q> {
        Joining::new(query, table, site, runtime, Projected::default())
    }
}

impl<Q: Join + Aggregate<Input = <Q as Join>::Inputs>> JoinedAggregating<Q> {
    pub(super) fn aggregating(
        query: Q,
        table: &Arc<Table>,
        site: Site,
        runtime: &tokio::runtime::Handle,
    ) -> JoinedAggregating<Q> {
        let keeping = Keeping::new(
            table,
            Q::Output::MODEL,
            site.targets.first(),
            site.emit,
            table.settings.gather_bytes / 2,
        );
        Joining::new(query, table, site, runtime, Grouped(keeping))
    }
}

impl<Q: Join, S: Sink<Q>> Joining<Q, S> {
    fn new(
        query: Q,
        table: &Arc<Table>,
        site: Site,
        runtime: &tokio::runtime::Handle,
        sink: S,
    ) -> Joining<Q, S> {
        let topics = table.topics();
        let mut making = Making {
            table,
            site: &site,
            runtime,
            topics: &topics,
            inputs: Vec::new(),
        };
        Q::Inputs::visit(&mut making);
        let inputs = making.inputs;
        let places: Vec<(usize, i32)> = topics
            .iter()
            .enumerate()
            .flat_map(|(index, topic)| {
                (0..topic.partitions.cast_signed()).map(move |own| (index, own))
            })
            .collect();
        let store = QueryStore::new(table);
        // Before the query is seen to run. What cannot be read is met again, and told, when it begins.
        if let Ok(counts) = store.counts() {
            table.set_left_out(counts.late, counts.keyless);
        }
        let most = table.settings.gather_bytes;
        let joins: Vec<plan::Join<'static>> = Q::PLAN.joins().collect();
        let partitions = topics.iter().next().map_or(0, |topic| topic.partitions);
        let first = Q::PLAN.inputs.first().map(|input| input.kind);
        Joining {
            lanes: Lanes::new(u32::try_from(places.len()).unwrap_or(u32::MAX), most / 8),
            taking: Taking {
                query,
                table: Arc::clone(table),
                inputs,
                have: Have::default(),
                places,
                tables: first == Some(Kind::Table),
                partitions,
                kept: Kept::new(most / 2),
                named: Named::new(most / 4),
                waiting: Waiting::new(most / 2),
                clocks: Clocks::new(joins.len(), partitions),
                joins,
                sink,
                scratch: Scratch::new(),
                store,
                outputs: Outputs::new::<Q::Output>(table, site.log, runtime, site.targets),
                progress: Progress::default(),
                sequence: 0,
                late: 0,
                keyless: 0,
                taken: 0,
                began: None,
                on: Vec::new(),
                met: Met::default(),
                own: Vec::new(),
                key: Vec::new(),
                wire: Vec::new(),
                row: Vec::new(),
                before: Vec::new(),
            },
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
        let Joining { lanes, taking } = self;
        taking.began.get_or_insert_with(Instant::now);
        let mut left = AT_ONCE;
        taking.scratch.reset();
        while let Some(index) = lanes.earliest(|number, record| taking.time_of(number, record))? {
            let Some((number, record, behind)) = lanes.record(index) else {
                break;
            };
            taking.take(number, &record)?;
            let offset = record.offset;
            if lanes.took(index, offset, behind) {
                break;
            }
            left = left.wrapping_sub(1);
            if left == 0 {
                if taking.is_full() {
                    break;
                }
                left = AT_ONCE;
                taking.scratch.reset();
            }
        }
        self.note_moved();
        Ok(())
    }

    /// Offsets without a record count too.
    fn note_moved(&mut self) {
        let progress = &mut self.taking.progress;
        self.lanes
            .moved(|number, to, end| progress.reached(number, to, end));
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
                return Err(failed((0, LogError::Closed)));
            }
            if self.lanes.is_whole() {
                self.take_in_order()?;
                continue;
            }
            let lanes = &self.lanes;
            let fetched = reader.poll_of(POLL, |number| lanes.wants(number));
            if let Some(fetched) = fetched.map_err(failed)? {
                self.lanes.push(fetched);
            }
        }
        self.note_moved();
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

impl<Q: Join, S: Sink<Q>> Taking<Q, S> {
    /// Whether it is time to write.
    fn is_full(&self) -> bool {
        self.taken >= MOST_RECORDS
            || self.kept.is_full()
            || self.named.is_full()
            || self.waiting.is_full()
            || self.sink.is_full()
            || self.outputs.is_full()
    }

    fn place(&self, number: i32) -> (usize, i32) {
        usize::try_from(number)
            .ok()
            .and_then(|number| self.places.get(number).copied())
            .unwrap_or_default()
    }

    #[inline]
    fn time_of(&mut self, number: i32, record: &RecordRef<'_>) -> Result<i64, StateError> {
        let (input, _) = self.place(number);
        match self.inputs.get_mut(input) {
            Some(held) => held.time_of(record, &self.scratch),
            None => Ok(record.timestamp),
        }
    }

    /// Takes a record.
    #[inline]
    fn take(&mut self, number: i32, record: &RecordRef<'_>) -> Result<(), StateError> {
        self.progress.count();
        self.taken = self.taken.saturating_add(1);
        let (input, partition) = self.place(number);
        let Some(held) = self.inputs.get_mut(input) else {
            return Ok(());
        };
        let what = held.read(partition, record, &self.scratch)?;
        if what == What::Nothing {
            return Ok(());
        }
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        let place = Place {
            input,
            partition,
            offset: record.offset,
            sequence,
        };
        if self.tables {
            return match what {
                What::Row(timestamp) => self.change(place, timestamp, true),
                _ => self.change(place, record.timestamp, false),
            };
        }
        self.have = Have::default();
        self.set_have(input, true);
        let Some(node) = input.checked_sub(1) else {
            return match what {
                What::Row(timestamp) => self.arrive(0, place, timestamp),
                // A record of a stream without a value joins nothing.
                _ => Ok(()),
            };
        };
        let Some(join) = self.joins.get(node).copied() else {
            return Ok(());
        };
        match (join.form, what) {
            (JoinForm::Within(within), What::Row(timestamp)) => {
                self.meet(node, (join.kind, within), Side::Right, place, timestamp)
            }
            (JoinForm::Within(_), _) => Ok(()),
            (_, what) => {
                let Taking { inputs, kept, .. } = self;
                if let Some(held) = inputs.get(input) {
                    let row = match what {
                        What::Row(timestamp) => Some((timestamp, held.body())),
                        _ => None,
                    };
                    kept.set(input, held.wire(), row);
                }
                Ok(())
            }
        }
    }

    /// A row that is held comes to a join, or out of the last one.
    #[inline]
    fn arrive(&mut self, node: usize, place: Place, timestamp: i64) -> Result<(), StateError> {
        let Some(join) = self.joins.get(node).copied() else {
            return self.give(place, timestamp);
        };
        match join.form {
            JoinForm::Within(within) => {
                self.meet(node, (join.kind, within), Side::Left, place, timestamp)
            }
            _ => self.look_up(node, &join, place, timestamp),
        }
    }

    /// Gives the row that is held to the sink.
    fn give(&mut self, place: Place, timestamp: i64) -> Result<(), StateError> {
        let Taking {
            query,
            inputs,
            have,
            scratch,
            store,
            outputs,
            sink,
            ..
        } = self;
        let (query, scratch) = (&*query, &*scratch);
        let at = at(scratch, place, timestamp);
        let mut parts = [None; MOST_INPUTS];
        let row = joined::<Q>(inputs, have, &mut parts, store)?;
        let with = With {
            query,
            store,
            outputs,
            place,
        };
        sink.row(with, &at, row)
    }

    fn set_have(&mut self, input: usize, has: bool) {
        if let Some(have) = self.have.get_mut(input) {
            *have = has;
        }
    }

    /// What a join compares of the row that is held; `false` where that is NULL, which is counted.
    #[inline]
    fn compared(
        &mut self,
        node: usize,
        side: Side,
        place: Place,
        timestamp: i64,
    ) -> Result<bool, StateError> {
        let known = self.on_of(node, side, place, timestamp)?;
        if !known {
            self.keyless = self.keyless.saturating_add(1);
        }
        Ok(known)
    }

    /// As [`Taking::compared`], where nothing is left out for it.
    #[inline]
    fn on_of(
        &mut self,
        node: usize,
        side: Side,
        place: Place,
        timestamp: i64,
    ) -> Result<bool, StateError> {
        let Taking {
            query,
            inputs,
            have,
            scratch,
            store,
            on,
            ..
        } = self;
        on.clear();
        let at = at(scratch, place, timestamp);
        let mut parts = [None; MOST_INPUTS];
        let row = joined::<Q>(inputs, have, &mut parts, store)?;
        Ok(query.on(node, side, &at, row, on))
    }

    /// What was left out so far.
    fn left_out(&self) -> (u64, u64) {
        let (late, keyless) = self.sink.left_out();
        let without: u64 = self.inputs.iter().map(|held| held.keyless()).sum();
        (
            late.saturating_add(self.late),
            keyless.saturating_add(self.keyless).saturating_add(without),
        )
    }
}

fn at(scratch: &Scratch, place: Place, timestamp: i64) -> At<'_> {
    At {
        scratch,
        timestamp,
        partition: place.partition,
        offset: place.offset,
        sequence: place.sequence,
        exploded: &[],
    }
}

impl<Q: Join, S: Sink<Q>> Work for Joining<Q, S> {
    fn forget(&mut self) -> Result<(), StateError> {
        self.begin();
        let taking = &mut self.taking;
        taking.outputs.clear();
        taking.progress.clear();
        taking.kept.forget();
        taking.named.forget();
        taking.waiting.forget();
        (taking.taken, taking.began) = (0, None);
        let counts = taking.store.counts()?;
        taking.sequence = counts.sequence;
        (taking.late, taking.keyless) = (0, 0);
        taking.inputs.iter_mut().for_each(|held| held.forget());
        taking.clocks.forget(&taking.store)?;
        taking.sink.forget(&taking.store, counts)
    }

    fn ask_again(&mut self) -> Result<(), StateError> {
        self.taking
            .inputs
            .iter_mut()
            .try_for_each(|held| held.ask_again())
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

    fn wants(&self, number: i32) -> bool {
        self.lanes.wants(number)
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
        self.note_moved();
        Ok(!exhausted || !self.lanes.is_empty())
    }

    fn is_empty(&self) -> bool {
        self.taking.progress.is_empty()
    }

    fn is_due(&self, more: bool, _restoring: bool) -> bool {
        let gathered = |began: Instant| began.elapsed() >= GATHER;
        !more || self.taking.is_full() || self.taking.began.is_some_and(gathered)
    }

    fn write(&mut self, topics: &Topics) -> Result<(), StateError> {
        if self.taking.sink.has_changed() {
            self.intend()?;
            let taking = &mut self.taking;
            taking
                .sink
                .tell(&taking.query, &mut taking.scratch, &mut taking.outputs)?;
            taking.outputs.send()?;
        }
        let taking = &mut self.taking;
        taking.sink.close(&taking.store)?;
        let (late, keyless) = taking.left_out();
        let counts = Counts {
            sequence: taking.sequence,
            late,
            keyless,
        };
        let Taking {
            kept,
            named,
            waiting,
            clocks,
            sink,
            ..
        } = taking;
        taking.table.store.write_logged(
            &taking.table.settings.store,
            |batch, family| {
                kept.store(batch, family);
                named.store(batch, family);
                waiting.store(batch, family);
                clocks.store(batch, family);
                sink.store(batch, family);
                store::put_counts(batch, family, counts);
                batch.delete_cf(family, [store::INTENT]);
            },
            taking.progress.offsets(topics),
        )?;
        taking.kept.wrote();
        taking.named.forget();
        taking.waiting.wrote();
        taking.clocks.wrote();
        taking.sink.wrote();
        taking.table.set_left_out(counts.late, counts.keyless);
        (taking.taken, taking.began) = (0, None);
        taking.progress.publish(&taking.table);
        self.lanes.wrote();
        Ok(())
    }
}
