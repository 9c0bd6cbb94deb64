//! The launcher of real servers keeps its word: they answer when it says so, come back with what they had, and never
//! outlive the process that started them; where they cannot run, tests are skipped by name.

use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::servers::{self, Kafka, KafkaOptions, RegistryServer};
use ksql_runtime_tests::test_name;

const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";
const LIMIT: Duration = Duration::from_secs(300);

fn listens(address: &str) -> bool {
    let address: SocketAddr = address.parse().expect("an address");
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}

fn host(url: &str) -> &str {
    let rest = url.strip_prefix("http://").expect("a url");
    rest.split('/').next().expect("a host")
}

/// Waits until it holds; there is nothing that would tell us.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn both_servers_answer_as_soon_as_they_are_said_to_have_started() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    kafka.tool(
        TOPICS,
        &["--create", "--topic", "first", "--partitions", "3"],
    );
    let topics = kafka.tool(TOPICS, &["--list"]);
    assert!(topics.lines().any(|topic| topic == "first"), "{topics}");
    let Some(registry) = servers::registry_or_skip(test_name!()) else {
        return;
    };
    assert!(registry.url().ends_with("/apis/ccompat/v7"));
    assert!(listens(host(registry.url())));
}

#[test]
fn a_broker_stopped_or_killed_comes_back_with_its_topics_or_without_when_asked() {
    let Some(kafka) = servers::or_skip(test_name!(), Kafka::start()) else {
        return;
    };
    kafka.tool(TOPICS, &["--create", "--topic", "kept"]);
    kafka.stop();
    assert!(!listens(kafka.bootstrap()));
    kafka.start_again();
    kafka.kill();
    assert!(!listens(kafka.bootstrap()));
    kafka.start_again();
    assert_eq!(kafka.tool(TOPICS, &["--list"]).trim(), "kept");
    kafka.pause();
    assert!(listens(kafka.bootstrap()), "paused, its port is still open");
    kafka.resume();
    kafka.stop();
    kafka.start_empty();
    assert_eq!(kafka.tool(TOPICS, &["--list"]).trim(), "");
    let folder = kafka.folder().to_path_buf();
    let address = kafka.bootstrap().to_string();
    drop(kafka);
    assert!(!listens(&address) && !folder.exists());
}

#[test]
fn a_registry_stopped_or_killed_comes_back_at_its_address() {
    let Some(registry) = servers::or_skip(test_name!(), RegistryServer::start()) else {
        return;
    };
    registry.stop();
    assert!(!listens(host(registry.url())));
    registry.start_again();
    registry.kill();
    assert!(!listens(host(registry.url())));
    registry.start_again();
    assert!(listens(host(registry.url())));
}

#[test]
fn a_broker_with_users_lets_each_do_what_it_was_allowed() {
    let options = KafkaOptions::new()
        .property("num.partitions", "7")
        .user("alice", "secret");
    let Some(kafka) = servers::or_skip(test_name!(), Kafka::start_with(options)) else {
        return;
    };
    kafka.tool(TOPICS, &["--create", "--topic", "hers"]);
    kafka.tool(TOPICS, &["--create", "--topic", "not-hers"]);
    kafka.allow("alice", &["Describe", "Read"], &["--topic", "hers"]);
    let topics = kafka.tool_as("alice", TOPICS, &["--list"]);
    assert_eq!(topics.trim(), "hers");
    let described = kafka.tool(TOPICS, &["--describe", "--topic", "hers"]);
    assert!(
        described.contains("PartitionCount: 7"),
        "a property given: {described}"
    );
}

#[test]
fn servers_end_with_the_process_that_started_them_even_when_it_is_killed() {
    let Some(_) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = Lines::start(env!("CARGO_BIN_EXE_servers_child"), &[], folder.path());
    let servers: Vec<(String, String, PathBuf)> = (0..2)
        .map(|_| {
            let line = child.expect("server ", LIMIT);
            let mut words = line.splitn(3, ' ');
            let mut word = || words.next().expect("three words").to_string();
            (word(), word(), PathBuf::from(word()))
        })
        .collect();
    for (address, id, folder) in &servers {
        assert!(listens(address) && runs(id) && folder.exists());
    }
    child.kill(|_| {});
    for (address, id, folder) in servers {
        eventually("its process is gone", || !runs(&id));
        eventually("its folder is gone", || !folder.exists());
        assert!(!listens(&address));
    }
}

fn runs(id: &str) -> bool {
    let mut kill = Command::new("kill");
    let kill = kill.args(["-0", id]).stderr(Stdio::null());
    kill.status().expect("kill runs").success()
}

/// A folder of programs to be the whole PATH: what `fetch` uses anyway, without java and mvn, and scripts in their place.
fn path(programs: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in [
        "bash", "cat", "cksum", "cut", "dirname", "flock", "head", "mkdir", "mv", "rm", "sed",
        "sleep",
    ] {
        let found = Command::new("bash")
            .args(["-c", &format!("type -P {name}")])
            .output()
            .expect("bash runs");
        let found = String::from_utf8_lossy(&found.stdout).trim().to_string();
        if !found.is_empty() {
            std::os::unix::fs::symlink(found, folder.path().join(name)).expect("a link");
        }
    }
    for (name, text) in programs {
        let file = folder.path().join(name);
        std::fs::write(&file, format!("#!/usr/bin/env bash\n{text}\n")).expect("written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("made");
    }
    folder
}

fn fetch(path: &Path, kept: &Path) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/cluster/fetch");
    let mut command = Command::new("bash");
    command
        .arg(script)
        .env("PATH", path)
        .env("KSQL_SERVERS", kept)
        .env_remove("JAVA_HOME")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

const JAVA: (&str, &str) = ("java", r#"echo 'openjdk version "17.0.15" 2025-04-15' >&2"#);

#[test]
fn without_java_or_maven_fetching_says_what_is_missing() {
    let old = ("java", r#"echo 'openjdk version "11.0.2"' >&2"#);
    let stub = (
        "java",
        "echo 'Unable to locate a Java Runtime.' >&2; exit 1",
    );
    for (programs, code, said) in [
        (&[][..], 3, "no java on the PATH"),
        (&[old], 3, "java is 11)"),
        (&[stub], 3, "java is none)"),
        (&[JAVA], 4, "no mvn on the PATH"),
    ] {
        let (path, kept) = (path(programs), tempfile::tempdir().expect("a folder"));
        let output = fetch(path.path(), kept.path()).output().expect("bash runs");
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            error.contains(said) && error.lines().count() == 1,
            "{error}"
        );
    }
}

#[test]
fn two_that_fetch_at_the_same_time_fetch_once_and_a_failed_fetch_leaves_nothing() {
    let maven = r#"
        for word; do case $word in -Dservers=*) into=${word#-Dservers=} ;; esac; done
        echo fetched >>"$KSQL_SERVERS/count"
        sleep 0.3
        [ ! -e "$KSQL_SERVERS/refuse" ] || { echo "no network" >&2; exit 1; }
        mkdir "$into/kafka""#;
    let path = path(&[JAVA, ("mvn", maven)]);
    let kept = tempfile::tempdir().expect("a folder");
    std::fs::write(kept.path().join("refuse"), "").expect("written");
    let failed = fetch(path.path(), kept.path()).output().expect("bash runs");
    assert!(!failed.status.success(), "{failed:?}");
    assert!(String::from_utf8_lossy(&failed.stderr).contains("no network"));
    let folders = || {
        let entries = std::fs::read_dir(kept.path()).expect("a folder");
        entries
            .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_dir()))
            .count()
    };
    assert_eq!(folders(), 0);
    std::fs::remove_file(kept.path().join("refuse")).expect("removed");
    std::fs::remove_file(kept.path().join("count")).expect("removed");
    let both: Vec<_> = (0..2)
        .map(|_| fetch(path.path(), kept.path()).spawn().expect("bash runs"))
        .collect();
    let both: Vec<Output> = both
        .into_iter()
        .map(|child| child.wait_with_output().expect("it ends"))
        .collect();
    for output in &both {
        assert!(output.status.success(), "{output:?}");
        assert_eq!(output.stdout, both[0].stdout);
    }
    let said = String::from_utf8_lossy(&both[0].stdout).into_owned();
    let folder = said.lines().nth(1).expect("two lines");
    assert!(Path::new(folder).join("kafka").is_dir(), "{said}");
    assert_eq!(folders(), 1);
    if path.path().join("flock").exists() {
        let count = std::fs::read_to_string(kept.path().join("count")).expect("counted");
        assert_eq!(count, "fetched\n");
    }
}

#[test]
fn a_skipped_test_is_reported_by_its_name() {
    let (path, folder) = (path(&[]), tempfile::tempdir().expect("a folder"));
    let list = folder.path().join("skipped");
    let output = Command::new(env!("CARGO_BIN_EXE_servers_child"))
        .env("PATH", path.path())
        .env("KSQL_SKIPPED", &list)
        .env("CI", "true")
        .env_remove("JAVA_HOME")
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let line = "skipped: servers_child::main: no java on the PATH\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), line.repeat(2));
    assert_eq!(
        std::fs::read_to_string(list).expect("a list"),
        line.repeat(2)
    );
}

#[test]
fn where_ci_is_set_servers_that_cannot_be_had_are_a_failure() {
    let (path, folder) = (path(&[JAVA]), tempfile::tempdir().expect("a folder"));
    for (ci, passes) in [(None, true), (Some("true"), false)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_servers_child"));
        command
            .env("PATH", path.path())
            .env("KSQL_SERVERS", folder.path());
        command
            .env_remove("JAVA_HOME")
            .env_remove("CI")
            .env_remove("KSQL_SKIPPED");
        if let Some(ci) = ci {
            command.env("CI", ci);
        }
        let output = command.output().expect("it runs");
        assert_eq!(output.status.success(), passes, "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("no mvn on the PATH"));
    }
}

#[tokio::test]
async fn a_test_knows_its_own_name() {
    let name = "servers::a_test_knows_its_own_name";
    assert_eq!(test_name!(), name);
    let inner = || test_name!();
    assert_eq!(inner(), name);
}
