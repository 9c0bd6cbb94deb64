//! The examples, embedded and on a real cluster: from one configuration switch, with the same answers.

use std::path::Path;
use std::process::Command;

use ksql_runtime_tests::examples::tables;
use ksql_runtime_tests::{servers, test_name};

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
        let listed = |cluster: &[(&str, &str)]| {
            tables(|arguments| said(program, arguments, directory.path(), cluster))
        };
        let embedded = listed(&[]);
        assert!(embedded.len() >= 3, "{embedded:?}");
        let on_kafka = listed(&cluster);
        assert_eq!(embedded.len(), on_kafka.len(), "{program}");
        for ((asked, here), (also, there)) in embedded.iter().zip(&on_kafka) {
            assert_eq!(asked, also);
            assert!(
                here.as_array().is_some_and(|rows| !rows.is_empty()),
                "{asked}"
            );
            assert_eq!(here, there, "{program}: {asked}");
        }
    }
}
