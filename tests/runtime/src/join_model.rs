//! What queries that join should make of records that were written while none of them ran, by the plain joiner, and whether they
//! made it: all of it, and with kills in between nothing but some of it again.
//!
//! The order in which a query takes such records is that of the log alone: the earliest of what comes next in each partition. The
//! joiner takes them so too.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ksql_runtime::context::QueryStatus;
use ksql_runtime::entity::EntityKey as _;
use ksql_runtime::prelude::*;
use ksql_runtime::query::{IntoQuery, Query};
use ksql_runtime::state::State;
use ksql_runtime::testing::{Sent, Test};
use proptest::prelude::*;

use crate::conformance::{Made, joiner_over};
use crate::naive::retold;
use crate::property;

/// A record as the model takes it.
#[derive(Debug, Clone)]
pub struct Raw {
    /// Its topic; of a window that of the entity.
    pub topic: &'static str,
    /// Where it lies.
    pub partition: i32,
    /// Milliseconds.
    pub timestamp: i64,
    /// The key's wire bytes.
    pub key: Vec<u8>,
    /// The value in the entity's own form, without a frame.
    pub body: Option<Vec<u8>>,
}

/// Records that are written together, and what happens to the queries while they take them.
#[derive(Debug, Clone)]
pub struct Phase<E> {
    /// With their times.
    pub events: Vec<(i64, E)>,
    /// The queries are killed so often, each time so many microseconds behind their start.
    pub kills: Vec<u64>,
}

/// Phases of events: time goes on, and some come late; several have the same time.
pub fn phases<E: Debug + Clone>(
    event: impl Strategy<Value = E> + Clone,
) -> impl Strategy<Value = Vec<Phase<E>>> {
    let timed = (
        0..1500_i64,
        prop_oneof![4 => Just(0), 1 => 0..15_000_i64],
        event,
    );
    let kill = prop_oneof![1 => Just(0), 3 => 0..20_000_u64];
    let kills = prop::collection::vec(kill, 0..3);
    let phase = (prop::collection::vec(timed, 1..60), kills);
    prop::collection::vec(phase, 1..4).prop_map(|phases| {
        let mut now = 100_000;
        phases
            .into_iter()
            .map(|(events, kills)| Phase {
                events: events
                    .into_iter()
                    .map(|(on, back, event)| {
                        now += on / 100 * 100;
                        (now - back / 100 * 100, event)
                    })
                    .collect(),
                kills,
            })
            .collect()
    })
}

/// Tries sequences of phases; `KSQL_TEST_CASES` says how many.
///
/// # Panics
/// With the smallest sequence found for which `check` does.
pub fn holds<E: Debug + Clone>(
    event: impl Strategy<Value = E> + Clone,
    check: impl AsyncFn(&[Phase<E>]),
) {
    property::holds(phases(event), async |phases| check(&phases).await);
}

/// Kills a test's queries so many microseconds from now, and counts it where they were at work. They are those of a program that
/// does not wait for them at its start.
///
/// # Panics
/// Where they do not start again.
pub async fn killed(test: Test, behind: u64, at_work: &AtomicUsize) -> Test {
    tokio::time::sleep(Duration::from_micros(behind)).await;
    let queries = test.context().queries();
    let works = |query: &QueryStatus| query.status.state != State::Running;
    if queries.iter().any(works) {
        at_work.fetch_add(1, Ordering::Relaxed);
    }
    test.kill().await.expect("it starts again")
}

/// Results by the bytes of their key, in their order.
pub type Results<T> = BTreeMap<Vec<u8>, Vec<(i64, Option<T>)>>;

/// The order in which a query over these topics takes what was written: the earliest of what comes next in each partition, of
/// equals that of the first input and partition.
fn in_order(topics: &[&str], records: &[Raw]) -> Vec<Raw> {
    let mut lanes: BTreeMap<(usize, i32), VecDeque<Raw>> = BTreeMap::new();
    for record in records {
        if let Some(input) = topics.iter().position(|topic| *topic == record.topic) {
            let place = (input, record.partition);
            lanes.entry(place).or_default().push_back(record.clone());
        }
    }
    let mut ordered = Vec::new();
    loop {
        let heads = lanes.values_mut().filter(|lane| !lane.is_empty());
        // The first one of equals.
        let Some(lane) = heads.min_by_key(|lane| lane[0].timestamp) else {
            return ordered;
        };
        ordered.extend(lane.pop_front());
    }
}

/// What a query makes by the plain joiner of the records of each phase, over topics of so many partitions.
///
/// # Panics
/// Where it joins nothing.
pub fn made<By, Q: Query>(
    query: impl IntoQuery<By, Query = Q>,
    phases: &[Vec<Raw>],
    partitions: u32,
) -> Vec<Made> {
    let inputs = Q::PLAN.inputs.iter();
    let topics: Vec<&str> = inputs.map(|input| input.entity.topic.name).collect();
    let mut joiner = joiner_over(query.into_query(), partitions).expect("a query that joins");
    let mut made = Vec::new();
    for records in phases {
        for record in in_order(&topics, records) {
            let (key, body) = (Some(record.key.as_slice()), record.body.as_deref());
            made.extend(joiner.take(record.topic, key, body, record.timestamp));
        }
    }
    made
}

/// As [`made`], by keys.
///
/// # Panics
/// As [`made`].
pub fn expected<By, T: Entity, Q: Query<Output = T>>(
    query: impl IntoQuery<By, Query = Q>,
    phases: &[Vec<Raw>],
    partitions: u32,
) -> Results<T> {
    let mut results = Results::new();
    for made in made(query, phases, partitions) {
        let row = made
            .row
            .map(|row| *row.downcast::<T>().expect("a row of the output"));
        let key = made.key.expect("a key");
        results.entry(key).or_default().push((made.timestamp, row));
    }
    results
}

/// What a topic has, by keys.
pub fn found<T: Entity>(records: Vec<Sent<T>>) -> Results<T> {
    let mut found = Results::new();
    for record in records {
        let mut key = Vec::new();
        record.key.encode(0, &mut key);
        let result = (record.timestamp, record.row);
        found.entry(key).or_default().push(result);
    }
    found
}

/// Holds results against those expected.
///
/// # Panics
/// Where they differ, by more than that after kills some come again.
pub fn compare<T: Clone + PartialEq + Debug>(
    name: &str,
    killed: bool,
    found: Results<T>,
    expected: Results<T>,
) {
    let (found, expected) = (telling(found), telling(expected));
    if !killed {
        assert_eq!(found, expected, "{name}");
        return;
    }
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>(),
        "{name}"
    );
    let is = |found: &(i64, Option<T>)| found.1.is_some();
    for (key, expected) in &expected {
        let found = &found[key];
        let shown = |results: &[(i64, Option<T>)]| results.last().is_some_and(is);
        assert_eq!(
            shown(found),
            shown(expected),
            "{name}: {found:#?}, not {expected:#?}"
        );
        let rows = |results: &[(i64, Option<T>)]| -> Vec<(i64, T)> {
            let rows = results.iter().cloned();
            rows.filter_map(|(time, row)| Some((time, row?))).collect()
        };
        assert!(
            retold(&rows(found), &rows(expected)),
            "{name}: {found:#?}, not {expected:#?} with some of it again"
        );
    }
}

/// Results without the deletions of what is not there: they say nothing, and whether there are any is another thing in each
/// program.
fn telling<T>(results: Results<T>) -> Results<T> {
    let telling = |(key, results): (Vec<u8>, Vec<(i64, Option<T>)>)| {
        let mut is = false;
        let results = results.into_iter();
        let kept: Vec<_> = results
            .filter(|(_, row)| {
                let was = std::mem::replace(&mut is, row.is_some());
                was || is
            })
            .collect();
        (!kept.is_empty()).then_some((key, kept))
    };
    results.into_iter().filter_map(telling).collect()
}
