//! Brokers inside this process, librdkafka's mock ones, that answer with the errors a test asks for, move leaders, and go
//! away one by one: what neither a proxy nor a single real broker can be made to do.
//!
//! They know produce, fetch, offsets, metadata and groups; `front` adds what the log asks beyond that. They end with the
//! value.

mod front;
mod registry;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::time::{Duration, Instant};

use ksql_runtime::log::{KafkaLog, KafkaOptions, LogError, LogReader, Record, RecordBatch};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use front::Fronts;
pub use registry::registry;

/// Nothing here takes as long unless it hangs.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Requests answered well before the first error: what is injected falls into the middle of the work.
const BEFORE: usize = 3;

/// Brokers of one test, numbered from 1 on.
pub struct Mock {
    cluster: MockCluster<'static, DefaultProducerContext>,
    fronts: Fronts,
}

impl std::fmt::Debug for Mock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Mock").field(&self.fronts).finish()
    }
}

impl Deref for Mock {
    type Target = MockCluster<'static, DefaultProducerContext>;

    fn deref(&self) -> &Self::Target {
        &self.cluster
    }
}

impl Mock {
    /// So many brokers.
    pub fn start(brokers: i32) -> Mock {
        let cluster = MockCluster::new(brokers).expect("brokers of this process");
        // Later versions name a moved leader's address beside the error, which would lead clients past the fronts; and the
        // brokers crash there where there is no leader.
        for (kind, last) in [(RDKafkaApiKey::Produce, 9), (RDKafkaApiKey::Fetch, 11)] {
            cluster
                .apiversion(kind, Some(0), Some(last))
                .expect("versions they know");
        }
        let fronts = Fronts::start(&cluster.bootstrap_servers());
        Mock { cluster, fronts }
    }

    /// The addresses for clients.
    pub fn bootstrap(&self) -> String {
        self.fronts.bootstrap()
    }

    /// A topic no other test has, with its leaders in turn.
    pub fn topic(&self, partitions: i32) -> String {
        let topic = format!("t-{}", uuid::Uuid::new_v4().simple());
        self.create_topic(&topic, partitions, 1)
            .expect("a topic of this process");
        topic
    }

    /// The options of a log that tries again soon. One request at a time: these brokers do not check the order of those
    /// that were on their way together, as real ones do.
    pub fn options(&self) -> KafkaOptions {
        let settings = |all: &[(&str, &str)]| -> BTreeMap<String, String> {
            let owned = all
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            owned.collect()
        };
        KafkaOptions {
            topic_check: Duration::from_millis(100),
            client: settings(&[
                ("reconnect.backoff.max.ms", "100"),
                ("retry.backoff.ms", "10"),
                ("retry.backoff.max.ms", "50"),
                ("topic.metadata.refresh.fast.interval.ms", "10"),
            ]),
            producer: settings(&[("max.in.flight", "1"), ("batch.num.messages", "500")]),
            consumer: settings(&[("fetch.wait.max.ms", "50")]),
            ..KafkaOptions::new(self.bootstrap())
        }
    }

    /// A log on these brokers.
    pub fn log(&self) -> KafkaLog {
        KafkaLog::open(self.options()).expect("the log opens")
    }

    /// The next requests of this kind are answered with these errors, one each.
    pub fn fail(&self, requests: RDKafkaApiKey, errors: &[RDKafkaRespErr]) {
        self.request_errors(requests, errors);
    }

    /// Some requests are answered well, then this error comes so often, then once more after another good answer.
    pub fn fail_amid(&self, requests: RDKafkaApiKey, error: RDKafkaRespErr, times: usize) {
        let fine = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;
        let mut errors = vec![fine; BEFORE];
        errors.extend(vec![error; times]);
        errors.extend([fine, error]);
        self.fail(requests, &errors);
    }
}

/// Records numbered from one number to another, keys in turn.
pub fn numbered(numbers: std::ops::Range<u64>) -> RecordBatch {
    let mut batch = RecordBatch::new();
    for number in numbers {
        let key = (number % 50).to_string();
        batch.push(
            Some(key.as_bytes()),
            Some(number.to_string().as_bytes()),
            1_700_000_000_000,
            &[],
        );
    }
    batch
}

/// One record with a number.
pub async fn one(log: &KafkaLog, topic: &str, number: u64) -> Result<(), LogError> {
    let (key, value) = ((number % 50).to_string(), number.to_string());
    let record = Record::new(
        Some(key.as_bytes()),
        Some(value.as_bytes()),
        1_700_000_000_000,
    );
    log.produce(topic, record).await.map(drop)
}

/// What a reader has read: the numbers of each partition.
pub type Read = BTreeMap<i32, Vec<u64>>;

/// Polls once, and adds what came.
///
/// # Errors
/// As the poll.
pub fn poll(reader: &mut LogReader, read: &mut Read) -> Result<(), LogError> {
    if let Some(fetched) = reader.poll(Duration::from_millis(100))? {
        let numbers = fetched.records().map(|record| {
            let text = std::str::from_utf8(record.value.expect("a value")).expect("a text");
            text.parse::<u64>().expect("a number")
        });
        read.entry(fetched.partition()).or_default().extend(numbers);
    }
    Ok(())
}

/// Reads until there are so many records in all. That no connection was left for a moment is told, and no end.
pub fn read_on(reader: &mut LogReader, read: &mut Read, records: usize) {
    let deadline = Instant::now() + LIMIT;
    while read.values().map(Vec::len).sum::<usize>() < records {
        assert!(
            Instant::now() < deadline,
            "not read: {:?}",
            reader.positions()
        );
        match poll(reader, read) {
            Ok(()) | Err(LogError::Unreachable { .. }) => {}
            Err(failed) => panic!("it goes on by itself: {failed:?}"),
        }
    }
}

/// Everything of a topic, from its start to its end as it is now.
pub async fn all(log: &KafkaLog, topic: &str) -> Read {
    let ends = log.all_offsets(topic).await.expect("the ends");
    let from: Vec<(i32, i64)> = (0..)
        .zip(&ends)
        .map(|(partition, _)| (partition, 0))
        .collect();
    let mut reader = log.reader(topic, &from).expect("a reader");
    let mut read = Read::new();
    let records: i64 = ends.iter().map(|offsets| offsets.end).sum();
    read_on(
        &mut reader,
        &mut read,
        usize::try_from(records).expect("a length"),
    );
    read
}

/// Every number once, and those of a key in order.
pub fn assert_once_in_order(read: &Read, numbers: std::ops::Range<u64>) {
    let mut found: Vec<u64> = read.values().flatten().copied().collect();
    found.sort_unstable();
    let missing: Vec<u64> = numbers
        .clone()
        .filter(|number| found.binary_search(number).is_err())
        .collect();
    assert_eq!(missing, Vec::<u64>::new(), "missing");
    assert_eq!(
        found.len() as u64,
        numbers.end - numbers.start,
        "some are there twice"
    );
    for (partition, numbers) in read {
        let mut last = BTreeMap::new();
        for number in numbers {
            if let Some(before) = last.insert(number % 50, *number) {
                assert!(
                    before < *number,
                    "{number} after {before} in partition {partition}"
                );
            }
        }
    }
}
