//! Comparisons: what compares with what. A NULL makes none of them NULL, for ksqlDB has no three-valued logic: a comparison
//! with a NULL is false, whatever the operator. Only what fails has no result.

use super::node::{Node, Sql, Why};

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `IS DISTINCT FROM`
    Distinct,
    /// `IS NOT DISTINCT FROM`
    NotDistinct,
}

impl Compare {
    /// The operator in Rust; the last two have none and are methods.
    pub const fn rust(self) -> &'static str {
        match self {
            Compare::Equal => "==",
            Compare::NotEqual => "!=",
            Compare::Less => "<",
            Compare::LessOrEqual => "<=",
            Compare::Greater => ">",
            Compare::GreaterOrEqual => ">=",
            Compare::Distinct => "is_distinct_from",
            Compare::NotDistinct => "is_not_distinct_from",
        }
    }

    /// The operator in KSQL.
    pub const fn ksql(self) -> &'static str {
        match self {
            Compare::Equal => "=",
            Compare::NotEqual => "<>",
            Compare::Less => "<",
            Compare::LessOrEqual => "<=",
            Compare::Greater => ">",
            Compare::GreaterOrEqual => ">=",
            Compare::Distinct => "IS DISTINCT FROM",
            Compare::NotDistinct => "IS NOT DISTINCT FROM",
        }
    }

    /// Whether it asks for an order.
    pub const fn orders(self) -> bool {
        matches!(
            self,
            Compare::Less | Compare::LessOrEqual | Compare::Greater | Compare::GreaterOrEqual
        )
    }
}

/// How two types stand to a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparable {
    /// They compare.
    Yes,
    /// One is a bare NULL.
    Null,
    /// They are equal or not, but have no order.
    Unordered,
    /// They do not compare.
    No,
}

pub(crate) const fn comparable(op: Compare, left: Sql, right: Sql) -> Comparable {
    match (left, right) {
        (Sql::Unknown, _) | (_, Sql::Unknown) => Comparable::Yes,
        (Sql::Null, _) | (_, Sql::Null) => Comparable::Null,
        (Sql::String | Sql::Date | Sql::Timestamp, Sql::String | Sql::Date | Sql::Timestamp)
        | (Sql::String | Sql::Time, Sql::String | Sql::Time)
        | (Sql::Bytes, Sql::Bytes) => Comparable::Yes,
        (Sql::Boolean, Sql::Boolean)
        | (Sql::Array(_), Sql::Array(_))
        | (Sql::Map(_), Sql::Map(_))
        | (Sql::Struct(_), Sql::Struct(_)) => {
            if op.orders() {
                Comparable::Unordered
            } else {
                Comparable::Yes
            }
        }
        (one, two) if one.is_number() && two.is_number() => Comparable::Yes,
        _ => Comparable::No,
    }
}

/// The node of a comparison.
pub const fn compare(op: Compare, left: Node, right: Node) -> Node {
    match comparable(op, left.ty, right.ty) {
        Comparable::Yes if !left.is_unknown() && !right.is_unknown() => {
            Node::new(Sql::Boolean, left.failure().or(right.failure())).failing()
        }
        _ => Node::UNKNOWN,
    }
}

/// The node of `BETWEEN`, both ends included: two comparisons.
pub const fn between(value: Node, from: Node, to: Node) -> Node {
    super::logic::both(
        compare(Compare::GreaterOrEqual, value, from),
        compare(Compare::LessOrEqual, value, to),
    )
}

/// The node of `IN`: NULL is in no list.
pub const fn is_in(value: Node, list: &[Node]) -> Node {
    if list.is_empty() {
        return Node::UNKNOWN;
    }
    let mut list = list;
    let mut why = Why::Never;
    while let [one, rest @ ..] = list {
        list = rest;
        let equal = compare(Compare::Equal, value, *one);
        if equal.is_unknown() {
            return Node::UNKNOWN;
        }
        why = why.or(equal.why);
    }
    Node::new(Sql::Boolean, why).failing()
}

/// The node of `LIKE`. On a NULL it fails, which is NULL where it stands.
pub const fn like(text: Node, pattern: Node) -> Node {
    match (text.ty, pattern.ty) {
        (Sql::String, Sql::String) => Node::new(Sql::Boolean, text.why.or(pattern.why)).failing(),
        _ => Node::UNKNOWN,
    }
}

impl Node {
    /// A truth that is never NULL.
    pub const BOOLEAN: Node = Node::new(Sql::Boolean, Why::Never);
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::query::column::samples::POINT;
    use crate::query::node::Elem;

    pub(crate) const ALL: [Compare; 8] = [
        Compare::Equal,
        Compare::NotEqual,
        Compare::Less,
        Compare::LessOrEqual,
        Compare::Greater,
        Compare::GreaterOrEqual,
        Compare::Distinct,
        Compare::NotDistinct,
    ];

    /// One type of each kind.
    pub(crate) fn kinds() -> [Sql; 13] {
        [
            Sql::Boolean,
            Sql::Integer,
            Sql::Bigint,
            Sql::Double,
            Sql::Decimal {
                precision: 9,
                scale: 2,
            },
            Sql::String,
            Sql::Bytes,
            Sql::Date,
            Sql::Time,
            Sql::Timestamp,
            Sql::Array(Elem::new(Sql::Bigint, true)),
            Sql::Map(Elem::new(Sql::Bigint, true)),
            Sql::Struct(&POINT),
        ]
    }

    #[test]
    fn what_compares_with_what_is_the_table() {
        // Rows and columns as in `kinds`: `a` all operators, `e` equality only, `-` none.
        let table = [
            "e------------",
            "-aaaa--------",
            "-aaaa--------",
            "-aaaa--------",
            "-aaaa--------",
            "-----a-aaa---",
            "------a------",
            "-----a-a-a---",
            "-----a--a----",
            "-----a-a-a---",
            "----------e--",
            "-----------e-",
            "------------e",
        ];
        for (left, row) in kinds().into_iter().zip(table) {
            for (right, cell) in kinds().into_iter().zip(row.chars()) {
                for op in ALL {
                    let expected = match cell {
                        'a' => true,
                        'e' => !op.orders(),
                        _ => false,
                    };
                    let node =
                        compare(op, Node::new(left, Why::Cast), Node::new(right, Why::Never));
                    assert_eq!(!node.is_unknown(), expected, "{left:?} {op:?} {right:?}");
                    assert!(!node.nullable(), "a comparison is never NULL");
                }
            }
        }
    }

    #[test]
    fn comparisons_are_symmetric() {
        for op in ALL {
            for left in kinds() {
                for right in kinds() {
                    assert_eq!(comparable(op, left, right), comparable(op, right, left));
                }
            }
        }
    }

    #[test]
    fn a_bare_null_compares_with_nothing() {
        for op in ALL {
            for other in kinds() {
                assert_eq!(comparable(op, Sql::Null, other), Comparable::Null);
            }
        }
    }

    #[test]
    fn between_in_and_like_are_typed() {
        let number = Node::new(Sql::Bigint, Why::Cast);
        let text = Node::new(Sql::String, Why::Cast);
        assert_eq!(between(number, number, number), Node::BOOLEAN);
        assert!(between(number, text, number).is_unknown());
        assert_eq!(is_in(text, &[text, text]), Node::BOOLEAN);
        assert!(is_in(text, &[text, number]).is_unknown());
        assert!(is_in(text, &[]).is_unknown());
        assert_eq!(
            like(text, text.not_null()),
            Node::new(Sql::Boolean, Why::Cast).failing()
        );
        assert!(like(number, text).is_unknown());
    }

    #[test]
    fn what_fails_has_no_comparison() {
        let failing = Node::new(Sql::Bigint, Why::Division).failing();
        let number = Node::new(Sql::Bigint, Why::Cast);
        let none = Node::new(Sql::Boolean, Why::Division).failing();
        assert_eq!(compare(Compare::Equal, number, failing), none);
        assert_eq!(compare(Compare::NotDistinct, failing, number), none);
        assert_eq!(between(number, number, failing), none);
        assert_eq!(is_in(number, &[number, failing]), none);
    }
}
