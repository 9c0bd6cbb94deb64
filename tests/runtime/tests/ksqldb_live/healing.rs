//! A program with one query, and somebody who ends that query behind its back. The tests on our own small ksqlDB (`cluster`) do the
//! same with it, as far as a server that runs no query can show it.

use std::time::{Duration, Instant};

use ksql_runtime::context::QueryStatus;
use ksql_runtime::prelude::*;
use ksql_runtime::state::State;

/// What a shop sold.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("sales", partitions = 3)]
#[stream]
#[entity(namespace = "live")]
pub(crate) struct LiveSale {
    #[key]
    pub(crate) id: i64,
    pub(crate) shop: i64,
    pub(crate) pieces: i64,
}

/// What it sold all together.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("turnovers", partitions = 3)]
#[table]
#[entity(namespace = "live")]
pub(crate) struct LiveTurnover {
    #[key]
    pub(crate) shop: i64,
    pub(crate) sales: i64,
    pub(crate) pieces: i64,
}

#[query]
pub(crate) fn live_turnover(sales: Stream<LiveSale>) -> Table<LiveTurnover> {
    sales.group_by(|s| s.shop).aggregate(|g| LiveTurnover {
        shop: g.key(),
        sales: g.count(),
        pieces: g.sum(|s| s.pieces),
    })
}

/// What the program makes in ksqlDB, what is made of others first.
pub(crate) const SOURCES: [&str; 2] = ["LIVETURNOVER", "LIVESALE"];

/// The program, which looks at its query every second.
pub(crate) fn program(builder: ContextBuilder, ksqldb: &str, prefix: &str) -> ContextBuilder {
    builder
        .query(live_turnover)
        .setting("ksqldb", ksqldb)
        .setting("engine", "ksqldb")
        .setting("watch_interval", "1s")
        .setting("topic_prefix", prefix)
}

/// The one query of a program, as soon as something holds of it.
async fn seen(ctx: &Context, limit: Duration, holds: impl Fn(&QueryStatus) -> bool) -> QueryStatus {
    let until = Instant::now() + limit;
    let mut events = ctx.events();
    loop {
        let all = ctx.queries();
        let [query] = all.as_slice() else {
            panic!("one query: {all:?}")
        };
        if holds(query) {
            return query.clone();
        }
        assert!(Instant::now() < until, "not in {limit:?}: {query:?}");
        // An event, or a while: restarts are told by none.
        let _ = tokio::time::timeout(Duration::from_millis(50), events.recv()).await;
    }
}

/// Ends the one query of a program by a statement that the program knows nothing of, and waits until the program has started it
/// again by itself: once, and under another id.
pub(crate) async fn ended_and_started_again(ctx: &Context, limit: Duration) {
    let running = |query: &QueryStatus| query.status.state == State::Running;
    let before = seen(ctx, limit, running).await;
    assert_eq!(before.restarts, 0, "{before:?}");
    let [id] = before.ksqldb_ids.as_slice() else {
        panic!("one statement: {before:?}")
    };
    let ksqldb = ctx.ksqldb().expect("it is configured");
    let ended = ksqldb.execute(&format!("TERMINATE {id};")).await;
    ended.unwrap_or_else(|error| panic!("{error}"));
    let after = seen(ctx, limit, |query| query.restarts == 1 && running(query)).await;
    assert!(!after.ksqldb_ids.contains(id), "{after:?}");
    assert_eq!(after.ksqldb_ids.len(), 1, "{after:?}");
}
