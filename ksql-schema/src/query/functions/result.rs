//! What a call gives, and what is wrong with it.

use super::{Argument, Function, Gives, Nulls};
use crate::query::arith::wider;
use crate::query::case::unify;
use crate::query::check::{Part, refuse};
use crate::query::literal::takes;
use crate::query::node::{Bare, Elem, Node, Sql, Why};

/// The node of a call, the receiver first; unknown where an argument is missing, too many or of the wrong type.
pub const fn call(function: Function, arguments: &[Node]) -> Node {
    let spec = function.spec();
    let [first, ..] = arguments else {
        return Node::UNKNOWN;
    };
    if !function.takes(arguments.len()) || !matches!(wrong(function, arguments), Wrong::Nothing) {
        return Node::UNKNOWN;
    }
    let mut rest = arguments;
    while let [argument, more @ ..] = rest {
        rest = more;
        if argument.is_unknown() {
            return Node::UNKNOWN;
        }
    }
    let (why, fails) = reason(function, arguments);
    let ty = match spec.result {
        Gives::Fixed(ty) => ty,
        Gives::First => {
            // A copy of a key, or a number that may be one no more.
            return match function {
                Function::AsValue => Node {
                    why,
                    bare: Bare::No,
                    ..*first
                },
                _ => Node {
                    fails,
                    ..Node::new(first.ty, why)
                },
            };
        }
        Gives::Common => {
            return match common(function, arguments) {
                Some(node) => Node { why, fails, ..node },
                None => Node::UNKNOWN,
            };
        }
        Gives::Whole => match first.ty {
            Sql::Decimal { precision, scale } if precision > scale => Sql::Decimal {
                precision: precision - scale,
                scale: 0,
            },
            Sql::Decimal { .. } => Sql::Unknown,
            _ => Sql::Bigint,
        },
        Gives::Element => first.element().ty,
        Gives::Texts => Sql::Array(Elem::new(Sql::String, false)),
        Gives::Values => match first.ty {
            Sql::Map(elem) => Sql::Array(elem),
            _ => Sql::Unknown,
        },
        Gives::MapOfSecond => match arguments {
            [
                _,
                Node {
                    ty: Sql::Array(elem),
                    ..
                },
                ..,
            ] => Sql::Map(*elem),
            _ => Sql::Unknown,
        },
    };
    if ty.is_unknown() {
        return Node::UNKNOWN;
    }
    Node {
        fails,
        ..Node::new(ty, why)
    }
}

/// Why a call may be NULL, and whether it may fail.
const fn reason(function: Function, arguments: &[Node]) -> (Why, bool) {
    let (mut any, mut all) = (Why::Never, true);
    let mut literal = true;
    let mut failure = Why::Never;
    let mut rest = arguments;
    let mut first = true;
    while let [argument, more @ ..] = rest {
        rest = more;
        any = any.or(argument.why);
        failure = failure.or(argument.failure());
        all = all && argument.nullable();
        literal = literal && (first || matches!(argument.bare, Bare::Text));
        first = false;
    }
    let own = Why::Function(function.name());
    let (why, fails) = match (function.spec().nulls, arguments) {
        (Nulls::Never, _) => (Why::Never, false),
        (Nulls::First, [first, ..]) => (first.why, false),
        (Nulls::AllNull, _) if !all => (Why::Never, false),
        (Nulls::MayFail, _) => (any.or(own), true),
        (Nulls::UnlessLiteral, _) if !literal => (any.or(own), true),
        // The length of a NULL is one, and subtracting from it fails.
        (Nulls::Strict, _) if matches!(function, Function::EndsWith) => (any, any.is_nullable()),
        _ => (any, false),
    };
    (failure.or(why), fails || failure.is_nullable())
}

/// What all arguments are together; nothing where they have no one type.
const fn common(function: Function, arguments: &[Node]) -> Option<Node> {
    let [first, rest @ ..] = arguments else {
        return None;
    };
    let widest = matches!(function.spec().arguments, [Argument::Widest, ..]);
    let mut result = *first;
    let mut rest = rest;
    while let [argument, more @ ..] = rest {
        rest = more;
        result = match unify(result, *argument) {
            Some(node) => node,
            None if widest => match widened(result.ty, argument.ty) {
                Some(ty) => Node::new(ty, result.why),
                None => return None,
            },
            None => return None,
        };
    }
    Some(result)
}

/// The type two numbers widen to.
const fn widened(one: Sql, two: Sql) -> Option<Sql> {
    if !one.is_number() || !two.is_number() {
        return None;
    }
    match (one, two) {
        (Sql::Double, _) | (_, Sql::Double) => Some(Sql::Double),
        (Sql::Integer | Sql::Bigint, Sql::Integer | Sql::Bigint) => Some(Sql::Bigint),
        _ => match (one.digits(), two.digits()) {
            (Some(one), Some(two)) => {
                let ty = wider(one, two);
                if ty.precision() > Sql::MOST_DIGITS {
                    None
                } else {
                    Some(ty)
                }
            }
            _ => None,
        },
    }
}

/// The type an argument is converted to where it is written: functions that want one type get it by a CAST, since
/// ksqlDB finds no function for INTEGER beside BIGINT.
pub const fn parameter(function: Function, arguments: &[Node], index: usize) -> Sql {
    let mut rest = arguments;
    let mut at = 0;
    while let [argument, more @ ..] = rest {
        if at == index {
            return match (kind(function, index), arguments) {
                (Some(Argument::Alike | Argument::Widest), _) => {
                    match common(function, arguments) {
                        Some(node) => node.ty,
                        None => argument.ty,
                    }
                }
                // There is one for each pair of equal numbers, and all compute doubles.
                (Some(Argument::Number), [one, two]) if !one.ty.same(two.ty) => Sql::Double,
                (Some(Argument::Item), [first, ..]) if takes(*argument, first.element().ty) => {
                    first.element().ty
                }
                _ => argument.ty,
            };
        }
        rest = more;
        at += 1;
    }
    Sql::Unknown
}

/// The kind of the argument at a place.
const fn kind(function: Function, index: usize) -> Option<Argument> {
    let spec = function.spec();
    let mut kinds = spec.arguments;
    let mut at = 0;
    while let [kind, rest @ ..] = kinds {
        if at == index || (rest.is_empty() && spec.rest) {
            return Some(*kind);
        }
        kinds = rest;
        at += 1;
    }
    None
}

/// What is wrong with a call.
#[derive(Clone, Copy)]
enum Wrong {
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

const fn wrong(function: Function, arguments: &[Node]) -> Wrong {
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
        (Argument::Alike | Argument::Widest, Sql::Null) => true,
        (_, Sql::Null) => false,
        (Argument::Any | Argument::Alike, _) => true,
        (Argument::Number, ty) => ty.is_number(),
        (Argument::Fraction, Sql::Double | Sql::Decimal { .. }) => true,
        (Argument::Integer, Sql::Integer) => true,
        (Argument::Long, Sql::Integer | Sql::Bigint) => true,
        (Argument::Text | Argument::Sized | Argument::Searchable, Sql::String) => true,
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
        (Argument::Text, _) => ": write `.to_string()`",
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

/// The name the first argument's type chooses, for [`super::Slot::Name`].
pub const fn ksql_name(function: Function, first: Sql) -> &'static str {
    match (function, first) {
        (Function::Contains, Sql::Array(_)) => "ARRAY_CONTAINS",
        (Function::Contains, _) => "INSTR",
        (Function::Len | Function::IsEmpty, Sql::Array(_)) => "ARRAY_LENGTH",
        (Function::Len | Function::IsEmpty, _) => "LEN",
        (Function::Format | Function::Hour | Function::Minute | Function::Second, Sql::Time) => {
            "FORMAT_TIME"
        }
        (Function::Format, Sql::Date) => "FORMAT_DATE",
        (Function::Format | Function::Hour | Function::Minute | Function::Second, _) => {
            "FORMAT_TIMESTAMP"
        }
        _ => function.spec().ksql,
    }
}

/// What the first argument's type puts behind a call, for [`super::Slot::Tail`].
pub const fn ksql_tail(function: Function, first: Sql) -> &'static str {
    match (function, first) {
        (Function::Contains, Sql::Array(_)) => "",
        (Function::Contains, _) => " > 0",
        _ => "",
    }
}

/// The node of `array[index]`: NULL where there is no such element.
pub const fn element(array: Node, index: Node) -> Node {
    match (array.ty, index.ty) {
        (Sql::Array(elem), Sql::Integer | Sql::Bigint) if !elem.ty().is_unknown() => {
            Node::new(elem.ty(), array.why.or(index.why).or(Why::Element))
        }
        _ => Node::UNKNOWN,
    }
}

/// The node of `map[key]`: NULL where there is no such key.
pub const fn entry(map: Node, key: Node) -> Node {
    match (map.ty, key.ty) {
        (Sql::Map(elem), Sql::String) if !elem.ty().is_unknown() => {
            Node::new(elem.ty(), map.why.or(key.why).or(Why::Element))
        }
        _ => Node::UNKNOWN,
    }
}
