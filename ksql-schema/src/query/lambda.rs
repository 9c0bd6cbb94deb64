//! Functions of each element: `TRANSFORM`, `FILTER`, `REDUCE`, and what their closures are given.
//!
//! A closure that fails for one element fails the whole call, and so does a condition that is NULL.

use super::node::{Elem, Node, Sql, Why};

/// An element of an array.
pub const fn element(of: Node) -> Node {
    match of.ty {
        Sql::Array(_) => of.element(),
        _ => Node::UNKNOWN,
    }
}

/// A key of a map.
pub const fn key(of: Node) -> Node {
    match of.ty {
        Sql::Map(_) => Node::new(Sql::String, Why::Never),
        _ => Node::UNKNOWN,
    }
}

/// A value of a map.
pub const fn value(of: Node) -> Node {
    match of.ty {
        Sql::Map(_) => of.element(),
        _ => Node::UNKNOWN,
    }
}

/// What a reduction has come to: never NULL, for one that begins with NULL does not begin, and one that comes to NULL fails.
pub const fn state(start: Node) -> Node {
    match start.ty {
        Sql::Null => Node::UNKNOWN,
        ty => Node::new(ty, Why::Never),
    }
}

/// The call, which is NULL where the collection is and fails where one of these does.
const fn made(ty: Sql, of: Node, bodies: &[Node], own: Why) -> Node {
    let mut failure = of.failure();
    let mut bodies = bodies;
    while let [body, rest @ ..] = bodies {
        bodies = rest;
        failure = failure.or(body.failure());
    }
    failure = failure.or(own);
    Node {
        fails: failure.is_nullable(),
        ..Node::new(ty, failure.or(of.why))
    }
}

/// The node of `array.transform(|x| body)`.
pub const fn transform(of: Node, body: Node) -> Node {
    match (of.ty, body.ty) {
        (_, Sql::Unknown | Sql::Null) => Node::UNKNOWN,
        (Sql::Array(_), ty) => {
            let elem = Elem::new(ty, body.nullable());
            if elem.ty().is_unknown() {
                return Node::UNKNOWN;
            }
            made(Sql::Array(elem), of, &[body], Why::Never)
        }
        _ => Node::UNKNOWN,
    }
}

/// The node of `map.transform(|k, v| (key, value))`. Two entries of one key and a value that is NULL fail in ksqlDB.
pub const fn transform_map(of: Node, key: Node, value: Node) -> Node {
    match (of.ty, key.ty, value.ty) {
        (_, _, Sql::Unknown | Sql::Null) => Node::UNKNOWN,
        (Sql::Map(_), Sql::String, ty) => {
            let elem = Elem::new(ty, false);
            if elem.ty().is_unknown() {
                return Node::UNKNOWN;
            }
            made(
                Sql::Map(elem),
                of,
                &[key, value],
                Why::Function("transform"),
            )
        }
        _ => Node::UNKNOWN,
    }
}

/// The node of `collection.filter(|x| condition)`. A map that keeps a value that is NULL fails in ksqlDB.
pub const fn filter(of: Node, condition: Node) -> Node {
    match (of.ty, condition.ty) {
        // A condition of unknown type is one beside a value from outside: what is kept has its type whatever it is.
        (Sql::Array(_) | Sql::Map(_), Sql::Boolean | Sql::Unknown) => {
            let condition = condition.failing();
            match of.ty {
                Sql::Map(elem) => {
                    let own = if elem.nullable() {
                        Why::Function("filter")
                    } else {
                        Why::Never
                    };
                    made(Sql::Map(Elem::new(elem.ty(), false)), of, &[condition], own)
                }
                ty => made(ty, of, &[condition], Why::Never),
            }
        }
        _ => Node::UNKNOWN,
    }
}

/// The node of `collection.reduce(start, |s, x| body)`: where there is no collection it is the start.
pub const fn reduce(of: Node, start: Node, body: Node) -> Node {
    match (of.ty, start.ty) {
        (_, Sql::Unknown | Sql::Null) => Node::UNKNOWN,
        (Sql::Array(_) | Sql::Map(_), ty) if ty.same(body.ty) && !body.is_unknown() => {
            // The state is the result, and what may be NULL in it may be so.
            let ty = super::case::loosest(ty, body.ty);
            let failure = of.failure().or(start.failure()).or(body.failure());
            Node {
                fails: failure.is_nullable(),
                ..Node::new(ty, failure.or(start.why))
            }
        }
        _ => Node::UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::arith::{Arith, arith};
    use crate::query::compare::{Compare, compare};
    use crate::query::literal::integer;
    use crate::query::words::sql_text;

    fn list(ty: Sql, nullable: bool) -> Node {
        Node::new(Sql::Array(Elem::new(ty, nullable)), Why::Never)
    }

    fn totals(nullable: bool) -> Node {
        Node::new(Sql::Map(Elem::new(Sql::Bigint, nullable)), Why::Never)
    }

    #[test]
    fn a_closure_is_given_what_the_collection_holds() {
        assert_eq!(element(list(Sql::Date, false)).ty, Sql::Date);
        assert!(element(list(Sql::Date, true)).nullable());
        assert_eq!(key(totals(false)).ty, Sql::String);
        assert_eq!(value(totals(true)).why, Why::Element);
        for wrong in [
            element(totals(false)),
            key(list(Sql::Date, false)),
            value(Node::BOOLEAN),
        ] {
            assert!(wrong.is_unknown());
        }
    }

    #[test]
    fn arithmetic_with_an_element_that_may_be_null_fails_the_whole() {
        let doubled = |of| {
            let body = arith(Arith::Multiply, element(of), integer(2));
            transform(of, body)
        };
        let sure = doubled(list(Sql::Bigint, false));
        assert_eq!(sql_text(sure.ty), "ARRAY<BIGINT>");
        assert!(!sure.nullable() && !sure.fails);
        let maybe = doubled(list(Sql::Bigint, true));
        assert!(maybe.fails && maybe.why == Why::Element);
    }

    #[test]
    fn a_filter_keeps_the_type_and_a_map_only_values() {
        let of = list(Sql::Bigint, true);
        let asked = compare(Compare::Greater, element(of), integer(2));
        assert_eq!(filter(of, asked).ty, of.ty);
        assert!(!filter(of, asked).nullable());
        let of = totals(true);
        let kept = filter(of, Node::BOOLEAN);
        assert!(kept.fails && !kept.element().nullable());
        assert!(filter(of, integer(1)).is_unknown());
    }

    #[test]
    fn a_reduction_is_its_start_where_there_is_nothing() {
        let of = Node::new(
            Sql::Array(Elem::new(Sql::Bigint, false)),
            Why::Column("Order", "sizes"),
        );
        let start = Node::new(Sql::Bigint, Why::Never);
        let body = arith(Arith::Add, state(start), element(of));
        assert_eq!(reduce(of, start, body), start);
        assert!(reduce(of, integer(0), body).is_unknown());
    }

    #[test]
    fn a_map_made_of_a_map_may_fail() {
        let of = totals(false);
        let made = transform_map(of, key(of), value(of));
        assert!(made.fails && made.why == Why::Function("transform"));
        assert!(transform_map(of, value(of), value(of)).is_unknown());
    }
}
