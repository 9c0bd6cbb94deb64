//! A program that works for long takes no more and no more of the machine: memory, files, threads, lag, disk (RT10). Nor does
//! one that is killed and started again.
//!
//! In short form; `KSQL_TEST_SOAK=3600 cargo test -p ksql-runtime-tests --test soak -- --nocapture` runs each of the two for an hour, and then
//! measures the slope of the memory, which a short run has none of. `KSQL_TEST_KILLS=200` kills more often; from 20 on what the last start
//! finds and takes is held against what the second did.

use std::path::Path;
use std::time::{Duration, Instant};

use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::workload::mix;
use ksql_runtime_tests::{cluster, servers, test_name};

const CHILD: &str = env!("CARGO_BIN_EXE_soak_child");
/// Records a second, of each of two topics.
const RATE: u64 = 2_000;

/// What a program takes of the machine at the end of a second.
#[derive(Debug, Clone, Copy)]
struct Sample {
    resident: f64,
    files: u64,
    threads: u64,
    lag: u64,
    disk: u64,
}

impl Sample {
    fn parse(line: &str) -> Option<Sample> {
        let mut numbers = line.split(' ').skip(1).map(str::parse::<u64>);
        let mut next = || numbers.next()?.ok();
        Some(Sample {
            resident: next()? as f64,
            files: next()?,
            threads: next()?,
            lag: next()?,
            disk: next()?,
        })
    }
}

/// How long one runs, in seconds.
fn seconds() -> u64 {
    number("KSQL_TEST_SOAK", 24)
}

fn soak(environment: &[(String, String)], directory: &Path) {
    let seconds = seconds();
    let arguments = [seconds.to_string(), RATE.to_string()];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut child = Lines::start_in(CHILD, &arguments, directory, environment);
    let mut samples = Vec::new();
    let limit = Duration::from_secs(seconds * 4 + 120);
    let mut done = None;
    while let Some(line) = child.next(limit) {
        match line.strip_prefix("done ") {
            Some(rest) => done = Some(rest.to_owned()),
            None => samples.extend(Sample::parse(&line)),
        }
    }
    let done = done.unwrap_or_else(|| panic!("it ended before its time: {samples:?}"));
    let [sent, handled, letters] = totals(&done);
    assert_eq!(sent, seconds * RATE / 10 * 10);
    assert_eq!(
        handled + letters,
        sent,
        "each was handled, or is a dead letter"
    );
    assert_eq!(letters, sent.div_ceil(1000));
    assert_eq!(samples.len() as u64, seconds);
    // The first third warms up: caches fill, threads begin.
    let warm = samples.len() / 3;
    let (steady, last) = samples[warm..].split_at((samples.len() - warm) / 2);
    println!(
        "{seconds} s: {sent} records; memory {:.1} MiB, then {:.1} MiB; files {}, then {}; threads {}, then {}; lag at most {}; stores at most {} bytes",
        resident(steady) / (1 << 20) as f64,
        resident(last) / (1 << 20) as f64,
        most(steady, |one| one.files),
        most(last, |one| one.files),
        most(steady, |one| one.threads),
        most(last, |one| one.threads),
        most(&samples, |one| one.lag),
        most(&samples, |one| one.disk),
    );
    assert!(
        most(last, |one| one.threads) <= most(steady, |one| one.threads),
        "threads: {samples:?}"
    );
    // Two topics, three of results, a handler: of each a few seconds.
    assert!(
        most(last, |one| one.lag) <= RATE * 6 * 5,
        "lag: {samples:?}"
    );
    takes_no_more(steady, last);
    match seconds >= 600 {
        false => assert!(
            resident(last) <= resident(steady) * 1.15 + (8 << 20) as f64,
            "memory: {samples:?}"
        ),
        true => {
            let slope = slope(&samples[warm..]) * 3600.0 / resident(steady);
            println!("memory grows by {:.2} % an hour", slope * 100.0);
            // A tenth of an hour says less of an hour than an hour does.
            let most = 0.01 * (3600.0 / seconds as f64).max(1.0);
            assert!(slope < most, "memory grows by {slope} of itself an hour");
        }
    }
}

/// What it sent, handled, and wrote to the dead letters.
fn totals(done: &str) -> [u64; 3] {
    let numbers = done.split(' ').map(|text| text.parse().expect("a number"));
    let numbers: Vec<u64> = numbers.collect();
    numbers.try_into().expect("three numbers")
}

fn most(samples: &[Sample], of: fn(&Sample) -> u64) -> u64 {
    samples.iter().map(of).max().expect("samples")
}

fn resident(samples: &[Sample]) -> f64 {
    let all: f64 = samples.iter().map(|sample| sample.resident).sum();
    all / samples.len() as f64
}

fn takes_no_more(before: &[Sample], after: &[Sample]) {
    // RocksDB opens a few files more or less as it compacts.
    assert!(
        most(after, |one| one.files) <= most(before, |one| one.files) + 16,
        "files: {before:?}, {after:?}"
    );
    assert!(
        most(after, |one| one.disk) <= most(before, |one| one.disk) * 2 + (16 << 20),
        "disk: {before:?}, {after:?}"
    );
}

/// Seconds for which one works that is not killed. One that is killed is so within the last of them.
const LIFE: u64 = 4;

/// What each of so many starts leaves adds up. Behind fewer it stays within the bounds whatever there is: then it is only reported.
const ENOUGH: u64 = 20;

/// How many files there are under a directory, and their bytes.
fn kept(directory: &Path) -> [u64; 2] {
    let entries = std::fs::read_dir(directory).expect("a directory");
    entries.fold([0, 0], |[files, bytes], entry| {
        let entry = entry.expect("an entry");
        let meta = entry.metadata().expect("it is there");
        let [more, larger] = if meta.is_dir() {
            kept(&entry.path())
        } else {
            [1, meta.len()]
        };
        [files + more, bytes + larger]
    })
}

/// A program that was killed leaves nothing behind that grows with each start: no files, no backlog, no longer start.
fn killed(name: &str, environment: &[(String, String)], directory: &Path) {
    let (seed, kills) = (seed(), number("KSQL_TEST_KILLS", 4));
    let mut report = Report::new(&format!("RT10 with kills, {name}"), seed);
    let arguments = [LIFE.to_string(), RATE.to_string()];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let limit = Duration::from_secs(120);
    let mut lives: Vec<(Duration, Vec<Sample>, [u64; 2])> = Vec::new();
    for life in 0..=kills {
        let began = Instant::now();
        let mut child = Lines::start_in(CHILD, &arguments, directory, environment);
        let (mut samples, mut done, mut start) = (Vec::new(), None, None);
        while let Some(line) = child.next(limit) {
            match line.strip_prefix("done ") {
                Some(rest) => done = Some(totals(rest)),
                None => samples.extend(Sample::parse(&line)),
            }
            start.get_or_insert_with(|| began.elapsed());
            if life < kills && samples.len() as u64 + 2 >= LIFE {
                break;
            }
        }
        let start = start.unwrap_or_else(|| panic!("life {life} ended before it worked"));
        if life < kills {
            let time = Duration::from_millis(mix(seed, life) % 1000);
            child.kill_after(time, |line| samples.extend(Sample::parse(line)));
        } else {
            let [sent, handled, letters] = done.unwrap_or_else(|| panic!("no end: {samples:?}"));
            assert_eq!(sent, LIFE * RATE);
            assert!(
                handled + letters >= sent && letters >= sent.div_ceil(1000),
                "each was handled, or is a dead letter: {handled} and {letters} of {sent}"
            );
        }
        let kept = kept(directory);
        lives.push((start, samples, kept));
        report.pass();
    }
    // The first one has nothing to find, the second finds one life: what the last finds is no more.
    let ([_, before, ..], [.., after]) = (&lives[..], &lives[..]) else {
        panic!("too few lives: {kills}")
    };
    let [[files, bytes], [files_after, bytes_after]] = [before.2, after.2];
    report.count("kills", kills);
    report.count("second_start_ms", before.0.as_millis() as u64);
    report.count("last_start_ms", after.0.as_millis() as u64);
    report.count("files_kept_by_second", files);
    report.count("files_kept_by_last", files_after);
    report.count("bytes_kept_by_second", bytes);
    report.count("bytes_kept_by_last", bytes_after);
    report.count("memory_of_second", resident(&before.1) as u64);
    report.count("memory_of_last", resident(&after.1) as u64);
    report.count("most_lag_of_last", most(&after.1, |one| one.lag));
    if kills < ENOUGH {
        return;
    }
    takes_no_more(&before.1, &after.1);
    assert!(files_after <= files * 2 + 32, "files kept: {lives:?}");
    // Topics are kept for ten seconds.
    assert!(
        bytes_after <= bytes * 2 + (8 << 20),
        "bytes kept: {lives:?}"
    );
    assert!(
        after.0 <= before.0 * 2 + Duration::from_secs(5),
        "time to the first second of work: {lives:?}"
    );
    assert!(
        resident(&after.1) <= resident(&before.1) * 1.25 + (16 << 20) as f64,
        "memory: {lives:?}"
    );
}

/// Bytes a second, by least squares.
fn slope(samples: &[Sample]) -> f64 {
    let count = samples.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mean = samples.iter().map(|sample| sample.resident).sum::<f64>() / count;
    let (mut over, mut under) = (0.0, 0.0);
    for (second, sample) in samples.iter().enumerate() {
        let away = second as f64 - middle;
        over += away * (sample.resident - mean);
        under += away * away;
    }
    over / under
}

#[test]
fn an_embedded_program_that_works_for_long_takes_no_more_and_no_more() {
    let directory = tempfile::tempdir().expect("a directory");
    soak(&[], directory.path());
}

#[test]
fn an_embedded_program_that_is_killed_again_and_again_takes_no_more() {
    let directory = tempfile::tempdir().expect("a directory");
    killed("embedded", &[], directory.path());
}

/// The environment of programs on the shared Kafka, with topics of their own.
fn on_kafka(test: &str) -> Option<Vec<(String, String)>> {
    let kafka = servers::kafka_or_skip(test)?;
    let registry = servers::registry_or_skip(test)?;
    let prefix = format!("{}-", uuid::Uuid::new_v4().simple());
    Some(cluster::environment([
        ("bootstrap", kafka.bootstrap()),
        ("registry", registry.url()),
        ("topic_prefix", &prefix),
        ("application_id", &prefix),
    ]))
}

#[test]
fn a_program_on_kafka_that_works_for_long_takes_no_more_and_no_more() {
    if let Some(environment) = on_kafka(test_name!()) {
        let directory = tempfile::tempdir().expect("a directory");
        soak(&environment, directory.path());
    }
}

#[test]
fn a_program_on_kafka_that_is_killed_again_and_again_takes_no_more() {
    if let Some(mut environment) = on_kafka(test_name!()) {
        let directory = tempfile::tempdir().expect("a directory");
        // One that was killed is missed soon.
        environment.extend(cluster::environment(cluster::MISSED_SOON));
        killed("Kafka", &environment, directory.path());
    }
}

#[test]
fn a_slope_is_that_of_the_line() {
    let samples: Vec<Sample> = (0..100)
        .map(|second| Sample {
            resident: 1e6 + 40.0 * f64::from(second) + f64::from(second % 2),
            files: 0,
            threads: 0,
            lag: 0,
            disk: 0,
        })
        .collect();
    assert!((slope(&samples) - 40.0).abs() < 0.1);
}
