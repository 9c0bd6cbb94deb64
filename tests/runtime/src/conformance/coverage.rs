//! Whether every case is written, refused or has a reason why not: the lists of a test against the cases there are.

use std::path::Path;

use super::{Cases, Written};

/// Reasons, and the cases each is one for.
type Reasons = [(&'static str, &'static [&'static str])];

/// Where something is refused.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Refused {
    /// It does not compile: a case under `tests/ui`, `area/name`.
    Ui(&'static str),
    /// A check of the model.
    Model(&'static str),
    /// The query stops: a test in a file beside the test's folder.
    Run(&'static str, &'static str),
    /// Nothing says it, for this reason.
    Unsayable(&'static str),
}

/// Each case that joins, or each that joins nothing, is written, or there is a reason why not.
///
/// # Panics
/// With the cases that are neither, or both.
pub fn assert_each_is_written(cases: &Cases, written: &[Written], cannot: &Reasons, joined: bool) {
    let written: Vec<&str> = written.iter().map(|case| case.id).collect();
    let cannot = ids(cannot.iter().map(|(_, ids)| *ids));
    let mut wrong = Vec::new();
    for (list, name) in [(&written, "written"), (&cannot, "listed as not written")] {
        for (index, id) in list.iter().enumerate() {
            if list[..index].contains(id) {
                wrong.push(format!("`{id}` is {name} twice"));
            }
            match cases.get(id) {
                None => wrong.push(format!("`{id}` is {name}, and there is no such case")),
                Some(case) if case.is_over_one_source() != joined => {}
                Some(_) => wrong.push(format!("`{id}` is {name}, and belongs elsewhere")),
            }
        }
    }
    for (id, case) in cases.all() {
        match (written.contains(&id), cannot.contains(&id)) {
            (true, true) => wrong.push(format!("`{id}` is written, and there is a reason why not")),
            (false, false) if case.is_over_one_source() != joined => {
                wrong.push(format!("`{id}` is not written, and no reason is given"));
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How many of the cases to translate first with this rank are written, and how many there are.
pub fn share_of_core(cases: &Cases, written: &[Written], rank: u8, joined: bool) -> (usize, usize) {
    let core = cases.core().iter().filter(|(of, _)| *of == rank);
    let wanted: Vec<_> = core
        .filter(|(_, id)| {
            cases
                .get(id)
                .is_some_and(|case| case.is_over_one_source() != joined)
        })
        .collect();
    let is_written = |id: &str| written.iter().any(|case| case.id == id);
    let found = wanted.iter().filter(|(_, id)| is_written(id)).count();
    println!(
        "rank {rank}: {found} of {}, {} cannot be written",
        wanted.len(),
        wanted.len() - found
    );
    (found, wanted.len())
}

/// Each refused statement that joins, or that joins nothing, stands in the list once, and at least so many are refused where they
/// could be said.
///
/// # Panics
/// With the statements that do not.
pub fn assert_refused(
    test: &str,
    refused: &[(Refused, &'static [&'static str])],
    joined: bool,
    least: usize,
) {
    let Some(cases) = Cases::refused_or_skip(test, joined) else {
        return;
    };
    let listed = ids(refused.iter().map(|(_, ids)| *ids));
    let mut wrong = Vec::new();
    for (index, id) in listed.iter().enumerate() {
        if listed[..index].contains(id) {
            wrong.push(format!("`{id}` is listed twice"));
        }
        if !cases.iter().any(|case| case == id) {
            wrong.push(format!("`{id}` is listed, and there is no such case here"));
        }
    }
    for id in &cases {
        if !listed.contains(&id.as_str()) {
            wrong.push(format!("where `{id}` is refused is not said"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unsayable = refused
        .iter()
        .filter(|(place, _)| matches!(place, Refused::Unsayable(_)));
    let unsayable: usize = unsayable.map(|(_, ids)| ids.len()).sum();
    let said = listed.len() - unsayable;
    println!("{said} statements are refused, and nothing says {unsayable}");
    assert!(said >= least, "{said} of at least {least} are refused");
}

/// The places that a list names are there, and none stands twice.
///
/// # Panics
/// With the place that is not.
pub fn assert_places(refused: &[(Refused, &'static [&'static str])]) {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let ui = tests.join("../../ui");
    let errors =
        std::fs::read_to_string(tests.join("../../../docs/errors.md")).expect("the errors");
    for (place, _) in refused {
        let there = match place {
            Refused::Ui(case) => case.split_once('/').is_some_and(|(area, name)| {
                let case = ui.join(area).join("fail").join(name);
                case.with_extension("rs").is_file() && case.with_extension("stderr").is_file()
            }),
            Refused::Model(code) => errors.contains(&format!("## {code}: ")),
            Refused::Run(file, name) => {
                let text = std::fs::read_to_string(tests.join(file).with_extension("rs"));
                text.is_ok_and(|text| text.contains(&format!("fn {name}(")))
            }
            Refused::Unsayable(reason) => !reason.is_empty(),
        };
        assert!(there, "{place:?}");
    }
    for (index, (place, _)) in refused.iter().enumerate() {
        assert!(
            refused[..index].iter().all(|(before, _)| before != place),
            "{place:?} stands twice"
        );
    }
}

fn ids(lists: impl Iterator<Item = &'static [&'static str]>) -> Vec<&'static str> {
    lists.flatten().copied().collect()
}
