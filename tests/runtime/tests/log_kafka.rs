//! What the log on a Kafka cluster has beyond the surface: transactions, topics that change under a reader, brokers that
//! go away, rights that are missing. All on a real broker.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ksql_runtime::log::partition::partition_for_key;
use ksql_runtime::log::{
    Created, Fetched, KafkaLog, KafkaOptions, LogError, LogReader, Record, RecordBatch, TopicSpec,
};
use ksql_runtime_tests::http_server::closed_port;
use ksql_runtime_tests::servers::{self, Kafka};
use ksql_runtime_tests::test_name;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

const LIMIT: Duration = Duration::from_secs(300);

fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
    since.as_millis() as i64
}

fn unique(name: &str) -> String {
    format!("{name}-{}", uuid::Uuid::new_v4().simple())
}

fn options(kafka: &Kafka) -> KafkaOptions {
    KafkaOptions {
        topic_check: Duration::from_millis(200),
        ..KafkaOptions::new(kafka.bootstrap())
    }
}

/// A log on the shared broker, and a topic of its own.
async fn shared(kafka: &Kafka, partitions: u32) -> (KafkaLog, String) {
    let log = KafkaLog::open(options(kafka)).expect("the log opens");
    let topic = unique("t");
    log.create_topic(&TopicSpec::new(&topic, partitions))
        .await
        .expect("created");
    (log, topic)
}

fn client(kafka: &Kafka) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", kafka.bootstrap());
    config
}

fn admin(kafka: &Kafka) -> AdminClient<DefaultClientContext> {
    client(kafka).create().expect("an admin client")
}

/// A producer that writes in transactions.
fn transactional(kafka: &Kafka) -> BaseProducer {
    let producer: BaseProducer = client(kafka)
        .set("transactional.id", unique("x"))
        .set("transaction.timeout.ms", "600000")
        .create()
        .expect("a producer");
    producer.init_transactions(LIMIT).expect("transactions");
    producer
}

fn send(producer: &BaseProducer, topic: &str, values: &[&str]) {
    for value in values {
        producer
            .send(BaseRecord::to(topic).key("k").payload(*value).partition(0))
            .map_err(|(error, _)| error)
            .expect("sent");
    }
    producer.flush(LIMIT).expect("flushed");
}

async fn produce(log: &KafkaLog, topic: &str, values: &[&str]) {
    for value in values {
        log.produce(topic, Record::new(Some(b"k"), Some(value.as_bytes()), 7))
            .await
            .expect("produced");
    }
}

fn values(fetched: &Fetched) -> Vec<String> {
    fetched
        .records()
        .map(|record| String::from_utf8_lossy(record.value.expect("a value")).into_owned())
        .collect()
}

/// Reads on until `next_offset` is `end`.
fn read_to(reader: &mut LogReader, end: i64) -> Vec<String> {
    let mut all = Vec::new();
    let deadline = Instant::now() + LIMIT;
    loop {
        let at = reader.positions().first().expect("a partition").1;
        if at >= end {
            assert_eq!(at, end, "never behind the end");
            return all;
        }
        assert!(Instant::now() < deadline, "at {at} of {end}");
        if let Some(fetched) = reader.poll(Duration::from_secs(1)).expect("a poll") {
            all.extend(values(&fetched));
        }
    }
}

/// Waits until the partition ends there.
async fn ends_at(log: &KafkaLog, topic: &str, end: i64) {
    let deadline = Instant::now() + LIMIT;
    loop {
        let now = log.offsets(topic, 0).await.expect("offsets").end;
        if now == end {
            return;
        }
        assert!(Instant::now() < deadline, "it ends at {now}, not {end}");
    }
}

/// Polls until an error comes.
fn error_of(reader: &mut LogReader) -> LogError {
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        if let Err(error) = reader.poll(Duration::from_millis(200)) {
            return error;
        }
    }
    panic!("no error came");
}

/// Runs what blocks beside the tasks.
async fn beside<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(what).await.expect("it runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_passes_the_markers_of_transactions() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let (log, topic) = shared(kafka, 1).await;
    let producer = transactional(kafka);
    producer.begin_transaction().expect("begun");
    send(&producer, &topic, &["a", "b"]);
    producer.commit_transaction(LIMIT).expect("committed");
    // Two records and a marker, which is written a little after the commit is acknowledged.
    ends_at(&log, &topic, 3).await;
    let mut reader = log.reader(&topic, &[(0, 0)]).expect("a reader");
    assert_eq!(read_to(&mut reader, 3), ["a", "b"]);
    // At the marker itself there is nothing to read, and the end is reached all the same.
    let mut reader = log.reader(&topic, &[(0, 2)]).expect("a reader");
    assert_eq!(read_to(&mut reader, 3), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn aborted_records_are_never_read_and_never_waited_for() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let (log, topic) = shared(kafka, 1).await;
    produce(&log, &topic, &["a"]).await;
    let producer = transactional(kafka);
    producer.begin_transaction().expect("begun");
    send(&producer, &topic, &["no", "no"]);
    producer.abort_transaction(LIMIT).expect("aborted");
    let end = 4;
    ends_at(&log, &topic, end).await;
    let mut reader = log.reader(&topic, &[(0, 0)]).expect("a reader");
    assert_eq!(read_to(&mut reader, end), ["a"]);
    produce(&log, &topic, &["b"]).await;
    assert_eq!(read_to(&mut reader, end + 1), ["b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_transaction_is_the_end_until_it_is_committed() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let (log, topic) = shared(kafka, 1).await;
    produce(&log, &topic, &["a"]).await;
    let producer = transactional(kafka);
    producer.begin_transaction().expect("begun");
    send(&producer, &topic, &["b"]);
    produce(&log, &topic, &["c"]).await;
    let offsets = log.offsets(&topic, 0).await.expect("offsets");
    assert_eq!(offsets.end, 1, "where the transaction begins");
    let mut reader = log.reader(&topic, &[(0, 0)]).expect("a reader");
    assert_eq!(read_to(&mut reader, 1), ["a"]);
    assert!(
        reader
            .poll(Duration::from_millis(300))
            .expect("a poll")
            .is_none()
    );
    producer.commit_transaction(LIMIT).expect("committed");
    assert_eq!(read_to(&mut reader, 4), ["b", "c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_chooses_the_partitions_that_our_function_says() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let (log, topic) = shared(kafka, 7).await;
    let mut keys: Vec<Vec<u8>> = vec![Vec::new()];
    keys.extend((0..2_000).map(|n| (0..n % 41).map(|_| rand::random()).collect()));
    let mut batch = RecordBatch::new();
    for key in &keys {
        batch.push(Some(key), None, 7, &[]);
    }
    let receipt = log.produce_batch(&topic, batch).await.expect("produced");
    for (key, (partition, _)) in keys.iter().zip(receipt.records()) {
        assert_eq!(partition, partition_for_key(key, 7), "{key:?}");
    }
    assert_eq!(receipt.len(), keys.len());
}

async fn truncate(kafka: &Kafka, topic: &str, before: Offset) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, before)
        .expect("an offset");
    admin(kafka)
        .delete_records(&list, &AdminOptions::new())
        .await
        .expect("deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_partition_begins_where_it_ends() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let (log, topic) = shared(kafka, 1).await;
    produce(&log, &topic, &["a", "b", "c"]).await;
    truncate(kafka, &topic, Offset::End).await;
    let offsets = log.offsets(&topic, 0).await.expect("offsets");
    assert_eq!((offsets.start, offsets.end), (3, 3));
    let mut reader = log.reader(&topic, &[(0, 3)]).expect("a reader");
    assert!(reader.poll(Duration::ZERO).expect("a poll").is_none());
    produce(&log, &topic, &["d"]).await;
    assert_eq!(read_to(&mut reader, 4), ["d"]);
    match log.reader(&topic, &[(0, 1)]) {
        Err(LogError::OffsetOutOfRange {
            offset: 1,
            start: 3,
            end: 4,
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_truncation_overtook_is_told_and_can_go_on_elsewhere() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let (_, topic) = shared(kafka, 1).await;
    // Hardly anything is fetched ahead.
    let mut little = options(kafka);
    for (name, value) in [
        ("queued.min.messages", "1"),
        ("queued.max.messages.kbytes", "1"),
        ("fetch.message.max.bytes", "1"),
    ] {
        little.consumer.insert(name.to_owned(), value.to_owned());
    }
    let log = KafkaLog::open(little).expect("the log opens");
    let large = "x".repeat(50_000);
    for _ in 0..30 {
        produce(&log, &topic, &[&large]).await;
    }
    let mut reader = log.reader(&topic, &[(0, 0)]).expect("a reader");
    reader.poll(LIMIT).expect("a poll").expect("records");
    truncate(kafka, &topic, Offset::Offset(29)).await;
    match error_of(&mut reader) {
        LogError::OffsetOutOfRange {
            offset,
            start: 29,
            end: 30,
            ..
        } => assert_eq!(reader.positions(), [(0, offset)], "it is where it was"),
        other => panic!("{other:?}"),
    }
    reader.seek(0, 29).expect("a seek");
    assert_eq!(read_to(&mut reader, 30).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_created_again_by_someone_else_is_noticed() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let (log, topic) = shared(kafka, 1).await;
    produce(&log, &topic, &["a"]).await;
    let was = log.describe(&topic).await.expect("described").id;
    let mut reader = log.reader(&topic, &[(0, 0)]).expect("a reader");
    assert_eq!(read_to(&mut reader, 1), ["a"]);
    let other = KafkaLog::open(options(kafka)).expect("the log opens");
    other.delete_topic(&topic).await.expect("deleted");
    other
        .create_topic(&TopicSpec::new(&topic, 1))
        .await
        .expect("created");
    produce(&other, &topic, &["b", "c", "d"]).await;
    let now = other.describe(&topic).await.expect("described").id;
    match error_of(&mut reader) {
        LogError::TopicRecreated {
            was: first,
            now: second,
            ..
        } => assert_eq!((first, second), (was, now)),
        error => panic!("{error:?}"),
    }
    // Producing goes on, to the topic there is now.
    produce(&log, &topic, &["e"]).await;
    let mut reader = log.reader(&topic, &[(0, 0)]).expect("a reader");
    assert_eq!(read_to(&mut reader, 4), ["b", "c", "d", "e"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_deleted_by_someone_else_is_noticed() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let (log, topic) = shared(kafka, 1).await;
    let mut reader = log.reader(&topic, &[(0, 0)]).expect("a reader");
    let other = KafkaLog::open(options(kafka)).expect("the log opens");
    other.delete_topic(&topic).await.expect("deleted");
    let error = error_of(&mut reader);
    assert!(matches!(error, LogError::UnknownTopic { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_added_is_seen_written_and_read() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let (log, topic) = shared(kafka, 2).await;
    produce(&log, &topic, &["a"]).await;
    let mut reader = log
        .reader(&topic, &[(0, 0), (1, 0)])
        .expect("a reader of both");
    let grown = NewPartitions::new(&topic, 3);
    admin(kafka)
        .create_partitions([&grown], &AdminOptions::new())
        .await
        .expect("added");
    let deadline = Instant::now() + LIMIT;
    while reader.partitions() < 3 {
        assert!(Instant::now() < deadline, "it is never seen");
        reader.poll(Duration::from_millis(100)).expect("a poll");
    }
    let receipt = log
        .produce(&topic, Record::new(None, Some(b"new"), 7).partition(2))
        .await
        .expect("produced");
    assert_eq!(receipt.partition, 2);
    reader.seek(2, 0).expect("a seek");
    let fetched = loop {
        let fetched = reader.poll(LIMIT).expect("a poll").expect("records");
        if fetched.partition() == 2 {
            break fetched;
        }
    };
    assert_eq!(values(&fetched), ["new"]);
    match log.create_topic(&TopicSpec::new(&topic, 2)).await {
        Err(LogError::PartitionsDiffer {
            existing: 3,
            requested: 2,
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_of_records_compacted_away_are_passed() {
    let broker = servers::KafkaOptions::new()
        .property("log.segment.bytes", "1048576")
        .property("log.cleaner.backoff.ms", "100")
        .property("log.cleaner.min.cleanable.ratio", "0.0");
    let Some(kafka) = servers::or_skip(test_name!(), Kafka::start_with(broker)) else {
        return;
    };
    let log = KafkaLog::open(options(&kafka)).expect("the log opens");
    let topic = unique("t");
    log.create_topic(&TopicSpec::new(&topic, 1).compacted())
        .await
        .expect("created");
    // Bytes that do not compress: a segment is full after eleven.
    let records = 60;
    for n in 0..records {
        let value: Vec<u8> = (0..100_000).map(|_| rand::random::<u8>()).collect();
        let key = if n == 3 { &b"once"[..] } else { b"often" };
        log.produce(&topic, Record::new(Some(key), Some(&value), 7))
            .await
            .expect("produced");
    }
    let deadline = Instant::now() + LIMIT + LIMIT;
    loop {
        let mut reader = log.reader(&topic, &[(0, 0)]).expect("a reader");
        let (mut offsets, mut next) = (Vec::new(), 0);
        while next < records {
            let fetched = reader.poll(LIMIT).expect("a poll").expect("records");
            next = fetched.next_offset();
            offsets.extend(fetched.records().map(|record| record.offset));
        }
        assert!(offsets.is_sorted());
        assert!(offsets.contains(&3), "the only record of its key stays");
        assert_eq!(offsets.last(), Some(&(records - 1)));
        if offsets.len() < 30 {
            return;
        }
        assert!(Instant::now() < deadline, "nothing was compacted");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_broker_that_is_killed_and_comes_back_loses_and_repeats_nothing() {
    let Some(kafka) = servers::or_skip(test_name!(), Kafka::start()) else {
        return;
    };
    let (log, topic) = shared(&kafka, 2).await;
    let kafka = std::sync::Arc::new(kafka);
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = || {
        let stop = std::sync::Arc::clone(&stop);
        move || stop.load(std::sync::atomic::Ordering::Acquire)
    };
    let count = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let written = std::sync::Arc::new(std::sync::OnceLock::new());
    let producing: Vec<_> = (0..4_u64)
        .map(|task| {
            let (log, topic, stopped) = (log.clone(), topic.clone(), stopped());
            let count = std::sync::Arc::clone(&count);
            tokio::spawn(async move {
                let mut placed = Vec::new();
                for n in 0_u64.. {
                    if stopped() {
                        break;
                    }
                    let value = (task << 32 | n).to_be_bytes();
                    // Brokers forget a producer a day after its latest timestamp, at a restart at once: the retry of a
                    // record from 1970 is a new record to them.
                    let record = Record::new(Some(&value), Some(&value), now());
                    let receipt = log
                        .produce(&topic, record)
                        .await
                        .expect("acknowledged, however late");
                    placed.push(((receipt.partition, receipt.offset), value.to_vec()));
                    count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
                placed
            })
        })
        .collect();
    let reading = {
        let (log, topic, written) = (log.clone(), topic.clone(), written.clone());
        beside(move || {
            let mut seen = BTreeMap::new();
            let mut at = vec![(0, 0), (1, 0)];
            let mut quiet = 0;
            let mut disconnected = 0;
            // Until it has all there is and nothing more comes; what is missing is waited for a minute longer.
            let goes_on = |quiet, seen| match written.get() {
                None => true,
                Some(written) => quiet < 3 || (seen < *written && quiet < 120),
            };
            // As a table does: an error that may pass is waited out, and reading goes on where it was.
            while goes_on(quiet, seen.len()) {
                let mut reader = match log.reader(&topic, &at) {
                    Ok(reader) => reader,
                    Err(error) => {
                        assert!(error.is_transient(), "{error:?}");
                        continue;
                    }
                };
                while goes_on(quiet, seen.len()) {
                    match reader.poll(Duration::from_millis(500)) {
                        Ok(Some(fetched)) => {
                            quiet = 0;
                            for record in &fetched {
                                let place = (fetched.partition(), record.offset);
                                let value = record.value.expect("a value").to_vec();
                                assert!(seen.insert(place, value).is_none(), "{place:?} twice");
                            }
                        }
                        Ok(None) => quiet += 1,
                        Err(error) => {
                            assert!(error.is_transient(), "{error:?}");
                            disconnected += 1;
                            break;
                        }
                    }
                    at = reader.positions();
                }
            }
            (seen, disconnected)
        })
    };
    let reading = tokio::spawn(reading);
    let some_more = async || {
        let count = || count.load(std::sync::atomic::Ordering::Relaxed);
        let (before, deadline) = (count(), Instant::now() + LIMIT);
        while count() < before + 100 {
            assert!(Instant::now() < deadline, "{} after {before}", count());
            tokio::task::yield_now().await;
        }
    };
    for graceful in [false, true] {
        some_more().await;
        let kafka = std::sync::Arc::clone(&kafka);
        beside(move || {
            if graceful {
                kafka.stop();
            } else {
                kafka.kill();
            }
            kafka.start_again();
        })
        .await;
    }
    some_more().await;
    stop.store(true, std::sync::atomic::Ordering::Release);
    let mut acknowledged = BTreeMap::new();
    for task in producing {
        acknowledged.extend(task.await.expect("a task"));
    }
    written.set(acknowledged.len()).expect("set once");
    let (seen, disconnected) = reading.await.expect("the reader");
    assert!(disconnected > 0, "the outage was told");
    // Not whole maps: they are long.
    let differing: Vec<_> = seen
        .iter()
        .filter(|(place, value)| acknowledged.get(*place) != Some(*value))
        .chain(
            acknowledged
                .iter()
                .filter(|(place, _)| !seen.contains_key(*place)),
        )
        .collect();
    assert!(differing.is_empty(), "{differing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_the_address_is_an_error_that_may_pass_and_says_where() {
    let url = closed_port();
    let address = url.strip_prefix("http://").expect("an address");
    let mut options = KafkaOptions::new(address);
    options.request_timeout = Duration::from_secs(5);
    let log = KafkaLog::open(options).expect("nothing is asked yet");
    let error = log.describe("t").await.expect_err("nobody is there");
    assert!(error.is_transient(), "{error:?}");
    let said = error.to_string();
    assert!(
        said.contains(address) && said.contains("describe the topic"),
        "{said}"
    );
    let source = std::error::Error::source(&error).expect("a source");
    assert!(
        source.to_string().contains("Connection refused"),
        "why: {source}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_there_is_room_for_waits_instead_of_failing() {
    let Some(kafka) = servers::or_skip(test_name!(), Kafka::start()) else {
        return;
    };
    let mut little = options(&kafka);
    little.memory_bytes = 1024 * 1024;
    let log = KafkaLog::open(little).expect("the log opens");
    log.create_topic(&TopicSpec::new("t", 2))
        .await
        .expect("created");
    let value = vec![b'x'; 1000];
    let mut batch = RecordBatch::new();
    for n in 0..20_000_u32 {
        batch.push(Some(&n.to_be_bytes()), Some(&value), 7, &[]);
    }
    kafka.pause();
    let producing = {
        let log = log.clone();
        tokio::spawn(async move { log.produce_batch("t", batch).await })
    };
    let singles: Vec<_> = (0..2_000)
        .map(|_| {
            let (log, value) = (log.clone(), value.clone());
            tokio::spawn(async move {
                let record = Record::new(Some(b"k"), Some(&value), 7);
                log.produce("t", record).await
            })
        })
        .collect();
    // The tasks may not have begun yet: a flush of nothing is over at once.
    let waits = async {
        while tokio::time::timeout(Duration::from_millis(500), log.flush())
            .await
            .is_ok()
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waits)
        .await
        .expect("nothing can be acknowledged now, so a flush waits");
    assert!(!producing.is_finished());
    kafka.resume();
    let receipt = producing.await.expect("a task").expect("produced");
    assert_eq!(receipt.len(), 20_000);
    for single in singles {
        single.await.expect("a task").expect("produced");
    }
    let ends: i64 = log
        .all_offsets("t")
        .await
        .expect("offsets")
        .iter()
        .map(|offsets| offsets.end)
        .sum();
    assert_eq!(ends, 22_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_too_large_is_told_as_such_and_the_next_one_is_written() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let (log, topic) = shared(kafka, 1).await;
    let value: Vec<u8> = (0..2_000_000).map(|_| rand::random::<u8>()).collect();
    let error = log
        .produce(&topic, Record::new(Some(b"k"), Some(&value), 7))
        .await
        .expect_err("too large");
    match &error {
        LogError::TooLarge { bytes, .. } => assert_eq!(*bytes, 2_000_001),
        other => panic!("{other:?}"),
    }
    assert!(!error.is_transient());
    let mut batch = RecordBatch::new();
    batch.push(Some(b"k"), Some(&value), 7, &[]);
    batch.push(Some(b"k"), Some(b"small"), 7, &[]);
    match log.produce_batch(&topic, batch).await {
        Err(LogError::NotDelivered {
            records: 2,
            acknowledged,
            source,
            ..
        }) => {
            assert!(acknowledged <= 1);
            assert!(matches!(*source, LogError::TooLarge { .. }), "{source:?}");
        }
        other => panic!("{other:?}"),
    }
    produce(&log, &topic, &["small"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_the_client_cannot_send_is_refused_and_not_replaced() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let (log, topic) = shared(kafka, 1).await;
    let error = log
        .produce(&topic, Record::new(Some(b"k"), None, 0))
        .await
        .expect_err("0 would be now");
    assert!(matches!(error, LogError::InvalidRecord { .. }), "{error:?}");
    let error = log
        .produce(&topic, Record::new(Some(b"k"), None, i64::MAX))
        .await
        .expect_err("too far away");
    assert!(matches!(error, LogError::InvalidRecord { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_and_cancelling_lose_nothing() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let (log, topic) = shared(kafka, 1).await;
    produce(&log, &topic, &["first"]).await;
    for _ in 0..100 {
        // Sent at its first step, then forgotten by its caller.
        let record = Record::new(Some(b"k"), Some(b"v"), 7);
        let produce = std::pin::pin!(log.produce(&topic, record));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(produce.poll(&mut context).is_pending());
    }
    log.flush().await.expect("flushed");
    assert_eq!(log.offsets(&topic, 0).await.expect("offsets").end, 101);
    let tasks: Vec<_> = (0..500)
        .map(|_| {
            let (log, topic) = (log.clone(), topic.clone());
            tokio::spawn(async move {
                let record = Record::new(Some(b"k"), Some(b"v"), 7);
                log.produce(&topic, record).await
            })
        })
        .collect();
    log.close().await.expect("closed");
    let mut written = 101;
    for task in tasks {
        match task.await.expect("a task") {
            Ok(_) => written += 1,
            Err(LogError::Closed) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    let after = KafkaLog::open(options(kafka)).expect("the log opens");
    assert_eq!(
        after.offsets(&topic, 0).await.expect("offsets").end,
        written
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_while_no_broker_answers_ends_and_says_what_was_given_up() {
    let Some(kafka) = servers::or_skip(test_name!(), Kafka::start()) else {
        return;
    };
    let mut fastest = Duration::MAX;
    for attempt in 0..5 {
        // One of some is enough: on a busy machine any single one may be kept waiting by others.
        if fastest < Duration::from_secs(8) {
            break;
        }
        let topic = format!("t{attempt}");
        let mut options = options(&kafka);
        options.close_timeout = Duration::from_secs(1);
        let log = KafkaLog::open(options).expect("the log opens");
        log.create_topic(&TopicSpec::new(&topic, 1))
            .await
            .expect("created");
        produce(&log, &topic, &["a"]).await;
        kafka.pause();
        let producing = {
            let log = log.clone();
            tokio::spawn(async move {
                log.produce(&topic, Record::new(Some(b"k"), Some(b"v"), 7))
                    .await
            })
        };
        // It is on its way when there is something to flush.
        while tokio::time::timeout(Duration::from_millis(10), log.flush())
            .await
            .is_ok()
        {}
        let started = Instant::now();
        match log.close().await {
            Err(LogError::GivenUp { records: 1, .. }) => {}
            other => panic!("{other:?}"),
        }
        fastest = fastest.min(started.elapsed());
        assert!(producing.await.expect("a task").is_err());
        kafka.resume();
    }
    assert!(
        fastest < Duration::from_secs(8),
        "closed after {fastest:?} at best"
    );
}

/// The log of a user of a broker with rights.
fn log_of(kafka: &Kafka, user: &str) -> KafkaLog {
    let mut options = options(kafka);
    options.client = kafka.client(user);
    options.request_timeout = Duration::from_secs(120);
    KafkaLog::open(options).expect("the log opens")
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_rights_are_named_with_what_was_attempted_and_on_what() {
    let broker = servers::KafkaOptions::new()
        .user("nobody", "n")
        .user("reader", "r");
    let Some(kafka) = servers::or_skip(test_name!(), Kafka::start_with(broker)) else {
        return;
    };
    let admin = log_of(&kafka, "admin");
    let created = admin.create_topic(&TopicSpec::new("t", 1)).await;
    assert!(created.is_ok_and(|created| created.is_new()));
    produce(&admin, "t", &["a"]).await;
    let nobody = log_of(&kafka, "nobody");
    let error = nobody.describe("t").await.expect_err("no right");
    assert!(!error.is_transient());
    assert_eq!(
        error.to_string(),
        "kafka does not allow this user to describe the topic: an ACL on topic `t` must allow it"
    );
    let error = nobody
        .create_topic(&TopicSpec::new("u", 1))
        .await
        .expect_err("no right")
        .to_string();
    assert!(error.contains("create the topic"), "{error}");
    kafka.allow(
        "reader",
        &["Read", "Describe", "DescribeConfigs"],
        &["--topic", "t"],
    );
    let reader = log_of(&kafka, "reader");
    // Who may not create topics uses those that are there.
    let found = reader.create_topic(&TopicSpec::new("t", 1)).await;
    assert!(matches!(found, Ok(Created::Existed(_))), "{found:?}");
    let error = reader
        .produce("t", Record::new(Some(b"k"), Some(b"v"), 7))
        .await
        .expect_err("no right");
    assert!(
        matches!(
            &error,
            LogError::Unauthorized {
                action: "produce",
                ..
            }
        ),
        "{error:?}"
    );
    // Reading needs no right on a group; committing does.
    let mut records = reader.reader("t", &[(0, 0)]).expect("a reader");
    assert_eq!(read_to(&mut records, 1), ["a"]);
    let error = reader
        .commit_all("g", "t", &[(0, 1)])
        .await
        .expect_err("no right")
        .to_string();
    assert!(error.contains("group `g`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_at_once_and_not_printed() {
    let broker = servers::KafkaOptions::new().user("someone", "right");
    let Some(kafka) = servers::or_skip(test_name!(), Kafka::start_with(broker)) else {
        return;
    };
    let mut options = options(&kafka);
    options.request_timeout = Duration::from_secs(600);
    options.client = kafka.client("someone");
    options
        .client
        .insert("sasl.password".to_owned(), "hunter2".to_owned());
    options.request_timeout = Duration::from_secs(3600);
    let log = KafkaLog::open(options).expect("the log opens");
    let started = Instant::now();
    let error = log.describe("t").await.expect_err("refused");
    assert!(
        matches!(error, LogError::Unauthenticated { .. }),
        "{error:?}"
    );
    assert!(
        started.elapsed() < LIMIT,
        "told long before the hour is over"
    );
    let printed = format!("{error} {error:?} {log:?}");
    assert!(!printed.contains("hunter2"), "{printed}");
}
