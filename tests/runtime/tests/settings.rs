//! Every setting does what it says: where it comes from, and what changes by it (P100). What retries do is tested with
//! reconnects, poison with sets, and rebuilding with damaged states and lost topics.

use std::path::Path;
use std::time::Duration;

use ksql_runtime::clock::Clock;
use ksql_runtime::error::{Error, Step};
use ksql_runtime::log::{Log, Record};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::environment::command;
use ksql_runtime_tests::until;
use ksql_runtime_tests::workload::{Row, row};

const CHILD: &str = env!("CARGO_BIN_EXE_settings_child");
const LIMIT: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("clicks", retention = "10s")]
#[stream]
#[entity(namespace = "settings")]
pub struct Click {
    #[key]
    pub user: i64,
    pub page: String,
}

fn builder(directory: &Path) -> ContextBuilder {
    ksql_runtime_tests::context()
        .entity::<Row>()
        .state_dir(directory)
}

async fn fill(directory: &Path, rows: u64) {
    let ctx = builder(directory).start().await.expect("started");
    let added = ctx
        .set::<Row>()
        .add_all((0..rows).map(|n| row(n as i64, n)))
        .await;
    added.expect("rows are added");
    ctx.shutdown().await.expect("a clean end");
}

/// Waits until something holds; other threads bring it about.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    until::until(LIMIT, &mut holds, || what.to_owned()).await;
}

/// What a program with this environment and these settings in code would run with.
fn shown(file: &Path, variables: &[(&str, &str)], settings: &[&str]) -> String {
    let mut command = command(CHILD);
    command
        .arg("show")
        .arg(file)
        .args(settings)
        .envs(variables.iter().copied())
        .env("KSQL_TEST_DIR", "data");
    #[cfg(unix)]
    {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        // What others left in the environment need not be text.
        command
            .env("LS_COLOURS", OsStr::from_bytes(b"\xff\xfe"))
            .env("KSQL_SOMEONE_ELSES", OsStr::from_bytes(b"\xff"))
            .env(OsStr::from_bytes(b"KSQL_\xff"), "x");
    }
    let output = command.output().expect("the child runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        said
    } else {
        said + &String::from_utf8_lossy(&output.stderr)
    }
}

#[test]
fn code_is_above_the_environment_above_the_file_above_the_definition() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("app.toml");
    std::fs::write(&file, "").expect("written");
    let has = |said: &str, words: &[&str]| {
        for word in words {
            assert!(said.contains(word), "`{word}` is not in: {said}");
        }
    };
    has(
        &shown(&file, &[], &[]),
        &["PARTITIONS=4", "REPLICAS=1", "retries: None"],
    );
    std::fs::write(
        &file,
        "retries = 5\n[entity.Row]\npartitions = 5\nreplication = 5\n",
    )
    .expect("written");
    has(
        &shown(&file, &[], &[]),
        &["PARTITIONS=5", "REPLICAS=5", "retries: Some(5)"],
    );
    let variables = [("KSQL_RETRIES", "6"), ("KSQL_ENTITY__ROW__PARTITIONS", "6")];
    has(
        &shown(&file, &variables, &[]),
        &["PARTITIONS=6", "REPLICAS=5", "retries: Some(6)"],
    );
    let code = ["retries=7", "entity.Row.partitions=7"];
    has(
        &shown(&file, &variables, &code),
        &["PARTITIONS=7", "REPLICAS=5", "retries: Some(7)"],
    );
}

#[cfg(unix)]
#[test]
fn a_setting_that_is_no_text_is_named() {
    use std::os::unix::ffi::OsStrExt;
    let output = command(CHILD)
        .args(["show", ""])
        .env("KSQL_TEST_DIR", "data")
        .env("KSQL_RETRIES", std::ffi::OsStr::from_bytes(b"7\xff"))
        .output()
        .expect("the child runs");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("KSQL_RETRIES") && said.contains("UTF-8"),
        "{said}"
    );
}

#[test]
fn a_variable_that_is_no_setting_is_named_in_a_warning_and_its_value_is_not() {
    let output = command(CHILD)
        .args(["show", ""])
        .env("KSQL_TEST_DIR", "data")
        .env("KSQL_SCHEMA_REGISTRY_URL", "http://hunter2")
        .env("KSQL_HEAP_OPTS", "hunter2")
        .output()
        .expect("the child runs");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    let line = |variable: &str| {
        let line = said.lines().find(|line| line.contains(variable));
        line.unwrap_or_else(|| panic!("no {variable} in {said}"))
    };
    let registry = line("KSQL_SCHEMA_REGISTRY_URL");
    assert!(
        registry.contains("WARN") && registry.contains("\"KSQL_REGISTRY\""),
        "{registry}"
    );
    assert!(!line("KSQL_HEAP_OPTS").contains("nearest"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn a_setting_without_effect_where_the_program_runs_is_told() {
    let output = command(CHILD)
        .args(["show", "", "request_timeout=5s", "kafka.client.rack=r"])
        .env("KSQL_TEST_DIR", "data")
        .output()
        .expect("the child runs");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("settings without effect on the embedded log")
            && said.contains("request_timeout, kafka"),
        "{said}"
    );
}

#[test]
fn the_defaults_are_those_of_the_documents() {
    let config = Config::default();
    assert_eq!(config.application_id, "KsqlDsl");
    assert_eq!(config.state_dir, Path::new("rocksdb"));
    assert_eq!((config.partitions, config.replication), (1, 1));
    assert_eq!(config.retries, None);
    assert_eq!(config.compatibility.to_string(), "BACKWARD");
    let page = include_str!("../../../docs/configuration.md");
    for line in [
        "| `application_id` | `KsqlDsl` |",
        "| `state_dir` | `rocksdb` |",
        "| `memory` | `256MiB` |",
        "| `flush_interval` | `30s` |",
        "| `maintenance_interval` | `60s` |",
        "| `wait_for_ready` | `true` |",
        "| `ready_timeout` | `60s` |",
        "| `partitions` | `1` |",
        "| `replication` | `1` |",
        "| `compatibility` | `BACKWARD` |",
        "| `dlq_topic` | `system.dlq` |",
        "| `dlq_partitions` | `1` |",
        "| `dlq_retention` | `14d` |",
        "| `consume_from` | `latest` |",
        "| `retry_first` | `100ms` |",
        "| `retry_longest` | `30s` |",
        "| `retries` | `unlimited` |",
        "| `request_timeout` | `30s` |",
        "| `delivery_timeout` | `2m` |",
        "| `reach_timeout` | `60s` |",
    ] {
        assert!(page.contains(line), "the page has: {line}");
    }
    assert_eq!(config.dlq_topic, "system.dlq");
    assert_eq!(config.dlq_partitions, 1);
    let two_weeks = Duration::from_secs(14 * 24 * 60 * 60);
    assert_eq!(config.dlq_retention, Some(two_weeks));
    assert_eq!(config.memory, 256 << 20);
    assert_eq!(config.flush_interval, Duration::from_secs(30));
    assert_eq!(config.maintenance_interval, Duration::from_secs(60));
    assert_eq!(config.ready_timeout, Duration::from_secs(60));
    assert!(config.wait_for_ready);
    assert_eq!(config.retry_first, Duration::from_millis(100));
    assert_eq!(config.retry_longest, Duration::from_secs(30));
    assert_eq!(config.cluster.request_timeout, Duration::from_secs(30));
    assert_eq!(config.cluster.delivery_timeout, Duration::from_secs(120));
    assert_eq!(config.cluster.reach_timeout, Duration::from_secs(60));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replication_and_retention_reach_the_statement_and_the_topic() {
    let directory = tempfile::tempdir().expect("a directory");
    let builder = || {
        ksql_runtime_tests::context()
            .entity::<Click>()
            .state_dir(directory.path())
    };
    let set = || {
        builder()
            .setting("entity.Click.replication", "3")
            .setting("entity.Click.retention", "7d")
    };
    let ddl = builder().setting("replication", "2").ddl().expect("a text");
    assert!(ddl.contains("REPLICAS=2"), "{ddl}");
    let ddl = set().setting("replication", "2").ddl().expect("a text");
    assert!(ddl.contains("REPLICAS=3"), "{ddl}");
    let ctx = set().start().await.expect("started");
    let topic = ctx.log().describe("clicks").await.expect("the topic");
    assert_eq!(topic.spec.replication, 3);
    assert_eq!(topic.spec.retention_ms, Some(7 * 24 * 60 * 60 * 1000));
    ctx.shutdown().await.expect("a clean end");
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = ksql_runtime_tests::context()
        .entity::<Click>()
        .setting("entity.Click.retention", "unlimited")
        .state_dir(directory.path())
        .start()
        .await
        .expect("started");
    let topic = ctx.log().describe("clicks").await.expect("the topic");
    assert_eq!(topic.spec.retention_ms, None);
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_for_all_are_those_of_topics_whose_definitions_state_none() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path())
        .entity::<Click>()
        .setting("partitions", "7")
        .start()
        .await
        .expect("started");
    for (topic, partitions) in [
        ("clicks", 7),
        (ctx.set::<Row>().topic().expect("a topic"), 4),
    ] {
        let found = ctx.log().describe(topic).await.expect("the topic");
        assert_eq!(found.partitions, partitions, "{topic}");
    }
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_topic_of_dead_letters_is_as_it_is_set() {
    for (settings, name, partitions, retention_ms) in [
        (&[][..], "system.dlq", 1, Some(14 * 24 * 60 * 60 * 1000)),
        (&[("dlq_topic", "poison")], "poison", 1, Some(1_209_600_000)),
        (
            &[("dlq_partitions", "3")],
            "system.dlq",
            3,
            Some(1_209_600_000),
        ),
        (
            &[("dlq_retention", "2d")],
            "system.dlq",
            1,
            Some(172_800_000),
        ),
        (&[("dlq_retention", "unlimited")], "system.dlq", 1, None),
        (
            &[("topic_prefix", "test-")],
            "test-system.dlq",
            1,
            Some(1_209_600_000),
        ),
        (
            &[("replication", "2")],
            "system.dlq",
            1,
            Some(1_209_600_000),
        ),
    ] {
        let directory = tempfile::tempdir().expect("a directory");
        let builder = builder(directory.path());
        let builder = settings.iter().fold(builder, |builder, (key, value)| {
            builder.setting(*key, *value)
        });
        let ctx = builder.start().await.expect("started");
        assert_eq!(ctx.dead_letters().topic(), name, "{settings:?}");
        let topic = ctx.log().describe(name).await.expect("the topic");
        assert_eq!(topic.partitions, partitions, "{settings:?}");
        assert_eq!(topic.spec.retention_ms, retention_ms, "{settings:?}");
        let copies = settings.iter().find(|(key, _)| *key == "replication");
        assert_eq!(topic.spec.replication, if copies.is_some() { 2 } else { 1 });
        ctx.shutdown().await.expect("a clean end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_expire_by_themselves_as_often_as_maintenance_is_set_to_run() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = Clock::manual(1_000_000);
    let ctx = ksql_runtime_tests::context()
        .entity::<Click>()
        .setting("maintenance_interval", "20ms")
        .state_dir(directory.path())
        .clock(clock.clone())
        .start()
        .await
        .expect("started");
    let page = "home".to_owned();
    let receipt = ctx.set::<Click>().add(Click { user: 1, page }).await;
    assert_eq!(receipt.expect("added").offset, 0);
    clock.advance(11_000);
    until("the record expires", async || {
        let offsets = ctx.log().offsets("clicks", 0).await.expect("offsets");
        offsets.start == 1
    })
    .await;
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_reach_their_files_as_often_as_flushes_are_set_to_be() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path())
        .setting("flush_interval", "5ms")
        .start()
        .await
        .expect("started");
    let state = directory.path().join("state");
    let files = || {
        std::fs::read_dir(&state)
            .expect("the state")
            .filter(|entry| {
                let path = entry.as_ref().expect("an entry").path();
                path.extension().is_some_and(|extension| extension == "sst")
            })
            .count()
    };
    assert_eq!(files(), 0, "nothing was written yet");
    ctx.set::<Row>().add(row(1, 1)).await.expect("added");
    until("the row is in a file", async || files() > 0).await;
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_table_replays_what_no_flush_covers_unless_it_has_a_write_ahead_log() {
    for (durability, replayed) in [("replay", "1000"), ("wal", "0")] {
        let directory = tempfile::tempdir().expect("a directory");
        let durability = format!("state_durability={durability}");
        let arguments = ["hold", "1000", durability.as_str()];
        let mut child = Lines::start(CHILD, &arguments, directory.path());
        assert_eq!(child.expect("ready ", LIMIT), "0");
        child.kill(|_| ());
        let arguments = ["hold", "0", durability.as_str()];
        let mut child = Lines::start(CHILD, &arguments, directory.path());
        assert_eq!(child.expect("ready ", LIMIT), replayed, "{durability}");
        child.kill(|_| ());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_waits_as_long_as_it_is_set_to_and_says_what_is_missing() {
    let directory = tempfile::tempdir().expect("a directory");
    fill(directory.path(), 100_000).await;
    std::fs::remove_dir_all(directory.path().join("state")).expect("the state is removed");
    let error = builder(directory.path())
        .setting("ready_timeout", "1ms")
        .start()
        .await
        .expect_err("a restore takes longer");
    match &error {
        Error::Start {
            step: Step::WaitReady,
            cause,
            ..
        } => assert!(
            matches!(**cause, Error::Timeout { limit, .. } if limit == Duration::from_millis(1)),
            "{cause:?}"
        ),
        other => panic!("{other:?}"),
    }
    let text = error.to_string();
    for word in ["1ms", "`Row`", "`rows`", "lag"] {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
    // Its thread may not have begun yet.
    assert!(
        ["CREATED", "REBALANCING"]
            .iter()
            .any(|state| text.contains(state)),
        "{text}"
    );
    let ctx = builder(directory.path())
        .setting("ready_timeout", "1ms")
        .setting("wait_for_ready", "false")
        .start()
        .await
        .expect("nobody waits");
    ctx.wait_ready(LIMIT).await.expect("ready in the end");
    let count = ctx.set::<Row>().count().await;
    assert_eq!(count.expect("a count"), 100_000);
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_of_what_was_written_waits_as_long_as_tables_may_take() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path())
        .setting("ready_timeout", "7ms")
        .setting("wait_for_ready", "false")
        .start()
        .await
        .expect("started");
    ctx.wait_ready(LIMIT).await.expect("ready in the end");
    let set = ctx.set::<Row>();
    let mut receipt = set.add(row(1, 1)).await.expect("added");
    receipt.offset += 1_000_000;
    let read = set.at_least(receipt).get(1).await;
    assert!(
        matches!(&read, Err(Error::Timeout { limit, .. }) if *limit == Duration::from_millis(7)),
        "{read:?}"
    );
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_of_producers_or_consumers_reaches_the_client_which_says_what_is_wrong_with_it() {
    let directory = tempfile::tempdir().expect("a directory");
    for (key, name) in [
        ("kafka.socket.timeout.ms", "socket.timeout.ms"),
        ("kafka.producer.linger.ms", "linger.ms"),
        ("kafka.consumer.fetch.min.bytes", "fetch.min.bytes"),
    ] {
        let error = builder(directory.path())
            .setting("bootstrap", "127.0.0.1:1")
            .setting("registry", "http://127.0.0.1:1")
            .setting("reach_timeout", "1s")
            .setting(key, "soon")
            .start()
            .await
            .expect_err("no number")
            .to_string();
        assert!(
            error.contains(&format!("the setting `{name}` cannot be used")),
            "{key}: {error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_is_told_the_name_of_the_application() {
    let directory = tempfile::tempdir().expect("a directory");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    // Every request of Kafka's protocol begins with its length, its kind, its version, its number and the client's name.
    let first = tokio::task::spawn_blocking(move || {
        use std::io::Read;
        let (mut client, _) = listener.accept().expect("a client");
        let mut request = vec![0; 14 + "shop of tests".len()];
        client.read_exact(&mut request).expect("a request");
        String::from_utf8_lossy(&request[14..]).into_owned()
    });
    let refused = builder(directory.path())
        .setting("bootstrap", address)
        .setting("registry", "http://127.0.0.1:1")
        .setting("application_id", "shop of tests")
        .setting("reach_timeout", "1s")
        .start()
        .await;
    refused.expect_err("that is no Kafka");
    assert_eq!(first.await.expect("it ends"), "shop of tests");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_compatibility_of_one_entity_is_that_of_its_subject_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path())
        .entity::<Click>()
        .setting("compatibility", "FORWARD")
        .setting("entity.Click.compatibility", "NONE")
        .start()
        .await
        .expect("started");
    let level = async |subject| {
        let level = ctx.registry().compatibility(Some(subject)).await;
        level.expect("a level").to_string()
    };
    assert_eq!(level("rows-value").await, "FORWARD");
    assert_eq!(level("clicks-value").await, "NONE");
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_of_one_entity_leave_the_others_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path())
        .setting("entity.Row.on_poison", "mark")
        .setting("entity.Row.cache_rows", "10")
        .start()
        .await
        .expect("started");
    let set = ctx.set::<Row>();
    let receipt = set.add(row(1, 1)).await.expect("added");
    let found = set.at_least(receipt).get(1).await.expect("a read");
    assert_eq!(found, Some(row(1, 1)));
    let key = 2_i64.to_be_bytes();
    let bad = Record::new(Some(&key), Some(b"no avro"), 0);
    let receipt = ctx.log().produce("rows", bad).await.expect("produced");
    let set = set.at_least(receipt);
    assert!(matches!(set.get(2).await, Err(Error::PoisonedKey { .. })));
    assert_eq!(set.get(1).await.expect("a read"), Some(row(1, 1)));
    assert!(matches!(ctx.log(), Log::Embedded(_)));
    ctx.shutdown().await.expect("a clean end");
}

/// The most memory a process ever held, in bytes.
#[cfg(target_os = "linux")]
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.trim().parse::<u64>().ok())
        .expect("a number")
        * 1024
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_takes_the_memory_it_is_given_whatever_there_is_to_restore() {
    let held = |directory: &Path, replayed: &str| {
        let arguments = ["hold", "0", "memory=32MiB", "ready_timeout=5m"];
        let mut child = Lines::start(CHILD, &arguments, directory);
        assert_eq!(child.expect("ready ", LIMIT), replayed);
        let peak = peak(child.id());
        child.kill(|_| ());
        peak
    };
    // The program itself, however it was built.
    let nothing = tempfile::tempdir().expect("a directory");
    let alone = held(nothing.path(), "0");
    let directory = tempfile::tempdir().expect("a directory");
    fill(directory.path(), 500_000).await;
    std::fs::remove_dir_all(directory.path().join("state")).expect("the state is removed");
    let peak = held(directory.path(), "500000");
    // What RocksDB holds beside its caches comes on top.
    let allowed = alone + ((32 + 32) << 20);
    assert!(
        peak < allowed,
        "{} MiB of 32, and {} without rows",
        peak >> 20,
        alone >> 20
    );
}
