//! The guide of queries tells every step a query has; functions and aggregates are held to it beside the guide's own tests.

#![allow(clippy::expect_used, reason = "a test may")]

use super::chain::STEPS;

#[test]
fn every_step_is_told_in_the_guide_and_no_other() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/queries.md");
    let guide = std::fs::read_to_string(guide).expect("docs/queries.md");
    let (_, steps) = guide.split_once("\n## Steps\n").expect("its steps");
    let (steps, _) = steps.split_once("\n## ").expect("their end");
    let mut told: Vec<&str> = Vec::new();
    for row in steps.lines().filter(|line| line.starts_with("| `")) {
        let (cell, _) = row.split_once(" | ").expect("a cell");
        // `as_stream` and `as_table` stand in one row.
        for part in cell.split('`').filter(|part| part.starts_with('.')) {
            let name = part.trim_start_matches('.');
            told.push(name.split('(').next().unwrap_or(name));
        }
    }
    let mut steps: Vec<&str> = STEPS.to_vec();
    steps.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, steps);
}
