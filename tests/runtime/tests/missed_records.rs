//! Topics that no longer hold all they held: a fresh table begins where its topic does, and a table that was away while
//! tombstones were removed does not keep what they deleted.

use std::path::Path;
use std::time::Duration;

use ksql_runtime::clock::Clock;
use ksql_runtime::log::{EmbeddedLog, EmbeddedOptions, Record, TopicSpec};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::workload::{Row, row};

const LIMIT: Duration = Duration::from_secs(300);
const DAY: i64 = 24 * 60 * 60 * 1000;

fn log(directory: &Path) -> EmbeddedLog {
    let mut options = EmbeddedOptions::new(directory.join("log"));
    options.dirty_ratio = 0.0;
    EmbeddedLog::open(options).expect("the log opens")
}

async fn context(directory: &Path, clock: &Clock) -> Context {
    let ctx = ksql_runtime_tests::context()
        .entity::<Row>()
        .clock(clock.clone())
        .state_dir(directory)
        .start()
        .await
        .expect("the context starts");
    ctx.wait_ready(LIMIT).await.expect("the table is ready");
    ctx
}

async fn add(ctx: &Context, numbers: std::ops::Range<u64>) {
    let rows: Vec<Row> = numbers.map(|n| row(n as i64, n)).collect();
    ctx.set::<Row>()
        .add_all(rows)
        .await
        .expect("rows are added");
    ctx.wait_caught_up(LIMIT).await.expect("caught up");
}

async fn numbers(ctx: &Context) -> Vec<i64> {
    let mut rows = ctx.set::<Row>().to_list().await.expect("the table is read");
    rows.sort_by_key(|row| row.id);
    rows.iter().map(|row| row.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fresh_table_begins_where_retention_left_its_topic() {
    let directory = tempfile::tempdir().expect("a directory");
    let own = log(directory.path());
    own.create_topic(&TopicSpec::new("rows", 4).retention_ms(1_000))
        .await
        .expect("created");
    own.close().await.expect("closed");
    drop(own);
    let clock = Clock::manual(0);
    let ctx = context(directory.path(), &clock).await;
    add(&ctx, 0..100).await;
    clock.advance(10_000);
    add(&ctx, 100..200).await;
    ctx.shutdown().await.expect("a clean end");
    std::fs::remove_dir_all(directory.path().join("state")).expect("the state is removed");
    let own = log(directory.path());
    assert_eq!(own.maintain(10_500).await.expect("maintained").expired, 100);
    for partition in 0..4 {
        let offsets = own.offsets("rows", partition).expect("offsets");
        assert!(0 < offsets.start && offsets.start < offsets.end);
    }
    own.close().await.expect("closed");
    drop(own);
    let ctx = context(directory.path(), &clock).await;
    assert_eq!(ctx.set::<Row>().replayed().expect("a table"), 100);
    assert_eq!(numbers(&ctx).await, (100..200).collect::<Vec<_>>());
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_deleted_by_a_tombstone_the_table_never_saw_is_gone() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = Clock::manual(0);
    let ctx = context(directory.path(), &clock).await;
    add(&ctx, 0..20).await;
    ctx.shutdown().await.expect("a clean end");

    // While the table is away rows are deleted, and the tombstones are removed when their time is over.
    let own = log(directory.path());
    for key in [3_i64, 7] {
        own.produce("rows", Record::new(Some(&key.to_be_bytes()), None, 0))
            .await
            .expect("produced");
    }
    own.maintain(0).await.expect("compacted");
    let away = |own: &EmbeddedLog| -> Vec<i64> {
        (0..4)
            .map(|partition| own.offsets("rows", partition).expect("offsets").resume_from)
            .collect()
    };
    assert_eq!(away(&own), [0; 4], "the tombstones are still there");
    let removed = own.maintain(2 * DAY).await.expect("compacted").compacted;
    assert_eq!(removed, 2);
    assert_ne!(away(&own), [0; 4]);
    own.close().await.expect("closed");
    drop(own);

    let left: Vec<i64> = (0..20).filter(|key| ![3, 7].contains(key)).collect();
    let ctx = context(directory.path(), &clock).await;
    assert_eq!(numbers(&ctx).await, left);
    assert_eq!(ctx.set::<Row>().get(7).await.expect("a read"), None);
    ctx.shutdown().await.expect("a clean end");
    // Once: now it is behind them.
    let ctx = context(directory.path(), &clock).await;
    assert_eq!(ctx.set::<Row>().replayed().expect("a table"), 0);
    assert_eq!(numbers(&ctx).await, left);
    ctx.shutdown().await.expect("a clean end");
}
