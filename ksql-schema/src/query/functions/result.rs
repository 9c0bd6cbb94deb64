//! What a call gives.

use super::check::{Wrong, entry_of, wrong};
use super::{Argument, Function, Gives, Nulls};
use crate::query::case::unify;
use crate::query::collection::widened;
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
        Gives::ListOfFirst => Sql::Array(Elem::new(first.ty, false)),
        Gives::Entries => match first.ty {
            Sql::Map(elem) => match entry_of(elem) {
                Some(entry) => Sql::Array(Elem::new(Sql::Struct(entry), false)),
                None => Sql::Unknown,
            },
            _ => Sql::Unknown,
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
pub(super) const fn common(function: Function, arguments: &[Node]) -> Option<Node> {
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
                (Some(Argument::SameWhole), [first, ..]) if takes(*argument, first.ty) => first.ty,
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
pub(super) const fn kind(function: Function, index: usize) -> Option<Argument> {
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

/// The node of `array.explode()`: a row of its own for each element. `padded` if others stand beside it, the longest of which
/// says how many rows there are.
pub const fn explode(array: Node, cube: bool, padded: bool) -> Node {
    let ty = match array.ty {
        // Of `cube_explode` each combination is an array, with a NULL for what is not in it.
        Sql::Array(elem) if cube => Sql::Array(Elem::new(elem.ty(), true)),
        Sql::Array(elem) => elem.ty(),
        _ => return Node::UNKNOWN,
    };
    let own = if padded { Why::Padded } else { Why::Never };
    match (array.ty, cube) {
        (Sql::Array(elem), false) if elem.nullable() => Node::new(ty, Why::Element),
        _ => Node::new(ty, own),
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
