//! Pipelines whose results do not depend on when what was taken, and what has to come of them: windows of three sizes, sessions, a
//! stream with a table and two streams, over one endless workload. For tests that kill them, and that break their connections.
//!
//! Records are late by up to two minutes, and sometimes none happen: windows and sessions are closed to some. To which, the order
//! within a partition says alone. The rows of the
//! table are there before any record of the stream.
//!
//! On a cluster what a query tells is one transaction with the note of what it is made of. So a reader of what is committed finds
//! each result once, as in a run that nothing befell.
#![allow(missing_docs, reason = "the fields are only names of columns")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::ops::Range;
use std::time::Duration;

use ksql_runtime::clock::Clock;
use ksql_runtime::context::ContextBuilder;
use ksql_runtime::error::Error;
use ksql_runtime::prelude::*;
use ksql_runtime::testing::{Sent, Test, TestBuilder};

use crate::naive::{self, Kept, Record};
use crate::owners::{Order, Paid, Payment, order, paid, payment};
use crate::queries::{Hopped, Hopping, Reading, Sessions, Tumbled, Tumbling, Visit, nth_reading};

/// So many sensors of the readings' forty have a row.
const PLACED: i64 = 30;
/// A payment is sent so many records behind its order.
const BEHIND: u64 = 200;
/// Records of each input that are sent together.
const TOGETHER: u64 = 20;
/// After so many records nothing happens for a while, which ends sessions and closes them: the next come too late to those.
const UNTIL_PAUSE: u64 = 500;
/// How long that is, in milliseconds.
const PAUSE: u64 = 40_000;
/// The records begin so long ago: none of the longest run is in the future, and every topic keeps them.
const AGO: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("sensors", partitions = 3)]
#[table]
#[entity(namespace = "pipelines")]
pub struct Sensor {
    #[key]
    pub name: String,
    pub place: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("placed", partitions = 3)]
#[stream]
#[entity(namespace = "pipelines")]
pub struct Placed {
    #[key]
    pub sensor: String,
    pub value: Option<i64>,
    pub place: Option<i64>,
}

#[query]
pub fn placed(readings: Stream<Reading>, sensors: Table<Sensor>) -> Stream<Placed> {
    readings
        .left_join(sensors, |r, s| r.sensor == s.name)
        .map(|r, s| Placed {
            sensor: r.sensor,
            value: r.value,
            place: s.place,
        })
}

macro_rules! with_all {
    ($builder:expr) => {
        $builder
            .query(Tumbling)
            .query(Hopping)
            .query(Sessions)
            .query(placed)
            .query(paid)
    };
}

/// Adds every query to a program.
pub fn with_queries(builder: ContextBuilder) -> ContextBuilder {
    with_all!(builder)
}

/// Adds every query to a test.
pub fn tested(builder: TestBuilder) -> TestBuilder {
    with_all!(builder.latest_changes())
}

/// Adds what they read.
pub fn with_inputs(builder: TestBuilder) -> TestBuilder {
    builder
        .entity::<Reading>()
        .entity::<Sensor>()
        .entity::<Order>()
        .entity::<Payment>()
}

/// Sends the workload.
#[derive(Debug, Clone, Copy)]
pub struct Feed {
    seed: u64,
    /// When the first record happened.
    began: i64,
}

impl Feed {
    /// Sends the rows of the table, before which there is nothing.
    ///
    /// # Errors
    /// As [`Test::send_all_at`].
    pub async fn begin(test: &Test, seed: u64) -> Result<Feed, Error> {
        let ago = |times: u32| (AGO * times).as_millis() as i64;
        let now = Clock::wall().now_ms();
        let rows = (0..PLACED).map(|number| Sensor {
            name: format!("sensor {number}"),
            place: number * 7,
        });
        test.send_all_at(rows.map(|row| (now - ago(2), row)))
            .await?;
        Ok(Feed {
            seed,
            began: now - ago(1),
        })
    }

    /// Sends the records with these numbers, some together, and says each time up to where they are acknowledged.
    ///
    /// # Errors
    /// As [`Test::send_all_at`].
    pub async fn send(
        self,
        test: &Test,
        numbers: Range<u64>,
        mut acknowledged: impl FnMut(u64),
    ) -> Result<(), Error> {
        let Feed { seed, began } = self;
        for first in numbers.clone().step_by(TOGETHER as usize) {
            let part = first..(first + TOGETHER).min(numbers.end);
            let paused = |number: u64| began + (number / UNTIL_PAUSE * PAUSE).cast_signed();
            let time = |number: u64| paused(number) + (number * 20).cast_signed();
            let readings = part.clone().map(|number| {
                let (timestamp, reading) = nth_reading(seed, number);
                (paused(number) + timestamp, reading)
            });
            let orders = part
                .clone()
                .map(|number| (time(number), order(seed, number)));
            let payments = part.clone().filter_map(|number| {
                let payment = payment(seed, number.checked_sub(BEHIND)?)?;
                Some((time(number), payment))
            });
            test.send_all_at(readings).await?;
            test.send_all_at(orders).await?;
            test.send_all_at(payments).await?;
            acknowledged(part.end);
        }
        Ok(())
    }
}

/// What a row of a window says.
type Said = ((String, i64, i64), Kept);

/// Rows of any kind of window.
macro_rules! said {
    () => {
        |row| {
            let kept = Kept {
                count: row.count,
                sum: row.sum,
                first: row.first,
                last: row.last,
            };
            let (start, end) = (row.opened.timestamp_millis(), row.closes.timestamp_millis());
            ((row.sensor, start, end), kept)
        }
    };
}

/// Holds everything that a test's queries told against the models, whose records are those of the inputs' topics. `sent` says how many
/// readings there are.
///
/// # Panics
/// Where a result is lost, wrong, or told again.
pub async fn check(test: &Test, sent: u64) {
    let readings: Vec<Record<String, Reading>> = records::<Reading>(test)
        .await
        .into_iter()
        .map(|record| (record.timestamp, record.key.sensor, record.row))
        .collect();
    assert_eq!(readings.len() as u64, sent, "each reading is there once");

    let mut late = BTreeMap::from([("Tumbling", 0), ("Hopping", 0)]);
    for minutes in [1, 5] {
        let size = minutes as i64 * 60_000;
        let made = test.window_records::<Tumbled>(minutes).await;
        let listed = test.context().set::<Tumbled>().window(minutes);
        let (values, dropped) = naive::window_values(&readings, size, size, 30_000);
        windows(
            &format!("windows of {minutes} minutes"),
            (&values, size),
            made.expect("records"),
            listed.to_list().await.expect("a list"),
            said!(),
        );
        *late.entry("Tumbling").or_default() += dropped;
    }
    let made = test.window_records::<Hopped>(3).await;
    let listed = test.context().set::<Hopped>().window(3);
    let (values, dropped) = naive::window_values(&readings, 180_000, 60_000, 10_000);
    windows(
        "windows of three minutes",
        (&values, 180_000),
        made.expect("records"),
        listed.to_list().await.expect("a list"),
        said!(),
    );
    late.insert("Hopping", dropped);

    let gap = Duration::from_secs(10);
    let (expected, dropped) = naive::sessions(&readings, 10_000, 20_000);
    let listed = test.context().set::<Visit>().window_of(gap);
    let listed = listed.to_list().await.expect("a list");
    let found: BTreeMap<_, _> = listed.into_iter().map(said!()).collect();
    same("sessions", &found, &expected);
    let made = test.window_records_of::<Visit>(gap).await;
    never_twice(&made.expect("records"));
    late.insert("Sessions", dropped);
    for query in test.context().queries() {
        if let Some(expected) = late.remove(query.query) {
            assert!(expected > 0, "{}: nothing came too late", query.query);
            assert_eq!(query.late, expected, "{}", query.query);
        }
    }
    assert!(late.is_empty(), "no such queries: {late:?}");

    // In the order of the sensor's readings, each once.
    let mut expected: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for (timestamp, sensor, reading) in &readings {
        let value = reading.as_ref().map(|reading| reading.value);
        let number: i64 = sensor[7..].parse().expect("a number");
        let place = (number < PLACED).then_some(number * 7);
        let of_sensor = expected.entry(sensor.clone()).or_default();
        of_sensor.push((*timestamp, value, place));
    }
    let mut found: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for record in records::<Placed>(test).await {
        let row = record.row.expect("a stream deletes nothing");
        let of_sensor = found.entry(row.sensor).or_default();
        of_sensor.push((record.timestamp, row.value, row.place));
    }
    same("placed", &found, &expected);

    let payments = rows::<Payment>(test).await;
    let payments: BTreeMap<i64, i64> = payments.map(|row| (row.id, row.amount)).collect();
    let orders = rows::<Order>(test).await.filter_map(|order| {
        let paid = payments.get(&order.id)?;
        Some((order.id, Some(order.customer), Some(*paid)))
    });
    let expected: Vec<_> = orders.collect::<BTreeSet<_>>().into_iter().collect();
    assert!(!expected.is_empty(), "nothing was paid");
    let found = rows::<Paid>(test).await;
    let mut found: Vec<_> = found
        .map(|row| (row.id, row.customer, row.amount))
        .collect();
    found.sort_unstable();
    let differs = found
        .iter()
        .zip(&expected)
        .find(|(is, should)| is != should);
    assert!(
        found == expected,
        "paid: {} of {}, first {differs:?}",
        found.len(),
        expected.len()
    );
}

async fn records<T: Entity>(test: &Test) -> Vec<Sent<T>> {
    test.records::<T>().await.expect("records")
}

async fn rows<T: Entity>(test: &Test) -> impl Iterator<Item = T> {
    let sent = records::<T>(test).await.into_iter();
    sent.map(|record| record.row.expect("a stream deletes nothing"))
}

/// Of each window what was told is what its first so many readings come to, of more each time, and of all of them at last; and the list
/// says that, too.
fn windows<T: Entity>(
    what: &str,
    (values, size): (&naive::Values, i64),
    told: Vec<Sent<T>>,
    listed: Vec<T>,
    said: impl Fn(T) -> Said,
) {
    let mut counts: BTreeMap<(String, i64, i64), i64> = BTreeMap::new();
    for record in told {
        let (window, kept) = said(record.row.expect("no window is deleted"));
        let values = values.get(&(window.0.clone(), window.1));
        let first = values.and_then(|(_, values)| values.get(..usize::try_from(kept.count).ok()?));
        let is_so = window.2 == window.1 + size && first.map(naive::kept).as_ref() == Some(&kept);
        assert!(is_so, "{what}: {kept:?} in {window:?} is of {values:?}");
        let count = counts.entry(window.clone()).or_default();
        let before = std::mem::replace(count, kept.count);
        assert!(
            before < kept.count,
            "{what}: {window:?} has {} after {before}",
            kept.count
        );
    }
    let expected: BTreeMap<_, _> = values
        .iter()
        .map(|((sensor, start), (_, values))| {
            let window = (sensor.clone(), *start, start + size);
            (window, naive::kept(values))
        })
        .collect();
    let whole = expected.iter();
    let whole: BTreeMap<_, _> = whole.map(|(key, kept)| (key.clone(), kept.count)).collect();
    same(what, &counts, &whole);
    same(what, &listed.into_iter().map(said).collect(), &expected);
}

/// No key is told the same twice running.
fn never_twice<T: Entity + PartialEq + Debug>(told: &[Sent<T>]) {
    let mut last: BTreeMap<T::Key, &Option<T>> = BTreeMap::new();
    for record in told {
        let before = last.insert(record.key.clone(), &record.row);
        assert!(before != Some(&record.row), "{record:?} is told again");
    }
}

/// The first difference alone: there are thousands of keys.
fn same<K: Ord + Debug, V: PartialEq + Debug>(
    what: &str,
    found: &BTreeMap<K, V>,
    expected: &BTreeMap<K, V>,
) {
    assert!(!expected.is_empty(), "{what}: there is nothing to compare");
    let keys: BTreeSet<&K> = found.keys().chain(expected.keys()).collect();
    for key in keys {
        let (is, should) = (found.get(key), expected.get(key));
        assert!(is == should, "{what} of {key:?}: {is:?}, not {should:?}");
    }
}
