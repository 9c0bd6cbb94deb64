//! Checks of arrays, maps and structs that a query makes, and of functions of their elements.

use super::output::fits;
use super::{Part, refuse};
use crate::model::{Column, Role};
use crate::query::collection::together;
use crate::query::node::{Node, Sql};
use Part::{Rust, Text, Type, Why};

/// Refuses values that have no one type; `what` is what they are made into.
#[track_caller]
pub const fn check_together(what: &str, values: &[Node]) {
    let mut rest = values;
    let mut nulls = true;
    while let [value, more @ ..] = rest {
        rest = more;
        nulls = nulls && matches!(value.ty, Sql::Null);
        if let [first, ..] = values
            && together(&[*first, *value]).is_none()
        {
            let (convert, ty, end) = super::conversion(first.ty, value.ty);
            refuse(&[
                Text(what),
                Text(" need one SQL type, not "),
                Type(first.ty),
                Text(" and "),
                Type(value.ty),
                Text(": write "),
                Text(convert),
                Rust(ty),
                Text(end),
            ]);
        }
    }
    if nulls {
        refuse(&[
            Text(what),
            Text(" that are all `None` have no type: write `None` for the whole"),
        ]);
    }
    if together(values).is_none() {
        refuse(&[
            Text(what),
            Text(" need one SQL type, and these have none together: convert them alike"),
        ]);
    }
}

/// Refuses a map's key that is no text or may be NULL.
#[track_caller]
pub const fn check_map_key(key: Node) {
    match key.ty {
        Sql::Unknown => {}
        Sql::String if key.nullable() => refuse(&[
            Text("the key of a map cannot be NULL, but this can: "),
            Why(key.why),
            Text("; say what stands for NULL: `.unwrap_or(..)`"),
        ]),
        Sql::String => {}
        ty => refuse(&[
            Text("the keys of a map are STRING, not "),
            Type(ty),
            Text(": write `.to_string()`"),
        ]),
    }
}

/// Refuses a literal of what is no struct.
#[track_caller]
pub const fn check_record(record: Node, name: &str) {
    if record.is_unknown() {
        refuse(&[
            Text("`"),
            Text(name),
            Text("` is no struct that a column can hold: put `#[derive(Struct)]` on it"),
        ]);
    }
}

/// Refuses a value that does not fit the field of a struct, as one that does not fit a column.
#[track_caller]
pub const fn check_member(record: Node, hash: u64, value: Node) {
    let Sql::Struct(record) = record.ty else {
        return;
    };
    let mut fields = record.fields;
    while let [field, rest @ ..] = fields {
        fields = rest;
        if crate::names::hash(field.name) == hash {
            let column = Column {
                name: field.name,
                sql_name: field.sql_name,
                quoted: field.sql_name,
                hash,
                ty: field.ty,
                nullable: field.nullable,
                role: Role::Value,
                key_order: None,
                timestamp: false,
                avro_timestamp: false,
                decimal_precision: None,
                default: None,
                max_length: None,
                datetime_format: None,
                gap: None,
            };
            return fits(record.name, &column, value);
        }
    }
    // That there is no such field the compiler has said.
}

/// Refuses a function of each element over what holds none, or with a closure for the other kind of collection.
#[track_caller]
pub const fn check_each(name: &str, of: Node, variables: usize) {
    let (wanted, form) = match (of.ty, variables) {
        (Sql::Unknown, _) | (Sql::Array(_), 1) | (Sql::Map(_), 2) => return,
        (Sql::Array(_), _) => ("an array", "one, its element: `|x| ..`"),
        (Sql::Map(_), _) => ("a map", "two, its key and its value: `|k, v| ..`"),
        (ty, _) => refuse(&[
            Text("`"),
            Text(name),
            Text("` is for arrays and maps, not for "),
            Type(ty),
            Text(": leave it out, a function of a NULL is NULL and a comparison with one false"),
        ]),
    };
    refuse(&[
        Text("over "),
        Text(wanted),
        Text(" a closure is given "),
        Text(form),
    ]);
}

/// Refuses what `transform` cannot make.
#[track_caller]
pub const fn check_transformed(body: Node) {
    if matches!(body.ty, Sql::Null) {
        refuse(&[Text(
            "elements that are all `None` have no type: write `None` for the whole",
        )]);
    }
}

/// Refuses a value of a map that may be NULL: in ksqlDB the map would be.
#[track_caller]
pub const fn check_map_value(value: Node) {
    check_transformed(value);
    if value.nullable() && !value.fails && !value.is_unknown() {
        refuse(&[
            Text("a map that `transform` makes holds no NULL, but this can be one: "),
            Why(value.why),
            Text("; say what stands for NULL: `.unwrap_or(..)`"),
        ]);
    }
}

/// Refuses a reduction whose closure gives another type than it begins with, or a NULL; `operator` if what it gives is never
/// NULL, but may fail.
#[track_caller]
pub const fn check_reduce(start: Node, body: Node, operator: bool) {
    if matches!(start.ty, Sql::Null) {
        refuse(&[Text(
            "a reduction that begins with `None` is NULL: say what it begins with",
        )]);
    }
    if start.is_unknown() || body.is_unknown() {
        return;
    }
    if matches!(body.ty, Sql::Null) || !start.ty.same(body.ty) {
        refuse(&[
            Text("this reduction begins with "),
            Type(start.ty),
            Text(" and its closure gives "),
            Type(body.ty),
            Text(": both have one type; write `as "),
            Rust(body.ty),
            Text("` behind the beginning, or convert what the closure gives"),
        ]);
    }
    if body.nullable() && !operator {
        refuse(&[
            Text("a reduction cannot go on with NULL, but this can be one: "),
            Why(body.why),
            Text("; say what stands for NULL: `.unwrap_or(..)`"),
        ]);
    }
}

/// Refuses to explode what is no array; of `cube_explode`, what is no array of NULLs.
#[track_caller]
pub const fn check_explode(name: &str, of: Node) {
    match of.ty {
        Sql::Unknown | Sql::Array(_) => {}
        Sql::Map(_) => refuse(&[
            Text("`"),
            Text(name),
            Text(
                "` takes an array, not a map: write `.keys()`, `.values()` or `.entries(false)` before it",
            ),
        ]),
        ty => refuse(&[
            Text("`"),
            Text(name),
            Text("` takes an array, not "),
            Type(ty),
        ]),
    }
}
