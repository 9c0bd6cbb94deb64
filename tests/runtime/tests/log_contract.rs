//! What every log promises, written against the surface: each test runs on the embedded log and on a real Kafka. What
//! only one of them has stands in `log_embedded.rs` and `log_kafka.rs`.
//!
//! Timestamps here are what both take: not 0, which the Kafka client cannot send, and not in the far future, which
//! brokers refuse.

use std::sync::Arc;
use std::time::Duration;

use ksql_runtime::log::{
    BatchReceipt, Created, EmbeddedLog, EmbeddedOptions, Fetched, Header, KafkaLog, KafkaOptions,
    Log, LogError, LogReader, Offsets, Receipt, Record, RecordBatch, TopicChange, TopicDescription,
    TopicSpec,
};
use ksql_runtime_tests::{servers, test_name};
use ksql_schema::model::Cleanup;
use proptest::prelude::*;

const LIMIT: Duration = Duration::from_secs(300);

/// A log to test, with topics and groups no other test has: the tests name them as if they were alone.
#[derive(Clone)]
struct Case {
    log: Log,
    prefix: String,
    _kept: Option<Arc<tempfile::TempDir>>,
}

impl Case {
    fn embedded() -> Case {
        let directory = tempfile::tempdir().expect("a directory");
        let log = EmbeddedLog::open(EmbeddedOptions::new(directory.path().join("log")))
            .expect("the log opens");
        Case {
            log: log.into(),
            prefix: String::new(),
            _kept: Some(Arc::new(directory)),
        }
    }

    /// On the broker that all tests here share.
    fn kafka(test: &str) -> Option<Case> {
        let kafka = servers::kafka_or_skip(test)?;
        let log = KafkaLog::open(KafkaOptions::new(kafka.bootstrap())).expect("the log opens");
        Some(Case {
            log: log.into(),
            prefix: format!("{}-", uuid::Uuid::new_v4().simple()),
            _kept: None,
        })
    }

    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn spec(&self, spec: &TopicSpec) -> TopicSpec {
        TopicSpec {
            name: self.name(&spec.name),
            ..spec.clone()
        }
    }

    fn without_prefix(&self, name: &str) -> Arc<str> {
        Arc::from(name.strip_prefix(&self.prefix).expect("one of ours"))
    }

    async fn with_topic(&self, partitions: u32) {
        self.create_topic(&TopicSpec::new("t", partitions))
            .await
            .expect("a topic");
    }

    async fn create_topic(&self, spec: &TopicSpec) -> Result<Created, LogError> {
        self.log.create_topic(&self.spec(spec)).await
    }

    async fn topics(&self) -> Result<Vec<TopicDescription>, LogError> {
        let mut topics = self.log.topics().await?;
        topics.retain(|topic| topic.name.starts_with(&self.prefix));
        for topic in &mut topics {
            topic.name = self.without_prefix(&topic.name);
        }
        Ok(topics)
    }

    async fn describe(&self, topic: &str) -> Result<TopicDescription, LogError> {
        self.log.describe(&self.name(topic)).await
    }

    async fn alter_topic(&self, topic: &str, change: &TopicChange) -> Result<(), LogError> {
        self.log.alter_topic(&self.name(topic), change).await
    }

    async fn delete_topic(&self, topic: &str) -> Result<(), LogError> {
        self.log.delete_topic(&self.name(topic)).await
    }

    async fn produce(&self, topic: &str, record: Record<'_>) -> Result<Receipt, LogError> {
        let mut receipt = self.log.produce(&self.name(topic), record).await?;
        receipt.topic = self.without_prefix(&receipt.topic);
        Ok(receipt)
    }

    async fn produce_batch(
        &self,
        topic: &str,
        batch: RecordBatch,
    ) -> Result<BatchReceipt, LogError> {
        self.log.produce_batch(&self.name(topic), batch).await
    }

    async fn offsets(&self, topic: &str, partition: i32) -> Result<Offsets, LogError> {
        self.log.offsets(&self.name(topic), partition).await
    }

    async fn all_offsets(&self, topic: &str) -> Result<Vec<Offsets>, LogError> {
        self.log.all_offsets(&self.name(topic)).await
    }

    async fn commit(
        &self,
        group: &str,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<(), LogError> {
        let (group, topic) = (self.name(group), self.name(topic));
        self.log.commit(&group, &topic, partition, offset).await
    }

    async fn commit_all(
        &self,
        group: &str,
        topic: &str,
        offsets: &[(i32, i64)],
    ) -> Result<(), LogError> {
        let (group, topic) = (self.name(group), self.name(topic));
        self.log.commit_all(&group, &topic, offsets).await
    }

    async fn committed(
        &self,
        group: &str,
        topic: &str,
        partition: i32,
    ) -> Result<Option<i64>, LogError> {
        let (group, topic) = (self.name(group), self.name(topic));
        self.log.committed(&group, &topic, partition).await
    }

    fn reader(&self, topic: &str, from: &[(i32, i64)]) -> Result<LogReader, LogError> {
        self.log.reader(&self.name(topic), from)
    }

    async fn flush(&self) -> Result<(), LogError> {
        self.log.flush().await
    }

    async fn close(&self) -> Result<(), LogError> {
        self.log.close().await
    }
}

/// Each test once in this process and once on a real Kafka.
macro_rules! on_each_log {
    ($(async fn $name:ident($log:ident: Case) $body:block)*) => {
        $(async fn $name($log: Case) $body)*

        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::Case::embedded()).await;
            })*
        }

        mod kafka {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let Some(case) = super::Case::kafka(super::test_name!()) else {
                    return;
                };
                super::$name(case).await;
            })*
        }
    };
}

type Owned = (i64, i64, Option<Vec<u8>>, Option<Vec<u8>>);

fn owned(fetched: &Fetched) -> Vec<Owned> {
    fetched
        .records()
        .map(|record| {
            (
                record.offset,
                record.timestamp,
                record.key.map(<[u8]>::to_vec),
                record.value.map(<[u8]>::to_vec),
            )
        })
        .collect()
}

/// Everything of a partition from an offset up to its end.
fn read(log: &Case, partition: i32, from: i64, end: i64) -> Vec<Owned> {
    let mut reader = log.reader("t", &[(partition, from)]).expect("a reader");
    let (mut records, mut next) = (Vec::new(), from);
    while next < end {
        let fetched = reader
            .poll(LIMIT)
            .expect("a poll")
            .expect("records before the time is over");
        assert_eq!(fetched.partition(), partition);
        next = fetched.next_offset();
        records.extend(owned(&fetched));
    }
    records
}

on_each_log! {
    async fn topics_are_created_once_listed_described_and_deleted(log: Case) {
        assert!(log.topics().await.expect("topics").is_empty());
        let created = log
            .create_topic(&TopicSpec::new("b", 3))
            .await
            .expect("created");
        assert!(created.is_new());
        assert!(
            log.create_topic(&TopicSpec::new("a", 1))
                .await
                .expect("created")
                .is_new()
        );
        let again = log
            .create_topic(&TopicSpec::new("b", 3))
            .await
            .expect("there already");
        assert!(!again.is_new());
        assert_eq!(again.topic().id, created.topic().id, "the same topic");
        let names: Vec<String> = log
            .topics()
            .await
            .expect("topics")
            .iter()
            .map(|topic| topic.name.to_string())
            .collect();
        assert_eq!(names, ["a", "b"]);
        let described = log.describe("b").await.expect("described");
        assert_eq!(
            (described.partitions, described.id),
            (3, created.topic().id)
        );
        log.delete_topic("b").await.expect("deleted");
        assert!(matches!(
            log.describe("b").await,
            Err(LogError::UnknownTopic { .. })
        ));
        assert!(matches!(
            log.delete_topic("b").await,
            Err(LogError::UnknownTopic { .. })
        ));
    }

    async fn another_number_of_partitions_is_an_error_that_names_both(log: Case) {
        log.with_topic(3).await;
        let error = log
            .create_topic(&TopicSpec::new("t", 4))
            .await
            .expect_err("it differs")
            .to_string();
        assert!(
            error.contains("t`") && error.contains('3') && error.contains('4'),
            "{error}"
        );
    }

    async fn impossible_topics_are_refused_with_the_reason(log: Case) {
        for (name, partitions, says) in [
            ("", 1, "empty"),
            ("a b", 1, "` `"),
            ("..", 1, ".."),
            ("t", 0, "one partition"),
        ] {
            let error = log
                .log
                .create_topic(&TopicSpec::new(name, partitions))
                .await
                .expect_err("impossible")
                .to_string();
            assert!(error.contains(says), "`{says}` is not in: {error}");
        }
    }

    async fn a_topic_created_again_is_another_topic_and_its_readers_are_told(log: Case) {
        log.with_topic(1).await;
        let first = log.describe("t").await.expect("described").id;
        log.produce("t", Record::new(Some(b"k"), Some(b"v"), 1))
            .await
            .expect("produced");
        let mut reader = log.reader("t", &[(0, 0)]).expect("a reader");
        log.delete_topic("t").await.expect("deleted");
        assert!(matches!(
            reader.poll(Duration::ZERO),
            Err(LogError::UnknownTopic { .. })
        ));
        log.create_topic(&TopicSpec::new("t", 1))
            .await
            .expect("created again");
        assert_ne!(log.describe("t").await.expect("described").id, first);
        match reader.poll(Duration::ZERO) {
            Err(LogError::TopicRecreated { was, .. }) => assert_eq!(was, first),
            other => panic!("{other:?}"),
        }
        let offsets = log.offsets("t", 0).await.expect("offsets");
        assert_eq!(
            (offsets.start, offsets.end),
            (0, 0),
            "none of the old records"
        );
    }

    async fn offsets_grow_by_one_and_a_receipt_says_where_a_record_is(log: Case) {
        log.with_topic(1).await;
        for n in 0..5_i64 {
            let value = n.to_be_bytes();
            let receipt = log
                .produce("t", Record::new(Some(b"k"), Some(&value), n * 10 + 1))
                .await
                .expect("produced");
            assert_eq!(
                (
                    receipt.partition,
                    receipt.offset,
                    receipt.timestamp,
                    receipt.topic.as_ref()
                ),
                (0, n, n * 10 + 1, "t")
            );
        }
        let expected: Vec<Owned> = (0..5_i64)
            .map(|n| {
                (
                    n,
                    n * 10 + 1,
                    Some(b"k".to_vec()),
                    Some(n.to_be_bytes().to_vec()),
                )
            })
            .collect();
        assert_eq!(read(&log, 0, 0, 5), expected);
        assert_eq!(read(&log, 0, 3, 5), expected[3..], "from the middle");
    }

    async fn nulls_empties_and_headers_come_back_as_they_were(log: Case) {
        log.with_topic(1).await;
        let headers = [
            Header::new("a", b"1"),
            Header {
                name: "none",
                value: None,
            },
            Header::new("a", b""),
            Header::new("ü", b"\xff"),
        ];
        log.produce("t", Record::new(None, Some(b""), -1).headers(&headers))
            .await
            .expect("produced");
        log.produce("t", Record::new(Some(b""), None, 7))
            .await
            .expect("produced");
        let mut reader = log.reader("t", &[(0, 0)]).expect("a reader");
        let fetched = reader.poll(LIMIT).expect("a poll").expect("records");
        let records: Vec<_> = fetched.records().collect();
        assert_eq!(
            (records[0].key, records[0].value, records[0].timestamp),
            (None, Some(&b""[..]), -1)
        );
        assert_eq!(records[0].headers.collect::<Vec<_>>(), headers);
        assert_eq!(records[0].headers.last("a"), Some(&b""[..]));
        assert_eq!(
            (records[1].key, records[1].value, records[1].timestamp),
            (Some(&b""[..]), None, 7)
        );
        assert!(records[1].headers.is_empty());
    }

    async fn a_key_always_goes_to_the_partition_of_the_java_clients(log: Case) {
        log.with_topic(5).await;
        // Kafka's own vectors: murmur2 of the key, made positive, by the number of partitions.
        for (key, hash) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("abc", 479_470_107),
        ] {
            let expected = (hash & 0x7fff_ffff) % 5;
            for _ in 0..3 {
                let receipt = log
                    .produce("t", Record::new(Some(key.as_bytes()), None, 7))
                    .await
                    .expect("produced");
                assert_eq!(receipt.partition, expected, "{key}");
            }
            let mut batch = RecordBatch::new();
            batch.push(Some(key.as_bytes()), None, 7, &[]);
            let receipt = log.produce_batch("t", batch).await.expect("produced");
            assert_eq!(receipt.records().next().expect("one").0, expected, "{key}");
        }
    }

    async fn records_without_a_key_are_spread(log: Case) {
        log.with_topic(4).await;
        for _ in 0..40 {
            log.produce("t", Record::new(None, Some(b"v"), 7))
                .await
                .expect("produced");
        }
        for partition in 0..4 {
            assert!(
                log.offsets("t", partition).await.expect("offsets").end > 0,
                "partition {partition} got some"
            );
        }
    }

    async fn a_chosen_partition_is_kept_and_an_unknown_one_refused(log: Case) {
        log.with_topic(2).await;
        let receipt = log
            .produce("t", Record::new(Some(b"k"), None, 7).partition(1))
            .await
            .expect("produced");
        assert_eq!(receipt.partition, 1);
        let error = log
            .produce("t", Record::new(Some(b"k"), None, 7).partition(2))
            .await
            .expect_err("no such partition");
        assert!(
            matches!(
                error,
                LogError::UnknownPartition {
                    partition: 2,
                    partitions: 2,
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(matches!(
            log.offsets("t", -1).await,
            Err(LogError::UnknownPartition { .. })
        ));
        assert!(matches!(
            log.produce("no", Record::new(None, None, 7)).await,
            Err(LogError::UnknownTopic { .. })
        ));
    }

    async fn a_batch_is_written_whole_and_says_where_each_record_is(log: Case) {
        log.with_topic(3).await;
        let mut batch = RecordBatch::new();
        for n in 0..500_u32 {
            batch.push(
                Some(&n.to_be_bytes()),
                Some(&n.to_le_bytes()),
                i64::from(n) + 1,
                &[],
            );
        }
        let receipt = log.produce_batch("t", batch).await.expect("produced");
        assert_eq!(receipt.len(), 500);
        let places: Vec<(i32, i64)> = receipt.records().collect();
        assert_eq!(places.len(), 500);
        let mut seen = 0;
        for partition in 0..3 {
            let end = log.offsets("t", partition).await.expect("offsets").end;
            for (offset, timestamp, key, value) in read(&log, partition, 0, end) {
                let n = u32::from_be_bytes(key.expect("a key").try_into().expect("four bytes"));
                assert_eq!(places[n as usize], (partition, offset));
                assert_eq!(
                    (timestamp, value),
                    (i64::from(n) + 1, Some(n.to_le_bytes().to_vec()))
                );
                seen += 1;
            }
        }
        assert_eq!(seen, 500);
        let positions: Vec<(i32, i64)> = receipt.positions().collect();
        for (partition, position) in positions {
            assert_eq!(
                position,
                log.offsets("t", partition).await.expect("offsets").end
            );
        }
    }

    async fn one_wrong_record_leaves_nothing_of_its_batch(log: Case) {
        log.with_topic(2).await;
        let mut batch = RecordBatch::new();
        batch.push(Some(b"a"), Some(b"1"), 7, &[]);
        batch.push_to(Some(7), Some(b"b"), Some(b"2"), 7, &[]);
        assert!(log.produce_batch("t", batch).await.is_err());
        for partition in 0..2 {
            assert_eq!(log.offsets("t", partition).await.expect("offsets").end, 0);
        }
        assert!(
            log.produce_batch("t", RecordBatch::new())
                .await
                .expect("an empty batch")
                .is_empty()
        );
    }

    async fn an_encoder_that_fails_leaves_the_batch_as_it_was(log: Case) {
        log.with_topic(1).await;
        let mut batch = RecordBatch::new();
        batch.push(Some(b"a"), Some(b"1"), 7, &[]);
        let failed = batch.push_with(
            7,
            &[],
            |out| {
                out.push(9);
                Ok(true)
            },
            |out| {
                out.push(9);
                Err("no")
            },
        );
        assert_eq!(failed, Err("no"));
        batch
            .push_with(
                7,
                &[],
                |out| {
                    out.push(b'b');
                    Ok::<_, ()>(true)
                },
                |_| Ok(false),
            )
            .expect("pushed");
        log.produce_batch("t", batch).await.expect("produced");
        assert_eq!(
            read(&log, 0, 0, 2),
            [
                (0, 7, Some(b"a".to_vec()), Some(b"1".to_vec())),
                (1, 7, Some(b"b".to_vec()), None)
            ]
        );
    }

    async fn calls_issued_together_lose_nothing_and_leave_no_holes(log: Case) {
        log.with_topic(3).await;
        let tasks: Vec<_> = (0..20_u32)
            .map(|task| {
                let log = log.clone();
                tokio::spawn(async move {
                    let mut last = [-1_i64; 3];
                    for n in 0..50_u32 {
                        let value = (task * 1000 + n).to_be_bytes();
                        let receipt = log
                            .produce("t", Record::new(Some(&value), Some(&value), 7))
                            .await
                            .expect("produced");
                        let last = &mut last[receipt.partition as usize];
                        assert!(
                            receipt.offset > *last,
                            "one task's records keep their order"
                        );
                        *last = receipt.offset;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("a task");
        }
        let mut values = Vec::new();
        for partition in 0..3 {
            let end = log.offsets("t", partition).await.expect("offsets").end;
            let records = read(&log, partition, 0, end);
            let offsets: Vec<i64> = records.iter().map(|record| record.0).collect();
            assert_eq!(offsets, (0..end).collect::<Vec<_>>(), "no holes");
            values.extend(records.into_iter().map(|record| record.3.expect("a value")));
        }
        values.sort();
        values.dedup();
        assert_eq!(values.len(), 1000);
    }

    async fn a_waiting_poll_ends_with_the_record_that_comes(log: Case) {
        log.with_topic(1).await;
        let mut reader = log.reader("t", &[(0, 0)]).expect("a reader");
        let (ready, started) = std::sync::mpsc::channel();
        let waiting = std::thread::spawn(move || {
            ready.send(()).expect("someone listens");
            reader.poll(LIMIT).expect("a poll").expect("a record").len()
        });
        started.recv().expect("the reader waits");
        log.produce("t", Record::new(None, Some(b"v"), 7))
            .await
            .expect("produced");
        assert_eq!(waiting.join().expect("the reader"), 1);
    }

    async fn a_poll_without_records_ends_with_the_time_or_the_waker(log: Case) {
        log.with_topic(1).await;
        let mut reader = log.reader("t", &[(0, 0)]).expect("a reader");
        assert!(reader.poll(Duration::ZERO).expect("a poll").is_none());
        let waker = reader.waker();
        waker.wake();
        assert!(
            reader
                .poll(Duration::from_secs(3600))
                .expect("a poll")
                .is_none(),
            "woken before it waited"
        );
        let waiting = std::thread::spawn(move || {
            reader
                .poll(Duration::from_secs(3600))
                .expect("a poll")
                .is_none()
        });
        waker.wake();
        assert!(waiting.join().expect("the reader"));
    }

    async fn several_partitions_take_turns_and_seeking_moves_one(log: Case) {
        log.with_topic(2).await;
        for partition in [0, 1] {
            for n in 0..3_u8 {
                log.produce("t", Record::new(None, Some(&[n]), 7).partition(partition))
                    .await
                    .expect("produced");
            }
        }
        let mut reader = log.reader("t", &[(0, 0), (1, 2)]).expect("a reader");
        let mut seen: Vec<(i32, usize)> = Vec::new();
        for _ in 0..2 {
            let fetched = reader.poll(LIMIT).expect("a poll").expect("records");
            seen.push((fetched.partition(), fetched.len()));
            assert_eq!(fetched.end_offset(), 3);
        }
        seen.sort_unstable();
        assert_eq!(seen, [(0, 3), (1, 1)]);
        reader.seek(0, 1).expect("a seek");
        assert_eq!(
            reader.poll(LIMIT).expect("a poll").expect("records").len(),
            2
        );
        let mut positions = reader.positions();
        positions.sort_unstable();
        assert_eq!(positions, [(0, 3), (1, 3)]);
        assert!(matches!(
            reader.seek(0, 4),
            Err(LogError::OffsetOutOfRange {
                start: 0,
                end: 3,
                ..
            })
        ));
        assert!(matches!(
            log.reader("t", &[(0, -1)]),
            Err(LogError::OffsetOutOfRange { .. })
        ));
        assert!(matches!(
            log.reader("t", &[(9, 0)]),
            Err(LogError::UnknownPartition { .. })
        ));
    }

    async fn committed_offsets_are_kept_by_group_topic_and_partition(log: Case) {
        log.with_topic(2).await;
        assert_eq!(log.committed("g", "t", 0).await.expect("none yet"), None);
        log.commit("g", "t", 0, 5).await.expect("committed");
        log.commit_all("h", "t", &[(0, 7), (1, 8)])
            .await
            .expect("committed");
        log.commit("g", "t", 0, 6).await.expect("committed");
        let at = async |group: &str, partition| {
            log.committed(group, "t", partition)
                .await
                .expect("an offset")
        };
        assert_eq!((at("g", 0).await, at("g", 1).await), (Some(6), None));
        assert_eq!((at("h", 0).await, at("h", 1).await), (Some(7), Some(8)));
        assert!(log.commit_all("h", "t", &[(0, 9), (5, 9)]).await.is_err());
        assert_eq!(at("h", 0).await, Some(7), "all or none");
    }

    async fn a_closed_log_says_so_everywhere_and_can_be_closed_again(log: Case) {
        log.with_topic(1).await;
        let mut reader = log.reader("t", &[(0, 0)]).expect("a reader");
        log.flush().await.expect("flushed");
        log.close().await.expect("closed");
        log.close().await.expect("closed again");
        assert!(matches!(
            log.produce("t", Record::new(None, None, 7)).await,
            Err(LogError::Closed)
        ));
        assert!(matches!(log.offsets("t", 0).await, Err(LogError::Closed)));
        assert!(matches!(
            log.create_topic(&TopicSpec::new("u", 1)).await,
            Err(LogError::Closed)
        ));
        assert!(matches!(reader.poll(LIMIT), Err(LogError::Closed)));
    }

    async fn settings_of_a_topic_are_as_asked_for_and_can_be_changed(log: Case) {
        let spec = TopicSpec {
            retention_bytes: Some(1_000_000),
            delete_retention_ms: 5_000,
            ..TopicSpec::new("t", 1).compacted().retention_ms(60_000)
        };
        log.create_topic(&spec).await.expect("created");
        let described = log.describe("t").await.expect("described");
        assert_eq!(described.spec, log.spec(&spec));
        let change = TopicChange {
            cleanup: Some(Cleanup::CompactDelete),
            retention_ms: Some(None),
            ..TopicChange::default()
        };
        log.alter_topic("t", &change).await.expect("changed");
        let expected = TopicSpec {
            cleanup: Cleanup::CompactDelete,
            retention_ms: None,
            ..log.spec(&spec)
        };
        let now = log.describe("t").await.expect("described");
        assert_eq!((now.spec, now.id), (expected, described.id));
        assert!(matches!(
            log.alter_topic("no", &change).await,
            Err(LogError::UnknownTopic { .. })
        ));
    }

    async fn two_who_create_a_topic_at_once_both_have_it(log: Case) {
        let spec = TopicSpec::new("t", 2);
        let all = (0..4).map(|_| {
            let (log, spec) = (log.clone(), spec.clone());
            tokio::spawn(async move { log.create_topic(&spec).await.expect("created") })
        });
        let all: Vec<_> = all.collect();
        let (mut new, mut ids) = (0, std::collections::BTreeSet::new());
        for one in all {
            let created = one.await.expect("a task");
            new += usize::from(created.is_new());
            ids.insert(created.topic().id);
        }
        assert_eq!((new, ids.len()), (1, 1));
    }

    async fn all_offsets_are_those_of_each_partition(log: Case) {
        log.with_topic(3).await;
        for partition in [0, 2, 2] {
            log.produce("t", Record::new(None, Some(b"v"), 7).partition(partition))
                .await
                .expect("produced");
        }
        let ends: Vec<i64> = log
            .all_offsets("t")
            .await
            .expect("offsets")
            .iter()
            .map(|offsets| offsets.end)
            .collect();
        assert_eq!(ends, [1, 0, 2]);
        assert!(matches!(
            log.all_offsets("no").await,
            Err(LogError::UnknownTopic { .. })
        ));
    }
}

#[derive(Debug, Clone)]
enum Step {
    One(u8, Option<Vec<u8>>),
    Batch(Vec<(u8, Vec<u8>)>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let value = || proptest::collection::vec(any::<u8>(), 0..40);
    let step = prop_oneof![
        (any::<u8>(), proptest::option::of(value())).prop_map(|(key, value)| Step::One(key, value)),
        proptest::collection::vec((any::<u8>(), value()), 0..30).prop_map(Step::Batch),
    ];
    proptest::collection::vec(step, 1..15)
}

/// Topics of one iteration are not those of another.
fn fresh(case: &Case) -> Case {
    match &case.log {
        Log::Embedded(_) => Case::embedded(),
        _ => Case {
            prefix: format!("{}-", uuid::Uuid::new_v4().simple()),
            ..case.clone()
        },
    }
}

fn what_is_read_is_what_was_produced_in_order(case: &Case, cases: u32) {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(cases));
    let input = (steps(), 1_u32..5, 0.0..1.0_f64);
    let outcome = runner.run(&input, |(steps, partitions, from)| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let log = fresh(case);
        runtime.block_on(log.with_topic(partitions));
        let mut expected: Vec<Vec<Owned>> = vec![Vec::new(); partitions as usize];
        let mut expect = |partition: i32, offset: i64, key: u8, value: Option<Vec<u8>>| {
            let records = &mut expected[partition as usize];
            assert_eq!(offset, records.len() as i64);
            records.push((offset, i64::from(key) + 1, Some(vec![key]), value));
        };
        for step in steps {
            match step {
                Step::One(key, value) => {
                    let keys = [key];
                    let record = Record::new(Some(&keys), value.as_deref(), i64::from(key) + 1);
                    let receipt = runtime
                        .block_on(log.produce("t", record))
                        .expect("produced");
                    expect(receipt.partition, receipt.offset, key, value);
                }
                Step::Batch(records) => {
                    let mut batch = RecordBatch::new();
                    for (key, value) in &records {
                        batch.push(Some(&[*key]), Some(value), i64::from(*key) + 1, &[]);
                    }
                    let receipt = runtime
                        .block_on(log.produce_batch("t", batch))
                        .expect("produced");
                    for ((partition, offset), (key, value)) in receipt.records().zip(records) {
                        expect(partition, offset, key, Some(value));
                    }
                }
            }
        }
        for (partition, expected) in (0..).zip(&expected) {
            let end = expected.len() as i64;
            let offsets = runtime.block_on(log.offsets("t", partition));
            prop_assert_eq!(offsets.expect("offsets").end, end);
            let from = (end as f64 * from) as i64;
            let read = read(&log, partition, from, end);
            prop_assert_eq!(&read[..], &expected[from as usize..]);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn what_is_read_from_the_embedded_log_is_what_was_produced_in_order() {
    what_is_read_is_what_was_produced_in_order(&Case::embedded(), 30);
}

#[test]
fn what_is_read_from_kafka_is_what_was_produced_in_order() {
    let Some(case) = Case::kafka(test_name!()) else {
        return;
    };
    what_is_read_is_what_was_produced_in_order(&case, 15);
}
