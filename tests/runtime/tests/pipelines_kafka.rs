//! Windows of three sizes, sessions and joins over topics of a real Kafka: killed at any instant while records come in, and asked for
//! their directory by a second process (RT2 without finals, RT11).
//!
//! What a reader of the committed results finds is what a run without a kill tells, each result once: results and the note of what
//! they are made of are one transaction.
//!
//! `KSQL_TEST_PIPELINE_KILLS` says how often they are killed (20 is the short form of the reference, 500 the long one);
//! `KSQL_TEST_SEED` varies the records.

use std::path::Path;
use std::time::{Duration, Instant};

use ksql_runtime::testing::Test;
use ksql_runtime_tests::behind::Behind;
use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::cluster::{LIMIT, Place};
use ksql_runtime_tests::pipelines::{self, Feed};
use ksql_runtime_tests::proxy::Fault;
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::second_owner::refused;
use ksql_runtime_tests::servers;
use ksql_runtime_tests::test_name;
use ksql_runtime_tests::workload::mix;

const CHILD: &str = env!("CARGO_BIN_EXE_owner_child");
/// Records of each input for every kill.
const RECORDS: u64 = 1_500;

fn child(place: &Place, directory: &Path) -> Lines {
    let arguments = ["0", "pipelines"];
    Lines::start_in(CHILD, &arguments, directory, &place.environment())
}

/// Who sends records and runs no query.
async fn feeder(place: &Place, directory: &Path) -> Test {
    let builder = pipelines::with_inputs(place.tested(directory));
    builder.start().await.expect("it starts")
}

fn until(child: &mut Lines, what: &str) {
    child.say(&format!("until {what}"));
    child.expect(what, LIMIT);
}

/// Runs the queries to the end in this directory, and holds what they told against the models.
async fn check(place: &Place, directory: &Path, sent: u64) {
    let builder = pipelines::tested(place.tested(directory));
    let test = builder.start().await.expect("it starts");
    test.settle().await.expect("it is taken in");
    pipelines::check(&test, sent).await;
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn pipelines_killed_at_any_instant_tell_each_result_once_and_as_a_run_without_a_kill() {
    let (Some(kafka), Some(registry)) = (
        servers::kafka_or_skip(test_name!()),
        servers::registry_or_skip(test_name!()),
    ) else {
        return;
    };
    let (seed, kills) = (seed(), number("KSQL_TEST_PIPELINE_KILLS", 8));
    let mut report = Report::new("RT2 on Kafka, kills", seed);
    let place = Place::new(kafka.bootstrap(), registry)
        .with("application_id", "pipelines")
        .missed_soon();
    let root = tempfile::tempdir().expect("a directory");
    let killed = root.path().join("killed");
    let feeder = feeder(&place, &root.path().join("feeder")).await;
    let feeder = std::sync::Arc::new(feeder);
    let feed = Feed::begin(&feeder, seed).await.expect("sent");
    let (mut sent, mut midway) = (0, 0);
    for kill in 0..kills {
        let mut child = child(&place, &killed);
        // Every other one is killed while it writes, whatever the machine's speed; the rest at any time from the very start of the
        // process on.
        let longest = match kill.is_multiple_of(2) {
            true => {
                until(&mut child, "owner");
                600_000
            }
            false => 3_000_000,
        };
        let numbers = sent..sent + RECORDS;
        sent += RECORDS;
        let feeder = std::sync::Arc::clone(&feeder);
        let sending = tokio::spawn(async move { feed.send(&feeder, numbers, |_| ()).await });
        let time = Duration::from_micros(mix(seed, kill) % longest);
        child.read_for(time, |_| ());
        midway += u64::from(!sending.is_finished());
        child.kill(|_| ());
        sending.await.expect("it runs").expect("sent");
        report.pass();
    }
    assert!(midway > 0, "no kill came while records were sent");
    check(&place, &killed, sent).await;
    report.pass();
    // What is told already is not told again by one that knows nothing.
    check(&place, &root.path().join("fresh"), sent).await;
    report.pass();
    report.count("kills", kills);
    report.count("of them while records came in", midway);
    report.count("records", sent * 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_second_process_in_the_directory_of_pipelines_is_refused_and_the_first_goes_on() {
    let Some(behind) = Behind::start(test_name!()) else {
        return;
    };
    let seed = seed();
    let mut report = Report::new("RT11 on Kafka, pipelines", seed);
    let place = behind.place().with("application_id", "pipelines");
    let root = tempfile::tempdir().expect("a directory");
    let (directory, feeding) = (root.path().join("first"), root.path().join("feeder"));
    let test = feeder(&place, &feeding).await;
    let feed = Feed::begin(&test, seed).await.expect("sent");
    feed.send(&test, 0..RECORDS, |_| ()).await.expect("sent");
    test.end().await.expect("it ends");

    // While it starts: it has its directory before it asks Kafka, which does not answer, and nobody else asks.
    behind.proxy.set(Fault::Silent);
    let before = behind.proxy.connections();
    let mut first = child(&place, &directory);
    let began = Instant::now();
    while behind.proxy.connections() == before {
        assert!(began.elapsed() < LIMIT, "it asks nobody");
        first.read_for(Duration::from_millis(5), |line| panic!("{line}"));
    }
    let second = async || {
        let builder = pipelines::with_queries(place.builder()).state_dir(&directory);
        builder.start().await
    };
    let at_start = refused(&first, second).await;
    report.pass();
    behind.proxy.set(Fault::None);
    until(&mut first, "owner");

    // While it takes records.
    let test = feeder(&place, &feeding).await;
    let sending = feed.send(&test, RECORDS..4 * RECORDS, |_| ());
    let (sent, steady) = tokio::join!(sending, refused(&first, second));
    sent.expect("sent");
    until(&mut first, "owner");
    until(&mut first, "caught");
    report.pass();

    // A lock that a killed owner left is none.
    first.kill(|_| ());
    check(&place, &directory, 4 * RECORDS).await;
    report.pass();
    test.end().await.expect("it ends");
    report.count("refused_at_start_ms", at_start.as_millis() as u64);
    report.count("refused_in_steady_state_ms", steady.as_millis() as u64);
}
