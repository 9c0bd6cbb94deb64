//! Every example of the workspace, now and later: its statements as it prints them itself, and the program as it is run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use ksql_runtime::ksqldb::{
    Effect, Ensured, KsqlDb, QueryListing, Select, SourceDescription, Statement,
};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::examples::tables;
use ksql_runtime_tests::{environment, test_name};
use serde_json::{Value, json};

use crate::cluster::Behind;
use crate::server::{LONG, Place, url};

/// An example from its own file, for the types of its rows.
#[allow(dead_code, unreachable_pub, reason = "the program is run as one")]
#[path = "../../../../examples/candles.rs"]
mod candles;

use candles::Candle;

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
                let ensured = place.ensured(statement).await;
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

/// What of a source lasts as long as nobody changes it: the states of its queries pass, and their order is by chance.
#[derive(Debug, PartialEq)]
struct Lasting {
    name: String,
    statement: String,
    topic: String,
    partitions: u32,
    read_by: Vec<String>,
    written_by: Vec<String>,
}

impl Lasting {
    fn of(source: SourceDescription) -> Lasting {
        let ids = |queries: Vec<QueryListing>| {
            let mut ids: Vec<String> = queries.into_iter().map(|query| query.id).collect();
            ids.sort();
            ids
        };
        Lasting {
            name: source.name,
            statement: source.statement,
            topic: source.topic,
            partitions: source.partitions,
            read_by: ids(source.read_queries),
            written_by: ids(source.write_queries),
        }
    }
}

#[test]
fn a_state_that_passes_changes_no_source_and_another_query_does() {
    let lasting = |reads: Value, writes: &str, partitions: u32| {
        let source = json!({ "name": "S", "statement": "..", "topic": "s", "partitions": partitions,
            "readQueries": reads, "writeQueries": [{ "id": writes }] });
        Lasting::of(serde_json::from_value(source).expect("a description"))
    };
    let query =
        |id: &str, state: &str| json!({ "id": id, "state": state, "statusCount": { state: 1 } });
    let (one, two) = (query("A_1", "RUNNING"), query("B_3", "RUNNING"));
    let starting = query("B_3", "REBALANCING");
    let before = lasting(json!([starting, one]), "C_5", 1);
    assert_eq!(lasting(json!([one, two]), "C_5", 1), before);
    assert_ne!(lasting(json!([one]), "C_5", 1), before);
    assert_ne!(
        lasting(json!([one, query("B_7", "RUNNING")]), "C_5", 1),
        before
    );
    assert_ne!(lasting(json!([one, two]), "C_7", 1), before);
    assert_ne!(lasting(json!([one, two]), "C_5", 2), before);
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

    async fn lasting(&self) -> Vec<Lasting> {
        let found = described(&self.place, &self.names()).await;
        found.into_iter().map(Lasting::of).collect()
    }

    async fn found_equal(&self) {
        for statement in &self.statements {
            let ensured = self.place.ensured(statement).await;
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
        let first = trial.lasting().await;
        trial.run(&[]);
        assert_eq!(trial.lasting().await, first, "{example}");
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

/// How many minutes the windows of the candles have.
const MINUTES: [u64; 3] = [1, 5, 60];

fn in_order(mut candles: Vec<Candle>) -> Vec<Candle> {
    candles.sort_by(|one, two| (&one.symbol, one.opened_at).cmp(&(&two.symbol, two.opened_at)));
    candles
}

/// The candles of so many minutes that the example lists. `run` gives what it prints for some arguments.
fn listed(minutes: u64, run: impl Fn(&[&str]) -> String) -> Vec<Candle> {
    let minutes = minutes.to_string();
    let said = run(&[
        "list", "Candle", "--window", &minutes, "--limit", "0", "--json",
    ]);
    let rows: Vec<BTreeMap<String, Value>> = serde_json::from_str(&said).expect("a list of rows");
    let candles = rows.iter().map(|row| {
        let text = |column: &str| row[column].as_str().expect("a text");
        let price = |column: &str| text(column).parse().expect("a price");
        Candle {
            symbol: text("symbol").to_owned(),
            opened_at: text("opened_at").parse().expect("a time"),
            open: price("open"),
            high: price("high"),
            low: price("low"),
            close: price("close"),
            volume: row["volume"].as_i64().expect("a number"),
        }
    });
    in_order(candles.collect())
}

#[test]
fn what_an_example_lists_is_read_as_its_own_rows() {
    let state = tempfile::tempdir().expect("a directory");
    let run = |arguments: &[&str]| {
        let mut command = environment::command(env!("CARGO_BIN_EXE_candles-example"));
        command.args(arguments).arg("--set");
        command.arg(format!("state_dir={}", state.path().display()));
        said(command)
    };
    run(&[]);
    // Two hours of three symbols, from half past on.
    let all = MINUTES.map(|minutes| listed(minutes, run));
    assert_eq!(all.each_ref().map(Vec::len), [360, 72, 9]);
    let price = |price| Decimal::new(price, 4);
    let first = Candle {
        symbol: "EURUSD".to_owned(),
        opened_at: "2024-05-08T11:30:00Z".parse().expect("a time"),
        open: price(10_765),
        high: price(10_784),
        low: price(10_755),
        close: price(10_768),
        volume: 562_000,
    };
    assert_eq!(all[1].first(), Some(&first));
}

/// Pulls the candles of so many minutes until they are these: a table that answers may still be reading. Then one by its key.
async fn pulled(ksql: &KsqlDb, minutes: u64, expected: &[Candle]) {
    let select = || Select::<Candle>::from_source(format!("CANDLE_{minutes}MIN"));
    let arrived = async {
        let mut pause = tokio::time::interval(std::time::Duration::from_millis(200));
        loop {
            pause.tick().await;
            let rows = ksql.pull(&select()).await;
            let rows = rows.unwrap_or_else(|error| panic!("{minutes} minutes: {error}"));
            if in_order(rows) == expected {
                return;
            }
        }
    };
    tokio::time::timeout(LONG, arrived)
        .await
        .unwrap_or_else(|_| panic!("{minutes} minutes: what the embedded tables hold"));
    let last = expected.last().expect("a candle");
    let one = select().key(&last.key()).expect("a key");
    let one = ksql.pull(&one).await.expect("the candle");
    assert_eq!(one, std::slice::from_ref(last));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a ksqlDB: KSQLDB_URL; and to reach its Kafka and registry"]
async fn what_an_example_makes_there_is_pulled_as_its_own_rows() {
    let Some(behind) = Behind::found(test_name!()).await else {
        return;
    };
    let trial = OnKsqlDb::new("candles", &behind).await;
    trial.run_embedded(&[]);
    trial.run(&[]);
    for minutes in MINUTES {
        let expected = listed(minutes, |arguments| trial.run_embedded(arguments));
        pulled(&trial.place.ksql, minutes, &expected).await;
    }
    trial.leave().await;
}
