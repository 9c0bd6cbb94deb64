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

mod bucket;
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

use ksql_schema::model::Kind;
use ksql_schema::query::plan::{self, JoinForm};
use rocksdb::WriteBatch;

use super::Site;
use super::duty::Office;
use super::keeping::Keeping;
use super::ordered::{Ordered, Taking};
use super::output::Outputs;
use super::store::{self, Counts, QueryStore};
use super::windows;
use crate::clock::Clock as WallClock;
use crate::entity::Entity;
use crate::log::RecordRef;
use crate::query::{Aggregate, At, Join, Project, Scratch, Side};
use crate::state::{Progress, StateError, Table, Topics};
use bucket::Met;
use clocks::Clocks;
use kept::Kept;
use named::Named;
use part::{Have, Holding, What, joined};
use sink::{Grouped, Projected, Sink, With};
use waiting::Waiting;

/// As many inputs as a query may join.
const MOST_INPUTS: usize = 6;
/// What a joined row that cannot be put together is called.
const JOINED_ROW: &str = "a row that is joined";

/// Where the record stands that is taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) input: usize,
    /// Its partition in the topic of its input.
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) sequence: u64,
}

/// A join at work.
pub(super) struct Joining<Q: Join, S> {
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
    /// How many bytes of a key are its window's.
    window: usize,
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
    sequence: u64,
    clock: WallClock,
    /// Records that came too late for a join, since what is in memory was forgotten.
    late: u64,
    /// Records without what a join compares, since then.
    keyless: u64,
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

/// The memory of each part of a query that keeps something: what the lanes leave, by how many there are.
fn share(table: &Table, plan: &plan::Query<'_>, groups: bool) -> usize {
    let has = |form: fn(JoinForm) -> bool| usize::from(plan.joins().any(|join| form(join.form)));
    let parts = usize::from(groups)
        .saturating_add(has(|form| matches!(form, JoinForm::Within(_))))
        .saturating_add(has(|form| !matches!(form, JoinForm::Within(_))))
        .saturating_add(has(|form| form == JoinForm::ForeignKey));
    table.settings.gather_bytes / 8 * 7 / parts.max(1)
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

impl<Q: Join + Project<Input = <Q as Join>::Inputs>> Joining<Q, Projected> {
    /// Its rows become results.
    pub(super) fn projecting(
        query: Q,
        table: &Arc<Table>,
        site: Site,
        runtime: &tokio::runtime::Handle,
    ) -> Ordered<Self> {
        Joining::start(query, table, site, runtime, Projected::default())
    }
}

impl<Q: Join + Aggregate<Input = <Q as Join>::Inputs>> Joining<Q, Grouped<Q::Groups>> {
    /// Its rows are grouped.
    pub(super) fn aggregating(
        query: Q,
        table: &Arc<Table>,
        site: Site,
        runtime: &tokio::runtime::Handle,
    ) -> Ordered<Self> {
        let keeping = Keeping::new(
            table,
            Q::Output::MODEL,
            site.targets.first(),
            site.emit,
            share(table, Q::PLAN, true),
        );
        Joining::start(query, table, site, runtime, Grouped(keeping))
    }
}

impl<Q: Join, S: Sink<Q>> Joining<Q, S> {
    fn start(
        query: Q,
        table: &Arc<Table>,
        site: Site,
        runtime: &tokio::runtime::Handle,
        sink: S,
    ) -> Ordered<Self> {
        let topics = table.topics();
        let inputs = part::holders::<Q::Inputs>(table, &site, runtime);
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
            table.set_open_windows(counts.open);
        }
        let most = share(table, Q::PLAN, S::KEEPS);
        let office = Office::of(&site, table, runtime);
        let joins: Vec<plan::Join<'static>> = Q::PLAN.joins().collect();
        let partitions = topics.iter().next().map_or(0, |topic| topic.partitions);
        let first = Q::PLAN.inputs.first().map(|input| input.kind);
        let numbers = u32::try_from(places.len()).unwrap_or(u32::MAX);
        let joining = Joining {
            query,
            table: Arc::clone(table),
            inputs,
            have: Have::default(),
            places,
            tables: first == Some(Kind::Table),
            window: windows::kept(Q::PLAN),
            partitions,
            kept: Kept::new(most),
            named: Named::new(most),
            waiting: Waiting::new(most),
            clocks: Clocks::new(joins.len(), partitions),
            joins,
            sink,
            scratch: Scratch::new(),
            store,
            outputs: Outputs::new::<Q::Output>(table, site.log, runtime, site.targets),
            clock: site.clock,
            sequence: 0,
            late: 0,
            keyless: 0,
            on: Vec::new(),
            met: Met::default(),
            own: Vec::new(),
            key: Vec::new(),
            wire: Vec::new(),
            row: Vec::new(),
            before: Vec::new(),
        };
        let bytes = table.settings.gather_bytes / 8;
        Ordered::new(joining, table, (office, runtime), numbers, bytes)
    }

    fn place(&self, number: i32) -> (usize, i32) {
        usize::try_from(number)
            .ok()
            .and_then(|number| self.places.get(number).copied())
            .unwrap_or_default()
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
        let Joining {
            query,
            inputs,
            have,
            scratch,
            store,
            outputs,
            sink,
            window,
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
            window: window_of(inputs, have, *window),
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

    /// As [`Joining::compared`], where nothing is left out for it.
    #[inline]
    fn on_of(
        &mut self,
        node: usize,
        side: Side,
        place: Place,
        timestamp: i64,
    ) -> Result<bool, StateError> {
        let Joining {
            query,
            inputs,
            have,
            scratch,
            store,
            on,
            window,
            ..
        } = self;
        on.clear();
        let at = at(scratch, place, timestamp);
        let mut parts = [None; MOST_INPUTS];
        let row = joined::<Q>(inputs, have, &mut parts, store)?;
        let known = query.on(node, side, &at, row, on);
        // What has windows meets in equal ones; what is before the join and what joins hold the same.
        let of_side = match side {
            Side::Left => inputs.get(..=node).unwrap_or(inputs),
            Side::Right => inputs.get(node.saturating_add(1)..).unwrap_or_default(),
        };
        let skipped = inputs.len().saturating_sub(of_side.len());
        let have = match side {
            Side::Left => have.as_slice(),
            Side::Right => have.get(skipped..).unwrap_or_default(),
        };
        on.extend_from_slice(window_of(of_side, have, *window));
        Ok(known)
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

/// The window's part of the key of what is held.
fn window_of<'a>(inputs: &'a [Box<dyn Holding>], have: &[bool], length: usize) -> &'a [u8] {
    if length == 0 {
        return &[];
    }
    let held = inputs.iter().zip(have).find(|(_, has)| **has);
    windows::part(held.map(|(held, _)| held.wire()), length)
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

impl<Q: Join, S: Sink<Q>> Taking for Joining<Q, S> {
    fn forget(&mut self) -> Result<(), StateError> {
        self.outputs.clear();
        self.kept.forget();
        self.named.forget();
        let counts = self.store.counts()?;
        self.sequence = counts.sequence;
        (self.late, self.keyless) = (0, 0);
        self.inputs.iter_mut().for_each(|held| held.forget());
        self.clocks.forget(&self.store)?;
        let none = within::behind_all(&self.joins, &self.clocks);
        self.waiting.forget(&self.store, none)?;
        self.sink.forget(&self.store, counts)
    }

    fn ask_again(&mut self) -> Result<(), StateError> {
        self.inputs.iter_mut().try_for_each(|held| held.ask_again())
    }

    fn refresh(&mut self) {
        self.scratch.reset();
        let now = self.clock.now_ms();
        for input in &self.inputs {
            input.set_now(now);
        }
    }

    fn is_full(&self) -> bool {
        self.kept.is_full()
            || self.named.is_full()
            || self.waiting.is_full()
            || self.outputs.is_full()
            || self.sink.is_full()
    }

    fn is_crammed(&self) -> bool {
        self.sink.is_full()
    }

    fn has_changed(&self) -> bool {
        self.sink.has_changed()
    }

    fn outputs(&mut self) -> &mut Outputs {
        &mut self.outputs
    }

    fn tell(&mut self) -> Result<(), StateError> {
        self.sink
            .tell(&self.query, &mut self.scratch, &mut self.outputs)
    }

    #[inline]
    fn time_of(&mut self, number: i32, record: &RecordRef<'_>) -> Result<i64, StateError> {
        let (input, _) = self.place(number);
        match self.inputs.get_mut(input) {
            Some(held) => held.time_of(record, &self.scratch),
            None => Ok(record.timestamp),
        }
    }

    #[inline]
    fn take(&mut self, number: i32, record: &RecordRef<'_>) -> Result<(), StateError> {
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
                let Joining { inputs, kept, .. } = self;
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

    fn pack(&mut self, progress: &Progress, topics: &Topics) -> Result<WriteBatch, StateError> {
        self.sink.close(&self.store)?;
        let (late, keyless) = self.left_out();
        let counts = Counts {
            sequence: self.sequence,
            late,
            keyless,
            open: None,
        };
        let Joining {
            kept,
            named,
            waiting,
            clocks,
            sink,
            ..
        } = self;
        self.table.store.pack(
            &self.table.settings.store,
            |batch, family| {
                kept.store(batch, family);
                named.store(batch, family);
                waiting.store(batch, family);
                clocks.store(batch, family);
                sink.store(batch, family);
                let open = sink.open();
                store::put_counts(batch, family, Counts { open, ..counts });
                batch.delete_cf(family, [store::INTENT]);
            },
            progress.offsets(topics),
        )
    }

    fn wrote(&mut self) -> Result<(), StateError> {
        self.kept.wrote();
        self.named.forget();
        self.waiting.wrote(&self.store)?;
        self.clocks.wrote();
        self.sink.wrote();
        let ahead = self.inputs.iter().map(|input| input.ahead()).sum();
        self.table.counts.add_future(ahead);
        self.table.set_open_windows(self.sink.open());
        let (late, keyless) = self.left_out();
        self.table.set_left_out(late, keyless);
        Ok(())
    }
}
