//! Dead letters, on the embedded log and on a real Kafka and registry alike: what is written, shown, replayed and purged.

mod crash;
mod hooks;
mod kafka;
mod kinds;
mod places;
mod purging;
mod reading;
mod replaying;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use ksql_runtime::clock::Clock;
use ksql_runtime::dlq::{Failed, LetterId, Stage, Written};
use ksql_runtime::log::{Fetched, Header, Log, Receipt, Record, RecordRef, TopicSpec};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::servers;

const LIMIT: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("orders", partitions = 4)]
#[stream]
#[entity(namespace = "letters")]
pub struct Order {
    #[key]
    pub id: i64,
    pub article: String,
    #[decimal_precision(10, 2)]
    pub price: Decimal,
    pub ordered_at: DateTime<Utc>,
    #[max_length(8)]
    pub note: Option<String>,
}

fn order(id: i64) -> Order {
    Order {
        id,
        article: "bolt".to_owned(),
        price: Decimal::new(1995, 2),
        ordered_at: DateTime::from_timestamp_millis(1_700_000_000_000).expect("a time"),
        note: None,
    }
}

/// Programs of one test, on a log with topics no other test has.
struct Case {
    prefix: String,
    servers: Option<(String, String)>,
    clock: Clock,
    directory: Arc<tempfile::TempDir>,
}

impl Case {
    fn embedded() -> Case {
        Case {
            prefix: String::new(),
            servers: None,
            clock: now(),
            directory: Arc::new(tempfile::tempdir().expect("a directory")),
        }
    }

    fn kafka(test: &str) -> Option<Case> {
        let kafka = servers::kafka_or_skip(test)?;
        let registry = servers::registry_or_skip(test)?;
        Some(Case {
            prefix: format!("{}-", uuid::Uuid::new_v4().simple()),
            servers: Some((kafka.bootstrap().to_owned(), registry.url().to_owned())),
            clock: now(),
            directory: Arc::new(tempfile::tempdir().expect("a directory")),
        })
    }

    fn is_kafka(&self) -> bool {
        self.servers.is_some()
    }

    fn builder(&self) -> ContextBuilder {
        let mut builder = ksql_runtime_tests::context()
            .entity::<Order>()
            .setting("application_id", "shop")
            .setting("topic_prefix", &self.prefix)
            .clock(self.clock.clone())
            .state_dir(self.directory.path());
        if let Some((bootstrap, registry)) = &self.servers {
            builder = builder
                .setting("bootstrap", bootstrap)
                .setting("registry", registry);
        }
        builder
    }

    async fn start(&self) -> Context {
        started(self.builder()).await
    }

    fn name(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }

    fn letters(&self) -> String {
        self.name("system.dlq")
    }
}

async fn started(builder: ContextBuilder) -> Context {
    tokio::time::timeout(LIMIT, builder.start())
        .await
        .expect("a start ends")
        .expect("the context starts")
}

/// A clock that stands at the present, which brokers take.
fn now() -> Clock {
    Clock::manual(Clock::wall().now_ms())
}

/// Defines tests that run on each log.
#[macro_export]
macro_rules! on_each_log {
    ($($(#[$meta:meta])* async fn $name:ident($case:ident: Case) $body:block)*) => {
        $($(#[$meta])* async fn $name($case: $crate::Case) $body)*

        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::Case::embedded()).await;
            })*
        }

        mod kafka {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let Some(case) = $crate::Case::kafka(ksql_runtime_tests::test_name!()) else {
                    return;
                };
                super::$name(case).await;
            })*
        }
    };
}

/// A record to be produced, owned.
#[derive(Debug, Clone, Default)]
struct Given {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
    partition: Option<i32>,
}

impl Given {
    fn new(key: Option<&[u8]>, value: Option<&[u8]>) -> Given {
        Given {
            key: key.map(<[u8]>::to_vec),
            value: value.map(<[u8]>::to_vec),
            ..Given::default()
        }
    }

    fn header(mut self, name: &str, value: &str) -> Given {
        let value = Some(value.as_bytes().to_vec());
        self.headers.push((name.to_owned(), value));
        self
    }

    fn at(mut self, partition: i32) -> Given {
        self.partition = Some(partition);
        self
    }

    async fn produce(&self, log: &Log, topic: &str, timestamp: i64) -> Receipt {
        let headers: Vec<Header<'_>> = self
            .headers
            .iter()
            .map(|(name, value)| Header {
                name,
                value: value.as_deref(),
            })
            .collect();
        let mut record =
            Record::new(self.key.as_deref(), self.value.as_deref(), timestamp).headers(&headers);
        record.partition = self.partition;
        log.produce(topic, record).await.expect("produced")
    }
}

/// A record as it was read, owned.
#[derive(Debug, Clone, PartialEq)]
struct Found {
    partition: i32,
    offset: i64,
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Found {
    fn of(partition: i32, record: RecordRef<'_>) -> Found {
        Found {
            partition,
            offset: record.offset,
            timestamp: record.timestamp,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: record
                .headers
                .map(|header| (header.name.to_owned(), header.value.map(<[u8]>::to_vec)))
                .collect(),
        }
    }

    /// The headers of a letter, those of the record left out.
    fn ours(&self) -> Vec<(&str, &str)> {
        self.headers
            .iter()
            .filter(|(name, _)| name.starts_with("__dlq."))
            .map(|(name, value)| (name.as_str(), text(value)))
            .collect()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().rfind(|(known, _)| known == name);
        found.map(|(_, value)| text(value))
    }
}

fn text(value: &Option<Vec<u8>>) -> &str {
    std::str::from_utf8(value.as_deref().expect("a value")).expect("UTF-8")
}

/// What can be read at a place.
async fn fetched(log: &Log, topic: &str, partition: i32, offset: i64) -> Fetched {
    let (log, topic) = (log.clone(), topic.to_owned());
    let read = move || {
        let mut reader = log
            .reader(&topic, &[(partition, offset)])
            .expect("a reader");
        reader.poll(LIMIT).expect("a poll").expect("a record")
    };
    tokio::task::spawn_blocking(read).await.expect("it is read")
}

async fn read_at(log: &Log, receipt: &Receipt) -> Found {
    let fetched = fetched(log, &receipt.topic, receipt.partition, receipt.offset).await;
    let record = fetched.records().next().expect("a record");
    assert_eq!(record.offset, receipt.offset);
    Found::of(receipt.partition, record)
}

/// Gives the record at a place of a topic to the dead letters.
async fn fail_at(ctx: &Context, at: &Receipt, class: &str, message: &str) -> Written {
    let fetched = fetched(ctx.log(), &at.topic, at.partition, at.offset).await;
    let record = fetched.records().next().expect("a record");
    let failed = Failed {
        entity: "Order",
        group: "shop_Order",
        topic: &at.topic,
        partition: at.partition,
        record,
        stage: Stage::Handler,
        class,
        message,
        attempts: 3,
    };
    let written = ctx.dead_letters().write_failed(&failed).await;
    written.expect("the letter is written")
}

/// The same of a record that is produced first; both places.
async fn fail(ctx: &Context, case: &Case, given: &Given, class: &str) -> (Receipt, Receipt) {
    let topic = case.name("orders");
    let at = given.produce(ctx.log(), &topic, case.clock.now_ms()).await;
    match fail_at(ctx, &at, class, "no stock").await {
        Written::Acknowledged(letter) => (at, letter),
        Written::Declined => panic!("nobody declines"),
    }
}

fn id(receipt: &Receipt) -> LetterId {
    (receipt.partition, receipt.offset).into()
}

/// An order's key and value as `add` writes them.
async fn encoded(ctx: &Context, case: &Case, order: &Order) -> Given {
    let subject = format!("{}-value", case.name("orders"));
    let schema = ctx.registry().register(&subject, Order::VALUE_SCHEMA).await;
    let (mut key, mut value) = (Vec::new(), vec![0]);
    value.extend(schema.expect("it is registered already").to_be_bytes());
    order.encode_key(0, &mut key).expect("a key");
    order.encode_value(&mut value).expect("a value");
    Given::new(Some(&key), Some(&value))
}

async fn with_topic(ctx: &Context, name: &str, partitions: u32) {
    let spec = TopicSpec::new(name, partitions);
    ctx.log().create_topic(&spec).await.expect("a topic");
}
