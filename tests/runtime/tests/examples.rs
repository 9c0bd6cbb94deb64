//! The examples, embedded and on a real cluster: from one configuration switch, with the same answers.

use std::path::Path;
use std::process::Command;

use ksql_runtime_tests::{servers, test_name};
use serde_json::Value;

/// What the flights example prints, on a cluster where variables name one.
fn run(directory: &Path, cluster: &[(&str, &str)]) -> String {
    said(
        env!("CARGO_BIN_EXE_flights-example"),
        &[],
        directory,
        cluster,
    )
}

fn said(program: &str, arguments: &[&str], directory: &Path, cluster: &[(&str, &str)]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory);
    // Whatever this machine has configured.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KSQL_") {
            command.env_remove(name);
        }
    }
    let output = command
        .envs(cluster.iter().copied())
        .output()
        .expect("the example runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{arguments:?} {cluster:?}: {said}{errors}"
    );
    said
}

/// What it says of the data, and not of this run.
fn answers(said: &str) -> &str {
    let (_, answers) = said.split_once("\n\n").expect("what was done first");
    assert!(answers.contains("aircraft have flown"), "{said}");
    answers
}

#[test]
fn the_example_gives_the_same_answers_on_a_cluster_after_an_embedded_run_and_finds_both_again() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let Some(registry) = servers::registry_or_skip(test_name!()) else {
        return;
    };
    let cluster = [
        ("KSQL_BOOTSTRAP", kafka.bootstrap()),
        ("KSQL_REGISTRY", registry.url()),
    ];
    let directory = tempfile::tempdir().expect("a directory");
    let runs = [&[][..], &cluster, &[], &cluster].map(|where_to| run(directory.path(), where_to));
    for (index, said) in runs.iter().enumerate() {
        let began = if index < 2 { "added " } else { "found " };
        assert!(said.starts_with(began), "run {index}: {said}");
        assert_eq!(answers(said), answers(&runs[0]), "run {index}");
    }
}

/// Every row of every table, by entity and window, as the program lists them itself.
fn tables(program: &str, directory: &Path, cluster: &[(&str, &str)]) -> Vec<(String, Value)> {
    let json = |arguments: &[&str]| -> Value {
        let said = said(
            program,
            &[arguments, &["--json"]].concat(),
            directory,
            cluster,
        );
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

#[test]
fn every_example_has_the_same_last_value_of_each_key_embedded_and_on_kafka() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let Some(registry) = servers::registry_or_skip(test_name!()) else {
        return;
    };
    for program in [
        env!("CARGO_BIN_EXE_flights-example"),
        env!("CARGO_BIN_EXE_candles-example"),
        env!("CARGO_BIN_EXE_departures-example"),
    ] {
        let prefix = format!("{}-", uuid::Uuid::new_v4().simple());
        let cluster = [
            ("KSQL_BOOTSTRAP", kafka.bootstrap()),
            ("KSQL_REGISTRY", registry.url()),
            ("KSQL_TOPIC_PREFIX", prefix.as_str()),
            ("KSQL_APPLICATION_ID", prefix.as_str()),
        ];
        let directory = tempfile::tempdir().expect("a directory");
        said(program, &[], directory.path(), &[]);
        said(program, &[], directory.path(), &cluster);
        let embedded = tables(program, directory.path(), &[]);
        assert!(embedded.len() >= 3, "{embedded:?}");
        for ((asked, here), (_, there)) in
            embedded
                .iter()
                .zip(tables(program, directory.path(), &cluster))
        {
            assert!(
                here.as_array().is_some_and(|rows| !rows.is_empty()),
                "{asked}"
            );
            assert_eq!(*here, there, "{program}: {asked}");
        }
    }
}
