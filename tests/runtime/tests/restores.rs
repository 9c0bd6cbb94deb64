//! How a restore ends (RT4), as far as an embedded log can bring it about: ready, or a typed error, never a hang.
//!
//! `KSQL_TEST_READY` is how many seconds each start may take to its end, whichever.

use std::path::Path;
use std::time::{Duration, Instant};

use ksql_runtime::log::{Record, TopicSpec};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::report::number;

const LIMIT: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("stock", partitions = 3)]
#[table]
#[entity(namespace = "shop")]
pub struct Stock {
    #[key]
    pub article: String,
    pub pieces: i32,
}

fn stock(article: &str, pieces: i32) -> Stock {
    Stock {
        article: article.into(),
        pieces,
    }
}

fn builder(directory: &Path) -> ContextBuilder {
    ksql_runtime_tests::context()
        .entity::<Stock>()
        .state_dir(directory)
}

async fn start(directory: &Path) -> Context {
    builder(directory)
        .start()
        .await
        .expect("the context starts")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_restore_ends_ready_or_with_an_error_that_says_why() {
    let add = async |directory: &Path, rows: i32| {
        let ctx = start(directory).await;
        let rows = (0..rows).map(|n| stock(&format!("a{n}"), n));
        ctx.set::<Stock>().add_all(rows).await.expect("added");
        ctx.wait_caught_up(LIMIT).await.expect("caught up");
        ctx
    };
    let ends = async |directory: &Path, rebuild: bool| {
        let began = Instant::now();
        let started = builder(directory)
            .setting("ready_timeout", "5m")
            .setting(
                "rebuild_on_truncation",
                if rebuild { "true" } else { "false" },
            )
            .start()
            .await;
        let bound = Duration::from_secs(number("KSQL_TEST_READY", 300));
        assert!(began.elapsed() <= bound, "{:?}", began.elapsed());
        match started {
            Ok(ctx) => {
                let count = ctx.set::<Stock>().count().await.expect("a count");
                ctx.shutdown().await.expect("a clean end");
                Ok(count)
            }
            Err(error) => Err(error.to_string()),
        }
    };
    // Empty, and stored == end.
    let directory = tempfile::tempdir().expect("a directory");
    assert_eq!(ends(directory.path(), false).await, Ok(0));
    add(directory.path(), 10)
        .await
        .shutdown()
        .await
        .expect("a clean end");
    assert_eq!(ends(directory.path(), false).await, Ok(10));
    // The state is gone, the log is compacted: gaps at the start, in the middle and at the end.
    let ctx = start(directory.path()).await;
    for round in 0..3 {
        ctx.set::<Stock>()
            .add_all((0..10).map(|n| stock(&format!("a{n}"), n + round)))
            .await
            .expect("added");
    }
    ctx.set::<Stock>().remove("a9").await.expect("removed");
    if let ksql_runtime::log::Log::Embedded(log) = ctx.log() {
        log.maintain(0).await.expect("compacted");
        log.maintain(i64::MAX / 2)
            .await
            .expect("tombstones removed");
    }
    ctx.shutdown().await.expect("a clean end");
    std::fs::remove_dir_all(directory.path().join("state")).expect("the state is removed");
    assert_eq!(ends(directory.path(), false).await, Ok(9));
    // The topic was deleted and created again: other records under the same offsets.
    let ctx = start(directory.path()).await;
    ctx.log().delete_topic("stock").await.expect("deleted");
    let spec = TopicSpec::new("stock", 3).compacted();
    ctx.log().create_topic(&spec).await.expect("created");
    ctx.shutdown().await.expect("a clean end");
    let error = ends(directory.path(), false)
        .await
        .expect_err("another topic");
    for word in [
        "`stock`",
        "created again",
        "rebuild_on_truncation",
        "start tables",
        "`Stock`",
    ] {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }
    assert_eq!(
        ends(directory.path(), true).await,
        Ok(0),
        "rebuilt on request"
    );
    // The log was restored from an older copy: the stored offset is behind its end.
    let directory = tempfile::tempdir().expect("a directory");
    add(directory.path(), 5)
        .await
        .shutdown()
        .await
        .expect("a clean end");
    let older = tempfile::tempdir().expect("a directory");
    copy(&directory.path().join("log"), &older.path().join("log"));
    add(directory.path(), 50)
        .await
        .shutdown()
        .await
        .expect("a clean end");
    std::fs::remove_dir_all(directory.path().join("log")).expect("the log is removed");
    copy(&older.path().join("log"), &directory.path().join("log"));
    let error = ends(directory.path(), false).await.expect_err("cut off");
    assert!(
        error.contains("truncated") && error.contains("`stock`"),
        "{error}"
    );
    assert_eq!(
        ends(directory.path(), true).await,
        Ok(5),
        "rebuilt on request"
    );
    // Retention passed the table while it was down: low > 0, and the stored offset below it.
    let directory = tempfile::tempdir().expect("a directory");
    let log = ksql_runtime::log::EmbeddedLog::open(ksql_runtime::log::EmbeddedOptions::new(
        directory.path().join("log"),
    ))
    .expect("the log opens");
    log.create_topic(&TopicSpec::new("stock", 3).retention_ms(1))
        .await
        .expect("created");
    log.close().await.expect("closed");
    drop(log);
    let ctx = add(directory.path(), 20).await;
    ctx.shutdown().await.expect("a clean end");
    let log = ksql_runtime::log::EmbeddedLog::open(ksql_runtime::log::EmbeddedOptions::new(
        directory.path().join("log"),
    ))
    .expect("the log opens");
    for n in 0..20_u8 {
        log.produce("stock", Record::new(Some(&[n]), None, 0))
            .await
            .expect("produced");
    }
    log.maintain(i64::MAX / 2).await.expect("expired");
    log.close().await.expect("closed");
    drop(log);
    let error = ends(directory.path(), false)
        .await
        .expect_err("records are gone");
    assert!(error.contains("truncated"), "{error}");
    assert_eq!(
        ends(directory.path(), true).await,
        Ok(0),
        "low == high > 0 is ready"
    );
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("a copy");
        }
    }
}
