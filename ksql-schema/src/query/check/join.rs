//! Checks of joins: what is compared, how the rows find each other, which key comes out.
//!
//! The rules are ksqlDB's: one equality of equal types, a table by its one key column, no source twice.

use super::shape::name;
use super::{Part, refuse};
use crate::model::{Column, Entity, Kind, Role};
use crate::query::column::is_key;
use crate::query::node::{Node, Sql};
use crate::query::plan::{JoinForm, JoinKind, Within};
use Part::{Text, Type};

/// Refuses a comparison of different types: ksqlDB converts nothing here, since equal values must have equal bytes.
#[track_caller]
pub const fn check_on(left: Node, right: Node) {
    if matches!(left.ty, Sql::Unknown) || matches!(right.ty, Sql::Unknown) || left.ty.same(right.ty)
    {
        return;
    }
    refuse(&[
        Text("a join compares values of one type, and these are "),
        Type(left.ty),
        Text(" and "),
        Type(right.ty),
        Text(": convert one of them with `as`"),
    ]);
}

/// Refuses two inputs on one topic: ksqlDB knows no self join.
#[track_caller]
pub const fn check_other_source(before: &Entity<'_>, entity: &Entity<'_>) {
    if before.columns.is_empty() || entity.columns.is_empty() {
        return;
    }
    if crate::names::hash(before.topic.name) == crate::names::hash(entity.topic.name) {
        refuse(&[
            Text("the topic `"),
            Text(entity.topic.name),
            Text(
                "` is read twice, and ksqlDB joins no source with itself: declare a second entity on another topic, written by a query of its own",
            ),
        ]);
    }
}

/// Refuses a table that is not joined by its one key column; `hash` is the column it is joined by, 0 for an expression.
#[track_caller]
pub const fn check_table_side(entity: &Entity<'_>, hash: u64) {
    if entity.columns.is_empty() {
        return;
    }
    if entity.key_columns() != 1 {
        refuse(&[
            Text("`"),
            Text(entity.name),
            Text(
                "` has several key columns, and ksqlDB joins tables of one only: put them together into one key column",
            ),
        ]);
    }
    if !is_key(entity.columns, hash) {
        refuse(&[
            Text("the table `"),
            Text(entity.name),
            Text("` is joined by its key `"),
            Text(key_name(entity)),
            Text("`: compare that column"),
        ]);
    }
}

/// Where a join of tables stands among the joins of its query.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Whether it is the first one.
    pub first: bool,
    /// Whether its left side is over the query's first table.
    pub over_first: bool,
    /// How the first join's rows find each other.
    pub before: JoinForm,
}

impl Standing {
    /// Whether the key of the left side's table is still that of the rows: joined by a foreign key before, they have that of the
    /// first table, and of no other.
    const fn keeps_keys(self) -> bool {
        self.first || self.over_first || !matches!(self.before, JoinForm::ForeignKey)
    }
}

/// Refuses what a join by a foreign key cannot do; `hash` is the column of the left table, 0 for an expression.
#[track_caller]
pub const fn check_table_join(left: &Entity<'_>, hash: u64, kind: JoinKind, standing: Standing) {
    if left.columns.is_empty() {
        return;
    }
    let kept = standing.keeps_keys();
    if kept && is_only_key(left, hash) {
        return;
    }
    if matches!(kind, JoinKind::Right | JoinKind::Full) {
        refuse(&[
            Text("`"),
            Text(left.name),
            Text("` is not joined by its key `"),
            Text(key_name(left)),
            Text(
                "`, so only `join` and `left_join` can be made: the other table's rows have no key here",
            ),
        ]);
    }
    if !kept {
        refuse(&[
            Text("joined by a foreign key the rows have the key of the first table, and that of `"),
            Text(left.name),
            Text(
                "` no more: compare the first table's key, or write this join in a query of its own over the output of the one before",
            ),
        ]);
    }
    if !standing.first {
        refuse(&[
            Text("`"),
            Text(left.name),
            Text("` is not joined by its key `"),
            Text(key_name(left)),
            Text(
                "`, and ksqlDB makes such a join as a query's first one only: put it in front of the others, or into a query of its own over their output",
            ),
        ]);
    }
}

const fn is_only_key(entity: &Entity<'_>, hash: u64) -> bool {
    is_key(entity.columns, hash) && entity.key_columns() == 1
}

/// How the rows of a join find each other; `hash` is the left column it goes by, 0 for an expression.
pub const fn form(
    left_kind: Kind,
    left: &Entity<'_>,
    hash: u64,
    right_kind: Kind,
    within: Option<Within>,
) -> JoinForm {
    match (left_kind, right_kind, within) {
        (Kind::Stream, Kind::Stream, Some(within)) => JoinForm::Within(within),
        (Kind::Stream, _, _) => JoinForm::Lookup,
        _ if is_only_key(left, hash) => JoinForm::Keys,
        _ => JoinForm::ForeignKey,
    }
}

/// A field of a joined row's output, and what it takes.
#[derive(Debug, Clone, Copy)]
pub struct Item {
    /// The field's column.
    pub to: u64,
    /// The column of the first input, or 0.
    pub from: u64,
    /// Whether it is what the last join compares.
    pub compared: bool,
    /// The number of the first field that takes the same.
    pub same: usize,
}

/// Refuses an output whose key is not what the rows are joined by: `compared`, by a join of this kind and form. `items` are the
/// output's fields.
#[track_caller]
pub const fn check_joined_key(
    output: &Entity<'_>,
    left: &Entity<'_>,
    (kind, form, standing): (JoinKind, JoinForm, Standing),
    compared: [Node; 2],
    on: &str,
    items: &[Item],
) {
    // What is compared wrongly was said there.
    let foreign = matches!(form, JoinForm::ForeignKey);
    let refused = foreign && (matches!(kind, JoinKind::Right | JoinKind::Full) || !standing.first)
        || !standing.keeps_keys();
    if output.columns.is_empty() || left.columns.is_empty() || refused || !are_keys(compared) {
        return;
    }
    check_key_once(output, left, foreign, items);
    if foreign {
        check_left_keys(output, left, items);
        return;
    }
    let mut columns = output.columns;
    let mut found = false;
    while let [column, rest @ ..] = columns {
        columns = rest;
        if !matches!(column.role, Role::Key) {
            continue;
        }
        if found || !is_compared(items, column.hash) {
            refuse(&[
                Text("the key of `"),
                Text(output.name),
                Text("` is what the rows are joined by: `"),
                Text(column.name),
                Text("` must be "),
                Text(on),
                Text(", or write `.partition_by(..)`"),
            ]);
        }
        found = true;
    }
    if !found {
        refuse(&[
            Text("`"),
            Text(output.name),
            Text("` has no `#[key]` for what the rows are joined by: add one that is "),
            Text(on),
        ]);
    }
}

/// What is the key is not selected again as it is.
#[track_caller]
const fn check_key_once(output: &Entity<'_>, left: &Entity<'_>, foreign: bool, items: &[Item]) {
    let mut keys = items;
    while let [key, rest @ ..] = keys {
        keys = rest;
        let becomes = match foreign {
            true => is_key(left.columns, key.from),
            false => key.compared,
        };
        if !becomes || !is_key(output.columns, key.to) {
            continue;
        }
        let mut others = items;
        while let [other, more @ ..] = others {
            others = more;
            if other.same == key.same && other.to != key.to {
                refuse(&[
                    Text("`"),
                    Text(output.name),
                    Text("."),
                    Text(name(output.columns, other.to)),
                    Text("` takes what the key `"),
                    Text(name(output.columns, key.to)),
                    Text(
                        "` is made of, and ksqlDB selects it once: for a copy in the value, write `.as_value()`",
                    ),
                ]);
            }
        }
    }
}

const fn are_keys([left, right]: [Node; 2]) -> bool {
    left.ty.same(right.ty) && matches!(left.ty, Sql::Integer | Sql::Bigint | Sql::String)
}

/// Joined by a foreign key the rows keep the left table's keys, all of them.
#[track_caller]
const fn check_left_keys(output: &Entity<'_>, left: &Entity<'_>, items: &[Item]) {
    let mut kept = left.columns;
    while let [column, rest @ ..] = kept {
        kept = rest;
        if matches!(column.role, Role::Key) && !key_takes(output, items, column.hash) {
            refuse(&[
                Text("the rows keep the key of `"),
                Text(left.name),
                Text("`, and no `#[key]` of `"),
                Text(output.name),
                Text("` takes `"),
                Text(column.name),
                Text("`: add one that does"),
            ]);
        }
    }
    if output.key_columns() != left.key_columns() {
        refuse(&[
            Text("the rows keep the key of `"),
            Text(left.name),
            Text("`, and `"),
            Text(output.name),
            Text("` has more key columns: the others are values"),
        ]);
    }
    let (mut kept, mut keys) = (left.columns, output.columns);
    while let (Some((of_left, left_rest)), Some((of_output, output_rest))) =
        (next_key(kept), next_key(keys))
    {
        (kept, keys) = (left_rest, output_rest);
        if !takes(items, of_output.hash, of_left.hash) {
            refuse(&[
                Text("the rows keep the key of `"),
                Text(left.name),
                Text("` in its order, and the key `"),
                Text(of_output.name),
                Text("` of `"),
                Text(output.name),
                Text("` stands where `"),
                Text(of_left.name),
                Text("` does: write the `#[key]` fields in that order"),
            ]);
        }
    }
}

/// The next key column, and those behind it.
const fn next_key<'c, 'e>(
    mut columns: &'c [Column<'e>],
) -> Option<(&'c Column<'e>, &'c [Column<'e>])> {
    while let [column, rest @ ..] = columns {
        if matches!(column.role, Role::Key) {
            return Some((column, rest));
        }
        columns = rest;
    }
    None
}

const fn takes(items: &[Item], to: u64, from: u64) -> bool {
    let mut items = items;
    while let [item, rest @ ..] = items {
        items = rest;
        if item.to == to && item.from == from {
            return true;
        }
    }
    false
}

const fn key_takes(output: &Entity<'_>, items: &[Item], from: u64) -> bool {
    let mut items = items;
    while let [item, rest @ ..] = items {
        items = rest;
        if item.from == from && is_key(output.columns, item.to) {
            return true;
        }
    }
    false
}

const fn is_compared(items: &[Item], to: u64) -> bool {
    let mut items = items;
    while let [item, rest @ ..] = items {
        items = rest;
        if item.to == to {
            return item.compared;
        }
    }
    false
}

const fn key_name<'e>(entity: &Entity<'e>) -> &'e str {
    let mut columns = entity.columns;
    while let [column, rest @ ..] = columns {
        columns = rest;
        if matches!(column.role, Role::Key) {
            return column.name;
        }
    }
    ""
}
