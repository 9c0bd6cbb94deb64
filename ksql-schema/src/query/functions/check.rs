//! What is wrong with a call: arguments a function does not take.

use super::result::{common, kind};
use super::{Argument, Function, Gives};
use crate::query::check::{Part, refuse};
use crate::query::literal::takes;
use crate::query::node::{Elem, Node, Sql};
use crate::types::{Field, Struct, Type};

/// What is wrong with a call.
#[derive(Clone, Copy)]
pub(super) enum Wrong {
    Nothing,
    /// The argument at a place is none of its kind.
    Argument(usize, Argument, Sql),
    /// Two arguments have no one type.
    Differ(Sql, Sql),
    /// All are NULL.
    AllNull,
    /// A decimal without digits before the point has no whole part.
    NoWhole(Sql),
}

pub(super) const fn wrong(function: Function, arguments: &[Node]) -> Wrong {
    let [first, ..] = arguments else {
        return Wrong::Nothing;
    };
    let mut rest = arguments;
    let mut at = 0;
    let mut nulls = true;
    while let [argument, more @ ..] = rest {
        if let Some(kind) = kind(function, at)
            && !accepts(kind, *argument, *first)
        {
            return Wrong::Argument(at, kind, argument.ty);
        }
        nulls = nulls && matches!(argument.ty, Sql::Null);
        rest = more;
        at += 1;
    }
    let spec = function.spec();
    if matches!(spec.result, Gives::Common) {
        if nulls {
            return Wrong::AllNull;
        }
        if common(function, arguments).is_none() {
            return differing(function, arguments);
        }
    }
    match (spec.result, first.ty) {
        (Gives::Whole, Sql::Decimal { precision, scale }) if precision <= scale => {
            Wrong::NoWhole(first.ty)
        }
        _ => Wrong::Nothing,
    }
}

/// The first two types that do not go together.
const fn differing(function: Function, arguments: &[Node]) -> Wrong {
    let [first, rest @ ..] = arguments else {
        return Wrong::Nothing;
    };
    let mut rest = rest;
    while let [argument, more @ ..] = rest {
        if common(function, &[*first, *argument]).is_none() {
            return Wrong::Differ(first.ty, argument.ty);
        }
        rest = more;
    }
    match arguments {
        [.., one, two] => Wrong::Differ(one.ty, two.ty),
        _ => Wrong::Nothing,
    }
}

const fn accepts(kind: Argument, argument: Node, first: Node) -> bool {
    match (kind, argument.ty) {
        (_, Sql::Unknown) => true,
        (Argument::Alike | Argument::Widest | Argument::SameOrNull, Sql::Null) => true,
        (_, Sql::Null) => false,
        (Argument::Any | Argument::Alike, _) => true,
        (Argument::Number, ty) => ty.is_number(),
        (Argument::Fraction, Sql::Double | Sql::Decimal { .. }) => true,
        (Argument::Integer, Sql::Integer) => true,
        (Argument::Long, Sql::Integer | Sql::Bigint) => true,
        (Argument::Text | Argument::Sized | Argument::Searchable, Sql::String) => true,
        (Argument::Stringy, Sql::String | Sql::Bytes) => true,
        (Argument::Same | Argument::SameOrNull, ty) => match first.ty {
            Sql::Bytes => matches!(ty, Sql::Bytes),
            _ => matches!(ty, Sql::String),
        },
        (Argument::SameWhole, ty) => match first.ty {
            Sql::Integer | Sql::Bigint => ty.same(first.ty) || takes(argument, first.ty),
            _ => matches!(ty, Sql::Integer | Sql::Bigint),
        },
        (Argument::Code, Sql::Integer | Sql::String) => true,
        (Argument::Boolean, Sql::Boolean) => true,
        (Argument::Entries, Sql::Map(elem)) => {
            matches!(elem.ty(), Sql::Unknown) || entry_of(elem).is_some()
        }
        (Argument::Bytes | Argument::Sized, Sql::Bytes) => true,
        (Argument::Date | Argument::Moment | Argument::Temporal, Sql::Date) => true,
        (Argument::Time | Argument::Clock | Argument::Temporal, Sql::Time) => true,
        (
            Argument::Timestamp | Argument::Moment | Argument::Clock | Argument::Temporal,
            Sql::Timestamp,
        ) => true,
        (Argument::Array | Argument::Sized | Argument::Searchable, Sql::Array(_)) => true,
        (Argument::Texts, Sql::Array(elem)) => matches!(elem.ty(), Sql::String | Sql::Unknown),
        (Argument::Scalars | Argument::Ordered, Sql::Array(elem)) => {
            elem.ty().is_number() || matches!(elem.ty(), Sql::String | Sql::Boolean | Sql::Unknown)
        }
        (Argument::Map, Sql::Map(_)) => true,
        (Argument::Item, ty) => match first.ty {
            Sql::Array(elem) => ty.same(elem.ty()) || takes(argument, elem.ty()),
            Sql::Unknown => true,
            _ => matches!(ty, Sql::String),
        },
        (Argument::Widest, ty) => {
            ty.is_number()
                || matches!(
                    ty,
                    Sql::String | Sql::Bytes | Sql::Date | Sql::Time | Sql::Timestamp
                )
        }
        _ => false,
    }
}

const fn words(kind: Argument) -> &'static str {
    match kind {
        Argument::Number => "a number",
        Argument::Fraction => "a DOUBLE or a DECIMAL",
        Argument::Integer => "an INTEGER",
        Argument::Long => "an INTEGER or a BIGINT",
        Argument::Text => "a STRING",
        Argument::Bytes => "BYTES",
        Argument::Stringy => "a STRING or BYTES",
        Argument::Same | Argument::SameOrNull => "what the first is",
        Argument::SameWhole => "what the first is, an INTEGER or a BIGINT",
        Argument::Code => "an INTEGER or a STRING",
        Argument::Boolean => "a BOOLEAN",
        Argument::Entries => "a map of INTEGER, BIGINT, DOUBLE, BOOLEAN or STRING",
        Argument::Sized => "a STRING, BYTES or an array",
        Argument::Searchable => "a STRING or an array",
        Argument::Item => "what it looks for, a STRING or an element",
        Argument::Date => "a DATE",
        Argument::Time => "a TIME",
        Argument::Timestamp => "a TIMESTAMP",
        Argument::Moment => "a DATE or a TIMESTAMP",
        Argument::Clock => "a TIME or a TIMESTAMP",
        Argument::Temporal => "a DATE, a TIME or a TIMESTAMP",
        Argument::Array => "an array",
        Argument::Texts => "an array of STRING",
        Argument::Scalars => "an array of numbers or texts",
        Argument::Ordered => "an array of numbers or texts",
        Argument::Map => "a map",
        Argument::Any | Argument::Alike => "a value",
        Argument::Widest => "numbers, texts or times",
    }
}

/// What helps an argument of the wrong type.
const fn cure(kind: Argument, ty: Sql) -> &'static str {
    match (kind, ty) {
        (_, Sql::Null) => ": a `None` makes the whole NULL, write `None` in its place",
        (Argument::Text, Sql::Bytes) => ": write `.from_bytes(\"utf8\")`",
        (Argument::Text | Argument::Stringy | Argument::Same | Argument::SameOrNull, _) => {
            ": write `.to_string()`"
        }
        (Argument::SameWhole, ty) if ty.is_number() => ": write `as i64` behind both",
        (Argument::Integer, ty) if ty.is_number() => ": write `as i32`",
        (Argument::Long, ty) if ty.is_number() => ": write `as i64`",
        (Argument::Fraction, ty) if ty.is_number() => ": write `as f64`",
        (Argument::Timestamp, Sql::Bigint) => ": write `.from_unixtime()`",
        (Argument::Sized, Sql::Map(_)) => ": write `.keys().len()`",
        (Argument::Searchable, Sql::Map(_)) => ": write `.keys().contains(..)`",
        _ => "",
    }
}

/// Refuses a receiver a function does not take, and arguments that do not go together, the receiver first. Each argument by
/// itself is [`check_argument`]'s; how many there are the macro has checked.
#[track_caller]
pub const fn check_function(function: Function, arguments: &[Node]) {
    let name = function.name();
    match wrong(function, arguments) {
        Wrong::Argument(0, kind, ty) => refuse(&[
            Part::Text("`"),
            Part::Text(name),
            Part::Text("` takes "),
            Part::Text(words(kind)),
            Part::Text(", not "),
            Part::Type(ty),
            Part::Text(cure(kind, ty)),
        ]),
        Wrong::Nothing | Wrong::Argument(..) => {}
        Wrong::Differ(one, two) => {
            let (convert, ty, end) = crate::query::check::conversion(one, two);
            refuse(&[
                Part::Text("`"),
                Part::Text(name),
                Part::Text("` needs one SQL type, not "),
                Part::Type(one),
                Part::Text(" and "),
                Part::Type(two),
                Part::Text(": ksqlDB widens nothing here; write "),
                Part::Text(convert),
                Part::Rust(ty),
                Part::Text(end),
            ])
        }
        Wrong::AllNull => refuse(&[
            Part::Text("`"),
            Part::Text(name),
            Part::Text("` of nothing but `None` has no type: write `None` in its place"),
        ]),
        Wrong::NoWhole(ty) => refuse(&[
            Part::Text("`"),
            Part::Text(name),
            Part::Text("` of "),
            Part::Type(ty),
            Part::Text(" has no digit to hold: say how many stay, for example `."),
            Part::Text(name),
            Part::Text("(2)`"),
        ]),
    }
}

/// Refuses the argument at a place, counted from the receiver, that a function does not take. Its place is the argument's own.
#[track_caller]
pub const fn check_argument(function: Function, arguments: &[Node], index: usize) {
    let Wrong::Argument(at, kind, ty) = wrong_behind(function, arguments, index) else {
        return;
    };
    // What is as the first is named by it.
    let kind = match (kind, arguments) {
        (Argument::Same | Argument::SameOrNull, [Node { ty: Sql::Bytes, .. }, ..]) => {
            Argument::Bytes
        }
        (Argument::Same | Argument::SameOrNull, _) => Argument::Text,
        (kind, _) => kind,
    };
    let name = function.name();
    if let (Argument::Item, [first, ..]) = (kind, arguments)
        && !matches!(first.ty, Sql::String)
    {
        // Of a receiver that nothing is looked for in it was said.
        if !matches!(first.ty, Sql::Array(_)) {
            return;
        }
        refuse(&[
            Part::Text("what `"),
            Part::Text(name),
            Part::Text("` looks for in an array is one of its elements, "),
            Part::Type(first.element().ty),
            Part::Text(", not "),
            Part::Type(ty),
        ]);
    }
    refuse(&[
        Part::Text("argument "),
        // The unit of time stands before the others.
        Part::Number(at as u32 + function.takes_unit() as u32),
        Part::Text(" of `"),
        Part::Text(name),
        Part::Text("` must be "),
        Part::Text(words(kind)),
        Part::Text(", not "),
        Part::Type(ty),
        Part::Text(cure(kind, ty)),
    ])
}

/// What is wrong with the argument at a place alone.
const fn wrong_behind(function: Function, arguments: &[Node], index: usize) -> Wrong {
    let [first, ..] = arguments else {
        return Wrong::Nothing;
    };
    let mut rest = arguments;
    let mut at = 0;
    while let [argument, more @ ..] = rest {
        if at == index
            && let Some(kind) = kind(function, at)
            && !accepts(kind, *argument, *first)
        {
            return Wrong::Argument(at, kind, argument.ty);
        }
        rest = more;
        at += 1;
    }
    Wrong::Nothing
}

/// The struct of a map's entry, its fields named as ksqlDB does; of other values it makes none.
pub(super) const fn entry_of(elem: Elem) -> Option<&'static Struct<'static>> {
    const fn fields(ty: Type<'static>, nullable: bool) -> [Field<'static>; 2] {
        [
            Field {
                name: "k",
                sql_name: "K",
                ty: Type::String,
                nullable: false,
            },
            Field {
                name: "v",
                sql_name: "V",
                ty,
                nullable,
            },
        ]
    }
    macro_rules! entry {
        ($ty:expr) => {{
            static SURE: [Field<'static>; 2] = fields($ty, false);
            static MAYBE: [Field<'static>; 2] = fields($ty, true);
            static OF_SURE: Struct<'static> = Struct {
                name: "Entry",
                fields: &SURE,
            };
            static OF_MAYBE: Struct<'static> = Struct {
                name: "Entry",
                fields: &MAYBE,
            };
            Some(if elem.nullable() { &OF_MAYBE } else { &OF_SURE })
        }};
    }
    match elem.ty() {
        Sql::Integer => entry!(Type::Int32),
        Sql::Bigint => entry!(Type::Int64),
        Sql::Double => entry!(Type::Float64),
        Sql::Boolean => entry!(Type::Boolean),
        Sql::String => entry!(Type::String),
        _ => None,
    }
}
