//! Consumers under kill -9, with real child processes (RT5, RT6): what is committed is finished, nothing is lost, and every
//! record that is none, or whose handler never works, is a dead letter with the same bytes.
//!
//! `KSQL_TEST_CONSUMER_KILLS` sets how often (20 is the long form); `KSQL_TEST_SEED` varies it.

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

const CHILD: &str = env!("CARGO_BIN_EXE_consume_child");
const RECORDS: i64 = 4_000;

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

/// Fills the topic: one record in a hundred is none, in five ways. Says which records are to be dead letters.
async fn fill(ctx: &Context, seed: u64) -> BTreeSet<(i32, i64)> {
    let topic = ctx.set::<Payment>().topic().expect("a topic").to_owned();
    let schema = ctx
        .registry()
        .register(&format!("{topic}-value"), Payment::VALUE_SCHEMA)
        .await
        .expect("a schema");
    let mut letters = BTreeSet::new();
    let headers = [
        Header::new("trace", b"\x00\xff"),
        Header {
            name: "empty",
            value: None,
        },
    ];
    for n in 0..RECORDS {
        let payment = payment((mix(seed, n.cast_unsigned()) % 300).cast_signed(), n);
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
        let receipt = ctx.log().produce(&topic, record).await.expect("produced");
        if poison || matches!(fate(seed, n), Fate::Fails | Fate::Panics) {
            letters.insert((receipt.partition, receipt.offset));
        }
    }
    letters
}

/// The dead letters: whose they are, and how often each was written.
async fn written(
    log: &Log,
    dlq: &str,
    sources: &BTreeMap<(i32, i64), Bytes>,
) -> BTreeMap<(i32, i64), usize> {
    let mut found = BTreeMap::new();
    for letter in read(log, dlq).await.into_values() {
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
        *found.entry(place).or_default() += 1;
    }
    found
}

async fn killed(site: &Site, mode: &str) {
    let (seed, kills) = (seed(), number("KSQL_TEST_CONSUMER_KILLS", 4));
    let mut report = Report::new(&format!("RT5 and RT6, {mode}, {}", site.name()), seed);
    let ctx = site.open().await;
    let topic = ctx.set::<Payment>().topic().expect("a topic").to_owned();
    let dlq = site.dead_letters();
    let letters = fill(&ctx, seed).await;
    let sources = read(ctx.log(), &topic).await;
    let mut held = Some(ctx);
    let mut said = Said::default();
    for kill in 0..=kills {
        // The embedded log has one owner at a time.
        if let Some(ctx) = held.take_if(|_| site.is_embedded()) {
            ctx.shutdown().await.expect("a clean end");
        }
        let (directory, environment) = site.child();
        let arguments = [mode, &seed.to_string()];
        let mut child = Lines::start_in(CHILD, &arguments, &directory, &environment);
        if kill < kills && !said.done {
            // Where all was handled by the one before, it is soon done.
            while let Some(line) = child.next(LIMIT) {
                said.hear(&line);
                if line.starts_with("handled ") || line == "done" {
                    break;
                }
            }
            let time = Duration::from_micros(mix(seed, kill) % 400_000);
            child.kill_after(time, |line| said.hear(line));
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
        let written = written(ctx.log(), &dlq, &sources).await;
        // What is committed is finished: handled, or a dead letter.
        for (partition, committed) in (0..).zip(committed(&ctx, GROUP, &topic).await) {
            for offset in 0..committed.unwrap_or(0) {
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
    report.count("kills", kills);
    report.count("records", sources.len() as u64);
    report.count("dead_letters", letters.len() as u64);
    report.count("handled_again", twice as u64);
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
