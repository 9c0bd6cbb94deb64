//! Tables under kill -9, restarts, second owners and orderly ends, with real child processes (RT1, RT3, RT11, RT12).
//!
//! `KSQL_TEST_KILLS=500` runs the long form.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ksql_runtime::prelude::*;
use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::workload::{Row, allowed, differences, mix, row};

const CHILD: &str = env!("CARGO_BIN_EXE_table_child");
const KEYS: u64 = 500;
const LIMIT: Duration = Duration::from_secs(60);

fn seed() -> u64 {
    std::env::var("KSQL_TEST_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(rand::random)
}

fn kills() -> u64 {
    std::env::var("KSQL_TEST_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(25)
}

async fn open(directory: &std::path::Path) -> Context {
    Context::builder()
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
    let (seed, kills) = (seed(), kills());
    let directory = tempfile::tempdir().expect("a directory");
    let (mut sent, mut acknowledged, mut checked) = (0_u64, 0_u64, 0_u64);
    for kill in 0..kills {
        let arguments = [
            "ingest",
            &seed.to_string(),
            &KEYS.to_string(),
            &acknowledged.to_string(),
            "1000000000",
        ];
        let mut child = Lines::start(CHILD, &arguments, directory.path());
        let mut each = |line: &str| {
            if let Some(n) = line.strip_prefix("sent ") {
                sent = sent.max(n.parse().expect("a number"));
            } else if let Some(n) = line.strip_prefix("acked ") {
                acknowledged = acknowledged.max(n.parse().expect("a number"));
            } else {
                assert_eq!(line, "ready");
            }
        };
        // From the very start of the process to well into ingest.
        let time = Duration::from_micros(mix(seed, kill) % 400_000);
        child.read_for(time, &mut each);
        child.kill(&mut each);

        let ctx = open(directory.path()).await;
        ctx.wait_ready(LIMIT).await.expect("the table is ready");
        let rows = table(&ctx).await;
        let wrong = differences(&rows, &allowed(seed, KEYS, acknowledged, sent));
        assert_eq!(
            wrong,
            Vec::<String>::new(),
            "seed {seed}, kill {kill}, acknowledged {acknowledged}, sent {sent}"
        );
        checked += rows.len() as u64;
        ctx.shutdown().await.expect("a clean end");
    }
    assert!(acknowledged > 0, "the children got somewhere");
    println!(
        r#"{{"test":"RT1","seed":{seed},"kills":{kills},"acknowledged":{acknowledged},"rows_checked":{checked}}}"#
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_answers_before_the_table_is_ready() {
    let starts = 50;
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
                    let mut n = mix(start, reader);
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
        while answered.load(Ordering::Relaxed) < before + 20 {
            tokio::task::yield_now().await;
        }
        stop.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.await.expect("a reader saw only whole answers");
        }
        Arc::into_inner(ctx)
            .expect("the last owner")
            .shutdown()
            .await
            .expect("a clean end");
    }
    let (refused, answered) = (
        refused.load(Ordering::Relaxed),
        answered.load(Ordering::Relaxed),
    );
    assert!(
        refused > 0,
        "some reads came before ready, or nothing was tested"
    );
    println!(r#"{{"test":"RT3","starts":{starts},"refused":{refused},"answered":{answered}}}"#);
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

    let started = Instant::now();
    let error = Context::builder()
        .entity::<Row>()
        .state_dir(directory.path())
        .start()
        .await
        .expect_err("the directory has an owner");
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "refused after {:?}",
        started.elapsed()
    );
    assert!(
        error.to_string().contains(&first.id().to_string()),
        "names the owner: {error}"
    );

    let before: u64 = first.expect("acked ", LIMIT).parse().expect("a number");
    let after: u64 = first.expect("acked ", LIMIT).parse().expect("a number");
    assert!(after > before, "the first owner goes on");

    // A lock left by a killed owner never blocks.
    first.kill(|_| ());
    let ctx = open(directory.path()).await;
    ctx.wait_ready(LIMIT).await.expect("the table is ready");
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orderly_end_under_load_loses_nothing_and_leaves_nothing_to_replay() {
    let seed = seed();
    let directory = tempfile::tempdir().expect("a directory");
    let mut from = 0;
    for cycle in 0..10 {
        let arguments = [
            "ingest",
            &seed.to_string(),
            &KEYS.to_string(),
            &from.to_string(),
            "1000000000",
        ];
        let mut child = Lines::start(CHILD, &arguments, directory.path());
        child.expect("ready", LIMIT);
        child.expect("acked ", LIMIT);
        child.signal("TERM");
        from = child.expect("ended ", LIMIT).parse().expect("a number");
        let (status, took) = child.ended(Duration::from_secs(10));
        assert!(
            status.success(),
            "cycle {cycle}: an honest exit code, {status}"
        );
        assert!(
            took <= Duration::from_secs(10),
            "cycle {cycle}: ended after {took:?}"
        );
    }
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
    println!(r#"{{"test":"RT12","seed":{seed},"cycles":10,"operations":{from}}}"#);
}
