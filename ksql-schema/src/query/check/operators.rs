//! Checks of operators, conditions, branches and casts.

use super::{Part, refuse};
use crate::query::arith::{Arith, arith_type};
use crate::query::case::unify;
use crate::query::cast::{Cast, kind};
use crate::query::compare::{Comparable, Compare, comparable};
use crate::query::node::{Node, Sql, Why};
use Part::{Rust, Text, Type};

/// Refuses operands of arithmetic that are no numbers, and a result with more digits than can be computed.
#[track_caller]
pub const fn check_arith(op: Arith, left: Node, right: Node) {
    if left.is_unknown() || right.is_unknown() {
        return;
    }
    let ty = arith_type(op, left.ty, right.ty);
    if ty.is_unknown() {
        let help = match (left.ty, right.ty) {
            (Sql::Null, _) | (_, Sql::Null) => {
                "; a `None` in arithmetic makes everything NULL: leave it out"
            }
            (Sql::String, Sql::String) if matches!(op, Arith::Add) => {
                "; to join texts, write `.concat(..)`"
            }
            (Sql::Timestamp, _) | (_, Sql::Timestamp) => {
                "; to move a time, write `.timestamp_add(..)` or `.timestamp_sub(..)`"
            }
            (Sql::Date, _) | (_, Sql::Date) => {
                "; to move a date, write `.date_add(..)` or `.date_sub(..)`"
            }
            (Sql::Time, _) | (_, Sql::Time) => {
                "; to move a time of day, write `.time_add(..)` or `.time_sub(..)`"
            }
            (Sql::Boolean, _) | (_, Sql::Boolean) => "; write `if x { 1 } else { 0 }`",
            (Sql::String, _) | (_, Sql::String) if matches!(op, Arith::Add) => {
                "; to read a number, write `.parse::<i64>()`; to join texts, `.concat(..)` and `.to_string()`"
            }
            (Sql::String, _) | (_, Sql::String) => "; to read a number, write `.parse::<i64>()`",
            _ => "",
        };
        refuse(&[
            Text("`"),
            Text(op.symbol()),
            Text("` is for numbers, not for "),
            Type(left.ty),
            Text(" and "),
            Type(right.ty),
            Text(help),
        ]);
    }
    if ty.precision() > Sql::MOST_DIGITS {
        refuse(&[
            Text("`"),
            Text(op.symbol()),
            Text("` of "),
            Type(left.ty),
            Text(" and "),
            Type(right.ty),
            Text(" is "),
            Type(ty),
            Text("; at most "),
            Part::Number(Sql::MOST_DIGITS),
            Text(
                " digits can be computed exactly: narrow an operand first, for example `(x as Decimal<9, 2>)`, or compute with `as f64`",
            ),
        ]);
    }
}

/// Refuses the negative of what is no number.
#[track_caller]
pub const fn check_negate(of: Node) {
    if !of.is_unknown() && !of.ty.is_number() {
        refuse(&[Text("`-` is for numbers, not for "), Type(of.ty)]);
    }
}

/// Refuses a comparison that ksqlDB has not.
#[track_caller]
pub const fn check_compare(op: Compare, left: Node, right: Node) {
    match comparable(op, left.ty, right.ty) {
        Comparable::Yes => {}
        Comparable::Null => refuse(&[
            Text("ksqlDB cannot compare with NULL, for `"),
            Text(op.rust()),
            Text("` of a NULL is always false: write `.is_none()` or `.is_some()`"),
        ]),
        Comparable::Unordered => refuse(&[
            Text("`"),
            Text(op.rust()),
            Text("` needs an order, which "),
            Type(left.ty),
            Text(" has not: write `==` or `!=`"),
        ]),
        Comparable::No => refuse_comparison(left.ty, right.ty),
    }
}

#[track_caller]
const fn refuse_comparison(left: Sql, right: Sql) -> ! {
    let other = match (left, right) {
        (Sql::String, other) | (other, Sql::String) => other,
        _ => Sql::Unknown,
    };
    let (parse, ty, rest) = match other {
        Sql::Integer | Sql::Bigint => (".parse::<", Sql::Bigint, ">() or .to_string()"),
        Sql::Double | Sql::Decimal { .. } => (".parse::<", other, ">() or .to_string()"),
        Sql::Boolean => (".parse::<bool>() or .to_string()", Sql::Unknown, ""),
        Sql::Bytes => (
            ".to_bytes(\"utf8\") or .from_bytes(\"utf8\")",
            Sql::Unknown,
            "",
        ),
        _ if matches!(left, Sql::Bytes) || matches!(right, Sql::Bytes) => {
            (".from_bytes(\"utf8\")", Sql::Unknown, "")
        }
        _ => (".to_string()", Sql::Unknown, ""),
    };
    refuse(&[
        Text("ksqlDB cannot compare "),
        Type(left),
        Text(" with "),
        Type(right),
        Text(": convert one side, for example "),
        Text(parse),
        Rust(ty),
        Text(rest),
    ])
}

/// Refuses a literal text that is compared with a date, a time of day or a moment and is none. Whether it is one of each the
/// macro has read.
#[track_caller]
pub const fn check_moment(other: Node, date: bool, time: bool, timestamp: bool) {
    let (fits, what) = match other.ty {
        Sql::Date => (date, "a DATE: write it as `\"2024-05-01\"`"),
        Sql::Time => (time, "a TIME: write it as `\"10:30\"` or `\"10:30:00\"`"),
        Sql::Timestamp => (
            timestamp,
            "a TIMESTAMP: write it as `\"2024-05-01T10:30:00\"`, in UTC",
        ),
        _ => return,
    };
    if !fits {
        refuse(&[
            Text("what is compared here is "),
            Type(other.ty),
            Text(", and this text is not "),
            Text(what),
        ]);
    }
}

/// Refuses a pattern that asks for what a date or a time of day has not: a part of a date (`date`) or of a time (`time`).
#[track_caller]
pub const fn check_pattern(of: Node, date: bool, time: bool) {
    match of.ty {
        Sql::Date if time => refuse(&[Text(
            "a DATE has no time of day to write: leave out `HH`, `mm`, `ss`, or write `(.. as DateTime<Utc>)` before it",
        )]),
        Sql::Time if date => refuse(&[Text(
            "a TIME has no date to write: leave out `yyyy`, `MM`, `dd`",
        )]),
        _ => {}
    }
}

/// Refuses a `BETWEEN` whose ends do not compare with the value.
#[track_caller]
pub const fn check_between(value: Node, from: Node, to: Node) {
    check_compare(Compare::GreaterOrEqual, value, from);
    check_compare(Compare::LessOrEqual, value, to);
}

/// Refuses an `IN` whose list is empty or holds what does not compare with the value.
#[track_caller]
pub const fn check_in(value: Node, list: &[Node]) {
    if list.is_empty() {
        refuse(&[Text(
            "an empty list holds nothing, and ksqlDB refuses it: write `false`",
        )]);
    }
    let mut list = list;
    while let [one, rest @ ..] = list {
        list = rest;
        check_compare(Compare::Equal, value, *one);
        if !alike(value.ty, one.ty) {
            refuse(&[
                Text("what is looked for is "),
                Type(value.ty),
                Text(", and this list holds "),
                Type(one.ty),
                Text(": what is in them has one type"),
            ]);
        }
    }
}

/// Whether what is inside of two collections or structs is of one type, but for the widths of numbers.
const fn alike(one: Sql, two: Sql) -> bool {
    match (one, two) {
        (Sql::Array(one), Sql::Array(two)) | (Sql::Map(one), Sql::Map(two)) => {
            inside(one.ty(), two.ty())
        }
        (Sql::Struct(one), Sql::Struct(two)) => {
            let mut fields = one.fields;
            while let [field, rest @ ..] = fields {
                fields = rest;
                let mut others = two.fields;
                while let [other, rest @ ..] = others {
                    others = rest;
                    let (one, two) = (Sql::of(&field.ty), Sql::of(&other.ty));
                    if crate::names::hash(field.name) == crate::names::hash(other.name)
                        && !inside(one, two)
                    {
                        return false;
                    }
                }
            }
            true
        }
        // What a comparison takes.
        _ => true,
    }
}

const fn inside(one: Sql, two: Sql) -> bool {
    let nested = matches!(
        (one, two),
        (Sql::Array(_), Sql::Array(_))
            | (Sql::Map(_), Sql::Map(_))
            | (Sql::Struct(_), Sql::Struct(_))
    );
    one.same(two) || (one.is_number() && two.is_number()) || (nested && alike(one, two))
}

/// Refuses a `LIKE` on what is no text.
#[track_caller]
pub const fn check_like(text: Node, pattern: Node) {
    if text.is_unknown() || pattern.is_unknown() {
        return;
    }
    if !matches!((text.ty, pattern.ty), (Sql::String, Sql::String)) {
        refuse(&[
            Text("`like` is for texts, not for "),
            Type(text.ty),
            Text(" and "),
            Type(pattern.ty),
        ]);
    }
}

/// Refuses operands of `&&` and `||` that are no conditions.
#[track_caller]
pub const fn check_logic(op: &str, left: Node, right: Node) {
    if left.is_unknown() || right.is_unknown() {
        return;
    }
    if !matches!((left.ty, right.ty), (Sql::Boolean, Sql::Boolean)) {
        refuse(&[
            Text("`"),
            Text(op),
            Text("` is for conditions (BOOLEAN), not for "),
            Type(left.ty),
            Text(" and "),
            Type(right.ty),
            Text(compared(if matches!(left.ty, Sql::Boolean) {
                right
            } else {
                left
            })),
        ]);
    }
}

/// Refuses the negation of what is no condition.
#[track_caller]
pub const fn check_not(of: Node) {
    if !of.is_unknown() && !matches!(of.ty, Sql::Boolean) {
        refuse(&[
            Text("`!` is for conditions (BOOLEAN), not for "),
            Type(of.ty),
            Text(compared(of)),
        ]);
    }
}

/// Refuses a condition of `filter`, `having` or `if` that is none. One that may be NULL is fine: such a row is left out.
#[track_caller]
pub const fn check_condition(place: &str, of: Node) {
    if of.is_unknown() || matches!(of.ty, Sql::Boolean) {
        return;
    }
    refuse(&[
        Text("`"),
        Text(place),
        Text("` needs a condition (BOOLEAN), not "),
        Type(of.ty),
        Text(compared(of)),
    ]);
}

/// How a condition is made of what is none.
const fn compared(of: Node) -> &'static str {
    let ty = of.ty;
    if matches!(of.why, Why::Column(..)) {
        ": compare it, or ask whether it `.is_some()`"
    } else if ty.is_number() {
        ": compare it, for example `.. > 0`"
    } else if matches!(ty, Sql::String) {
        ": compare it, for example `.. == \"yes\"`, or write `.parse::<bool>()`"
    } else {
        ": compare it, or ask whether it `.is_some()`"
    }
}

/// Refuses branches of an `if` or a `match` (`word`) that have not one type.
#[track_caller]
pub const fn check_case(word: &str, then: Node, otherwise: Node) {
    if matches!((then.ty, otherwise.ty), (Sql::Null, Sql::Null)) {
        refuse(&[
            Text("every branch of this `"),
            Text(word),
            Text("` is `None`, which has no type: write `None` in its place"),
        ]);
    }
    if unify(then, otherwise).is_some() {
        return;
    }
    let (then, otherwise) = (then.ty, otherwise.ty);
    let (convert, ty, end) = conversion(then, otherwise);
    refuse(&[
        Text("the branches of this `"),
        Text(word),
        Text("` must have one SQL type, not "),
        Type(then),
        Text(" and "),
        Type(otherwise),
        Text(": ksqlDB widens nothing here; write "),
        Text(convert),
        Rust(ty),
        Text(end),
    ]);
}

/// What brings two types to one: words, a type behind `as`, words.
pub(crate) const fn conversion(one: Sql, two: Sql) -> (&'static str, Sql, &'static str) {
    if one.is_number() && two.is_number() {
        let ty = match (one, two) {
            (Sql::Double, _) | (_, Sql::Double) => Sql::Double,
            (Sql::Integer | Sql::Bigint, Sql::Integer | Sql::Bigint) => Sql::Bigint,
            _ => match (one.digits(), two.digits()) {
                (Some(one), Some(two)) => crate::query::arith::wider(one, two),
                _ => Sql::Double,
            },
        };
        return ("`as ", ty, "`");
    }
    if matches!(one, Sql::String) || matches!(two, Sql::String) {
        return ("`.to_string()` on the other one", Sql::Unknown, "");
    }
    ("both alike", Sql::Unknown, "")
}

/// Refuses a cast ksqlDB has not, and a decimal of an impossible size.
#[track_caller]
pub const fn check_cast(of: Node, to: Sql) {
    if let Sql::Decimal { precision, scale } = to
        && (precision < 1 || precision > Sql::MOST_DIGITS || scale > precision)
    {
        refuse(&[
            Text("there is no "),
            Type(to),
            Text(": the precision counts all digits, 1 to "),
            Part::Number(Sql::MOST_DIGITS),
            Text(", and the scale those after the point"),
        ]);
    }
    if !matches!(kind(of.ty, to), Cast::Refused) {
        if !crate::query::cast::sure(of.ty, to) {
            refuse(&[
                Text("a field of "),
                Type(to),
                Text(
                    " cannot be NULL, but after this conversion it can, for what is converted has none that is surely there and fits: make it an `Option`",
                ),
            ]);
        }
        return;
    }
    let help = match (of.ty, to) {
        (Sql::Boolean, to) if to.is_number() => ": write `if x { 1 } else { 0 }`",
        (from, Sql::Boolean) if from.is_number() => ": write `x != 0`",
        (Sql::Bytes, Sql::String) => {
            ": write `.from_bytes(\"utf8\")`, `.from_bytes(\"hex\")` or `.from_bytes(\"base64\")`"
        }
        (Sql::Date, Sql::Time) => ": a date has no time of day",
        (Sql::Timestamp, to) if to.is_number() => ": write `.unix_timestamp()`",
        (from, Sql::Timestamp) if from.is_number() => ": write `.from_unixtime()`",
        _ => "",
    };
    refuse(&[
        Text("ksqlDB cannot convert "),
        Type(of.ty),
        Text(" to "),
        Type(to),
        Text(help),
    ]);
}

#[cfg(test)]
mod tests;
