//! Members of a group come and go while handlers work (RT5): at every instant what is committed is finished, nothing in front of it
//! is begun again, and in the end everything is finished and committed. On both logs.
//!
//! `KSQL_TEST_REBALANCES` sets how often one comes and one goes; `KSQL_TEST_SEED` varies it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ksql_runtime::consume::{HandlerError, Meta, Order, Subscription};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::consuming::{
    LIMIT, Payment, Seen, Site, committed, ends, payment, reaches,
};
use ksql_runtime_tests::on_both_logs;
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::workload::mix;
use tokio::task::JoinHandle;

on_both_logs!(
    what_is_committed_is_finished_at_every_instant_while_members_come_and_go,
    the_same_where_handlers_are_not_waited_for_when_partitions_are_given_back,
);

const GROUP: &str = "rebalanced";
const PARTITIONS: usize = 4;
/// Records that are there and not handled, at most: there is always work, and never much more than there was time for.
const AHEAD: usize = 1_000;
/// As long as the slowest handlers take.
const SLOWEST: Duration = Duration::from_millis(150);

type Place = (i32, i64);

/// What the handlers of all members do.
#[derive(Debug, Default)]
struct Work {
    handled: Seen<()>,
    finished: Mutex<BTreeSet<Place>>,
    /// Records that a handler sees now, and how many do.
    running: Mutex<BTreeMap<Place, u64>>,
    /// Records that were begun while another handler, of a member that had given them back, still saw them.
    overlapping: AtomicU64,
    /// What the samples have seen committed, by partition.
    committed: [AtomicI64; PARTITIONS],
    /// Records that were begun in front of that.
    begun_again: Seen<Place>,
}

/// A handler that sees a record, until it ends or is dropped.
struct Running<'a>(&'a Work, Place);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut running = self.0.running.lock().expect("not poisoned");
        if let Some(handlers) = running.get_mut(&self.1) {
            *handlers -= 1;
        }
    }
}

impl Work {
    fn begin(&self, place: Place) -> Running<'_> {
        if place.1 < self.committed[place.0 as usize].load(Ordering::SeqCst) {
            self.begun_again.push(place);
        }
        let mut running = self.running.lock().expect("not poisoned");
        let handlers = running.entry(place).or_default();
        *handlers += 1;
        if *handlers > 1 {
            self.overlapping.fetch_add(1, Ordering::Relaxed);
        }
        Running(self, place)
    }

    /// Some fail first, some take their time, so that records finish in another order than theirs.
    async fn handle(&self, seed: u64, payment: &Payment, meta: &Meta) -> Result<(), HandlerError> {
        let place = (meta.partition(), meta.offset());
        let _running = self.begin(place);
        match mix(seed, payment.number.cast_unsigned()) % 100 {
            0..3 if meta.attempt() == 1 => return Err("not yet".into()),
            3 => tokio::time::sleep(SLOWEST).await,
            4..15 => tokio::time::sleep(Duration::from_millis(2)).await,
            _ => tokio::task::yield_now().await,
        }
        self.finished.lock().expect("not poisoned").insert(place);
        self.handled.push(());
        Ok(())
    }

    fn nothing_committed_came_again(&self) {
        let begun = self.begun_again.all();
        assert!(begun.is_empty(), "{begun:?} were committed, and came again");
    }

    /// Waits until so many more are handled than were before.
    async fn goes_on(&self, count: usize) {
        self.handled.wait_for(self.handled.len() + count).await;
        self.nothing_committed_came_again();
    }
}

/// A member of the group.
async fn member(
    ctx: &Context,
    work: &Arc<Work>,
    seed: u64,
    stop_timeout: Duration,
) -> Subscription {
    let work = Arc::clone(work);
    ctx.set::<Payment>()
        .consume()
        .group(GROUP)
        .concurrency(4, Order::ByKey)
        .with_retry(2, Duration::from_millis(10))
        .commit_interval(Duration::from_millis(3))
        .stop_timeout(stop_timeout)
        .for_each_with_meta(move |payment: Payment, meta| {
            let work = Arc::clone(&work);
            async move { work.handle(seed, &payment, &meta).await }
        })
        .start()
        .await
        .expect("it starts")
}

async fn holds(member: &Subscription, partitions: usize) {
    let what = format!("{partitions} partitions");
    reaches(member, &what, |status| {
        status.partitions.len() == partitions
    })
    .await;
}

/// Adds records as fast as they are handled, until it is told to stop.
fn adding(ctx: &Context, work: &Arc<Work>, stop: &Arc<AtomicBool>) -> JoinHandle<()> {
    let (ctx, work, stop) = (ctx.clone(), Arc::clone(work), Arc::clone(stop));
    tokio::spawn(async move {
        let mut added = 0_usize;
        while !stop.load(Ordering::Relaxed) {
            work.handled.wait_for(added.saturating_sub(AHEAD)).await;
            let from = added as i64;
            let some = (from..from + 50).map(|n| payment(n % 97, n));
            ctx.set::<Payment>().add_all(some).await.expect("added");
            added += 50;
        }
    })
}

/// How often the committed offsets were looked at, and how often one was another than before.
#[derive(Debug, Default)]
struct Samples {
    taken: u64,
    moved: u64,
}

/// Compares what is committed with what is finished, again and again, until it is told to stop.
fn sampling(ctx: &Context, work: &Arc<Work>, stop: &Arc<AtomicBool>) -> JoinHandle<Samples> {
    let (log, topic) = (ctx.log().clone(), topic(ctx));
    let (work, stop) = (Arc::clone(work), Arc::clone(stop));
    tokio::spawn(async move {
        let mut samples = Samples::default();
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        while !stop.load(Ordering::Relaxed) {
            ticks.tick().await;
            for (partition, before) in (0..).zip(&work.committed) {
                // Read first: what is finished afterwards may not have been when it was committed, but what is not finished by then
                // was not either.
                let committed = match log.committed(GROUP, &topic, partition).await {
                    Ok(Some(committed)) => committed,
                    Ok(None) => continue,
                    // Whoever keeps the group's offsets is only being found.
                    Err(error) if error.is_transient() => continue,
                    Err(error) => panic!("the log does not answer: {error}"),
                };
                let known = before.load(Ordering::SeqCst);
                assert!(
                    committed >= known,
                    "{known} of {partition} was committed, and now {committed} is"
                );
                let finished = work.finished.lock().expect("not poisoned");
                let missing: Vec<i64> = (known..committed)
                    .filter(|offset| !finished.contains(&(partition, *offset)))
                    .collect();
                drop(finished);
                assert!(
                    missing.is_empty(),
                    "{committed} of {partition} is committed, and {missing:?} are not finished"
                );
                samples.taken += 1;
                samples.moved += u64::from(committed > known);
                before.store(committed, Ordering::SeqCst);
            }
        }
        samples
    })
}

fn topic(ctx: &Context) -> String {
    ctx.set::<Payment>().topic().expect("a topic").to_owned()
}

async fn what_is_committed_is_finished_at_every_instant_while_members_come_and_go(site: Site) {
    // Nobody is out of time.
    come_and_go(site, "waited for", LIMIT).await;
}

async fn the_same_where_handlers_are_not_waited_for_when_partitions_are_given_back(site: Site) {
    // A third of what the slowest take.
    come_and_go(site, "not waited for", SLOWEST / 3).await;
}

async fn come_and_go(site: Site, handlers: &str, stop_timeout: Duration) {
    let (seed, times) = (seed(), number("KSQL_TEST_REBALANCES", 4));
    let test = format!("RT5, members come and go, {handlers}, {}", site.name());
    let mut report = Report::new(&test, seed);
    let ctx = site.open_patiently().await;
    let (work, stop) = (Arc::new(Work::default()), Arc::new(AtomicBool::new(false)));
    let added_all = Arc::new(AtomicBool::new(false));
    let writing = adding(&ctx, &work, &added_all);
    let sampling = sampling(&ctx, &work, &stop);
    let mut stays = member(&ctx, &work, seed, stop_timeout).await;
    holds(&stays, PARTITIONS).await;
    let mut abandoned = 0;
    for time in 0..times {
        work.goes_on(200).await;
        let comes = member(&ctx, &work, seed, stop_timeout).await;
        holds(&comes, PARTITIONS / 2).await;
        holds(&stays, PARTITIONS / 2).await;
        work.goes_on(200).await;
        let (goes, other) = match mix(seed, time) % 2 {
            0 => (stays, comes),
            _ => (comes, stays),
        };
        abandoned += goes.stop().await.expect("it ends").abandoned.len();
        holds(&other, PARTITIONS).await;
        stays = other;
        report.pass();
    }
    added_all.store(true, Ordering::Relaxed);
    writing.await.expect("every record is added");
    let goal = ends(&ctx, &topic(&ctx)).await;
    // What members finished that are gone may come again to the one that stays.
    reaches(&stays, "the end", |status| {
        let at = status.partitions.iter().map(|one| one.committed);
        at.collect::<Vec<_>>() == goal
    })
    .await;
    let count: i64 = goal.iter().flatten().sum();
    let finished = work.finished.lock().expect("not poisoned").len();
    assert_eq!(finished, count as usize, "nothing is lost");
    assert!(stays.stop().await.expect("it ends").is_clean());
    assert_eq!(committed(&ctx, GROUP, &topic(&ctx)).await, goal);
    stop.store(true, Ordering::Relaxed);
    let samples = sampling.await.expect("what is committed is finished");
    work.nothing_committed_came_again();
    // Nobody looked away.
    assert!(samples.moved >= 8 * times, "{samples:?}");
    report.count("rebalances", 2 * times);
    report.count("records", count.cast_unsigned());
    let again = work.handled.len() as u64 - count.cast_unsigned();
    report.count("handled_again", again);
    report.count("abandoned", abandoned as u64);
    report.count(
        "begun_while_another_ran",
        work.overlapping.load(Ordering::Relaxed),
    );
    report.count("samples", samples.taken);
    report.count("samples_that_moved", samples.moved);
    ctx.shutdown().await.expect("a clean end");
}
