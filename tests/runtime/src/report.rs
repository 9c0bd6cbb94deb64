//! What the reliability tests say: how many cases passed and failed, and one line of JSON with the seed, the counts and
//! the versions it was measured with. And the environment that makes them longer or different.

use serde_json::{Map, Value};

/// The seed of a test where `KSQL_TEST_SEED` names no other: a run without it is the same on every machine.
const SEED: u64 = 20_131_231;

/// The seed to test with.
pub fn seed() -> u64 {
    number("KSQL_TEST_SEED", SEED)
}

/// A number of the environment, or this one.
pub fn number(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Err(_) => otherwise,
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is a number, not `{text}`")),
    }
}

/// The report of one test, written when it ends, also where it ends by a failure.
#[derive(Debug)]
pub struct Report {
    line: Map<String, Value>,
    passed: u64,
}

impl Report {
    /// The report of a test, all of whose draws come from `seed`.
    pub fn new(test: &str, seed: u64) -> Report {
        let mut line = Map::new();
        line.insert("test".to_owned(), test.into());
        line.insert("seed".to_owned(), seed.into());
        Report { line, passed: 0 }
    }

    /// One case was right.
    pub fn pass(&mut self) {
        self.passed += 1;
    }

    /// Sets a count.
    pub fn count(&mut self, name: &str, count: u64) {
        self.line.insert(name.to_owned(), count.into());
    }

    fn text(&self, failed: u64) -> String {
        let mut line = self.line.clone();
        let versions = ["ksql-runtime", "rocksdb", "librocksdb-sys"]
            .map(|package| (package.to_owned(), Value::from(version(package))));
        line.insert("versions".to_owned(), Map::from_iter(versions).into());
        format!(
            "{}: {} passed, {failed} failed\n{}",
            self.line["test"].as_str().unwrap_or_default(),
            self.passed,
            Value::from(line)
        )
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        // A test ends at its first failure.
        println!("{}", self.text(u64::from(std::thread::panicking())));
    }
}

/// The version of a package this was built with.
fn version(package: &str) -> &'static str {
    let wanted = format!("\nname = \"{package}\"\nversion = \"");
    include_str!("../../../Cargo.lock")
        .split_once(&wanted)
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("unknown", |(version, _)| version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_passed_and_failed_and_with_which_versions() {
        let mut report = Report::new("T", 7);
        report.pass();
        report.pass();
        report.count("kills", 3);
        let text = report.text(1);
        let (words, line) = text.split_once('\n').expect("two lines");
        assert_eq!(words, "T: 2 passed, 1 failed");
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!((&line["seed"], &line["kills"]), (&7.into(), &3.into()));
        for package in ["ksql-runtime", "rocksdb", "librocksdb-sys"] {
            let version = line["versions"][package].as_str().expect("a version");
            assert!(version.contains('.'), "{package} {version}");
        }
    }
}
