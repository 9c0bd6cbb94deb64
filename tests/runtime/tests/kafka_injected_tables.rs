//! A table over several brokers that answer with errors, move leaders, go away one by one and are slow (RT7, what the proxy
//! of `kafka_faults.rs` cannot do): it ends equal to what was acknowledged, comes back by itself, and passes only through
//! states that may follow one another.
//!
//! The brokers are librdkafka's mock ones. They take a record twice whose acknowledgement was lost, so that nothing is there
//! twice is tested on a real broker.
//!
//! `KSQL_TEST_FAULTS=1000` is the long form, and `KSQL_TEST_LASTING` says for how many seconds at least things befall it; `KSQL_TEST_RECOVERED`
//! is how many seconds a table may take to run again; `KSQL_TEST_SEED` varies it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ksql_runtime::prelude::*;
use ksql_runtime::state::State;
use ksql_runtime_tests::cluster::{Place, table, transitions};
use ksql_runtime_tests::mock::{LIMIT, Mock, registry};
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::until::until;
use ksql_runtime_tests::workload::{Operation, Row, allowed, differences, mix, operation, row};
use rdkafka::types::RDKafkaApiKey as Requests;
use rdkafka::types::RDKafkaRespErr::{self, *};

const KEYS: u64 = 200;
const BROKERS: i32 = 3;
const PARTITIONS: i32 = 4;

/// How soon a table runs again when nothing is wrong any more: 5 s where the machine has nothing else to do, as `make reliability` holds; a
/// machine of any speed is given more. The report says what it took.
fn recovered() -> Duration {
    Duration::from_secs(number("KSQL_TEST_RECOVERED", 30))
}

/// What passes, of the requests that a table and its writer make.
const ERRORS: [(Requests, &[RDKafkaRespErr]); 3] = [
    (
        Requests::Fetch,
        &[
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,
            RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
            RD_KAFKA_RESP_ERR_UNKNOWN,
            RD_KAFKA_RESP_ERR__TRANSPORT,
        ],
    ),
    (
        Requests::Produce,
        &[
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
            RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
            RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR__TRANSPORT,
        ],
    ),
    (
        Requests::ListOffsets,
        &[
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,
            RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
            RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
        ],
    ),
];

/// Adds operation after operation, each acknowledged before the next of its key, until told to stop.
async fn write(ctx: Context, seed: u64, done: Arc<AtomicU64>, stop: Arc<AtomicBool>) {
    let set = ctx.set::<Row>();
    while !stop.load(Ordering::Relaxed) {
        let next = done.load(Ordering::Relaxed);
        let added = match operation(seed, KEYS, next) {
            Operation::Upsert(key) => set.add(row(key, next)).await,
            Operation::Delete(key) => set.remove(key).await,
        };
        added.expect("acknowledged at last");
        done.store(next + 1, Ordering::Relaxed);
    }
}

/// Waits until so many operations more are done.
async fn goes_on(done: &AtomicU64, operations: u64) {
    let wanted = done.load(Ordering::Relaxed) + operations;
    let all = async || done.load(Ordering::Relaxed) >= wanted;
    until(LIMIT, all, || format!("{wanted} records are acknowledged")).await;
}

/// One fault, over when this returns; leaders are where they are.
async fn befalls(mock: &Mock, topic: &str, draw: u64, done: &AtomicU64) {
    let pick = |among: i32, shift: u32| ((draw >> shift) % among.unsigned_abs() as u64) as i32;
    let broker = 1 + pick(BROKERS, 8);
    match draw % 6 {
        // Errors in answers, of each kind of request.
        0..=2 => {
            for (requests, errors) in ERRORS {
                let error = errors[(draw >> 16) as usize % errors.len()];
                mock.fail_amid(requests, error, 1 + pick(4, 24).unsigned_abs() as usize);
            }
            goes_on(done, 5).await;
        }
        // Leaders move.
        3 => {
            for partition in 0..PARTITIONS {
                let leader = 1 + (broker + partition) % BROKERS;
                mock.partition_leader(topic, partition, Some(leader))
                    .expect("moved");
            }
            goes_on(done, 5).await;
        }
        // A broker is away for a while.
        4 => {
            mock.broker_down(broker).expect("down");
            // What it leads nobody writes meanwhile: who writes goes on, or waits until it is back.
            let away = Duration::from_millis(100 + draw % 900);
            let _ = tokio::time::timeout(away, goes_on(done, 200)).await;
            mock.broker_up(broker).expect("up");
        }
        // Answers are slow.
        _ => {
            let slow = Duration::from_millis(draw % 500);
            mock.broker_round_trip_time(broker, slow).expect("slow");
            goes_on(done, 5).await;
            mock.broker_round_trip_time(broker, Duration::ZERO)
                .expect("no longer");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_table_equals_what_was_acknowledged_through_errors_of_several_brokers() {
    let (seed, faults) = (seed(), number("KSQL_TEST_FAULTS", 40));
    let mut report = Report::new("RT7 on mock brokers", seed);
    let mock = Mock::start(BROKERS);
    let registry = registry();
    let place = Place::at(&mock.bootstrap(), &registry.url())
        .with("kafka.retry.backoff.ms", "10")
        .with("kafka.retry.backoff.max.ms", "50")
        .with("kafka.topic.metadata.refresh.fast.interval.ms", "10")
        .with("kafka.producer.max.in.flight", "1");
    let topic = place.topic();
    mock.create_topic(&topic, PARTITIONS, 1).expect("created");
    // Start would, and this kind of broker cannot.
    mock.create_topic(&place.dead_letters(), 1, 1)
        .expect("created");
    let builder = place.builder();
    let mut events = builder.events();
    let ctx = tokio::time::timeout(LIMIT, builder.start())
        .await
        .expect("in time")
        .expect("it starts");
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
    let mut slowest = Duration::ZERO;
    let (began, lasting) = (Instant::now(), number("KSQL_TEST_LASTING", 0));
    let mut befallen = 0;
    while befallen < faults || began.elapsed().as_secs() < lasting {
        let fault = befallen;
        befallen += 1;
        transitions(&mut events, &mut last);
        goes_on(&done, 1).await;
        // Each kind of them first, then as drawn.
        let drawn = mix(seed, fault);
        let drawn = if fault < 6 {
            drawn - drawn % 6 + fault
        } else {
            drawn
        };
        befalls(&mock, &topic, drawn, &done).await;
        for requests in [Requests::Fetch, Requests::Produce, Requests::ListOffsets] {
            mock.clear_request_errors(requests);
        }
        let healed = Instant::now();
        // What is acknowledged from now on is read, so it runs and is not only said to.
        let set = ctx.set::<Row>();
        let mut told = ctx.events();
        let comes_back = async {
            goes_on(&done, 1).await;
            while set.state().expect("a table") != State::Running {
                let _ = told.recv().await;
            }
            set.get(0).await.map(drop)
        };
        let back = tokio::time::timeout(recovered(), comes_back).await;
        // A loss that is noticed only now is one more way through the states.
        if let Err(error) = back.unwrap_or_else(|_| panic!("fault {fault}: {:?}", ctx.tables())) {
            assert!(error.is_transient(), "{error:?}");
        }
        slowest = slowest.max(healed.elapsed());
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
    ctx.shutdown().await.expect("a clean end");
    transitions(&mut events, &mut last);
    assert_eq!(last, State::NotRunning);
    report.pass();
    report.count("faults", befallen);
    report.count("operations", done);
    report.count("slowest_recovery_ms", slowest.as_millis() as u64);
}
