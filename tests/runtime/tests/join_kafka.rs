//! Joins over topics of a real Kafka, several partitions each: killed in the middle they tell what a run in one process tells that
//! nobody killed.
//!
//! `KSQL_TEST_QUERY_KILLS` sets how often they are killed; `KSQL_TEST_SEED` varies the records.

use std::time::Duration;

use ksql_runtime::testing::{self, TestBuilder};
use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::cluster::{LIMIT, Place};
use ksql_runtime_tests::joins::*;
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::servers;
use ksql_runtime_tests::told::same;

const CHILD: &str = env!("CARGO_BIN_EXE_join_child");
/// Records of each input for every kill, so that there is something to do at the last one too.
const RECORDS: u64 = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_joins_over_a_real_kafka_tell_what_a_run_without_a_kill_tells() {
    let test = concat!(module_path!(), "::killed_joins_over_a_real_kafka");
    let (Some(kafka), Some(registry)) = (
        servers::kafka_or_skip(test),
        servers::registry_or_skip(test),
    ) else {
        return;
    };
    let (seed, kills) = (seed(), number("KSQL_TEST_QUERY_KILLS", 3));
    let mut report = Report::new("joins on Kafka", seed);
    let prefix = format!("{}-", uuid::Uuid::new_v4().simple());
    let mut settings = vec![
        ("bootstrap".to_owned(), kafka.bootstrap().to_owned()),
        ("registry".to_owned(), registry.url().to_owned()),
        ("topic_prefix".to_owned(), prefix.clone()),
        ("ready_timeout".to_owned(), "5m".to_owned()),
    ];
    // The records' times are long past.
    let kept = |entity| (format!("entity.{entity}.retention"), "unlimited".to_owned());
    settings.extend(["Click", "View"].map(kept));
    let on_kafka = |builder: TestBuilder, settings: &[(String, String)]| {
        settings
            .iter()
            .fold(builder, |all, (key, value)| all.setting(key, value))
    };
    let root = tempfile::tempdir().expect("a directory");
    let (killed, whole) = (root.path().join("killed"), root.path().join("whole"));
    for (builder, directory) in [
        (on_kafka(testing::builder(), &settings), &killed),
        (testing::builder(), &whole),
    ] {
        let filling = with_sources(builder.directory(directory));
        let filling = filling.start().await.expect("it starts");
        fill(&filling, seed, RECORDS * (kills + 1))
            .await
            .expect("sent");
        filling.end().await.expect("it ends");
    }

    settings.extend(["Met", "Known"].map(kept));
    let log = Place::log(kafka.bootstrap());
    let told = async || {
        let ends = log.all_offsets(&format!("{prefix}met")).await;
        // Before the first start there is no such topic.
        ends.map_or(0, |ends| ends.iter().map(|offsets| offsets.end).sum())
    };
    let arguments: Vec<String> = settings
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut midway = 0;
    for _ in 0..kills {
        let before: i64 = told().await;
        let mut child = Lines::start(CHILD, &arguments, &killed);
        child.read_until("begins", LIMIT, |_| {});
        let mut ready = false;
        let began = std::time::Instant::now();
        while !ready && told().await == before {
            assert!(
                began.elapsed() < LIMIT,
                "it neither tells anything nor is ready"
            );
            child.read_for(Duration::from_millis(5), |line| ready |= line == "ready");
        }
        child.kill(|line| ready |= line == "ready");
        midway += u64::from(!ready);
        report.pass();
    }
    assert!(
        midway > 0,
        "none of them was killed while it had something to do"
    );
    let killed = with_two(on_kafka(testing::builder(), &settings).directory(&killed));
    let killed = killed.start().await.expect("it starts");
    killed.settle().await.expect("it is taken in");
    let whole = with_two(testing::builder().directory(&whole));
    let whole = whole.start().await.expect("it starts");
    whole.settle().await.expect("it is taken in");
    let again = same::<Met>(&killed, &whole).await + same::<Known>(&killed, &whole).await;
    report.count("kills", kills);
    report.count("of them midway", midway);
    report.count("told again", again as u64);
    killed.end().await.expect("it ends");
    whole.end().await.expect("it ends");
}
