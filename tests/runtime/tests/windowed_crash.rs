//! Queries over results with windows under kill -9, with real child processes: after any number of kills what they filter, map and
//! join is that of a run without one, window by window.
//!
//! `KSQL_TEST_QUERY_KILLS` sets how often they are killed; `KSQL_TEST_SEED` varies the records.

use std::path::Path;
use std::time::Duration;

use ksql_runtime::testing::{self, Test};
use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::files::copy;
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::told::left_out;
use ksql_runtime_tests::windowed::*;
use ksql_runtime_tests::workload::mix;

const CHILD: &str = env!("CARGO_BIN_EXE_join_child");
const LIMIT: Duration = Duration::from_secs(300);
/// Records of each source for every kill, so that there is something to do at the last one too.
const RECORDS: u64 = 500;

async fn run(directory: &Path, memory: &str) -> Test {
    let builder = testing::builder()
        .directory(directory)
        .setting("memory", memory)
        .setting("ready_timeout", "5m");
    let test = with_readers(builder).start().await.expect("it starts");
    test.settle().await.expect("it is taken in");
    test
}

/// The topics of all results.
fn told(test: &Test) -> Vec<String> {
    let queries = test.context().queries().into_iter();
    queries.flat_map(|query| query.results).collect()
}

/// How many records there are in topics.
async fn count(test: &Test, topics: &[String]) -> u64 {
    let mut count = 0;
    for topic in topics {
        let offsets = test.context().log().all_offsets(topic).await;
        let offsets = offsets.expect("a topic of results").into_iter();
        count += offsets
            .map(|offsets| offsets.end.cast_unsigned())
            .sum::<u64>();
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_queries_over_windows_tell_what_a_run_without_a_kill_tells() {
    let (seed, kills) = (seed(), number("KSQL_TEST_QUERY_KILLS", 20));
    let mut report = Report::new("queries over windows", seed);
    let root = tempfile::tempdir().expect("a directory");
    let (killed, whole) = (root.path().join("killed"), root.path().join("whole"));
    let filling = with_windows(testing::builder().directory(&killed));
    let filling = filling.start().await.expect("it starts");
    fill(&filling, seed, RECORDS * (kills + 1))
        .await
        .expect("sent");
    filling.settle().await.expect("the windows are made");
    filling.end().await.expect("it ends");
    copy(&killed, &whole);

    let mut midway = 0;
    for kill in 0..kills {
        let mut child = Lines::start(CHILD, &["windows", "wait_for_ready=false"], &killed);
        // Every other one as soon as it takes records in, whatever the machine's speed; the rest at any time.
        let (begins, longest) = match kill.is_multiple_of(2) {
            true => ("taken", 1),
            false => ("runs", 500),
        };
        child.read_until(begins, LIMIT, |_| {});
        let mut ready = false;
        let time = Duration::from_millis(mix(seed, kill) % longest);
        child.kill_after(time, |line| ready |= line == "ready");
        midway += u64::from(!ready);
        report.pass();
    }
    assert!(
        midway >= kills.div_ceil(2),
        "{midway} of {kills} were killed while they had something to do"
    );
    // What waits has room in the memory of one, not in that of the other.
    let whole = run(&whole, "2GiB").await;
    let topics = told(&whole);
    let all = count(&whole, &topics).await;
    // Seen by what does not write them.
    let before = with_windows(testing::builder().directory(&killed));
    let before = before.start().await.expect("it starts");
    let by_killed = count(&before, &topics).await;
    before.end().await.expect("it ends");
    assert!(by_killed > 0, "those that were killed told nothing");
    let killed = run(&killed, "64MiB").await;
    let again = told_again(&killed, &whole).await;
    assert_eq!(left_out(&killed), left_out(&whole));
    report.count("kills", kills);
    report.count("of them midway", midway);
    report.count("told by those that were killed", by_killed);
    report.count("results", all);
    report.count("told again", again as u64);
    killed.end().await.expect("it ends");
    whole.end().await.expect("it ends");
}
