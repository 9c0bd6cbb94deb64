//! Tables on a real Kafka under kill -9, restarts, second owners and orderly ends, with real child processes (RT1, RT3,
//! RT11, RT12 on a cluster).
//!
//! `KSQL_TEST_KILLS=500 KSQL_TEST_STARTS=1000 KSQL_TEST_CYCLES=100` is the long form; `KSQL_TEST_SEED` varies it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ksql_runtime::error::Error;
use ksql_runtime::prelude::*;
use ksql_runtime::state::State;
use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::cluster::{LIMIT, Place, table};
use ksql_runtime_tests::flushed::{FLUSH_INTERVAL, replays_no_more_than_came_since};
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::second_owner::refused;
use ksql_runtime_tests::servers::{self, Kafka};
use ksql_runtime_tests::test_name;
use ksql_runtime_tests::workload::{Progress, Row, allowed, differences, mix, row};

const CHILD: &str = env!("CARGO_BIN_EXE_table_child");
const KEYS: u64 = 300;
/// An orderly end takes no longer.
const END: Duration = Duration::from_secs(10);
/// An end that took so long may have been out of patience with the log: what the tables have not read is left then.
const PATIENCE: Duration = Duration::from_secs(5);
/// A child does not come so far.
const NO_END: &str = "1000000000";

/// A place on the servers that all tests here share.
fn place(test: &str) -> Option<Place> {
    let (kafka, registry) = (
        servers::kafka_or_skip(test)?,
        servers::registry_or_skip(test)?,
    );
    Some(Place::new(kafka.bootstrap(), registry))
}

fn child(place: &Place, mode: &str, seed: u64, from: u64) -> Lines {
    let arguments = [
        mode,
        &seed.to_string(),
        &KEYS.to_string(),
        &from.to_string(),
        NO_END,
    ];
    Lines::start_in(CHILD, &arguments, place.directory(), &place.environment())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_killed_at_any_instant_equals_its_topic_after_the_restart() {
    let Some(place) = place(test_name!()) else {
        return;
    };
    let (seed, kills) = (seed(), number("KSQL_TEST_KILLS", 20));
    let mut report = Report::new("RT1 on Kafka", seed);
    let (mut progress, mut checked, mut replayed) = (Progress::default(), 0_u64, 0_u64);
    for kill in 0..kills {
        let from = progress.acknowledged;
        let mut child = child(&place, "flushing", seed, from);
        let mut each = |line: &str| {
            progress.take(line);
            assert!(
                !line.starts_with("refused") && !line.starts_with("gave up"),
                "{line}"
            );
        };
        // Every other one is killed while it ingests, whatever the machine's speed; the rest at any time from the very
        // start of the process on.
        let mut longest = 2_000_000;
        if kill.is_multiple_of(2) {
            child.read_until("acked ", LIMIT, &mut each);
            longest = 500_000;
        }
        child.kill_after(Duration::from_micros(mix(seed, kill) % longest), &mut each);

        let ctx = place.open().await;
        ctx.wait_ready(LIMIT).await.expect("the table is ready");
        // What was there at the orderly end before this child is not read again.
        let again = ctx.set::<Row>().replayed().expect("a table");
        let Progress { sent, acknowledged } = progress;
        assert!(
            again <= sent.saturating_sub(from),
            "seed {seed}, kill {kill}: {again} replayed of {from} to {sent}"
        );
        // What the child had sent and nobody had acknowledged may still have arrived behind the target.
        ctx.wait_caught_up(LIMIT).await.expect("caught up");
        let rows = table(&ctx, KEYS).await;
        let wrong = differences(&rows, &allowed(seed, KEYS, acknowledged, sent));
        assert_eq!(
            wrong,
            Vec::<String>::new(),
            "seed {seed}, kill {kill}, acknowledged {acknowledged}, sent {sent}"
        );
        checked += rows.len() as u64;
        replayed += again;
        ctx.shutdown().await.expect("a clean end");
        report.pass();
    }
    assert!(progress.acknowledged > 0, "the children got somewhere");
    report.count("kills", kills);
    report.count("acknowledged", progress.acknowledged);
    report.count("replayed", replayed);
    report.count("rows_checked", checked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_replays_no_more_than_came_since_the_last_flush() {
    let Some(place) = place(test_name!()) else {
        return;
    };
    let start = |seed: u64, from: u64| {
        let (name, value) = FLUSH_INTERVAL;
        let mut environment = place.environment();
        environment.push((name.to_owned(), value.to_owned()));
        let arguments = [
            "ingest",
            &seed.to_string(),
            &KEYS.to_string(),
            &from.to_string(),
            NO_END,
        ];
        Lines::start_in(CHILD, &arguments, place.directory(), &environment)
    };
    let kills = number("KSQL_TEST_FLUSH_KILLS", 2);
    replays_no_more_than_came_since("Kafka", kills, start, async || place.open().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_answers_before_the_table_is_ready() {
    let Some(place) = place(test_name!()) else {
        return;
    };
    let (seed, starts) = (seed(), number("KSQL_TEST_STARTS", 8));
    let mut report = Report::new("RT3 on Kafka, restarts", seed);
    let rows = 5_000_u64;
    let ctx = place.open().await;
    ctx.set::<Row>()
        .add_all((0..rows).map(|n| row(n as i64, n)).collect::<Vec<_>>())
        .await
        .expect("rows are added");
    ctx.shutdown().await.expect("a clean end");

    let (refused, answered) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    for start in 0..starts {
        // Without its state the table has everything to read again.
        place.forget_tables();
        let ctx = place.open().await;
        let stop = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..8_u64)
            .map(|reader| {
                let (set, stop) = (ctx.set::<Row>(), Arc::clone(&stop));
                let (refused, answered) = (Arc::clone(&refused), Arc::clone(&answered));
                tokio::spawn(async move {
                    let mut n = mix(seed ^ start, reader);
                    while !stop.load(Ordering::Relaxed) {
                        n = mix(n, reader);
                        let key = (n % rows) as i64;
                        let result = if n.is_multiple_of(50) {
                            set.to_list().await.map(|list| {
                                assert_eq!(list.len() as u64, rows, "a list is whole or refused");
                            })
                        } else {
                            set.get(key).await.map(|found| {
                                let expected = Some(row(key, key as u64));
                                assert_eq!(found, expected, "a row is there or refused");
                            })
                        };
                        match result {
                            Ok(()) => answered.fetch_add(1, Ordering::Relaxed),
                            Err(error) => {
                                names_topic_and_state(&error, &set);
                                refused.fetch_add(1, Ordering::Relaxed)
                            }
                        };
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        ctx.wait_ready(LIMIT).await.expect("the table is ready");
        let before = answered.load(Ordering::Relaxed);
        let answers = async {
            while answered.load(Ordering::Relaxed) < before + 20 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, answers)
            .await
            .expect("reads are answered once it is ready");
        stop.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.await.expect("a reader saw only whole answers");
        }
        ctx.shutdown().await.expect("a clean end");
        report.pass();
    }
    let count = |all: &AtomicU64| all.load(Ordering::Relaxed);
    assert!(
        count(&refused) > 0,
        "some reads came before ready, or nothing was tested"
    );
    report.count("starts", starts);
    report.count("refused", count(&refused));
    report.count("answered", count(&answered));
}

fn names_topic_and_state(error: &Error, set: &EntitySet<Row>) {
    let text = error.to_string();
    match error {
        Error::NotReady { topic, state, .. } => {
            assert_eq!(topic, set.topic().expect("a topic"));
            assert!(*state != State::Running, "{text}");
            assert!(
                text.contains(topic.as_str())
                    && text.contains(&state.to_string())
                    && text.contains("lag"),
                "{text}"
            );
        }
        other => panic!("a read is answered or not ready: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_owner_is_refused_at_once_and_the_first_is_unaffected() {
    let Some(place) = place(test_name!()) else {
        return;
    };
    let mut report = Report::new("RT11 on Kafka", 0);
    let mut first = child(&place, "ingest", 1, 0);
    first.expect("ready", LIMIT);

    let fastest = refused(&first, async || place.start(&[]).await).await;
    report.pass();

    // Another application beside it, on the same topic: its own directory is all it needs.
    let elsewhere = tempfile::tempdir().expect("a directory");
    let second = place
        .builder()
        .setting("application_id", "second")
        .state_dir(elsewhere.path())
        .start()
        .await
        .expect("another directory has no owner");
    let mut progress = Progress::default();
    first.read_until("acked ", LIMIT, |line| progress.take(line));
    let before = progress.acknowledged;
    first.read_until("acked ", LIMIT, |line| progress.take(line));
    assert!(progress.acknowledged > before, "the first owner goes on");
    report.pass();

    // A lock left by a killed owner never blocks; and both applications have the same table.
    first.kill(|line| progress.take(line));
    let ctx = place.open().await;
    let mut tables = Vec::new();
    for ctx in [&ctx, &second] {
        ctx.wait_caught_up(LIMIT).await.expect("caught up");
        tables.push(table(ctx, KEYS).await);
    }
    assert_eq!(tables[0], tables[1]);
    let right = allowed(1, KEYS, progress.acknowledged, progress.sent);
    assert_eq!(differences(&tables[0], &right), Vec::<String>::new());
    for ctx in [ctx, second] {
        ctx.shutdown().await.expect("a clean end");
    }
    report.pass();
    report.count("refused_after_ms", fastest.as_millis() as u64);
}

/// Orders it to end and waits for that; says what its end was.
fn terminate(child: Lines, progress: &mut Progress) -> (bool, Duration) {
    let asked = Instant::now();
    child.signal("TERM");
    let (status, _) = child.ended_after(LIMIT, |line| progress.take(line));
    (status.success(), asked.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orderly_end_under_load_loses_nothing_and_leaves_nothing_to_replay() {
    let Some(place) = place(test_name!()) else {
        return;
    };
    let (seed, cycles) = (seed(), number("KSQL_TEST_CYCLES", 5));
    let mut report = Report::new("RT12 on Kafka", seed);
    let mut progress = Progress::default();
    let (mut fastest, mut longest, mut took) = (Duration::MAX, Duration::ZERO, Duration::ZERO);
    for cycle in 0..cycles {
        // From where the last one was told to stop: what it had sent by then is there or comes again.
        let mut child = child(&place, "impatient", seed, progress.acknowledged);
        let replayed = child.expect("replayed ", LIMIT);
        assert!(
            replayed == "0" || took >= PATIENCE,
            "seed {seed}, cycle {cycle}: {replayed} to replay after an orderly end in {took:?}"
        );
        child.read_until("acked ", LIMIT, |line| progress.take(line));
        let success;
        (success, took) = terminate(child, &mut progress);
        (fastest, longest) = (fastest.min(took), longest.max(took));
        assert!(
            success || took >= PATIENCE,
            "cycle {cycle}: nothing was given up in {took:?}"
        );
        report.pass();
    }
    // One of some ends is enough: on a busy machine any single one may be kept waiting by others.
    assert!(fastest < PATIENCE, "ended after {fastest:?} at best");
    // Where the machine has nothing else to do each of them is held.
    let most = Duration::from_secs(number("KSQL_TEST_ENDED", 120));
    assert!(longest <= most, "ended after {longest:?} at worst");
    let ctx = place.open().await;
    ctx.wait_ready(LIMIT).await.expect("the table is ready");
    let replayed = ctx.set::<Row>().replayed().expect("a table");
    assert!(
        replayed == 0 || took >= PATIENCE,
        "{replayed} to replay after an orderly end in {took:?}"
    );
    ctx.wait_caught_up(LIMIT).await.expect("caught up");
    let right = allowed(seed, KEYS, progress.acknowledged, progress.sent);
    let wrong = differences(&table(&ctx, KEYS).await, &right);
    assert_eq!(wrong, Vec::<String>::new(), "seed {seed}");
    ctx.shutdown().await.expect("a clean end");
    report.count("cycles", cycles);
    report.count("operations", progress.acknowledged);
    report.count("longest_end_ms", longest.as_millis() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_without_a_broker_takes_ten_seconds_at_most_and_says_what_was_given_up() {
    let Some(registry) = servers::registry_or_skip(test_name!()) else {
        return;
    };
    let Some(kafka) = servers::or_skip(test_name!(), Kafka::start()) else {
        return;
    };
    let seed = seed();
    let mut report = Report::new("RT12 on Kafka, without a broker", seed);
    let place = Place::new(kafka.bootstrap(), registry);
    let (mut progress, mut given_up) = (Progress::default(), 0_u64);
    let (mut fastest, mut longest) = ([Duration::MAX; 2], Duration::ZERO);
    for round in 0..5 {
        // One end of each kind is enough: on a busy machine any single one may be kept waiting by others.
        if round >= 2 && fastest.iter().all(|took| *took <= END) {
            break;
        }
        for paused in [false, true] {
            let mut child = child(&place, "impatient", seed, progress.acknowledged);
            child.read_until("acked ", LIMIT, |line| progress.take(line));
            if paused {
                kafka.pause();
            } else {
                kafka.kill();
            }
            let (success, took) = terminate(child, &mut progress);
            if paused {
                kafka.resume();
            } else {
                kafka.start_again();
            }
            let least = &mut fastest[usize::from(paused)];
            (*least, longest) = (took.min(*least), longest.max(took));
            // An honest exit code: a success only where nothing was on its way.
            given_up += u64::from(!success);
            let ctx = place.open().await;
            ctx.wait_caught_up(LIMIT).await.expect("caught up");
            let right = allowed(seed, KEYS, progress.acknowledged, progress.sent);
            let wrong = differences(&table(&ctx, KEYS).await, &right);
            assert_eq!(wrong, Vec::<String>::new(), "seed {seed}, paused {paused}");
            ctx.shutdown().await.expect("a clean end");
            report.pass();
        }
    }
    assert!(
        fastest.iter().all(|took| *took <= END),
        "killed and paused, ended after {fastest:?} at best"
    );
    assert!(given_up > 0, "something was on its way at least once");
    report.count("given_up", given_up);
    report.count("operations", progress.acknowledged);
    report.count("longest_end_ms", longest.as_millis() as u64);
}
