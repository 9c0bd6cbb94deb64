//! What consumers do where nothing was said, how many retries there are, and what happens to partitions whose handlers work: on
//! both logs. And reading that fails, where a test can make it.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ksql_runtime::consume::{ConsumerState, Order, Subscription};
use ksql_runtime::log::{Log, Record};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::consuming::{
    LIMIT, Payment, Seen, Site, Transfer, committed, ends, payment, reaches, status, transfer,
};
use ksql_runtime_tests::on_both_logs;
use ksql_runtime_tests::until::until;
use tokio::sync::Semaphore;

on_both_logs!(
    where_no_policy_was_said_a_failure_ends_the_consumer_and_nothing_from_it_on_is_committed,
    there_are_no_more_retries_in_a_second_than_the_budget,
    a_partition_is_given_away_when_its_handler_has_ended,
    a_handler_that_does_not_end_in_time_loses_its_partition_and_its_record_comes_again_there,
);

async fn where_no_policy_was_said_a_failure_ends_the_consumer_and_nothing_from_it_on_is_committed(
    site: Site,
) {
    let ctx = site.open().await;
    let set = ctx.set::<Transfer>();
    let topic = set.topic().expect("a topic").to_owned();
    set.add_all((0..6).map(|n| transfer(n, n)))
        .await
        .expect("added");
    let key = 6_i64.to_be_bytes();
    let none = Record::new(Some(&key), Some(b"no value"), ctx.clock().now_ms());
    ctx.log().produce(&topic, none).await.expect("produced");
    for (failure, at) in [("error", 3), ("panic", 3), ("no row", 6)] {
        let seen = Seen::default();
        let handler = seen.clone();
        let subscription = set
            .consume()
            .group(failure)
            .for_each(move |transfer| {
                handler.push(transfer.number);
                async move {
                    match failure {
                        "error" if transfer.number == 3 => Err(io::Error::other("it fails")),
                        "panic" if transfer.number == 3 => panic!("it panics"),
                        _ => Ok(()),
                    }
                }
            })
            .start()
            .await
            .expect("it starts");
        let ended = tokio::time::timeout(LIMIT, subscription.wait()).await;
        let error = ended.expect("in time").expect_err("it ends with an error");
        let told = error.to_string();
        assert!(told.contains(&format!("offset {at}")), "{failure}: {told}");
        let before: Vec<i64> = (0..6).filter(|n| *n <= at).collect();
        assert_eq!(seen.all(), before, "{failure}: each once");
        assert_eq!(
            committed(&ctx, failure, &topic).await,
            [Some(at)],
            "{failure}"
        );
    }
    ctx.shutdown().await.expect("a clean end");
}

async fn there_are_no_more_retries_in_a_second_than_the_budget(site: Site) {
    const RETRIES: usize = 11;
    let ctx = site.open().await;
    ctx.set::<Transfer>()
        .add_all((0..RETRIES as i64).map(|n| transfer(n, n)))
        .await
        .expect("added");
    let (first, again) = (Seen::default(), Seen::default());
    let (tried, retried) = (first.clone(), again.clone());
    let subscription = ctx
        .set::<Transfer>()
        .consume()
        .concurrency(RETRIES, Order::Unordered)
        .with_retry(2, Duration::from_millis(1))
        .retry_budget(20)
        .for_each_with_meta(move |_: Transfer, meta| {
            let outcome = match meta.attempt() {
                1 => {
                    tried.push(Instant::now());
                    Err(io::Error::other("not yet"))
                }
                _ => {
                    retried.push(Instant::now());
                    Ok(())
                }
            };
            async { outcome }
        })
        .start()
        .await
        .expect("it starts");
    let again = again.wait_for(RETRIES).await;
    let (first, last) = (first.all()[0], again[RETRIES - 1]);
    // The first at once, each of the others a twentieth of a second behind the one before.
    let least = Duration::from_millis(450);
    assert!(last - first >= least, "{:?}", last - first);
    subscription.stop().await.expect("it ends");
    ctx.shutdown().await.expect("a clean end");
}

/// Which of the two handlers did what in which partition, with which record.
type Told = Seen<(&'static str, &'static str, i32, i64)>;

/// A consumer whose handlers tell when they begin and end, and go through a gate between that.
async fn through(
    gate: Option<&Arc<Semaphore>>,
    ctx: &Context,
    name: &'static str,
    told: &Told,
    stop_timeout: Duration,
) -> Subscription {
    let (told, gate) = (told.clone(), gate.cloned());
    ctx.set::<Payment>()
        .consume()
        .group("shared")
        .concurrency(4, Order::ByPartition)
        .stop_timeout(stop_timeout)
        .for_each_with_meta(move |payment: Payment, meta| {
            let (told, gate) = (told.clone(), gate.clone());
            async move {
                told.push((name, "begins", meta.partition(), payment.number));
                if let Some(gate) = gate {
                    gate.acquire().await.expect("it opens").forget();
                }
                told.push((name, "ends", meta.partition(), payment.number));
            }
        })
        .start()
        .await
        .expect("it starts")
}

/// A consumer with a handler at work in each partition, the gate, and another consumer that is in the group.
async fn two(
    ctx: &Context,
    told: &Told,
    stop_timeout: Duration,
) -> (Subscription, Arc<Semaphore>, Subscription) {
    let gate = Arc::new(Semaphore::new(0));
    let first = through(Some(&gate), ctx, "first", told, stop_timeout).await;
    ctx.set::<Payment>()
        .add_all((0..40).map(|n| payment(n, n)))
        .await
        .expect("added");
    told.wait_for(4).await;
    let second = through(None, ctx, "second", told, stop_timeout).await;
    reaches(&second, "the group", |status| {
        status.state == ConsumerState::Running
    })
    .await;
    (first, gate, second)
}

async fn all_handled(told: &Told) -> Vec<i64> {
    let mut numbers = Vec::new();
    let all = async || {
        let ended = told.all().into_iter().filter(|one| one.1 == "ends");
        numbers = ended.map(|one| one.3).collect::<Vec<i64>>();
        numbers.sort_unstable();
        numbers.iter().collect::<BTreeSet<_>>().len() == 40
    };
    until(LIMIT, all, || format!("40 are handled: {:?}", told.all())).await;
    numbers
}

/// Ends both; everything is committed.
async fn end_together(ctx: Context, both: [Subscription; 2]) {
    for one in both {
        one.stop().await.expect("it ends");
    }
    let topic = ctx.set::<Payment>().topic().expect("a topic").to_owned();
    let behind: Vec<Option<i64>> = committed(&ctx, "shared", &topic).await;
    assert_eq!(behind, ends(&ctx, &topic).await);
    ctx.shutdown().await.expect("a clean end");
}

async fn a_partition_is_given_away_when_its_handler_has_ended(site: Site) {
    let ctx = site.open().await;
    let told = Told::default();
    let (first, gate, second) = two(&ctx, &told, LIMIT).await;
    assert!(
        status(&second).partitions.is_empty(),
        "in each a handler works"
    );
    gate.add_permits(1_000);
    reaches(&second, "its share", |status| status.partitions.len() == 2).await;
    let numbers = all_handled(&told).await;
    assert_eq!(numbers, (0..40).collect::<Vec<i64>>(), "each once");
    end_together(ctx, [first, second]).await;
}

async fn a_handler_that_does_not_end_in_time_loses_its_partition_and_its_record_comes_again_there(
    site: Site,
) {
    let ctx = site.open().await;
    let told = Told::default();
    let (first, gate, second) = two(&ctx, &told, Duration::from_millis(100)).await;
    // The gate is shut: what was begun in them comes again, at the other one.
    let status = reaches(&second, "its share", |status| status.partitions.len() == 2).await;
    let given: Vec<i32> = status.partitions.iter().map(|one| one.partition).collect();
    let begun: Vec<i64> = told.all()[..4]
        .iter()
        .filter(|one| given.contains(&one.2))
        .map(|one| one.3)
        .collect();
    assert_eq!(begun.len(), 2);
    let again = |number: &i64| {
        let all = told.all();
        all.iter().any(|one| (one.0, one.3) == ("second", *number))
    };
    let missing = || format!("{begun:?} come again: {:?}", told.all());
    until(LIMIT, async || begun.iter().all(again), missing).await;
    gate.add_permits(1_000);
    all_handled(&told).await;
    end_together(ctx, [first, second]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handlers_lose_nothing_where_reading_fails_again_and_again() {
    const RECORDS: i64 = 2_000;
    let site = Site::embedded();
    let ctx = site.open().await;
    let Log::Embedded(log) = ctx.log().clone() else {
        panic!("another log");
    };
    let (seen, topic) = (
        Seen::default(),
        ctx.set::<Payment>().topic().expect("a topic").to_owned(),
    );
    let handler = seen.clone();
    let subscription = ctx
        .set::<Payment>()
        .consume()
        .group("g")
        .concurrency(3, Order::ByKey)
        .commit_interval(Duration::from_millis(2))
        .for_each(move |payment| {
            handler.push(payment.number);
            tokio::task::yield_now()
        })
        .start()
        .await
        .expect("it starts");
    let mut failed = 0;
    for first in (0..RECORDS).step_by(100) {
        failed += 2 - log.fail_reads(2).min(2);
        let part = (first..first + 100).map(|n| payment(n % 37, n));
        ctx.set::<Payment>().add_all(part).await.expect("added");
        seen.wait_for(usize::try_from(first + 50).expect("a number"))
            .await;
        let behind = committed(&ctx, "g", &topic).await;
        let behind: i64 = behind.into_iter().flatten().sum();
        assert!(behind <= seen.len() as i64, "only what is finished");
    }
    assert!(failed > 10, "{failed} reads failed");
    log.fail_reads(0);
    seen.wait_for(usize::try_from(RECORDS).expect("a number"))
        .await;
    subscription.stop().await.expect("it ends");
    let mut numbers = seen.all();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..RECORDS).collect::<Vec<i64>>(), "each once");
    assert_eq!(committed(&ctx, "g", &topic).await, ends(&ctx, &topic).await);
    ctx.shutdown().await.expect("a clean end");
}
