//! Arrays, maps and structs that a query makes: `ARRAY[..]`, `MAP(..)`, `STRUCT(..)`.
//!
//! The values of an array or a map have one type: numbers widen, a bare number takes that of the others, a NULL any. What fails
//! inside is a NULL in its place, so that none of them is ever NULL or a failure itself.

use super::arith::wider;
use super::case::unify;
use super::node::{Elem, Node, Sql, Why};
use crate::types::Type;

/// What several values are together; nothing where they have no one type.
pub(crate) const fn together(values: &[Node]) -> Option<Node> {
    let [first, rest @ ..] = values else {
        return None;
    };
    let mut result = *first;
    let mut rest = rest;
    while let [value, more @ ..] = rest {
        rest = more;
        result = match unify(result, *value) {
            Some(node) => node,
            None => match widened(result.ty, value.ty) {
                Some(ty) => Node::new(ty, result.why.or(value.why)),
                None => return None,
            },
        };
    }
    Some(result)
}

/// The type two numbers widen to.
pub(crate) const fn widened(one: Sql, two: Sql) -> Option<Sql> {
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

const fn elements(values: &[Node]) -> Option<Elem> {
    match together(values) {
        Some(node) if !matches!(node.ty, Sql::Null | Sql::Unknown) => {
            let elem = Elem::new(node.ty, node.nullable());
            match elem.ty() {
                Sql::Unknown => None,
                _ => Some(elem),
            }
        }
        _ => None,
    }
}

/// The node of `[a, b]`.
pub const fn list(values: &[Node]) -> Node {
    match elements(values) {
        Some(elem) => Node::new(Sql::Array(elem), Why::Never),
        None => Node::UNKNOWN,
    }
}

/// The node of `HashMap::from([(key, value), ..])`, of its keys and its values.
pub const fn map(keys: &[Node], values: &[Node]) -> Node {
    let mut keys = keys;
    while let [key, rest @ ..] = keys {
        keys = rest;
        if !matches!(key.ty, Sql::String) || key.nullable() {
            return Node::UNKNOWN;
        }
    }
    match elements(values) {
        Some(elem) => Node::new(Sql::Map(elem), Why::Never),
        None => Node::UNKNOWN,
    }
}

/// The node of a struct's literal. Its fields are checked one by one, so that it has its type whatever stands in them.
pub const fn record(ty: &'static Type<'static>) -> Node {
    match ty {
        Type::Struct(_) => Node {
            origin: Some(ty),
            ..Node::new(Sql::of(ty), Why::Never)
        },
        _ => Node::UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::literal::{decimal, integer, null, string};
    use crate::query::words::sql_text;

    fn node(ty: Sql) -> Node {
        Node::new(ty, Why::Never)
    }

    #[test]
    fn elements_have_one_type_and_numbers_widen() {
        let table = [
            (vec![integer(1), node(Sql::Bigint)], "ARRAY<BIGINT>"),
            (vec![node(Sql::Integer), node(Sql::Bigint)], "ARRAY<BIGINT>"),
            (vec![node(Sql::Integer), node(Sql::Double)], "ARRAY<DOUBLE>"),
            (
                vec![decimal("1.50"), node(Sql::Integer)],
                "ARRAY<DECIMAL(12, 2)>",
            ),
            (vec![null(), string(), node(Sql::String)], "ARRAY<STRING>"),
            (
                vec![list(&[integer(1)]), list(&[node(Sql::Integer)])],
                "ARRAY<ARRAY<INTEGER>>",
            ),
        ];
        for (values, expected) in table {
            assert_eq!(sql_text(list(&values).ty), expected);
            assert!(!list(&values).nullable());
        }
        for values in [
            vec![],
            vec![null()],
            vec![integer(1), string()],
            vec![node(Sql::Date), node(Sql::Timestamp)],
        ] {
            assert!(list(&values).is_unknown(), "{values:?}");
        }
    }

    #[test]
    fn elements_may_be_null_where_one_may() {
        assert!(!list(&[integer(1)]).element().nullable());
        assert!(list(&[integer(1), null()]).element().nullable());
    }

    #[test]
    fn keys_of_a_map_are_texts_that_are_there() {
        let made = map(&[string()], &[integer(1)]);
        assert_eq!(sql_text(made.ty), "MAP<STRING, INTEGER>");
        assert!(map(&[integer(1)], &[integer(1)]).is_unknown());
        assert!(map(&[Node::new(Sql::String, Why::Null)], &[integer(1)]).is_unknown());
        assert!(map(&[string()], &[null()]).is_unknown());
    }
}
