//! Seeks while handlers run (RT5): what was begun before a seek finishes nothing of what comes after it. And what moves: a partition
//! or all of them, to a time. On both logs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ksql_runtime::consume::{ConsumerStatus, HandlerError, Order, Position, Subscription};
use ksql_runtime::log::Record;
use ksql_runtime::prelude::*;
use ksql_runtime_tests::consuming::{
    LIMIT, Payment, Seen, Site, Transfer, committed, ends, payment, reaches, transfer,
};
use ksql_runtime_tests::on_both_logs;
use tokio::sync::Semaphore;

on_both_logs!(
    a_handler_that_ends_after_a_seek_finishes_nothing_of_what_comes_again,
    a_seek_waits_for_the_handlers_that_run,
    a_message_that_is_settled_after_a_seek_finishes_nothing_of_what_comes_again,
    a_seek_moves_the_partition_that_is_named_or_all_of_them_to_a_place_or_a_time,
);

/// Records of the one partition. The handler of one of them is held; those behind it have its key.
const RECORDS: i64 = 10;
const HELD: i64 = 5;

/// Handlers that say when they begin and end, each through a gate of its own between that: of the first pass, and of the second,
/// which is behind the seek.
#[derive(Debug)]
struct Passes {
    /// The one in which handlers begin.
    pass: AtomicUsize,
    gates: [Vec<Semaphore>; 2],
    begun: Seen<(usize, i64)>,
    ended: Seen<(usize, i64)>,
}

impl Passes {
    /// All gates of the first pass are open but one, and all of the second are shut.
    fn new() -> Arc<Passes> {
        let open = |n| Semaphore::new(usize::from(n != HELD));
        Arc::new(Passes {
            pass: AtomicUsize::new(1),
            gates: [
                (0..RECORDS).map(open).collect(),
                (0..RECORDS).map(|_| Semaphore::new(0)).collect(),
            ],
            begun: Seen::default(),
            ended: Seen::default(),
        })
    }

    fn open(&self, pass: usize, number: i64) {
        self.gates[pass - 1][number as usize].add_permits(1);
    }

    /// All that is left of the first pass is what is held, and what is behind it where there is an order.
    async fn reach_the_held(&self, order: Order) {
        let others = match order {
            Order::Unordered => RECORDS - 1,
            _ => HELD,
        };
        begins(&self.begun, 1, HELD).await;
        let ended = self.ended.wait_for(others as usize).await;
        assert_eq!(ended.len(), others as usize);
        self.pass.store(2, Ordering::SeqCst);
    }

    async fn handle(&self, number: i64) {
        let pass = self.pass.load(Ordering::SeqCst);
        self.begun.push((pass, number));
        let gate = &self.gates[pass - 1][number as usize];
        gate.acquire().await.expect("it is not closed").forget();
        self.ended.push((pass, number));
    }
}

async fn begins(seen: &Seen<(usize, i64)>, pass: usize, number: i64) {
    let mut all = seen.all();
    while !all.contains(&(pass, number)) {
        all = seen.wait_for(all.len() + 1).await;
    }
}

/// What a consumer says is committed of the one partition.
fn told(status: &ConsumerStatus) -> Option<i64> {
    status.partitions.first().and_then(|one| one.committed)
}

/// Waits until so much is committed of it, and it is not more.
async fn commits(ctx: &Context, group: &str, subscription: &Subscription, offset: i64) {
    let what = format!("the commit of {offset}");
    let status = reaches(subscription, &what, |status| {
        told(status).is_some_and(|committed| committed >= offset)
    })
    .await;
    assert_eq!(told(&status), Some(offset));
    let topic = ctx.set::<Transfer>().topic().expect("a topic").to_owned();
    assert_eq!(committed(ctx, group, &topic).await, [Some(offset)]);
}

async fn filled(site: &Site) -> Context {
    let ctx = site.open_patiently().await;
    let all = (0..RECORDS).map(|n| transfer(n.min(HELD), n));
    ctx.set::<Transfer>().add_all(all).await.expect("added");
    ctx
}

/// A consumer of so much patience, whose handlers are those of the passes.
async fn passing(
    ctx: &Context,
    group: &str,
    order: Order,
    stop_timeout: Duration,
    passes: &Arc<Passes>,
    manual: bool,
) -> Subscription {
    let consumer = ctx
        .set::<Transfer>()
        .consume()
        .group(group)
        // More than there are records: in no order each has a handler of its own.
        .concurrency(RECORDS as usize + 2, order)
        .commit_interval(Duration::from_millis(2))
        .stop_timeout(stop_timeout);
    let passes = Arc::clone(passes);
    let running = if manual {
        consumer.with_manual_commit().for_each(move |message| {
            let passes = Arc::clone(&passes);
            async move {
                passes.handle(message.number).await;
                Ok::<_, HandlerError>(message.commit())
            }
        })
    } else {
        consumer.for_each(move |transfer| {
            let passes = Arc::clone(&passes);
            async move { passes.handle(transfer.number).await }
        })
    };
    running.start().await.expect("it starts")
}

async fn a_handler_that_ends_after_a_seek_finishes_nothing_of_what_comes_again(site: Site) {
    let ctx = filled(&site).await;
    for (group, order, manual) in [
        ("in order", Order::ByPartition, false),
        ("by key", Order::ByKey, false),
        ("in no order", Order::Unordered, false),
        ("by hand", Order::Unordered, true),
    ] {
        let passes = Passes::new();
        let patience = Duration::from_millis(50);
        let subscription = passing(&ctx, group, order, patience, &passes, manual).await;
        commits(&ctx, group, &subscription, HELD).await;
        passes.reach_the_held(order).await;
        let place = Position::Offset(0);
        subscription.seek(None, place).await.expect("it seeks");
        assert!(!passes.ended.all().contains(&(1, HELD)), "it is held");
        // Where it goes on is committed, be it before.
        reaches(&subscription, "the place it was told", |status| {
            told(status) == Some(0)
        })
        .await;
        if order == Order::Unordered {
            // The same record, by two handlers at the same time.
            begins(&passes.begun, 2, HELD).await;
        }
        passes.open(1, HELD);
        begins(&passes.ended, 1, HELD).await;
        for number in HELD + 1..RECORDS {
            passes.open(2, number);
        }
        for number in 0..=HELD {
            begins(&passes.begun, 2, number).await;
            commits(&ctx, group, &subscription, number).await;
            passes.open(2, number);
            begins(&passes.ended, 2, number).await;
        }
        commits(&ctx, group, &subscription, RECORDS).await;
        let again = passes.ended.all().into_iter().filter(|one| one.0 == 2);
        let mut again: Vec<i64> = again.map(|one| one.1).collect();
        again.sort_unstable();
        assert_eq!(again, (0..RECORDS).collect::<Vec<i64>>(), "{group}");
        let ended = subscription.stop().await.expect("it ends");
        assert!(ended.is_clean(), "{group}: {ended:?}");
        assert_eq!(ended.committed[0].offset, RECORDS, "{group}");
    }
    ctx.shutdown().await.expect("a clean end");
}

async fn a_seek_waits_for_the_handlers_that_run(site: Site) {
    let ctx = filled(&site).await;
    let passes = Passes::new();
    let subscription = passing(&ctx, "g", Order::Unordered, LIMIT, &passes, false).await;
    commits(&ctx, "g", &subscription, HELD).await;
    passes.reach_the_held(Order::Unordered).await;
    let seek = async {
        let sought = subscription.seek(None, Position::Offset(0)).await;
        sought.expect("it seeks");
        assert!(passes.ended.all().contains(&(1, HELD)), "it has ended");
    };
    // Told first, and then the gate is opened.
    tokio::join!(biased; seek, async { passes.open(1, HELD) });
    for number in 0..RECORDS {
        begins(&passes.begun, 2, number).await;
    }
    commits(&ctx, "g", &subscription, 0).await;
    for number in 0..RECORDS {
        passes.open(2, number);
    }
    commits(&ctx, "g", &subscription, RECORDS).await;
    assert!(subscription.stop().await.expect("it ends").is_clean());
    ctx.shutdown().await.expect("a clean end");
}

async fn a_message_that_is_settled_after_a_seek_finishes_nothing_of_what_comes_again(site: Site) {
    let ctx = filled(&site).await;
    let mut messages = ctx
        .set::<Transfer>()
        .consume()
        .group("g")
        .commit_interval(Duration::from_millis(2))
        .stop_timeout(Duration::from_millis(50))
        .with_manual_commit()
        .stream()
        .await
        .expect("it starts");
    let subscription = messages.subscription().clone();
    let mut held = messages.next().await.expect("a message");
    for number in 1..=HELD {
        let _settled = held.commit();
        held = messages.next().await.expect("a message");
        assert_eq!(held.number, number);
    }
    commits(&ctx, "g", &subscription, HELD).await;
    let place = Position::Earliest;
    subscription.seek(None, place).await.expect("it seeks");
    reaches(&subscription, "the place it was told", |status| {
        told(status) == Some(0)
    })
    .await;
    let _settled = held.commit();
    for number in 0..RECORDS {
        let message = messages.next().await.expect("a message");
        assert_eq!(message.number, number);
        commits(&ctx, "g", &subscription, number).await;
        let _settled = message.commit();
    }
    let ended = messages.end().await.expect("it ends in order");
    assert_eq!(ended.committed[0].offset, RECORDS);
    ctx.shutdown().await.expect("a clean end");
}

/// Milliseconds behind the first time of the records of a partition; the second one's are in no order.
const TIMES: [[i64; 5]; 4] = [
    [0, 1_000, 2_000, 3_000, 4_000],
    [0, 3_000, 1_000, 4_000, 2_000],
    [2_000, 2_000, 2_000, 2_000, 2_000],
    [0, 0, 0, 0, 9_000],
];

async fn a_seek_moves_the_partition_that_is_named_or_all_of_them_to_a_place_or_a_time(site: Site) {
    let ctx = site.open_patiently().await;
    let topic = ctx.set::<Payment>().topic().expect("a topic").to_owned();
    let subject = format!("{topic}-value");
    let registered = ctx.registry().register(&subject, Payment::VALUE_SCHEMA);
    let schema = registered.await.expect("a schema");
    // Not so long ago that retention would take them.
    let first = ctx.clock().now_ms() - 3_600_000;
    let produce = async |partition: i32, behind: i64| -> i64 {
        let (mut key, mut value) = (Vec::new(), vec![0]);
        let payment = payment(i64::from(partition), behind);
        payment.encode_key(0, &mut key).expect("a key");
        value.extend(schema.to_be_bytes());
        payment.encode_value(&mut value).expect("a value");
        let record = Record::new(Some(&key), Some(&value), first + behind).partition(partition);
        let receipt = ctx.log().produce(&topic, record).await;
        receipt.expect("it is produced").offset
    };
    for (partition, times) in (0..).zip(TIMES) {
        for behind in times {
            produce(partition, behind).await;
        }
    }
    let seen: Seen<(i32, i64)> = Seen::default();
    let handler = seen.clone();
    let subscription = ctx
        .set::<Payment>()
        .consume()
        .group("g")
        .concurrency(2, Order::ByPartition)
        .commit_interval(Duration::from_millis(2))
        .for_each_with_meta(move |_: Payment, meta| {
            handler.push((meta.partition(), meta.offset()));
            async {}
        })
        .start()
        .await
        .expect("it starts");
    seen.wait_for(20).await;
    let time = |behind| Position::Time(first + behind);
    // From which record on each partition comes again: none where it is not moved, or to its end.
    let none = [None; 4];
    let one = |partition: usize, from| {
        let mut places = none;
        places[partition] = Some(from);
        places
    };
    let later = 7_200_000;
    let mut count = 20;
    for (partition, position, from) in [
        (None, time(2_000), [Some(2), Some(1), Some(0), Some(4)]),
        (None, time(2_001), [Some(3), Some(1), None, Some(4)]),
        (None, time(-1), [Some(0); 4]),
        (None, time(later), none),
        (Some(1), time(4_000), one(1, 3)),
        (Some(3), time(0), one(3, 0)),
        (Some(2), time(later), none),
        (Some(2), Position::Earliest, one(2, 0)),
        (Some(0), Position::Offset(3), one(0, 3)),
        (Some(1), Position::Latest, none),
    ] {
        let goal = ends(&ctx, &topic).await;
        // All that came until now is finished and committed, so that what comes is for the seek alone.
        reaches(&subscription, "the end", |status| {
            let at = status.partitions.iter().map(|one| one.committed);
            at.collect::<Vec<_>>() == goal
        })
        .await;
        let before = seen.len();
        assert_eq!(before, count, "no more came again");
        let sought = subscription.seek(partition, position).await;
        sought.expect("it seeks");
        // Behind all that comes again of its partition. Records of before the first time, which no time here finds.
        let mut expected = Vec::new();
        for (number, from) in (0..).zip(from) {
            let last = produce(number, -1_000_000).await;
            expected.extend((from.unwrap_or(last)..=last).map(|offset| (number, offset)));
        }
        let all = seen.wait_for(before + expected.len()).await;
        let mut came = all[before..].to_vec();
        count = before + expected.len();
        // In the order of each partition.
        came.sort_by_key(|one| one.0);
        assert_eq!(came, expected, "{partition:?} to {position:?}");
    }
    subscription.stop().await.expect("it ends");
    assert_eq!(seen.len(), count, "no more came again");
    assert_eq!(committed(&ctx, "g", &topic).await, ends(&ctx, &topic).await);
    ctx.shutdown().await.expect("a clean end");
}
