//! `docs/queries.md` tells every operation: its tables of functions and aggregates are those of the rules, and no name a user
//! may write is missing. `UPDATE_SNAPSHOTS=1` writes the tables anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use ksql_schema::query::aggregates::{self, Takes};
use ksql_schema::query::functions::{
    Argument, Nulls, Slot, closest_names, ksql_name, ksql_tail, slots,
};
use ksql_schema::query::{Aggregate, Arith, Compare, Elem, Function, Sql};

/// The sections of functions, each with the first of its functions.
const SECTIONS: [(&str, Function); 6] = [
    ("numbers", Function::Abs),
    ("null", Function::Coalesce),
    ("text", Function::Concat),
    ("collections", Function::ArrayMax),
    ("times", Function::UnixTimestamp),
    ("json", Function::ExtractJsonField),
];

fn guide() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/queries.md")
}

/// A letter that says what an argument is.
fn letter(argument: Argument) -> char {
    match argument {
        Argument::Number | Argument::Fraction | Argument::Widest => 'x',
        Argument::Integer | Argument::Long | Argument::SameWhole => 'n',
        Argument::Text | Argument::Stringy | Argument::Same | Argument::SameOrNull => 's',
        Argument::Bytes => 'b',
        Argument::Date => 'd',
        Argument::Time
        | Argument::Timestamp
        | Argument::Moment
        | Argument::Clock
        | Argument::Temporal => 't',
        Argument::Array | Argument::Texts | Argument::Scalars | Argument::Ordered => 'a',
        Argument::Map | Argument::Entries => 'm',
        Argument::Code
        | Argument::Boolean
        | Argument::Sized
        | Argument::Searchable
        | Argument::Item
        | Argument::Any
        | Argument::Alike => 'v',
    }
}

/// A name for each argument: `s`, `s2`, `n`.
fn arguments(function: Function) -> Vec<String> {
    let letters: Vec<char> = function
        .spec()
        .arguments
        .iter()
        .copied()
        .map(letter)
        .collect();
    letters
        .iter()
        .enumerate()
        .map(|(at, letter)| {
            let before = letters.iter().take(at).filter(|other| *other == letter);
            match before.count() {
                0 => letter.to_string(),
                earlier => format!("{letter}{}", earlier + 1),
            }
        })
        .collect()
}

/// A unit of time as it is usual for what it is added to.
fn unit(function: Function) -> String {
    let of_date = matches!(function, Function::DateAdd | Function::DateSub);
    if of_date { "Days" } else { "Hours" }.to_owned()
}

/// `s.substring(n[, n2])`
fn in_rust(function: Function) -> String {
    let spec = function.spec();
    let names = arguments(function);
    let mut out = format!("{}.{}(", names[0], function.name());
    let mut first = true;
    if function.takes_unit() {
        out.push_str("Unit::");
        out.push_str(&unit(function));
        first = false;
    }
    let mut open = 0;
    for (at, name) in names.iter().enumerate().skip(1) {
        if at >= spec.required && function.takes(at) {
            out.push('[');
            open += 1;
        }
        if !first {
            out.push_str(", ");
        }
        first = false;
        out.push_str(name);
    }
    if spec.rest {
        out.push_str(", ..");
    }
    out.push_str(&"]".repeat(open));
    out.push(')');
    out
}

/// `SUBSTRING(s, n[, n2])`; where the argument's type chooses the name, each form.
fn in_ksql(function: Function) -> String {
    let spec = function.spec();
    let names = arguments(function);
    let types = [
        Sql::String,
        Sql::Array(Elem::new(Sql::String, true)),
        Sql::Timestamp,
        Sql::Date,
        Sql::Time,
    ];
    let mut forms: Vec<String> = Vec::new();
    for ty in types {
        let mut out = String::new();
        for slot in slots(function) {
            match slot {
                Slot::Text(text) => out.push_str(text),
                Slot::Argument(at) => out.push_str(&names[at]),
                Slot::Rest(from) => {
                    let mut open = 0;
                    for (at, name) in names.iter().enumerate().skip(from) {
                        let optional = at >= spec.required && function.takes(at);
                        open += usize::from(optional);
                        write!(out, "{}, {name}", if optional { "[" } else { "" })
                            .expect("a text takes it");
                    }
                    if spec.rest {
                        out.push_str(", ..");
                    }
                    out.push_str(&"]".repeat(open));
                }
                Slot::Name => out.push_str(ksql_name(function, ty)),
                Slot::Tail => out.push_str(ksql_tail(function, ty)),
                Slot::Unit => out.push_str(&unit(function).to_ascii_uppercase()),
            }
        }
        if !forms.contains(&out) {
            forms.push(out);
        }
    }
    // Which of them a time has depends on it: a moment and a time of day; a text and an array.
    let of_type = |form: &String| {
        let chosen = matches!(
            function,
            Function::Format | Function::Hour | Function::Minute | Function::Second
        );
        !chosen || form.contains("FORMAT_")
    };
    forms.retain(of_type);
    forms
        .iter()
        .map(|form| format!("`{form}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn nulls(nulls: Nulls) -> &'static str {
    match nulls {
        Nulls::Strict => "an argument is",
        Nulls::MayFail => "an argument is, or there is no result",
        Nulls::UnlessLiteral => {
            "an argument is; with a text that is no literal, also where it is wrong"
        }
        Nulls::AllNull => "all are",
        Nulls::First => "the first is",
        Nulls::Never => "never",
    }
}

/// Names beside the preferred one, in back quotes.
fn others<'n>(preferred: &str, names: impl Iterator<Item = &'n str>) -> String {
    let mut others: Vec<String> = Vec::new();
    for name in names {
        let name = format!("`{name}`");
        if !name.trim_matches('`').eq_ignore_ascii_case(preferred) && !others.contains(&name) {
            others.push(name);
        }
    }
    match others.as_slice() {
        [] => String::new(),
        others => format!(" ({})", others.join(", ")),
    }
}

/// A cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn functions(section: usize) -> String {
    let (_, first) = SECTIONS[section];
    let end = SECTIONS.get(section + 1).map(|(_, next)| *next);
    let mut out = String::from("| Rust | KSQL | NULL if | meaning |\n| --- | --- | --- | --- |\n");
    let all = Function::ALL
        .iter()
        .skip_while(|function| **function != first);
    for function in all.take_while(|function| Some(**function) != end) {
        let spec = function.spec();
        let preferred = function.name();
        // ksqlDB's own name is a name of it in any case, where it is one.
        let names = spec.names.iter().skip(1).copied();
        writeln!(
            out,
            "| `{}`{} | {} | {} | {} |",
            cell(&in_rust(*function)),
            others(preferred, names),
            cell(&in_ksql(*function)),
            nulls(spec.nulls),
            cell(spec.meaning)
        )
        .expect("a text takes it");
    }
    out
}

fn aggregates() -> String {
    let mut out = String::from(
        "| Rust | KSQL | over tables | embedded | meaning |\n| --- | --- | --- | --- | --- |\n",
    );
    for aggregate in Aggregate::ALL {
        let spec = aggregate.spec();
        let letters: Vec<&str> = spec
            .takes
            .iter()
            .enumerate()
            .map(|(at, takes)| match (takes, at) {
                (Takes::Numbers, _) => "a",
                (Takes::Text, _) => "s",
                (Takes::Number | Takes::Plain, 0) => "x",
                (Takes::Number | Takes::Plain, _) => "y",
                (Takes::Any, 1..) => "w",
                (Takes::Any | Takes::Ordered | Takes::Ranked, _) => "v",
            })
            .collect();
        let mut rust: Vec<String> = letters
            .iter()
            .map(|letter| format!("|r| r.{letter}"))
            .collect();
        let mut ksql: Vec<String> = letters.iter().map(|&letter| letter.to_owned()).collect();
        if spec.counted {
            rust.push("3".to_owned());
            ksql.push("3".to_owned());
        }
        if ksql.is_empty() {
            ksql.push("*".to_owned());
        }
        let yes = |yes: bool| if yes { "yes" } else { "no" };
        writeln!(
            out,
            "| `g.{}({})`{} | `{}({}{})` | {} | {} | {} |",
            aggregate.name(),
            cell(&rust.join(", ")),
            others(aggregate.name(), spec.names.iter().skip(1).copied()),
            spec.ksql,
            cell(&ksql.join(", ")),
            aggregate.tail(),
            yes(spec.undo),
            yes(spec.native),
            cell(spec.meaning)
        )
        .expect("a text takes it");
    }
    out
}

/// A part of the guide between its marks, replaced.
fn replaced(text: &str, name: &str, part: &str) -> String {
    let (begin, end) = (format!("<!-- table: {name} -->\n"), "<!-- end -->");
    let (before, rest) = text
        .split_once(&begin)
        .unwrap_or_else(|| panic!("docs/queries.md has the mark {begin}"));
    let (_, after) = rest.split_once(end).expect("the mark of the end");
    format!("{before}{begin}{part}{end}{after}")
}

#[test]
fn the_tables_are_those_of_the_rules() {
    let path = guide();
    let found = std::fs::read_to_string(&path).expect("docs/queries.md");
    let mut text = found.clone();
    for (at, (name, _)) in SECTIONS.iter().enumerate() {
        text = replaced(&text, name, &functions(at));
    }
    text = replaced(&text, "aggregates", &aggregates());
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1") {
        std::fs::write(&path, text).expect("docs/queries.md");
        return;
    }
    for (line, (is, expected)) in found.lines().zip(text.lines()).enumerate() {
        assert_eq!(
            is,
            expected,
            "docs/queries.md:{}; UPDATE_SNAPSHOTS=1 writes the tables anew",
            line + 1
        );
    }
    assert_eq!(found, text);
}

#[test]
fn every_function_stands_in_one_section() {
    let told: usize = (0..SECTIONS.len())
        .map(|section| functions(section).lines().count() - 2)
        .sum();
    assert_eq!(told, Function::ALL.len());
}

#[test]
fn no_name_a_user_may_write_is_missing() {
    let text = std::fs::read_to_string(guide()).expect("docs/queries.md");
    let mut names: Vec<String> = closest_names()
        .into_iter()
        .chain(aggregates::names())
        .map(str::to_owned)
        .collect();
    let operators = [
        Arith::Add,
        Arith::Subtract,
        Arith::Multiply,
        Arith::Divide,
        Arith::Remainder,
    ];
    names.extend(operators.map(|operator| operator.symbol().to_owned()));
    let comparisons = [
        Compare::Equal,
        Compare::NotEqual,
        Compare::Less,
        Compare::LessOrEqual,
        Compare::Greater,
        Compare::GreaterOrEqual,
        Compare::Distinct,
        Compare::NotDistinct,
    ];
    names.extend(comparisons.map(|compare| compare.rust().to_owned()));
    for name in names {
        let told = ["`", ".", " "].iter().any(|before| {
            ["`", "(", " ", "::"]
                .iter()
                .any(|after| text.contains(&format!("{before}{name}{after}")))
        });
        assert!(told, "`{name}` is told in docs/queries.md");
    }
}
