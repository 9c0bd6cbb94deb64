//! Windows, sessions and joins on a real Kafka whose connections break, stall and lag, and whose broker is killed and halted (RT7 for
//! pipelines): every result is told once and is that of a run that nothing befell, the queries come back by themselves, and pass
//! only through states that may follow one another.
//!
//! `KSQL_TEST_PIPELINE_FAULTS` says how many things befall: the first 5 kinds, up to 8 each kind once, and more as drawn, which last
//! until transactions are given up. `KSQL_TEST_LASTING` says for how many seconds at least, `KSQL_TEST_RECOVERED` in how many all must run
//! again; `KSQL_TEST_SEED` varies it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ksql_runtime::error::Error;
use ksql_runtime::prelude::*;
use ksql_runtime::state::{Event, State};
use ksql_runtime::testing::Test;
use ksql_runtime_tests::behind::{Behind, Trouble, beside, until};
use ksql_runtime_tests::cluster::LIMIT;
use ksql_runtime_tests::pipelines::{self, Feed};
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::test_name;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

/// How soon all queries run again once nothing is wrong any more; a machine of any speed is given this, and the report says what it took.
fn recovered() -> Duration {
    Duration::from_secs(number("KSQL_TEST_RECOVERED", 30))
}
/// Records of each input that are sent in one go.
const PART: u64 = 100;
/// Kafka's numbers of the requests whose answers are lost: produce, fetch, metadata, a heartbeat of the election's member, partitions
/// that come into a transaction, its end.
const KINDS: [i16; 6] = [0, 1, 3, 12, 24, 26];

const TROUBLES: [Trouble; 8] = [
    Trouble::Cut,
    Trouble::Unanswered(&KINDS),
    Trouble::Refused,
    Trouble::Delayed,
    Trouble::Silent,
    Trouble::Stopped,
    Trouble::Killed,
    Trouble::Halted,
];

/// Sends part after part until told to stop; every record is acknowledged at last.
async fn send(
    test: Arc<Test>,
    feed: Feed,
    done: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
) -> Result<(), Error> {
    while !stop.load(Ordering::Relaxed) {
        let next = done.load(Ordering::Relaxed);
        let note = |acknowledged| done.store(acknowledged, Ordering::Relaxed);
        feed.send(&test, next..next + PART, note).await?;
    }
    Ok(())
}

/// Whether every table is in a state like this.
fn tables(ctx: &Context, is: impl Fn(State) -> bool) -> bool {
    ctx.tables().iter().all(|table| is(table.status.state))
}

/// Whether every query is.
fn queries(ctx: &Context, is: impl Fn(State) -> bool) -> bool {
    ctx.queries().iter().all(|query| is(query.status.state))
}

fn runs(state: State) -> bool {
    state == State::Running
}

/// The last states by entity: of its table of each size.
type Last = BTreeMap<&'static str, Vec<State>>;

/// Every transition there was may be one, and follows one before of the same entity.
fn transitions(events: &mut Receiver<Event>, last: &mut Last) {
    loop {
        match events.try_recv() {
            Ok(event) => {
                let states = last.entry(event.entity).or_default();
                match states.iter_mut().find(|state| **state == event.previous) {
                    Some(state) => *state = event.current,
                    // The first of a table.
                    None => {
                        assert_eq!(event.previous, State::Created, "{event:?} of {states:?}");
                        states.push(event.current);
                    }
                }
                assert!(event.previous.may_become(event.current), "{event:?}");
                assert_ne!(event.current, State::Error, "{event:?}");
            }
            Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn pipelines_tell_each_result_once_through_every_fault_and_come_back_by_themselves() {
    let Some(behind) = Behind::start(test_name!()).map(Arc::new) else {
        return;
    };
    let seed = seed();
    let faults = number("KSQL_TEST_PIPELINE_FAULTS", 5);
    let mut report = Report::new("RT7 on Kafka, pipelines", seed);
    let place = behind.place().with("application_id", "pipelines");
    let root = tempfile::tempdir().expect("a directory");
    let feeder = pipelines::with_inputs(place.tested(&root.path().join("feeder")));
    let feeder = Arc::new(feeder.start().await.expect("it starts"));
    let feed = Feed::begin(&feeder, seed).await.expect("sent");

    let directory = root.path().join("queries");
    let builder = pipelines::with_queries(place.builder()).state_dir(&directory);
    let mut events = builder.events();
    let mut last = Last::new();
    let ctx = builder.start().await.expect("it starts");
    let (done, stop) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let sending = tokio::spawn(send(
        Arc::clone(&feeder),
        feed,
        Arc::clone(&done),
        Arc::clone(&stop),
    ));
    let goes_on = async |what: &str| {
        let before = done.load(Ordering::Relaxed);
        let more = || done.load(Ordering::Relaxed) > before + PART;
        until(&ctx, what, more).await;
    };
    let (mut lost, mut slowest, mut behind_hand) = (0_u64, Duration::ZERO, Duration::ZERO);
    let (since, lasting) = (Instant::now(), number("KSQL_TEST_LASTING", 0));
    let mut befallen = 0;
    while befallen < faults || since.elapsed().as_secs() < lasting {
        let fault = befallen;
        befallen += 1;
        let trouble = Trouble::nth(fault, seed, &TROUBLES);
        goes_on("records are acknowledged").await;
        let began = Instant::now();
        beside(&behind, move |behind| trouble.begin(behind)).await;
        if trouble.is_noticed() {
            let what = format!("{trouble:?} is noticed by every table");
            until(&ctx, &what, || tables(&ctx, |state| !runs(state))).await;
            if fault >= TROUBLES.len() as u64 {
                // Whoever is in the middle of a transaction gives it up after a minute.
                let what = format!("{trouble:?} is noticed by every query");
                until(&ctx, &what, || queries(&ctx, |state| !runs(state))).await;
            }
            lost += 1;
        } else {
            goes_on(&format!("{trouble:?}: records are acknowledged")).await;
        }
        let lasted = began.elapsed();
        beside(&behind, move |behind| trouble.end(behind)).await;
        let healed = Instant::now();
        // Who reads and writes makes requests of each kind.
        until(&ctx, &format!("{trouble:?}: every answer is lost"), || {
            behind.proxy.to_be_lost() == 0
        })
        .await;
        let over = Instant::now();
        until(&ctx, &format!("{trouble:?} is over: all run"), || {
            tables(&ctx, runs) && queries(&ctx, runs)
        })
        .await;
        let took = over.elapsed();
        assert!(took <= recovered(), "{trouble:?}: all run after {took:?}");
        // And take in what was acknowledged by now.
        ctx.wait_caught_up(LIMIT).await.expect("caught up");
        eprintln!(
            "{trouble:?}: lasted {lasted:?} and {:?} more, running after {took:?}, caught up {:?} after its end",
            over - healed,
            over.elapsed()
        );
        slowest = slowest.max(took);
        behind_hand = behind_hand.max(over.elapsed());
        transitions(&mut events, &mut last);
        report.pass();
    }
    stop.store(true, Ordering::Relaxed);
    tokio::time::timeout(LIMIT, sending)
        .await
        .expect("every record is acknowledged")
        .expect("it runs")
        .expect("none was refused");
    ctx.wait_caught_up(LIMIT).await.expect("caught up");
    ctx.shutdown().await.expect("a clean end");
    transitions(&mut events, &mut last);
    assert!(
        last.values()
            .flatten()
            .all(|state| *state == State::NotRunning),
        "{last:?}"
    );

    let sent = done.load(Ordering::Relaxed);
    let test = pipelines::tested(place.tested(&directory));
    let test = test.start().await.expect("it starts again");
    test.settle().await.expect("it is taken in");
    pipelines::check(&test, sent).await;
    test.end().await.expect("it ends");
    report.pass();
    report.count("faults", befallen);
    report.count("of them noticed", lost);
    report.count("records", sent * 3);
    report.count("slowest_recovery_ms", slowest.as_millis() as u64);
    report.count("slowest_caught_up_ms", behind_hand.as_millis() as u64);
    report.count("connections", behind.proxy.connections());
}
