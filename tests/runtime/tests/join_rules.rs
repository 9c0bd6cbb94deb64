//! Rules of joins that are seen only where inputs are there at different times, or not at all: an idle input, NULL in what is
//! compared, numbers of partitions that differ.

#![allow(missing_docs)]

use ksql_runtime::prelude::*;
use ksql_runtime::testing;
use ksql_runtime_tests::join_kinds::*;

/// A stream over more partitions than its table.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("visits", partitions = 5)]
#[stream]
#[entity(namespace = "joins")]
struct Visit {
    #[key]
    id: i64,
    customer: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("visited", partitions = 5)]
#[stream]
#[entity(namespace = "joins")]
struct Visited {
    #[key]
    customer: i64,
    visit: i64,
    level: i64,
}

#[query]
fn visited(visits: Stream<Visit>, customers: Table<Customer>) -> Stream<Visited> {
    visits
        .join(customers, |v, c| v.customer == c.id)
        .map(|v, c| Visited {
            customer: v.customer,
            visit: v.id,
            level: c.level,
        })
}

/// A table over more partitions than the one its rows name.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("members", partitions = 5)]
#[table]
#[entity(namespace = "joins")]
struct Member {
    #[key]
    id: i64,
    region: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("residents", partitions = 2)]
#[table]
#[entity(namespace = "joins")]
struct Resident {
    #[key]
    id: i64,
    tax: i64,
}

#[query]
fn residents(members: Table<Member>, regions: Table<Region>) -> Table<Resident> {
    members
        .join(regions, |m, r| m.region == r.id)
        .map(|m, r| Resident {
            id: m.id,
            tax: r.tax,
        })
}

fn order(id: i64, customer: impl Into<Option<i64>>) -> Order {
    Order {
        id,
        customer: customer.into(),
        amount: 7,
    }
}

fn payment(id: i64, order: impl Into<Option<i64>>) -> Payment {
    Payment {
        id,
        order: order.into(),
        paid: 5,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inputs_that_never_get_a_record_do_not_stall_a_join() {
    let test = testing::query(bought_by)
        .query(paid_or_not)
        .query(of_customers)
        .query(homes_or_not)
        .start()
        .await
        .expect("it starts");
    // The partition of order 1 gets time, its payments never come: nor do accounts and regions.
    for time in [1_000, 90_000] {
        test.send_at(time, order(1, 3)).await.expect("it is sent");
    }
    let customer = Customer {
        id: 3,
        region: Some(9),
        level: 2,
    };
    test.send_at(2_000, customer).await.expect("it is sent");
    test.settle().await.expect("it is taken in");

    let bought = test.records::<BoughtBy>().await.expect("records");
    assert_eq!(bought.len(), 2, "{bought:?}");
    let alone = test.records::<PaidOrNot>().await.expect("records");
    let times: Vec<i64> = alone.iter().map(|record| record.timestamp).collect();
    assert_eq!(
        times,
        [1_000],
        "the second one waits for its time to be over"
    );
    let customers = test.records::<OfCustomer>().await.expect("records");
    assert_eq!(customers.len(), 1, "{customers:?}");
    let homes = test.records::<HomeOrNot>().await.expect("records");
    assert_eq!(homes.len(), 1, "{homes:?}");
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_written_after_its_stream_is_looked_up_by_the_times_of_both() {
    let directory = tempfile::tempdir().expect("a directory");
    let test = sources(testing::builder().directory(directory.path()));
    let test = test.start().await.expect("it starts");
    for (time, id) in [(1_000, 1), (3_000, 2), (5_000, 3)] {
        test.send_at(time, order(id, 3)).await.expect("it is sent");
    }
    for (time, level) in [(2_000, 20), (4_000, 40)] {
        let customer = Customer {
            id: 3,
            region: None,
            level,
        };
        test.send_at(time, customer).await.expect("it is sent");
    }
    test.end().await.expect("it ends");

    let test = testing::query(bought_by).directory(directory.path());
    let test = test.start().await.expect("it starts");
    test.settle().await.expect("it is taken in");
    let bought = test.records::<BoughtBy>().await.expect("records");
    let found: Vec<_> = bought
        .iter()
        .filter_map(|record| record.row.as_ref())
        .map(|row| (row.order, row.level))
        .collect();
    assert_eq!(
        found,
        [(Some(1), None), (Some(2), Some(20)), (Some(3), Some(40))]
    );
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_null_where_it_is_compared_is_counted() {
    let test = testing::query(either)
        .query(bought_by)
        .query(homes_or_not)
        .start()
        .await
        .expect("it starts");
    test.send_at(1_000, order(1, None))
        .await
        .expect("it is sent");
    test.send_at(1_000, payment(1, None))
        .await
        .expect("it is sent");
    test.send_at(1_000, payment(2, 1))
        .await
        .expect("it is sent");
    let customer = Customer {
        id: 3,
        region: None,
        level: 2,
    };
    test.send_at(1_000, customer).await.expect("it is sent");
    test.settle().await.expect("it is taken in");
    let keyless = |name: &str| {
        let queries = test.context().queries();
        let query = queries.iter().find(|query| query.query == name);
        query.expect("the query").keyless
    };
    assert_eq!(keyless("either"), 1, "a payment without an order");
    assert_eq!(keyless("bought_by"), 1, "an order without a customer");
    assert_eq!(keyless("homes_or_not"), 0, "a row that names none is a row");
    let pairs = test.records::<Either>().await.expect("records");
    assert_eq!(pairs.len(), 1, "{pairs:?}");
    let homes = test.records::<HomeOrNot>().await.expect("records");
    assert_eq!(homes.len(), 1, "{homes:?}");
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_of_other_numbers_of_partitions_are_refused_before_anything_is_made() {
    let error = testing::query(visited).start().await.expect_err("K0609");
    let said = error.to_string();
    for part in [
        "K0609",
        "the query `visited` joins",
        "5 partitions",
        "3 partitions",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_a_foreign_key_the_numbers_of_partitions_may_differ() {
    let test = testing::query(residents).start().await.expect("it starts");
    for id in 0..20 {
        let member = Member { id, region: id % 4 };
        test.send_at(1_000, member).await.expect("it is sent");
    }
    for id in 0..3 {
        let region = Region { id, tax: 10 + id };
        test.send_at(2_000, region).await.expect("it is sent");
    }
    test.settle().await.expect("it is taken in");
    let mut rows = test
        .context()
        .set::<Resident>()
        .to_list()
        .await
        .expect("a list");
    rows.sort_by_key(|row| row.id);
    let expected = (0..20).filter(|id| id % 4 < 3).map(|id| Resident {
        id,
        tax: 10 + id % 4,
    });
    assert_eq!(rows, expected.collect::<Vec<_>>());
    test.end().await.expect("it ends");
}
