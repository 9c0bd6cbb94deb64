//! Where a table's restore ends on a real Kafka (RT4): partitions that are empty, begin late, end in markers or in an open
//! transaction, were compacted, cut off, added or created again, at start and while the table runs. A table is ready or
//! says with a type why not; none hangs. And rows are found whoever chose their partitions.
//!
//! `KSQL_TEST_READY` is how many seconds each start may take to its end, whichever.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ksql_runtime::error::Error;
use ksql_runtime::log::{Log, LogError, TopicSpec};
use ksql_runtime::prelude::*;
use ksql_runtime::state::{State, StateError};
use ksql_runtime_tests::cluster::{LIMIT, Place, encoded, schema, table};
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::servers::{self, Kafka, KafkaOptions, Skip};
use ksql_runtime_tests::test_name;
use ksql_runtime_tests::workload::{Row, mix, row};
use ksql_schema::model::Cleanup;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

const PARTITIONS: i32 = 4;

/// How soon a table is ready or says why not, from the order to start on, and from what befalls a running one on: 10 s where the machine has
/// nothing else to do, as `make reliability` holds.
fn bound() -> Duration {
    Duration::from_secs(number("KSQL_TEST_READY", 300))
}

/// A broker that compacts eagerly, for all tests here.
fn broker(test: &str) -> Option<&'static Kafka> {
    static BROKER: OnceLock<Result<Kafka, Skip>> = OnceLock::new();
    let started = BROKER.get_or_init(|| {
        Kafka::start_with(
            KafkaOptions::new()
                .property("log.segment.bytes", "1048576")
                .property("log.cleaner.backoff.ms", "100")
                .property("log.cleaner.min.cleanable.ratio", "0.0"),
        )
    });
    servers::or_skip(test, started.as_ref().map_err(Clone::clone))
}

/// A case: a place, and what others do to its topic.
struct Case {
    kafka: &'static Kafka,
    place: Place,
    topic: String,
    log: Log,
    report: Report,
    /// What took the longest to be ready or an error.
    slowest_ms: AtomicU64,
}

impl Drop for Case {
    fn drop(&mut self) {
        let slowest = self.slowest_ms.load(Ordering::Relaxed);
        self.report.count("slowest_end_ms", slowest);
    }
}

impl Case {
    fn new(test: &str) -> Option<Case> {
        let (kafka, registry) = (broker(test)?, servers::registry_or_skip(test)?);
        let place = Place::new(kafka.bootstrap(), registry).with("ready_timeout", "5m");
        let name = test.rsplit("::").next().unwrap_or(test);
        Some(Case {
            kafka,
            topic: place.topic(),
            log: Place::log(kafka.bootstrap()),
            report: Report::new(&format!("RT4 on Kafka, {name}"), seed()),
            place,
            slowest_ms: AtomicU64::new(0),
        })
    }

    /// What began then has an end now.
    fn ends_in_time(&self, began: Instant) {
        let took = began.elapsed();
        let took_ms = took.as_millis() as u64;
        self.slowest_ms.fetch_max(took_ms, Ordering::Relaxed);
        assert!(took <= bound(), "an end after {took:?}");
    }

    /// A topic whose records may be deleted, which the table's own may not be.
    async fn deletable(&self) {
        let mut spec = TopicSpec::new(&self.topic, PARTITIONS as u32);
        spec.cleanup = Cleanup::CompactDelete;
        self.log.create_topic(&spec).await.expect("created");
    }

    /// A table that is ready within the time that start gives it.
    async fn ready(&self, settings: &[(&str, &str)]) -> Context {
        let began = Instant::now();
        let ctx = self.place.start(settings).await.expect("it is ready");
        self.ends_in_time(began);
        assert_eq!(ctx.set::<Row>().state().expect("a table"), State::Running);
        ctx
    }

    /// Starts, adds these rows, ends.
    async fn written(&self, rows: std::ops::Range<u64>) -> u32 {
        let ctx = self.ready(&[]).await;
        add(&ctx, rows).await;
        let schema = schema(&ctx).await;
        ctx.shutdown().await.expect("a clean end");
        schema
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.kafka.bootstrap());
        config
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().expect("an admin client")
    }

    fn transactional(&self) -> BaseProducer {
        let producer: BaseProducer = self
            .client()
            .set("transactional.id", &self.topic)
            .set("transaction.timeout.ms", "600000")
            .create()
            .expect("a producer");
        producer.init_transactions(LIMIT).expect("transactions");
        producer.begin_transaction().expect("a transaction");
        producer
    }

    /// Removes what lies before an offset of each partition.
    async fn cut(&self, before: impl Fn(i64, i64) -> i64) {
        let mut list = TopicPartitionList::new();
        for (partition, offsets) in
            (0..).zip(self.log.all_offsets(&self.topic).await.expect("ends"))
        {
            let offset = Offset::Offset(before(offsets.start, offsets.end));
            list.add_partition_offset(&self.topic, partition, offset)
                .expect("an offset");
        }
        self.admin()
            .delete_records(&list, &AdminOptions::new())
            .await
            .expect("deleted");
    }

    async fn recreate(&self) {
        self.log.delete_topic(&self.topic).await.expect("deleted");
        let spec = TopicSpec::new(&self.topic, PARTITIONS as u32).compacted();
        self.log.create_topic(&spec).await.expect("created");
    }

    async fn grow(&self) {
        let more = NewPartitions::new(&self.topic, PARTITIONS as usize + 1);
        self.admin()
            .create_partitions([&more], &AdminOptions::new())
            .await
            .expect("added");
    }

    /// A start that fails: the cause.
    async fn refused(&self) -> Error {
        let began = Instant::now();
        let started = self.place.start(&[]).await;
        self.ends_in_time(began);
        match started {
            Err(Error::Start { cause, .. }) => *cause,
            other => panic!("no failed start: {other:?}"),
        }
    }
}

async fn add(ctx: &Context, rows: std::ops::Range<u64>) {
    let added = ctx
        .set::<Row>()
        .add_all(rows.map(|n| row(n as i64, n)).collect::<Vec<_>>())
        .await;
    let set = ctx.set::<Row>().at_least(added.expect("added"));
    set.count().await.expect("read");
}

/// The table is these rows.
async fn holds(ctx: &Context, rows: std::ops::Range<u64>) {
    let found = table(ctx, rows.end + 10).await;
    let expected: Vec<Row> = rows.map(|n| row(n as i64, n)).collect();
    assert_eq!(found, expected);
}

fn send(producer: &BaseProducer, topic: &str, schema: u32, rows: std::ops::Range<u64>) {
    for n in rows {
        let (key, value) = encoded(&row(n as i64, n), schema);
        let partition = (n % PARTITIONS as u64) as i32;
        producer
            .send(
                BaseRecord::to(topic)
                    .key(&key)
                    .payload(&value)
                    .partition(partition),
            )
            .map_err(|(error, _)| error)
            .expect("sent");
    }
    producer.flush(LIMIT).expect("flushed");
}

/// Waits until the table ended, and says why.
async fn ended(ctx: &Context) -> StateError {
    let mut events = ctx.events();
    let state = || ctx.set::<Row>().state().expect("a table");
    while state() != State::Error {
        tokio::time::timeout(LIMIT, events.recv())
            .await
            .expect("in time")
            .expect("an event");
    }
    match ctx.set::<Row>().get(0).await {
        Err(Error::NotReady {
            state: State::Error,
            reason: Some(reason),
            ..
        }) => *reason,
        other => panic!("no table that ended: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_topic_is_ready_and_empty() {
    let Some(mut case) = Case::new(test_name!()) else {
        return;
    };
    for _ in 0..2 {
        let ctx = case.ready(&[]).await;
        holds(&ctx, 0..0).await;
        ctx.shutdown().await.expect("a clean end");
        case.report.pass();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_was_emptied_is_ready_and_empty() {
    let Some(mut case) = Case::new(test_name!()) else {
        return;
    };
    case.deletable().await;
    case.written(0..100).await;
    case.cut(|_, end| end).await;
    let offsets = case.log.all_offsets(&case.topic).await.expect("ends");
    assert!(
        offsets
            .iter()
            .all(|all| all.start == all.end && all.end > 0)
    );
    // The table of before stands at the end, which is right; one that begins has nothing to read.
    let ctx = case.ready(&[]).await;
    holds(&ctx, 0..100).await;
    ctx.shutdown().await.expect("a clean end");
    case.place.forget_tables();
    let ctx = case.ready(&[]).await;
    holds(&ctx, 0..0).await;
    add(&ctx, 0..5).await;
    holds(&ctx, 0..5).await;
    ctx.shutdown().await.expect("a clean end");
    case.report.pass();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_begins_late_is_read_from_there() {
    let Some(mut case) = Case::new(test_name!()) else {
        return;
    };
    case.deletable().await;
    case.written(0..400).await;
    case.cut(|_, end| end / 2).await;
    let offsets = case.log.all_offsets(&case.topic).await.expect("ends");
    let left: i64 = offsets.iter().map(|all| all.end - all.start).sum();
    assert!((100..300).contains(&left), "{offsets:?}");
    case.place.forget_tables();
    let ctx = case.ready(&[]).await;
    let rows = table(&ctx, 400).await;
    assert_eq!(rows.len() as i64, left);
    ctx.shutdown().await.expect("a clean end");
    case.report.pass();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_stands_at_the_end_reads_nothing_again() {
    let Some(mut case) = Case::new(test_name!()) else {
        return;
    };
    case.written(0..200).await;
    let ctx = case.ready(&[]).await;
    assert_eq!(ctx.set::<Row>().replayed().expect("a table"), 0);
    holds(&ctx, 0..200).await;
    ctx.shutdown().await.expect("a clean end");
    case.report.pass();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_created_again_before_the_start_is_told_or_read_again() {
    let Some(mut case) = Case::new(test_name!()) else {
        return;
    };
    let schema = case.written(0..200).await;
    // Empty: the table stands behind its end.
    case.recreate().await;
    match case.refused().await {
        Error::State(StateError::Recreated { topic }) => assert_eq!(topic, case.topic),
        other => panic!("{other:?}"),
    }
    case.report.pass();
    let ctx = case.ready(&[("rebuild_on_truncation", "true")]).await;
    holds(&ctx, 0..0).await;
    add(&ctx, 0..300).await;
    ctx.shutdown().await.expect("a clean end");
    case.report.pass();
    // Longer than before: where the table stands there are records, of another topic.
    case.recreate().await;
    let others: BaseProducer = case.client().create().expect("a producer");
    send(&others, &case.topic, schema, 500..1_500);
    match case.refused().await {
        Error::State(StateError::Recreated { topic }) => assert_eq!(topic, case.topic),
        other => panic!("{other:?}"),
    }
    let ctx = case.ready(&[("rebuild_on_truncation", "true")]).await;
    holds(&ctx, 500..1_500).await;
    ctx.shutdown().await.expect("a clean end");
    case.report.pass();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_removed_before_they_were_read_are_told_or_the_rest_is_read() {
    let Some(mut case) = Case::new(test_name!()) else {
        return;
    };
    case.deletable().await;
    let schema = case.written(0..100).await;
    let others: BaseProducer = case.client().create().expect("a producer");
    send(&others, &case.topic, schema, 100..300);
    case.cut(|_, end| end - 10).await;
    match case.refused().await {
        Error::State(StateError::Truncated {
            topic,
            stored,
            start,
            ..
        }) => {
            assert_eq!(topic, case.topic);
            assert!(stored < start, "{stored}, {start}");
        }
        other => panic!("{other:?}"),
    }
    case.report.pass();
    let ctx = case.ready(&[("rebuild_on_truncation", "true")]).await;
    assert_eq!(
        table(&ctx, 300).await.len(),
        40,
        "what is left, nothing else"
    );
    ctx.shutdown().await.expect("a clean end");
    case.report.pass();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn markers_at_the_end_are_passed_and_aborted_rows_never_seen() {
    let Some(mut case) = Case::new(test_name!()) else {
        return;
    };
    let schema = case.written(0..40).await;
    for commit in [true, false] {
        let producer = case.transactional();
        // One for each key after the other, so that markers end every partition.
        send(&producer, &case.topic, schema, 40..60);
        if commit {
            producer.commit_transaction(LIMIT).expect("committed");
        } else {
            // The same keys again, and others.
            send(&producer, &case.topic, schema, 50..80);
            producer.abort_transaction(LIMIT).expect("aborted");
        }
        let ctx = case.ready(&[]).await;
        holds(&ctx, 0..60).await;
        ctx.shutdown().await.expect("a clean end");
        let ctx = case.ready(&[]).await;
        assert_eq!(ctx.set::<Row>().replayed().expect("a table"), 0);
        ctx.shutdown().await.expect("a clean end");
        // And from the start.
        case.place.forget_tables();
        let ctx = case.ready(&[]).await;
        holds(&ctx, 0..60).await;
        ctx.shutdown().await.expect("a clean end");
        case.report.pass();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_transaction_is_not_waited_for_and_its_rows_come_with_its_end() {
    let Some(mut case) = Case::new(test_name!()) else {
        return;
    };
    let schema = case.written(0..40).await;
    let producer = case.transactional();
    send(&producer, &case.topic, schema, 40..60);
    // Behind the open transaction nothing can be read, whoever wrote it.
    let others: BaseProducer = case.client().create().expect("a producer");
    send(&others, &case.topic, schema, 60..80);
    case.place.forget_tables();
    let ctx = case.ready(&[]).await;
    holds(&ctx, 0..40).await;
    producer.commit_transaction(LIMIT).expect("committed");
    // The last stable offsets follow a moment after the commit: until they do there is nothing to catch up with.
    let all = async {
        while ctx.set::<Row>().count().await.expect("a count") < 80 {
            ctx.wait_caught_up(LIMIT).await.expect("caught up");
        }
    };
    tokio::time::timeout(LIMIT, all).await.expect("they come");
    holds(&ctx, 0..80).await;
    ctx.shutdown().await.expect("a clean end");
    case.report.pass();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compacted_topic_gives_the_latest_row_of_each_key() {
    let Some(mut case) = Case::new(test_name!()) else {
        return;
    };
    // Bytes that do not compress: a segment is full after some records.
    let long = |n: u64| -> String {
        let draws = (0..4_000).map(|draw| mix(n, draw));
        draws.fold(String::new(), |all, draw| all + &format!("{draw:016x}"))
    };
    let ctx = case.ready(&[]).await;
    let mut latest = BTreeMap::new();
    for n in 0..200_u64 {
        let key = (mix(seed(), n) % 5) as i64;
        let set = ctx.set::<Row>();
        if n % 11 == 3 {
            set.remove(key).await.expect("removed");
            latest.remove(&key);
        } else {
            let text = long(n);
            let row = Row {
                id: key,
                sequence: n as i64,
                text,
            };
            latest.insert(key, row.clone());
            set.add(row).await.expect("added");
        }
    }
    ctx.shutdown().await.expect("a clean end");
    // Until compaction has left holes: fewer records than offsets.
    let holes = async {
        loop {
            let (topic, log) = (case.topic.clone(), case.log.clone());
            let records = tokio::task::spawn_blocking(move || records(&log, &topic));
            if records.await.expect("it reads") < 150 {
                return;
            }
        }
    };
    tokio::time::timeout(LIMIT, holes).await.expect("compacted");
    case.place.forget_tables();
    let ctx = case.ready(&[]).await;
    let expected: Vec<Row> = latest.into_values().collect();
    assert_eq!(table(&ctx, 5).await, expected);
    ctx.shutdown().await.expect("a clean end");
    let ctx = case.ready(&[]).await;
    assert_eq!(ctx.set::<Row>().replayed().expect("a table"), 0);
    ctx.shutdown().await.expect("a clean end");
    case.report.pass();
}

/// How many records are there.
fn records(log: &Log, topic: &str) -> usize {
    let runtime = tokio::runtime::Handle::current();
    let offsets = runtime.block_on(log.all_offsets(topic)).expect("ends");
    let from: Vec<(i32, i64)> = (0..).zip(offsets.iter().map(|all| all.start)).collect();
    let mut reader = log.reader(topic, &from).expect("a reader");
    let mut count = 0;
    let at_end = |(partition, next): (i32, i64)| next >= offsets[partition as usize].end;
    while !reader.positions().into_iter().all(at_end) {
        let fetched = reader.poll(LIMIT).expect("a poll").expect("records");
        count += fetched.len();
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_added_partition_is_told_at_start_and_while_running() {
    let Some(mut case) = Case::new(test_name!()) else {
        return;
    };
    let differs = |error: &LogError| match error {
        LogError::PartitionsDiffer {
            existing: 5,
            requested: 4,
            ..
        } => {}
        other => panic!("{other:?}"),
    };
    let ctx = case.ready(&[]).await;
    add(&ctx, 0..40).await;
    case.grow().await;
    let grown = Instant::now();
    let reason = ended(&ctx).await;
    case.ends_in_time(grown);
    match reason {
        StateError::Log { source, .. } => differs(&source),
        other => panic!("{other:?}"),
    }
    ctx.shutdown().await.expect("a clean end");
    case.report.pass();
    match case.refused().await {
        Error::Log(error) => differs(&error),
        other => panic!("{other:?}"),
    }
    case.report.pass();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_created_again_under_a_running_table_is_told_or_read_again() {
    let Some(mut case) = Case::new(test_name!()) else {
        return;
    };
    let ctx = case.ready(&[]).await;
    add(&ctx, 0..40).await;
    case.recreate().await;
    let recreated = Instant::now();
    let reason = ended(&ctx).await;
    case.ends_in_time(recreated);
    match reason {
        StateError::Recreated { topic } => assert_eq!(topic, case.topic),
        // Seen in the moment between.
        StateError::Log {
            source: LogError::UnknownTopic { topic },
            ..
        } => assert_eq!(topic, case.topic),
        other => panic!("{other:?}"),
    }
    ctx.shutdown().await.expect("a clean end");
    case.report.pass();

    let rebuild = ("rebuild_on_truncation", "true");
    let ctx = case.ready(&[rebuild]).await;
    add(&ctx, 0..40).await;
    let mut events = ctx.events();
    case.recreate().await;
    let recreated = Instant::now();
    // It leaves RUNNING, and comes back with the rows of the new topic only.
    let event = tokio::time::timeout(LIMIT, events.recv()).await;
    assert_eq!(
        event.expect("seen").expect("an event").previous,
        State::Running
    );
    ctx.wait_ready(LIMIT).await.expect("it comes back");
    case.ends_in_time(recreated);
    holds(&ctx, 0..0).await;
    add(&ctx, 0..7).await;
    holds(&ctx, 0..7).await;
    ctx.shutdown().await.expect("a clean end");
    case.report.pass();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_is_found_by_its_key_whoever_chose_its_partition() {
    let Some(mut case) = Case::new(test_name!()) else {
        return;
    };
    let ctx = case.ready(&[]).await;
    let schema = schema(&ctx).await;
    // librdkafka's own default is not what the JVM's clients do.
    let others: BaseProducer = case
        .client()
        .set("partitioner", "consistent_random")
        .create()
        .expect("a producer");
    for n in 0..200_u64 {
        let (key, value) = encoded(&row(n as i64, n), schema);
        others
            .send(BaseRecord::to(&case.topic).key(&key).payload(&value))
            .map_err(|(error, _)| error)
            .expect("sent");
    }
    others.flush(LIMIT).expect("flushed");
    ctx.wait_caught_up(LIMIT).await.expect("caught up");
    holds(&ctx, 0..200).await;
    assert_eq!(ctx.set::<Row>().get(-1).await.expect("a read"), None);
    ctx.shutdown().await.expect("a clean end");
    // From the row cache too.
    let ctx = case.ready(&[("cache_rows", "1000")]).await;
    for _ in 0..2 {
        holds(&ctx, 0..200).await;
    }
    ctx.shutdown().await.expect("a clean end");
    case.report.pass();
}
