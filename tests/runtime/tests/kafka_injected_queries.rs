//! Queries over several brokers that answer with errors, to the owner's transactions and to the election as well (RT7 for pipelines, what
//! the proxy of `pipelines_faults.rs` cannot do): every result is told, none is told with another content, groups count each record once,
//! and the queries come back by themselves.
//!
//! The brokers are librdkafka's mock ones. They keep transactions as far as their producer goes, and write no marker: what was taken back is
//! read there like anything else, so that each result is told once is tested on a real broker.
//!
//! `KSQL_TEST_INJECTED` says how many errors are injected: each once first. `KSQL_TEST_RECOVERED` is how many seconds the queries may take
//! to run again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use ksql_runtime::prelude::*;
use ksql_runtime::state::State;
use ksql_runtime_tests::cluster::Place;
use ksql_runtime_tests::mock::{LIMIT, Mock, registry};
use ksql_runtime_tests::owners::{History, Large, Order, history, large, order};
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::until::until;
use rdkafka::types::RDKafkaApiKey as Requests;
use rdkafka::types::RDKafkaRespErr::{self, *};

const BROKERS: i32 = 3;
/// Orders that are added for each error.
const PART: u64 = 60;

/// How soon the queries run again.
fn recovered() -> Duration {
    Duration::from_secs(number("KSQL_TEST_RECOVERED", 60))
}

/// What is answered to requests that queries make: what passes, what ends a transaction, and what ends the owner's office.
const ERRORS: [(Requests, &[RDKafkaRespErr]); 8] = [
    (
        Requests::AddPartitionsToTxn,
        &[
            RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
            RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            RD_KAFKA_RESP_ERR__TRANSPORT,
            RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
        ],
    ),
    (
        Requests::EndTxn,
        &[
            RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR__TRANSPORT,
            RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
        ],
    ),
    (
        Requests::Produce,
        &[
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
            RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
            RD_KAFKA_RESP_ERR__TRANSPORT,
        ],
    ),
    (
        Requests::Fetch,
        &[
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
            RD_KAFKA_RESP_ERR_UNKNOWN,
            RD_KAFKA_RESP_ERR__TRANSPORT,
        ],
    ),
    (
        Requests::ListOffsets,
        &[
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
        ],
    ),
    (
        Requests::FindCoordinator,
        &[
            RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR__TRANSPORT,
        ],
    ),
    (
        Requests::InitProducerId,
        &[
            RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
        ],
    ),
    (
        Requests::Heartbeat,
        &[
            RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
        ],
    ),
];

/// Every error once, those of one kind of request not one after the other.
fn errors() -> Vec<(Requests, RDKafkaRespErr)> {
    let most = ERRORS.iter().map(|(_, errors)| errors.len()).max();
    (0..most.unwrap_or_default())
        .flat_map(|at| {
            let at = move |(requests, errors): &(Requests, &[RDKafkaRespErr])| {
                Some((*requests, *errors.get(at)?))
            };
            ERRORS.iter().filter_map(at).collect::<Vec<_>>()
        })
        .collect()
}

/// Makes the topics that start would make and cannot here, as the plan names them.
async fn make_topics(mock: &Mock, program: ContextBuilder) {
    let plan = program.plan().await.expect("a plan");
    let plan = plan.to_json();
    let steps = plan.as_array().expect("steps").iter();
    for step in steps.filter(|step| step["part"] == "topic") {
        let name = step["name"].as_str().expect("a name");
        let definition = step["definition"].as_str().expect("a definition");
        let partitions = definition
            .split(", ")
            .find_map(|part| part.strip_prefix("partitions="));
        let partitions = partitions.expect("partitions").parse().expect("a number");
        mock.create_topic(name, partitions, 1).expect("created");
    }
}

/// Whether everything here runs.
fn runs(ctx: &Context) -> bool {
    let mut tables = ctx.tables().into_iter().map(|table| table.status.state);
    let mut queries = ctx.queries().into_iter().map(|query| query.status.state);
    tables.all(|state| state == State::Running) && queries.all(|state| state == State::Running)
}

/// The results there are, by key, each as often as it is there.
fn results(ctx: &Context, topic: &str, ends: &[i64]) -> BTreeMap<Vec<u8>, Vec<Vec<u8>>> {
    let from: Vec<(i32, i64)> = (0..).zip(ends).map(|(at, _)| (at, 0)).collect();
    let mut reader = ctx.log().reader(topic, &from).expect("a reader");
    let mut found: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
    let began = Instant::now();
    let is_over = |(at, next): (i32, i64)| next >= ends[at as usize];
    while !reader.positions().into_iter().all(is_over) {
        assert!(began.elapsed() < LIMIT, "{:?}", reader.positions());
        let Some(fetched) = reader.poll(Duration::from_secs(1)).expect("a poll") else {
            continue;
        };
        for record in fetched.records() {
            let (key, value) = (record.key.expect("a key"), record.value.expect("a value"));
            found.entry(key.to_vec()).or_default().push(value.to_vec());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn queries_tell_every_result_and_come_back_through_errors_of_several_brokers() {
    let errors = errors();
    let injected = number("KSQL_TEST_INJECTED", 28);
    let seed = seed();
    let mut report = Report::new("RT7 on mock brokers, queries", seed);
    let mock = Mock::start(BROKERS);
    let registry = registry();
    let place = Place::at(&mock.bootstrap(), &registry.url())
        .with("kafka.retry.backoff.ms", "10")
        .with("kafka.retry.backoff.max.ms", "50")
        .with("kafka.topic.metadata.refresh.fast.interval.ms", "10")
        .with("kafka.producer.max.in.flight", "1")
        // Longer than these brokers let a group form.
        .with("kafka.consumer.session.timeout.ms", "6000")
        .with("kafka.consumer.heartbeat.interval.ms", "500");
    let program = || place.builder().query(large).query(history);
    make_topics(&mock, program()).await;
    let ctx = tokio::time::timeout(LIMIT, program().start())
        .await
        .expect("in time")
        .expect("it starts");
    let (mut sent, mut slowest) = (0, Duration::ZERO);
    for at in 0..injected {
        let (requests, error) = errors[at as usize % errors.len()];
        mock.fail(requests, &[error, error]);
        if requests == Requests::InitProducerId {
            // Nobody asks for it but who takes office anew.
            mock.fail(Requests::EndTxn, &[RD_KAFKA_RESP_ERR_PRODUCER_FENCED]);
        }
        let orders: Vec<Order> = (sent..sent + PART).map(|n| order(seed, n)).collect();
        let added = ctx.set::<Order>().add_all(orders).await;
        added.expect("acknowledged at last");
        sent += PART;
        let began = Instant::now();
        let back = async || {
            let caught_up = ctx.wait_caught_up(Duration::from_millis(200)).await;
            caught_up.is_ok() && runs(&ctx)
        };
        let missing = || {
            format!(
                "{requests:?} {error:?}: {:#?} {:#?}",
                ctx.tables(),
                ctx.queries()
            )
        };
        until(recovered(), back, missing).await;
        for (requests, _) in ERRORS {
            mock.clear_request_errors(requests);
        }
        eprintln!(
            "{requests:?} {error:?}: all run after {:?}",
            began.elapsed()
        );
        slowest = slowest.max(began.elapsed());
        report.pass();
    }
    let topic = ctx.set::<Large>().topic().expect("a topic").to_owned();
    let ends = ctx.log().all_offsets(&topic).await.expect("ends");
    let ends: Vec<i64> = ends.iter().map(|offsets| offsets.end).collect();
    let found = tokio::task::block_in_place(|| results(&ctx, &topic, &ends));
    let expected: BTreeSet<Vec<u8>> = (0..sent)
        .filter(|number| order(seed, *number).amount >= 50)
        .map(|number| number.to_be_bytes().to_vec())
        .collect();
    assert_eq!(found.keys().cloned().collect::<BTreeSet<_>>(), expected);
    let mut repeated = 0;
    for (key, values) in &found {
        let one = values.iter().all(|value| *value == values[0]);
        assert!(one, "{key:?} is told in two ways: {values:?}");
        repeated += values.len() as u64 - 1;
    }
    // Nothing is counted twice, whatever was told again.
    let mut orders: BTreeMap<i64, Vec<Option<i64>>> = BTreeMap::new();
    for number in 0..sent {
        let Order { id, customer, .. } = order(seed, number);
        orders.entry(customer).or_default().push(Some(id));
    }
    let rows = ctx.set::<History>().to_list().await.expect("rows");
    let found = rows.into_iter().map(|row| {
        let mut orders = row.orders.expect("a list");
        orders.sort_unstable();
        (row.customer, orders)
    });
    assert_eq!(found.collect::<BTreeMap<_, _>>(), orders);
    ctx.shutdown().await.expect("a clean end");
    report.pass();
    report.count("errors", injected);
    report.count("records", sent);
    report.count("told_again", repeated);
    report.count("slowest_recovery_ms", slowest.as_millis() as u64);
}
