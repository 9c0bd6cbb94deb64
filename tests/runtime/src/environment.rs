//! Contexts and programs that take no setting from the environment of whoever runs the tests: what is exported there may
//! name a cluster, which is its user's.
//!
//! Invariant: every context of a test begins here, or with a configuration of its own; every program of ours that a test
//! starts is a [`command`].

use std::ffi::OsStr;
use std::process::Command;

use ksql_runtime::prelude::*;

/// Variables with the prefix of settings that are none: the tests' own.
const OWN: [&str; 6] = [
    "KSQL_TEST_",
    "KSQL_SHARED",
    "KSQL_SKIPPED",
    "KSQL_SERVERS",
    "KSQL_CLUSTER_DIR",
    "KSQL_PEERS",
];

/// Begins a context from the defaults alone.
pub fn context() -> ContextBuilder {
    Context::builder().config(Config::default())
}

/// A program that has the environment but for the settings in it.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("KSQL_") && !OWN.iter().any(|own| text.starts_with(own)) {
            command.env_remove(name);
        }
    }
    command
}
