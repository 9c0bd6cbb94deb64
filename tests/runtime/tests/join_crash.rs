//! Joins under kill -9, with real child processes: after any number of kills the results are those of a run without one, and what
//! is told again was told before.
//!
//! `KSQL_TEST_QUERY_KILLS` sets how often every kind of join is killed, all of them with their process (20); `KSQL_TEST_SEED` varies it.

use std::path::Path;
use std::time::Duration;

use ksql_runtime::testing::{self, Test};
use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::files::copy;
use ksql_runtime_tests::joins::*;
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::told::{left_out, same};
use ksql_runtime_tests::workload::mix;

const CHILD: &str = env!("CARGO_BIN_EXE_join_child");
const LIMIT: Duration = Duration::from_secs(300);
/// Records of each input for every kill, so that there is something to do at the last one too.
const RECORDS: u64 = 500;

async fn run(directory: &Path, memory: &str) -> Test {
    let builder = testing::builder()
        .directory(directory)
        .setting("memory", memory);
    let test = with_queries(builder).start().await.expect("it starts");
    test.settle().await.expect("it is taken in");
    test
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_joins_of_every_kind_tell_what_a_run_without_a_kill_tells() {
    let (seed, kills) = (seed(), number("KSQL_TEST_QUERY_KILLS", 20));
    let mut report = Report::new("joins", seed);
    let root = tempfile::tempdir().expect("a directory");
    let (killed, whole) = (root.path().join("killed"), root.path().join("whole"));
    let filling = with_sources(testing::builder().directory(&killed));
    let filling = filling.start().await.expect("it starts");
    fill(&filling, seed, RECORDS * (kills + 1))
        .await
        .expect("sent");
    filling.end().await.expect("it ends");
    copy(&killed, &whole);

    let mut midway = 0;
    for kill in 0..kills {
        let mut child = Lines::start(CHILD, &["all", "wait_for_ready=false"], &killed);
        // Every other one while it takes records in, whatever the machine's speed; the rest at any time.
        let (begins, longest) = match kill.is_multiple_of(2) {
            true => ("taken", 100),
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
        midway > 0,
        "none of them was killed while it had something to do"
    );
    // What waits has room in the memory of one, not in that of the other.
    let (killed, whole) = (run(&killed, "64MiB").await, run(&whole, "2GiB").await);
    let again = same::<Met>(&killed, &whole).await
        + same::<OfClicks>(&killed, &whole).await
        + same::<OfViews>(&killed, &whole).await
        + same::<Either>(&killed, &whole).await
        + same::<Known>(&killed, &whole).await
        + same::<Clicked>(&killed, &whole).await
        + same::<Both>(&killed, &whole).await
        + same::<OfPeople>(&killed, &whole).await
        + same::<OfTowns>(&killed, &whole).await
        + same::<All>(&killed, &whole).await
        + same::<Taxed>(&killed, &whole).await
        + same::<Housed>(&killed, &whole).await
        + same::<PerTax>(&killed, &whole).await
        + same::<PerTown>(&killed, &whole).await;
    assert_eq!(left_out(&killed), left_out(&whole));
    report.count("kills", kills);
    report.count("of them midway", midway);
    report.count("told again", again as u64);
    killed.end().await.expect("it ends");
    whole.end().await.expect("it ends");
}
