//! Properties: every kind of join makes what a plain model makes of records that lie in several topics and partitions in any
//! order - late, without a value, with NULL in what is compared -, taken in the order of time, with ends and kills between them.
//!
//! Records are written while no query runs, so that the order in which they are taken is that of the log alone: the earliest of
//! what comes next in each partition. The model takes them so too. `KSQL_TEST_CASES` sets how many sequences are tried for each
//! kind.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use ksql_runtime::log::partition::partition_for_key;
use ksql_runtime::prelude::*;
use ksql_runtime::query::{IntoQuery, Query};
use ksql_runtime::testing::{self, Test};
use ksql_runtime_tests::join_kinds::*;
use ksql_runtime_tests::join_model::{self, Phase, Raw, compare, expected, found};
use proptest::prelude::*;

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

/// The records of each phase.
fn raw(phases: &[Phase<Event>]) -> Vec<Vec<Raw>> {
    let raw = |phase: &Phase<Event>| {
        let events = phase.events.iter();
        events.map(|(time, event)| event.raw(*time)).collect()
    };
    phases.iter().map(raw).collect()
}

async fn check<By, T, Q>(test: &Test, query: impl IntoQuery<By, Query = Q>, phases: &[Phase<Event>])
where
    T: Entity + Clone + PartialEq + Debug,
    Q: Query<Output = T>,
{
    let expected = expected(query, &raw(phases), PARTITIONS);
    let found = found(test.records::<T>().await.expect("records"));
    let killed = phases.iter().any(|phase| !phase.kills.is_empty());
    compare(Q::PLAN.name, killed, found, expected);
}

/// Runs queries over what is written while they do not run; the test when all of it is taken.
async fn run(
    names: &[&str],
    directory: &Path,
    phases: &[Phase<Event>],
    at_work: &AtomicUsize,
) -> Test {
    let queries = || {
        let builder = testing::builder()
            .directory(directory)
            .setting("wait_for_ready", "false");
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
        for behind in &phase.kills {
            test = join_model::killed(test, *behind, at_work).await;
        }
        test.settle().await.expect("it is taken in");
        running = Some(test);
    }
    running.expect("a phase")
}

fn holds(names: &[&str], check: impl AsyncFn(&Test, &[Phase<Event>])) {
    let at_work = AtomicUsize::new(0);
    join_model::holds(event(), async |phases| {
        let directory = tempfile::tempdir().expect("a directory");
        let test = run(names, directory.path(), phases, &at_work).await;
        check(&test, phases).await;
        test.end().await.expect("it ends");
    });
    let at_work = at_work.into_inner();
    assert!(at_work > 0, "no kill met work that was not done");
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
        for made in join_model::made(paid, &raw(phases), PARTITIONS) {
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
