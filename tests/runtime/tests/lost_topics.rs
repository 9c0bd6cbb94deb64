//! Topics that are cut off, deleted or created again under a running table: a typed error, or a rebuild where that was
//! asked for, and never rows of two topics in one answer.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ksql_runtime::error::Error;
use ksql_runtime::log::{EmbeddedLog, EmbeddedOptions, Log, TopicSpec};
use ksql_runtime::prelude::*;
use ksql_runtime::state::{Event, State, StateError};
use tokio::sync::broadcast::Receiver;

const LIMIT: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("stock", partitions = 2)]
#[table]
#[entity(namespace = "lost")]
pub struct Stock {
    #[key]
    pub article: String,
    pub pieces: i32,
}

fn stocks(articles: std::ops::Range<i32>) -> Vec<Stock> {
    let named = |n: i32| Stock {
        article: format!("a{n:03}"),
        pieces: n,
    };
    articles.map(named).collect()
}

fn program(directory: &Path, rebuild: bool) -> ContextBuilder {
    ksql_runtime_tests::context()
        .entity::<Stock>()
        .state_dir(directory)
        .setting("rebuild_on_truncation", rebuild.to_string())
        .setting("retry_first", "1ms")
        .setting("retry_longest", "2ms")
        .setting("cache_rows", "1000")
}

async fn start(directory: &Path, rebuild: bool) -> Context {
    let ctx = program(directory, rebuild).start().await;
    ctx.expect("the context starts")
}

async fn fill(ctx: &Context, articles: std::ops::Range<i32>) {
    let added = ctx.set::<Stock>().add_all(stocks(articles)).await;
    let set = ctx.set::<Stock>().at_least(added.expect("added"));
    for row in set.to_list().await.expect("a list") {
        // Into the cache too.
        let found = set.get(row.article.as_str()).await.expect("a read");
        assert_eq!(found, Some(row));
    }
}

fn log(ctx: &Context) -> &EmbeddedLog {
    match ctx.log() {
        Log::Embedded(log) => log,
        other => panic!("another log: {other:?}"),
    }
}

async fn transition(events: &mut Receiver<Event>) -> (State, State) {
    let event = tokio::time::timeout(LIMIT, events.recv()).await;
    let event = event.expect("in time").expect("an event");
    (event.previous, event.current)
}

/// Keeps the table from its topic while something happens to it.
async fn unseen(ctx: &Context, events: &mut Receiver<Event>, what: impl AsyncFnOnce()) {
    log(ctx).fail_reads(u32::MAX);
    assert_eq!(
        transition(events).await,
        (State::Running, State::Disconnected)
    );
    what().await;
    log(ctx).fail_reads(0);
}

/// Follows a table that begins again until it is running.
async fn rebuilt(events: &mut Receiver<Event>) {
    assert_eq!(
        transition(events).await,
        (State::Disconnected, State::Rebalancing)
    );
    assert_eq!(
        transition(events).await,
        (State::Rebalancing, State::Running)
    );
}

async fn recreate(ctx: &Context) {
    ctx.log().delete_topic("stock").await.expect("deleted");
    let spec = TopicSpec::new("stock", 2).compacted();
    ctx.log().create_topic(&spec).await.expect("created");
}

async fn reason(ctx: &Context) -> StateError {
    match ctx.set::<Stock>().get("a000").await {
        Err(Error::NotReady {
            state: State::Error,
            reason: Some(reason),
            ..
        }) => *reason,
        other => panic!("no table that ended: {other:?}"),
    }
}

/// A directory whose topic keeps records as long as it is told to, under a table.
async fn retained() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let log = EmbeddedLog::open(EmbeddedOptions::new(directory.path().join("log")));
    let log = log.expect("the log opens");
    log.create_topic(&TopicSpec::new("stock", 2).retention_ms(1))
        .await
        .expect("created");
    log.close().await.expect("closed");
    directory
}

/// Retention passes the table: the records it has not read are gone.
async fn cut_off(ctx: &Context) {
    let added = ctx.set::<Stock>().add_all(stocks(100..200)).await;
    added.expect("added");
    let expired = log(ctx).maintain(i64::MAX / 2).await.expect("expired");
    assert!(expired.expired >= 100, "{expired:?}");
    let added = ctx.set::<Stock>().add_all(stocks(200..230)).await;
    added.expect("added");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_are_gone_before_they_were_read_end_a_running_table_with_their_place() {
    let directory = retained().await;
    let ctx = start(directory.path(), false).await;
    fill(&ctx, 0..50).await;
    let mut events = ctx.events();
    unseen(&ctx, &mut events, async || cut_off(&ctx).await).await;
    assert_eq!(
        transition(&mut events).await,
        (State::Disconnected, State::Error)
    );
    let reason = reason(&ctx).await;
    assert!(
        matches!(&reason, StateError::Truncated { topic, stored, start, .. } if topic == "stock" && stored < start),
        "{reason:?}"
    );
    assert!(
        reason.to_string().contains("rebuild_on_truncation"),
        "{reason}"
    );
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_it_was_asked_for_a_running_table_reads_a_cut_off_topic_from_its_new_start() {
    let directory = retained().await;
    let ctx = start(directory.path(), true).await;
    fill(&ctx, 0..50).await;
    let mut events = ctx.events();
    unseen(&ctx, &mut events, async || cut_off(&ctx).await).await;
    rebuilt(&mut events).await;
    let set = ctx.set::<Stock>();
    assert_eq!(set.to_list().await.expect("a list"), stocks(200..230));
    assert_eq!(
        set.get("a007").await.expect("a read"),
        None,
        "not even kept in memory"
    );
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_created_again_under_a_running_table_ends_it_unless_a_rebuild_was_asked_for() {
    for rebuild in [false, true] {
        let directory = tempfile::tempdir().expect("a directory");
        let ctx = start(directory.path(), rebuild).await;
        fill(&ctx, 0..50).await;
        let mut events = ctx.events();
        // As many records as before: the offsets alone would not tell.
        unseen(&ctx, &mut events, async || {
            recreate(&ctx).await;
            let added = ctx.set::<Stock>().add_all(stocks(300..350)).await;
            added.expect("added");
        })
        .await;
        if rebuild {
            rebuilt(&mut events).await;
            let set = ctx.set::<Stock>();
            assert_eq!(set.to_list().await.expect("a list"), stocks(300..350));
            assert_eq!(set.get("a007").await.expect("a read"), None);
            fill(&ctx, 350..360).await;
            ctx.shutdown().await.expect("a clean end");
            let ctx = start(directory.path(), false).await;
            let set = ctx.set::<Stock>();
            assert_eq!(
                set.replayed().expect("a table"),
                0,
                "it is this topic's table now"
            );
            assert_eq!(set.to_list().await.expect("a list"), stocks(300..360));
        } else {
            assert_eq!(
                transition(&mut events).await,
                (State::Disconnected, State::Error)
            );
            let reason = reason(&ctx).await;
            assert!(
                matches!(&reason, StateError::Recreated { topic } if topic == "stock"),
                "{reason:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_topic_ends_its_table_unless_a_rebuild_was_asked_for_then_it_is_waited_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start(directory.path(), false).await;
    let mut events = ctx.events();
    recreate(&ctx).await;
    assert_eq!(
        transition(&mut events).await,
        (State::Running, State::Error)
    );
    let text = reason(&ctx).await.to_string();
    assert!(text.contains("`stock`"), "{text}");
    drop(ctx);

    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start(directory.path(), true).await;
    fill(&ctx, 0..50).await;
    let mut events = ctx.events();
    ctx.log().delete_topic("stock").await.expect("deleted");
    assert_eq!(
        transition(&mut events).await,
        (State::Running, State::Disconnected)
    );
    let spec = TopicSpec::new("stock", 2).compacted();
    ctx.log().create_topic(&spec).await.expect("created");
    rebuilt(&mut events).await;
    assert_eq!(ctx.set::<Stock>().count().await.expect("a count"), 0);
    fill(&ctx, 60..70).await;
    assert_eq!(
        ctx.set::<Stock>().to_list().await.expect("a list"),
        stocks(60..70)
    );
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_of_one_topic_whenever_the_topic_is_exchanged() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start(directory.path(), true).await;
    fill(&ctx, 0..50).await;
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (set, stop) = (ctx.set::<Stock>(), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    match set.to_list().await {
                        Ok(rows) => assert!(
                            rows.len() == 50 && rows[0].pieces % 50 == 0,
                            "{} rows from {:?}",
                            rows.len(),
                            rows.first()
                        ),
                        Err(Error::NotReady { .. }) => {}
                        Err(other) => panic!("{other}"),
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut events = ctx.events();
    for round in 1..10 {
        unseen(&ctx, &mut events, async || {
            recreate(&ctx).await;
            let rows = stocks(round * 50..round * 50 + 50);
            ctx.set::<Stock>().add_all(rows).await.expect("added");
        })
        .await;
        rebuilt(&mut events).await;
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.expect("every answer was of one topic");
    }
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_during_which_the_topic_was_exchanged_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start(directory.path(), true).await;
    fill(&ctx, 0..50).await;
    let mut events = ctx.events();
    let (mut seen, handle) = (0, tokio::runtime::Handle::current());
    let scanned = ctx
        .set::<Stock>()
        .scan(|_| {
            seen += 1;
            if seen == 1 {
                handle.block_on(async {
                    unseen(&ctx, &mut events, async || recreate(&ctx).await).await;
                    while transition(&mut events).await != (State::Rebalancing, State::Running) {}
                });
            }
        })
        .await;
    assert_eq!(seen, 50, "a scan goes over one snapshot");
    assert!(
        matches!(
            scanned,
            Err(Error::NotReady {
                state: State::Rebalancing,
                ..
            })
        ),
        "{scanned:?}"
    );
    assert_eq!(ctx.set::<Stock>().count().await.expect("a count"), 0);
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_could_not_read_a_tombstone_before_it_was_removed_does_not_keep_the_row() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start(directory.path(), false).await;
    fill(&ctx, 0..50).await;
    let mut events = ctx.events();
    unseen(&ctx, &mut events, async || {
        let removed = ctx.set::<Stock>().remove("a007").await;
        removed.expect("removed");
        log(&ctx).maintain(0).await.expect("compacted");
        let gone = log(&ctx).maintain(i64::MAX / 2).await;
        assert_eq!(gone.expect("compacted").compacted, 1, "the tombstone");
    })
    .await;
    rebuilt(&mut events).await;
    let set = ctx.set::<Stock>();
    assert_eq!(set.get("a007").await.expect("a read"), None);
    assert_eq!(set.count().await.expect("a count"), 49);
    // What is removed later, behind the table, is no reason to begin again.
    let receipt = set.remove("a008").await.expect("removed");
    let found = set.at_least(receipt).get("a008").await.expect("a read");
    assert_eq!(found, None);
    unseen(&ctx, &mut events, async || {
        log(&ctx).maintain(0).await.expect("compacted");
        log(&ctx).maintain(i64::MAX / 2).await.expect("compacted");
    })
    .await;
    let change = transition(&mut events).await;
    assert_eq!(change, (State::Disconnected, State::Running));
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_prefix_in_the_same_directory_is_told_as_what_it_is_and_loses_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start(directory.path(), false).await;
    fill(&ctx, 0..10).await;
    ctx.shutdown().await.expect("a clean end");

    let other = program(directory.path(), false).setting("topic_prefix", "other.");
    let told = other.start().await.expect_err("they are other topics");
    let told = told.to_string();
    for part in ["`Stock`", "`other.stock`", "`topic_prefix`", "`state_dir`"] {
        assert!(told.contains(part), "{part} in: {told}");
    }

    let ctx = start(directory.path(), false).await;
    let mut found = ctx.set::<Stock>().to_list().await.expect("the rows");
    found.sort_by_key(|row| row.pieces);
    assert_eq!(found, stocks(0..10));
    ctx.shutdown().await.expect("a clean end");
}
