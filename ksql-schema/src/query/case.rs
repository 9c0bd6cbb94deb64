//! CASE: what `if` and `match` become. ksqlDB widens nothing here: the branches have one type, except that a bare number
//! literal takes the other side's (the CAST is written) and a NULL any.

use super::arith::{most, wider};
use super::literal::takes;
use super::node::{Bare, Elem, Node, Sql, Why};

/// The node of `if condition { then } else { otherwise }`; of an `else if`, `otherwise` is the node of the rest.
///
/// A condition that is NULL has no branch: the whole is NULL.
pub const fn case(condition: Node, then: Node, otherwise: Node) -> Node {
    if !matches!(condition.ty, Sql::Boolean) {
        return Node::UNKNOWN;
    }
    let Some(node) = unify(then, otherwise) else {
        return Node::UNKNOWN;
    };
    if matches!(node.ty, Sql::Null) {
        return Node::UNKNOWN;
    }
    if condition.fails {
        node.or_null(condition.why).failing()
    } else if condition.nullable() {
        node.or_null(Why::Case).failing()
    } else {
        node
    }
}

/// What two values are that stand for one another: the one type of both; nothing where they have none.
pub(crate) const fn unify(one: Node, two: Node) -> Option<Node> {
    if one.is_unknown() || two.is_unknown() {
        return Some(Node::UNKNOWN);
    }
    let why = one.failure().or(two.failure()).or(one.why).or(two.why);
    let fails = one.fails || two.fails;
    let both = match (one.bare, two.bare) {
        (Bare::Number(one), Bare::Number(two)) => Bare::Number(most(one, two)),
        (Bare::Text, Bare::Text) => Bare::Text,
        _ => Bare::No,
    };
    if matches!(one.ty, Sql::Null) {
        return Some(Node { why, fails, ..two });
    }
    if matches!(two.ty, Sql::Null) {
        return Some(Node { why, fails, ..one });
    }
    if one.ty.same(two.ty) {
        return Some(Node {
            ty: loosest(one.ty, two.ty),
            why,
            fails,
            bare: both,
            origin: common_origin(one, two),
        });
    }
    let ty = if takes(one, two.ty) {
        two.ty
    } else if takes(two, one.ty) {
        one.ty
    } else {
        match (one.bare, two.bare) {
            (Bare::Number(whole1), Bare::Number(whole2)) => {
                let (scale1, scale2) = (one.ty.scale(), two.ty.scale());
                wider((whole1 + scale1, scale1), (whole2 + scale2, scale2))
            }
            _ => return None,
        }
    };
    Some(Node {
        bare: both,
        fails,
        ..Node::new(ty, why)
    })
}

/// The one model type two values come out of, if they do. A literal may stand beside a text.
const fn common_origin(one: Node, two: Node) -> Option<&'static crate::types::Type<'static>> {
    match (one.origin, two.origin) {
        (Some(a), Some(b)) if crate::rules::consts::same(a, b) => Some(a),
        _ => None,
    }
}

/// Of two types that are one, that whose elements may be NULL.
pub(crate) const fn loosest(one: Sql, two: Sql) -> Sql {
    match (one, two) {
        (Sql::Array(one), Sql::Array(two)) => Sql::Array(loosest_elem(one, two)),
        (Sql::Map(one), Sql::Map(two)) => Sql::Map(loosest_elem(one, two)),
        _ => one,
    }
}

const fn loosest_elem(one: Elem, two: Elem) -> Elem {
    Elem::new(
        loosest(one.ty(), two.ty()),
        one.nullable() || two.nullable(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::column::{column, samples::COLUMNS};
    use crate::query::compare::tests::kinds;
    use crate::query::literal::{decimal, double, integer, null, string};
    use crate::query::words::sql_text;

    fn node(ty: Sql) -> Node {
        Node::new(ty, Why::Never)
    }

    #[test]
    fn branches_have_one_type_and_nothing_widens() {
        for one in kinds() {
            for two in kinds() {
                let node = case(Node::BOOLEAN, node(one), node(two));
                assert_eq!(!node.is_unknown(), one == two, "{one:?} {two:?}");
            }
        }
    }

    #[test]
    fn a_number_literal_takes_the_other_type_from_either_side() {
        let price = Sql::Decimal {
            precision: 18,
            scale: 4,
        };
        let table = [
            (integer(0), Sql::Bigint, Some(Sql::Bigint)),
            (integer(0), Sql::Double, Some(Sql::Double)),
            (integer(0), price, Some(price)),
            (decimal("1.50"), price, Some(price)),
            (decimal("1.50001"), price, None),
            (integer(3_000_000_000), Sql::Integer, None),
            (double(), price, None),
            (integer(0), Sql::String, None),
        ];
        for (literal, ty, expected) in table {
            let expected = expected.map_or(Node::UNKNOWN, node);
            assert_eq!(case(Node::BOOLEAN, literal, node(ty)), expected);
            assert_eq!(case(Node::BOOLEAN, node(ty), literal), expected);
        }
    }

    #[test]
    fn two_literals_stay_one() {
        let inner = case(Node::BOOLEAN, integer(2), integer(300));
        assert_eq!(inner, integer(300));
        let outer = case(Node::BOOLEAN, node(Sql::Bigint), inner);
        assert_eq!(outer, node(Sql::Bigint));
        let wide = case(Node::BOOLEAN, decimal("1.5"), decimal("10.125"));
        assert_eq!(sql_text(wide.ty), "DECIMAL(5, 3)");
        assert_eq!(
            sql_text(case(Node::BOOLEAN, integer(12), decimal("1.125")).ty),
            "DECIMAL(5, 3)"
        );
        assert_eq!(case(Node::BOOLEAN, string(), string()), string());
    }

    #[test]
    fn null_is_the_other_branch_made_nullable() {
        let one = case(Node::BOOLEAN, null(), node(Sql::Date));
        assert_eq!(one, Node::new(Sql::Date, Why::Null));
        assert_eq!(case(Node::BOOLEAN, node(Sql::Date), null()), one);
        assert!(case(Node::BOOLEAN, null(), null()).is_unknown());
    }

    #[test]
    fn a_condition_that_is_null_makes_null() {
        let maybe = Node::new(Sql::Boolean, Why::Column("Order", "flag"));
        assert_eq!(case(maybe, node(Sql::Date), node(Sql::Date)).why, Why::Case);
        assert!(case(node(Sql::Integer), node(Sql::Date), node(Sql::Date)).is_unknown());
    }

    #[test]
    fn what_comes_out_of_one_kind_of_column_still_does() {
        let uid = column(COLUMNS, "Order", crate::names::hash("uid"));
        let name = column(COLUMNS, "Order", crate::names::hash("name"));
        assert_eq!(case(Node::BOOLEAN, uid, uid).origin, uid.origin);
        assert_eq!(case(Node::BOOLEAN, uid, name).origin, None);
    }
}
