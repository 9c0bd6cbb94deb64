//! Checks of a query as a whole: what it reads, what it writes, which keys stay; and of elements and parameters.

use super::list::{list_of_fields, list_of_missing};
use super::{Part, refuse};
use crate::model::{Column, Entity, Kind, Role};
use crate::query::aggregates::Aggregate;
use crate::query::column::find;
use crate::query::node::{Node, Sql};
use Part::{Text, Type};

/// Refuses an input that is not of the kind it is read as, and one with windows that is read as a table.
#[track_caller]
pub const fn check_input(entity: &Entity<'_>, read_as: Kind) {
    if entity.columns.is_empty() {
        return;
    }
    match (read_as, entity.kind) {
        (Kind::Stream, Kind::Table) if entity.window.is_none() => refuse(&[
            Text("`"),
            Text(entity.name),
            Text("` is a table: write `Table<"),
            Text(entity.name),
            Text(">`"),
        ]),
        (Kind::Table, Kind::Table) if entity.window.is_some() => refuse(&[
            Text("`"),
            Text(entity.name),
            Text("` has windows, and ksqlDB runs no query over a windowed table: write `Stream<"),
            Text(entity.name),
            Text(">` to read its results as they come"),
        ]),
        (Kind::Table, Kind::Stream) => refuse(&[
            Text("`"),
            Text(entity.name),
            Text("` is a stream: write `Stream<"),
            Text(entity.name),
            Text(">`, or put `#[table]` on it if the latest record of a key is what counts"),
        ]),
        _ => {}
    }
}

/// Refuses an output that is written to the topic the query reads.
#[track_caller]
pub const fn check_apart(output: &Entity<'_>, input: &Entity<'_>) {
    if output.columns.is_empty() || input.columns.is_empty() {
        return;
    }
    if crate::names::hash(output.topic.name) == crate::names::hash(input.topic.name) {
        refuse(&[
            Text("the query reads the topic `"),
            Text(input.topic.name),
            Text("`, and `"),
            Text(output.name),
            Text("` would be written to it again: write an entity with a topic of its own"),
        ]);
    }
}

/// Refuses an output that is not of the kind the query makes; `because` says why it makes that.
#[track_caller]
pub const fn check_kind(entity: &Entity<'_>, input: &Entity<'_>, made: Kind, because: &str) {
    if entity.columns.is_empty() {
        return;
    }
    // A window where nothing is grouped is refused as such, and so is a want of one where records have windows.
    if entity.window.is_some() || input.window.is_some() {
        return;
    }
    let (is, becomes, cure) = match (entity.kind, made) {
        (Kind::Stream, Kind::Table) => ("a stream", "a table", "put `#[table]` on it"),
        (Kind::Table, Kind::Stream) => ("a table", "a stream", "take the `#[table]` off it"),
        _ => return,
    };
    refuse(&[
        Text("`"),
        Text(entity.name),
        Text("` is "),
        Text(is),
        Text(", but this query makes "),
        Text(becomes),
        Text(" ("),
        Text(because),
        Text("): "),
        Text(cure),
    ]);
}

/// Refuses an output whose key is not the input's, where nothing gives the rows another one. Each item is the hash of an
/// output's field and that of the input's column it takes unchanged, or 0.
#[track_caller]
pub const fn check_kept_keys(output: &Entity<'_>, input: &Entity<'_>, items: &[(u64, u64)]) {
    // A window where nothing is grouped is refused as such.
    let window_of_groups = output.window.is_some() && input.window.is_none();
    if output.columns.is_empty() || input.columns.is_empty() || window_of_groups {
        return;
    }
    let (mut own, mut kept) = (output.columns, input.columns);
    loop {
        let (one, rest) = next_key(own);
        let (other, others) = next_key(kept);
        (own, kept) = (rest, others);
        match (one, other) {
            (None, None) => break,
            (Some(one), Some(other)) if taken(items, one.hash, other.hash, input.columns) => {}
            (Some(one), _) => refuse(&[
                Text("the key of `"),
                Text(output.name),
                Text("` is not that of `"),
                Text(input.name),
                Text("`, which stays where nothing changes it: `"),
                Text(one.name),
                Text("` must be the key column it comes from, or write `.partition_by(|r| ..)`"),
            ]),
            (None, Some(other)) => refuse(&[
                Text("the key of `"),
                Text(input.name),
                Text("` stays where nothing changes it, and `"),
                Text(output.name),
                Text("` has no `#[key]` for `"),
                Text(other.name),
                Text("`: add one, or write `.partition_by(|r| ..)`"),
            ]),
        }
    }
    let mut rest = items;
    while let [(to, from), more @ ..] = rest {
        rest = more;
        if is_key(input.columns, *from) && !is_key(output.columns, *to) {
            refuse(&[
                Text("`"),
                Text(output.name),
                Text("."),
                Text(name(output.columns, *to)),
                Text("` takes the key column `"),
                Text(name(input.columns, *from)),
                Text(
                    "`, which is in the key already: for a copy in the value, write `.as_value()`",
                ),
            ]);
        }
    }
}

/// The next key column and what is behind it.
const fn next_key<'c>(columns: &'c [Column<'c>]) -> (Option<&'c Column<'c>>, &'c [Column<'c>]) {
    let mut columns = columns;
    while let [column, rest @ ..] = columns {
        columns = rest;
        if matches!(column.role, Role::Key) {
            return (Some(column), columns);
        }
    }
    (None, columns)
}

const fn taken(items: &[(u64, u64)], to: u64, from: u64, input: &[Column<'_>]) -> bool {
    let mut items = items;
    while let [(one, other), rest @ ..] = items {
        if *one == to {
            // Of a column that the input has not, it was said.
            return *other == from || (*other != 0 && find(input, *other).is_none());
        }
        items = rest;
    }
    // A field that is missing is the compiler's to say.
    true
}

const fn is_key(columns: &[Column<'_>], hash: u64) -> bool {
    match find(columns, hash) {
        Some(column) => matches!(column.role, Role::Key),
        None => false,
    }
}

pub(super) const fn name<'c>(columns: &'c [Column<'c>], hash: u64) -> &'c str {
    match find(columns, hash) {
        Some(column) => column.name,
        None => "",
    }
}

/// Refuses `array[index]` of what is no array, or with what is no number.
#[track_caller]
pub const fn check_element(array: Node, index: Node) {
    match (array.ty, index.ty) {
        (Sql::Unknown, _) | (_, Sql::Unknown) => {}
        (Sql::Map(_), _) => refuse(&[Text(
            "this is a map, and its keys are texts: write `[\"key\"]` or `.get(..)`",
        )]),
        (Sql::Array(_), Sql::Integer | Sql::Bigint) => {}
        (Sql::Array(_), index) => refuse(&[
            Text("an array's index is an INTEGER, not "),
            Type(index),
            Text(": the first is `[0]`"),
        ]),
        (other, _) => refuse(&[
            Text("only arrays and maps have elements, not "),
            Type(other),
        ]),
    }
}

/// Refuses `map[key]` of what is no map, or with what is no text.
#[track_caller]
pub const fn check_entry(map: Node, key: Node) {
    match (map.ty, key.ty) {
        (Sql::Unknown, _) | (_, Sql::Unknown) => {}
        (Sql::Array(_), _) => refuse(&[Text(
            "this is an array, and its index is a number: the first is `[0]`",
        )]),
        (Sql::Map(_), Sql::String) => {}
        (Sql::Map(_), key) => refuse(&[
            Text("a map's key is a STRING, not "),
            Type(key),
            Text(": write `.to_string()`"),
        ]),
        (other, _) => refuse(&[
            Text("only arrays and maps have elements, not "),
            Type(other),
        ]),
    }
}

/// Refuses a field of what is no struct, and one that a struct has not.
#[track_caller]
pub const fn check_field(of: Node, hash: u64, name: &str) {
    match of.ty {
        Sql::Unknown => {}
        Sql::Struct(record) => {
            let mut fields = record.fields;
            while let [field, rest @ ..] = fields {
                fields = rest;
                if crate::names::hash(field.name) == hash {
                    return;
                }
            }
            let known = list_of_fields(record.fields);
            refuse(&[
                Text("`"),
                Text(record.name),
                Text("` has no field `"),
                Text(name),
                Text("`: its fields are "),
                Text(known.text()),
            ]);
        }
        other => refuse(&[
            Text("only a struct has fields, and `."),
            Text(name),
            Text("` is asked of "),
            Type(other),
        ]),
    }
}

/// Refuses an aggregate that would have to keep what the embedded engine keeps nothing of.
#[track_caller]
pub const fn check_stored(aggregate: Aggregate, value: Node) {
    let help = match value.ty {
        Sql::Decimal { precision, .. } if precision > 38 => {
            ": at most 38 digits are kept, narrow it first, for example `(x as Decimal<38, 10>)`"
        }
        _ => return,
    };
    refuse(&[
        Text("`"),
        Text(aggregate.name()),
        Text("` cannot keep "),
        Type(value.ty),
        Text(help),
    ]);
}

/// Refuses a path that looks like a variant and is none of an enum's: columns of an enum are texts, the variants' names.
#[track_caller]
pub const fn check_variant(variants: &[&str], name: &str, variant: &str) {
    let wanted = crate::names::hash(variant);
    let mut rest = variants;
    while let [one, more @ ..] = rest {
        rest = more;
        if crate::names::hash(one) == wanted {
            return;
        }
    }
    if variants.is_empty() {
        refuse(&[
            Text("`"),
            Text(name),
            Text(
                "` is no enum of variants: put `#[derive(Enum)]` on it, or make the value a parameter of the query",
            ),
        ]);
    }
    refuse(&[
        Text("`"),
        Text(name),
        Text("` has no variant `"),
        Text(variant),
        Text("`"),
    ]);
}

/// Refuses a `match` without `_` that leaves something out: one of an enum's variants (`known`; none for `true` and `false`), or
/// the NULL that the value may be where no arm takes it (`none`).
#[track_caller]
pub const fn check_complete(known: &[&str], name: &str, taken: &[&str], value: Node, none: bool) {
    let missing = list_of_missing(name, known, taken);
    if !missing.text().is_empty() {
        refuse(&[
            Text("this `match` leaves out "),
            Text(missing.text()),
            Text(": every row has a value; write an arm for it, or `_ => ..` at the end"),
        ]);
    }
    // What fails is NULL as a whole, whatever the arms say.
    if value.nullable() && !value.fails && !none {
        refuse(&[
            Text("this `match` leaves out `None`, and this value can be NULL: "),
            Part::Why(value.why),
            Text("; write `None => ..`, or `_ => ..` at the end"),
        ]);
    }
}
