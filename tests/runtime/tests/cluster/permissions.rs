//! The permissions that docs/cluster.md names, as the tests give them to their users: the page is the one place where they stand.

use std::path::Path;

use ksql_runtime_tests::servers::Kafka;

/// A row of the page's tables.
#[derive(Debug)]
struct Right {
    resource: String,
    operations: Vec<String>,
    reason: String,
}

/// What stands between backquotes, each once.
fn quoted(cell: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in cell.split('`').skip(1).step_by(2) {
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

fn page() -> Vec<Right> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cluster.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let (_, section) = page.split_once("## Permissions").expect("a section");
    let section = section.split("\n## ").next().expect("its text");
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(str::trim));
    cells
        .map(|cells| cells.map(str::to_owned).collect::<Vec<_>>())
        .filter(|cells| cells[0] != "resource" && !cells[0].starts_with("---"))
        .map(|cells| {
            let [resource, operations, reason] = &cells[..] else {
                panic!("three columns: {cells:?}");
            };
            Right {
                resource: resource.clone(),
                operations: quoted(operations),
                reason: reason.clone(),
            }
        })
        .collect()
}

/// Rights as the page has them, by their reasons there.
pub(crate) mod reason {
    pub(crate) const ENTITIES: &str = "tables, adding";
    pub(crate) const NEW: &str = "topics that are not there yet";
    pub(crate) const ALTERED: &str = "only with `on_drift = \"alter\"`";
    pub(crate) const LETTERS: &str = "start, which compares it";
    pub(crate) const NEW_LETTERS: &str = "where it is not there yet";
    pub(crate) const AT_WORK: &str = "writing letters; listing and replaying them; purging them";
    pub(crate) const OLD_BROKERS: &str = "the producer";
    pub(crate) const NOTES: &str = "the election, and the owner's notes";
    pub(crate) const ELECTION: &str = "the election";
    pub(crate) const WRITES: &str = "the owner's writes";
    pub(crate) const CONSUMERS: &str = "each consumer: `for_each`, `stream`";
}

/// Gives a user what the page names for these reasons, on what is called so: `["--topic", "orders"]`.
pub(crate) fn give(kafka: &Kafka, user: &str, reasons: &[&str], resource: &[&str]) {
    let page = page();
    let mut operations: Vec<&str> = Vec::new();
    for reason in reasons {
        let mut rights = page.iter().filter(|right| right.reason == *reason);
        let (Some(right), None) = (rights.next(), rights.next()) else {
            panic!("one right of the page is for: {reason}");
        };
        operations.extend(right.operations.iter().map(String::as_str));
    }
    operations.sort_unstable();
    operations.dedup();
    kafka.allow(user, &operations, resource);
}

#[test]
fn the_page_names_the_rights_that_tests_give_and_no_others() {
    use reason::{
        ALTERED, AT_WORK, CONSUMERS, ELECTION, ENTITIES, LETTERS, NEW, NEW_LETTERS, NOTES,
        OLD_BROKERS, WRITES,
    };
    let page = page();
    let named: Vec<(&str, &str)> = page
        .iter()
        .map(|right| (right.resource.as_str(), right.reason.as_str()))
        .collect();
    let (entities, letters) = (
        "topic, every one of the entities",
        "topic, the dead letters'",
    );
    assert_eq!(
        named,
        [
            (entities, ENTITIES),
            (entities, NEW),
            (entities, ALTERED),
            ("topic, the dead letters' (`system.dlq`)", LETTERS),
            (letters, NEW_LETTERS),
            (letters, AT_WORK),
            ("cluster", OLD_BROKERS),
            ("topic `<topic_prefix>system.<application_id>.owner`", NOTES),
            ("group of the same name", ELECTION),
            ("transactional id of the same name", WRITES),
            (
                "group `<application_id>_<Entity>`, or as `group(..)` says",
                CONSUMERS
            ),
        ]
    );
    for right in &page {
        assert!(!right.operations.is_empty(), "{right:?}");
    }
}
