//! Properties: every kind of join makes what a plain model makes of records that lie in several topics and partitions in any
//! order - late, without a value, with NULL in what is compared -, taken in the order of time, with ends and kills between them.
//!
//! Records are written while no query runs, so that the order in which they are taken is that of the log alone: the earliest of
//! what comes next in each partition. The model takes them so too. `KSQL_TEST_CASES` sets how many sequences are tried for each
//! kind.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

use ksql_runtime::entity::EntityKey as _;
use ksql_runtime::log::partition::partition_for_key;
use ksql_runtime::prelude::*;
use ksql_runtime::query::{IntoQuery, Query};
use ksql_runtime::testing::{self, Test};
use ksql_runtime_tests::conformance::{Made, joiner_over};
use ksql_runtime_tests::join_kinds::*;
use ksql_runtime_tests::naive::retold;
use ksql_runtime_tests::report::number;
use proptest::prelude::*;

/// Records that are written together, and what happens to the queries while they take them.
#[derive(Debug, Clone)]
struct Phase {
    events: Vec<(i64, Event)>,
    kills: usize,
}

fn event() -> impl Strategy<Value = Event> + Clone {
    let id = || 0..5_i64;
    let there = || prop::bool::weighted(0.85);
    let maybe = || prop::option::weighted(0.9, 0..5_i64);
    prop_oneof![
        4 => (id(), maybe(), 0..9_i64, prop::bool::weighted(0.97)).prop_map(|(id, customer, amount, there)| {
            Event::Order(id, there.then_some(Order { id, customer, amount }))
        }),
        4 => (id(), maybe(), 0..9_i64, prop::bool::weighted(0.97)).prop_map(|(id, order, paid, there)| {
            Event::Payment(id, there.then_some(Payment { id, order, paid }))
        }),
        3 => (id(), maybe(), 0..3_i64, there()).prop_map(|(id, region, level, there)| {
            Event::Customer(id, there.then_some(Customer { id, region, level }))
        }),
        2 => (id(), 0..9_i64, there()).prop_map(|(id, balance, there)| {
            Event::Account(id, there.then_some(Account { id, balance }))
        }),
        2 => (id(), 0..9_i64, there()).prop_map(|(id, tax, there)| {
            Event::Region(id, there.then_some(Region { id, tax }))
        }),
    ]
}

fn phases() -> impl Strategy<Value = Vec<Phase>> {
    // Time goes on, and some records come late; several have the same time.
    let timed = (
        0..1500_i64,
        prop_oneof![4 => Just(0), 1 => 0..15_000_i64],
        event(),
    );
    let phase = (prop::collection::vec(timed, 1..60), 0..3_usize);
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

/// Results by the bytes of their key, in their order.
type Results<T> = BTreeMap<Vec<u8>, Vec<(i64, Option<T>)>>;

/// The order in which a query over these topics takes what was written: the earliest of what comes next in each partition, of
/// equals that of the first input and partition.
fn in_order(topics: &[&str], records: &[Raw]) -> Vec<Raw> {
    let mut lanes: BTreeMap<(usize, i32), VecDeque<Raw>> = BTreeMap::new();
    for record in records {
        if let Some(input) = topics.iter().position(|topic| *topic == record.topic) {
            let place = (input, partition_for_key(&record.key, PARTITIONS));
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

/// What a query makes by the plain joiner.
fn made<By, Q: Query>(query: impl IntoQuery<By, Query = Q>, phases: &[Phase]) -> Vec<Made> {
    let topics: Vec<&str> = Q::PLAN
        .inputs
        .iter()
        .map(|input| input.entity.topic.name)
        .collect();
    let mut joiner = joiner_over(query.into_query(), PARTITIONS).expect("a query that joins");
    let mut made = Vec::new();
    for phase in phases {
        let records: Vec<Raw> = phase
            .events
            .iter()
            .map(|(time, event)| event.raw(*time))
            .collect();
        for record in in_order(&topics, &records) {
            let (key, body) = (Some(record.key.as_slice()), record.body.as_deref());
            made.extend(joiner.take(record.topic, key, body, record.timestamp));
        }
    }
    made
}

fn expected<By, T: Entity, Q: Query<Output = T>>(
    query: impl IntoQuery<By, Query = Q>,
    phases: &[Phase],
) -> Results<T> {
    let mut results = Results::new();
    for made in made(query, phases) {
        let row = made
            .row
            .map(|row| *row.downcast::<T>().expect("a row of the output"));
        let key = made.key.expect("a key");
        results.entry(key).or_default().push((made.timestamp, row));
    }
    results
}

async fn check<By, T, Q>(test: &Test, query: impl IntoQuery<By, Query = Q>, phases: &[Phase])
where
    T: Entity + Clone + PartialEq + Debug,
    Q: Query<Output = T>,
{
    let expected = telling(expected(query, phases));
    let mut found = Results::<T>::new();
    for record in test.records::<T>().await.expect("records") {
        let mut key = Vec::new();
        record.key.encode(0, &mut key);
        let result = (record.timestamp, record.row);
        found.entry(key).or_default().push(result);
    }
    let found = telling(found);
    let name = Q::PLAN.name;
    if phases.iter().all(|phase| phase.kills == 0) {
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

/// Runs queries over what is written while they do not run; the test when all of it is taken.
async fn run(names: &[&str], directory: &Path, phases: &[Phase]) -> Test {
    let queries = || {
        let builder = testing::builder().directory(directory);
        names
            .iter()
            .fold(builder, |builder, name| with_query(builder, name))
    };
    let mut running: Option<Test> = None;
    for phase in phases {
        if let Some(test) = running.take() {
            test.end().await.expect("it ends");
        }
        let test = sources(testing::builder().directory(directory));
        let test = test.start().await.expect("it starts");
        send(&test, &phase.events).await;
        test.end().await.expect("it ends");
        let mut test = queries().start().await.expect("it starts");
        for _ in 0..phase.kills {
            test = test.kill().await.expect("it starts again");
        }
        test.settle().await.expect("it is taken in");
        running = Some(test);
    }
    running.expect("a phase")
}

fn holds(names: &[&str], check: impl AsyncFn(&Test, &[Phase])) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let cases = u32::try_from(number("KSQL_TEST_CASES", 12)).expect("a number");
    let config = ProptestConfig {
        cases,
        max_shrink_iters: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(phases in phases())| {
        runtime.block_on(async {
            let directory = tempfile::tempdir().expect("a directory");
            let test = run(names, directory.path(), &phases).await;
            check(&test, &phases).await;
            test.end().await.expect("it ends");
        });
    });
}

#[test]
fn streams_within_a_time_are_what_the_model_makes() {
    let names = ["paid", "paid_or_not", "for_or_not", "either"];
    holds(&names, async |test, phases| {
        check(test, paid, phases).await;
        check(test, paid_or_not, phases).await;
        check(test, for_or_not, phases).await;
        check(test, either, phases).await;
    });
}

#[test]
fn streams_that_look_up_tables_are_what_the_model_makes() {
    let names = ["bought", "bought_by", "traced"];
    holds(&names, async |test, phases| {
        check(test, bought, phases).await;
        check(test, bought_by, phases).await;
        check(test, traced, phases).await;
    });
}

#[test]
fn tables_by_their_keys_are_what_the_model_makes() {
    let names = ["pairs", "of_customers", "of_accounts", "everything"];
    holds(&names, async |test, phases| {
        check(test, pairs, phases).await;
        check(test, of_customers, phases).await;
        check(test, of_accounts, phases).await;
        check(test, everything, phases).await;
    });
}

#[test]
fn tables_by_foreign_keys_are_what_the_model_makes() {
    let names = ["homes", "homes_or_not", "wholes"];
    holds(&names, async |test, phases| {
        check(test, homes, phases).await;
        check(test, homes_or_not, phases).await;
        check(test, wholes, phases).await;
    });
}

/// A window of a key: how many pairs, what was paid, the largest order.
type Windows = BTreeMap<(i64, i64), (i64, i64, i64)>;

#[test]
fn windows_over_streams_within_a_time_are_what_the_model_makes() {
    holds(&["takings"], async |test, phases| {
        let mut expected = Windows::new();
        let mut times: BTreeMap<i32, i64> = BTreeMap::new();
        for made in made(paid, phases) {
            let time = made.timestamp;
            let row = made.row.expect("a stream deletes nothing");
            let row = row.downcast::<Paid>().expect("a row of the output");
            let of = partition_for_key(&row.id.to_be_bytes(), PARTITIONS);
            let now = times.entry(of).or_insert(i64::MIN);
            *now = time.max(*now);
            let start = time.div_euclid(10_000) * 10_000;
            if start + 10_000 + 3000 <= *now {
                continue;
            }
            let window = expected.entry((row.id, start)).or_default();
            window.0 += 1;
            window.1 += row.paid.unwrap_or(0);
            window.2 = window.2.max(row.amount.unwrap_or(0));
        }
        let set = test.context().set::<Taking>();
        let rows = set.window_of(Duration::from_secs(10)).to_list().await;
        let found: Windows = rows
            .expect("a list")
            .into_iter()
            .map(|row| {
                let of = (row.order, row.opened.timestamp_millis());
                (
                    of,
                    (row.pairs, row.paid.unwrap_or(0), row.largest.unwrap_or(0)),
                )
            })
            .collect();
        assert_eq!(found, expected);
    });
}

/// Of a level: how many customers, and how many accounts with how much.
type Levels = BTreeMap<i64, (i64, i64, i64)>;

#[test]
fn groups_of_tables_are_what_the_model_makes() {
    holds(&["wealth"], async |test, phases| {
        // What the tables hold in the end is all that counts.
        let (mut customers, mut accounts) = (BTreeMap::new(), BTreeMap::new());
        for (_, event) in phases.iter().flat_map(|phase| &phase.events) {
            match event {
                Event::Customer(id, row) => drop(customers.insert(*id, row.clone())),
                Event::Account(id, row) => drop(accounts.insert(*id, row.clone())),
                _ => {}
            }
        }
        let mut expected = Levels::new();
        for customer in customers.values().flatten() {
            let account = accounts.get(&customer.id).and_then(Option::as_ref);
            let group = expected.entry(customer.level).or_default();
            group.0 += 1;
            group.1 += i64::from(account.is_some());
            group.2 += account.map_or(0, |account| account.balance);
        }
        let rows = test.context().set::<Wealth>().to_list().await;
        let found: Levels = rows
            .expect("a list")
            .into_iter()
            // A group stays when its last row goes, as in ksqlDB.
            .filter(|row| row.customers > 0)
            .map(|row| {
                let of = (row.customers, row.accounts, row.balance.unwrap_or(0));
                (row.level, of)
            })
            .collect();
        assert_eq!(found, expected);
    });
}
