//! Tables that lose their log: what is refused, what is served, how they come back, and when they do not (R6.4-R6.6).

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

use ksql_runtime::error::Error;
use ksql_runtime::log::{EmbeddedLog, Log};
use ksql_runtime::prelude::*;
use ksql_runtime::state::{Event, State};
use tokio::sync::broadcast::Receiver;

const LIMIT: Duration = Duration::from_secs(300);
/// More reads than any test makes.
const ALL: u32 = u32::MAX;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("stock", partitions = 2)]
#[table]
#[entity(namespace = "reconnects")]
pub struct Stock {
    #[key]
    pub article: String,
    pub pieces: i32,
}

fn stock(pieces: i32) -> Stock {
    Stock {
        article: "bolt".to_owned(),
        pieces,
    }
}

/// A table with one row, ready, whose attempts to come back wait for these times.
async fn running(directory: &Path, first: &str, longest: &str, retries: &str) -> Context {
    let ctx = ksql_runtime_tests::context()
        .entity::<Stock>()
        .state_dir(directory)
        .setting("retry_first", first)
        .setting("retry_longest", longest)
        .setting("retries", retries)
        .start()
        .await
        .expect("the context starts");
    let receipt = ctx.set::<Stock>().add(stock(1)).await.expect("added");
    let set = ctx.set::<Stock>().at_least(receipt);
    assert_eq!(set.get("bolt").await.expect("a read"), Some(stock(1)));
    ctx
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
    assert_eq!(event.entity, "Stock");
    (event.previous, event.current)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_without_its_log_refuses_reads_serves_old_rows_if_asked_and_comes_back_by_itself() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = running(directory.path(), "1ms", "5ms", "unlimited").await;
    let set = ctx.set::<Stock>();
    let mut events = ctx.events();
    log(&ctx).fail_reads(ALL);
    assert_eq!(
        transition(&mut events).await,
        (State::Running, State::Disconnected)
    );
    let error = set.get("bolt").await.expect_err("refused");
    assert!(
        matches!(
            error,
            Error::NotReady {
                state: State::Disconnected,
                reason: Some(_),
                ..
            }
        ),
        "{error:?}"
    );
    let text = error.to_string();
    for word in [
        "`Stock`",
        "`stock`",
        "DISCONNECTED",
        "could not be read",
        "a fault that was asked for",
    ] {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
    assert!(set.to_list().await.is_err() && set.count().await.is_err());
    let stale = set.allow_stale();
    assert_eq!(stale.get("bolt").await.expect("a read"), Some(stock(1)));
    let receipt = set.add(stock(2)).await.expect("writing goes on");
    assert_eq!(
        stale.to_list().await.expect("a list"),
        [stock(1)],
        "what is old is said to be old, not mixed"
    );
    log(&ctx).fail_reads(0);
    assert_eq!(
        transition(&mut events).await,
        (State::Disconnected, State::Running)
    );
    let found = set.at_least(receipt).get("bolt").await;
    assert_eq!(found.expect("a read"), Some(stock(2)));
    let status = ctx.tables().remove(0).status;
    assert!(
        status.error.is_none(),
        "what is over is not told any more: {status:?}"
    );
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_gives_up_after_its_retries_in_a_row_and_a_success_begins_a_new_row() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = running(directory.path(), "1ms", "1ms", "3").await;
    let mut events = ctx.events();
    for _ in 0..3 {
        log(&ctx).fail_reads(3);
        assert_eq!(
            transition(&mut events).await,
            (State::Running, State::Disconnected)
        );
        assert_eq!(
            transition(&mut events).await,
            (State::Disconnected, State::Running)
        );
    }
    log(&ctx).fail_reads(100);
    assert_eq!(
        transition(&mut events).await,
        (State::Running, State::Disconnected)
    );
    assert_eq!(
        transition(&mut events).await,
        (State::Disconnected, State::Error)
    );
    assert_eq!(
        log(&ctx).fail_reads(0),
        100 - 4,
        "the first attempt and three more"
    );
    for set in [ctx.set::<Stock>(), ctx.set::<Stock>().allow_stale()] {
        let text = set.get("bolt").await.expect_err("it ended").to_string();
        assert!(
            text.contains("ERROR") && text.contains("a fault that was asked for"),
            "{text}"
        );
    }
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_wait_is_as_long_as_set_and_the_longest_bounds_it_and_an_end_ends_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = running(directory.path(), "1ms", "2ms", "unlimited").await;
    let mut events = ctx.events();
    // Thirty waits, each twice the one before, would be twelve days.
    log(&ctx).fail_reads(30);
    assert_eq!(
        transition(&mut events).await,
        (State::Running, State::Disconnected)
    );
    assert_eq!(
        transition(&mut events).await,
        (State::Disconnected, State::Running),
        "bounded"
    );
    ctx.shutdown().await.expect("a clean end");

    let ctx = running(directory.path(), "60m", "60m", "unlimited").await;
    let mut events = ctx.events();
    log(&ctx).fail_reads(1);
    assert_eq!(
        transition(&mut events).await,
        (State::Running, State::Disconnected)
    );
    ctx.wait_ready(Duration::from_millis(300))
        .await
        .expect_err("it waits for an hour");
    tokio::time::timeout(LIMIT, ctx.shutdown())
        .await
        .expect("in time")
        .expect("a clean end");
    assert_eq!(
        transition(&mut events).await,
        (State::Disconnected, State::NotRunning)
    );
}

/// Waits until there are eight more than before.
async fn eight_more(count: &AtomicU64, before: u64) {
    let counted = async {
        while count.load(Ordering::Relaxed) < before + 8 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, counted)
        .await
        .expect("eight more");
}

/// The part of RT3 about reconnects: whatever is answered while the log comes and goes was acknowledged before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_is_answered_while_the_log_is_lost_and_none_is_older_than_one_before() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = Arc::new(running(directory.path(), "1ms", "2ms", "unlimited").await);
    let (stop, newest) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicI32::new(1)),
    );
    let (answered, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let (set, stop, newest) = (ctx.set::<Stock>(), Arc::clone(&stop), Arc::clone(&newest));
            let (answered, refused) = (Arc::clone(&answered), Arc::clone(&refused));
            tokio::spawn(async move {
                let mut last = 0;
                while !stop.load(Ordering::Relaxed) {
                    match set.get("bolt").await {
                        Ok(found) => {
                            let pieces = found.expect("the row is there").pieces;
                            let sent = newest.load(Ordering::SeqCst);
                            assert!(last <= pieces && pieces <= sent, "{last}, {pieces}, {sent}");
                            last = pieces;
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => {
                            let text = error.to_string();
                            assert!(
                                text.contains("`stock`") && text.contains("DISCONNECTED"),
                                "names topic and state: {text}"
                            );
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut events = ctx.events();
    for round in 0..20 {
        log(&ctx).fail_reads(ALL);
        assert_eq!(
            transition(&mut events).await,
            (State::Running, State::Disconnected)
        );
        ctx.set::<Stock>()
            .get("bolt")
            .await
            .expect_err("the log is lost");
        newest.fetch_add(1, Ordering::SeqCst);
        let receipt = ctx.set::<Stock>().add(stock(round + 2)).await;
        // A reader that began before the loss may still be answered; later ones are refused.
        let before = refused.load(Ordering::Relaxed);
        eight_more(&refused, before).await;
        log(&ctx).fail_reads(0);
        assert_eq!(
            transition(&mut events).await,
            (State::Disconnected, State::Running)
        );
        let set = ctx.set::<Stock>().at_least(receipt.expect("added"));
        assert_eq!(
            set.get("bolt").await.expect("a read"),
            Some(stock(round + 2))
        );
        let before = answered.load(Ordering::Relaxed);
        eight_more(&answered, before).await;
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.expect("every answer was right");
    }
    println!(
        r#"{{"test":"RT3","reconnects":20,"answered":{},"refused":{}}}"#,
        answered.load(Ordering::Relaxed),
        refused.load(Ordering::Relaxed)
    );
}
