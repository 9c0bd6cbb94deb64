//! The flights example as a user runs it: what it prints, and that a second run finds the first one's data.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The built example: `cargo test` builds it beside its tests.
fn program() -> PathBuf {
    let mut path = std::env::current_exe().expect("a path");
    path.pop();
    path.pop();
    let path = path
        .join("examples")
        .join(format!("flights{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.exists(),
        "{} is not built: run `cargo test -p ksql-examples`, without naming a test",
        path.display()
    );
    path
}

/// A program without the settings in our environment, where a cluster may be exported, which is its user's.
fn command(program: PathBuf) -> Command {
    let mut command = Command::new(program);
    let all = std::env::vars_os().map(|(name, _)| name);
    for name in all.filter(|name| name.to_string_lossy().starts_with("KSQL_")) {
        command.env_remove(name);
    }
    command
}

fn run(directory: &Path, argument: Option<&str>) -> Output {
    command(program())
        .args(argument)
        .current_dir(directory)
        .output()
        .expect("the example runs")
}

fn said(output: &Output) -> &str {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    std::str::from_utf8(&output.stdout).expect("text")
}

#[test]
fn ddl_is_one_statement_an_entity_and_nothing_is_started() {
    let directory = tempfile::tempdir().expect("a directory");
    let output = run(directory.path(), Some("ddl"));
    let statements: Vec<&str> = said(&output).lines().collect();
    let expected = [
        ("FLIGHT", "flights"),
        ("AIRLINE", "airlines"),
        ("PLANE", "planes"),
    ];
    assert_eq!(statements.len(), expected.len(), "{statements:?}");
    for (statement, (source, topic)) in statements.iter().zip(expected) {
        let start = format!("CREATE TABLE IF NOT EXISTS `{source}` (");
        assert!(statement.starts_with(&start), "{statement}");
        let topic = format!("WITH (KAFKA_TOPIC='{topic}', PARTITIONS=");
        assert!(statement.contains(&topic), "{statement}");
        assert!(statement.ends_with(");"), "{statement}");
    }
    assert!(!directory.path().join("rocksdb").exists());
}

#[test]
fn avro_is_one_schema_an_entity_and_nothing_is_started() {
    let directory = tempfile::tempdir().expect("a directory");
    let output = run(directory.path(), Some("avro"));
    let schemas: Vec<&str> = said(&output).lines().collect();
    let names = ["Flight", "Airline", "Plane"];
    assert_eq!(schemas.len(), names.len(), "{schemas:?}");
    for (schema, name) in schemas.iter().zip(names) {
        let start =
            format!(r#"{{"type":"record","name":"{name}","namespace":"nycflights","fields":["#);
        assert!(schema.starts_with(&start), "{schema}");
        assert!(schema.ends_with("]}"), "{schema}");
    }
    assert!(!directory.path().join("rocksdb").exists());
}

#[test]
fn the_first_run_adds_what_the_second_finds_and_both_read_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    let (first, second) = (run(directory.path(), None), run(directory.path(), None));
    let (first, second) = (said(&first), said(&second));
    let number = |text: &str, before: &str| -> u64 {
        let rest = text.split(before).nth(1).unwrap_or_else(|| {
            panic!("`{before}` is not in: {text}");
        });
        let digits = rest.split(' ').next().expect("a word");
        digits.parse().expect("a number")
    };
    let added = number(first, "added ");
    assert!(added > 1_000, "{added} records");
    assert_eq!(number(second, "found "), added);
    assert!(!second.contains("added "), "{second}");
    let answers = |text: &str| {
        let at = text.find("aircraft have flown").expect("an answer");
        text[at..].to_owned()
    };
    assert_eq!(answers(first), answers(second));
    for word in [
        "N14228",
        "United Air Lines",
        "CREATE TABLE",
        "\"type\":\"record\"",
    ] {
        assert!(first.contains(word), "`{word}` is not in: {first}");
    }
}

#[test]
fn an_argument_it_does_not_know_is_refused_with_those_it_knows() {
    let directory = tempfile::tempdir().expect("a directory");
    let output = run(directory.path(), Some("dll"));
    assert!(!output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    for word in ["'dll'", "'ddl'", "--help"] {
        assert!(errors.contains(word), "`{word}` is not in: {errors}");
    }
    assert!(!directory.path().join("rocksdb").exists());
}

#[test]
fn a_cluster_that_is_exported_where_tests_run_is_left_alone() {
    let tests = std::env::current_exe().expect("this program");
    let output = Command::new(tests)
        .args([
            "--exact",
            "the_first_run_adds_what_the_second_finds_and_both_read_the_same",
        ])
        .env("KSQL_BOOTSTRAP", "127.0.0.1:1")
        .env("KSQL_REGISTRY", "http://127.0.0.1:1")
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}
