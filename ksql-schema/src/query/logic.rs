//! `AND`, `OR`, `NOT` and the tests for NULL.
//!
//! The operators stop as soon as the result is known; a NULL that is evaluated makes the whole expression NULL, and in a
//! filter leaves the row out.

use super::node::{Node, Sql};

/// The node of `AND` and of `OR`: NULL if an operand that was needed is.
pub const fn both(left: Node, right: Node) -> Node {
    match (left.ty, right.ty) {
        (Sql::Boolean, Sql::Boolean) => Node::new(Sql::Boolean, left.why.or(right.why)).failing(),
        _ => Node::UNKNOWN,
    }
}

/// The node of `NOT`.
pub const fn not(of: Node) -> Node {
    match of.ty {
        Sql::Boolean => of.plain().failing(),
        _ => Node::UNKNOWN,
    }
}

/// The node of `IS NULL` and of `IS NOT NULL`: of what fails they fail as well.
pub const fn is_null(of: Node) -> Node {
    match of.ty {
        Sql::Unknown => Node::UNKNOWN,
        _ => Node::new(Sql::Boolean, of.failure()).failing(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::node::Why;

    #[test]
    fn a_null_operand_makes_null_and_a_test_for_it_never() {
        let maybe = Node::new(Sql::Boolean, Why::Column("Order", "flag"));
        assert_eq!(both(Node::BOOLEAN, Node::BOOLEAN), Node::BOOLEAN);
        let failing = maybe.failing();
        assert_eq!(both(Node::BOOLEAN, maybe), failing);
        assert_eq!(both(maybe, Node::BOOLEAN), failing);
        assert_eq!(not(maybe), failing);
        assert_eq!(is_null(failing), failing, "what fails is not asked");
        assert_eq!(is_null(maybe), Node::BOOLEAN);
        assert_eq!(is_null(Node::new(Sql::Bytes, Why::Cast)), Node::BOOLEAN);
    }

    #[test]
    fn what_is_no_truth_is_poison() {
        let number = Node::new(Sql::Integer, Why::Never);
        assert!(both(number, Node::BOOLEAN).is_unknown());
        assert!(both(Node::BOOLEAN, Node::UNKNOWN).is_unknown());
        assert!(not(number).is_unknown());
        assert!(is_null(Node::UNKNOWN).is_unknown());
    }
}
