//! The texts of all queries of an area in one file, which a change shows in.

use std::path::{Path, PathBuf};

use super::check::Written;

/// Compares the texts of an area's cases with `tests/<test>/texts/<area>.ksql`, where `module` is one of the test's;
/// `UPDATE_SNAPSHOTS=1` writes them anew.
///
/// # Panics
/// With what is different.
pub fn snapshot(module: &str, area: &str, cases: &[Written]) {
    let mut text = String::new();
    for case in cases {
        text.push_str(&format!("-- {}\n", case.id));
        if let Some(reason) = case.reason() {
            text.push_str(&format!("-- said otherwise: {reason}\n"));
        }
        for statement in case.texts() {
            text.push_str(&format!("{}\n", broken(statement)));
        }
        text.push('\n');
    }
    let path = path(module, area);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1") {
        std::fs::write(&path, text).expect("the file can be written");
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    if kept != text {
        let mut lines = kept.lines().zip(text.lines());
        let first = lines.find(|(kept, now)| kept != now);
        panic!(
            "{} is another; if the change is meant, run with UPDATE_SNAPSHOTS=1. The first difference: {first:#?}",
            path.display()
        );
    }
}

fn path(module: &str, area: &str) -> PathBuf {
    let test = module.split("::").next().unwrap_or_default();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let folder = tests.join(test).join("texts");
    folder.join(format!("{area}.ksql"))
}

/// A statement in lines of its clauses, which is what a difference is read by.
fn broken(statement: &str) -> String {
    let mut text = statement.to_owned();
    for clause in [
        " AS SELECT ",
        " FROM ",
        " WINDOW ",
        " WHERE ",
        " GROUP BY ",
        " PARTITION BY ",
        " HAVING ",
        " EMIT CHANGES;",
    ] {
        let line = format!("\n   {clause}");
        text = text.replacen(clause, &line, 1);
    }
    text
}
