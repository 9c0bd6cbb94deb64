//! Joins over topics of a real Kafka, several partitions each: killed in the middle they tell what a run in one process tells that
//! nobody killed, each result once, and whatever column they join by, no topic is made for them on the way. What stays idle stalls
//! nothing.
//!
//! `KSQL_TEST_QUERY_KILLS` sets how often they are killed; `KSQL_TEST_SEED` varies the records.

use std::time::Duration;

use ksql_runtime::entity::Entity;
use ksql_runtime::log::partition::partition_for_key;
use ksql_runtime::testing::Test;
use ksql_runtime_tests::cluster::Place;
use ksql_runtime_tests::join_kinds::{
    BoughtBy, Customer, Order, PARTITIONS, Paid, PaidOrNot, Payment, bought_by, paid, paid_or_not,
};
use ksql_runtime_tests::joins::*;
use ksql_runtime_tests::killed_on_kafka::{Both, kept};
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::told::same;
use ksql_runtime_tests::until::until;
use ksql_runtime_tests::{servers, test_name};

const CHILD: &str = env!("CARGO_BIN_EXE_join_child");
/// Records of each input for every kill, so that there is something to do at the last one too.
const RECORDS: u64 = 20_000;
/// The streams that are read, and what two joins make of them.
const READ: &[&str] = &["Click", "View"];
const ALL: &[&str] = &["Click", "View", "Met", "Known"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_joins_over_a_real_kafka_tell_what_a_run_without_a_kill_tells() {
    let Some(both) = Both::or_skip(test_name!()) else {
        return;
    };
    let (seed, kills) = (seed(), number("KSQL_TEST_QUERY_KILLS", 3));
    let mut report = Report::new("joins on Kafka", seed);
    for builder in [both.killed(READ), both.whole()] {
        let filling = with_sources(builder).start().await.expect("it starts");
        fill(&filling, seed, RECORDS * (kills + 1))
            .await
            .expect("sent");
        filling.end().await.expect("it ends");
    }
    both.kill((CHILD, "two"), ALL, "met", kills, &mut report)
        .await;
    let (killed, whole) = both.run(ALL, with_two).await;
    let again = same::<Met>(&killed, &whole).await + same::<Known>(&killed, &whole).await;
    assert_eq!(again, 0, "results and their note are one transaction");
    killed.end().await.expect("it ends");
    whole.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joins_by_other_columns_than_keys_make_no_topics_but_those_of_entities() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let Some(registry) = servers::registry_or_skip(test_name!()) else {
        return;
    };
    let place = Place::new(kafka.bootstrap(), registry);
    let builder = |of| {
        let builder = place.tested(place.directory());
        kept(of).fold(builder, |all, (key, value)| all.setting(key, value))
    };
    // Before they run, or streams are taken before there is a row of a table.
    let filling = with_sources(builder(READ)).start();
    let filling = filling.await.expect("it starts");
    fill(&filling, seed(), 500).await.expect("sent");
    filling.end().await.expect("it ends");
    let test = with_other_columns(builder(ALL)).start();
    let test = test.await.expect("it starts");
    test.settle().await.expect("it is taken in");
    // All of them had something to join.
    let told = [
        test.records::<Met>().await.expect("records").len(),
        test.records::<Known>().await.expect("records").len(),
        test.records::<Taxed>().await.expect("records").len(),
        test.records::<PerTown>().await.expect("records").len(),
    ];
    assert!(told.iter().all(|told| *told > 0), "{told:?}");
    // While they run: what is made on the way could be removed at the end. Kafka's own tool says what there is.
    let listed = kafka.tool("org.apache.kafka.tools.TopicCommand", &["--list"]);
    let mut topics: Vec<&str> = listed
        .lines()
        .filter(|topic| topic.contains(place.prefix()))
        .collect();
    topics.sort_unstable();
    let expected = [
        "clicks",
        "known",
        "met",
        "people",
        "per_town",
        "system.KsqlDsl.owner",
        "system.dlq",
        "taxed",
        "towns",
        "views",
    ];
    let expected = expected.map(|topic| format!("{}{topic}", place.prefix()));
    assert_eq!(topics, expected);
    test.end().await.expect("it ends");
}

/// Results of what comes while another input is idle are told within this time: nobody knows how long that stays so.
const IDLE: Duration = Duration::from_secs(60);

/// The first id from this one on whose records lie in a partition.
fn id_in(partition: u32, from: i64) -> i64 {
    let lies =
        |id: &i64| partition_for_key(&id.to_be_bytes(), PARTITIONS).cast_unsigned() == partition;
    (from..).find(lies).expect("an id")
}

fn order(id: i64, customer: i64) -> Order {
    Order {
        id,
        customer: Some(customer),
        amount: 7,
    }
}

fn payment(id: i64, order: i64) -> Payment {
    Payment {
        id,
        order: Some(order),
        paid: 5,
    }
}

/// Waits until so many results are told.
async fn told<T: Entity>(test: &Test, count: usize) {
    let mut found = 0;
    let all = async || {
        found = test.records::<T>().await.expect("records").len();
        found >= count
    };
    let name = T::MODEL.topic.name;
    until(IDLE, all, || format!("{count} records of `{name}`")).await;
    assert_eq!(found, count, "of `{name}`");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_stays_idle_does_not_stall_a_join() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let Some(registry) = servers::registry_or_skip(test_name!()) else {
        return;
    };
    let place = Place::new(kafka.bootstrap(), registry);
    let of = ["Order", "Payment", "Paid", "PaidOrNot", "BoughtBy"];
    let builder = place
        .tested(place.directory())
        .query(paid)
        .query(paid_or_not)
        .query(bought_by);
    let builder = kept(&of).fold(builder, |all, (key, value)| all.setting(key, value));
    let test = builder.start().await.expect("it starts");
    // Of payments one partition has records and the others never have any, of customers as well.
    let (paying, customer) = (id_in(1, 500), id_in(2, 700));
    let of_each = |from: i64| (0..PARTITIONS).map(move |partition| id_in(partition, from));
    let known = Customer {
        id: customer,
        region: None,
        level: 3,
    };
    test.send_at(900, known).await.expect("sent");
    let first = id_in(0, 100);
    test.send_at(1_000, order(first, customer))
        .await
        .expect("sent");
    test.send_at(1_500, payment(paying, first))
        .await
        .expect("sent");
    told::<Paid>(&test, 1).await;
    told::<BoughtBy>(&test, 1).await;

    // Orders go on in every partition, with customers of every partition, and nothing else does.
    for (id, whose) in of_each(200).zip(of_each(700)) {
        test.send_at(2_000, order(id, whose)).await.expect("sent");
    }
    told::<BoughtBy>(&test, 4).await;
    // Those without a payment are told when the time of their partition is over.
    for id in of_each(300) {
        test.send_at(90_000, order(id, customer))
            .await
            .expect("sent");
    }
    told::<BoughtBy>(&test, 7).await;
    told::<PaidOrNot>(&test, 4).await;
    told::<Paid>(&test, 1).await;

    // And payments go on while no order comes.
    for id in of_each(300) {
        test.send_at(91_000, payment(paying, id))
            .await
            .expect("sent");
    }
    told::<Paid>(&test, 4).await;
    told::<PaidOrNot>(&test, 7).await;
    test.end().await.expect("it ends");
}
