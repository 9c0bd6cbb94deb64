//! Where consumers are tested: the embedded log and a real Kafka alike, each test with topics and groups of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ksql_runtime::consume::{ConsumerStatus, Subscription};
use ksql_runtime::context::ContextBuilder;
use ksql_runtime::log::{Log, Record};
use ksql_runtime::prelude::*;
use tokio::sync::Notify;

use crate::cluster::Place;
use crate::servers;
use crate::until::until;

/// Nothing takes as long unless it hangs.
pub const LIMIT: Duration = Duration::from_secs(120);

/// What is consumed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Entity)]
#[topic("payments", partitions = 4)]
#[stream]
#[entity(namespace = "bank")]
pub struct Payment {
    /// Whose.
    #[key]
    pub account: i64,
    /// Which: unique in a test.
    pub number: i64,
    /// What it is for.
    pub note: String,
}

/// The same with one partition, so that everything stands in one order.
#[derive(Debug, Clone, PartialEq, Eq, Entity)]
#[topic("entries")]
#[table]
#[entity(namespace = "bank")]
pub struct Entry {
    /// Whose.
    #[key]
    pub account: i64,
    /// Which.
    pub number: i64,
}

/// A stream of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Entity)]
#[topic("transfers")]
#[stream]
#[entity(namespace = "bank")]
pub struct Transfer {
    /// Whose.
    #[key]
    pub account: i64,
    /// Which.
    pub number: i64,
}

/// A payment.
pub fn payment(account: i64, number: i64) -> Payment {
    Payment {
        account,
        number,
        note: format!("{number} of {account}"),
    }
}

/// A transfer.
pub fn transfer(account: i64, number: i64) -> Transfer {
    Transfer { account, number }
}

/// An entry.
pub fn entry(account: i64, number: i64) -> Entry {
    Entry { account, number }
}

/// A log of one test.
#[derive(Debug)]
pub enum Site {
    /// In this process.
    Embedded(tempfile::TempDir),
    /// On the broker that the tests share.
    Kafka(Box<Place>),
}

impl Site {
    /// The embedded log.
    pub fn embedded() -> Site {
        Site::Embedded(tempfile::tempdir().expect("a directory"))
    }

    /// The shared broker and registry, where there are any. A member that was killed is missed soon.
    pub fn kafka(test: &str) -> Option<Site> {
        let kafka = servers::kafka_or_skip(test)?;
        let registry = servers::registry_or_skip(test)?;
        let place = Place::new(kafka.bootstrap(), registry).missed_soon();
        Some(Site::Kafka(Box::new(place)))
    }

    /// A context of payments, entries and transfers, to be changed and started.
    pub fn builder(&self) -> ContextBuilder {
        let builder = match self {
            Site::Embedded(directory) => crate::context().state_dir(directory.path()),
            Site::Kafka(place) => place.builder(),
        };
        builder
            .entity::<Payment>()
            .entity::<Entry>()
            .entity::<Transfer>()
    }

    /// Which log it is.
    pub fn name(&self) -> &'static str {
        match self {
            Site::Embedded(_) => "embedded",
            Site::Kafka(_) => "Kafka",
        }
    }

    /// Whether one process at a time has it.
    pub fn is_embedded(&self) -> bool {
        matches!(self, Site::Embedded(_))
    }

    /// The topic of its dead letters.
    pub fn dead_letters(&self) -> String {
        match self {
            Site::Embedded(_) => "system.dlq".to_owned(),
            Site::Kafka(place) => format!("{}system.dlq", place.prefix()),
        }
    }

    /// Directory and environment of a child process on the same log.
    pub fn child(&self) -> (PathBuf, Vec<(String, String)>) {
        match self {
            Site::Embedded(directory) => (directory.path().to_owned(), Vec::new()),
            Site::Kafka(place) => (place.directory().join("child"), place.environment()),
        }
    }

    /// A started context whose handlers begin at the first record.
    pub async fn open(&self) -> Context {
        started(self.builder()).await
    }

    /// The same, where no member is given up that lives, however busy the machine is: it would go on for a while beside the one
    /// that has its partitions then.
    pub async fn open_patiently(&self) -> Context {
        let builder = self.builder();
        let builder = match self {
            Site::Embedded(_) => builder,
            Site::Kafka(_) => builder.setting("kafka.consumer.session.timeout.ms", "45000"),
        };
        started(builder).await
    }
}

async fn started(builder: ContextBuilder) -> Context {
    let builder = builder.setting("consume_from", "earliest");
    tokio::time::timeout(LIMIT, builder.start())
        .await
        .expect("a start ends")
        .expect("the context starts")
}

/// Each test on both logs.
#[macro_export]
macro_rules! on_both_logs {
    ($($name:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::consuming::Site::embedded()).await;
            })*
        }

        mod kafka {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(site) = $crate::consuming::Site::kafka($crate::test_name!()) {
                    super::$name(site).await;
                }
            })*
        }
    };
}

/// What handlers have seen, in their order.
#[derive(Debug, Clone)]
pub struct Seen<T>(Arc<(Mutex<Vec<T>>, Notify)>);

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Seen(Arc::new((Mutex::default(), Notify::new())))
    }
}

impl<T: Clone> Seen<T> {
    /// Notes one.
    pub fn push(&self, one: T) {
        self.0.0.lock().expect("not poisoned").push(one);
        self.0.1.notify_waiters();
    }

    /// All so far.
    pub fn all(&self) -> Vec<T> {
        self.0.0.lock().expect("not poisoned").clone()
    }

    /// How many so far.
    pub fn len(&self) -> usize {
        self.0.0.lock().expect("not poisoned").len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until there are so many.
    pub async fn wait_for(&self, count: usize) -> Vec<T> {
        let waiting = async {
            loop {
                let mut told = std::pin::pin!(self.0.1.notified());
                told.as_mut().enable();
                if self.len() >= count {
                    return self.all();
                }
                told.await;
            }
        };
        match tokio::time::timeout(LIMIT, waiting).await {
            Ok(all) => all,
            Err(_) => panic!("{} of {count} came", self.len()),
        }
    }
}

/// The one status of a consumer of one topic.
pub fn status(subscription: &Subscription) -> ConsumerStatus {
    subscription.status().pop().expect("it reads a topic")
}

/// Waits until what a consumer is doing is this.
pub async fn reaches(
    subscription: &Subscription,
    what: &str,
    holds: impl Fn(&ConsumerStatus) -> bool,
) -> ConsumerStatus {
    let mut last = status(subscription);
    let reached = async || {
        last = status(subscription);
        holds(&last)
    };
    until(LIMIT, reached, || {
        format!("{what}: {:?}", status(subscription))
    })
    .await;
    last
}

/// What a group committed in a topic, by partition.
pub async fn committed(ctx: &Context, group: &str, topic: &str) -> Vec<Option<i64>> {
    let log: &Log = ctx.log();
    let partitions = log.describe(topic).await.expect("a topic").partitions;
    let mut all = Vec::new();
    for partition in 0..partitions.cast_signed() {
        all.push(
            log.committed(group, topic, partition)
                .await
                .expect("the log answers"),
        );
    }
    all
}

/// Where the partitions of a topic end.
pub async fn ends(ctx: &Context, topic: &str) -> Vec<Option<i64>> {
    let offsets = ctx.log().all_offsets(topic).await.expect("the log answers");
    offsets.iter().map(|one| Some(one.end)).collect()
}

/// Produces bytes as others would.
pub async fn produce(ctx: &Context, topic: &str, key: Option<&[u8]>, value: Option<&[u8]>) -> i64 {
    let record = Record::new(key, value, ctx.clock().now_ms()).partition(0);
    let receipt = ctx.log().produce(topic, record).await;
    receipt.expect("it is produced").offset
}

/// The group of the crash tests.
pub const GROUP: &str = "crash";

/// What becomes of a payment in the crash tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Its handler finishes it.
    Works,
    /// The same, a little later.
    Slow,
    /// The first attempt fails.
    WorksLater,
    /// Every attempt fails.
    Fails,
    /// Every attempt panics.
    Panics,
}

/// The fate of a payment, by its number.
pub fn fate(seed: u64, number: i64) -> Fate {
    match crate::workload::mix(seed, number.cast_unsigned()) % 200 {
        0 => Fate::Fails,
        1 => Fate::Panics,
        2..=9 => Fate::WorksLater,
        10..=29 => Fate::Slow,
        _ => Fate::Works,
    }
}

/// What the children of the crash tests said.
#[derive(Debug, Default)]
pub struct Said {
    /// The records that were handled, by partition and offset, and how often.
    pub handled: BTreeMap<(i32, i64), usize>,
    /// Those that the last child handled, and one before it had handled.
    pub again: BTreeSet<(i32, i64)>,
    /// What the last child's consumer took for committed, by partition.
    pub committed: BTreeMap<i32, i64>,
    /// Those that the last child handled.
    now: BTreeSet<(i32, i64)>,
    /// Those that were committed before they were handled.
    pub unhandled: BTreeSet<(i32, i64)>,
    /// Whether nothing is left to handle.
    pub done: bool,
    /// All that should not be said.
    pub refused: Vec<String>,
}

impl Said {
    /// From now on another child speaks.
    pub fn next(&mut self) {
        self.again.clear();
        self.committed.clear();
        self.now.clear();
    }

    /// Takes a line.
    pub fn hear(&mut self, line: &str) {
        let mut words = line.split(' ');
        let what = words.next();
        let mut place = || -> (i32, i64) {
            let mut number = || {
                words
                    .next()
                    .expect("a number")
                    .parse::<i64>()
                    .expect("a number")
            };
            (i32::try_from(number()).expect("a partition"), number())
        };
        match what {
            Some("handled") => {
                let place = place();
                let times = self.handled.entry(place).or_default();
                if self.now.insert(place) && *times > 0 {
                    self.again.insert(place);
                }
                *times += 1;
            }
            Some("committed") => {
                let (partition, offset) = place();
                self.committed.insert(partition, offset);
            }
            Some("unhandled") => drop(self.unhandled.insert(place())),
            Some("done") => self.done = true,
            Some("ready" | "ended") => {}
            _ => self.refused.push(line.to_owned()),
        }
    }
}
