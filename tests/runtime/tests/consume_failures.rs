//! Every combination of policy, failure and commit mode of `docs/consuming.md`: the table is read from the page, and each of
//! its cells is tried on the embedded log and on Kafka, many at a time, each with a group of its own. A cell that a class of
//! errors decides is tried with its policy said for that class, the same above a contrary one for all errors, and for all errors.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ksql_runtime::consume::{
    BoxError, Consumer, Counters, Ended, ErrorClass, ForEach, HandlerError, Message, OnDecodeError,
    OnError, Outcome, Settled,
};
use ksql_runtime::error::Error;
use ksql_runtime::log::RecordRef;
use ksql_runtime::prelude::*;
use ksql_runtime_tests::consuming::{LIMIT, Seen, Site, Transfer, committed, produce, transfer};
use ksql_runtime_tests::test_name;
use ksql_runtime_tests::topics::whole;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const PAGE: &str = include_str!("../../../docs/consuming.md");

/// A cell of the table: one combination, and what the page says of it.
#[derive(Debug, Clone)]
struct Cell {
    failure: String,
    manual: bool,
    policy: String,
    retry: Option<u32>,
    attempts: String,
    record: String,
    committed: String,
    consumer: String,
    counted: BTreeMap<String, u64>,
}

fn cells() -> Vec<Cell> {
    let table = PAGE
        .split_once("### Every combination")
        .expect("the chapter")
        .1;
    let rows = table
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .take_while(|line| line.matches('|').count() == 10);
    let mut cells = Vec::new();
    for row in rows {
        let columns: Vec<&str> = row.split('|').map(str::trim).collect();
        let [
            _,
            failures,
            modes,
            policies,
            retries,
            attempts,
            record,
            committed,
            consumer,
            counted,
            _,
        ] = columns[..]
        else {
            panic!("a row of nine columns: {row}");
        };
        let counted: BTreeMap<String, u64> = counted
            .split(", ")
            .filter_map(|one| one.split_once(' '))
            .map(|(name, number)| (name.to_owned(), number.parse().expect("a number")))
            .collect();
        for failure in failures.split(", ") {
            for mode in modes.split(", ") {
                for policy in policies.split(", ") {
                    for retry in retries.split(", ") {
                        cells.push(Cell {
                            failure: failure.to_owned(),
                            manual: match mode {
                                "automatic" => false,
                                "manual" => true,
                                other => panic!("no mode of commit `{other}`"),
                            },
                            policy: policy.to_owned(),
                            retry: match retry {
                                "none" => None,
                                number => Some(number.parse().expect("a number")),
                            },
                            attempts: attempts.to_owned(),
                            record: record.to_owned(),
                            committed: committed.to_owned(),
                            consumer: consumer.to_owned(),
                            counted: counted.clone(),
                        });
                    }
                }
            }
        }
    }
    cells
}

/// Failures of a handler with automatic or manual commit.
const EITHER: [&str; 7] = [
    "record",
    "transient",
    "fatal",
    "panic",
    "time-out",
    "retry",
    "retry after",
];

/// Outcomes of a handler that does not settle by hand: which policy there is has no say in them.
const AUTOMATIC: [&str; 2] = ["skip", "dlq"];

/// Failures of a handler that had settled its message by hand.
const MANUAL: [&str; 6] = [
    "error behind commit",
    "panic behind commit",
    "time-out behind commit",
    "error behind retry",
    "panic behind retry",
    "time-out behind retry",
];

/// What no handler gets to see: it would fail again, so there is no policy `Retry` for it.
const UNREADABLE: [&str; 5] = ["no key", "key", "value", "frame", "schema"];

const POLICIES: [&str; 4] = ["Stop", "Retry", "Dlq", "Skip"];

/// What a cell is about: failure, whether with manual commit, policy and attempts.
type Combination = (String, bool, String, Option<u32>);

/// Every combination there is.
fn combinations() -> BTreeSet<Combination> {
    let of = |failures: &[&str], modes: &[bool], policies: &[&str]| {
        let mut all = Vec::new();
        for failure in failures {
            for manual in modes {
                for policy in policies {
                    for retry in [None, Some(3)] {
                        all.push(((*failure).to_owned(), *manual, (*policy).to_owned(), retry));
                    }
                }
            }
        }
        all
    };
    let mut all = BTreeSet::new();
    all.extend(of(&EITHER, &[false, true], &POLICIES));
    all.extend(of(&AUTOMATIC, &[false], &POLICIES));
    all.extend(of(&MANUAL, &[true], &POLICIES));
    all.extend(of(&UNREADABLE, &[false, true], &["Stop", "Dlq", "Skip"]));
    all
}

#[test]
fn the_page_has_every_combination_once() {
    let mut wanted = combinations();
    let (mut unknown, mut twice) = (Vec::new(), Vec::new());
    let mut found = BTreeSet::new();
    for cell in cells() {
        let combination = (cell.failure, cell.manual, cell.policy, cell.retry);
        if !found.insert(combination.clone()) {
            twice.push(combination);
        } else if !wanted.remove(&combination) {
            unknown.push(combination);
        }
    }
    assert_eq!(twice, Vec::new(), "the page has them twice");
    assert_eq!(unknown, Vec::new(), "the page has them, and they are none");
    assert_eq!(wanted, BTreeSet::new(), "the page lacks them");
}

/// How often a handler fails that works at last.
const FAILURES: u32 = 3;

fn on_error(policy: &str) -> OnError {
    match policy {
        "Stop" => OnError::Stop,
        "Retry" => OnError::Retry,
        "Dlq" => OnError::Dlq,
        "Skip" => OnError::Skip,
        other => panic!("no policy `{other}`"),
    }
}

fn on_decode_error(policy: &str) -> OnDecodeError {
    match policy {
        "Stop" => OnDecodeError::Stop,
        "Dlq" => OnDecodeError::Dlq,
        "Skip" => OnDecodeError::Skip,
        other => panic!("no policy `{other}` for what cannot be read"),
    }
}

/// A failure, and what a handler did with its message before it failed.
fn parts(failure: &str) -> (&str, Option<&str>) {
    match failure.split_once(" behind ") {
        Some((failure, settled)) => (failure, Some(settled)),
        None => (failure, None),
    }
}

/// Which policy decides of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Class(ErrorClass),
    Panic,
    Decode,
    /// None is asked: the handler said what becomes of the record.
    Handler,
}

fn decides(failure: &str) -> By {
    match parts(failure) {
        ("skip" | "dlq", None) | (_, Some("commit")) => By::Handler,
        // That it asked for another attempt is what counts, however the attempt ended.
        ("retry" | "retry after", None) | (_, Some("retry")) => By::Class(ErrorClass::Transient),
        ("record", None) => By::Class(ErrorClass::Record),
        ("transient" | "time-out", None) => By::Class(ErrorClass::Transient),
        ("fatal", None) => By::Class(ErrorClass::Fatal),
        ("panic", None) => By::Panic,
        (unreadable, None) if UNREADABLE.contains(&unreadable) => By::Decode,
        _ => panic!("no failure `{failure}`"),
    }
}

/// Where the policy under test is said.
#[derive(Debug, Clone, Copy)]
enum Told {
    /// For this failure; nothing is said of any other.
    Alone,
    /// For this failure; the contrary for all others.
    Above,
    /// For all errors; the contrary for those of other classes and for panics.
    ForAll,
}

fn ways(by: By) -> &'static [Told] {
    match by {
        By::Class(_) => &[Told::Alone, Told::Above, Told::ForAll],
        By::Panic => &[Told::Alone, Told::Above],
        By::Decode | By::Handler => &[Told::Alone],
    }
}

/// A policy under which each cell would be another.
fn contrary(policy: &str) -> OnError {
    match policy {
        "Stop" | "Retry" => OnError::Skip,
        _ => OnError::Stop,
    }
}

/// A consumer with the policy under test where the failure belongs.
fn consumer(ctx: &Context, cell: &Cell, told: Told, group: &str) -> Consumer<Transfer> {
    let short = Duration::from_millis(1);
    let mut consumer = ctx.set::<Transfer>().consume().group(group);
    if let Some(attempts) = cell.retry {
        consumer = consumer.with_retry(attempts, short);
    }
    if parts(&cell.failure).0 == "time-out" {
        consumer = consumer.timeout(short);
    }
    let (policy, contrary) = (cell.policy.as_str(), contrary(&cell.policy));
    match (decides(&cell.failure), told) {
        (By::Class(class), Told::Alone) => consumer.on_error_of(class, on_error(policy)),
        // The one for all errors is said last, and does not win by that.
        (By::Class(class), Told::Above) => consumer
            .on_error_of(class, on_error(policy))
            .on_error(contrary)
            .on_panic(contrary),
        (By::Class(class), Told::ForAll) => {
            let all = [ErrorClass::Record, ErrorClass::Transient, ErrorClass::Fatal];
            let others = all.into_iter().filter(|other| *other != class);
            others.fold(
                consumer.on_error(on_error(policy)).on_panic(contrary),
                |consumer, other| consumer.on_error_of(other, contrary),
            )
        }
        (By::Panic, Told::Alone) => consumer.on_panic(on_error(policy)),
        (By::Panic, _) => consumer.on_panic(on_error(policy)).on_error(contrary),
        (By::Decode, _) => consumer.on_decode_error(on_decode_error(policy)),
        (By::Handler, _) => consumer
            .on_error(on_error(policy))
            .on_panic(on_error(policy)),
    }
}

fn error(failure: &str) -> HandlerError {
    let source: BoxError = "it does not work".into();
    match failure {
        "record" => HandlerError::record(source),
        "transient" => HandlerError::transient(source),
        "fatal" => HandlerError::fatal(source),
        other => panic!("no failure `{other}`"),
    }
}

/// What a handler that returns an outcome does with the record that fails.
async fn automatic(failure: String) -> Outcome {
    match failure.as_str() {
        "panic" => panic!("it does not work"),
        "time-out" => std::future::pending().await,
        "retry" => Outcome::retry(),
        "retry after" => Outcome::retry_after(Duration::from_millis(1)),
        "skip" => Outcome::skip(),
        "dlq" => Outcome::dlq("it does not work"),
        class => Outcome::Failed(error(class)),
    }
}

/// The same with manual commit.
async fn manual(failure: String, message: Message<Transfer>) -> Result<Settled, HandlerError> {
    let (failure, settled) = parts(&failure);
    let message = match settled {
        None => message,
        Some(how) => {
            let _settled = match how {
                "commit" => message.commit(),
                "retry" => message.negative_ack(),
                other => panic!("no way to settle `{other}`"),
            };
            return match failure {
                "panic" => panic!("it does not work"),
                "time-out" => std::future::pending().await,
                _ => Err(error("record")),
            };
        }
    };
    match failure {
        "panic" => panic!("it does not work"),
        "time-out" => std::future::pending().await,
        "retry" => Ok(message.negative_ack()),
        "retry after" => Ok(message.negative_ack_after(Duration::from_millis(1))),
        class => Err(error(class)),
    }
}

fn run(ctx: &Context, cell: &Cell, told: Told, group: &str, seen: &Seen<i64>) -> ForEach {
    let consumer = consumer(ctx, cell, told, group);
    let works_at_last = cell.attempts == "until it works";
    let tried = Arc::new(AtomicU32::new(0));
    let (failure, seen) = (cell.failure.clone(), seen.clone());
    // The second record fails, but for the last time where it is to work at last.
    let fails = move |number: i64| {
        number == 1 && {
            let before = tried.fetch_add(1, Ordering::SeqCst);
            !(works_at_last && before == FAILURES)
        }
    };
    if cell.manual {
        consumer.with_manual_commit().for_each(move |message| {
            seen.push(message.number);
            let (fails, failure) = (fails(message.number), failure.clone());
            async move {
                if fails {
                    manual(failure, message).await
                } else {
                    Ok::<_, HandlerError>(message.commit())
                }
            }
        })
    } else {
        use ksql_runtime::consume::Records as _;
        consumer.for_each(move |transfer: Transfer| {
            seen.push(transfer.number);
            let (fails, failure) = (fails(transfer.number), failure.clone());
            async move {
                if fails {
                    automatic(failure).await
                } else {
                    Outcome::done()
                }
            }
        })
    }
}

/// The topic of a cell: what cannot be read is the second of its records.
async fn fill(ctx: &Context, failure: &str) {
    let topic = ctx.set::<Transfer>().topic().expect("a topic").to_owned();
    let set = ctx.set::<Transfer>();
    set.add(transfer(1, 0)).await.expect("it is added");
    let (mut key, mut value) = (Vec::new(), Vec::new());
    transfer(1, 1).encode_key(0, &mut key).expect("a key");
    transfer(1, 1).encode_value(&mut value).expect("a value");
    let framed = |id: u32, body: &[u8]| {
        let mut bytes = vec![0];
        bytes.extend(id.to_be_bytes());
        bytes.extend(body);
        bytes
    };
    let subject = format!("{topic}-value");
    let schema = ctx
        .registry()
        .register(&subject, Transfer::VALUE_SCHEMA)
        .await
        .expect("a schema");
    let whole = framed(schema, &value);
    match failure {
        "no key" => produce(ctx, &topic, None, Some(&whole)).await,
        "key" => produce(ctx, &topic, Some(b"abc"), Some(&whole)).await,
        "value" => produce(ctx, &topic, Some(&key), Some(&framed(schema, &[0xff; 12]))).await,
        "frame" => produce(ctx, &topic, Some(&key), Some(b"text")).await,
        "schema" => produce(ctx, &topic, Some(&key), Some(&framed(987_654, &value))).await,
        _ => set.add(transfer(1, 1)).await.expect("it is added").offset,
    };
    set.add(transfer(1, 2)).await.expect("it is added");
}

fn count(counters: &Counters, name: &str) -> u64 {
    let found = counters.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no counter `{name}`")).1
}

async fn letters(ctx: &Context, dlq: &str, group: &str) -> usize {
    if ctx.log().all_offsets(dlq).await.is_err() {
        return 0;
    }
    let group = group.as_bytes().to_vec();
    let is_its = move |_, record: RecordRef<'_>| {
        record.headers.last("__dlq.errors.group") == Some(&group[..])
    };
    let found = whole(ctx.log(), dlq, is_its).await;
    found.into_iter().filter(|is_its| *is_its).count()
}

async fn tried(
    ctx: &Context,
    dlq: &str,
    cell: &Cell,
    told: Told,
    group: String,
) -> Result<(), String> {
    let seen = Seen::default();
    let subscription = run(ctx, cell, told, &group, &seen)
        .start()
        .await
        .expect("it starts");
    let ends = cell.consumer == "ends";
    let ended: Result<Ended, Error> = if ends {
        tokio::time::timeout(LIMIT, subscription.wait())
            .await
            .map_err(|_| "it does not end".to_owned())?
    } else {
        // The third record is seen when the second is settled.
        let waiting = async {
            let mut looks = tokio::time::interval(Duration::from_millis(2));
            while seen.all().last() != Some(&2) {
                looks.tick().await;
            }
        };
        tokio::time::timeout(LIMIT, waiting)
            .await
            .map_err(|_| format!("the record behind is not seen: {:?}", seen.all()))?;
        subscription.stop().await
    };
    let counters = subscription.status()[0].counters;
    let check = |what: &str, found: String, said: String| {
        if found == said {
            Ok(())
        } else {
            Err(format!("{what}: {found}, and the page says {said}"))
        }
    };
    match (&ended, ends) {
        (Err(Error::Consumer(stopped)), true) => {
            check("offset", stopped.offset.to_string(), "1".to_owned())?;
            check("group", stopped.group.clone(), group.clone())?;
            if decides(&cell.failure) != By::Decode {
                let attempt = stopped.attempts.to_string();
                check("attempt", attempt, cell.attempts.clone())?;
            }
            let policy = match decides(&cell.failure) {
                By::Class(_) => "on_error",
                By::Panic => "on_panic",
                By::Decode => "on_decode_error",
                By::Handler => "none",
            };
            check("policy", stopped.policy.to_owned(), policy.to_owned())?;
        }
        (Ok(_), false) => {}
        (other, _) => return Err(format!("it ended with {other:?}")),
    }
    let attempts = seen.all().iter().filter(|number| **number == 1).count();
    let expected = match cell.attempts.as_str() {
        "until it works" => FAILURES as usize + 1,
        number => number.parse().expect("a number"),
    };
    check("attempts", attempts.to_string(), expected.to_string())?;
    let topic = ctx.set::<Transfer>().topic().expect("a topic").to_owned();
    let at = committed(ctx, &group, &topic).await;
    let said = match cell.committed.as_str() {
        "at it" => 1,
        "behind" => 3,
        other => panic!("`{other}` is committed"),
    };
    check(
        "committed",
        format!("{at:?}"),
        format!("{:?}", [Some(said)]),
    )?;
    let written = letters(ctx, dlq, &group).await;
    let said = usize::from(cell.record == "dead letter");
    check("dead letters", written.to_string(), said.to_string())?;
    let became = if written > 0 {
        "dead letter"
    } else if count(&counters, "skipped") > 0 {
        "skipped"
    } else if ends {
        "stays"
    } else {
        "handled"
    };
    check("record", became.to_owned(), cell.record.clone())?;
    let mut counted = cell.counted.clone();
    let failures = if cell.attempts == "until it works" {
        u64::from(FAILURES)
    } else {
        expected as u64
    };
    let by_failure = match parts(&cell.failure).0 {
        "record" | "transient" | "fatal" => Some(("failed", failures)),
        "panic" => Some(("panicked", failures)),
        "time-out" => Some(("timed_out", failures)),
        "no key" | "key" | "value" | "frame" | "schema" => Some(("undecodable", 1)),
        _ => None,
    };
    counted.extend(by_failure.map(|(name, number)| (name.to_owned(), number)));
    let handled = u64::from(cell.record == "handled") + if ends { 1 } else { 2 };
    counted.insert("handled".to_owned(), handled);
    for (name, number) in counters.iter() {
        let said = counted.get(name).copied().unwrap_or(0);
        check(name, number.to_string(), said.to_string())?;
    }
    for name in counted.keys() {
        count(&counters, name);
    }
    Ok(())
}

/// Which topic a cell reads: what cannot be read stands in one of its own.
fn kind(cell: &Cell) -> &str {
    match cell.failure.as_str() {
        kind if UNREADABLE.contains(&kind) => kind,
        _ => "a handler's",
    }
}

/// How many cells are tried at a time.
const AT_A_TIME: usize = 16;

async fn every_combination_does_what_the_page_says(site: impl Fn() -> Option<Site>) {
    // What handlers throw is expected here.
    std::panic::set_hook(Box::new(|info| {
        let text = info.to_string();
        if !text.contains("it does not work") {
            eprintln!("{text}");
        }
    }));
    let cells = cells();
    let kinds: BTreeSet<&str> = cells.iter().map(kind).collect();
    let mut wrong = Vec::new();
    for of_kind in kinds {
        let Some(site) = site() else { return };
        let (ctx, dlq) = (site.open().await, site.dead_letters());
        fill(&ctx, of_kind).await;
        let turns = Arc::new(Semaphore::new(AT_A_TIME));
        let mut tries = JoinSet::new();
        for (number, cell) in cells.iter().enumerate() {
            if kind(cell) != of_kind {
                continue;
            }
            for told in ways(decides(&cell.failure)) {
                let (ctx, dlq, turns) = (ctx.clone(), dlq.clone(), Arc::clone(&turns));
                let (cell, told) = (cell.clone(), *told);
                tries.spawn(async move {
                    let _turn = turns.acquire().await.expect("it stays open");
                    let group = format!("g{number}-{told:?}");
                    let tried = tried(&ctx, &dlq, &cell, told, group).await;
                    tried
                        .err()
                        .map(|what| format!("{what}, said {told:?}, in {cell:?}"))
                });
            }
        }
        wrong.extend(tries.join_all().await.into_iter().flatten());
        ctx.shutdown().await.expect("a clean end");
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_combination_does_what_the_page_says_on_the_embedded_log() {
    every_combination_does_what_the_page_says(|| Some(Site::embedded())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_combination_does_what_the_page_says_on_kafka() {
    every_combination_does_what_the_page_says(|| Site::kafka(test_name!())).await;
}
