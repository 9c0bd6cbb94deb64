//! No test takes a setting from the environment it runs in: a cluster that is exported there is its user's.

use std::path::{Path, PathBuf};
use std::process::Command;

use ksql_runtime_tests::environment::command;

const CHILD: &str = env!("CARGO_BIN_EXE_settings_child");

/// A program that is no cluster's, with settings that lead nowhere.
fn misled(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command
        .env("KSQL_BOOTSTRAP", "127.0.0.1:1")
        .env("KSQL_REGISTRY", "http://127.0.0.1:1")
        .env("KSQL_RETRIES", "17")
        .env("KSQL_TEST_DIR", "data");
    command
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_context_of_a_test_begins_with_a_configuration() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("tests"), &mut files);
    assert!(files.len() > 50, "{}", files.len());
    for folder in ["src", "src/servers"] {
        sources(&root.join(folder), &mut files);
    }
    // What the children of tests have in their environment the tests put there; the suite for a real ksqlDB is told of it
    // there; this file is about it.
    files.retain(|file| {
        !file
            .parent()
            .is_some_and(|folder| folder.ends_with("bin") || folder.ends_with("ksqldb_live"))
            && file
                .file_name()
                .is_some_and(|name| name != "environment.rs")
    });
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a text");
        for (_, rest) in text
            .match_indices("Context::builder()")
            .map(|(at, found)| text.split_at(at + found.len()))
        {
            assert!(
                rest.trim_start().starts_with(".config("),
                "{}: write `ksql_runtime_tests::context()`, which asks no environment",
                file.display()
            );
        }
    }
}

/// Not in a test's own environment, which no test can change: this one is run again as a child of the test below.
#[test]
fn a_child_has_the_environment_but_for_the_settings() {
    let output = command(CHILD)
        .args(["show", ""])
        .env("KSQL_TEST_DIR", "data")
        .output()
        .expect("the child runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(
        said.contains("bootstrap: None") && said.contains("retries: None"),
        "{said}"
    );
    assert!(
        ksql_runtime_tests::context()
            .configuration()
            .is_ok_and(|config| { config.cluster.bootstrap.is_none() && config.retries.is_none() })
    );
}

#[test]
fn what_is_exported_where_tests_run_reaches_neither_them_nor_their_children() {
    let said = |command: &mut Command| {
        let output = command.output().expect("it runs");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let (_, without) = said(misled(CHILD).args(["show", ""]));
    assert!(without.contains("retries: Some(17)"), "{without}");
    let tests = std::env::current_exe().expect("this program");
    let (passed, told) = said(misled(tests).args([
        "--exact",
        "a_child_has_the_environment_but_for_the_settings",
    ]));
    assert!(passed && told.contains("1 passed"), "{told}");
}

#[cfg(unix)]
#[test]
fn make_keeps_settings_from_tests_and_leaves_them_what_is_theirs() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let cargo = folder.path().join("cargo");
    std::fs::write(&cargo, "#!/bin/sh\nenv\n").expect("written");
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).expect("a program");
    let path = std::env::var("PATH").expect("a path");
    let output = misled("make")
        .arg("tests")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .env("PATH", format!("{}:{path}", folder.path().display()))
        .env("KSQL_KAFKA__SASL_PASSWORD", "hunter2")
        .env("KSQL_SHARED_DATA", "data")
        .env_remove("MAKEFLAGS")
        .output()
        .expect("make runs: librdkafka is built with it");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    for gone in ["KSQL_BOOTSTRAP=", "KSQL_REGISTRY=", "hunter2"] {
        assert!(!said.contains(gone), "{said}");
    }
    // Once more where OpenSSL's headers are there.
    let runs = said
        .matches(&format!("{}:", folder.path().display()))
        .count();
    assert!(runs >= 2, "{said}");
    for kept in ["KSQL_TEST_DIR=data", "KSQL_SHARED_DATA=data"] {
        assert_eq!(said.matches(kept).count(), runs, "{said}");
    }
}
