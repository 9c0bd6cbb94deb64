//! Every example of the workspace, now and later: its statements as it prints them itself, and the program as it is run.

use std::path::{Path, PathBuf};
use std::process::Command;

use ksql_runtime::ksqldb::{Effect, Ensured, SourceDefinition, SourceDescription, Statement};
use ksql_runtime_tests::test_name;

use crate::cluster;
use crate::server::{Place, url};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names of the examples: one file each.
fn examples() -> Vec<String> {
    let files = std::fs::read_dir(workspace().join("examples")).expect("the folder");
    let files = files.map(|file| file.expect("a file").path());
    let mut names: Vec<String> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    assert!(names.contains(&"flights".to_owned()), "{names:?}");
    names
}

/// Runs an example with settings and gives what it prints. Cargo builds it where it is not built yet.
fn run(example: &str, arguments: &[&str], settings: &[(&str, &str)]) -> String {
    said(cargo(example, arguments, settings))
}

/// The same embedded, whatever cluster the environment names.
fn run_embedded(example: &str, arguments: &[&str], settings: &[(&str, &str)]) -> String {
    let mut command = cargo(example, arguments, settings);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KSQL_") {
            command.env_remove(name);
        }
    }
    said(command)
}

fn cargo(example: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    let run = [
        "run",
        "--quiet",
        "-p",
        "ksql-examples",
        "--example",
        example,
        "--",
    ];
    command.args(run).args(arguments).current_dir(workspace());
    for (key, value) in settings {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    command
}

fn said(mut command: Command) -> String {
    let output = command.output().expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// The statements of an example, on topics of this test.
fn statements(example: &str, place: &Place) -> Vec<Statement> {
    let text = run(example, &["ddl"], &[("topic_prefix", &place.prefix)]);
    let statements = Statement::split(&text).expect("statements");
    assert!(!statements.is_empty(), "{example} has no statements");
    statements
}

/// What statements make, last things first.
fn names(statements: &[Statement]) -> Vec<&str> {
    let made = statements
        .iter()
        .rev()
        .filter_map(|statement| match statement.effect() {
            Effect::Create { name, .. } | Effect::CreateAs { name, .. } => Some(name.as_str()),
            _ => None,
        });
    made.collect()
}

async fn ensured(place: &Place, statement: &Statement) -> Ensured {
    let text = statement.text();
    let ensured = match statement.effect() {
        Effect::Create { .. } => {
            let definition = SourceDefinition::parse(text).expect("a definition");
            place.ksql.ensure_source(&definition).await
        }
        Effect::CreateAs { .. } | Effect::InsertInto { .. } => place.ksql.ensure_query(text).await,
        other => panic!("an example creates and inserts: {other:?}: {text}"),
    };
    ensured.unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a ksqlDB: KSQLDB_URL"]
async fn every_statement_of_every_example_is_accepted_and_found_equal() {
    for example in examples() {
        let place = Place::new().await;
        let statements = statements(&example, &place);
        let names = names(&statements);
        place.clear(&names).await;
        for start in 0..2 {
            for statement in &statements {
                let ensured = ensured(&place, statement).await;
                let expected = match start {
                    0 => matches!(ensured, Ensured::Created { .. }),
                    _ => matches!(ensured, Ensured::Unchanged { .. }),
                };
                assert!(expected, "{start}: {}: {ensured:?}", statement.text());
            }
        }
        place.leave(&names).await;
    }
}

async fn described(place: &Place, names: &[&str]) -> Vec<SourceDescription> {
    let mut all = Vec::new();
    for name in names {
        let found = place.ksql.describe(name).await.expect("an answer");
        let found = found.unwrap_or_else(|| panic!("{name} is there"));
        assert!(found.topic.starts_with(&place.prefix), "{}", found.topic);
        all.push(found);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a ksqlDB: KSQLDB_URL; and its Kafka and registry: KSQL_BOOTSTRAP, KSQL_REGISTRY"]
async fn every_example_runs_twice_and_the_second_run_changes_nothing() {
    if !cluster::is_named(test_name!()) {
        return;
    }
    for example in examples() {
        let place = Place::new().await;
        let statements = statements(&example, &place);
        let names = names(&statements);
        place.clear(&names).await;
        let state = tempfile::tempdir().expect("a directory");
        let state = state.path().to_str().expect("a path");
        let url = url();
        let variables = [
            ("topic_prefix", place.prefix.as_str()),
            ("state_dir", state),
            ("ksqldb", url.as_str()),
            ("engine", "ksqldb"),
        ];
        run(&example, &[], &variables);
        let first = described(&place, &names).await;
        run(&example, &[], &variables);
        assert_eq!(described(&place, &names).await, first, "{example}");
        for statement in &statements {
            let ensured = ensured(&place, statement).await;
            assert!(
                matches!(ensured, Ensured::Unchanged { .. }),
                "{}: {ensured:?}",
                statement.text()
            );
        }
        place.leave(&names).await;
    }
}

/// The rows of every table of an example, as it lists them itself: by entity and window.
fn tables(run: impl Fn(&[&str]) -> String) -> Vec<(String, serde_json::Value)> {
    let json = |arguments: &[&str]| -> serde_json::Value {
        let said = run(&[arguments, &["--json"]].concat());
        serde_json::from_str(&said).expect("JSON")
    };
    let topics = json(&["topics"]);
    let topics = topics.as_array().expect("topics");
    let tables = topics.iter().filter(|topic| topic["kind"] == "table");
    tables
        .map(|topic| {
            let entity = topic["entity"].as_str().expect("a name");
            let mut arguments = vec!["list", entity, "--limit", "0"];
            if let Some(window) = topic["window"].as_str() {
                arguments.extend(["--window", window]);
            }
            (arguments.join(" "), json(&arguments))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a ksqlDB: KSQLDB_URL; and its Kafka and registry: KSQL_BOOTSTRAP, KSQL_REGISTRY"]
async fn every_example_has_the_same_last_value_of_each_key_embedded_and_on_ksqldb() {
    if !cluster::is_named(test_name!()) {
        return;
    }
    for example in examples() {
        let place = Place::new().await;
        let statements = statements(&example, &place);
        let names = names(&statements);
        place.clear(&names).await;
        let state = tempfile::tempdir().expect("a directory");
        let url = url();
        let directory = |name: &str| {
            let path = state.path().join(name);
            path.to_str().expect("a path").to_owned()
        };
        let (here, there) = (directory("embedded"), directory("ksqldb"));
        let embedded = [("state_dir", here.as_str())];
        let ksqldb = [
            ("topic_prefix", place.prefix.as_str()),
            ("state_dir", there.as_str()),
            ("ksqldb", url.as_str()),
            ("engine", "ksqldb"),
        ];
        run_embedded(&example, &[], &embedded);
        run(&example, &[], &ksqldb);
        assert_eq!(
            tables(|arguments| run(&example, arguments, &ksqldb)),
            tables(|arguments| run_embedded(&example, arguments, &embedded)),
            "{example}"
        );
        place.leave(&names).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a ksqlDB: KSQLDB_URL; and its Kafka and registry: KSQL_BOOTSTRAP, KSQL_REGISTRY"]
async fn a_terminated_query_of_an_example_is_started_again_by_its_next_start() {
    if !cluster::is_named(test_name!()) {
        return;
    }
    let place = Place::new().await;
    let statements = statements("candles", &place);
    let names = names(&statements);
    place.clear(&names).await;
    let state = tempfile::tempdir().expect("a directory");
    let state = state.path().to_str().expect("a path");
    let url = url();
    let variables = [
        ("topic_prefix", place.prefix.as_str()),
        ("state_dir", state),
        ("ksqldb", url.as_str()),
        ("engine", "ksqldb"),
    ];
    run("candles", &[], &variables);
    let before = tables(|arguments| run("candles", arguments, &variables));
    for name in &names {
        let found = place.ksql.describe(name).await.expect("an answer");
        for query in found.expect("it is there").write_queries {
            let terminate = format!("TERMINATE {};", query.id);
            place.ksql.execute(&terminate).await.expect("it ends");
        }
    }
    run("candles", &[], &variables);
    for statement in &statements {
        let ensured = ensured(&place, statement).await;
        assert!(
            matches!(ensured, Ensured::Unchanged { .. }),
            "{}: {ensured:?}",
            statement.text()
        );
    }
    assert_eq!(
        tables(|arguments| run("candles", arguments, &variables)),
        before
    );
    place.leave(&names).await;
}
