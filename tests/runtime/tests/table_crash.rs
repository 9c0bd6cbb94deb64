//! Tables under kill -9, restarts, second owners and orderly ends, with real child processes (RT1, RT3, RT11, RT12).
//!
//! `KSQL_TEST_KILLS=500 KSQL_TEST_STARTS=1000 KSQL_TEST_CYCLES=100` is the long form; `KSQL_TEST_SEED` varies it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ksql_runtime::prelude::*;
use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::flushed::{FLUSH_INTERVAL, replays_no_more_than_came_since};
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::second_owner::refused;
use ksql_runtime_tests::workload::{Progress, Row, allowed, differences, mix, row};

const CHILD: &str = env!("CARGO_BIN_EXE_table_child");
const KEYS: u64 = 500;
const LIMIT: Duration = Duration::from_secs(300);

async fn open(directory: &std::path::Path) -> Context {
    ksql_runtime_tests::context()
        .entity::<Row>()
        .setting("wait_for_ready", "false")
        .state_dir(directory)
        .start()
        .await
        .expect("the context starts")
}

/// The whole table, read both ways: as a list and key by key.
async fn table(ctx: &Context) -> Vec<Row> {
    let set = ctx.set::<Row>();
    let rows = set.to_list().await.expect("the table is read");
    let mut found = Vec::new();
    for key in 0..KEYS as i64 {
        found.extend(set.get(key).await.expect("a row is read"));
    }
    let mut listed = rows.clone();
    listed.sort_by_key(|row| row.id);
    assert_eq!(listed, found, "to_list and get see the same table");
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_killed_at_any_instant_equals_its_topic_after_the_restart() {
    let (seed, kills) = (seed(), number("KSQL_TEST_KILLS", 25));
    let mut report = Report::new("RT1", seed);
    let directory = tempfile::tempdir().expect("a directory");
    let (mut progress, mut checked, mut replayed) = (Progress::default(), 0_u64, 0_u64);
    for kill in 0..kills {
        let from = progress.acknowledged;
        let arguments = [
            "flushing",
            &seed.to_string(),
            &KEYS.to_string(),
            &from.to_string(),
            "1000000000",
        ];
        let mut child = Lines::start(CHILD, &arguments, directory.path());
        let mut each = |line: &str| {
            progress.take(line);
            let mut known = ["sent ", "acked ", "ready", "replayed 0"].into_iter();
            assert!(known.any(|known| line.starts_with(known)), "{line}");
        };
        // Every other one is killed while it ingests, whatever the machine's speed; the rest at any time from the very
        // start of the process on.
        if kill.is_multiple_of(2) {
            child.read_until("acked ", LIMIT, &mut each);
        }
        let time = Duration::from_micros(mix(seed, kill) % 400_000);
        child.kill_after(time, &mut each);

        let ctx = open(directory.path()).await;
        ctx.wait_ready(LIMIT).await.expect("the table is ready");
        // What was there at the orderly end before this child is not read again.
        let again = ctx.set::<Row>().replayed().expect("a table");
        let Progress { sent, acknowledged } = progress;
        assert!(
            again <= sent.saturating_sub(from),
            "seed {seed}, kill {kill}: {again} replayed of {from} to {sent}"
        );
        let rows = table(&ctx).await;
        let wrong = differences(&rows, &allowed(seed, KEYS, acknowledged, sent));
        assert_eq!(
            wrong,
            Vec::<String>::new(),
            "seed {seed}, kill {kill}, acknowledged {acknowledged}, sent {sent}"
        );
        checked += rows.len() as u64;
        replayed += again;
        ctx.shutdown().await.expect("a clean end");
        report.pass();
    }
    assert!(progress.acknowledged > 0, "the children got somewhere");
    report.count("kills", kills);
    report.count("acknowledged", progress.acknowledged);
    report.count("replayed", replayed);
    report.count("rows_checked", checked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_replays_no_more_than_came_since_the_last_flush() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let start = |seed: u64, from: u64| {
        let (name, value) = FLUSH_INTERVAL;
        let arguments = [
            "ingest",
            &seed.to_string(),
            &KEYS.to_string(),
            &from.to_string(),
            "1000000000",
        ];
        Lines::start_in(
            CHILD,
            &arguments,
            directory,
            &[(name.to_owned(), value.to_owned())],
        )
    };
    let kills = number("KSQL_TEST_FLUSH_KILLS", 2);
    replays_no_more_than_came_since("embedded", kills, start, async || open(directory).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_answers_before_the_table_is_ready() {
    let (seed, starts) = (seed(), number("KSQL_TEST_STARTS", 50));
    let mut report = Report::new("RT3", seed);
    let rows = 5_000_u64;
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = open(directory.path()).await;
    ctx.set::<Row>()
        .add_all((0..rows).map(|n| row(n as i64, n)).collect::<Vec<_>>())
        .await
        .expect("rows are added");
    ctx.shutdown().await.expect("a clean end");

    let (refused, answered) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    for start in 0..starts {
        // Without its state the table has everything to read again.
        std::fs::remove_dir_all(directory.path().join("state")).expect("the state is removed");
        let ctx = Arc::new(open(directory.path()).await);
        let stop = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..8_u64)
            .map(|reader| {
                let (ctx, stop) = (Arc::clone(&ctx), Arc::clone(&stop));
                let (refused, answered) = (Arc::clone(&refused), Arc::clone(&answered));
                tokio::spawn(async move {
                    let set = ctx.set::<Row>();
                    let mut n = mix(seed ^ start, reader);
                    while !stop.load(Ordering::Relaxed) {
                        n = mix(n, reader);
                        let key = (n % rows) as i64;
                        let result = if n.is_multiple_of(50) {
                            set.to_list().await.map(|list| {
                                assert_eq!(list.len() as u64, rows, "a list is whole or refused")
                            })
                        } else {
                            set.get(key).await.map(|found| {
                                assert_eq!(
                                    found,
                                    Some(row(key, key as u64)),
                                    "a row is there or refused"
                                )
                            })
                        };
                        match result {
                            Ok(()) => answered.fetch_add(1, Ordering::Relaxed),
                            Err(error) => {
                                let text = error.to_string();
                                assert!(
                                    text.contains("rows") && text.contains("lag"),
                                    "names topic and lag: {text}"
                                );
                                refused.fetch_add(1, Ordering::Relaxed)
                            }
                        };
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        ctx.wait_ready(LIMIT).await.expect("the table is ready");
        let before = answered.load(Ordering::Relaxed);
        let answers = async {
            while answered.load(Ordering::Relaxed) < before + 20 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, answers)
            .await
            .expect("reads are answered once it is ready");
        stop.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.await.expect("a reader saw only whole answers");
        }
        Arc::into_inner(ctx)
            .expect("the last owner")
            .shutdown()
            .await
            .expect("a clean end");
        report.pass();
    }
    let (refused, answered) = (
        refused.load(Ordering::Relaxed),
        answered.load(Ordering::Relaxed),
    );
    assert!(
        refused > 0,
        "some reads came before ready, or nothing was tested"
    );
    report.count("starts", starts);
    report.count("refused", refused);
    report.count("answered", answered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_owner_is_refused_at_once_and_the_first_is_unaffected() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut first = Lines::start(
        CHILD,
        &["ingest", "1", "500", "0", "1000000000"],
        directory.path(),
    );
    assert_eq!(first.expect("ready", LIMIT), "");

    let second = async || {
        let builder = ksql_runtime_tests::context().entity::<Row>();
        builder.state_dir(directory.path()).start().await
    };
    let fastest = refused(&first, second).await;

    let before: u64 = first.expect("acked ", LIMIT).parse().expect("a number");
    let after: u64 = first.expect("acked ", LIMIT).parse().expect("a number");
    assert!(after > before, "the first owner goes on");

    // A lock left by a killed owner never blocks.
    first.kill(|_| ());
    let ctx = open(directory.path()).await;
    ctx.wait_ready(LIMIT).await.expect("the table is ready");
    ctx.shutdown().await.expect("a clean end");
    let mut report = Report::new("RT11", 0);
    report.pass();
    report.count("refused_after_ms", fastest.as_millis() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orderly_end_under_load_loses_nothing_and_leaves_nothing_to_replay() {
    let (seed, cycles) = (seed(), number("KSQL_TEST_CYCLES", 10));
    let mut report = Report::new("RT12", seed);
    let directory = tempfile::tempdir().expect("a directory");
    let (mut from, mut fastest, mut longest) = (0, Duration::MAX, Duration::ZERO);
    for cycle in 0..cycles {
        let arguments = [
            "ingest",
            &seed.to_string(),
            &KEYS.to_string(),
            &from.to_string(),
            "1000000000",
        ];
        let mut child = Lines::start(CHILD, &arguments, directory.path());
        assert_eq!(
            child.expect("replayed ", LIMIT),
            "0",
            "seed {seed}, cycle {cycle}: nothing to replay after an orderly end"
        );
        child.expect("acked ", LIMIT);
        let asked = Instant::now();
        child.signal("TERM");
        from = child.expect("ended ", LIMIT).parse().expect("a number");
        let (status, _) = child.ended(LIMIT);
        let took = asked.elapsed();
        (fastest, longest) = (fastest.min(took), longest.max(took));
        assert!(
            status.success(),
            "cycle {cycle}: an honest exit code, {status}"
        );
        report.pass();
    }
    // One of some ends is enough: on a busy machine any single one may be kept waiting by others.
    assert!(
        fastest <= Duration::from_secs(10),
        "ended after {fastest:?} at best"
    );
    let ctx = open(directory.path()).await;
    ctx.wait_ready(LIMIT).await.expect("the table is ready");
    assert_eq!(
        ctx.set::<Row>().replayed().expect("a table"),
        0,
        "nothing to replay after an orderly end"
    );
    let wrong = differences(&table(&ctx).await, &allowed(seed, KEYS, from, from));
    assert_eq!(wrong, Vec::<String>::new(), "seed {seed}");
    ctx.shutdown().await.expect("a clean end");
    report.count("cycles", cycles);
    report.count("operations", from);
    report.count("longest_end_ms", longest.as_millis() as u64);
}
