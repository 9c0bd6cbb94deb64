//! Queries over results with windows on a real Kafka: killed in the middle they tell what a run in one process tells that nobody
//! killed, and where it tells it, each result once.
//!
//! `KSQL_TEST_QUERY_KILLS` sets how often they are killed; `KSQL_TEST_SEED` varies the records.

use ksql_runtime_tests::killed_on_kafka::Both;
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::test_name;
use ksql_runtime_tests::windowed::*;

const CHILD: &str = env!("CARGO_BIN_EXE_join_child");
/// Records of each source for every kill, so that there is something to do at the last one too.
const RECORDS: u64 = 4000;
/// What makes the windows.
const MAKING: &[&str] = &["Tap", "Play", "Tapped", "Played", "Heard", "Tour", "Show"];
/// The windows, and what is made of them.
const READING: &[&str] = &[
    "Tapped", "Played", "Heard", "Tour", "Show", "Busy", "Long", "Seen", "Met", "OfTaps",
    "OfPlays", "Either", "Three",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_queries_over_windows_on_a_real_kafka_tell_what_a_run_without_a_kill_tells() {
    let Some(both) = Both::or_skip(test_name!()) else {
        return;
    };
    let (seed, kills) = (seed(), number("KSQL_TEST_QUERY_KILLS", 3));
    let mut report = Report::new("queries over windows on Kafka", seed);
    for builder in [both.killed(MAKING), both.whole()] {
        let filling = with_windows(builder).start().await.expect("it starts");
        fill(&filling, seed, RECORDS * (kills + 1))
            .await
            .expect("sent");
        filling.settle().await.expect("the windows are made");
        filling.end().await.expect("it ends");
    }
    both.kill((CHILD, "windows"), READING, "met_10s", kills, &mut report)
        .await;
    let (killed, whole) = both.run(READING, with_readers).await;
    let again = told_again(&killed, &whole).await;
    assert_eq!(again, 0, "results and their note are one transaction");
    killed.end().await.expect("it ends");
    whole.end().await.expect("it ends");
}
