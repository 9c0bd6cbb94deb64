//! Names of functions and the slots of their templates: what the macro asks while it expands.

use super::{Form, Function};

/// The units of time, as KSQL's bare keywords.
pub const UNITS: [&str; 5] = ["MILLISECONDS", "SECONDS", "MINUTES", "HOURS", "DAYS"];

/// The function of a name, in any case, for so many arguments, the receiver counted. Where the name is known but takes
/// another number, the function that comes nearest.
pub fn lookup(name: &str, arguments: usize) -> Option<Function> {
    let named = || {
        Function::ALL.iter().copied().filter(|function| {
            let spec = function.spec();
            let known = spec
                .names
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name));
            known || (!spec.ksql.is_empty() && spec.ksql.eq_ignore_ascii_case(name))
        })
    };
    named()
        .find(|function| function.takes(arguments))
        .or_else(|| named().next())
}

/// All names a user may write, the preferred one of each function first: what a wrong name is compared with.
pub fn closest_names() -> Vec<&'static str> {
    let names = || Function::ALL.iter().map(|function| function.spec().names);
    let mut all: Vec<_> = names().filter_map(|names| names.first().copied()).collect();
    all.extend(names().flat_map(|names| names.iter().skip(1).copied()));
    // What is an operator or a cast in KSQL and a method in Rust.
    all.extend([
        "first",
        "last",
        "get",
        "to_string",
        "parse",
        "like",
        "is_distinct_from",
        "is_not_distinct_from",
        "explode",
        "cube_explode",
        "transform",
        "filter",
        "reduce",
        "map",
        "fold",
    ]);
    let mut seen = Vec::with_capacity(all.len());
    for name in all {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

/// What to write instead of a name that one might expect and that is no function here.
pub fn refused(name: &str) -> Option<&'static str> {
    let table: &[(&str, &str)] = &[
        ("upper", "`to_uppercase`"),
        ("lower", "`to_lowercase`"),
        ("to_ascii_uppercase", "`to_uppercase`"),
        ("to_ascii_lowercase", "`to_lowercase`"),
        ("length", "`len`"),
        ("size", "`len`"),
        ("log10", "`log(10)`"),
        ("log2", "`log(2)`"),
        ("trim_start", "`trim`, which is for both ends"),
        ("trim_end", "`trim`, which is for both ends"),
        (
            "find",
            "`instr`, which counts from 1 and gives 0 where nothing is found",
        ),
        ("sha1", "nothing: KSQL has no such hash"),
        ("sha256", "nothing: KSQL has no such hash"),
        ("dayofweek", "`format(\"e\")`"),
        ("weekday", "`format(\"e\")`"),
        ("dayofyear", "`format(\"D\")`"),
        ("ordinal", "`format(\"D\")`"),
        ("array_slice", "`slice`"),
        ("json_extract_string", "`extract_json_field`"),
        (
            "unwrap",
            "`unwrap_or(..)`: a NULL needs something that stands for it",
        ),
        (
            "expect",
            "`unwrap_or(..)`: a NULL needs something that stands for it",
        ),
        ("unwrap_or_default", "`unwrap_or(..)` with the value"),
        ("uuid", "a column of the input: each run would make others"),
        (
            "random",
            "a column of the input: each run would make others",
        ),
        ("clone", "the value itself, without this"),
        ("to_owned", "the value itself, without this"),
        ("as_str", "the value itself, without this"),
        ("as_ref", "the value itself, without this"),
        ("as_deref", "the value itself, without this"),
        ("cloned", "the value itself, without this"),
        ("copied", "the value itself, without this"),
        (
            "into",
            "`as i64`, `as f64`, `.to_string()`, where the types differ",
        ),
        ("is_ok", "`is_some`"),
        ("is_err", "`is_none`"),
        ("ok", "the value itself: what fails is NULL"),
        ("eq", "`==`"),
        ("ne", "`!=`"),
        ("lt", "`<`"),
        ("le", "`<=`"),
        ("gt", "`>`"),
        ("ge", "`>=`"),
        ("between", "`(1..=5).contains(&r.x)`"),
        ("clamp", "`.max(least).min(most)`"),
        ("contains_key", "`.keys().contains(..)`"),
        (
            "iter",
            "the array itself: `r.list.transform(|x| ..)`, `.filter(|x| ..)`, `.reduce(0, |s, x| ..)`",
        ),
        ("chars", "`.split(\"\")`, an array of its characters"),
        (
            "now",
            "a column of the input, or `r.rowtime()`: each run would have another",
        ),
    ];
    table
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, advice)| *advice)
}

/// A part of how a call is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// Text as it stands.
    Text(&'static str),
    /// An argument, the receiver is 0.
    Argument(usize),
    /// All arguments from one on, a comma and a blank before each.
    Rest(usize),
    /// The name that the first argument's type chooses ([`super::ksql_name`]).
    Name,
    /// What that type puts behind ([`super::ksql_tail`]).
    Tail,
    /// The unit of time.
    Unit,
}

/// The parts a call is written with.
pub fn slots(function: Function) -> Vec<Slot> {
    let spec = function.spec();
    let template = match spec.form {
        Form::Call => {
            return vec![
                Slot::Text(spec.ksql),
                Slot::Text("("),
                Slot::Argument(0),
                Slot::Rest(1),
                Slot::Text(")"),
            ];
        }
        Form::Template(template) => template,
    };
    let mut slots = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        if !before.is_empty() {
            slots.push(Slot::Text(before));
        }
        let (hole, after) = after.split_once('}').unwrap_or((after, ""));
        slots.extend(match hole {
            "f" => Some(Slot::Name),
            "t" => Some(Slot::Tail),
            "u" => Some(Slot::Unit),
            hole => match hole.strip_suffix("..") {
                Some(from) => from.parse().ok().map(Slot::Rest),
                None => hole.parse().ok().map(Slot::Argument),
            },
        });
        rest = after;
    }
    if !rest.is_empty() {
        slots.push(Slot::Text(rest));
    }
    slots
}
