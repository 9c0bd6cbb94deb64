//! Arithmetic: the type of `+ - * / %` and of unary minus, which is how much of a decimal's result is exact.

use super::node::{Bare, Node, Sql, Why};

/// An operator between numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arith {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

impl Arith {
    /// The operator as Rust and KSQL write it.
    pub const fn symbol(self) -> &'static str {
        match self {
            Arith::Add => "+",
            Arith::Subtract => "-",
            Arith::Multiply => "*",
            Arith::Divide => "/",
            Arith::Remainder => "%",
        }
    }
}

/// The node of an operation; unknown where the operands are no numbers or the result has more digits than can be computed.
pub const fn arith(op: Arith, left: Node, right: Node) -> Node {
    let ty = arith_type(op, left.ty, right.ty);
    if ty.precision() > Sql::MOST_DIGITS {
        return Node::UNKNOWN;
    }
    let division = match (op, ty) {
        (Arith::Divide | Arith::Remainder, Sql::Integer | Sql::Bigint) => Why::Division,
        (Arith::Divide | Arith::Remainder, Sql::Decimal { .. }) => Why::DecimalDivision,
        // Doubles divided by zero are infinite or NaN.
        _ => Why::Never,
    };
    Node::new(ty, left.why.or(right.why).or(division)).failing()
}

/// The type of an operation, however many digits it has.
pub(crate) const fn arith_type(op: Arith, left: Sql, right: Sql) -> Sql {
    match (left, right) {
        (Sql::Integer, Sql::Integer) => Sql::Integer,
        (Sql::Integer | Sql::Bigint, Sql::Integer | Sql::Bigint) => Sql::Bigint,
        (Sql::Double, other) | (other, Sql::Double) if other.is_number() => Sql::Double,
        _ => match (left.digits(), right.digits()) {
            (Some(left), Some(right)) => decimal(op, left, right),
            _ => Sql::Unknown,
        },
    }
}

/// The result of two decimals, each (precision, scale).
const fn decimal(op: Arith, left: (u32, u32), right: (u32, u32)) -> Sql {
    let ((p1, s1), (p2, s2)) = (left, right);
    let (whole1, whole2) = (p1.saturating_sub(s1), p2.saturating_sub(s2));
    let (precision, scale) = match op {
        Arith::Add | Arith::Subtract => {
            let scale = most(s1, s2);
            (scale + most(whole1, whole2) + 1, scale)
        }
        Arith::Multiply => (p1 + p2 + 1, s1 + s2),
        Arith::Divide => {
            let scale = most(6, s1 + p2 + 1);
            (whole1 + s2 + scale, scale)
        }
        Arith::Remainder => {
            let scale = most(s1, s2);
            let whole = if whole1 < whole2 { whole1 } else { whole2 };
            (whole + scale, scale)
        }
    };
    Sql::Decimal { precision, scale }
}

/// The node of a unary minus: the number's own type. The negative of a literal is a literal.
pub const fn negate(of: Node) -> Node {
    if !of.ty.is_number() {
        return Node::UNKNOWN;
    }
    Node {
        bare: of.bare,
        ..of.plain()
    }
    .failing()
}

/// The smallest decimal that holds every value of two numbers that are no doubles: how GREATEST and LEAST widen.
pub(crate) const fn wider(left: (u32, u32), right: (u32, u32)) -> Sql {
    let ((p1, s1), (p2, s2)) = (left, right);
    let scale = most(s1, s2);
    Sql::Decimal {
        precision: most(p1.saturating_sub(s1), p2.saturating_sub(s2)) + scale,
        scale,
    }
}

pub(crate) const fn most(one: u32, two: u32) -> u32 {
    if one > two { one } else { two }
}

impl Node {
    /// A literal's node.
    pub(crate) const fn literal(ty: Sql, bare: Bare) -> Node {
        Node {
            bare,
            ..Node::new(ty, Why::Never)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::words::sql_text;

    const ALL: [Arith; 5] = [
        Arith::Add,
        Arith::Subtract,
        Arith::Multiply,
        Arith::Divide,
        Arith::Remainder,
    ];

    fn dec(precision: u32, scale: u32) -> Sql {
        Sql::Decimal { precision, scale }
    }

    fn node(ty: Sql) -> Node {
        Node::new(ty, Why::Never)
    }

    #[test]
    fn results_are_those_of_the_table() {
        use Arith::*;
        let table = [
            (Sql::Integer, Add, Sql::Integer, "INTEGER"),
            (Sql::Integer, Multiply, Sql::Bigint, "BIGINT"),
            (Sql::Bigint, Divide, Sql::Bigint, "BIGINT"),
            (Sql::Integer, Remainder, Sql::Integer, "INTEGER"),
            (Sql::Integer, Add, Sql::Double, "DOUBLE"),
            (Sql::Double, Divide, dec(18, 4), "DOUBLE"),
            (Sql::Double, Subtract, Sql::Double, "DOUBLE"),
            (dec(4, 2), Add, dec(4, 2), "DECIMAL(5, 2)"),
            (dec(18, 4), Add, dec(9, 2), "DECIMAL(19, 4)"),
            (dec(18, 4), Subtract, Sql::Integer, "DECIMAL(19, 4)"),
            (dec(18, 4), Subtract, Sql::Bigint, "DECIMAL(24, 4)"),
            (dec(18, 4), Multiply, dec(18, 4), "DECIMAL(37, 8)"),
            (dec(18, 4), Multiply, Sql::Integer, "DECIMAL(29, 4)"),
            (dec(4, 2), Divide, dec(3, 2), "DECIMAL(10, 6)"),
            (Sql::Bigint, Divide, dec(18, 4), "DECIMAL(42, 19)"),
            (dec(18, 4), Divide, dec(18, 4), "DECIMAL(41, 23)"),
            (dec(18, 4), Divide, Sql::Bigint, "DECIMAL(38, 24)"),
            (dec(18, 4), Remainder, dec(9, 2), "DECIMAL(11, 4)"),
            (dec(4, 2), Remainder, Sql::Integer, "DECIMAL(4, 2)"),
        ];
        for (left, op, right, expected) in table {
            let result = arith(op, node(left), node(right));
            assert_eq!(sql_text(result.ty), expected, "{left:?} {op:?} {right:?}");
        }
    }

    #[test]
    fn what_is_no_number_or_too_long_is_poison() {
        for op in ALL {
            for wrong in [
                Sql::String,
                Sql::Null,
                Sql::Unknown,
                Sql::Boolean,
                Sql::Timestamp,
            ] {
                for right in [Sql::Integer, Sql::Double, dec(4, 2), wrong] {
                    assert!(arith(op, node(wrong), node(right)).is_unknown());
                    assert!(arith(op, node(right), node(wrong)).is_unknown());
                }
            }
        }
        assert!(arith(Arith::Multiply, node(dec(38, 4)), node(dec(38, 4))).is_unknown());
        assert_eq!(
            arith(Arith::Multiply, node(dec(38, 4)), node(dec(37, 4))).precision(),
            76
        );
    }

    #[test]
    fn only_division_makes_null_and_what_was_null_stays_it() {
        for op in ALL {
            let divides = matches!(op, Arith::Divide | Arith::Remainder);
            for (ty, why) in [
                (Sql::Integer, Why::Division),
                (Sql::Bigint, Why::Division),
                (dec(9, 2), Why::DecimalDivision),
            ] {
                let expected = if divides { why } else { Why::Never };
                assert_eq!(arith(op, node(ty), node(ty)).why, expected);
            }
            assert_eq!(
                arith(op, node(Sql::Double), node(Sql::Double)).why,
                Why::Never
            );
            let null = Node::new(Sql::Integer, Why::Column("Order", "n"));
            assert_eq!(
                arith(op, null, node(Sql::Integer)).why,
                Why::Column("Order", "n")
            );
            assert_eq!(
                arith(op, node(Sql::Integer), null).why,
                Why::Column("Order", "n")
            );
        }
    }

    /// The largest value of a type is the witness: the digits of a result are enough for it.
    #[test]
    fn the_digits_of_a_result_bound_its_value() {
        let largest = |ty: Sql| 10_i128.pow(ty.precision()) - 1;
        for p1 in 1..=9 {
            for s1 in 0..=p1 {
                for p2 in 1..=9 {
                    for s2 in 0..=p2 {
                        let (left, right) = (dec(p1, s1), dec(p2, s2));
                        for op in [Arith::Add, Arith::Subtract] {
                            let result = arith_type(op, left, right);
                            let scale = result.scale();
                            let sum = largest(left) * 10_i128.pow(scale - s1)
                                + largest(right) * 10_i128.pow(scale - s2);
                            assert!(sum <= largest(result), "{left:?} {op:?} {right:?}");
                        }
                        let product = arith_type(Arith::Multiply, left, right);
                        assert_eq!(product.scale(), s1 + s2);
                        assert!(largest(left) * largest(right) <= largest(product));
                        // The largest quotient is the largest dividend over the smallest divisor.
                        let quotient = arith_type(Arith::Divide, left, right);
                        let value = largest(left) * 10_i128.pow(quotient.scale() + s2 - s1);
                        assert!(value <= largest(quotient), "{left:?} / {right:?}");
                        let rest = arith_type(Arith::Remainder, left, right);
                        let scale = rest.scale();
                        let bound = (largest(left) * 10_i128.pow(scale - s1))
                            .min(largest(right) * 10_i128.pow(scale - s2));
                        assert!(bound <= largest(rest), "{left:?} % {right:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn addition_and_multiplication_do_not_ask_for_the_order() {
        let types = [
            Sql::Integer,
            Sql::Bigint,
            Sql::Double,
            dec(9, 2),
            dec(38, 10),
            Sql::String,
        ];
        for left in types {
            for right in types {
                for op in [
                    Arith::Add,
                    Arith::Subtract,
                    Arith::Multiply,
                    Arith::Remainder,
                ] {
                    assert_eq!(arith_type(op, left, right), arith_type(op, right, left));
                }
            }
        }
    }

    #[test]
    fn minus_keeps_the_type() {
        let bare = Node::literal(Sql::Integer, Bare::Number(1));
        assert_eq!(negate(bare), bare);
        assert!(negate(node(Sql::String)).is_unknown());
        assert_eq!(
            negate(node(dec(9, 2)).or_null(Why::Cast)),
            Node::new(dec(9, 2), Why::Cast).failing()
        );
    }
}
