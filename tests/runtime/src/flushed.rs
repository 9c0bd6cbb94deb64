//! A kill between two flushes: what is replayed is what came since the last one (RT1's bound).

use std::time::{Duration, Instant};

use ksql_runtime::prelude::*;

use crate::child::Lines;
use crate::report::{Report, seed};
use crate::workload::{Progress, Row};

/// A setting, and its value: so often are the tables of the child flushed.
pub const FLUSH_INTERVAL: (&str, &str) = ("KSQL_FLUSH_INTERVAL", "250ms");
/// A flush is on disk so long after the interval began, on a machine that has other work too. The default's interval is
/// fifteen times as long.
const FLUSHED: Duration = Duration::from_secs(2);
const LIMIT: Duration = Duration::from_secs(300);

/// Kills children in the middle of their work, and holds what is replayed to what was written since the last flush.
///
/// # Panics
///
/// When more is replayed.
pub async fn replays_no_more_than_came_since(
    name: &str,
    kills: u64,
    start: impl Fn(u64, u64) -> Lines,
    open: impl AsyncFn() -> Context,
) {
    let seed = seed();
    let mut report = Report::new(&format!("RT1, what is replayed, {name}"), seed);
    let mut progress = Progress::default();
    let (mut replayed, mut allowed) = (0, 0);
    for kill in 0..kills {
        let from = progress.acknowledged;
        let mut acknowledged = vec![];
        let mut child = start(seed, from);
        let mut each = |line: &str| {
            progress.take(line);
            acknowledged.push((Instant::now(), progress.acknowledged));
        };
        child.read_until("acked ", LIMIT, &mut each);
        child.read_for(2 * FLUSHED, &mut each);
        let killed = Instant::now();
        child.kill(each);

        let flushed = acknowledged
            .iter()
            .take_while(|(at, _)| *at + FLUSHED <= killed);
        let flushed = flushed.last().expect("it worked for longer").1;
        assert!(flushed > from, "it got somewhere");
        let ctx = open().await;
        ctx.wait_ready(LIMIT).await.expect("the table is ready");
        let again = ctx.set::<Row>().replayed().expect("a table");
        let since = progress.sent - flushed;
        assert!(
            again <= since,
            "seed {seed}, kill {kill}: {again} replayed, of {from} to {}; {flushed} were flushed",
            progress.sent
        );
        replayed += again;
        allowed += since;
        ctx.shutdown().await.expect("a clean end");
        report.pass();
    }
    report.count("kills", kills);
    report.count("acknowledged", progress.acknowledged);
    report.count("replayed", replayed);
    report.count("written_within_two_seconds", allowed);
}
