//! Joins over topics of a real Kafka, several partitions each: killed in the middle they tell what a run in one process tells that
//! nobody killed, each result once, and whatever column they join by, no topic is made for them on the way.
//!
//! `KSQL_TEST_QUERY_KILLS` sets how often they are killed; `KSQL_TEST_SEED` varies the records.

use ksql_runtime_tests::cluster::Place;
use ksql_runtime_tests::joins::*;
use ksql_runtime_tests::killed_on_kafka::{Both, kept};
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::told::same;
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
