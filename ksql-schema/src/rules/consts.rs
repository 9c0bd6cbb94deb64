//! Decisions about types as `const fn`s: shared by the rules and by checks that generated code makes in constants, where
//! an alias is seen through.
//!
//! Each `check_` panics with the text of its rule: in a constant that is a compile error at the call. They are
//! `#[track_caller]` all the way down, so that rustc shows the call and nothing of what is inside.

use crate::default_value;
use crate::model::{Column, Role};
use crate::text::{Sink, as_str};
use crate::types::{Field, Struct, Type};

/// Whether a type can be a key column.
pub const fn may_be_key(ty: &Type<'_>) -> bool {
    matches!(
        ty,
        Type::Int32 | Type::Int64 | Type::String | Type::Uuid | Type::Unknown
    )
}

/// Whether `#[datetime_format]` applies.
pub const fn may_be_formatted(ty: &Type<'_>) -> bool {
    matches!(
        ty,
        Type::String | Type::DateTime | Type::Date | Type::Time | Type::Unknown
    )
}

/// Whether `#[max_length]` applies.
pub const fn may_have_length(ty: &Type<'_>) -> bool {
    matches!(ty, Type::String | Type::Bytes | Type::Unknown)
}

/// Whether `#[timestamp]` applies.
pub const fn may_be_event_time(ty: &Type<'_>, formatted: bool) -> bool {
    match ty {
        Type::DateTime | Type::Int64 | Type::Unknown => true,
        Type::String => formatted,
        _ => false,
    }
}

/// Whether there is a zero: what `#[gap(zero)]` and `gaps = "empty"` need.
pub const fn has_zero(ty: &Type<'_>) -> bool {
    matches!(
        ty,
        Type::Int16
            | Type::Int32
            | Type::Int64
            | Type::Float32
            | Type::Float64
            | Type::Decimal { .. }
            | Type::Unknown
    )
}

/// Whether two types are one.
pub const fn same(one: &Type<'_>, two: &Type<'_>) -> bool {
    match (one, two) {
        (
            Type::Decimal { precision, scale },
            Type::Decimal {
                precision: other_precision,
                scale: other_scale,
            },
        ) => *precision == *other_precision && *scale == *other_scale,
        (Type::Array(one), Type::Array(two)) | (Type::Map(one), Type::Map(two)) => {
            one.nullable == two.nullable && same(&one.ty, &two.ty)
        }
        (Type::Struct(one), Type::Struct(two)) => {
            let (mut one, mut two) = (one.fields, two.fields);
            while let ([a, a_rest @ ..], [b, b_rest @ ..]) = (one, two) {
                if a.nullable != b.nullable
                    || crate::names::hash(a.name) != crate::names::hash(b.name)
                    || !same(&a.ty, &b.ty)
                {
                    return false;
                }
                (one, two) = (a_rest, b_rest);
            }
            one.is_empty() && two.is_empty()
        }
        (Type::Boolean, Type::Boolean)
        | (Type::Int16, Type::Int16)
        | (Type::Int32, Type::Int32)
        | (Type::Int64, Type::Int64)
        | (Type::Float32, Type::Float32)
        | (Type::Float64, Type::Float64)
        | (Type::String, Type::String)
        | (Type::Uuid, Type::Uuid)
        | (Type::Enum, Type::Enum)
        | (Type::Bytes, Type::Bytes)
        | (Type::DateTime, Type::DateTime)
        | (Type::Date, Type::Date)
        | (Type::Time, Type::Time)
        | (Type::Unknown, _)
        | (_, Type::Unknown) => true,
        _ => false,
    }
}

/// A type in a user's words; of a struct without its name.
pub const fn described(ty: &Type<'_>) -> &'static str {
    match ty {
        Type::Boolean => "`bool`",
        Type::Int16 => "`i16`",
        Type::Int32 => "`i32`",
        Type::Int64 => "`i64`",
        Type::Float32 => "`f32`",
        Type::Float64 => "`f64`",
        Type::String => "`String`",
        Type::Uuid => "`Uuid`",
        Type::Enum => "an enum",
        Type::Bytes => "bytes",
        Type::Decimal { .. } => "a decimal",
        Type::DateTime => "a date-time",
        Type::Date => "a date",
        Type::Time => "a time of day",
        Type::Array(_) => "an array",
        Type::Map(_) => "a map",
        Type::Struct(_) => "a struct",
        Type::Unknown => "an unknown type",
    }
}

/// A type in words with what its `Option` adds.
const fn optional(nullable: bool) -> &'static str {
    if nullable { "an `Option` of " } else { "" }
}

/// Stops the compiler with a text made of parts.
#[track_caller]
#[allow(clippy::panic, reason = "in a constant a panic is the compile error")]
const fn refuse(parts: &[&str]) -> ! {
    let mut buffer = [0; 1024];
    let mut sink = Sink::new(&mut buffer);
    let mut parts = parts;
    while let [part, rest @ ..] = parts {
        sink.push(part);
        parts = rest;
    }
    let length = sink.len();
    let (text, _) = match buffer.split_at_checked(length) {
        Some(parts) => parts,
        None => (buffer.as_slice(), buffer.as_slice()),
    };
    panic!("{}", as_str(text));
}

/// What stands for an `Option` in an `Option`: a record without fields, which no struct can be. So the type is total and
/// the one error is that of [`check_column`].
pub const OPTION_IN_OPTION: Type<'static> = Type::Struct(&Struct {
    name: "Option",
    fields: &[],
});

const SIZE: &str = "\nhelp: precision counts all digits, scale those after the point: `Dec<9, 4>` has five before it";

/// Refuses what only looks like a column type: an `Option` in an `Option`, a decimal of impossible size, also as an element.
/// Fields of a record are checked where the record is derived.
#[track_caller]
pub const fn check_column(ty: &Type<'_>) {
    match ty {
        Type::Struct(Struct { fields: [], .. }) => refuse(&[
            "an `Option` in an `Option` cannot be told apart: there is one NULL\nhelp: write one `Option`",
        ]),
        Type::Decimal { precision, scale } => {
            if *precision < 1 || *precision > 38 {
                let mut buffer = [0; 10];
                refuse(&[
                    "the precision of a `Dec` is 1 to 38, not ",
                    number(*precision, &mut buffer),
                    SIZE,
                ]);
            }
            if *scale > *precision {
                let (mut more, mut less) = ([0; 10], [0; 10]);
                refuse(&[
                    "the scale of a `Dec` is at most its precision: ",
                    number(*scale, &mut more),
                    " is more than ",
                    number(*precision, &mut less),
                    SIZE,
                ]);
            }
        }
        Type::Array(item) | Type::Map(item) => check_column(&item.ty),
        _ => {}
    }
}

const fn number(value: u32, buffer: &mut [u8; 10]) -> &str {
    let mut sink = Sink::new(buffer);
    sink.push_number(value as i64);
    let length = sink.len();
    match buffer.split_at_checked(length) {
        Some((digits, _)) => as_str(digits),
        None => "",
    }
}

/// K0122: refuses a module whose path is no Avro namespace.
#[track_caller]
pub const fn check_namespace(module: &str) {
    if !crate::names::is_namespace(module) {
        refuse(&[
            "the module path `",
            module,
            "` is no Avro namespace [K0122]\nhelp: write one of ASCII letters, digits and `_`: `#[entity(namespace = \"com.shop\")]`",
        ]);
    }
}

/// K0201: refuses a key column of a table that may be NULL.
#[track_caller]
pub const fn check_key(name: &str, nullable: bool) {
    if nullable {
        refuse(&[
            "the key column `",
            name,
            "` cannot be an `Option`: a record without a key is in no table [K0201]\nhelp: write the type without `Option`",
        ]);
    }
}

/// K0305, K0306: refuses an event time that is none.
#[track_caller]
pub const fn check_timestamp(name: &str, ty: &Type<'_>, nullable: bool, formatted: bool) {
    if nullable {
        refuse(&[
            "the event time `",
            name,
            "` cannot be an `Option` [K0305]\nhelp: write the type without `Option`",
        ]);
    }
    if !may_be_event_time(ty, formatted) {
        refuse(&[
            "`#[timestamp]` needs a date-time, an `i64` of milliseconds, or a `String` with `#[datetime_format]`, and `",
            name,
            "` is ",
            described(ty),
            " [K0306]\nhelp: write the type `DateTime<Utc>`",
        ]);
    }
}

/// K0230: refuses a maximum length on what has none.
#[track_caller]
pub const fn check_max_length(name: &str, ty: &Type<'_>) {
    if !may_have_length(ty) {
        refuse(&[
            "`#[max_length]` is for `String` and `Vec<u8>`, and `",
            name,
            "` is ",
            described(ty),
            " [K0230]\nhelp: remove this attribute",
        ]);
    }
}

/// K0222: refuses `#[avro_timestamp]` on what is no date-time.
#[track_caller]
pub const fn check_avro_timestamp(name: &str, ty: &Type<'_>) {
    if !matches!(ty, Type::DateTime | Type::Unknown) {
        refuse(&[
            "`#[avro_timestamp]` is for `DateTime`, and `",
            name,
            "` is ",
            described(ty),
            " [K0222]\nhelp: remove this attribute, or write the type `DateTime<Utc>`",
        ]);
    }
}

/// K0224: refuses a pattern that lacks a part of its type. What it lacks of a moment, a date and a time of day is known
/// to the macro, which read it; empty where nothing is lacking.
#[track_caller]
pub const fn check_format(name: &str, ty: &Type<'_>, moment: &str, date: &str, time: &str) {
    let missing = match ty {
        Type::DateTime => moment,
        Type::Date => date,
        Type::Time => time,
        _ => "",
    };
    if !missing.is_empty() {
        refuse(&[
            "the pattern lacks ",
            missing,
            " of `",
            name,
            "`: reading could not restore it [K0224]\nhelp: write for example `#[datetime_format(\"yyyy-MM-dd HH:mm:ss\")]`",
        ]);
    }
}

/// K0422: refuses window bounds that are no time.
#[track_caller]
pub const fn check_window_bound(attribute: &str, name: &str, ty: &Type<'_>, nullable: bool) {
    if nullable || !matches!(ty, Type::DateTime | Type::Int64 | Type::Unknown) {
        refuse(&[
            "`#[",
            attribute,
            "]` needs `DateTime<Utc>` or an `i64` of milliseconds, and `",
            name,
            "` is ",
            optional(nullable),
            described(ty),
            " [K0422]\nhelp: write the type `DateTime<Utc>`",
        ]);
    }
}

/// K0311, K0312, K0313: refuses a default that is none of the type's. `number` is the default's value if it is a number,
/// `variants` the type's if it is an enum.
#[track_caller]
pub const fn check_default(
    name: &str,
    ty: &Type<'_>,
    nullable: bool,
    written: &str,
    number: f64,
    variants: &[&str],
) {
    if nullable {
        refuse(&[
            "an Avro default must fit the first branch, and that of the `Option` `",
            name,
            "` is null [K0311]\nhelp: remove this attribute (null is the default), or write the type without `Option`",
        ]);
    }
    if !default_value::has_form(ty) {
        refuse(&[
            "no default can be written for `",
            name,
            "`, which is ",
            described(ty),
            " [K0313]\nhelp: remove this attribute, or make the field an `Option`: its default is null",
        ]);
    }
    if !default_value::fits(ty, written, number) {
        refuse(&[
            "`",
            name,
            "` is ",
            described(ty),
            ", and its default must be ",
            default_value::wanted(ty),
            ", not `",
            written,
            "` [K0312]\nhelp: write for example `",
            default_value::example(ty),
            "`",
        ]);
    }
    if let (Type::Enum, [first, ..]) = (ty, variants)
        && !default_value::is_variant(written, variants)
    {
        refuse(&[
            "`",
            name,
            "` is an enum that has no variant ",
            written,
            " [K0312]\nhelp: write for example `#[default_value(\"",
            first,
            "\")]`",
        ]);
    }
}

/// K0414: refuses a column that an empty window has no value for.
#[track_caller]
pub const fn check_empty_gap(name: &str, ty: &Type<'_>, nullable: bool) {
    if !nullable && !has_zero(ty) {
        refuse(&[
            "an empty window has no value for `",
            name,
            "`, which is ",
            described(ty),
            " [K0414]\nhelp: make it an `Option`, or write `gaps = \"carry_forward\"`",
        ]);
    }
}

/// K0417: refuses a zero of what has none.
#[track_caller]
pub const fn check_gap_zero(name: &str, ty: &Type<'_>) {
    if !has_zero(ty) {
        refuse(&[
            "`#[gap(zero)]` needs a number, and `",
            name,
            "` is ",
            described(ty),
            " [K0417]\nhelp: write `#[gap(from = field)]`, or remove this attribute",
        ]);
    }
}

/// K0419: refuses a gap value that another column's type does not give. Columns are (name, type, nullable).
#[track_caller]
pub const fn check_gap_from(column: (&str, Type<'_>, bool), source: (&str, Type<'_>, bool)) {
    let ((name, ty, nullable), (from, other, maybe)) = (column, source);
    if !same(&ty, &other) || (maybe && !nullable) {
        refuse(&[
            "`",
            name,
            "` is ",
            optional(nullable),
            described(&ty),
            ", and `",
            from,
            "` is ",
            optional(maybe),
            described(&other),
            " [K0419]\nhelp: name a column of the same type",
        ]);
    }
}

/// K0127: refuses a column whose nested records have a name that another one has, in it or in a column before.
#[track_caller]
pub const fn check_record_names(columns: &[Column<'_>], name: &str) {
    let hash = crate::names::hash(name);
    let mut rest = columns;
    while let [column, more @ ..] = rest {
        rest = more;
        if column.hash == hash && record_twin(columns, column) {
            refuse(&[
                "two records inside `",
                name,
                "`, or one of them and one of a field before, would have one Avro name: the path to them, joined by `_` [K0127]\nhelp: rename a field on one of the two paths",
            ]);
        }
    }
}

/// Whether a nested record of a column has the Avro name of another one, in the same column or in one before it.
pub const fn record_twin(columns: &[Column<'_>], column: &Column<'_>) -> bool {
    // What is counted is how often each name of the column is met; itself is once.
    any_twin(&column.ty, hashed(ROOT, column.name), columns, column.hash)
}

/// Names are compared by a hash over the path.
const ROOT: u64 = 0xcbf2_9ce4_8422_2325;

const fn hashed(parent: u64, step: &str) -> u64 {
    let mut hash = (parent ^ b'_' as u64).wrapping_mul(0x0000_0100_0000_01b3);
    let mut bytes = step.as_bytes();
    while let [byte, rest @ ..] = bytes {
        hash = (hash ^ *byte as u64).wrapping_mul(0x0000_0100_0000_01b3);
        bytes = rest;
    }
    hash
}

const fn any_twin(ty: &Type<'_>, path: u64, columns: &[Column<'_>], last: u64) -> bool {
    match ty {
        Type::Array(item) | Type::Map(item) => any_twin(&item.ty, path, columns, last),
        Type::Struct(record) => {
            if met(columns, last, path) > 1 {
                return true;
            }
            let mut fields = record.fields;
            while let [Field { name, ty, .. }, rest @ ..] = fields {
                fields = rest;
                if any_twin(ty, hashed(path, name), columns, last) {
                    return true;
                }
            }
            false
        }
        _ => false,
    }
}

/// How many records of the columns up to `last` have the name.
const fn met(columns: &[Column<'_>], last: u64, wanted: u64) -> usize {
    let mut count = 0;
    let mut columns = columns;
    while let [column, rest @ ..] = columns {
        columns = rest;
        if matches!(column.role, Role::Value) {
            count += met_in(&column.ty, hashed(ROOT, column.name), wanted);
        }
        if column.hash == last {
            break;
        }
    }
    count
}

const fn met_in(ty: &Type<'_>, path: u64, wanted: u64) -> usize {
    match ty {
        Type::Array(item) | Type::Map(item) => met_in(&item.ty, path, wanted),
        Type::Struct(record) => {
            let mut count = (path == wanted) as usize;
            let mut fields = record.fields;
            while let [Field { name, ty, .. }, rest @ ..] = fields {
                fields = rest;
                count += met_in(ty, hashed(path, name), wanted);
            }
            count
        }
        _ => 0,
    }
}
