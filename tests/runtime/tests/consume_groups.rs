//! What a Kafka's group does with consumers that let it wait: one whose handlers are slow keeps its partitions (RT5), and one that
//! was away for longer than the group waits loses them, and nothing it had finished.

use std::time::{Duration, Instant};

use ksql_runtime::consume::{Records as _, Start};
use ksql_runtime_tests::behind::Behind;
use ksql_runtime_tests::consuming::{
    Entry, Payment, Seen, Site, committed, ends, entry, payment, reaches,
};
use ksql_runtime_tests::proxy::Fault;
use ksql_runtime_tests::test_name;

/// What a group may be kept waiting for by a member, in milliseconds.
const PATIENCE: u64 = 6_000;

/// As long as handling an entry takes: the second takes longer than the patience.
fn time_of(entry: &Entry) -> tokio::time::Sleep {
    // The time it takes is what is tested.
    tokio::time::sleep(Duration::from_millis(if entry.number == 1 {
        PATIENCE + 2_000
    } else {
        0
    }))
}

/// Automatic and manual commit, and messages that somebody takes and is slow to settle, all of them at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_slower_than_the_groups_patience_keeps_its_partition() {
    let Some(site) = Site::kafka(test_name!()) else {
        return;
    };
    let builder = site
        .builder()
        .setting("kafka.consumer.max.poll.interval.ms", PATIENCE.to_string());
    let ctx = builder.start().await.expect("the context starts");
    let set = ctx.set::<Entry>();
    set.add_all((0..5).map(|n| entry(n, n)))
        .await
        .expect("added");
    let consumer = |group: &str| {
        let consumer = set.consume().group(group).start(Start::Earliest);
        consumer.commit_interval(Duration::from_millis(20))
    };
    let (automatic, manual) = (Seen::default(), Seen::default());
    let handler = automatic.clone();
    let by_itself = consumer("automatic").for_each(move |entry| {
        handler.push((entry.number, 1));
        async move { time_of(&entry).await }
    });
    let handler = manual.clone();
    let by_hand = consumer("manual")
        .with_manual_commit()
        .for_each(move |message| {
            handler.push((message.number, message.meta().attempt()));
            async move {
                time_of(message.entity()).await;
                // The slow one is refused once: it comes again where it was, and not at another member.
                if message.number == 2 && message.meta().attempt() == 1 {
                    message.negative_ack_after(Duration::from_millis(1))
                } else {
                    message.commit()
                }
            }
        });
    let by_itself = by_itself.start().await.expect("it starts");
    let by_hand = by_hand.start().await.expect("it starts");
    let mut messages = consumer("stream")
        .with_manual_commit()
        .stream()
        .await
        .expect("it starts");
    let taken = async {
        let mut numbers = Vec::new();
        while numbers.len() < 5 {
            let message = messages.next().await.expect("a message");
            time_of(message.entity()).await;
            numbers.push(message.number);
            let _settled = message.commit();
        }
        messages.end().await.expect("it ends in order");
        numbers
    };
    let topic = set.topic().expect("a topic").to_owned();
    let watched = async {
        // While it takes its time, everything before it is committed, and not it.
        for (subscription, seen) in [(&by_itself, &automatic), (&by_hand, &manual)] {
            seen.wait_for(2).await;
            reaches(subscription, "the commit before it", |status| {
                status.partitions[0].committed == Some(1)
            })
            .await;
        }
        assert_eq!(committed(&ctx, "automatic", &topic).await, [Some(1)]);
        assert_eq!(committed(&ctx, "manual", &topic).await, [Some(1)]);
        automatic.wait_for(5).await;
        manual.wait_for(6).await;
    };
    let (taken, ()) = tokio::join!(taken, watched);
    for subscription in [by_itself, by_hand] {
        let ended = subscription.stop().await.expect("it ends in order");
        assert_eq!(ended.committed[0].offset, 5);
    }
    let each_once = [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1)];
    assert_eq!(automatic.all(), each_once, "nothing was taken away");
    assert_eq!(
        manual.all(),
        [(0, 1), (1, 1), (2, 1), (2, 2), (3, 1), (4, 1)],
        "none comes again but the one that was asked for"
    );
    assert_eq!(taken, [0, 1, 2, 3, 4]);
    for group in ["automatic", "manual", "stream"] {
        assert_eq!(committed(&ctx, group, &topic).await, [Some(5)], "{group}");
    }
    ctx.shutdown().await.expect("a clean end");
}

/// Nothing is committed before the end, so that all there is to know of what was finished is in the consumer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_lost_its_partitions_goes_on_behind_what_it_had_finished() {
    const RECORDS: i64 = 400;
    let Some(behind) = Behind::start(test_name!()) else {
        return;
    };
    // A client that has lost its broker tells of each attempt to reach it, here of hundreds.
    let place = behind
        .place()
        .missed_soon()
        .with("kafka.consumer.reconnect.backoff.ms", "10")
        .with("kafka.consumer.reconnect.backoff.max.ms", "10");
    let builder = place.builder().entity::<Payment>();
    let ctx = builder.start().await.expect("it starts");
    let set = ctx.set::<Payment>();
    let topic = set.topic().expect("a topic").to_owned();
    let add = async |from: i64| {
        let payments = (from..from + RECORDS).map(|n| payment(n % 37, n));
        set.add_all(payments).await.expect("added");
    };
    add(0).await;
    let seen = Seen::default();
    let handler = seen.clone();
    let subscription = set
        .consume()
        .group("away")
        .start(Start::Earliest)
        .commit_interval(Duration::from_secs(3600))
        .for_each(move |payment| {
            handler.push(payment.number);
            async {}
        })
        .start()
        .await
        .expect("it starts");
    seen.wait_for(RECORDS as usize).await;
    reaches(
        &subscription,
        "its partitions with all finished",
        |status| status.partitions.len() == 4 && status.lag() == 0,
    )
    .await;
    behind.proxy.set(Fault::Refused);
    reaches(&subscription, "the loss of its partitions", |status| {
        status.partitions.is_empty()
    })
    .await;
    behind.proxy.set(Fault::None);
    let healed = Instant::now();
    add(RECORDS).await;
    seen.wait_for(2 * RECORDS as usize).await;
    let took = healed.elapsed();
    assert!(
        took <= Duration::from_secs(10),
        "what was told meanwhile held it up for {took:?}"
    );
    let ended = subscription.stop().await.expect("it ends in order");
    assert!(ended.is_clean(), "{ended:?}");
    let mut numbers = seen.all();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..2 * RECORDS).collect::<Vec<i64>>(), "each once");
    assert_eq!(
        committed(&ctx, "away", &topic).await,
        ends(&ctx, &topic).await
    );
    ctx.shutdown().await.expect("a clean end");
}
