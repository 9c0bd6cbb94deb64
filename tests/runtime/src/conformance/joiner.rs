//! What a query that joins should make of records, computed in the plainest way: everything is kept, nothing clever. What the code
//! of a query compares and makes is its own; how rows find each other is by the rules of Kafka Streams' joins.
//!
//! Records are given in the order in which they are processed. How many partitions there are matters to the time of streams only:
//! it is that of a partition of what is compared.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;

use ksql_runtime::codec::{frame, result};
use ksql_runtime::entity::Entity;
use ksql_runtime::log::partition::partition_for_key;
use ksql_runtime::query::{
    Aggregate, At, Host, Inputs, Join, Parts, Project, Query, Scratch, Side,
};
use ksql_schema::Kind;
use ksql_schema::query::plan::{self, JoinForm, JoinKind};

use super::rows::{Held, Row, Source, Sources};

/// How long late records are taken where nothing is said.
const DAY: i64 = 86_400_000;

/// A query that joins, fed with records.
pub trait Joiner: fmt::Debug {
    /// What a record of a topic makes: the key's wire bytes, the value in the input's own form, the record's timestamp.
    fn take(
        &mut self,
        topic: &str,
        key: Option<&[u8]>,
        body: Option<&[u8]>,
        timestamp: i64,
    ) -> Vec<Made>;
}

/// A record that was made.
#[derive(Debug)]
pub struct Made {
    /// The key's bytes; nothing where it has none.
    pub key: Option<Vec<u8>>,
    /// The value's bytes without a frame; nothing where a row is deleted.
    pub value: Option<Vec<u8>>,
    /// The row, of the output's type.
    pub row: Option<Box<dyn Any>>,
    /// Milliseconds.
    pub timestamp: i64,
}

/// The joiner of a query over one partition; nothing where it joins nothing, or groups what it joined.
pub fn joiner(query: impl Query) -> Option<Box<dyn Joiner>> {
    joiner_over(query, 1)
}

/// As [`joiner`], over so many partitions.
pub fn joiner_over(query: impl Query, partitions: u32) -> Option<Box<dyn Joiner>> {
    query.accept(Joining(partitions))
}

struct Joining(u32);

impl Host for Joining {
    type Made = Option<Box<dyn Joiner>>;

    fn project<E: Entity, Q: Project<Input = E>>(self, _: Q) -> Self::Made {
        None
    }

    fn aggregate<E: Entity, Q: Aggregate<Input = E>>(self, _: Q) -> Self::Made {
        None
    }

    fn joined_project<Q: Project<Input = <Q as Join>::Inputs> + Join>(
        self,
        query: Q,
    ) -> Self::Made {
        let mut sources = Sources::of(Q::PLAN);
        <Q as Join>::Inputs::visit(&mut sources);
        let joins: Vec<State> = Q::PLAN
            .joins()
            .map(|join| State::new(join, self.0))
            .collect();
        Some(Box::new(Naive {
            query,
            sources: sources.all,
            joins,
        }))
    }

    fn joined_aggregate<Q: Aggregate<Input = <Q as Join>::Inputs> + Join>(
        self,
        _: Q,
    ) -> Self::Made {
        None
    }
}

/// A record of a stream, or what became of a row of a table.
#[derive(Clone)]
struct Change {
    key: Vec<u8>,
    row: Option<Row>,
    timestamp: i64,
}

/// A record that waits for others.
struct Waiting {
    key: Vec<u8>,
    row: Row,
    /// Whether it had a match, or was written without one.
    done: bool,
    /// Whether it was written without one: then it has none any more.
    gone: bool,
}

/// A row of a table, with what it is joined by.
type Rows = BTreeMap<Vec<u8>, (Option<Vec<u8>>, Row)>;

/// What a join keeps.
struct State {
    join: plan::Join<'static>,
    waiting: [Vec<Waiting>; 2],
    /// Of each partition.
    times: BTreeMap<i32, i64>,
    partitions: u32,
    rows: [Rows; 2],
}

impl State {
    fn new(join: plan::Join<'static>, partitions: u32) -> State {
        State {
            join,
            waiting: [Vec::new(), Vec::new()],
            times: BTreeMap::new(),
            partitions,
            rows: [Rows::new(), Rows::new()],
        }
    }

    /// Whether a row of this side comes without a match.
    fn alone(&self, side: Side) -> bool {
        match side {
            Side::Left => matches!(self.join.kind, JoinKind::Left | JoinKind::Full),
            Side::Right => matches!(self.join.kind, JoinKind::Right | JoinKind::Full),
        }
    }

    /// What two rows of tables come to.
    fn both(&self, left: Option<&Row>, right: Option<&Row>) -> Option<Row> {
        match (left, right) {
            (Some(left), Some(right)) => Some(left.with(right)),
            (Some(left), None) => self.alone(Side::Left).then(|| left.clone()),
            (None, Some(right)) => self.alone(Side::Right).then(|| right.clone()),
            (None, None) => None,
        }
    }
}

fn place(side: Side) -> usize {
    usize::from(side == Side::Right)
}

fn other(side: Side) -> Side {
    match side {
        Side::Left => Side::Right,
        Side::Right => Side::Left,
    }
}

/// A query with what its joins keep.
struct Naive<Q> {
    query: Q,
    sources: Vec<Source>,
    joins: Vec<State>,
}

impl<Q: Query> fmt::Debug for Naive<Q> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.query)
    }
}

impl<Q: Project<Input = <Q as Join>::Inputs> + Join> Joiner for Naive<Q> {
    fn take(
        &mut self,
        topic: &str,
        key: Option<&[u8]>,
        body: Option<&[u8]>,
        timestamp: i64,
    ) -> Vec<Made> {
        let found = self.sources.iter().position(|source| source.topic == topic);
        let input = found.unwrap_or_else(|| panic!("no input is `{topic}`"));
        let source = &self.sources[input];
        let key = key.unwrap_or_default();
        let timestamp = body
            .and_then(|body| (source.timestamp)(key, body))
            .unwrap_or(timestamp);
        let row = body.map(|body| {
            let mut parts = vec![None; self.sources.len()];
            parts[input] = Some(Held {
                key: (source.key)(key, source.size),
                body: body.into(),
            });
            Row {
                parts,
                timestamp,
                window: source.window(key).into(),
            }
        });
        let change = Change {
            key: key.to_vec(),
            row,
            timestamp,
        };
        let (first, side) = match input.checked_sub(1) {
            None => (0, Side::Left),
            Some(join) => (join, Side::Right),
        };
        let mut changes = self.join(first, side, change);
        for join in first + 1..self.joins.len() {
            let made = changes.into_iter();
            changes = made
                .flat_map(|change| self.join(join, Side::Left, change))
                .collect();
        }
        changes
            .into_iter()
            .filter_map(|change| self.made(change))
            .collect()
    }
}

impl<Q: Project<Input = <Q as Join>::Inputs> + Join> Naive<Q> {
    /// What is compared, with the window behind it; nothing where it is NULL.
    fn on(&self, join: usize, side: Side, row: &Row) -> Option<Vec<u8>> {
        let (scratch, parts) = (Scratch::new(), row.parts());
        let at = at(&scratch, row.timestamp);
        let joined = <Q as Join>::Inputs::row(&Parts { parts: &parts }).expect("a row");
        let mut out = Vec::new();
        let known = self.query.on(join, side, &at, joined, &mut out);
        out.extend_from_slice(&row.window);
        known.then_some(out)
    }

    fn join(&mut self, join: usize, side: Side, change: Change) -> Vec<Change> {
        let on = change.row.as_ref().and_then(|row| self.on(join, side, row));
        let state = &mut self.joins[join];
        match state.join.form {
            JoinForm::Within(within) => match (on, change.row) {
                (Some(on), Some(row)) => pair(state, within, side, on, row),
                _ => Vec::new(),
            },
            JoinForm::Lookup => look_up(state, side, on, change),
            JoinForm::Keys => by_keys(state, side, change),
            JoinForm::ForeignKey => by_foreign_key(state, side, on, change),
        }
    }

    /// The record that comes of a joined row.
    fn made(&self, change: Change) -> Option<Made> {
        let is_table = Q::PLAN.kind == Kind::Table;
        let gone = Made {
            key: Some(change.key),
            value: None,
            row: None,
            timestamp: change.timestamp,
        };
        let Some(row) = change.row else {
            return is_table.then_some(gone);
        };
        let (scratch, parts) = (Scratch::new(), row.parts());
        let (at, window) = (at(&scratch, row.timestamp), &row.window);
        let row = <Q as Join>::Inputs::row(&Parts { parts: &parts }).expect("a row");
        if !self.query.keep(&at, row) {
            return is_table.then_some(gone);
        }
        let projected = self.query.project(&at, row);
        let (mut key, mut value) = (Vec::new(), Vec::new());
        if !Q::Output::KEY_SCHEMA.is_empty() {
            frame::write(0, &mut key);
        }
        let mut new = Vec::new();
        let has_key = match self.query.new_key(&at, row, true, &mut new) {
            None => result::key::<Q::Output>(projected, &scratch, &mut key),
            Some(has_key) => {
                key.append(&mut new);
                has_key
            }
        };
        key.extend_from_slice(window);
        result::value::<Q::Output>(projected, &scratch, &mut value)
            .expect("a value that its type holds");
        let row = Q::Output::from_row(projected).expect("a row");
        Some(Made {
            key: has_key.then_some(key),
            value: Some(value),
            timestamp: row.timestamp().unwrap_or(gone.timestamp),
            row: Some(Box::new(row)),
        })
    }
}

fn at(scratch: &Scratch, timestamp: i64) -> At<'_> {
    At {
        scratch,
        timestamp,
        partition: 0,
        offset: 0,
        sequence: 0,
        exploded: &[],
    }
}

/// Two streams: first come those whose time and grace are over, the earliest first; then the pairs, by the other's time.
fn pair(state: &mut State, within: plan::Within, side: Side, on: Vec<u8>, row: Row) -> Vec<Change> {
    let grace = within.grace_ms.unwrap_or(DAY);
    let ends = |side: Side, time: i64| {
        let behind = match side {
            Side::Left => within.after_ms,
            Side::Right => within.before_ms,
        };
        time + behind + grace
    };
    let partitions = state.partitions;
    // Where a record lies its window does not say.
    let window = row.window.len();
    let partition = |on: &[u8]| partition_for_key(&on[..on.len() - window], partitions);
    let time = state.times.entry(partition(&on)).or_insert(i64::MIN);
    *time = row.timestamp.max(*time);
    let time = *time;
    let mut changes = Vec::new();
    for side in [Side::Left, Side::Right] {
        if !state.alone(side) {
            continue;
        }
        for waiting in &mut state.waiting[place(side)] {
            let is_over = ends(side, waiting.row.timestamp) < time;
            if !waiting.done && is_over && partition(&waiting.key) == partition(&on) {
                (waiting.done, waiting.gone) = (true, true);
                changes.push(stream_change(&waiting.key, waiting.row.clone()));
            }
        }
    }
    changes.sort_by_key(|change| change.timestamp);
    if ends(side, row.timestamp) < time {
        return changes;
    }
    let (from, to) = match side {
        Side::Left => (within.before_ms, within.after_ms),
        Side::Right => (within.after_ms, within.before_ms),
    };
    let range = row.timestamp - from..=row.timestamp + to;
    let mut pairs = Vec::new();
    let others = &mut state.waiting[place(other(side))];
    for waiting in others {
        let is_met = waiting.key == on && range.contains(&waiting.row.timestamp);
        if is_met && !waiting.gone {
            waiting.done = true;
            pairs.push((waiting.row.timestamp, row.with(&waiting.row)));
        }
    }
    pairs.sort_by_key(|(time, _)| *time);
    let done = !pairs.is_empty();
    changes.extend(pairs.into_iter().map(|(_, row)| stream_change(&on, row)));
    state.waiting[place(side)].push(Waiting {
        key: on,
        row,
        done,
        gone: false,
    });
    changes
}

fn stream_change(key: &[u8], row: Row) -> Change {
    Change {
        key: key.to_vec(),
        timestamp: row.timestamp,
        row: Some(row),
    }
}

/// A record finds the row that the table has now, and keeps its time.
fn look_up(state: &mut State, side: Side, on: Option<Vec<u8>>, change: Change) -> Vec<Change> {
    if side == Side::Right {
        keep(&mut state.rows[1], change.key, None, change.row);
        return Vec::new();
    }
    let (Some(on), Some(row)) = (on, change.row) else {
        return Vec::new();
    };
    let found = state.rows[1].get(&on).map(|(_, row)| row);
    let timestamp = row.timestamp;
    let joined = state.both(Some(&row), found);
    let joined = joined.map(|row| stream_change(&on, Row { timestamp, ..row }));
    joined.into_iter().collect()
}

fn keep(rows: &mut Rows, key: Vec<u8>, on: Option<Vec<u8>>, row: Option<Row>) -> Option<Row> {
    let old = match row {
        Some(row) => rows.insert(key, (on, row)),
        None => rows.remove(&key),
    };
    old.map(|(_, row)| row)
}

/// Two tables by their keys: a row is there while the kind of join says so.
fn by_keys(state: &mut State, side: Side, change: Change) -> Vec<Change> {
    let Change {
        key,
        row,
        timestamp,
    } = change;
    let old = keep(&mut state.rows[place(side)], key.clone(), None, row.clone());
    let found = state.rows[place(other(side))].get(&key);
    let found = found.map(|(_, row)| row.clone());
    let both = |row: Option<&Row>| match side {
        Side::Left => state.both(row, found.as_ref()),
        Side::Right => state.both(found.as_ref(), row),
    };
    changed(
        key,
        both(old.as_ref()),
        both(row.as_ref()),
        found.map_or(timestamp, |row| row.timestamp.max(timestamp)),
    )
    .into_iter()
    .collect()
}

/// A change of a joined row; nothing where there was none and is none.
fn changed(key: Vec<u8>, old: Option<Row>, new: Option<Row>, timestamp: i64) -> Option<Change> {
    (old.is_some() || new.is_some()).then_some(Change {
        key,
        row: new,
        timestamp,
    })
}

/// A table whose rows name rows of another.
fn by_foreign_key(
    state: &mut State,
    side: Side,
    on: Option<Vec<u8>>,
    change: Change,
) -> Vec<Change> {
    let Change {
        key,
        row,
        timestamp,
    } = change;
    if side == Side::Left {
        // Kafka Streams does not ask whether the old row had a match: each that changes or goes unsets what it may have been.
        let old = keep(&mut state.rows[0], key.clone(), on.clone(), row.clone());
        let right = found(state, on.as_deref());
        let time = right.map_or(timestamp, |right| right.timestamp.max(timestamp));
        let new = row.and_then(|row| state.both(Some(&row), right));
        return changed(key, old, new, time).into_iter().collect();
    }
    let old = keep(&mut state.rows[1], key.clone(), None, row.clone());
    let naming = state.rows[0]
        .iter()
        .filter(|(_, (on, _))| on.as_ref() == Some(&key));
    let changes = naming.filter_map(|(key, (_, left))| {
        changed(
            key.clone(),
            state.both(Some(left), old.as_ref()),
            state.both(Some(left), row.as_ref()),
            left.timestamp.max(timestamp),
        )
    });
    changes.collect()
}

fn found<'s>(state: &'s State, on: Option<&[u8]>) -> Option<&'s Row> {
    state.rows[1].get(on?).map(|(_, row)| row)
}
