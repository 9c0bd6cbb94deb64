//! Consuming: each test runs on the embedded log and on a real Kafka. What becomes of records that fail stands in
//! `consume_failures.rs`, kills in `consume_crash.rs`.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ksql_runtime::consume::{Change, ConsumerState, Order, Outcome, Position, Records as _, Start};
use ksql_runtime::error::Error;
use ksql_runtime::log::{Header, Record};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::consuming::{
    Entry, LIMIT, Payment, Seen, Site, committed, ends, entry, payment, reaches, status,
};
use ksql_runtime_tests::{on_both_logs, until};
use tokio::sync::{Barrier, Semaphore};

on_both_logs!(
    every_record_is_handled_once_and_committed_behind_the_last,
    a_consumer_goes_on_where_its_group_committed_and_another_group_sees_everything,
    records_of_a_key_are_handled_in_their_order_by_any_number_of_handlers,
    as_many_handlers_run_as_were_asked_for_in_each_order,
    nothing_is_committed_past_a_record_that_is_not_finished,
    a_handler_that_hangs_stops_reading_and_not_the_memory,
    a_record_that_waits_holds_up_its_own_key_alone,
    a_message_that_is_not_acknowledged_comes_again,
    seeking_goes_elsewhere_while_handlers_run,
    what_waits_is_forgotten_by_a_seek_and_holds_up_nobody,
    a_filter_that_panics_is_the_policys_as_a_handler_is,
    a_consumer_begins_where_it_is_told,
    a_new_group_that_is_told_nothing_begins_at_the_end_or_where_the_setting_says,
    where_a_new_group_begins_at_the_end_that_place_is_committed_before_a_record_comes,
    an_orderly_end_waits_for_handlers_and_commits_their_work,
    a_handler_that_does_not_end_is_told_and_its_record_comes_again,
    dropping_what_is_awaited_ends_the_consumer,
    two_consumers_of_a_group_share_the_partitions_and_take_over,
    a_filter_decides_before_anything_is_built,
    tombstones_reach_who_asks_for_them,
    what_is_mapped_filtered_and_merged_is_handled_with_the_policies_of_its_consumer,
    a_stream_finishes_a_record_when_the_next_is_asked_for,
    a_stream_of_messages_settles_each_by_its_own,
    a_handler_sees_where_its_record_came_from,
);

async fn fill(ctx: &Context, count: i64) -> Vec<Payment> {
    let payments: Vec<Payment> = (0..count).map(|n| payment(n % 37, n)).collect();
    let added = ctx.set::<Payment>().add_all(payments.clone()).await;
    added.expect("they are added");
    payments
}

fn sorted(mut payments: Vec<Payment>) -> Vec<Payment> {
    payments.sort_by_key(|payment| payment.number);
    payments
}

fn topic(ctx: &Context) -> String {
    ctx.set::<Payment>().topic().expect("a topic").to_owned()
}

async fn every_record_is_handled_once_and_committed_behind_the_last(site: Site) {
    for order in [Order::ByPartition, Order::ByKey, Order::Unordered] {
        for handlers in [1, 3] {
            let ctx = site.open().await;
            let group = format!("{order:?}{handlers}");
            let earlier = ctx.set::<Payment>().end_offset().await.expect("an end");
            let added = fill(&ctx, 1_000).await;
            let seen = Seen::default();
            let handler = seen.clone();
            let subscription = ctx
                .set::<Payment>()
                .consume()
                .group(&group)
                .concurrency(handlers, order)
                .for_each(move |payment| {
                    handler.push(payment);
                    async {}
                })
                .start()
                .await
                .expect("it starts");
            let all = seen.wait_for(earlier as usize + added.len()).await;
            subscription.stop().await.expect("it ends in order");
            assert_eq!(seen.len(), all.len(), "none twice");
            let distinct: HashSet<(i64, i64)> =
                all.iter().map(|one| (one.account, one.number)).collect();
            assert!(
                added
                    .iter()
                    .all(|one| distinct.contains(&(one.account, one.number)))
            );
            let topic = topic(&ctx);
            assert_eq!(
                committed(&ctx, &group, &topic).await,
                ends(&ctx, &topic).await
            );
            assert_eq!(status(&subscription).counters.handled, all.len() as u64);
            ctx.shutdown().await.expect("a clean end");
        }
    }
}

async fn a_consumer_goes_on_where_its_group_committed_and_another_group_sees_everything(
    site: Site,
) {
    let ctx = site.open().await;
    fill(&ctx, 50).await;
    let run = |group: &'static str, seen: &Seen<i64>| {
        let seen = seen.clone();
        ctx.set::<Payment>()
            .consume()
            .group(group)
            .for_each(move |payment| {
                seen.push(payment.number);
                async {}
            })
            .start()
    };
    let first = Seen::default();
    let subscription = run("first", &first).await.expect("it starts");
    first.wait_for(50).await;
    subscription.stop().await.expect("it ends");
    fill(&ctx, 20).await;
    let again = Seen::default();
    let subscription = run("first", &again).await.expect("it starts");
    again.wait_for(20).await;
    subscription.stop().await.expect("it ends");
    assert_eq!(again.len(), 20);
    let other = Seen::default();
    let subscription = run("other", &other).await.expect("it starts");
    other.wait_for(70).await;
    subscription.stop().await.expect("it ends");
    assert_eq!((first.len(), other.len()), (50, 70));
    ctx.shutdown().await.expect("a clean end");
}

async fn records_of_a_key_are_handled_in_their_order_by_any_number_of_handlers(site: Site) {
    let ctx = site.open().await;
    fill(&ctx, 2_000).await;
    let seen = Seen::default();
    let handler = seen.clone();
    let subscription = ctx
        .set::<Payment>()
        .consume()
        .concurrency(7, Order::ByKey)
        .with_retry(3, Duration::from_millis(1))
        .for_each_with_meta(move |payment: Payment, meta| {
            let handler = handler.clone();
            async move {
                for _ in 0..payment.number % 5 {
                    tokio::task::yield_now().await;
                }
                // Some come again, and hold up those behind them.
                if payment.number % 100 == 17 && meta.attempt() < 3 {
                    return Outcome::retry();
                }
                handler.push(payment);
                Outcome::done()
            }
        })
        .start()
        .await
        .expect("it starts");
    let all = seen.wait_for(2_000).await;
    subscription.stop().await.expect("it ends");
    let mut last = BTreeMap::new();
    for payment in all {
        let before = last.insert(payment.account, payment.number);
        assert!(
            before < Some(payment.number),
            "{payment:?} behind {before:?}"
        );
    }
    ctx.shutdown().await.expect("a clean end");
}

async fn as_many_handlers_run_as_were_asked_for_in_each_order(site: Site) {
    let ctx = site.open().await;
    fill(&ctx, 400).await;
    for (order, handlers) in [
        (Order::ByPartition, 4),
        (Order::ByKey, 5),
        (Order::Unordered, 6),
    ] {
        // Nobody gets through alone; what is left over at the end is not waited for.
        let together = Arc::new(Barrier::new(handlers));
        let passed = Seen::default();
        let handler = passed.clone();
        let subscription = ctx
            .set::<Payment>()
            .consume()
            .group(format!("{order:?}"))
            .stop_timeout(Duration::from_millis(10))
            .concurrency(handlers, order)
            .for_each(move |payment| {
                let (together, handler) = (Arc::clone(&together), handler.clone());
                async move {
                    together.wait().await;
                    handler.push(payment.number);
                }
            })
            .start()
            .await
            .expect("it starts");
        passed.wait_for(handlers * 5).await;
        subscription.stop().await.expect("it ends");
    }
    ctx.shutdown().await.expect("a clean end");
}

async fn nothing_is_committed_past_a_record_that_is_not_finished(site: Site) {
    let ctx = site.open().await;
    let entries: Vec<Entry> = (0..100).map(|n| entry(n, n)).collect();
    ctx.set::<Entry>().add_all(entries).await.expect("added");
    let gate = Arc::new(Semaphore::new(0));
    let (seen, waiting) = (Seen::default(), Arc::clone(&gate));
    let handler = seen.clone();
    let subscription = ctx
        .set::<Entry>()
        .consume()
        .group("g")
        .commit_interval(Duration::from_millis(1))
        .concurrency(4, Order::Unordered)
        .for_each(move |entry| {
            let (waiting, handler) = (Arc::clone(&waiting), handler.clone());
            async move {
                if entry.number == 30 {
                    let _ = waiting.acquire().await;
                }
                handler.push(entry.number);
            }
        })
        .start()
        .await
        .expect("it starts");
    // All the others are finished, and there is time to commit.
    seen.wait_for(99).await;
    let topic = ctx.set::<Entry>().topic().expect("a topic").to_owned();
    reaches(&subscription, "the commit before it", |status| {
        status.partitions[0].committed == Some(30)
    })
    .await;
    assert_eq!(committed(&ctx, "g", &topic).await, [Some(30)]);
    gate.add_permits(1);
    seen.wait_for(100).await;
    reaches(&subscription, "the commit behind all", |status| {
        status.partitions[0].committed == Some(100)
    })
    .await;
    assert_eq!(committed(&ctx, "g", &topic).await, [Some(100)]);
    ctx.shutdown().await.expect("a clean end");
}

async fn a_handler_that_hangs_stops_reading_and_not_the_memory(site: Site) {
    let ctx = site.open().await;
    let note = "x".repeat(10_000);
    let many: Vec<Payment> = (0..2_000)
        .map(|n| Payment {
            note: note.clone(),
            ..payment(n % 7, n)
        })
        .collect();
    ctx.set::<Payment>().add_all(many).await.expect("added");
    let gate = Arc::new(Semaphore::new(0));
    let (seen, waiting) = (Seen::default(), Arc::clone(&gate));
    let handler = seen.clone();
    let subscription = ctx
        .set::<Payment>()
        .consume()
        .buffer(1024 * 1024)
        .for_each(move |payment| {
            let (waiting, handler) = (Arc::clone(&waiting), handler.clone());
            async move {
                if let Ok(permit) = waiting.acquire().await {
                    permit.forget();
                }
                handler.push(payment.number);
            }
        })
        .start()
        .await
        .expect("it starts");
    let in_flight = |status: &ksql_runtime::consume::ConsumerStatus| {
        let partitions = status.partitions.iter();
        partitions
            .map(|partition| partition.in_flight)
            .sum::<usize>()
    };
    let full = reaches(&subscription, "a full buffer", |status| {
        let partitions = &status.partitions;
        !partitions.is_empty()
            && partitions
                .iter()
                .all(|one| one.in_flight > 0 || one.position == one.end)
    })
    .await;
    // Of 20 MB at most what was asked for, and one answer more a partition.
    assert!(
        in_flight(&full) < 1_000,
        "{} are read ahead",
        in_flight(&full)
    );
    for _ in 0..20 {
        gate.add_permits(10);
        seen.wait_for(1).await;
        let now = in_flight(&status(&subscription));
        assert!(now < 1_000, "{now} are read ahead");
    }
    gate.add_permits(2_000);
    seen.wait_for(2_000).await;
    ctx.shutdown().await.expect("a clean end");
}

async fn a_record_that_waits_holds_up_its_own_key_alone(site: Site) {
    let ctx = site.open().await;
    // One partition; the key 3 comes again after an hour.
    let entries: Vec<Entry> = (0..60).map(|n| entry(n % 6, n)).collect();
    ctx.set::<Entry>().add_all(entries).await.expect("added");
    let seen = Seen::default();
    let handler = seen.clone();
    let subscription = ctx
        .set::<Entry>()
        .consume()
        .group("g")
        .concurrency(2, Order::ByKey)
        .for_each(move |entry| {
            if entry.account == 3 {
                return std::future::ready(Outcome::retry_after(Duration::from_secs(3_600)));
            }
            handler.push(entry.number);
            std::future::ready(Outcome::done())
        })
        .start()
        .await
        .expect("it starts");
    let all = seen.wait_for(50).await;
    assert!(all.iter().all(|number| number % 6 != 3));
    subscription.stop().await.expect("it ends");
    // It is the first one that is not finished.
    let topic = ctx.set::<Entry>().topic().expect("a topic").to_owned();
    assert_eq!(committed(&ctx, "g", &topic).await, [Some(3)]);
    ctx.shutdown().await.expect("a clean end");
}

async fn a_message_that_is_not_acknowledged_comes_again(site: Site) {
    let ctx = site.open().await;
    ctx.set::<Entry>()
        .add_all((0..5).map(|n| entry(n, n)))
        .await
        .expect("added");
    let seen = Seen::default();
    let handler = seen.clone();
    let subscription = ctx
        .set::<Entry>()
        .with_manual_commit()
        .for_each(move |message| {
            handler.push((message.number, message.meta().attempt()));
            async move {
                if message.number == 2 && message.meta().attempt() < 3 {
                    message.negative_ack_after(Duration::from_millis(1))
                } else {
                    message.commit()
                }
            }
        })
        .start()
        .await
        .expect("it starts");
    let all = seen.wait_for(7).await;
    subscription.stop().await.expect("it ends");
    assert_eq!(
        all,
        [(0, 1), (1, 1), (2, 1), (2, 2), (2, 3), (3, 1), (4, 1)]
    );
    assert_eq!(status(&subscription).counters.retried, 2);
    ctx.shutdown().await.expect("a clean end");
}

async fn seeking_goes_elsewhere_while_handlers_run(site: Site) {
    let ctx = site.open().await;
    ctx.set::<Entry>()
        .add_all((0..40).map(|n| entry(n, n)))
        .await
        .expect("added");
    let seen = Seen::default();
    let handler = seen.clone();
    let subscription = ctx
        .set::<Entry>()
        .consume()
        .group("g")
        .for_each(move |entry| {
            handler.push(entry.number);
            tokio::task::yield_now()
        })
        .start()
        .await
        .expect("it starts");
    seen.wait_for(10).await;
    let seek = |position| subscription.seek(None, position);
    let began = seen.len();
    seek(Position::Earliest).await.expect("it seeks");
    until("all are seen again", || {
        let all = seen.all();
        let times = |wanted: i64| all.iter().filter(|number| **number == wanted).count();
        times(39) >= 1 && times(0) >= 2
    })
    .await;
    assert!(began >= 10);
    seen_last(&seen, 39).await;
    let before = seen.len();
    seek(Position::Offset(35)).await.expect("it seeks");
    let all = seen.wait_for(before + 5).await;
    assert_eq!(all[all.len() - 5..], [35, 36, 37, 38, 39]);
    seek(Position::Latest).await.expect("it seeks");
    let beyond = seek(Position::Offset(1_000)).await;
    assert!(
        matches!(
            &beyond,
            Err(Error::Log(ksql_runtime::log::LogError::OffsetOutOfRange {
                offset: 1_000,
                ..
            }))
        ),
        "{beyond:?}"
    );
    let elsewhere = subscription.seek(Some(7), Position::Earliest).await;
    assert!(elsewhere.is_err(), "{elsewhere:?}");
    ctx.set::<Entry>().add(entry(40, 40)).await.expect("added");
    seen_last(&seen, 40).await;
    subscription.stop().await.expect("it ends");
    let topic = ctx.set::<Entry>().topic().expect("a topic").to_owned();
    assert_eq!(committed(&ctx, "g", &topic).await, [Some(41)]);
    ctx.shutdown().await.expect("a clean end");
}

async fn what_waits_is_forgotten_by_a_seek_and_holds_up_nobody(site: Site) {
    let ctx = site.open().await;
    ctx.set::<Entry>()
        .add_all((0..6).map(|n| entry(n, n)))
        .await
        .expect("added");
    let (seen, begun) = (Seen::default(), Seen::default());
    let (handler, beginning) = (seen.clone(), begun.clone());
    let subscription = ctx
        .set::<Entry>()
        .for_each(move |entry| {
            beginning.push(entry.number);
            let first = beginning.all().iter().filter(|n| **n == 3).count() == 1;
            if entry.number == 3 && first {
                return std::future::ready(Outcome::retry_after(Duration::from_secs(3_600)));
            }
            handler.push(entry.number);
            std::future::ready(Outcome::done())
        })
        .start()
        .await
        .expect("it starts");
    begun.wait_for(4).await;
    assert_eq!(seen.all(), [0, 1, 2], "its partition waits for it");
    subscription
        .seek(None, Position::Offset(2))
        .await
        .expect("it seeks");
    assert_eq!(seen.wait_for(7).await, [0, 1, 2, 2, 3, 4, 5]);
    subscription.stop().await.expect("it ends");
    ctx.shutdown().await.expect("a clean end");
}

async fn a_filter_that_panics_is_the_policys_as_a_handler_is(site: Site) {
    let ctx = site.open().await;
    ctx.set::<Entry>()
        .add_all((0..4).map(|n| entry(n, n)))
        .await
        .expect("added");
    let seen = Seen::default();
    let handler = seen.clone();
    let subscription = ctx
        .set::<Entry>()
        .consume()
        .on_panic(ksql_runtime::consume::OnError::Skip)
        .matching_rows(|row| {
            assert!(row.number != 1, "one is too much");
            true
        })
        .for_each(move |entry| {
            handler.push(entry.number);
            async {}
        })
        .start()
        .await
        .expect("it starts");
    assert_eq!(seen.wait_for(3).await, [0, 2, 3]);
    let counters = status(&subscription).counters;
    assert_eq!((counters.panicked, counters.skipped), (1, 1));
    subscription.stop().await.expect("it ends");
    ctx.shutdown().await.expect("a clean end");
}

/// Looks again and again whether something is so.
async fn until(what: &str, holds: impl Fn() -> bool) {
    until::until(LIMIT, async || holds(), || what.to_owned()).await;
}

async fn seen_last(seen: &Seen<i64>, number: i64) {
    let what = format!("{number} as the last one");
    until(&what, || seen.all().last() == Some(&number)).await;
}

async fn a_consumer_begins_where_it_is_told(site: Site) {
    let ctx = site.open().await;
    let set = ctx.set::<Entry>();
    set.add_all((0..10).map(|n| entry(n, n)))
        .await
        .expect("added");
    let receipt = set.add(entry(10, 10)).await.expect("added");
    let clock = ctx.clock().clone();
    until("another millisecond", || clock.now_ms() > receipt.timestamp).await;
    set.add_all((11..13).map(|n| entry(n, n)))
        .await
        .expect("added");
    for (name, start, first) in [
        ("earliest", Start::Earliest, Some(0)),
        (
            "behind a record",
            Start::Time(receipt.timestamp + 1),
            Some(11),
        ),
        (
            "in an hour",
            Start::Time(receipt.timestamp + 3_600_000),
            None,
        ),
        ("latest", Start::Latest, None),
    ] {
        let seen = Seen::default();
        let handler = seen.clone();
        let subscription = set
            .consume()
            .group(name)
            .start(start)
            .for_each(move |entry| {
                handler.push(entry.number);
                async {}
            })
            .start()
            .await
            .expect("it starts");
        reaches(&subscription, "its partition", |status| {
            status.partitions.len() == 1
        })
        .await;
        let marker = 100 + set.end_offset().await.expect("an end") as i64;
        set.add(entry(marker, marker)).await.expect("added");
        seen_last(&seen, marker).await;
        assert_eq!(seen.all().first(), Some(&first.unwrap_or(marker)), "{name}");
        subscription.stop().await.expect("it ends");
    }
    ctx.shutdown().await.expect("a clean end");
}

/// What handlers of a new group see of three records that are there and the last, which comes once they have their partition.
async fn seen_by_a_new_group(ctx: &Context, group: &str, last: i64) -> Vec<i64> {
    let set = ctx.set::<Entry>();
    set.add_all((0..3).map(|n| entry(n, n)))
        .await
        .expect("added");
    let seen = Seen::default();
    let handler = seen.clone();
    let subscription = set
        .consume()
        .group(group)
        .for_each(move |entry| {
            handler.push(entry.number);
            async {}
        })
        .start()
        .await
        .expect("it starts");
    reaches(&subscription, "its partition", |status| {
        status.partitions.len() == 1
    })
    .await;
    set.add(entry(last, last)).await.expect("added");
    seen_last(&seen, last).await;
    subscription.stop().await.expect("it ends");
    seen.all()
}

async fn a_new_group_that_is_told_nothing_begins_at_the_end_or_where_the_setting_says(site: Site) {
    for (last, settings, expected) in [
        (10, &[][..], &[10][..]),
        (
            11,
            &[("entity.Entry.consume_from", "earliest")],
            &[0, 1, 2, 10, 0, 1, 2, 11],
        ),
        (
            12,
            &[
                ("consume_from", "earliest"),
                ("entity.Entry.consume_from", "latest"),
            ],
            &[12],
        ),
    ] {
        let builder = settings.iter().fold(site.builder(), |all, (key, value)| {
            all.setting(*key, *value)
        });
        let ctx = builder.start().await.expect("it starts");
        let seen = seen_by_a_new_group(&ctx, &format!("told-{last}"), last).await;
        assert_eq!(seen, expected);
        ctx.shutdown().await.expect("a clean end");
    }
}

async fn where_a_new_group_begins_at_the_end_that_place_is_committed_before_a_record_comes(
    site: Site,
) {
    let ctx = site.builder().start().await.expect("it starts");
    let set = ctx.set::<Entry>();
    set.add_all((0..3).map(|n| entry(n, n)))
        .await
        .expect("added");
    let subscription = set
        .consume()
        .group("g")
        .commit_interval(Duration::from_secs(3_600))
        .for_each(|_| async {})
        .start()
        .await
        .expect("it starts");
    let topic = set.topic().expect("a topic").to_owned();
    // Were it killed from here on, whoever goes on would miss nothing that comes meanwhile.
    tokio::time::timeout(LIMIT, async {
        while committed(&ctx, "g", &topic).await != [Some(3)] {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("it commits where it begins");
    subscription.stop().await.expect("it ends");
    ctx.shutdown().await.expect("a clean end");
}

async fn an_orderly_end_waits_for_handlers_and_commits_their_work(site: Site) {
    let ctx = site.open().await;
    ctx.set::<Entry>()
        .add_all((0..10).map(|n| entry(n, n)))
        .await
        .expect("added");
    let gate = Arc::new(Semaphore::new(0));
    let (begun, done, waiting) = (Seen::default(), Seen::default(), Arc::clone(&gate));
    let (beginning, ending) = (begun.clone(), done.clone());
    let subscription = ctx
        .set::<Entry>()
        .consume()
        .group("g")
        .stop_timeout(LIMIT)
        .for_each(move |entry| {
            let (waiting, ending) = (Arc::clone(&waiting), ending.clone());
            beginning.push(entry.number);
            async move {
                let _ = waiting.acquire().await;
                ending.push(entry.number);
            }
        })
        .start()
        .await
        .expect("it starts");
    begun.wait_for(1).await;
    let stopping = subscription.clone();
    let topic = ctx.set::<Entry>().topic().expect("a topic").to_owned();
    let log = ctx.log().clone();
    let ending = tokio::spawn(ctx.shutdown());
    reaches(&stopping, "the wait for its handler", |status| {
        status.state == ConsumerState::Stopping
    })
    .await;
    assert!(!ending.is_finished());
    assert_eq!(done.len(), 0);
    gate.add_permits(1);
    ending.await.expect("no panic").expect("a clean end");
    let ended = stopping.wait().await.expect("it ended in order");
    assert!(ended.is_clean(), "{ended:?}");
    assert_eq!(ended.committed[0].offset, 1);
    assert_eq!((begun.all(), done.all()), (vec![0], vec![0]));
    drop((topic, log));
    // The next one goes on behind it.
    let ctx = site.open().await;
    let seen = Seen::default();
    let handler = seen.clone();
    let subscription = ctx
        .set::<Entry>()
        .consume()
        .group("g")
        .for_each(move |entry| {
            handler.push(entry.number);
            async {}
        })
        .start()
        .await
        .expect("it starts");
    assert_eq!(seen.wait_for(9).await[0], 1);
    subscription.stop().await.expect("it ends");
    let late = subscription.seek(None, Position::Earliest).await;
    assert!(matches!(late, Err(Error::Closed)), "{late:?}");
    ctx.shutdown().await.expect("a clean end");
}

async fn a_handler_that_does_not_end_is_told_and_its_record_comes_again(site: Site) {
    let ctx = site.open().await;
    ctx.set::<Entry>()
        .add_all((0..3).map(|n| entry(n, n)))
        .await
        .expect("added");
    let begun = Seen::default();
    let handler = begun.clone();
    let subscription = ctx
        .set::<Entry>()
        .consume()
        .group("g")
        .stop_timeout(Duration::from_millis(50))
        .for_each(move |entry| {
            handler.push(entry.number);
            async move {
                if entry.number == 1 {
                    std::future::pending::<()>().await;
                }
            }
        })
        .start()
        .await
        .expect("it starts");
    begun.wait_for(2).await;
    let ended = subscription.stop().await.expect("it ends");
    assert_eq!(ended.abandoned.len(), 1, "{ended:?}");
    assert_eq!(ended.abandoned[0].offset, 1);
    let topic = ctx.set::<Entry>().topic().expect("a topic").to_owned();
    assert_eq!(committed(&ctx, "g", &topic).await, [Some(1)]);
    ctx.shutdown().await.expect("a clean end");
}

async fn dropping_what_is_awaited_ends_the_consumer(site: Site) {
    let ctx = site.open().await;
    fill(&ctx, 20).await;
    let seen = Seen::default();
    let handler = seen.clone();
    let running = ctx.set::<Payment>().for_each(move |payment| {
        handler.push(payment.number);
        async {}
    });
    tokio::select! {
        ended = running => panic!("it ended by itself: {ended:?}"),
        _ = seen.wait_for(20) => {}
    }
    // It ends in the background, and is forgotten when another one starts.
    let all_ended = || {
        let consumers = ctx.consumers();
        let mut states = consumers.iter().map(|status| &status.state);
        states.all(|state| *state == ConsumerState::Ended)
    };
    until("it ends", all_ended).await;
    // And one that is told when.
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    let again = Seen::default();
    let handler = again.clone();
    let running = ctx
        .set::<Payment>()
        .consume()
        .group("other")
        .for_each(move |payment| {
            handler.push(payment.number);
            async {}
        })
        .until(async move { drop(told.await) });
    let ended = tokio::join!(async { running.await }, async {
        again.wait_for(20).await;
        tell.send(()).expect("it listens");
    });
    assert!(ended.0.expect("it ends in order").is_clean());
    ctx.shutdown().await.expect("a clean end");
}

async fn two_consumers_of_a_group_share_the_partitions_and_take_over(site: Site) {
    let ctx = site.open().await;
    let start = |seen: &Seen<i64>| {
        let seen = seen.clone();
        ctx.set::<Payment>()
            .consume()
            .group("g")
            // In the order of each partition: what is finished when one is given back is all before a place in it.
            .concurrency(2, Order::ByPartition)
            .for_each(move |payment| {
                seen.push(payment.number);
                tokio::task::yield_now()
            })
            .start()
    };
    let (one, other) = (Seen::default(), Seen::default());
    let first = start(&one).await.expect("it starts");
    reaches(&first, "all partitions", |status| {
        status.partitions.len() == 4
    })
    .await;
    fill(&ctx, 500).await;
    one.wait_for(100).await;
    // In the middle of it another one comes.
    let second = start(&other).await.expect("it starts");
    reaches(&second, "its share", |status| status.partitions.len() == 2).await;
    reaches(&first, "the rest", |status| status.partitions.len() == 2).await;
    let payments: Vec<Payment> = (500..1_000).map(|n| payment(n % 37, n)).collect();
    ctx.set::<Payment>().add_all(payments).await.expect("added");
    until("all are handled", || one.len() + other.len() >= 1_000).await;
    assert!(!other.is_empty(), "the second one does its part");
    let mut all = one.all();
    all.extend(other.all());
    all.sort_unstable();
    assert_eq!(
        all,
        (0..1_000).collect::<Vec<i64>>(),
        "each once: nobody was killed"
    );
    first.stop().await.expect("it ends");
    reaches(&second, "all partitions", |status| {
        status.partitions.len() == 4
    })
    .await;
    let payments: Vec<Payment> = (1_000..1_100).map(|n| payment(n % 37, n)).collect();
    let before = other.len();
    ctx.set::<Payment>().add_all(payments).await.expect("added");
    until("all are handled", || one.len() + other.len() >= 1_100).await;
    assert!(before < other.len());
    second.stop().await.expect("it ends");
    let topic = topic(&ctx);
    assert_eq!(committed(&ctx, "g", &topic).await, ends(&ctx, &topic).await);
    ctx.shutdown().await.expect("a clean end");
}

async fn a_filter_decides_before_anything_is_built(site: Site) {
    let ctx = site.open().await;
    fill(&ctx, 200).await;
    let least = 50_i64;
    let seen = Seen::default();
    let handler = seen.clone();
    let subscription = ctx
        .set::<Payment>()
        .consume()
        .matching(ksql!(|p: Payment| p.number >= least && p.account != 7))
        .matching_rows(|row| row.note.ends_with(|last: char| last.is_ascii_digit()))
        .for_each(move |payment| {
            handler.push(payment);
            async {}
        })
        .start()
        .await
        .expect("it starts");
    let expected: Vec<Payment> = (0..200)
        .map(|n| payment(n % 37, n))
        .filter(|one| one.number >= least && one.account != 7)
        .collect();
    let all = seen.wait_for(expected.len()).await;
    assert_eq!(sorted(all), expected);
    let ended = reaches(&subscription, "the end", |status| status.lag() == 0).await;
    assert_eq!(ended.counters.filtered as usize, 200 - expected.len());
    subscription.stop().await.expect("it ends");
    let topic = topic(&ctx);
    let group = format!("{}_Payment", ctx.config().application_id);
    assert_eq!(
        committed(&ctx, &group, &topic).await,
        ends(&ctx, &topic).await
    );
    ctx.shutdown().await.expect("a clean end");
}

async fn tombstones_reach_who_asks_for_them(site: Site) {
    let ctx = site.open().await;
    let set = ctx.set::<Entry>();
    set.add(entry(1, 10)).await.expect("added");
    set.remove(1).await.expect("removed");
    set.add(entry(2, 20)).await.expect("added");
    let changes = Seen::default();
    let handler = changes.clone();
    let subscription = set
        .consume()
        .group("changes")
        .with_deletions()
        .for_each(move |change| {
            handler.push(match change {
                Change::Updated(entry) => (entry.account, Some(entry.number)),
                Change::Deleted(key) => (key.account, None),
            });
            async {}
        })
        .start()
        .await
        .expect("it starts");
    assert_eq!(
        changes.wait_for(3).await,
        [(1, Some(10)), (1, None), (2, Some(20))]
    );
    subscription.stop().await.expect("it ends");
    let seen = Seen::default();
    let handler = seen.clone();
    let subscription = set
        .for_each(move |entry| {
            handler.push(entry.number);
            async {}
        })
        .start()
        .await
        .expect("it starts");
    assert_eq!(seen.wait_for(2).await, [10, 20]);
    assert_eq!(status(&subscription).counters.deleted, 1);
    ctx.shutdown().await.expect("a clean end");
}

async fn what_is_mapped_filtered_and_merged_is_handled_with_the_policies_of_its_consumer(
    site: Site,
) {
    let ctx = site.open().await;
    fill(&ctx, 30).await;
    ctx.set::<Entry>()
        .add_all((0..20).map(|n| entry(n, 1_000 + n)))
        .await
        .expect("added");
    let seen = Seen::default();
    let handler = seen.clone();
    let tried = Arc::new(AtomicUsize::new(0));
    let trying = Arc::clone(&tried);
    let payments = ctx
        .set::<Payment>()
        .with_retry(2, Duration::from_millis(1))
        .on_error(ksql_runtime::consume::OnError::Skip)
        .filter(|payment| payment.number % 2 == 0)
        .try_map(move |payment| {
            if payment.number == 4 {
                trying.fetch_add(1, Ordering::SeqCst);
                return Err("four is not mapped");
            }
            Ok(payment.number)
        });
    let entries = ctx.set::<Entry>().consume().map(|entry| entry.number);
    let subscription = payments
        .merge(entries)
        .for_each(move |number: i64| {
            handler.push(number);
            async {}
        })
        .start()
        .await
        .expect("it starts");
    let mut all = seen.wait_for(14 + 20).await;
    all.sort_unstable();
    let mut expected: Vec<i64> = (0..30).filter(|n| n % 2 == 0 && *n != 4).collect();
    expected.extend(1_000..1_020);
    assert_eq!(all, expected);
    until("four is passed over", || {
        subscription.status()[0].counters.skipped == 1
    })
    .await;
    assert_eq!(tried.load(Ordering::SeqCst), 2, "twice, as the policy says");
    subscription.stop().await.expect("it ends");
    // Where one of them ends with an error, so does the other.
    let wrong = ctx
        .set::<Entry>()
        .consume()
        .group("wrong")
        .try_map(|_| Err::<i64, _>("none is mapped"));
    let right = ctx
        .set::<Payment>()
        .consume()
        .group("right")
        .map(|payment| payment.number);
    let ended = tokio::time::timeout(LIMIT, async {
        right.merge(wrong).for_each(|_| async {}).await
    });
    let ended = ended.await.expect("both end");
    assert!(
        matches!(&ended, Err(Error::Consumer(stopped)) if stopped.entity == "Entry" && stopped.message == "none is mapped"),
        "{ended:?}"
    );
    ctx.shutdown().await.expect("a clean end");
}

async fn a_stream_finishes_a_record_when_the_next_is_asked_for(site: Site) {
    let ctx = site.open().await;
    ctx.set::<Entry>()
        .add_all((0..5).map(|n| entry(n, n)))
        .await
        .expect("added");
    let set = ctx.set::<Entry>();
    let open = || set.consume().group("g").stream();
    let mut stream = open().await.expect("it starts");
    for number in 0..3 {
        assert_eq!(stream.next().await.map(|entry| entry.number), Some(number));
    }
    let ended = stream.end().await.expect("it ends");
    assert_eq!(
        ended.committed[0].offset, 3,
        "the last one given is finished by an orderly end"
    );
    let mut stream = open().await.expect("it starts");
    assert_eq!(stream.next().await.map(|entry| entry.number), Some(3));
    // Dropped with a record in hand: it comes again.
    let subscription = stream.subscription().clone();
    drop(stream);
    subscription.wait().await.expect("it ends");
    let mut stream = open().await.expect("it starts");
    assert_eq!(stream.next().await.map(|entry| entry.number), Some(3));
    assert_eq!(stream.next().await.map(|entry| entry.number), Some(4));
    stream.end().await.expect("it ends");
    ctx.shutdown().await.expect("a clean end");
}

async fn a_stream_of_messages_settles_each_by_its_own(site: Site) {
    let ctx = site.open().await;
    ctx.set::<Entry>()
        .add_all((0..3).map(|n| entry(n, n)))
        .await
        .expect("added");
    let set = ctx.set::<Entry>();
    let stream = set.consume().group("g").with_manual_commit().stream();
    let mut stream = stream.await.expect("it starts");
    let first = stream.next().await.expect("a message");
    assert_eq!(first.number, 0);
    let _ = first.commit();
    let second = stream.next().await.expect("a message");
    // Neither: it comes again.
    drop(second);
    let second = stream.next().await.expect("a message");
    assert_eq!((second.number, second.meta().attempt()), (1, 2));
    let _ = second.commit();
    let third = stream.next().await.expect("a message");
    let _ = third.negative_ack_after(Duration::from_millis(1));
    let third = stream.next().await.expect("a message");
    assert_eq!((third.number, third.meta().attempt()), (2, 2));
    let subscription = stream.subscription().clone();
    drop((third, stream));
    let ended = subscription.wait().await.expect("it ends");
    assert_eq!(ended.committed[0].offset, 2);
    ctx.shutdown().await.expect("a clean end");
}

async fn a_handler_sees_where_its_record_came_from(site: Site) {
    let ctx = site.open().await;
    let set = ctx.set::<Entry>();
    let topic = set.topic().expect("a topic").to_owned();
    let value_schema = ctx
        .registry()
        .register(&format!("{topic}-value"), Entry::VALUE_SCHEMA)
        .await
        .expect("a schema");
    let (mut key, mut value) = (Vec::new(), vec![0]);
    value.extend(value_schema.to_be_bytes());
    entry(5, 50).encode_key(0, &mut key).expect("a key");
    entry(5, 50).encode_value(&mut value).expect("a value");
    let headers = [
        Header::new("trace", b"\x00\xff"),
        Header {
            name: "empty",
            value: None,
        },
    ];
    let now = ctx.clock().now_ms();
    let record = Record::new(Some(&key), Some(&value), now).headers(&headers);
    let receipt = ctx.log().produce(&topic, record).await.expect("produced");
    let seen = Seen::default();
    let handler = seen.clone();
    let subscription = set
        .consume()
        .for_each_with_meta(move |entry: Entry, meta| {
            handler.push((
                entry.number,
                meta.topic().to_owned(),
                meta.partition(),
                meta.offset(),
                meta.timestamp(),
                meta.key().map(<[u8]>::to_vec),
                meta.headers()
                    .map(|header| (header.name.to_owned(), header.value.map(<[u8]>::to_vec)))
                    .collect::<Vec<_>>(),
                meta.attempt(),
            ));
            async {}
        })
        .start()
        .await
        .expect("it starts");
    let expected = (
        50,
        topic,
        receipt.partition,
        receipt.offset,
        receipt.timestamp,
        Some(5_i64.to_be_bytes().to_vec()),
        vec![
            ("trace".to_owned(), Some(b"\x00\xff".to_vec())),
            ("empty".to_owned(), None),
        ],
        1,
    );
    assert_eq!(seen.wait_for(1).await, [expected]);
    subscription.stop().await.expect("it ends");
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_consumed_says_why() {
    let site = Site::embedded();
    let ctx = site.open().await;
    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("strangers")]
    #[stream]
    pub struct Stranger {
        pub name: String,
    }
    let unknown = ctx.set::<Stranger>().for_each(|_| async {}).await;
    assert_eq!(
        unknown.expect_err("it is not known").to_string(),
        "the context does not know `Stranger`: add `.entity::<Stranger>()` to its builder"
    );
    let nameless = ctx
        .set::<Entry>()
        .consume()
        .group("")
        .for_each(|_| async {})
        .await;
    assert_eq!(
        nameless.expect_err("no name").to_string(),
        "`Entry` cannot be consumed from topic `entries`: a group has a name"
    );
    let set = ctx.set::<Entry>();
    ctx.shutdown().await.expect("a clean end");
    let closed = set.for_each(|_| async {}).await;
    assert!(matches!(closed, Err(Error::Closed)), "{closed:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_runtime_of_one_thread_consumes_too() {
    let site = Site::embedded();
    let ctx = site.open().await;
    fill(&ctx, 100).await;
    let seen = Seen::default();
    let handler = seen.clone();
    let subscription = ctx
        .set::<Payment>()
        .consume()
        .concurrency(3, Order::ByKey)
        .for_each(move |payment| {
            handler.push(payment.number);
            async {}
        })
        .start()
        .await
        .expect("it starts");
    seen.wait_for(100).await;
    subscription
        .seek(None, Position::Earliest)
        .await
        .expect("it seeks");
    seen.wait_for(200).await;
    ctx.shutdown().await.expect("a clean end");
}
