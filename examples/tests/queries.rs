//! The examples of queries as a user runs them: their answers, a second run, and what they explain.

use std::path::Path;
use std::process::Command;

/// What an example prints. `cargo test` builds it beside its tests.
fn said(name: &str, directory: &Path, arguments: &[&str]) -> String {
    let mut path = std::env::current_exe().expect("a path");
    path.pop();
    path.pop();
    let path = path
        .join("examples")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(path);
    let all = std::env::vars_os().map(|(name, _)| name);
    for name in all.filter(|name| name.to_string_lossy().starts_with("KSQL_")) {
        command.env_remove(name);
    }
    let output = command
        .args(arguments)
        .current_dir(directory)
        .output()
        .expect("the example runs; `cargo test -p ksql-examples` builds it");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn departures_are_the_known_hours_and_a_second_run_finds_them() {
    let directory = tempfile::tempdir().expect("a directory");
    for _ in 0..2 {
        let said = said("departures", directory.path(), &[]);
        for part in [
            "109 hours of airports with departures",
            "The busiest hour: 35 flights from EWR after 02 Jan 11:00",
            "N13914",
            "BOEING             462       78060",
        ] {
            assert!(said.contains(part), "{part} in\n{said}");
        }
        // The spaces between columns are those of the longest name.
        let words: Vec<&str> = said.split_whitespace().collect();
        let said = words.join(" ");
        for (airline, coldest, warmest) in CLIMATES {
            let row = format!("{airline} {coldest} F {warmest} F");
            assert!(said.contains(&row), "{row} in\n{said}");
        }
    }
}

/// Counted from the files by hand: the coldest and the warmest reading within half an hour of an airline's departures that have a tail
/// number.
const CLIMATES: [(&str, &str, &str); 14] = [
    ("AirTran Airways Corporation", "24.1", "39.9"),
    ("Alaska Airlines Inc.", "25.0", "39.0"),
    ("American Airlines Inc.", "23.0", "41.0"),
    ("Delta Air Lines Inc.", "23.0", "41.0"),
    ("Endeavor Air Inc.", "24.1", "39.9"),
    ("Envoy Air", "24.1", "41.0"),
    ("ExpressJet Airlines Inc.", "24.1", "41.0"),
    ("Frontier Airlines Inc.", "27.0", "39.9"),
    ("Hawaiian Airlines Inc.", "27.0", "39.9"),
    ("JetBlue Airways", "23.0", "41.0"),
    ("Southwest Airlines Co.", "24.1", "39.9"),
    ("US Airways Inc.", "23.0", "41.0"),
    ("United Air Lines Inc.", "23.0", "41.0"),
    ("Virgin America", "23.0", "41.0"),
];

#[test]
fn candles_are_made_of_one_query_in_three_sizes() {
    let directory = tempfile::tempdir().expect("a directory");
    let said = said("candles", directory.path(), &[]);
    for part in [
        "360 candles of 1 minutes",
        "72 candles of 5 minutes",
        "candles of 60 minutes",
        "EURUSD",
    ] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
}

#[test]
fn explain_prints_whole_statements_and_starts_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, queries) in [("candles", 3), ("departures", 6)] {
        let said = said(name, directory.path(), &["explain", "--mermaid"]);
        let statements: Vec<&str> = said
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("CREATE "))
            .collect();
        assert_eq!(statements.len(), queries, "{said}");
        for statement in statements {
            assert!(statement.ends_with("EMIT CHANGES;"), "{statement}");
        }
        for part in ["grouped and aggregated", "flowchart"] {
            assert!(said.contains(part), "{part} in\n{said}");
        }
    }
    let made = std::fs::read_dir(directory.path()).expect("a directory");
    assert_eq!(made.count(), 0, "explaining makes nothing");
}
