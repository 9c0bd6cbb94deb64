//! A context from its start to its end: who owns its directory, what can be watched, what is left.

use std::path::Path;
use std::time::Duration;

use ksql_runtime::error::{Error, Step};
use ksql_runtime::log::{DirectoryError, LogError};
use ksql_runtime::prelude::*;
use ksql_runtime::state::State;

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

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("legs", partitions = 4)]
#[table]
#[entity(namespace = "shop")]
pub struct Leg {
    #[key]
    pub flight: i64,
    pub delay: i32,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("clicks")]
#[stream]
#[entity(namespace = "shop")]
pub struct Click {
    pub page: String,
}

fn builder(directory: &Path) -> ContextBuilder {
    ksql_runtime_tests::context()
        .entity::<Stock>()
        .entity::<Leg>()
        .entity::<Click>()
        .state_dir(directory)
}

async fn start(directory: &Path) -> Context {
    builder(directory)
        .start()
        .await
        .expect("the context starts")
}

fn stock(article: &str, pieces: i32) -> Stock {
    Stock {
        article: article.into(),
        pieces,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_has_one_context_from_its_start_to_its_end_whoever_still_holds_a_set() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start(directory.path()).await;
    match builder(directory.path()).start().await {
        Err(Error::Start {
            step: Step::TakeDirectory,
            cause,
            ..
        }) => match *cause {
            Error::Log(LogError::Directory(DirectoryError::AlreadyOwned { path, pid })) => {
                assert_eq!(
                    path,
                    directory.path(),
                    "the whole directory, not only the log"
                );
                assert_eq!(pid, Some(std::process::id()));
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
    let (other, set) = (ctx.clone(), ctx.set::<Stock>());
    ctx.shutdown().await.expect("a clean end");
    let next = start(directory.path()).await;
    assert!(set.get("a").await.is_err() && set.add(stock("a", 1)).await.is_err());
    drop(other);
    // The end of what is left of the first does not free what is the second's now.
    assert!(builder(directory.path()).start().await.is_err());
    next.shutdown().await.expect("a clean end");
    start(directory.path())
        .await
        .shutdown()
        .await
        .expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_fails_leaves_its_directory_free() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("state"), "no directory").expect("a file");
    let error = builder(directory.path()).start().await;
    assert!(
        matches!(
            error,
            Err(Error::Start {
                step: Step::OpenState,
                ..
            })
        ),
        "{error:?}"
    );
    std::fs::remove_file(directory.path().join("state")).expect("removed");
    start(directory.path())
        .await
        .shutdown()
        .await
        .expect("a clean end");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_state_is_closed_to_others_in_a_directory_that_was_there_before_too() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    start(directory.path())
        .await
        .shutdown()
        .await
        .expect("a clean end");
    for part in ["state", "log"] {
        let metadata = std::fs::metadata(directory.path().join(part)).expect("it is there");
        let mode = metadata.permissions().mode() & 0o777;
        assert_eq!(mode & 0o027, 0, "{part}: {mode:o}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn states_and_events_tell_how_a_table_became_ready_and_ended() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start(directory.path()).await;
    ctx.set::<Stock>().add(stock("a", 1)).await.expect("added");
    ctx.wait_caught_up(LIMIT).await.expect("caught up");
    let tables = ctx.tables();
    let names: Vec<&str> = tables.iter().map(|table| table.entity).collect();
    assert_eq!(names, ["Leg", "Stock"], "streams have no table");
    assert_eq!(tables[1].status.state, State::Running);
    assert_eq!(tables[1].status.total_lag(), 0);
    assert_eq!(ctx.set::<Stock>().lag().expect("lag").len(), 3);
    let mut events = ctx.events();
    let set = ctx.set::<Stock>();
    ctx.shutdown().await.expect("a clean end");
    let event = events.recv().await.expect("an event");
    assert_eq!(
        (event.previous, event.current),
        (State::Running, State::NotRunning)
    );
    match set.get("a").await {
        Err(Error::NotReady {
            state: State::NotRunning,
            ..
        }) => {}
        other => panic!("a read after the end: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transitions_are_seen_from_the_very_first_by_who_asks_before_the_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let builder = ksql_runtime_tests::context()
        .entity::<Stock>()
        .state_dir(directory.path());
    let mut events = builder.events();
    let ctx = builder.start().await.expect("started");
    let mut later = ctx.events();
    ctx.shutdown().await.expect("a clean end");
    let mut expect = |previous, current| {
        let event = events.try_recv().expect("an event");
        assert_eq!(event.entity, "Stock");
        assert_eq!((event.previous, event.current), (previous, current));
        event
    };
    expect(State::Created, State::Rebalancing);
    expect(State::Rebalancing, State::Running);
    let last = expect(State::Running, State::NotRunning);
    assert_eq!(later.try_recv().expect("an event"), last);
    assert!(events.try_recv().is_err(), "nothing more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_a_context_ends_it_in_order_too() {
    let directory = tempfile::tempdir().expect("a directory");
    for round in 0..3 {
        let ctx = start(directory.path()).await;
        let set = ctx.set::<Stock>();
        assert_eq!(set.count().await.expect("a count"), u64::from(round > 0));
        assert_eq!(set.replayed().expect("a table"), 0, "flushed when dropped");
        let receipt = set.add(stock("a", round)).await.expect("added");
        set.at_least(receipt).get("a").await.expect("a read");
        drop(set);
        drop(ctx);
    }
}
