//! Literals as nodes: the type ksqlDB sees in their text.

use super::node::{Bare, Node, Sql, Why};

/// A whole number written without a suffix: INTEGER if it fits, else BIGINT. The smallest INTEGER is a BIGINT, for ksqlDB
/// reads the digits before the sign.
pub const fn integer(value: i64) -> Node {
    let magnitude = value.unsigned_abs();
    let ty = if magnitude <= i32::MAX as u64 {
        Sql::Integer
    } else {
        Sql::Bigint
    };
    let mut digits = 1;
    let mut rest = magnitude / 10;
    while rest > 0 {
        digits += 1;
        rest /= 10;
    }
    Node::literal(ty, Bare::Number(digits))
}

/// A decimal from its digits (`1.50`, a sign allowed): of as many digits as are written, leading zeros left out. Below 1
/// one digit before the point counts. Unknown where that is no decimal's text.
pub const fn decimal(digits: &str) -> Node {
    let mut bytes = match digits.as_bytes() {
        [b'-' | b'+', rest @ ..] => rest,
        bytes => bytes,
    };
    let (mut whole, mut scale) = (0, 0);
    let (mut point, mut any) = (false, false);
    while let [byte, rest @ ..] = bytes {
        bytes = rest;
        match *byte {
            b'_' => {}
            b'.' if !point => point = true,
            digit @ b'0'..=b'9' => {
                any = true;
                if point {
                    scale += 1;
                } else if whole > 0 || digit != b'0' {
                    whole += 1;
                }
            }
            _ => return Node::UNKNOWN,
        }
    }
    if whole == 0 {
        whole = 1;
    }
    if !any || whole + scale > Sql::MOST_DIGITS {
        return Node::UNKNOWN;
    }
    let ty = Sql::Decimal {
        precision: whole + scale,
        scale,
    };
    Node::literal(ty, Bare::Number(whole))
}

/// A double: what a bare `1.5` is. It takes no other type.
pub const fn double() -> Node {
    Node::new(Sql::Double, Why::Never)
}

/// A text.
pub const fn string() -> Node {
    Node::literal(Sql::String, Bare::Text)
}

/// `true` or `false`.
pub const fn boolean() -> Node {
    Node::BOOLEAN
}

/// `None`.
pub const fn null() -> Node {
    Node::new(Sql::Null, Why::Null)
}

/// A parameter of the query: its KSQL text states its type.
pub const fn parameter(ty: Sql, name: &'static str, optional: bool) -> Node {
    let why = if optional {
        Why::Parameter(name)
    } else {
        Why::Never
    };
    Node::new(ty, why)
}

/// Whether a literal can take a type without losing a digit: how it adapts to what stands beside it.
pub(crate) const fn takes(literal: Node, ty: Sql) -> bool {
    let Bare::Number(whole) = literal.bare else {
        return false;
    };
    match (literal.ty, ty) {
        (Sql::Integer, Sql::Integer | Sql::Bigint | Sql::Double) | (Sql::Bigint, Sql::Bigint) => {
            true
        }
        // Fifteen digits are exact in a double.
        (Sql::Bigint, Sql::Double) => whole <= 15,
        (_, Sql::Decimal { precision, scale }) => {
            literal.scale() <= scale && whole <= precision.saturating_sub(scale)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::words::sql_text;

    #[test]
    fn literals_have_the_type_of_their_text() {
        let integers = [
            (0, "INTEGER", 1),
            (42, "INTEGER", 2),
            (2_147_483_647, "INTEGER", 10),
            (-2_147_483_647, "INTEGER", 10),
            (-2_147_483_648, "BIGINT", 10),
            (3_000_000_000, "BIGINT", 10),
            (i64::MIN, "BIGINT", 19),
        ];
        for (value, ty, digits) in integers {
            let node = integer(value);
            assert_eq!(
                (sql_text(node.ty).as_str(), node.bare),
                (ty, Bare::Number(digits))
            );
        }
        let decimals = [
            ("1.50", "DECIMAL(3, 2)"),
            ("0.005", "DECIMAL(4, 3)"),
            (".8", "DECIMAL(2, 1)"),
            ("0.00", "DECIMAL(3, 2)"),
            ("-10.10", "DECIMAL(4, 2)"),
            ("007.5", "DECIMAL(2, 1)"),
            ("10", "DECIMAL(2, 0)"),
            ("1_000.25", "DECIMAL(6, 2)"),
        ];
        for (digits, ty) in decimals {
            assert_eq!(sql_text(decimal(digits).ty), ty, "{digits}");
        }
        for junk in ["", ".", "-", "1e5", "1.2.3", "x"] {
            assert!(decimal(junk).is_unknown(), "{junk}");
        }
        assert!(decimal(&"9".repeat(77)).is_unknown());
    }

    #[test]
    fn a_literal_takes_what_loses_no_digit() {
        let dec = |precision, scale| Sql::Decimal { precision, scale };
        let table = [
            (integer(5), Sql::Integer, true),
            (integer(5), Sql::Bigint, true),
            (integer(5), Sql::Double, true),
            (integer(5), dec(3, 2), true),
            (integer(15), dec(3, 2), false),
            (integer(5), Sql::String, false),
            (integer(3_000_000_000), Sql::Integer, false),
            (integer(3_000_000_000), Sql::Double, true),
            (integer(i64::MAX), Sql::Double, false),
            (decimal("1.50"), dec(18, 4), true),
            (decimal("1.50"), dec(18, 1), false),
            (decimal("1.50"), Sql::Double, false),
            (double(), dec(18, 4), false),
            (string(), Sql::String, false),
        ];
        for (literal, ty, expected) in table {
            assert_eq!(takes(literal, ty), expected, "{literal:?} {ty:?}");
        }
    }
}
