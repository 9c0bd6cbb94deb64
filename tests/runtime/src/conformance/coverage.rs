//! Whether every case is written, refused or has a reason why not: the lists of a test against the cases there are.

use std::path::Path;

use super::{Cases, Written};

/// Reasons, and the cases each is one for.
type Reasons = [(&'static str, &'static [&'static str])];

/// Where something is refused.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Place {
    /// It does not compile: a case under `tests/ui`, `area/name`.
    Ui(&'static str),
    /// A test asserts it: the file from the root of the workspace, and the test's name.
    Test(&'static str, &'static str),
}

/// A statement that ksqlDB refuses, and what is refused here in its place.
#[derive(Debug, Clone, Copy)]
pub struct Refusal {
    /// The case.
    pub id: &'static str,
    /// What of its statements ksqlDB refuses.
    pub theirs: &'static str,
    /// The same in Rust, as it stands at the place.
    pub ours: &'static str,
    /// Part of the text that it is refused with there.
    pub told: &'static str,
}

/// Places, and what is refused there.
type Refusals = [(Place, &'static [Refusal])];

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

/// Each refused statement that joins, or that joins nothing, stands once in one of the lists: with what of it ksqlDB refuses and
/// what is refused here, or with the reason why nothing says it. At least so many are refused where they could be said.
///
/// # Panics
/// With the statements that do not.
pub fn assert_refused(
    test: &str,
    refused: &Refusals,
    unsayable: &Reasons,
    joined: bool,
    least: usize,
) {
    let Some(cases) = Cases::refused_or_skip(test, joined) else {
        return;
    };
    let said: Vec<&Refusal> = refused.iter().flat_map(|(_, list)| *list).collect();
    let mut listed: Vec<&str> = said.iter().map(|refusal| refusal.id).collect();
    listed.extend(ids(unsayable.iter().map(|(_, ids)| *ids)));
    let mut wrong = Vec::new();
    for (index, id) in listed.iter().enumerate() {
        if listed[..index].contains(id) {
            wrong.push(format!("`{id}` is listed twice"));
        }
        if !cases.contains_key(*id) {
            wrong.push(format!("`{id}` is listed, and there is no such case here"));
        }
    }
    for (id, statements) in &cases {
        if !listed.contains(&id.as_str()) {
            wrong.push(format!("where `{id}` is refused is not said"));
        }
        for refusal in said.iter().filter(|refusal| refusal.id == id) {
            if !statements.iter().any(|text| text.contains(refusal.theirs)) {
                wrong.push(format!("`{}` is in no statement of `{id}`", refusal.theirs));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let (said, all) = (said.len(), listed.len());
    println!("{said} statements are refused, and {} not", all - said);
    assert!(said >= least, "{said} of at least {least} are refused");
}

/// Each refusal of a list is one: what it says is refused at its place, with its text. None of the places stands twice.
///
/// # Panics
/// With those that are not.
pub fn assert_places(refused: &Refusals) {
    let mut wrong = Vec::new();
    for (index, (place, refusals)) in refused.iter().enumerate() {
        if refused[..index].iter().any(|(before, _)| before == place) {
            wrong.push(format!("{place:?} stands twice"));
        }
        for refusal in *refusals {
            if let Err(reason) = place.refuses(refusal) {
                wrong.push(format!("`{}` at {place:?}: {reason}", refusal.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

impl Place {
    /// Whether this place refuses it, or why not.
    fn refuses(&self, refusal: &Refusal) -> Result<(), String> {
        if [refusal.theirs, refusal.ours, refusal.told].contains(&"") {
            return Err("something of it is empty".to_owned());
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
        };
        match self {
            Place::Ui(case) => {
                let (area, name) = case.split_once('/').ok_or("this is no `area/name`")?;
                let path = root.join("tests/ui").join(area).join("fail").join(name);
                // The compiler is held to these texts by the test of all cases.
                let (program, texts) = (
                    read(&path.with_extension("rs"))?,
                    read(&path.with_extension("stderr"))?,
                );
                match program.contains(refusal.ours) {
                    true => underlines(&texts, refusal),
                    false => Err(format!("`{}` does not stand there", refusal.ours)),
                }
            }
            Place::Test(file, name) => {
                let text = read(&root.join(file))?;
                let body = body_of_test(&text, name).ok_or("there is no such test")?;
                for (part, within) in [(refusal.ours, text.as_str()), (refusal.told, body)] {
                    if !within.contains(part) {
                        return Err(format!("`{part}` does not stand there"));
                    }
                }
                Ok(())
            }
        }
    }
}

/// Whether one of the compiler's errors has the text and points at what is refused, or what is pointed at with this text.
fn underlines(texts: &str, refusal: &Refusal) -> Result<(), String> {
    let mut others = Vec::new();
    for error in texts.split("\n\n") {
        let told: String = head(error).split_whitespace().collect::<Vec<_>>().join(" ");
        if !told.starts_with("error") || !told.contains(refusal.told) {
            continue;
        }
        let lines: Vec<&str> = error.lines().collect();
        for pair in lines.windows(2) {
            if points_at(pair[0], pair[1], refusal.ours) {
                return Ok(());
            }
            if pair[1].contains('^') {
                others.push(pair[0].trim());
            }
        }
    }
    Err(match others.as_slice() {
        [] => format!("no error says `{}`", refusal.told),
        others => format!(
            "what says `{}` points not at `{}` but at {others:?}",
            refusal.told, refusal.ours
        ),
    })
}

/// What an error says before it shows where.
fn head(error: &str) -> &str {
    error.split("-->").next().unwrap_or_default()
}

/// Whether the line of carets below a line points at this part of it.
fn points_at(line: &str, carets: &str, part: &str) -> bool {
    let first = carets.find('^');
    let Some((first, last)) = first.zip(carets.rfind('^')) else {
        return false;
    };
    // Columns are characters, and the line of carets has no others.
    let columns = |bytes: usize| line[..bytes].chars().count();
    line.match_indices(part).any(|(at, found)| {
        let (from, to) = (columns(at), columns(at + found.len()));
        from <= last && first < to
    })
}

/// What a test does.
fn body_of_test<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let at = text.find(&format!("fn {name}("))?;
    let (before, body) = text.split_at(at);
    let attributes = before.rsplit("\n\n").next().unwrap_or_default();
    let is_test = ["#[test]", "#[tokio::test"];
    let is_test = is_test.iter().any(|test| attributes.contains(test));
    let is_run = is_test && !attributes.contains("#[ignore");
    is_run.then(|| body.split("\n}\n").next().unwrap_or_default())
}

fn ids(lists: impl Iterator<Item = &'static [&'static str]>) -> Vec<&'static str> {
    lists.flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: &str = "\
error: a row has no `size`
       help: write `len()`
  --> ui/x/fail/y.rs:11:21
   |
11 |         .filter(|ö| ö.tags.size() < o.id)
   |                     ^^^^^^^^^^^^^

error[E0080]: evaluation panicked: another one
  --> ui/x/fail/y.rs:12:8
   |
12 |     .map(|o| Small { id: o.id })
   |              ^^^^^ evaluation of `_::_` failed here

warning: unused import: `Small`
 --> ui/x/fail/y.rs:4:5
  |
4 | use common::Small;
  |     ^^^^^^^^^^^^^
";

    fn told_of(ours: &'static str, told: &'static str) -> Result<(), String> {
        let refusal = Refusal {
            id: "a/b",
            theirs: "x",
            ours,
            told,
        };
        underlines(TEXTS, &refusal)
    }

    #[test]
    fn an_error_points_at_what_it_is_about_and_at_nothing_else() {
        for (ours, told) in [
            ("ö.tags.size()", "a row has no `size`"),
            (".size() < o.id", "help: write `len()`"),
            ("Small { id: o.id }", "another one"),
        ] {
            assert_eq!(told_of(ours, told), Ok(()), "{ours}");
        }
        for (ours, told, reason) in [
            ("ö.tags.size()", "another one", "points not at"),
            ("o.id)", "a row has no `size`", "points not at"),
            (".filter(|ö|", "a row has no `size`", "points not at"),
            ("ö.tags.size()", "a row has no `len`", "no error says"),
            ("common::Small", "unused import", "no error says"),
        ] {
            let error = told_of(ours, told).expect_err(ours);
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_place_that_refuses_something_else_is_none() {
        let right = Refusal {
            id: "a/b",
            theirs: "K BOOLEAN KEY",
            ours: "id: bool",
            told: "`bool` cannot be a key column",
        };
        let place = Place::Ui("types/p06_key_of_bool");
        assert_eq!(place.refuses(&right), Ok(()));
        for (place, refusal, reason) in [
            (Place::Ui("types/p06_key_of_f64"), right, "does not stand"),
            (Place::Ui("types/p06_key_of_nothing"), right, "No such file"),
            (Place::Ui("types"), right, "no `area/name`"),
            (
                place,
                Refusal {
                    ours: "value: i64",
                    ..right
                },
                "points not at",
            ),
            (
                place,
                Refusal {
                    told: "`f64` cannot be a key column",
                    ..right
                },
                "no error says",
            ),
            (
                place,
                Refusal {
                    theirs: "",
                    ..right
                },
                "is empty",
            ),
        ] {
            let error = place.refuses(&refusal).expect_err(reason);
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_test_refuses_what_it_asserts_and_only_a_test_does() {
        let text = "\
#[test]
fn one() {
    assert_eq!(a(), \"b\");
}

fn two() {
    c();
}

#[test]
#[ignore = \"needs something\"]
fn three() {
    d();
}
";
        assert!(body_of_test(text, "one").is_some_and(|body| body.contains("\"b\"")));
        assert!(body_of_test(text, "one").is_some_and(|body| !body.contains("c()")));
        for none in ["two", "three", "four"] {
            assert_eq!(body_of_test(text, none), None, "{none}");
        }
    }
}
