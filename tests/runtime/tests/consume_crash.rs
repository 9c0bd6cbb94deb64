//! Consumers under kill -9, with real child processes (RT5, RT6): what is committed is finished, nothing is lost, nothing in front
//! of what is committed comes again and not much behind it, and every record that is none, or whose handler never works, is a
//! dead letter with the same bytes.
//!
//! `KSQL_TEST_CONSUMER_KILLS` sets how often, `KSQL_TEST_CONSUMER_RECORDS` of how many records in each run: the kills are spread
//! over them. 120 kills in 25,000 records are the long form of the one, about ten minutes, 50,000 records in each of the two modes
//! that of the other. `KSQL_TEST_SEED` varies it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ksql_runtime::log::{Header, Log, Record};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::consuming::{
    Fate, GROUP, LIMIT, Payment, Said, Site, committed, fate, payment,
};
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::test_name;
use ksql_runtime_tests::topics::whole;
use ksql_runtime_tests::workload::mix;
use tokio::task::JoinSet;

const CHILD: &str = env!("CARGO_BIN_EXE_consume_child");
/// Producers of the records, which wait for their own acknowledgements alone.
const PRODUCERS: i64 = 32;

const KIB: usize = 1024;
/// What all records of a run that is killed take, however many there are: many times what is read ahead of them.
const TOPIC: usize = 64 * KIB * KIB;

/// How far handlers get behind what is committed of a partition, in bytes of values; only that comes again after a kill.
///
/// A commit finds in memory what the child has read ahead of it, and one fetch more: it is read while less than that is held, and
/// a record that is not finished holds its fetch. A fetch ends behind the batch that reaches 1 MiB, which has one record of
/// each producer at most. Until the next commit as much again can come: one thread reads and commits, in turn, every
/// 2 ms, and reads nothing while it waits for the answer. How many handlers there are changes nothing: what the slowest of
/// them has before it stays in memory.
fn uncommitted(record: usize) -> usize {
    const READ_AHEAD: usize = 256 * KIB;
    let fetch = 1024 * KIB + PRODUCERS as usize * record;
    2 * (READ_AHEAD + fetch)
}

/// A record as it lies in a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Bytes {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

async fn read(log: &Log, topic: &str) -> BTreeMap<(i32, i64), Bytes> {
    let all = whole(log, topic, |partition, record| {
        let headers = record
            .headers
            .map(|header| (header.name.to_owned(), header.value.map(<[u8]>::to_vec)));
        let bytes = Bytes {
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: headers.collect(),
        };
        ((partition, record.offset), bytes)
    });
    all.await.into_iter().collect()
}

/// Fills the topic with records of about this size: one in a hundred is none, in five ways. Says which records are to be dead
/// letters.
async fn fill(ctx: &Context, seed: u64, records: i64, size: usize) -> BTreeSet<(i32, i64)> {
    let topic = ctx.set::<Payment>().topic().expect("a topic").to_owned();
    let schema = ctx
        .registry()
        .register(&format!("{topic}-value"), Payment::VALUE_SCHEMA)
        .await
        .expect("a schema");
    let mut producers = JoinSet::new();
    for first in 0..PRODUCERS {
        let (ctx, topic) = (ctx.clone(), topic.clone());
        producers.spawn(async move {
            let mut letters = BTreeSet::new();
            for n in (first..records).step_by(PRODUCERS as usize) {
                letters.extend(produced(&ctx, &topic, schema, seed, n, size).await);
            }
            letters
        });
    }
    producers.join_all().await.into_iter().flatten().collect()
}

/// A text of this length that is no shorter where it is compressed.
fn note(n: i64, size: usize) -> String {
    let parts = (0..size as u64 / 16).map(|part| format!("{:016x}", mix(n.cast_unsigned(), part)));
    parts.collect()
}

/// Produces a record; says where it lies if it is to be a dead letter.
async fn produced(
    ctx: &Context,
    topic: &str,
    schema: u32,
    seed: u64,
    n: i64,
    size: usize,
) -> Option<(i32, i64)> {
    let headers = [
        Header::new("trace", b"\x00\xff"),
        Header {
            name: "empty",
            value: None,
        },
    ];
    let mut payment = payment((mix(seed, n.cast_unsigned()) % 300).cast_signed(), n);
    payment.note = note(n, size);
    let (mut key, mut value) = (Vec::new(), vec![0]);
    payment.encode_key(0, &mut key).expect("a key");
    value.extend(schema.to_be_bytes());
    payment.encode_value(&mut value).expect("a value");
    let foreign = [&[0, 0, 9, 9, 9][..], &value].concat();
    let (key, value, poison) = match n % 500 {
        99 => (None, Some(&value[..]), true),
        199 => (Some(&b"four"[..3]), Some(&value[..]), true),
        299 => (Some(&key[..]), Some(&value[..6]), true),
        399 => (Some(&key[..]), Some(&b"{\"text\": 1}"[..]), true),
        499 => (Some(&key[..]), Some(&foreign[..]), true),
        _ => (Some(&key[..]), Some(&value[..]), false),
    };
    let record = Record::new(key, value, ctx.clock().now_ms()).headers(&headers);
    let receipt = ctx.log().produce(topic, record).await.expect("produced");
    let fails = poison || matches!(fate(seed, n), Fate::Fails | Fate::Panics);
    fails.then_some((receipt.partition, receipt.offset))
}

/// The dead letters by whose they are: each holds the bytes and the headers of its record, and its copies are the same but for
/// when they were made.
async fn written(
    log: &Log,
    dlq: &str,
    sources: &BTreeMap<(i32, i64), Bytes>,
) -> BTreeMap<(i32, i64), Vec<Bytes>> {
    let mut found: BTreeMap<(i32, i64), Vec<Bytes>> = BTreeMap::new();
    for mut letter in read(log, dlq).await.into_values() {
        let header = |name: &str| -> i64 {
            let value = letter.headers.iter().find(|(known, _)| known == name);
            let value = value.and_then(|(_, value)| value.clone()).expect(name);
            String::from_utf8(value)
                .expect("text")
                .parse()
                .expect("a number")
        };
        let place = (
            i32::try_from(header("__dlq.errors.partition")).expect("a partition"),
            header("__dlq.errors.offset"),
        );
        let source = sources
            .get(&place)
            .unwrap_or_else(|| panic!("nothing at {place:?}"));
        assert_eq!((&letter.key, &letter.value), (&source.key, &source.value));
        assert_eq!(letter.headers[..source.headers.len()], source.headers[..]);
        letter
            .headers
            .retain(|(name, _)| name != "__dlq.errors.failed.at");
        let copies = found.entry(place).or_default();
        if let Some(first) = copies.first() {
            assert_eq!(&letter, first, "{place:?}");
        }
        copies.push(letter);
    }
    found
}

/// Of each partition how many bytes there are from what is committed up to the last record that was handled.
fn behind(committed: &[i64], said: &Said, sources: &BTreeMap<(i32, i64), Bytes>) -> Vec<usize> {
    let open = (0..).zip(committed).map(|(partition, committed)| {
        let from = (partition, *committed);
        let handled = said.handled.range(from..(partition + 1, 0));
        let Some((last, _)) = handled.last() else {
            return 0;
        };
        let between = sources.range(from..=*last);
        between
            .map(|(_, bytes)| bytes.value.as_ref().map_or(0, Vec::len))
            .sum()
    });
    open.collect()
}

fn child(site: &Site, arguments: &[&str]) -> Lines {
    let (directory, environment) = site.child();
    Lines::start_in(CHILD, arguments, &directory, &environment)
}

async fn killed(site: &Site, mode: &str) {
    let (seed, kills) = (seed(), number("KSQL_TEST_CONSUMER_KILLS", 4));
    let records = number("KSQL_TEST_CONSUMER_RECORDS", 4000);
    let mut report = Report::new(&format!("RT5 and RT6, {mode}, {}", site.name()), seed);
    let ctx = site.open().await;
    let topic = ctx.set::<Payment>().topic().expect("a topic").to_owned();
    let dlq = site.dead_letters();
    let size = TOPIC / records as usize;
    let letters = fill(&ctx, seed, records.cast_signed(), size).await;
    let sources = read(ctx.log(), &topic).await;
    let mut held = Some(ctx);
    let (mut said, mut killed) = (Said::default(), 0);
    // What was committed at the last kill, and how many dead letters there were then of each record.
    let (mut kept, mut lettered) = (vec![0; 4], BTreeMap::new());
    let (mut most_again, mut most_behind) = (0, 0);
    for kill in 0..=kills {
        said.next();
        // The embedded log has one owner at a time.
        if let Some(ctx) = held.take_if(|_| site.is_embedded()) {
            ctx.shutdown().await.expect("a clean end");
        }
        let mut child = child(site, &[mode, &seed.to_string()]);
        if kill < kills && !said.done {
            // One share of the records on average, so that there is work at the last kill too.
            let mut left = 1 + mix(seed, kill) % (2 * records / (kills + 1)).max(1);
            // Where all was handled by the one before, it is soon done.
            while let Some(line) = child.next(LIMIT) {
                said.hear(&line);
                left -= u64::from(line.starts_with("handled "));
                if left == 0 || line == "done" {
                    break;
                }
            }
            let time = Duration::from_micros(mix(seed, kill) % 20_000);
            child.kill_after(time, |line| said.hear(line));
            killed += 1;
        } else {
            said.done = false;
            let (status, _) = child.ended_after(LIMIT, |line| said.hear(line));
            assert!(status.success() && said.done, "{:?}", said.refused);
        }
        assert_eq!(said.refused, Vec::<String>::new());
        let ctx = match held.take() {
            Some(ctx) => ctx,
            None => site.open().await,
        };
        let all = committed(&ctx, GROUP, &topic).await;
        let all: Vec<i64> = all.into_iter().map(Option::unwrap_or_default).collect();
        let written = written(ctx.log(), &dlq, &sources).await;
        // Nothing in front of what was committed at the kill before came again: no record, and no dead letter.
        for (partition, offset) in &said.again {
            assert!(
                *offset >= kept[*partition as usize],
                "kill {kill}: {offset} of {partition} was committed, and came again"
            );
        }
        for (place, copies) in &lettered {
            let (partition, offset): &(i32, i64) = place;
            assert!(
                *offset >= kept[*partition as usize] || written[place].len() == *copies,
                "kill {kill}: {place:?} was committed, and is a dead letter again"
            );
        }
        lettered = written
            .iter()
            .map(|(place, copies)| (*place, copies.len()))
            .collect();
        // What a consumer took for committed stays so.
        for (partition, told) in &said.committed {
            let now = all[*partition as usize];
            assert!(
                now >= *told,
                "kill {kill}: {told} of {partition} was committed, and now {now} is"
            );
        }
        for (now, before) in all.iter().zip(&kept) {
            assert!(now >= before, "kill {kill}: {all:?} after {kept:?}");
        }
        // And behind it no more comes again than was on its way.
        for (partition, bytes) in behind(&all, &said, &sources).into_iter().enumerate() {
            most_behind = most_behind.max(bytes);
            assert!(
                bytes <= uncommitted(size),
                "kill {kill}: {bytes} bytes of {partition} behind {} are handled and not committed",
                all[partition]
            );
        }
        most_again = most_again.max(said.again.len());
        kept.clone_from(&all);
        // What is committed is finished: handled, or a dead letter.
        for (partition, committed) in (0..).zip(all) {
            for offset in 0..committed {
                let place = (partition, offset);
                assert!(
                    said.handled.contains_key(&place) || written.contains_key(&place),
                    "kill {kill}: {place:?} is committed and not finished"
                );
            }
        }
        for place in &said.unhandled {
            assert!(
                letters.contains(place) && written.contains_key(place),
                "kill {kill}: {place:?} was committed before it was finished"
            );
        }
        for place in written.keys() {
            assert!(
                letters.contains(place),
                "{place:?} is a dead letter for no reason"
            );
        }
        held = Some(ctx);
        report.pass();
    }
    let ctx = held.take().expect("a context");
    let written = written(ctx.log(), &dlq, &sources).await;
    assert_eq!(written.keys().copied().collect::<BTreeSet<_>>(), letters);
    let handled: BTreeSet<(i32, i64)> = said.handled.keys().copied().collect();
    let good: BTreeSet<(i32, i64)> = sources
        .keys()
        .copied()
        .filter(|place| !letters.contains(place))
        .collect();
    assert_eq!(
        handled, good,
        "nothing is lost, and nothing handled that is none"
    );
    let twice = said.handled.values().filter(|times| **times > 1).count();
    report.count("kills", killed);
    report.count("records", sources.len() as u64);
    report.count("dead_letters", letters.len() as u64);
    report.count("handled_again", twice as u64);
    report.count("most_again_after_a_kill", most_again as u64);
    report.count("most_bytes_behind_a_commit", most_behind as u64);
    report.count("bytes_behind_a_commit_at_most", uncommitted(size) as u64);
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_consumer_commits_nothing_unfinished_and_loses_nothing() {
    for mode in ["automatic", "manual"] {
        killed(&Site::embedded(), mode).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_on_kafka() {
    for mode in ["automatic", "manual"] {
        if let Some(site) = Site::kafka(test_name!()) {
            killed(&site, mode).await;
        }
    }
}

/// A child that commits nothing by itself is killed as soon as a reader of the dead letters has seen all there are to be: between
/// their acknowledgement and the commit of their records.
async fn killed_between(site: &Site, mode: &str) {
    const RECORDS: i64 = 500;
    let seed = seed();
    let ctx = site.open().await;
    let topic = ctx.set::<Payment>().topic().expect("a topic").to_owned();
    let dlq = site.dead_letters();
    let letters = fill(&ctx, seed, RECORDS, 16).await;
    assert!(letters.len() >= 5, "one of each kind: {letters:?}");
    let sources = read(ctx.log(), &topic).await;
    let mut held = Some(ctx);
    if let Some(ctx) = held.take_if(|_| site.is_embedded()) {
        ctx.shutdown().await.expect("a clean end");
    }
    let (mut before, mut seen) = (Said::default(), BTreeSet::new());
    let mut first = child(site, &[mode, &seed.to_string(), "never"]);
    while seen != letters {
        let line = first.next(LIMIT).expect("every dead letter is seen");
        match line.strip_prefix("lettered ") {
            None => before.hear(&line),
            Some(place) => {
                let (partition, offset) = place.split_once(' ').expect("two numbers");
                let number = |text: &str| text.parse::<i64>().expect("a number");
                let partition = i32::try_from(number(partition)).expect("a partition");
                seen.insert((partition, number(offset)));
            }
        }
    }
    first.kill(|line| match line.starts_with("lettered ") {
        true => {}
        false => before.hear(line),
    });
    assert_eq!(before.refused, Vec::<String>::new());
    let ctx = match held.take() {
        Some(ctx) => ctx,
        None => site.open().await,
    };
    let once = written(ctx.log(), &dlq, &sources).await;
    assert_eq!(once.keys().copied().collect::<BTreeSet<_>>(), letters);
    for committed in committed(&ctx, GROUP, &topic).await {
        assert_eq!(committed.unwrap_or(0), 0, "no record was passed");
    }
    let mut held = Some(ctx);
    if let Some(ctx) = held.take_if(|_| site.is_embedded()) {
        ctx.shutdown().await.expect("a clean end");
    }
    let mut after = Said::default();
    let second = child(site, &[mode, &seed.to_string()]);
    let (status, _) = second.ended_after(LIMIT, |line| after.hear(line));
    assert!(status.success() && after.done, "{:?}", after.refused);
    let ctx = match held.take() {
        Some(ctx) => ctx,
        None => site.open().await,
    };
    let twice = written(ctx.log(), &dlq, &sources).await;
    assert_eq!(twice.keys().copied().collect::<BTreeSet<_>>(), letters);
    for (place, copies) in &twice {
        let times = copies.len();
        assert!(
            times >= 2,
            "{place:?} failed again and is there {times} times"
        );
    }
    let good = sources.len() - letters.len();
    assert_eq!(after.handled.len(), good, "every other record comes again");
    for (partition, committed) in (0..).zip(committed(&ctx, GROUP, &topic).await) {
        for offset in 0..committed.unwrap_or(0) {
            let place = (partition, offset);
            assert!(
                after.handled.contains_key(&place) || letters.contains(&place),
                "{place:?} is committed and not finished"
            );
        }
    }
    let mut report = Report::new(
        &format!("RT6 between letter and commit, {mode}, {}", site.name()),
        seed,
    );
    report.pass();
    report.count("dead_letters", letters.len() as u64);
    report.count("handled_before", before.handled.len() as u64);
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_a_dead_letter_and_its_commit_repeats_the_letter_and_loses_nothing() {
    for mode in ["automatic", "manual"] {
        killed_between(&Site::embedded(), mode).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_a_dead_letter_and_its_commit_repeats_the_letter_on_kafka_too() {
    for mode in ["automatic", "manual"] {
        if let Some(site) = Site::kafka(test_name!()) {
            killed_between(&site, mode).await;
        }
    }
}
