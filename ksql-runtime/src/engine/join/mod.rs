//! Joins: rows of several inputs become one, of which a result is made.
//!
//! The records of all inputs are taken in the order of time (see the lanes), since what a join finds depends on what came
//! before. Each makes its results at once; the order is noted before they are sent (see the intent), so that after a kill the
//! same are made again.
//!
//! Two streams within a time: see [`within`]. A stream that looks up tables: its records make results, a table's records only change what is found. Tables joined by
//! their keys: a record changes the row of its key, and the joined row before is compared with that after.
//!
//! Invariant: what is in memory is the store's state with everything taken since the last write; an error forgets both, and what
//! was taken is read again. Belongs to the query's thread.

mod kept;
mod keys;
mod lookup;
mod part;
#[cfg(test)]
mod tests;
mod waiting;
mod within;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ksql_schema::model::Kind;
use ksql_schema::query::plan::{self, JoinForm, JoinKind, Within};

use super::Site;
use super::intent::{Intent, Run};
use super::lanes::Lanes;
use super::output::Outputs;
use super::source::Source;
use super::store::{self, Counts, QueryStore};
use crate::entity::Entity;
use crate::log::{Fetched, Log, LogError, RecordRef};
use crate::query::{Inputs, Join, Project, Scratch, Visit};
use crate::state::{Origin, Progress, StateError, Table, Topics, Work};
use kept::Kept;
use part::{Held, Holding, What};
use waiting::Waiting;
use within::Clocks;

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
pub(super) struct Joining<Q: Join + Project> {
    lanes: Lanes,
    taking: Taking<Q>,
}

/// What takes records in.
struct Taking<Q: Join + Project> {
    query: Q,
    table: Arc<Table>,
    inputs: Vec<Box<dyn Holding>>,
    /// Of each number of a partition its input, and its own number there.
    places: Vec<(usize, i32)>,
    joins: Vec<plan::Join<'static>>,
    shape: Shape,
    kept: Kept,
    waiting: Waiting,
    clocks: Clocks,
    scratch: Scratch,
    store: QueryStore,
    outputs: Outputs,
    progress: Progress,
    sequence: u64,
    /// Records since the last write.
    taken: u64,
    began: Option<Instant>,
    /// A result was made since the last write.
    made: bool,
    /// What a join compares.
    on: Vec<u8>,
    /// The row before a change.
    before: Vec<u8>,
    key: Vec<u8>,
}

/// What is joined with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A stream looks up tables.
    Lookup,
    /// Tables by their keys.
    Keys,
    /// Two streams, by what they are compared by and their times.
    Within(Within, JoinKind),
}

/// Which joins there are, where this engine has them.
fn shape(plan: &plan::Query<'_>) -> Option<Shape> {
    let all = |form| plan.joins().all(|join| join.form == form);
    let mut joins = plan.joins();
    if let (Some(join), None) = (joins.next(), joins.next())
        && let JoinForm::Within(within) = join.form
    {
        return Some(Shape::Within(within, join.kind));
    }
    match plan.inputs.first()?.kind {
        Kind::Stream if all(JoinForm::Lookup) => Some(Shape::Lookup),
        Kind::Table if all(JoinForm::Keys) => Some(Shape::Keys),
        _ => None,
    }
}

/// Why a query cannot be run here, if so.
pub(super) fn refusal(plan: &plan::Query<'_>) -> Option<String> {
    match shape(plan) {
        Some(_) => None,
        None => Some(
            "joins by foreign keys, of more than two streams and of mixed kinds are not run in this process yet: run the query \
             on ksqlDB"
                .to_owned(),
        ),
    }
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

impl<Q: Join + Project<Input = <Q as Join>::Inputs>> Joining<Q> {
    pub(super) fn new(
        query: Q,
        table: &Arc<Table>,
        site: Site,
        runtime: &tokio::runtime::Handle,
    ) -> Joining<Q> {
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
        let most = table.settings.gather_bytes;
        Joining {
            lanes: Lanes::new(u32::try_from(places.len()).unwrap_or(u32::MAX), most / 4),
            taking: Taking {
                query,
                table: Arc::clone(table),
                inputs,
                places,
                joins: Q::PLAN.joins().collect(),
                shape: shape(Q::PLAN).unwrap_or(Shape::Lookup),
                kept: Kept::new(most / 4 * 3),
                waiting: Waiting::new(most / 4 * 3),
                clocks: Clocks {
                    of: Vec::new(),
                    late: 0,
                },
                scratch: Scratch::new(),
                store: QueryStore::new(table),
                outputs: Outputs::new::<Q::Output>(table, site.log, runtime, site.targets),
                progress: Progress::default(),
                sequence: 0,
                taken: 0,
                began: None,
                made: false,
                on: Vec::new(),
                before: Vec::new(),
                key: Vec::new(),
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

impl<Q: Join + Project<Input = <Q as Join>::Inputs>> Taking<Q> {
    /// Whether it is time to write.
    fn is_full(&self) -> bool {
        self.taken >= MOST_RECORDS
            || self.kept.is_full()
            || self.waiting.is_full()
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
        let place = (partition, record.offset, sequence);
        match (self.shape, what) {
            (Shape::Within(within, kind), What::Row(timestamp)) => {
                self.meet(within, kind, input, place, timestamp)
            }
            (Shape::Within(..), _) => Ok(()),
            (Shape::Keys, What::Row(timestamp)) => self.change(input, place, timestamp, true),
            (Shape::Keys, _) => self.change(input, place, record.timestamp, false),
            (Shape::Lookup, What::Row(timestamp)) if input == 0 => self.look_up(place, timestamp),
            // A record of a stream without a value joins nothing.
            (Shape::Lookup, _) if input == 0 => Ok(()),
            (Shape::Lookup, what) => {
                let held = self.inputs.get(input);
                if let Some(held) = held {
                    let row = match what {
                        What::Row(timestamp) => held.part().map(|part| (timestamp, part.body)),
                        _ => None,
                    };
                    self.kept.set((input, partition), held.wire(), row);
                }
                Ok(())
            }
        }
    }
}

impl<Q: Join + Project<Input = <Q as Join>::Inputs>> Work for Joining<Q> {
    fn forget(&mut self) -> Result<(), StateError> {
        self.begin();
        let taking = &mut self.taking;
        taking.outputs.clear();
        taking.progress.clear();
        taking.kept.forget();
        (taking.taken, taking.began, taking.made) = (0, None, false);
        taking.waiting.forget();
        let counts = taking.store.counts()?;
        (taking.sequence, taking.clocks.late) = (counts.sequence, counts.late);
        taking.table.set_left_out(counts.late, counts.keyless);
        self.take_up_time()
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
        if self.taking.made {
            self.intend()?;
            self.taking.outputs.send()?;
        }
        let taking = &mut self.taking;
        let (kept, waiting, clocks) = (&taking.kept, &taking.waiting, &taking.clocks);
        let counts = Counts {
            sequence: taking.sequence,
            late: clocks.late,
            keyless: taking.table.keyless(),
        };
        taking.table.store.write_logged(
            &taking.table.settings.store,
            |batch, family| {
                kept.store(batch, family);
                waiting.store(batch, family);
                for (partition, clock) in (0_i32..).zip(&clocks.of) {
                    if clock.moved {
                        store::put_time(batch, family, partition, clock.time);
                    }
                }
                store::put_counts(batch, family, counts);
                batch.delete_cf(family, [store::INTENT]);
            },
            taking.progress.offsets(topics),
        )?;
        taking.kept.wrote();
        taking.waiting.forget();
        taking
            .clocks
            .of
            .iter_mut()
            .for_each(|clock| clock.moved = false);
        taking.table.set_left_out(counts.late, counts.keyless);
        (taking.taken, taking.began, taking.made) = (0, None, false);
        taking.progress.publish(&taking.table);
        self.lanes.wrote();
        Ok(())
    }
}
