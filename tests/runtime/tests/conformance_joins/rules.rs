//! Rules of joins that ksqlDB's cases hardly touch, with records of our own: lookups in a table that changes, tables that lose
//! rows, foreign keys that are NULL. What is expected was worked out by hand from the rule that a test's comment states.

use std::any::Any;
use std::fmt::Debug;

use ksql_runtime::entity::EntityKey as _;
use ksql_runtime::query::Query;
use ksql_runtime::testing::{self, Test};
use ksql_runtime_tests::conformance::{Joiner, Made, RUNS_JOINS, joiner};

use super::*;

/// A query running: on the engine and on the plain joiner, which must make the same. Until the engine runs joins, on the joiner.
pub(super) struct Running {
    engine: Option<Test>,
    joiner: Box<dyn Joiner>,
    made: Vec<Made>,
}

pub(super) async fn started<By, Q: Query>(query: impl IntoQuery<By, Query = Q>) -> Running {
    let query = query.into_query();
    let engine = match RUNS_JOINS {
        true => Some(
            testing::query(query.clone())
                .start()
                .await
                .expect("it starts"),
        ),
        false => None,
    };
    Running {
        engine,
        joiner: joiner(query).expect("a query that joins"),
        made: Vec::new(),
    }
}

/// Sends one row and waits until it was taken in, so that the order of a test is that of its records.
pub(super) async fn send<T: Writable>(running: &mut Running, timestamp: i64, row: T) {
    let (mut key, mut body) = (Vec::new(), Vec::new());
    row.encode_key(0, &mut key).expect("a key");
    row.encode_value(&mut body).expect("a value");
    let topic = T::MODEL.topic.name;
    let made = running
        .joiner
        .take(topic, Some(&key), Some(&body), timestamp);
    running.made.extend(made);
    if let Some(test) = &running.engine {
        test.send_at(timestamp, row).await.expect("it is sent");
        test.settle().await.expect("nothing stops");
    }
}

/// Deletes a row, as [`send`].
pub(super) async fn delete<T: Writable>(
    running: &mut Running,
    timestamp: i64,
    key: impl Into<T::Key>,
) {
    let (key, mut bytes) = (key.into(), Vec::new());
    key.encode(0, &mut bytes);
    let topic = T::MODEL.topic.name;
    let made = running.joiner.take(topic, Some(&bytes), None, timestamp);
    running.made.extend(made);
    if let Some(test) = &running.engine {
        let deleted = test.delete_at::<T>(timestamp, key).await;
        deleted.expect("it is sent");
        test.settle().await.expect("nothing stops");
    }
}

/// What came out, with its timestamps; nothing stands for a deletion. Ends the test.
pub(super) async fn made<T: Entity + PartialEq + Debug>(running: Running) -> Vec<(i64, Option<T>)> {
    let row = |row: Box<dyn Any>| *row.downcast::<T>().expect("a row of the output");
    let plain = running.made.into_iter();
    let plain: Vec<_> = plain
        .map(|made| (made.timestamp, made.row.map(row)))
        .collect();
    if let Some(test) = running.engine {
        let made = test.records::<T>().await.expect("the results");
        test.end().await.expect("it ends");
        let made = made.into_iter();
        let made: Vec<_> = made.map(|record| (record.timestamp, record.row)).collect();
        assert_eq!(made, plain, "the engine, and the plain joiner");
    }
    plain
}

stream! { Order("orders") { #[key] pub id: i64, pub customer: Option<i64>, pub pieces: i32 } }

table! { Customer("customers") { #[key] pub id: i64, pub name: String, pub city: Option<i64> } }

table! { City("cities") { #[key] pub id: i64, pub city: String } }

table! { Score("scores") { #[key] pub id: i64, pub points: i32 } }

fn order(id: i64, customer: impl Into<Option<i64>>) -> Order {
    Order {
        id,
        customer: customer.into(),
        pieces: 1,
    }
}

fn customer(id: i64, name: &str, city: impl Into<Option<i64>>) -> Customer {
    Customer {
        id,
        name: name.to_owned(),
        city: city.into(),
    }
}

fn city(id: i64, name: &str) -> City {
    City {
        id,
        city: name.to_owned(),
    }
}

fn score(id: i64, points: i32) -> Score {
    Score { id, points }
}

stream! { Named("named") { #[key] pub customer: i64, pub order: i64, pub name: Option<String> } }

fn named(customer: i64, order: i64, name: Option<&str>) -> Option<Named> {
    Some(Named {
        customer,
        order,
        name: name.map(str::to_owned),
    })
}

#[query]
fn left_named(orders: Stream<Order>, customers: Table<Customer>) -> Stream<Named> {
    orders
        .left_join(customers, |o, c| o.customer == c.id)
        .map(|o, c| Named {
            customer: o.customer,
            order: o.id,
            name: c.name,
        })
}

stream! { OnlyNamed("only_named") { #[key] pub customer: i64, pub order: i64, pub name: Option<String> } }

#[query]
fn only_named(orders: Stream<Order>, customers: Table<Customer>) -> Stream<OnlyNamed> {
    orders
        .join(customers, |o, c| o.customer == c.id)
        .map(|o, c| OnlyNamed {
            customer: o.customer,
            order: o.id,
            name: c.name,
        })
}

/// 8: a record looks up the row the table has when it comes, and has its own timestamp. A row that comes later changes nothing that
/// was written, however early its timestamp.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_comes_later_is_seen_by_later_records_alone() {
    let mut test = started(left_named).await;
    send(&mut test, 1_000, order(1, 7)).await;
    send(&mut test, 500, customer(7, "Ann", None)).await;
    send(&mut test, 2_000, order(2, 7)).await;
    // The row's timestamp is later than the record's: it is there all the same.
    send(&mut test, 9_000, customer(7, "Anna", None)).await;
    send(&mut test, 3_000, order(3, 7)).await;
    assert_eq!(
        made::<Named>(test).await,
        [
            (1_000, named(7, 1, None)),
            (2_000, named(7, 2, Some("Ann"))),
            (3_000, named(7, 3, Some("Anna"))),
        ]
    );
}

/// 8: a deleted row is none: a left join writes NULLs, an inner one nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_row_is_found_no_more() {
    let mut test = started(left_named).await;
    send(&mut test, 0, customer(7, "Ann", None)).await;
    send(&mut test, 1_000, order(1, 7)).await;
    delete::<Customer>(&mut test, 1_500, 7).await;
    send(&mut test, 2_000, order(2, 7)).await;
    send(&mut test, 2_500, customer(7, "Bob", None)).await;
    send(&mut test, 3_000, order(3, 7)).await;
    assert_eq!(
        made::<Named>(test).await,
        [
            (1_000, named(7, 1, Some("Ann"))),
            (2_000, named(7, 2, None)),
            (3_000, named(7, 3, Some("Bob"))),
        ]
    );
    let mut test = started(only_named).await;
    send(&mut test, 0, customer(7, "Ann", None)).await;
    delete::<Customer>(&mut test, 1_500, 7).await;
    send(&mut test, 2_000, order(2, 7)).await;
    send(&mut test, 2_500, customer(7, "Bob", None)).await;
    send(&mut test, 3_000, order(3, 7)).await;
    let expected = OnlyNamed {
        customer: 7,
        order: 3,
        name: Some("Bob".to_owned()),
    };
    assert_eq!(made::<OnlyNamed>(test).await, [(3_000, Some(expected))]);
}

/// 8: a table is what its last record says, not what its latest says: one that comes out of order replaces the row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_out_of_order_replaces_a_later_one() {
    let mut test = started(left_named).await;
    send(&mut test, 5_000, customer(7, "late", None)).await;
    send(&mut test, 6_000, order(1, 7)).await;
    send(&mut test, 1_000, customer(7, "early", None)).await;
    send(&mut test, 7_000, order(2, 7)).await;
    assert_eq!(
        made::<Named>(test).await,
        [
            (6_000, named(7, 1, Some("late"))),
            (7_000, named(7, 2, Some("early"))),
        ]
    );
}

/// 8: NULL is equal to nothing. A record of a stream without a value to compare would have no key, and is left out by a left join
/// too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_whose_value_is_null_is_left_out() {
    let mut test = started(left_named).await;
    send(&mut test, 0, customer(7, "Ann", None)).await;
    send(&mut test, 1_000, order(1, None)).await;
    send(&mut test, 2_000, order(2, 8)).await;
    assert_eq!(made::<Named>(test).await, [(2_000, named(8, 2, None))]);
}

table! {
    Standing("standings") {
        #[key] pub id: i64,
        pub name: Option<String>,
        pub points: Option<i32>,
    }
}

fn standing(id: i64, name: Option<&str>, points: impl Into<Option<i32>>) -> Option<Standing> {
    Some(Standing {
        id,
        name: name.map(str::to_owned),
        points: points.into(),
    })
}

#[query]
fn standings(customers: Table<Customer>, scores: Table<Score>) -> Table<Standing> {
    customers
        .full_join(scores, |c, s| c.id == s.id)
        .map(|c, s| Standing {
            id: c.id.or(s.id),
            name: c.name,
            points: s.points,
        })
}

/// 8: a row of a full join is there while either side is, and deleted with the second. Its timestamp is the later of both sides'.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_of_a_full_join_goes_with_the_last_of_both() {
    let mut test = started(standings).await;
    send(&mut test, 1_000, customer(1, "Ann", None)).await;
    send(&mut test, 500, score(1, 10)).await;
    delete::<Customer>(&mut test, 2_000, 1).await;
    delete::<Score>(&mut test, 3_000, 1).await;
    send(&mut test, 4_000, score(2, 20)).await;
    send(&mut test, 5_000, customer(2, "Bob", None)).await;
    // What was never there is not deleted.
    delete::<Customer>(&mut test, 6_000, 9).await;
    assert_eq!(
        made::<Standing>(test).await,
        [
            (1_000, standing(1, Some("Ann"), None)),
            (1_000, standing(1, Some("Ann"), 10)),
            (2_000, standing(1, None, 10)),
            (3_000, None),
            (4_000, standing(2, None, 20)),
            (5_000, standing(2, Some("Bob"), 20)),
        ]
    );
}

table! {
    Scored("scored") {
        #[key] pub id: i64,
        pub name: Option<String>,
        pub points: i32,
    }
}

#[query]
fn scored(customers: Table<Customer>, scores: Table<Score>) -> Table<Scored> {
    customers
        .right_join(scores, |c, s| c.id == s.id)
        .map(|c, s| Scored {
            id: s.id,
            name: c.name,
            points: s.points,
        })
}

/// 8: a row of a right join is there while the right side is. The left one alone is no row and no deletion.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_of_a_right_join_goes_with_the_right_side() {
    let mut test = started(scored).await;
    let row = |name: Option<&str>, points| {
        Some(Scored {
            id: 1,
            name: name.map(str::to_owned),
            points,
        })
    };
    send(&mut test, 1_000, customer(1, "Ann", None)).await;
    send(&mut test, 2_000, score(1, 10)).await;
    delete::<Customer>(&mut test, 3_000, 1).await;
    send(&mut test, 4_000, score(1, 11)).await;
    delete::<Score>(&mut test, 5_000, 1).await;
    send(&mut test, 6_000, customer(1, "Ann", None)).await;
    assert_eq!(
        made::<Scored>(test).await,
        [
            (2_000, row(Some("Ann"), 10)),
            (3_000, row(None, 10)),
            (4_000, row(None, 11)),
            (5_000, None),
        ]
    );
}

table! {
    Living("living") {
        #[key] pub id: i64,
        pub name: String,
        pub city: Option<String>,
        pub points: Option<i32>,
    }
}

#[query]
fn living(customers: Table<Customer>, cities: Table<City>, scores: Table<Score>) -> Table<Living> {
    customers
        .left_join(cities, |c, t| c.city == t.id)
        .left_join(scores, |c, _, s| c.id == s.id)
        .map(|c, t, s| Living {
            id: c.id,
            name: c.name,
            city: t.city,
            points: s.points,
        })
}

/// 8: a row names a row of another table by a value, and is made anew when that one changes, in the order of the keys. A left join has a
/// row also for one that names none. Behind it a table is joined by the key that stayed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_follow_the_row_they_name_and_change_to_another() {
    let mut test = started(living).await;
    let row = |id, name: &str, city: Option<&str>, points: Option<i32>| {
        Some(Living {
            id,
            name: name.to_owned(),
            city: city.map(str::to_owned),
            points,
        })
    };
    send(&mut test, 1_000, customer(1, "Ann", 5)).await;
    send(&mut test, 2_000, customer(2, "Bob", 5)).await;
    send(&mut test, 3_000, customer(3, "Cid", None)).await;
    send(&mut test, 4_000, city(5, "Rome")).await;
    send(&mut test, 5_000, score(1, 10)).await;
    // To no city, and nothing of the old one reaches it any more.
    send(&mut test, 6_000, customer(2, "Bob", None)).await;
    delete::<City>(&mut test, 7_000, 5).await;
    delete::<Customer>(&mut test, 8_000, 1).await;
    assert_eq!(
        made::<Living>(test).await,
        [
            (1_000, row(1, "Ann", None, None)),
            (2_000, row(2, "Bob", None, None)),
            (3_000, row(3, "Cid", None, None)),
            (4_000, row(1, "Ann", Some("Rome"), None)),
            (4_000, row(2, "Bob", Some("Rome"), None)),
            (5_000, row(1, "Ann", Some("Rome"), Some(10))),
            (6_000, row(2, "Bob", None, None)),
            (7_000, row(1, "Ann", None, Some(10))),
            (8_000, None),
        ]
    );
}
