//! Every example of the workspace, now and later: its statements as it prints them itself, and the program as it is run.

use std::path::{Path, PathBuf};
use std::process::Command;

use ksql_runtime::ksqldb::{Effect, Ensured, SourceDefinition, SourceDescription, Statement};
use ksql_runtime_tests::examples::tables;
use ksql_runtime_tests::test_name;

use crate::cluster::Behind;
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

/// An example whose queries run on ksqlDB.
struct OnKsqlDb<'a> {
    example: String,
    behind: &'a Behind,
    place: Place,
    statements: Vec<Statement>,
    state: tempfile::TempDir,
}

impl OnKsqlDb<'_> {
    async fn new<'a>(example: &str, behind: &'a Behind) -> OnKsqlDb<'a> {
        let place = Place::new().await;
        let trial = OnKsqlDb {
            example: example.to_owned(),
            behind,
            statements: statements(example, &place),
            place,
            state: tempfile::tempdir().expect("a directory"),
        };
        trial.place.clear(&trial.names()).await;
        trial
    }

    fn names(&self) -> Vec<&str> {
        names(&self.statements)
    }

    fn run(&self, arguments: &[&str]) -> String {
        let (url, state) = (url(), self.state.path().join("ksqldb"));
        let [bootstrap, registry] = self.behind.settings();
        let settings = [
            bootstrap,
            registry,
            ("topic_prefix", self.place.prefix.as_str()),
            ("state_dir", state.to_str().expect("a path")),
            ("ksqldb", url.as_str()),
            ("engine", "ksqldb"),
        ];
        run(&self.example, arguments, &settings)
    }

    fn run_embedded(&self, arguments: &[&str]) -> String {
        let state = self.state.path().join("embedded");
        let settings = [("state_dir", state.to_str().expect("a path"))];
        run_embedded(&self.example, arguments, &settings)
    }

    async fn found_equal(&self) {
        for statement in &self.statements {
            let ensured = ensured(&self.place, statement).await;
            assert!(
                matches!(ensured, Ensured::Unchanged { .. }),
                "{}: {ensured:?}",
                statement.text()
            );
        }
    }

    async fn leave(self) {
        let OnKsqlDb {
            place, statements, ..
        } = self;
        place.leave(&names(&statements)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a ksqlDB: KSQLDB_URL; and to reach its Kafka and registry"]
async fn every_example_runs_twice_and_the_second_run_changes_nothing() {
    let Some(behind) = Behind::found(test_name!()).await else {
        return;
    };
    for example in examples() {
        let trial = OnKsqlDb::new(&example, &behind).await;
        trial.run(&[]);
        let first = described(&trial.place, &trial.names()).await;
        trial.run(&[]);
        let second = described(&trial.place, &trial.names()).await;
        assert_eq!(second, first, "{example}");
        trial.found_equal().await;
        trial.leave().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a ksqlDB: KSQLDB_URL; and to reach its Kafka and registry"]
async fn every_example_has_the_same_last_value_of_each_key_embedded_and_on_ksqldb() {
    let Some(behind) = Behind::found(test_name!()).await else {
        return;
    };
    for example in examples() {
        let trial = OnKsqlDb::new(&example, &behind).await;
        trial.run_embedded(&[]);
        trial.run(&[]);
        assert_eq!(
            tables(|arguments| trial.run(arguments)),
            tables(|arguments| trial.run_embedded(arguments)),
            "{example}"
        );
        trial.leave().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a ksqlDB: KSQLDB_URL; and to reach its Kafka and registry"]
async fn a_terminated_query_of_an_example_is_started_again_by_its_next_start() {
    let Some(behind) = Behind::found(test_name!()).await else {
        return;
    };
    let trial = OnKsqlDb::new("candles", &behind).await;
    trial.run(&[]);
    let before = tables(|arguments| trial.run(arguments));
    for source in described(&trial.place, &trial.names()).await {
        for query in source.write_queries {
            let terminate = format!("TERMINATE {};", query.id);
            let ended = trial.place.ksql.execute(&terminate).await;
            ended.expect("it ends");
        }
    }
    trial.run(&[]);
    trial.found_equal().await;
    assert_eq!(tables(|arguments| trial.run(arguments)), before);
    trial.leave().await;
}
