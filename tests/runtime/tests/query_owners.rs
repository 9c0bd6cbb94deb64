//! Several instances of one application on a real Kafka: one owns the queries, the others follow it and take over, whatever ends
//! it (R: one owner). Instances are real processes, which are killed, halted and let go on.
//!
//! `KSQL_TEST_SEED` varies the records, `KSQL_TEST_OWNERS` says how many owners are killed one after the other (5), and
//! `KSQL_TEST_TAKEOVERS` how many where it is measured how long that takes with the settings a program has by itself (3).

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use ksql_runtime::context::QueryDuty;
use ksql_runtime::context::plan::{Action, Part};
use ksql_runtime::log::{KafkaLog, KafkaOptions, Log, LogError, TopicChange};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::cluster::Place;
use ksql_runtime_tests::owners::{
    Customer, History, Large, Paid, Spent, Trusted, Turnover, customer, large, order, payment,
    with_queries,
};
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::servers::Kafka;
use ksql_runtime_tests::{servers, test_name};
use ksql_schema::model::Cleanup;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{BaseProducer, Producer as _};

const CHILD: &str = env!("CARGO_BIN_EXE_owner_child");
/// Nothing here takes as long unless it hangs.
const LIMIT: Duration = Duration::from_secs(240);
/// Who is missed soon is followed within this time once at least, on any machine; with the 45 s of a client's own never.
const FOLLOWED: Duration = Duration::from_secs(20);
/// Records of each input between two events.
const PART: u64 = 600;

/// An application: its names on the cluster, and a directory for each instance.
struct Application {
    kafka: &'static Kafka,
    place: Place,
    prefix: String,
    bootstrap: String,
    seed: u64,
    directories: tempfile::TempDir,
    /// Whether its instances have no settings but those that say where the cluster is and who they are.
    plain: bool,
}

/// Those.
const PLACE: [&str; 4] = [
    "KSQL_BOOTSTRAP",
    "KSQL_REGISTRY",
    "KSQL_TOPIC_PREFIX",
    "KSQL_APPLICATION_ID",
];

impl Application {
    /// Nothing where the test is skipped.
    fn new(test: &str) -> Option<Application> {
        let kafka = servers::kafka_or_skip(test)?;
        let registry = servers::registry_or_skip(test)?;
        let place = Place::new(kafka.bootstrap(), registry).with("application_id", "shop");
        let prefix = place.topic().trim_end_matches("rows").to_owned();
        Some(Application {
            kafka,
            place,
            prefix,
            bootstrap: kafka.bootstrap().to_owned(),
            seed: seed(),
            directories: tempfile::tempdir().expect("a directory"),
            plain: false,
        })
    }

    /// The same with every time-out as it is by itself.
    fn plain(mut self) -> Application {
        self.plain = true;
        self
    }

    /// The same, in which whoever was killed is missed soon.
    fn missed_soon(mut self) -> Application {
        self.place = self.place.missed_soon();
        self
    }

    /// Starts an instance; it has started when this returns.
    fn instance(&self, name: &str) -> Lines {
        self.instance_that_logs(name, "error")
    }

    /// The same, saying lines of its log of this kind.
    fn instance_that_logs(&self, name: &str, filter: &str) -> Lines {
        let directory = self.directories.path().join(name);
        std::fs::create_dir_all(&directory).expect("a directory");
        let seed = self.seed.to_string();
        let mut environment = self.place.environment();
        if self.plain {
            environment.retain(|(name, _)| PLACE.contains(&name.as_str()));
            assert_eq!(environment.len(), PLACE.len(), "{environment:?}");
        }
        environment.push(("KSQL_TEST_LOG".to_owned(), filter.to_owned()));
        let mut child = Lines::start_in(CHILD, &[&seed], &directory, &environment);
        child.expect("started", LIMIT);
        child
    }

    fn log(&self) -> Log {
        KafkaLog::open(KafkaOptions::new(&self.bootstrap))
            .expect("the log opens")
            .into()
    }

    /// Everything told of a topic that anybody may read, by key, in order.
    async fn told<T: Entity>(&self, label: &str) -> BTreeMap<Vec<u8>, Vec<Option<Row>>> {
        let topic = format!("{}{}{label}", self.prefix, T::MODEL.topic.name);
        let schema = ksql_schema::avro::result_schema(T::MODEL);
        let schema = Schema::parse_str(&schema).expect("a schema");
        let log = self.log();
        let partitions = log.describe(&topic).await.expect("a topic").partitions;
        // Behind what is committed and not shown by the broker yet, too.
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap)
            .set("isolation.level", "read_uncommitted");
        tokio::task::spawn_blocking(move || {
            let asking: BaseConsumer = config.create().expect("a consumer");
            let ends: Vec<i64> = (0..partitions.cast_signed())
                .map(|at| asking.fetch_watermarks(&topic, at, LIMIT).expect("ends").1)
                .collect();
            let from: Vec<(i32, i64)> = (0..partitions.cast_signed()).map(|at| (at, 0)).collect();
            let mut reader = log.reader(&topic, &from).expect("a reader");
            let mut told: BTreeMap<Vec<u8>, Vec<Option<Row>>> = BTreeMap::new();
            let datum = GenericDatumReader::builder(&schema)
                .build()
                .expect("a decoder");
            let behind = |reader: &ksql_runtime::log::LogReader| {
                let positions = reader.positions();
                positions
                    .iter()
                    .any(|(at, next)| *next < ends[*at as usize])
            };
            let began = Instant::now();
            while behind(&reader) {
                assert!(began.elapsed() < LIMIT, "{topic} is not read to its end");
                let fetched = match reader.poll(Duration::from_secs(1)) {
                    Ok(Some(fetched)) => fetched,
                    // A connection that is lost is made again.
                    Ok(None) | Err(LogError::Unreachable { .. }) => continue,
                    Err(failed) => panic!("{topic}: {failed:?}"),
                };
                for record in &fetched {
                    let row = record.value.map(|value| {
                        let body = &mut &value[5..];
                        row_of(datum.read_value(body).expect("a row"))
                    });
                    let key = record.key.expect("a key").to_vec();
                    told.entry(key).or_default().push(row);
                }
            }
            told
        })
        .await
        .expect("it is read")
    }
}

/// The columns of a result.
type Row = BTreeMap<String, Value>;

fn row_of(value: Value) -> Row {
    let Value::Record(fields) = value else {
        panic!("{value:?} is no record")
    };
    fields
        .into_iter()
        .map(|(name, value)| match value {
            Value::Union(_, value) => (name, *value),
            value => (name, value),
        })
        .collect()
}

fn long(row: &Row, column: &str) -> i64 {
    match &row[column] {
        Value::Long(value) => *value,
        other => panic!("{column} is {other:?}"),
    }
}

fn key(id: i64) -> Vec<u8> {
    id.to_be_bytes().to_vec()
}

/// Sends records of these numbers through an instance.
fn send(instance: &mut Lines, from: u64, to: u64) {
    instance.say(&format!("send {from} {to}"));
    instance.expect(&format!("sent {to}"), LIMIT);
}

fn until(instance: &mut Lines, what: &str) {
    instance.say(&format!("until {what}"));
    instance.expect(what, LIMIT);
}

/// Whether the journal still tells the order in which all records were taken.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Told,
    Forgotten,
}

/// Holds every result against what one run over all the records makes, each told once. In every list of a customer's orders
/// those stand first that stood in the one told before: the order in which one owner took them is the next one's.
async fn check(application: &Application, records: u64, kept: Order) -> Result<(), String> {
    let seed = application.seed;
    let orders = || (0..records).map(|number| order(seed, number));
    let paid: BTreeMap<i64, i64> = (0..records)
        .filter_map(|number| payment(seed, number))
        .map(|payment| (payment.id, payment.amount))
        .collect();

    let told = application.told::<Paid>("").await;
    let ids: BTreeSet<Vec<u8>> = paid.keys().map(|id| key(*id)).collect();
    same("paid", &told.keys().cloned().collect(), &ids)?;
    once("paid", &told)?;

    let told = application.told::<Large>("").await;
    let large = orders().filter(|order| order.amount >= 50);
    let ids: BTreeSet<Vec<u8>> = large.map(|order| key(order.id)).collect();
    same("large", &told.keys().cloned().collect(), &ids)?;
    once("large", &told)?;

    // Of each change one result at most, and the last is the last.
    let told = application.told::<Trusted>("").await;
    let mut expected: BTreeMap<Vec<u8>, Vec<Option<i64>>> = BTreeMap::new();
    for number in 0..records {
        let Customer { id, credit } = customer(seed, number);
        let of_key = expected.entry(key(id)).or_default();
        let shown = of_key.last().is_some_and(Option::is_some);
        match credit > 0 {
            true => of_key.push(Some(credit)),
            false if shown => of_key.push(None),
            false => {}
        }
    }
    expected.retain(|_, changes| !changes.is_empty());
    let told: BTreeMap<Vec<u8>, Vec<Option<i64>>> = told
        .into_iter()
        .map(|(key, rows)| {
            let credits = rows
                .iter()
                .map(|row| row.as_ref().map(|row| long(row, "CREDIT")));
            (key, credits.collect())
        })
        .collect();
    same("trusted", &told, &expected)?;

    let told = application.told::<History>("").await;
    let mut listed = 0;
    for (customer, lists) in &told {
        let mut before: Vec<Value> = Vec::new();
        for list in lists {
            let list = list.as_ref().ok_or("a history is deleted")?;
            let Value::Array(list) = &list["ORDERS"] else {
                return Err(format!("{:?} is no list", list["ORDERS"]));
            };
            let follows = list.starts_with(&before) || kept == Order::Forgotten;
            if list.len() <= before.len() || !follows {
                return Err(format!(
                    "the history of {customer:?} was {before:?} and is {list:?} then"
                ));
            }
            before.clone_from(list);
        }
        listed += before.len();
    }
    same("orders in histories", &(listed as u64), &records)?;

    // Windows of a customer together, for it depends on the hour in how many the orders lie.
    let told = application.told::<Turnover>("_60min").await;
    let mut turnover: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for (window, rows) in &told {
        grows("turnover", window, rows)?;
        let row = rows.last().and_then(Option::as_ref).ok_or("a row")?;
        let id = i64::from_be_bytes(window[..8].try_into().map_err(|_| "a key")?);
        let sums = turnover.entry(id).or_default();
        *sums = (sums.0 + long(row, "COUNT"), sums.1 + long(row, "SUM"));
    }
    let mut expected: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for order in orders() {
        let sums = expected.entry(order.customer).or_default();
        *sums = (sums.0 + 1, sums.1 + order.amount);
    }
    same("turnover", &turnover, &expected)?;

    let told = application.told::<Spent>("").await;
    let mut spent: BTreeMap<Vec<u8>, (i64, i64)> = BTreeMap::new();
    for (customer, rows) in &told {
        grows("spent", customer, rows)?;
        let row = rows.last().and_then(Option::as_ref).ok_or("a row")?;
        spent.insert(customer.clone(), (long(row, "COUNT"), long(row, "SUM")));
    }
    let mut expected: BTreeMap<Vec<u8>, (i64, i64)> = BTreeMap::new();
    for order in orders() {
        if let Some(amount) = paid.get(&order.id) {
            let sums = expected.entry(key(order.customer)).or_default();
            *sums = (sums.0 + 1, sums.1 + amount);
        }
    }
    same("spent", &spent, &expected)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, expected: &T) -> Result<(), String> {
    match is == expected {
        true => Ok(()),
        false => Err(format!("{what}: {is:?}\nexpected {expected:?}")),
    }
}

fn once(what: &str, told: &BTreeMap<Vec<u8>, Vec<Option<Row>>>) -> Result<(), String> {
    match told.iter().find(|(_, rows)| rows.len() != 1) {
        None => Ok(()),
        Some((key, rows)) => Err(format!("{what} of {key:?} is told {} times", rows.len())),
    }
}

/// A count that is told again, or less than before, was told by two.
fn grows(what: &str, key: &[u8], rows: &[Option<Row>]) -> Result<(), String> {
    let counts: Vec<i64> = rows
        .iter()
        .flatten()
        .map(|row| long(row, "COUNT"))
        .collect();
    match counts.windows(2).all(|pair| pair[0] < pair[1]) {
        true => Ok(()),
        false => Err(format!("{what} of {key:?} was told as {counts:?}")),
    }
}

async fn expect_all(application: &Application, records: u64) {
    expect_in(application, records, Order::Told).await;
}

async fn expect_in(application: &Application, records: u64, order: Order) {
    if let Err(differs) = check(application, records, order).await {
        let shown: String = differs.chars().take(3_000).collect();
        panic!("{shown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_instances_one_writes_each_result_once_and_an_orderly_end_hands_over() {
    let Some(application) = Application::new(test_name!()) else {
        return;
    };
    let mut owner = application.instance("a");
    until(&mut owner, "owner");
    let mut other = application.instance("b");
    until(&mut other, "stand-by");
    // Whoever adds: the owner takes it.
    send(&mut other, 0, PART);
    until(&mut other, "caught");
    expect_all(&application, PART).await;

    owner.say("stop");
    owner.expect("ended", LIMIT);
    let began = Instant::now();
    until(&mut other, "owner");
    eprintln!("an orderly end hands over in {:?}", began.elapsed());
    assert!(owner.ended(LIMIT).0.success());
    send(&mut other, PART, 2 * PART);
    until(&mut other, "caught");
    expect_all(&application, 2 * PART).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_owner_is_followed_by_another_with_the_results_of_a_run_without_kills() {
    let Some(application) = Application::new(test_name!()).map(Application::missed_soon) else {
        return;
    };
    let kills = number("KSQL_TEST_OWNERS", 5);
    let mut report = Report::new("owners", application.seed);
    let mut owner = application.instance("0");
    until(&mut owner, "owner");
    let mut sent = 0;
    let (mut shortest, mut longest) = (Duration::MAX, Duration::ZERO);
    for kill in 1..=kills {
        let mut next = application.instance(&kill.to_string());
        until(&mut next, "stand-by");
        send(&mut next, sent, sent + PART);
        sent += PART;
        // While what was sent last is being taken in.
        owner.kill(|_| ());
        let began = Instant::now();
        send(&mut next, sent, sent + PART);
        sent += PART;
        until(&mut next, "owner");
        let took = began.elapsed();
        eprintln!("kill {kill}: taken over after {took:?}");
        (shortest, longest) = (shortest.min(took), longest.max(took));
        owner = next;
        report.pass();
    }
    until(&mut owner, "caught");
    expect_all(&application, sent).await;
    report.count("records", sent);
    report.count("kills", kills);
    report.count("shortest_takeover_ms", shortest.as_millis() as u64);
    report.count("longest_takeover_ms", longest.as_millis() as u64);
    assert!(shortest < FOLLOWED, "{shortest:?}");
    assert!(longest < Duration::from_secs(60), "{longest:?}");
}

/// Reads what is told of large orders from now on until the result of an order from this number on; each partition from where
/// it ended when this was called first.
struct FirstResult {
    reader: ksql_runtime::log::LogReader,
}

impl FirstResult {
    async fn after_now(application: &Application) -> FirstResult {
        let (log, topic) = (application.log(), format!("{}large", application.prefix));
        let ends = log.all_offsets(&topic).await.expect("the ends");
        let from: Vec<(i32, i64)> = (0..).zip(ends.iter().map(|offsets| offsets.end)).collect();
        FirstResult {
            reader: log.reader(&topic, &from).expect("a reader"),
        }
    }

    fn of_an_order_from(mut self, number: u64) -> Instant {
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < LIMIT, "no result in {LIMIT:?}");
            let fetched = match self.reader.poll(Duration::from_millis(100)) {
                Ok(Some(fetched)) => fetched,
                // A connection that is lost is made again.
                Ok(None) | Err(LogError::Unreachable { .. }) => continue,
                Err(failed) => panic!("{failed:?}"),
            };
            let is_late = |key: Option<&[u8]>| {
                let key = key.and_then(|key| key.try_into().ok()).expect("an id");
                i64::from_be_bytes(key).cast_unsigned() >= number
            };
            if (&fetched).into_iter().any(|record| is_late(record.key)) {
                return Instant::now();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures, and waits for the time-outs that a program has by itself: alone on a machine, some ten seconds a kill"]
async fn a_killed_owner_is_followed_with_the_time_outs_of_a_program_that_sets_none() {
    let Some(application) = Application::new(test_name!()).map(Application::plain) else {
        return;
    };
    let kills = number("KSQL_TEST_TAKEOVERS", 3);
    let mut owner = application.instance("0");
    until(&mut owner, "owner");
    let (mut sent, mut all) = (0, Vec::new());
    for kill in 1..=kills {
        let mut next = application.instance(&kill.to_string());
        until(&mut next, "stand-by");
        send(&mut next, sent, sent + PART);
        sent += PART;
        let results = FirstResult::after_now(&application).await;
        // While what was sent last is being taken in. What is sent behind that the killed one tells nothing of.
        owner.kill(|_| ());
        let began = Instant::now();
        let first = tokio::task::spawn_blocking(move || results.of_an_order_from(sent));
        send(&mut next, sent, sent + PART);
        sent += PART;
        until(&mut next, "owner");
        let owned = began.elapsed();
        let took = first.await.expect("a result").duration_since(began);
        eprintln!("kill {kill}: an owner after {owned:.2?}, its first result after {took:.2?}");
        all.push(took);
        owner = next;
    }
    until(&mut owner, "caught");
    expect_all(&application, sent).await;
    all.sort_unstable();
    eprintln!("{kills} kills: the first result after {all:.2?}");
    // The group misses nobody sooner than it was told to; and there is little to do beside.
    for took in all {
        assert!(took > Duration::from_secs(3), "{took:?}");
        assert!(took < FOLLOWED, "{took:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_slept_while_another_took_over_writes_nothing() {
    let Some(application) = Application::new(test_name!()) else {
        return;
    };
    let mut sleeper = application.instance("a");
    until(&mut sleeper, "owner");
    let mut other = application.instance("b");
    until(&mut other, "stand-by");
    send(&mut other, 0, PART);
    sleeper.signal("STOP");
    // What it would take in when it wakes up, and the other one has told by then.
    send(&mut other, PART, 2 * PART);
    until(&mut other, "owner");
    until(&mut other, "caught");
    sleeper.signal("CONT");
    until(&mut sleeper, "stand-by");
    send(&mut other, 2 * PART, 3 * PART);
    until(&mut other, "caught");
    until(&mut sleeper, "caught");
    expect_all(&application, 3 * PART).await;

    // It forgot what it had taken: what it goes on from is what the other one told.
    other.kill(|_| ());
    send(&mut sleeper, 3 * PART, 4 * PART);
    until(&mut sleeper, "owner");
    until(&mut sleeper, "caught");
    expect_all(&application, 4 * PART).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_without_a_directory_goes_on_from_the_journal_and_the_inputs() {
    let Some(application) = Application::new(test_name!()) else {
        return;
    };
    let mut first = application.instance("a");
    until(&mut first, "owner");
    send(&mut first, 0, PART);
    until(&mut first, "caught");
    send(&mut first, PART, 2 * PART);
    first.kill(|_| ());
    // Nobody stood by.
    let mut second = application.instance("b");
    until(&mut second, "owner");
    send(&mut second, 2 * PART, 3 * PART);
    until(&mut second, "caught");
    expect_all(&application, 3 * PART).await;

    // And back in the old directory, which is behind now.
    second.kill(|_| ());
    let mut third = application.instance("a");
    until(&mut third, "owner");
    send(&mut third, 3 * PART, 4 * PART);
    until(&mut third, "caught");
    expect_all(&application, 4 * PART).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_is_refused_once_another_began_with_its_id_and_asks_the_group_who_owns() {
    let Some(application) = Application::new(test_name!()) else {
        return;
    };
    let mut owner = application.instance_that_logs("a", "ksql_runtime::log::kafka=info");
    until(&mut owner, "owner");
    send(&mut owner, 0, PART);
    // In the middle of its work, as a new owner would.
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &application.bootstrap).set(
        "transactional.id",
        format!("{}system.shop.owner", application.prefix),
    );
    let usurper: BaseProducer = config.create().expect("a producer");
    let began = tokio::task::spawn_blocking(move || usurper.init_transactions(LIMIT));
    began.await.expect("it is asked").expect("it begins");
    let mut lines = Vec::new();
    let last = format!("sent {}", 2 * PART);
    owner.say(&format!("send {PART} {}", 2 * PART));
    owner.read_until(&last, LIMIT, |line| lines.push(line.to_owned()));
    // It has something to write now, and is refused.
    let ended = "this instance owns the queries no more";
    if !lines.iter().any(|line| line.starts_with(ended)) {
        owner.read_until(ended, LIMIT, |line| lines.push(line.to_owned()));
    }
    let told = lines.iter().find(|line| line.starts_with(ended));
    assert!(
        told.is_some_and(|line| line.contains("fenced=true")),
        "{lines:?}"
    );
    until(&mut owner, "owner");
    until(&mut owner, "caught");
    expect_all(&application, 2 * PART).await;
}

/// Removes all notes of the owner but the last of each query, and what came behind: what compaction leaves at least.
async fn compact(application: &Application) {
    let topic = format!("{}system.shop.owner", application.prefix);
    let log = application.log();
    let end = log.offsets(&topic, 0).await.expect("offsets").end;
    let (reading, name) = (log.clone(), topic.clone());
    let last = tokio::task::spawn_blocking(move || {
        let mut reader = reading.reader(&name, &[(0, 0)]).expect("a reader");
        let mut last: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
        while reader.positions()[0].1 < end {
            let Some(fetched) = reader.poll(Duration::from_secs(1)).expect("a poll") else {
                continue;
            };
            for record in &fetched {
                last.insert(record.key.expect("a key").to_vec(), record.offset);
            }
        }
        last
    });
    let last = last.await.expect("it is read");
    assert_eq!(last.len(), 6, "a note of each query");
    let first = *last.values().min().expect("a note");
    assert!(first > 10, "there is something to remove");
    // A broker removes by offset only where something is deleted at all.
    let policy = |cleanup| TopicChange {
        cleanup: Some(cleanup),
        ..TopicChange::default()
    };
    let alter = async |cleanup| {
        log.alter_topic(&topic, &policy(cleanup))
            .await
            .expect("it is altered");
    };
    alter(Cleanup::Delete).await;
    let file = application.directories.path().join("offsets.json");
    let json = format!(
        r#"{{"partitions":[{{"topic":"{topic}","partition":0,"offset":{first}}}],"version":1}}"#
    );
    std::fs::write(&file, json).expect("a file");
    application.kafka.tool(
        "org.apache.kafka.tools.DeleteRecordsCommand",
        &["--offset-json-file", file.to_str().expect("a path")],
    );
    alter(Cleanup::Compact).await;
    let start = log.offsets(&topic, 0).await.expect("offsets").start;
    assert_eq!(start, first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_journal_is_compacted_an_instance_without_a_directory_tells_nothing_again() {
    let Some(application) = Application::new(test_name!()) else {
        return;
    };
    let mut first = application.instance("a");
    until(&mut first, "owner");
    for part in 0..4 {
        send(&mut first, part * PART, (part + 1) * PART);
        until(&mut first, "caught");
    }
    first.kill(|_| ());
    compact(&application).await;
    let mut second = application.instance("b");
    until(&mut second, "owner");
    send(&mut second, 4 * PART, 5 * PART);
    until(&mut second, "caught");
    expect_in(&application, 5 * PART, Order::Forgotten).await;
}

/// The query of another version.
mod later {
    use ksql_runtime::prelude::*;
    use ksql_runtime_tests::owners::{Large, Order};

    #[query]
    pub fn large(orders: Stream<Order>) -> Stream<Large> {
        orders.filter(|o| o.amount >= 20).map(|o| Large {
            id: o.id,
            amount: o.amount,
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_is_changed_makes_its_results_anew_and_so_does_one_that_is_changed_back() {
    let Some(application) = Application::new(test_name!()) else {
        return;
    };
    let start = async |changed: bool| {
        let builder = application.place.builder();
        let builder = match changed {
            true => builder.query(later::large),
            false => builder.query(large),
        };
        // Each version in a directory of its own, as on a machine of its own.
        let directory = application.directories.path().join(changed.to_string());
        let ctx = builder.state_dir(directory).start().await;
        let ctx = ctx.expect("it starts");
        ctx.wait_caught_up(LIMIT).await.expect("it catches up");
        ctx
    };
    let over = |least: i64| {
        let orders = (0..100).map(|number| order(application.seed, number));
        orders.filter(|order| order.amount >= least).count()
    };
    let count = async || -> usize {
        let told = application.told::<Large>("").await;
        told.values().map(Vec::len).sum()
    };
    let ctx = start(false).await;
    let orders = (0..100).map(|number| order(application.seed, number));
    let set = ctx.set::<ksql_runtime_tests::owners::Order>();
    set.add_all(orders).await.expect("they are added");
    ctx.wait_caught_up(LIMIT).await.expect("it catches up");
    ctx.shutdown().await.expect("it ends");
    let mut expected = over(50);
    assert_eq!(count().await, expected);
    for changed in [true, false, true] {
        for again in [false, true] {
            let ctx = start(changed).await;
            ctx.shutdown().await.expect("it ends");
            if !again {
                expected += over(if changed { 20 } else { 50 });
            }
            assert_eq!(count().await, expected, "changed {changed}, again {again}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_shows_the_topic_of_the_owner_and_queries_say_whose_they_are() {
    let Some(application) = Application::new(test_name!()) else {
        return;
    };
    let builder = |name: &str| {
        let directory = application.directories.path().join(name);
        with_queries(application.place.builder()).state_dir(directory)
    };
    let topic = format!("{}system.shop.owner", application.prefix);
    let plan = builder("a").plan().await.expect("a plan");
    let step = plan.steps.iter().find(|step| step.name == topic);
    let step = step.unwrap_or_else(|| panic!("{plan}"));
    assert_eq!((step.part, &step.action), (Part::Topic, &Action::Create));
    assert_eq!(
        step.definition,
        "partitions=1, replication=1, cleanup.policy=compact, retention.ms=-1"
    );

    let first = builder("a").start().await.expect("it starts");
    assert!(first.plan().await.expect("a plan").is_unchanged());
    let duties = |ctx: &Context| -> BTreeSet<String> {
        let queries = ctx.queries();
        queries.iter().map(|query| query.duty.to_string()).collect()
    };
    let owned = BTreeSet::from(["owner".to_owned()]);
    let began = Instant::now();
    while duties(&first) != owned {
        assert!(began.elapsed() < LIMIT, "{:?}", duties(&first));
        tokio::task::yield_now().await;
    }
    let second = builder("b").start().await.expect("it starts");
    for query in second.queries() {
        assert!(matches!(query.duty, QueryDuty::StandBy { .. }), "{query:?}");
    }
    second.shutdown().await.expect("it ends");
    assert_eq!(duties(&first), owned);
    first.shutdown().await.expect("it ends");
}
