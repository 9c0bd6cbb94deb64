//! Tables and producers on a real Kafka whose connections break, stall and lag, and whose broker is stopped, killed and
//! halted (RT7, the reconnects of RT3): the table ends equal to what was acknowledged, comes back by itself, and passes
//! only through states that may follow one another.
//!
//! `KSQL_TEST_FAULTS=1000` is the long form, and `KSQL_TEST_LASTING` says for how many seconds at least things befall it; `KSQL_TEST_RECOVERED`
//! is how many seconds a table may take to run again; `KSQL_TEST_SEED` varies it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ksql_runtime::error::Error;
use ksql_runtime::prelude::*;
use ksql_runtime::state::State;
use ksql_runtime_tests::behind::{Behind, Trouble, beside, until};
use ksql_runtime_tests::cluster::{LIMIT, reaches, table, transitions};
use ksql_runtime_tests::proxy::Fault;
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::workload::{Operation, Row, allowed, differences, operation, row};
use ksql_runtime_tests::{test_name, until};

const KEYS: u64 = 200;

/// How soon a table runs again once nothing is wrong any more: 5 s where the machine has nothing else to do, as `make reliability` holds;
/// a machine of any speed is given more. The report says what it took.
fn recovered() -> Duration {
    Duration::from_secs(number("KSQL_TEST_RECOVERED", 30))
}

/// Kafka's numbers of the requests that a table and its writer make: produce, fetch, offsets, metadata.
const KINDS: [i16; 4] = [0, 1, 2, 3];

const TROUBLES: [Trouble; 8] = [
    Trouble::Cut,
    Trouble::Refused,
    Trouble::Delayed,
    Trouble::Silent,
    Trouble::Stopped,
    Trouble::Killed,
    Trouble::Halted,
    Trouble::Unanswered(&KINDS),
];

/// Adds operation after operation of the workload, each acknowledged before the next of its key, until told to stop.
async fn write(ctx: Context, seed: u64, done: Arc<AtomicU64>, stop: Arc<AtomicBool>) {
    let set = ctx.set::<Row>();
    while !stop.load(Ordering::Relaxed) {
        let next = done.load(Ordering::Relaxed);
        let mut upserts = Vec::new();
        for n in next..next + 20 {
            match operation(seed, KEYS, n) {
                Operation::Upsert(key) => upserts.push(row(key, n)),
                Operation::Delete(key) => {
                    let upserts = std::mem::take(&mut upserts);
                    set.add_all(upserts).await.expect("acknowledged at last");
                    set.remove(key).await.expect("acknowledged at last");
                }
            }
        }
        set.add_all(upserts).await.expect("acknowledged at last");
        done.store(next + 20, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_table_equals_what_was_acknowledged_through_every_fault_and_comes_back_by_itself() {
    let Some(behind) = Behind::start(test_name!()).map(Arc::new) else {
        return;
    };
    let (seed, faults) = (seed(), number("KSQL_TEST_FAULTS", 12));
    let mut report = Report::new("RT7 on Kafka", seed);
    let place = behind.place();
    let builder = place.builder();
    let mut events = builder.events();
    let ctx = builder.start().await.expect("it starts");
    let mut last = State::Created;
    let (done, stop) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let writing = tokio::spawn(write(
        ctx.clone(),
        seed,
        Arc::clone(&done),
        Arc::clone(&stop),
    ));
    let (mut disconnected, mut slowest) = (0_u64, Duration::ZERO);
    let (began, lasting) = (Instant::now(), number("KSQL_TEST_LASTING", 0));
    let mut befallen = 0;
    while befallen < faults || began.elapsed().as_secs() < lasting {
        let fault = befallen;
        befallen += 1;
        let trouble = Trouble::nth(fault, seed, &TROUBLES);
        transitions(&mut events, &mut last);
        let before = done.load(Ordering::Relaxed);
        until(&ctx, "a record is acknowledged", || {
            done.load(Ordering::Relaxed) > before
        })
        .await;
        beside(&behind, move |behind| trouble.begin(behind)).await;
        if trouble.is_noticed() {
            reaches(&ctx, State::Disconnected).await;
            let set = ctx.set::<Row>();
            let error = set.get(1).await.expect_err("the log is lost");
            let text = error.to_string();
            assert!(
                text.contains(set.topic().expect("a topic")) && text.contains("DISCONNECTED"),
                "names topic and state: {text}"
            );
            assert!(set.to_list().await.is_err());
            set.allow_stale()
                .to_list()
                .await
                .expect("old rows are asked for");
            disconnected += 1;
        } else {
            // Work goes on through it.
            let before = done.load(Ordering::Relaxed);
            until(
                &ctx,
                &format!("{trouble:?}: a record is acknowledged"),
                || done.load(Ordering::Relaxed) > before,
            )
            .await;
        }
        beside(&behind, move |behind| trouble.end(behind)).await;
        // Who reads and writes makes requests of each kind.
        until(&ctx, &format!("{trouble:?}: every answer is lost"), || {
            behind.proxy.to_be_lost() == 0
        })
        .await;
        let healed = Instant::now();
        reaches(&ctx, State::Running).await;
        let took = healed.elapsed();
        assert!(
            took <= recovered(),
            "{trouble:?}: it runs again after {took:?}"
        );
        slowest = slowest.max(took);
        report.pass();
    }
    stop.store(true, Ordering::Relaxed);
    tokio::time::timeout(LIMIT, writing)
        .await
        .expect("every record is acknowledged")
        .expect("none was refused");
    ctx.wait_caught_up(LIMIT).await.expect("caught up");
    let done = done.load(Ordering::Relaxed);
    let wrong = differences(&table(&ctx, KEYS).await, &allowed(seed, KEYS, done, done));
    assert_eq!(wrong, Vec::<String>::new(), "seed {seed}");
    let ends = ctx.set::<Row>().end_offset().await.expect("the ends");
    assert_eq!(ends, done, "nothing was written twice");
    ctx.shutdown().await.expect("a clean end");
    transitions(&mut events, &mut last);
    assert_eq!(last, State::NotRunning);
    report.pass();
    report.count("faults", befallen);
    report.count("operations", done);
    report.count("disconnected", disconnected);
    report.count("slowest_recovery_ms", slowest.as_millis() as u64);
    report.count("connections", behind.proxy.connections());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_is_answered_while_kafka_is_lost_and_none_is_older_than_one_before() {
    let Some(behind) = Behind::start(test_name!()) else {
        return;
    };
    let mut report = Report::new("RT3 on Kafka, reconnects", 0);
    let rounds = number("KSQL_TEST_RECONNECTS", 8);
    let place = behind.place();
    let ctx = place.start(&[]).await.expect("it starts");
    let set = ctx.set::<Row>();
    let receipt = set.add(row(1, 0)).await.expect("added");
    set.at_least(receipt).get(1).await.expect("a read");
    let stop = Arc::new(AtomicBool::new(false));
    let [newest, answered, refused] = [0; 3].map(|_| Arc::new(AtomicU64::new(0)));
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let (set, stop) = (ctx.set::<Row>(), Arc::clone(&stop));
            let [newest, answered, refused] = [&newest, &answered, &refused].map(Arc::clone);
            tokio::spawn(async move {
                let mut last = 0;
                while !stop.load(Ordering::Relaxed) {
                    match set.get(1).await {
                        Ok(found) => {
                            let sequence = found.expect("the row is there").sequence as u64;
                            let sent = newest.load(Ordering::SeqCst);
                            assert!(last <= sequence && sequence <= sent);
                            last = sequence;
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => {
                            let text = error.to_string();
                            assert!(
                                text.contains(set.topic().expect("a topic"))
                                    && text.contains("DISCONNECTED"),
                                "names topic and state: {text}"
                            );
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for round in 1..=rounds {
        behind.proxy.set(Fault::Refused);
        reaches(&ctx, State::Disconnected).await;
        newest.store(round, Ordering::SeqCst);
        let adding = {
            let set = set.clone();
            tokio::spawn(async move { set.add(row(1, round)).await })
        };
        // A reader that began before the loss may still be answered; later ones are refused.
        let before = refused.load(Ordering::Relaxed);
        until(&ctx, "reads are refused", || {
            refused.load(Ordering::Relaxed) >= before + 8
        })
        .await;
        behind.proxy.set(Fault::None);
        let receipt = adding.await.expect("it runs").expect("added at last");
        reaches(&ctx, State::Running).await;
        let found = set.at_least(receipt).get(1).await.expect("a read");
        assert_eq!(found, Some(row(1, round)));
        let before = answered.load(Ordering::Relaxed);
        until(&ctx, "reads are answered", || {
            answered.load(Ordering::Relaxed) >= before + 8
        })
        .await;
        report.pass();
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.expect("every answer was right");
    }
    ctx.shutdown().await.expect("a clean end");
    report.count("reconnects", rounds);
    report.count("answered", answered.load(Ordering::Relaxed));
    report.count("refused", refused.load(Ordering::Relaxed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_broker_that_restarts_in_the_middle_of_a_batch_loses_nothing_and_doubles_nothing() {
    let Some(behind) = Behind::start(test_name!()).map(Arc::new) else {
        return;
    };
    let mut report = Report::new("adding through restarts of the broker", 0);
    let place = behind.place();
    let ctx = place.start(&[]).await.expect("it starts");
    let rows = 60_000_u64;
    let mut all = 0;
    for trouble in [
        Trouble::Killed,
        Trouble::Stopped,
        Trouble::Cut,
        Trouble::Unanswered(&KINDS),
    ] {
        let adding = {
            let set = ctx.set::<Row>();
            let range = all..all + rows;
            tokio::spawn(async move { set.add_all(range.map(|n| row(n as i64, n))).await })
        };
        // In the middle: some are there, and more are to come.
        let set = ctx.set::<Row>();
        let begun = async || set.end_offset().await.expect("the ends") > all;
        until::until(LIMIT, begun, || "the batch begins".to_owned()).await;
        let whole = adding.is_finished();
        beside(&behind, move |behind| {
            trouble.begin(behind);
            trouble.end(behind);
        })
        .await;
        let added = tokio::time::timeout(LIMIT, adding).await.expect("it ends");
        let added = added.expect("it runs").expect("acknowledged");
        assert_eq!(added.records, rows);
        all += rows;
        let flushed = tokio::time::timeout(LIMIT, ctx.log().flush()).await;
        flushed.expect("it ends").expect("flushed");
        assert_eq!(
            set.end_offset().await.expect("the ends"),
            all,
            "{trouble:?}: none is lost, none is there twice"
        );
        let set = set.at_least(added);
        let count = loop {
            match set.count().await {
                Ok(count) => break count,
                // It had read all before the trouble, and notices that now.
                Err(Error::NotReady { .. }) => reaches(&ctx, State::Running).await,
                Err(error) => panic!("{error:?}"),
            }
        };
        assert_eq!(count, all, "{trouble:?}");
        report.count(&format!("{trouble:?} in the middle"), u64::from(!whole));
        report.pass();
    }
    ctx.shutdown().await.expect("a clean end");
    report.count("records", all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_of_a_table_that_lost_kafka_long_ago_does_not_wait_for_it() {
    let Some(behind) = Behind::start(test_name!()) else {
        return;
    };
    let mut report = Report::new("RT12 on Kafka, a lost table", 0);
    let kinds = [Fault::Refused, Fault::Silent];
    let mut fastest = [Duration::MAX; 2];
    // One end of each kind is enough: on a busy machine any single one may be kept waiting by others.
    let end = Duration::from_secs(10);
    for attempt in 0..10 {
        let kind = attempt % 2;
        if fastest[kind] < end {
            continue;
        }
        let fault = kinds[kind];
        let place = behind.place();
        let ctx = place.start(&[]).await.expect("it starts");
        let receipt = ctx.set::<Row>().add(row(1, 1)).await.expect("added");
        let set = ctx.set::<Row>().at_least(receipt);
        set.get(1).await.expect("a read");
        behind.proxy.set(fault);
        reaches(&ctx, State::Disconnected).await;
        let began = Instant::now();
        ctx.shutdown().await.expect("nothing was on its way");
        let took = began.elapsed();
        fastest[kind] = took.min(fastest[kind]);
        behind.proxy.set(Fault::None);
        let ctx = place.start(&[]).await.expect("it starts again");
        let set = ctx.set::<Row>();
        assert_eq!(set.replayed().expect("a table"), 0);
        assert_eq!(set.get(1).await.expect("a read"), Some(row(1, 1)));
        ctx.shutdown().await.expect("a clean end");
        report.pass();
        report.count(
            &format!("{fault:?} ended after ms, attempt {attempt}"),
            took.as_millis() as u64,
        );
    }
    assert!(
        fastest.iter().all(|took| *took < end),
        "{kinds:?} ended after {fastest:?} at best"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_without_its_data_has_other_topics_and_is_said_to() {
    let Some(behind) = Behind::start(test_name!()).map(Arc::new) else {
        return;
    };
    let mut report = Report::new("RT4 on Kafka, a broker without its data", 0);
    let place = behind.place();
    let ctx = place.start(&[]).await.expect("it starts");
    ctx.set::<Row>().add(row(1, 1)).await.expect("added");
    // It has read something of the topic that goes.
    ctx.wait_caught_up(LIMIT).await.expect("caught up");
    ctx.shutdown().await.expect("a clean end");
    beside(&behind, |behind| {
        behind.kafka.kill();
        behind.kafka.start_empty();
    })
    .await;
    // The topic is made again, and it is another one.
    let error = place.start(&[]).await.expect_err("another topic");
    let text = error.to_string();
    assert!(
        text.contains("was deleted and created again") && text.contains("rebuild_on_truncation"),
        "{text}"
    );
    report.pass();
    let ctx = place
        .start(&[("rebuild_on_truncation", "true")])
        .await
        .expect("it is read again");
    assert_eq!(ctx.set::<Row>().count().await.expect("a count"), 0);
    ctx.shutdown().await.expect("a clean end");
    report.pass();
}

/// The ends that a restore goes to, and the ends there are.
fn goals(ctx: &Context) -> (i64, i64) {
    let tables = ctx.tables();
    let lag = || tables.iter().flat_map(|table| &table.status.lag);
    let target = lag().map(|lag| lag.target).sum();
    (target, lag().map(|lag| lag.end).sum())
}

/// What comes while a table restores moves its topic's end, and not where its restore is over: a table that is written all the
/// time would be ready late or never.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_restore_is_over_at_the_ends_that_its_start_found() {
    const ROWS: u64 = 60_000;
    const MORE: u64 = 100;
    let Some(behind) = Behind::start(test_name!()).map(Arc::new) else {
        return;
    };
    let place = behind.place();
    let rows = |rows: std::ops::Range<u64>| rows.map(|n| row(n as i64, n)).collect::<Vec<_>>();
    let ctx = place.builder().start().await.expect("it starts");
    let set = ctx.set::<Row>();
    set.add_all(rows(0..ROWS)).await.expect("added");
    ctx.shutdown().await.expect("a clean end");
    let mut there = ROWS;
    loop {
        place.forget_tables();
        let slow = Fault::Delayed(Duration::from_millis(100));
        let builder = place.builder().setting("wait_for_ready", "false");
        let ctx = builder.start().await.expect("it starts");
        beside(&behind, move |behind| behind.proxy.set(slow)).await;
        until(&ctx, "its target is known", || goals(&ctx).0 > 0).await;
        let (frozen, _) = goals(&ctx);
        assert_eq!(frozen, there as i64);
        let set = ctx.set::<Row>();
        set.add_all(rows(there..there + MORE)).await.expect("added");
        there += MORE;
        let restoring = set.state().expect("a table") != State::Running;
        beside(&behind, |behind| behind.proxy.set(Fault::None)).await;
        reaches(&ctx, State::Running).await;
        assert_eq!(goals(&ctx).0, frozen, "the target stays");
        ctx.wait_caught_up(LIMIT).await.expect("caught up");
        let (target, end) = goals(&ctx);
        assert_eq!((target, end), (frozen, there as i64));
        assert_eq!(set.count().await.expect("a count"), there);
        ctx.shutdown().await.expect("a clean end");
        // On a fast machine the restore may have been over before: once more.
        if restoring {
            return;
        }
        assert!(there < ROWS + 50 * MORE, "no restore was slow enough");
    }
}
