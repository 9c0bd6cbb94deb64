//! Checks of what goes into the output: its fields, its key, its window.

use super::list::{list_of_keys, list_of_parts};
use super::{Part, refuse};
use crate::model::{Column, Role};
use crate::query::column::{column_type, find};
use crate::query::literal::takes;
use crate::query::node::{Elem, Node, Sql};
use crate::types::{Struct, Type};
use Part::{Rust, Text, Type as Ty, Why};

/// Refuses a value that does not fit the output's column: that may be NULL and must not, or of another type. What loses no
/// digit is converted by itself, except in a key. `entity` is the struct's Rust name; where nothing is `grouped`, its window is
/// refused as such.
#[track_caller]
pub const fn check_assign(
    entity: &str,
    columns: &'static [Column<'static>],
    hash: u64,
    value: Node,
    grouped: bool,
) {
    let Some(column) = find(columns, hash) else {
        return;
    };
    if grouped || !matches!(column.role, Role::WindowStart | Role::WindowEnd) {
        fits(entity, column, value);
    }
}

/// The same of one column, or of a struct's field.
#[track_caller]
pub(super) const fn fits(entity: &str, column: &Column<'static>, value: Node) {
    if value.is_unknown() {
        return;
    }
    let start = matches!(column.role, Role::WindowStart);
    if start || matches!(column.role, Role::WindowEnd) {
        refuse(&[
            Text("`"),
            Text(entity),
            Text("."),
            Text(column.name),
            Text("` is the window's bound: write `g."),
            Text(if start {
                "window_start()`"
            } else {
                "window_end()`"
            }),
        ]);
    }
    if value.nullable() && !column.nullable {
        refuse(&[
            Text("`"),
            Text(entity),
            Text("."),
            Text(column.name),
            Text("` cannot be NULL, but this value can: "),
            Why(value.why),
            Text(match (value.fails, value.why) {
                (true, crate::query::node::Why::Division) => {
                    "; make the field an `Option`: this fails, and no `.unwrap_or(..)` around it sees what fails"
                }
                (true, _) => {
                    "; make the field an `Option`, or write `.unwrap_or(..)` on what can be NULL inside: all of this fails, and none around it helps"
                }
                (false, _) => {
                    "; make the field an `Option`, or say what stands for NULL: `.unwrap_or(..)`"
                }
            }),
        ]);
    }
    let to = column_type(column);
    if !accepts(column, to, value) {
        let (help, ty, end) = help(column, value.ty, to);
        refuse(&[
            Text("`"),
            Text(entity),
            Text("."),
            Text(column.name),
            Text("` is "),
            Ty(to),
            Text(", but this value is "),
            Ty(value.ty),
            Text(help),
            Rust(ty),
            Text(end),
        ]);
    }
    if let Some(narrow) = narrow(&column.ty)
        && column.datetime_format.is_none()
        && !surely(column, value)
    {
        refuse(&[
            Text("`"),
            Text(entity),
            Text("."),
            Text(column.name),
            Text("` holds "),
            Text(crate::rules::consts::described(narrow)),
            Text(", which SQL has no type for: this "),
            Ty(value.ty),
            Text(" may be none; write "),
            Text(wide(narrow)),
            Text(", or take the value unchanged from such a field"),
        ]);
    }
    if !nulls_fit(value.ty, to) {
        refuse(&[
            Text("`"),
            Text(entity),
            Text("."),
            Text(column.name),
            Text(
                "` cannot hold NULLs, but elements or fields of this value can be NULL: make them an `Option` in its type",
            ),
        ]);
    }
}

/// Whether a value goes into a column as it is, or converted without losing a digit.
const fn accepts(column: &Column<'_>, to: Sql, value: Node) -> bool {
    if matches!(value.ty, Sql::Null) || value.ty.same(to) {
        return true;
    }
    if matches!(column.role, Role::Key) {
        return false;
    }
    takes(value, to) || widens(value.ty, to)
}

/// Whether every value of a number's type is one of another's: what is converted without being asked.
pub(crate) const fn widens(from: Sql, to: Sql) -> bool {
    match (from, to) {
        (Sql::Integer, Sql::Bigint | Sql::Double) => true,
        (_, Sql::Decimal { precision, scale }) => match from.digits() {
            Some((digits, after)) => {
                after <= scale && digits - after <= precision.saturating_sub(scale)
            }
            None => false,
        },
        (Sql::Array(from), Sql::Array(to)) | (Sql::Map(from), Sql::Map(to)) => {
            from.ty().same(to.ty()) || widens(from.ty(), to.ty())
        }
        _ => false,
    }
}

/// What to write where a value does not fit.
const fn help(column: &Column<'_>, from: Sql, to: Sql) -> (&'static str, Sql, &'static str) {
    if matches!(column.role, Role::Key) {
        return if from.is_number() && to.is_number() {
            (
                "; a key has the type it is grouped by: there, write `as ",
                to,
                "`",
            )
        } else {
            (
                "; a key has the type it is grouped or partitioned by",
                Sql::Unknown,
                "",
            )
        };
    }
    match (from, to) {
        (from, Sql::Decimal { .. }) if from.is_number() => ("; to round it, write `as ", to, "`"),
        (from, to) if from.is_number() && to.is_number() => {
            ("; to convert it, write `as ", to, "`")
        }
        (Sql::String, to) if to.is_number() => ("; to read it, write `.parse::<", to, ">()`"),
        (from, Sql::String) if !matches!(from, Sql::Bytes) => {
            ("; to write it as text, `.to_string()`", Sql::Unknown, "")
        }
        _ => ("", Sql::Unknown, ""),
    }
}

/// What in a type SQL has no type for, if anything.
const fn narrow<'a>(ty: &'a Type<'a>) -> Option<&'a Type<'a>> {
    match ty {
        Type::Int16 | Type::Float32 | Type::Uuid | Type::Enum => Some(ty),
        Type::Array(item) | Type::Map(item) => narrow(&item.ty),
        Type::Struct(Struct { fields, .. }) => {
            let mut fields = *fields;
            while let [field, rest @ ..] = fields {
                fields = rest;
                if let Some(found) = narrow(&field.ty) {
                    return Some(found);
                }
            }
            None
        }
        _ => None,
    }
}

/// Whether a value surely is one of the column's Rust type.
const fn surely(column: &Column<'_>, value: Node) -> bool {
    if matches!(value.ty, Sql::Null) {
        return true;
    }
    match (value.bare, &column.ty) {
        // Four digits are within an `i16`.
        (crate::query::node::Bare::Number(digits), Type::Int16) => {
            digits <= 4 && value.ty.scale() == 0
        }
        // The name of a variant: which ones there are is not in the model.
        (crate::query::node::Bare::Text, Type::Enum) => true,
        _ => match value.origin {
            Some(origin) => crate::rules::consts::same(origin, &column.ty),
            None => false,
        },
    }
}

const fn wide(ty: &Type<'_>) -> &'static str {
    match ty {
        Type::Int16 => "`i32`",
        Type::Float32 => "`f64`",
        _ => "`String`",
    }
}

/// Whether what may be NULL inside a value may be so in a column.
const fn nulls_fit(from: Sql, to: Sql) -> bool {
    match (from, to) {
        (Sql::Array(from), Sql::Array(to)) | (Sql::Map(from), Sql::Map(to)) => {
            elements_fit(from, to)
        }
        (Sql::Struct(from), Sql::Struct(to)) => {
            let (mut from, mut to) = (from.fields, to.fields);
            while let ([one, one_rest @ ..], [two, two_rest @ ..]) = (from, to) {
                if one.nullable && !two.nullable || !nulls_fit(Sql::of(&one.ty), Sql::of(&two.ty)) {
                    return false;
                }
                (from, to) = (one_rest, two_rest);
            }
            true
        }
        _ => true,
    }
}

const fn elements_fit(from: Elem, to: Elem) -> bool {
    (to.nullable() || !from.nullable()) && nulls_fit(from.ty(), to.ty())
}

/// Refuses a grouping that is not the output's key in number and order. Each part is its expression's text, the output's
/// field it goes to, and its node; `step` is what chose the key.
#[track_caller]
pub const fn check_keys(
    step: &str,
    entity: &str,
    columns: &[Column<'_>],
    parts: &[(&str, &str, Node)],
) {
    let mut left = parts;
    let mut rest = columns;
    let mut equal = true;
    while let [column, more @ ..] = rest {
        rest = more;
        if !matches!(column.role, Role::Key) {
            continue;
        }
        equal = match left {
            [(_, name, _), others @ ..] => {
                left = others;
                equal && crate::names::hash(name) == column.hash
            }
            [] => false,
        };
    }
    if equal && left.is_empty() || columns.is_empty() {
        return;
    }
    let (grouped, keys) = (list_of_parts(parts), list_of_keys(columns));
    refuse(&[
        Text("`"),
        Text(step),
        Text("` chooses the key ("),
        Text(grouped.text()),
        Text("), but the key of `"),
        Text(entity),
        Text("` is ("),
        Text(keys.text()),
        Text("): they must be the same in number and order"),
    ]);
}

/// Refuses a part of a grouping or partitioning key that can be none: of a type that no key has.
#[track_caller]
pub const fn check_key_part(step: &str, of: Node) {
    if matches!(
        of.ty,
        Sql::Unknown | Sql::Integer | Sql::Bigint | Sql::String
    ) {
        return;
    }
    let help = match of.ty {
        Sql::Double | Sql::Decimal { .. } => ": write `as i64` or `.to_string()`",
        Sql::Bytes => ": write `.from_bytes(\"hex\")`",
        _ => ": write `.to_string()`",
    };
    refuse(&[
        Text("a key is an INTEGER, a BIGINT or a STRING: `"),
        Text(step),
        Text("` cannot take "),
        Ty(of.ty),
        Text(help),
    ]);
}

/// Refuses `window_start()` and `window_end()` (`function`) of an output without a window.
#[track_caller]
pub const fn check_window(entity: &str, windowed: bool, function: &str) {
    if !windowed {
        refuse(&[
            Text("`"),
            Text(entity),
            Text("` has no window: add `#[window(tumbling, minutes = [1])]` to it, or leave out `"),
            Text(function),
            Text("()`"),
        ]);
    }
}

/// Refuses a window's bound in a field that is neither marked for it nor a number of milliseconds.
#[track_caller]
pub const fn check_window_bound(
    entity: &str,
    columns: &'static [Column<'static>],
    hash: u64,
    function: &str,
) {
    let Some(column) = find(columns, hash) else {
        return;
    };
    let start = matches!(function.as_bytes(), b"window_start");
    let fits = match column.role {
        Role::WindowStart => start,
        Role::WindowEnd => !start,
        _ => matches!(column_type(column), Sql::Bigint | Sql::Unknown),
    };
    if !fits {
        refuse(&[
            Text("`"),
            Text(entity),
            Text("."),
            Text(column.name),
            Text("` cannot hold `"),
            Text(function),
            Text("()`: mark the field with `#["),
            Text(function),
            Text("]`, or write the type `i64` (milliseconds)"),
        ]);
    }
}

#[cfg(test)]
mod tests;
