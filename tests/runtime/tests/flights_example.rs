//! The flights example, moved from embedded to a real cluster in one working directory, as the documents tell users to.

use std::path::Path;
use std::process::Command;

use ksql_runtime_tests::{servers, test_name};

/// What a run prints, on a cluster where variables name one.
fn run(directory: &Path, cluster: &[(&str, &str)]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flights-example"));
    command.current_dir(directory);
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
    assert!(output.status.success(), "{cluster:?}: {said}{errors}");
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
