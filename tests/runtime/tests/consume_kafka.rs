//! Consumers on a real Kafka that does not do as they would like: connections that break, brokers that stop (RT7), and orderly
//! ends without a broker (RT12).
//!
//! `KSQL_TEST_FAULTS=1000` is the long form; `KSQL_TEST_SEED` varies it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use ksql_runtime::consume::{ConsumerState, Order, Records as _, Start, Subscription};
use ksql_runtime_tests::behind::{Behind, Trouble};
use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::cluster::Place;
use ksql_runtime_tests::consuming::{
    GROUP, LIMIT, Payment, Said, Seen, committed, ends, payment, reaches,
};
use ksql_runtime_tests::proxy::Fault;
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::servers::{self, Kafka};
use ksql_runtime_tests::test_name;
use ksql_runtime_tests::workload::mix;

const CHILD: &str = env!("CARGO_BIN_EXE_consume_child");

/// How soon a consumer has all its partitions and handles records once nothing is wrong any more: 5 s where the machine has nothing
/// else to do, as `make reliability` holds; a machine of any speed is given more.
fn recovered() -> Duration {
    Duration::from_secs(number("KSQL_TEST_RECOVERED", 30))
}

/// Kafka's numbers of the requests of a group whose answers are lost: offset commit, offset fetch, join, heartbeat, sync.
const KINDS: [i16; 5] = [8, 9, 11, 12, 14];

const TROUBLES: [Trouble; 8] = [
    Trouble::Cut,
    Trouble::Refused,
    Trouble::Unanswered(&KINDS),
    Trouble::Killed,
    Trouble::Delayed,
    Trouble::Silent,
    Trouble::Halted,
    Trouble::Stopped,
];

/// Waits until so many are finished.
async fn more<T: Clone>(subscription: &Subscription, finished: &Seen<T>, count: usize) {
    reaches(subscription, &format!("{count} handled"), |_| {
        finished.len() >= count
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn handlers_lose_nothing_through_every_fault_and_what_is_committed_is_finished() {
    if let Some(behind) = Behind::start(test_name!()) {
        let faults = number("KSQL_TEST_FAULTS", 8);
        through_faults("RT7 on Kafka, consumers", &behind, faults, None).await;
    }
}

/// A group with this patience gives up a member within a fault, which has to wait for itself to be missed when it is back.
const SOON: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn handlers_whose_group_misses_them_soon_lose_nothing_either() {
    if let Some(behind) = Behind::start(test_name!()) {
        let faults = number("KSQL_TEST_MISSED", 4);
        let name = "RT7 on Kafka, consumers that are missed soon";
        through_faults(name, &behind, faults, Some(SOON)).await;
    }
}

async fn through_faults(name: &str, behind: &Behind, faults: u64, session: Option<Duration>) {
    let seed = seed();
    let mut report = Report::new(name, seed);
    let place = match session {
        None => behind.place(),
        Some(session) => {
            let session = session.as_millis().to_string();
            let place = behind.place();
            place.with("kafka.consumer.session.timeout.ms", &session)
        }
    };
    let ctx = place
        .builder()
        .entity::<Payment>()
        .start()
        .await
        .expect("it starts");
    let topic = ctx.set::<Payment>().topic().expect("a topic").to_owned();
    let finished = Seen::default();
    let handler = finished.clone();
    let subscription = ctx
        .set::<Payment>()
        .consume()
        .group("faults")
        .start(Start::Earliest)
        .concurrency(4, Order::ByKey)
        .commit_interval(Duration::from_millis(20))
        .for_each_with_meta(move |payment: Payment, meta| {
            let handler = handler.clone();
            async move {
                tokio::task::yield_now().await;
                handler.push((meta.partition(), meta.offset(), payment.number));
            }
        })
        .start()
        .await
        .expect("it starts");
    let (stop, added) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicI64::new(0)),
    );
    let writing = tokio::spawn({
        let (ctx, stop, added) = (ctx.clone(), Arc::clone(&stop), Arc::clone(&added));
        async move {
            while !stop.load(Ordering::Relaxed) {
                let from = added.load(Ordering::Relaxed);
                let batch: Vec<Payment> = (from..from + 10).map(|n| payment(n % 37, n)).collect();
                ctx.set::<Payment>()
                    .add_all(batch)
                    .await
                    .expect("acknowledged at last");
                added.store(from + 10, Ordering::Relaxed);
            }
        }
    });
    let mut slowest = Duration::ZERO;
    for fault in 0..faults {
        let trouble = Trouble::nth(fault, seed, &TROUBLES);
        let before = finished.len();
        more(&subscription, &finished, before + 20).await;
        // Read first: what is committed now was finished before, and is not among those that are from now on.
        let kept = committed(&ctx, "faults", &topic).await;
        let mark = finished.len();
        tokio::task::block_in_place(|| trouble.begin(behind));
        // As long as it takes a client to give up a request.
        tokio::time::sleep(Duration::from_millis(mix(seed, fault) % 3_000)).await;
        tokio::task::block_in_place(|| trouble.end(behind));
        let healed = Instant::now();
        let before = finished.len();
        more(&subscription, &finished, before + 20).await;
        reaches(&subscription, "its partitions", |status| {
            status.state == ConsumerState::Running && status.partitions.len() == 4
        })
        .await;
        // What takes an answer away is a fault as well.
        let last = behind.proxy.last_lost();
        let over = last.map_or(healed, |last| last.max(healed));
        let took = over.elapsed();
        assert!(
            took <= recovered() + session.unwrap_or_default(),
            "{trouble:?}: all is back after {took:?}"
        );
        slowest = slowest.max(took);
        // At this instant: everything before a committed offset is finished.
        let all = committed(&ctx, "faults", &topic).await;
        let seen: BTreeSet<(i32, i64)> = finished.all().iter().map(|one| (one.0, one.1)).collect();
        for (partition, offset) in (0..).zip(all) {
            for offset in 0..offset.unwrap_or(0) {
                assert!(
                    seen.contains(&(partition, offset)),
                    "{trouble:?}: {offset} of {partition} is committed and not finished"
                );
            }
        }
        for (partition, offset, _) in &finished.all()[mark..] {
            assert!(
                *offset >= kept[*partition as usize].unwrap_or(0),
                "{trouble:?}: {offset} of {partition} was committed before it, and came again"
            );
        }
        report.pass();
    }
    stop.store(true, Ordering::Relaxed);
    tokio::time::timeout(LIMIT, writing)
        .await
        .expect("every record is acknowledged")
        .expect("none was refused");
    let goal = ends(&ctx, &topic).await;
    reaches(&subscription, "the end", |status| {
        let at = status.partitions.iter().map(|one| one.committed);
        at.collect::<Vec<_>>() == goal
    })
    .await;
    let numbers: BTreeSet<i64> = finished.all().iter().map(|one| one.2).collect();
    let added = added.load(Ordering::Relaxed);
    assert_eq!(numbers, (0..added).collect(), "nothing is lost");
    assert_eq!(committed(&ctx, "faults", &topic).await, goal);
    report.count("faults", faults);
    report.count("records", added.cast_unsigned());
    report.count("handled_again", (finished.len() - numbers.len()) as u64);
    report.count("slowest_recovery_ms", slowest.as_millis() as u64);
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_under_load_with_slow_handlers_commits_what_is_finished_within_ten_seconds() {
    let Some(registry) = servers::registry_or_skip(test_name!()) else {
        return;
    };
    let Some(kafka) = servers::or_skip(test_name!(), Kafka::start()) else {
        return;
    };
    let seed = seed();
    let mut report = Report::new("RT12 on Kafka, consumers", seed);
    let mut longest = Duration::ZERO;
    // With the broker, and without it.
    for away in [false, true] {
        let place = Place::new(kafka.bootstrap(), registry);
        let ctx = place
            .builder()
            .entity::<Payment>()
            .start()
            .await
            .expect("it starts");
        let topic = ctx.set::<Payment>().topic().expect("a topic").to_owned();
        let payments: Vec<Payment> = (0..20_000).map(|n| payment(n % 37, n)).collect();
        ctx.set::<Payment>().add_all(payments).await.expect("added");
        let directory = place.directory().join("child");
        let arguments = ["automatic", &seed.to_string()];
        let mut child = Lines::start_in(CHILD, &arguments, &directory, &place.environment());
        let mut said = Said::default();
        for _ in 0..200 {
            child.read_until("handled ", LIMIT, |line| said.hear(line));
        }
        if away {
            kafka.pause();
        }
        let asked = Instant::now();
        child.signal("TERM");
        let (status, _) = child.ended_after(LIMIT, |line| said.hear(line));
        let took = asked.elapsed();
        if away {
            kafka.resume();
        }
        longest = longest.max(took);
        assert!(
            took <= Duration::from_secs(10),
            "away {away}: it took {took:?}"
        );
        assert_eq!(status.success(), !away, "an honest exit code, away {away}");
        let mut refused = said.refused.iter();
        assert!(
            refused.all(|line| away && line.starts_with("gave up")),
            "{:?}",
            said.refused
        );
        // What is committed was handled, or is a dead letter; with the broker there, all that was handled in order is committed.
        let letters = ctx
            .dead_letters()
            .list(&Default::default())
            .await
            .expect("letters");
        let lettered: BTreeSet<(i32, i64)> = letters
            .iter()
            .filter_map(|letter| Some((letter.partition?, letter.offset?)))
            .collect();
        for (partition, offset) in (0..).zip(committed(&ctx, GROUP, &topic).await) {
            let offset = offset.unwrap_or(0);
            for before in 0..offset {
                let place = (partition, before);
                assert!(
                    said.handled.contains_key(&place) || lettered.contains(&place),
                    "{place:?} is committed"
                );
            }
            assert!(
                away || !said.handled.contains_key(&(partition, offset)),
                "{offset} of {partition} was finished and is not committed"
            );
        }
        ctx.shutdown().await.expect("a clean end");
        report.pass();
    }
    report.count("longest_end_ms", longest.as_millis() as u64);
}

/// Ends a context with a consumer that has handled something while its broker is away; how long that took.
async fn ended_away(behind: &Behind, place: &Place, fault: Fault, committed: bool) -> Duration {
    let ctx = place
        .builder()
        .entity::<Payment>()
        .start()
        .await
        .expect("it starts");
    let (seen, group) = (Seen::default(), uuid::Uuid::new_v4().to_string());
    let handler = seen.clone();
    let commits = if committed {
        Duration::from_millis(20)
    } else {
        Duration::from_secs(3600)
    };
    let subscription = ctx
        .set::<Payment>()
        .consume()
        .group(&group)
        .start(Start::Earliest)
        .commit_interval(commits)
        .for_each(move |payment| {
            handler.push(payment.number);
            async {}
        })
        .start()
        .await
        .expect("it starts");
    let added = ctx.set::<Payment>().add(payment(1, 1)).await;
    added.expect("added");
    seen.wait_for(1).await;
    if committed {
        reaches(&subscription, "the commit of all", |status| {
            let mut held = status.partitions.iter();
            held.len() == 4 && held.all(|one| one.committed == Some(one.end) && one.in_flight == 0)
        })
        .await;
    }
    behind.proxy.set(fault);
    let began = Instant::now();
    let ended = ctx.shutdown().await;
    let took = began.elapsed();
    behind.proxy.set(Fault::None);
    let end = subscription.wait().await;
    if committed {
        ended.expect("nothing is left undone");
        assert!(end.expect("it ended in order").is_clean());
    } else {
        let error = ended
            .expect_err("what was finished is not committed")
            .to_string();
        for words in [&format!("group `{group}`"), "comes again"] {
            assert!(error.contains(words), "`{words}` is not in: {error}");
        }
        assert!(end.is_err(), "{end:?}, and the context: {error}");
    }
    took
}

/// A member's session lasts 45 s, which is how long a client waits for its group by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_whose_broker_is_away_takes_ten_seconds_at_most_and_fails_only_where_something_is_not_committed()
 {
    let Some(behind) = Behind::start(test_name!()) else {
        return;
    };
    let limit = Duration::from_secs(10);
    let mut report = Report::new("RT12 on Kafka, a commit that is not answered", 0);
    let place = behind.place();
    for fault in [Fault::Refused, Fault::Silent] {
        for committed in [false, true] {
            let mut fastest = Duration::MAX;
            // One end is enough: on a busy machine any single one may be kept waiting by others.
            for _ in 0..3 {
                let took = ended_away(&behind, &place, fault, committed).await;
                fastest = fastest.min(took);
                report.pass();
                if fastest <= limit {
                    break;
                }
            }
            let what = format!("{fault:?}, committed {committed}");
            assert!(fastest <= limit, "{what}: ended after {fastest:?} at best");
            report.count(&format!("{what}, ms"), fastest.as_millis() as u64);
        }
    }
}
