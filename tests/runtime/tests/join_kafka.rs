//! Joins over topics of a real Kafka, several partitions each: killed in the middle they tell what a run in one process tells that
//! nobody killed.
//!
//! `KSQL_TEST_QUERY_KILLS` sets how often they are killed; `KSQL_TEST_SEED` varies the records.

use ksql_runtime_tests::joins::*;
use ksql_runtime_tests::killed_on_kafka::Both;
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::told::same;

const CHILD: &str = env!("CARGO_BIN_EXE_join_child");
/// Records of each input for every kill, so that there is something to do at the last one too.
const RECORDS: u64 = 20_000;
/// The streams that are read, and what two joins make of them.
const READ: &[&str] = &["Click", "View"];
const ALL: &[&str] = &["Click", "View", "Met", "Known"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_joins_over_a_real_kafka_tell_what_a_run_without_a_kill_tells() {
    let test = concat!(module_path!(), "::killed_joins_over_a_real_kafka");
    let Some(both) = Both::or_skip(test, ALL) else {
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
    both.kill((CHILD, &[]), ALL, "met", kills, &mut report)
        .await;
    let killed = with_two(both.killed(ALL)).start().await.expect("it starts");
    killed.settle().await.expect("it is taken in");
    let whole = with_two(both.whole()).start().await.expect("it starts");
    whole.settle().await.expect("it is taken in");
    let again = same::<Met>(&killed, &whole).await + same::<Known>(&killed, &whole).await;
    report.count("told again", again as u64);
    killed.end().await.expect("it ends");
    whole.end().await.expect("it ends");
}
