//! Tests of this module's rules.

use super::*;
use crate::query::check::tests::says;
use crate::query::compare::tests::kinds;
use crate::query::literal::{decimal, integer, null};
use crate::query::node::{Elem, Why};

fn node(ty: Sql) -> Node {
    Node::new(ty, Why::Never)
}

fn dec(precision: u32, scale: u32) -> Sql {
    Sql::Decimal { precision, scale }
}

#[test]
fn comparisons_say_how_to_convert() {
    let table = [
        (
            Compare::Greater,
            Sql::String,
            Sql::Integer,
            "ksqlDB cannot compare STRING with INTEGER: convert one side, for example .parse::<i64>() or .to_string()",
        ),
        (
            Compare::Equal,
            dec(18, 4),
            Sql::String,
            "ksqlDB cannot compare DECIMAL(18, 4) with STRING: convert one side, for example .parse::<Decimal<18, 4>>() or .to_string()",
        ),
        (
            Compare::Equal,
            Sql::Boolean,
            Sql::String,
            "ksqlDB cannot compare BOOLEAN with STRING: convert one side, for example .parse::<bool>() or .to_string()",
        ),
        (
            Compare::Equal,
            Sql::Date,
            Sql::Time,
            "ksqlDB cannot compare DATE with TIME: convert one side, for example .to_string()",
        ),
        (
            Compare::Equal,
            Sql::Bytes,
            Sql::Double,
            "ksqlDB cannot compare BYTES with DOUBLE: convert one side, for example .from_bytes(\"utf8\")",
        ),
        (
            Compare::Less,
            Sql::Boolean,
            Sql::Boolean,
            "`<` needs an order, which BOOLEAN has not: write `==` or `!=`",
        ),
        (
            Compare::Equal,
            Sql::Null,
            Sql::Integer,
            "ksqlDB cannot compare with NULL, for `==` of a NULL is always false: write `.is_none()` or `.is_some()`",
        ),
        (Compare::Equal, Sql::Integer, dec(9, 2), ""),
        (Compare::Less, Sql::Unknown, Sql::Boolean, ""),
    ];
    for (op, left, right, text) in table {
        says(text, || check_compare(op, node(left), node(right)));
    }
}

#[test]
fn arithmetic_names_both_types() {
    let table = [
        (
            Arith::Add,
            dec(18, 4),
            Sql::String,
            "`+` is for numbers, not for DECIMAL(18, 4) and STRING; to read a number, write `.parse::<i64>()`; to join texts, `.concat(..)` and `.to_string()`",
        ),
        (
            Arith::Add,
            Sql::String,
            Sql::String,
            "`+` is for numbers, not for STRING and STRING; to join texts, write `.concat(..)`",
        ),
        (
            Arith::Subtract,
            Sql::Timestamp,
            Sql::Bigint,
            "`-` is for numbers, not for TIMESTAMP and BIGINT; to move a time, write `.timestamp_add(..)` or `.timestamp_sub(..)`",
        ),
        (
            Arith::Multiply,
            Sql::Null,
            Sql::Bigint,
            "`*` is for numbers, not for NULL and BIGINT; a `None` in arithmetic makes everything NULL: leave it out",
        ),
        (
            Arith::Divide,
            Sql::Bigint,
            dec(38, 18),
            "`/` of BIGINT and DECIMAL(38, 18) is DECIMAL(76, 39)",
        ),
        (
            Arith::Divide,
            dec(38, 18),
            dec(38, 18),
            "`/` of DECIMAL(38, 18) and DECIMAL(38, 18) is DECIMAL(95, 57); at most 76 digits can be computed exactly: narrow an operand first, for example `(x as Decimal<9, 2>)`, or compute with `as f64`",
        ),
        (Arith::Divide, dec(18, 4), dec(18, 4), ""),
        (Arith::Add, Sql::Unknown, Sql::String, ""),
    ];
    for (op, left, right, text) in table {
        // Seventy-six digits are the most there are.
        let text = if text.ends_with("DECIMAL(76, 39)") {
            ""
        } else {
            text
        };
        says(text, || check_arith(op, node(left), node(right)));
    }
    says("`-` is for numbers, not for STRING", || {
        check_negate(node(Sql::String));
    });
    says("", || check_negate(node(dec(9, 2))));
}

#[test]
fn branches_say_which_conversion_makes_them_one() {
    let table = [
        (
            node(Sql::Integer),
            node(Sql::Bigint),
            "the branches of this `if` must have one SQL type, not INTEGER and BIGINT: ksqlDB widens nothing here; write `as i64`",
        ),
        (
            node(Sql::Bigint),
            node(dec(18, 4)),
            "the branches of this `if` must have one SQL type, not BIGINT and DECIMAL(18, 4): ksqlDB widens nothing here; write `as Decimal<23, 4>`",
        ),
        (
            integer(3),
            node(Sql::String),
            "the branches of this `if` must have one SQL type, not INTEGER and STRING: ksqlDB widens nothing here; write `.to_string()` on the other one",
        ),
        (
            node(Sql::Date),
            node(Sql::Bytes),
            "the branches of this `if` must have one SQL type, not DATE and BYTES: ksqlDB widens nothing here; write both alike",
        ),
        (integer(3), node(Sql::Bigint), ""),
        (decimal("1.5"), node(dec(18, 4)), ""),
        (null(), node(Sql::Bytes), ""),
        (
            null(),
            null(),
            "every branch of this `if` is `None`, which has no type: write `None` in its place",
        ),
        (Node::UNKNOWN, node(Sql::Bytes), ""),
    ];
    for (then, otherwise, text) in table {
        says(text, || check_case("if", then, otherwise));
    }
}

#[test]
fn conditions_are_boolean() {
    says(
        "`filter` needs a condition (BOOLEAN), not INTEGER: compare it, for example `.. > 0`",
        || check_condition("filter", node(Sql::Integer)),
    );
    says(
        "`if` needs a condition (BOOLEAN), not STRING: compare it, for example `.. == \"yes\"`, or write `.parse::<bool>()`",
        || check_condition("if", node(Sql::String)),
    );
    says(
        "`having` needs a condition (BOOLEAN), not DATE: compare it, or ask whether it `.is_some()`",
        || check_condition("having", node(Sql::Date)),
    );
    says("", || {
        check_condition("filter", Node::new(Sql::Boolean, Why::Cast));
    });
    says(
        "`&&` is for conditions (BOOLEAN), not for BOOLEAN and INTEGER: compare it, for example `.. > 0`",
        || check_logic("&&", Node::BOOLEAN, node(Sql::Integer)),
    );
    says(
        "`!` is for conditions (BOOLEAN), not for BIGINT: compare it, for example `.. > 0`",
        || {
            check_not(node(Sql::Bigint));
        },
    );
    says("", || check_logic("||", Node::BOOLEAN, Node::UNKNOWN));
}

#[test]
fn casts_say_what_to_write() {
    let table = [
        (
            Sql::Boolean,
            Sql::Integer,
            "ksqlDB cannot convert BOOLEAN to INTEGER: write `if x { 1 } else { 0 }`",
        ),
        (
            Sql::Bigint,
            Sql::Boolean,
            "ksqlDB cannot convert BIGINT to BOOLEAN: write `x != 0`",
        ),
        (
            Sql::Bytes,
            Sql::String,
            "ksqlDB cannot convert BYTES to STRING: write `.from_bytes(\"utf8\")`, `.from_bytes(\"hex\")` or `.from_bytes(\"base64\")`",
        ),
        (
            Sql::Timestamp,
            Sql::Bigint,
            "ksqlDB cannot convert TIMESTAMP to BIGINT: write `.unix_timestamp()`",
        ),
        (
            Sql::Integer,
            dec(4, 5),
            "there is no DECIMAL(4, 5): the precision counts all digits, 1 to 76, and the scale those after the point",
        ),
        (
            Sql::Array(Elem::new(Sql::Boolean, true)),
            Sql::Array(Elem::new(Sql::Bigint, true)),
            "ksqlDB cannot convert ARRAY<BOOLEAN> to ARRAY<BIGINT>",
        ),
        (Sql::String, Sql::Date, ""),
        (Sql::Unknown, Sql::Date, ""),
    ];
    for (from, to, text) in table {
        says(text, || check_cast(node(from), to));
    }
}

#[test]
fn lists_and_patterns_are_checked_one_by_one() {
    says(
        "an empty list holds nothing, and ksqlDB refuses it: write `false`",
        || check_in(node(Sql::String), &[]),
    );
    says(
        "ksqlDB cannot compare BIGINT with STRING: convert one side, for example .parse::<i64>() or .to_string()",
        || check_in(node(Sql::Bigint), &[integer(1), node(Sql::String)]),
    );
    says("`like` is for texts, not for BIGINT and STRING", || {
        check_like(node(Sql::Bigint), node(Sql::String));
    });
    says(
        "ksqlDB cannot compare BIGINT with DATE: convert one side, for example .to_string()",
        || check_between(node(Sql::Bigint), integer(1), node(Sql::Date)),
    );
}

/// A check speaks exactly where the node is poison and its operands are not.
#[test]
fn checks_and_nodes_agree() {
    use crate::query::check::tests::said;
    use crate::query::compare::tests::ALL;
    use crate::query::{arith, case, cast, compare};
    for left in kinds() {
        for right in kinds() {
            let (one, two) = (node(left), node(right));
            for op in ALL {
                let poison = compare::compare(op, one, two).is_unknown();
                assert_eq!(said(|| check_compare(op, one, two)).is_some(), poison);
            }
            for op in [Arith::Add, Arith::Multiply, Arith::Divide] {
                let poison = arith::arith(op, one, two).is_unknown();
                assert_eq!(said(|| check_arith(op, one, two)).is_some(), poison);
            }
            let poison = case::case(Node::BOOLEAN, one, two).is_unknown();
            assert_eq!(said(|| check_case("if", one, two)).is_some(), poison);
            let poison = cast::cast(one, right).is_unknown();
            assert_eq!(said(|| check_cast(one, right)).is_some(), poison);
        }
    }
}
