//! A program that works for long takes no more and no more of the machine: memory, files, threads, lag, disk (RT10).
//!
//! In short form; `KSQL_TEST_SOAK=3600 cargo test -p ksql-runtime-tests --test soak -- --nocapture` runs each of the two for an hour, and then
//! measures the slope of the memory, which a short run has none of.

use std::path::Path;
use std::time::Duration;

use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::{servers, test_name};

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
    let asked = std::env::var("KSQL_TEST_SOAK").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(24)
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
    let numbers: Vec<u64> = done
        .split(' ')
        .map(|text| text.parse().expect("a number"))
        .collect();
    let [sent, handled, letters] = numbers[..] else {
        panic!("{done}")
    };
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
    let most =
        |samples: &[Sample], of: fn(&Sample) -> u64| samples.iter().map(of).max().expect("samples");
    let resident = |samples: &[Sample]| {
        let all: f64 = samples.iter().map(|sample| sample.resident).sum();
        all / samples.len() as f64
    };
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
    // RocksDB opens a few files more or less as it compacts.
    assert!(
        most(last, |one| one.files) <= most(steady, |one| one.files) + 16,
        "files: {samples:?}"
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
    assert!(
        most(last, |one| one.disk) <= most(steady, |one| one.disk) * 2 + (16 << 20),
        "disk: {samples:?}"
    );
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
fn a_program_on_kafka_that_works_for_long_takes_no_more_and_no_more() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let Some(registry) = servers::registry_or_skip(test_name!()) else {
        return;
    };
    let directory = tempfile::tempdir().expect("a directory");
    let prefix = format!("{}-", uuid::Uuid::new_v4().simple());
    let environment = [
        ("KSQL_BOOTSTRAP", kafka.bootstrap()),
        ("KSQL_REGISTRY", registry.url()),
        ("KSQL_TOPIC_PREFIX", &prefix),
        ("KSQL_APPLICATION_ID", &prefix),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    soak(&environment, directory.path());
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
