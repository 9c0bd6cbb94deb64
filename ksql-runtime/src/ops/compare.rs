//! Comparisons: two-valued. With a `NULL` on either side they are false, `<>` too; `IS DISTINCT FROM` alone is null-safe.
//!
//! Numbers by value, decimals exactly; texts by UTF-16 units; bytes signed; a date or time with a text after reading the text,
//! which fails where it cannot be read. Doubles as Java's operators: NaN is neither equal nor unequal to anything.

use std::cmp::Ordering;

use super::decimal::{self, Digits};
use super::{Any, Failed, Operand, Output, Scratch, instant, string};

/// What two values are to each other: nothing where one is NaN.
type Order = Result<Option<Ordering>, Failed>;

/// Two values that are there. Inlined, so that only the pair of types in question is left.
#[inline(always)]
pub(crate) fn order(left: Any<'_>, right: Any<'_>) -> Order {
    use Any::{
        Bigint, Boolean, Bytes, Date, Decimal, Double, Integer, String, Time, Timestamp, Uuid, Wide,
    };
    let order = match (left, right) {
        (Integer(left), Integer(right)) => left.cmp(&right),
        (Integer(_) | Bigint(_), Integer(_) | Bigint(_)) => left.bigint().cmp(&right.bigint()),
        (Decimal(..) | Wide(..), Double(double)) => {
            return decimal_with_double(left, double).map(|order| Some(order.reverse()));
        }
        (Double(double), Decimal(..) | Wide(..)) => {
            return decimal_with_double(right, double).map(Some);
        }
        (Decimal(..) | Wide(..), _) | (_, Decimal(..) | Wide(..)) => {
            decimal::compare(left, right).ok_or(Failed)?
        }
        (Double(_), Integer(_) | Bigint(_) | Double(_)) | (Integer(_) | Bigint(_), Double(_)) => {
            return Ok(left.double().partial_cmp(&right.double()));
        }
        (String(left), String(right)) => string::compare(left, right),
        (Uuid(left), Uuid(right)) => left.cmp(&right),
        (Uuid(left), String(right)) => {
            string::compare(left.hyphenated().encode_lower(&mut [0; 36]), right)
        }
        (String(left), Uuid(right)) => {
            string::compare(left, right.hyphenated().encode_lower(&mut [0; 36]))
        }
        (Boolean(left), Boolean(right)) => left.cmp(&right),
        (Bytes(left), Bytes(right)) => signed(left, right),
        (Time(left), Time(right)) => left.cmp(&right),
        (Time(left), String(right)) => left.cmp(&instant::parse_time(right).ok_or(Failed)?),
        (String(left), Time(right)) => instant::parse_time(left).ok_or(Failed)?.cmp(&right),
        (Date(left), Date(right)) => left.cmp(&right),
        (Date(left), String(right)) => left.cmp(&instant::parse_date(right).ok_or(Failed)?),
        (String(left), Date(right)) => instant::parse_date(left).ok_or(Failed)?.cmp(&right),
        (Timestamp(_), Timestamp(_) | Date(_) | String(_))
        | (Date(_) | String(_), Timestamp(_)) => moment(left)?.cmp(&moment(right)?),
        _ => return Err(Failed),
    };
    Ok(Some(order))
}

/// A double and a decimal: the double counts as its shortest text says.
#[cold]
fn decimal_with_double(decimal: Any<'_>, double: f64) -> Result<Ordering, Failed> {
    let double = Digits::shortest(double).ok_or(Failed)?;
    let (unscaled, scale) = decimal.wide().ok_or(Failed)?;
    Ok(double.compare(unscaled, scale))
}

fn moment(any: Any<'_>) -> Result<i64, Failed> {
    match any {
        Any::Timestamp(millis) => Some(millis),
        Any::Date(days) => Some(i64::from(days) * instant::DAY),
        Any::String(text) => instant::parse_timestamp(text),
        _ => None,
    }
    .ok_or(Failed)
}

fn signed(left: &[u8], right: &[u8]) -> Ordering {
    let signed = |byte: &u8| *byte as i8;
    left.iter().map(signed).cmp(right.iter().map(signed))
}

/// Whether two values that may be lists are equal: as Java's `equals`, where decimals of different scale differ.
pub(crate) fn same(left: Any<'_>, right: Any<'_>) -> bool {
    alike(left, right, false)
}

/// The same; with `widened` numbers are made of one type first, as `IN` does with those in lists.
fn alike(left: Any<'_>, right: Any<'_>, widened: bool) -> bool {
    match (left, right) {
        (Any::Null, Any::Null) => true,
        (left, right) if widened && !is_nested(left) && !is_nested(right) => {
            order(left, right) == Ok(Some(Ordering::Equal))
        }
        (Any::Decimal(left, left_scale), Any::Decimal(right, right_scale)) => {
            left == right && left_scale == right_scale
        }
        (Any::Wide(left, left_scale), Any::Wide(right, right_scale)) => {
            left == right && left_scale == right_scale
        }
        (Any::Double(left), Any::Double(right)) => {
            super::double::total_order(left, right) == Ordering::Equal
        }
        (Any::Integer(left), Any::Integer(right)) => left == right,
        (Any::Bigint(left), Any::Bigint(right)) => left == right,
        (Any::List(left), Any::List(right)) => {
            let scratch = Scratch::new();
            let (left, right) = (left.items(&scratch), right.items(&scratch));
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| alike(*left, *right, widened))
        }
        (Any::Map(left), Any::Map(right)) => {
            let scratch = Scratch::new();
            fields(left.entries(&scratch), right.entries(&scratch), widened)
        }
        (Any::Struct(left), Any::Struct(right)) => fields(left, right, widened),
        (
            Any::Integer(_) | Any::Bigint(_) | Any::Double(_),
            Any::Integer(_) | Any::Bigint(_) | Any::Double(_),
        ) => false,
        (Any::Date(left), Any::Date(right)) => left == right,
        (Any::Timestamp(left), Any::Timestamp(right)) => left == right,
        (Any::Date(_) | Any::Timestamp(_) | Any::Time(_), Any::String(_))
        | (Any::String(_), Any::Date(_) | Any::Timestamp(_) | Any::Time(_)) => false,
        (left, right) => order(left, right) == Ok(Some(Ordering::Equal)),
    }
}

fn fields(left: &[(&str, Any<'_>)], right: &[(&str, Any<'_>)], widened: bool) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|((left_name, left), (right_name, right))| {
                left_name == right_name && alike(*left, *right, widened)
            })
}

fn is_nested(any: Any<'_>) -> bool {
    matches!(any, Any::List(_) | Any::Map(_) | Any::Struct(_))
}

/// Equal, unequal, or neither.
#[inline(always)]
fn equality(left: Any<'_>, right: Any<'_>) -> Result<Option<bool>, Failed> {
    match (left, right) {
        (Any::String(left), Any::String(right)) => Ok(Some(left == right)),
        (left, right) if is_nested(left) || is_nested(right) => Ok(Some(same(left, right))),
        (left, right) => Ok(order(left, right)?.map(Ordering::is_eq)),
    }
}

/// Runs a comparison of two values that are there; a `NULL` makes it false.
#[inline(always)]
fn compared<'a, 'b, T: Output<'a>>(
    left: Any<'b>,
    right: Any<'b>,
    compare: impl FnOnce(Any<'b>, Any<'b>) -> Result<bool, Failed>,
) -> T {
    T::from_any(match (left, right) {
        (Any::Failed, _) | (_, Any::Failed) => Any::Failed,
        (Any::Null, _) | (_, Any::Null) => Any::Boolean(false),
        (left, right) => compare(left, right).any(),
    })
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident: |$left:ident, $right:ident| $how:expr;)*) => {$(
        $(#[$doc])*
        #[inline]
        pub fn $name<'a, T: Output<'a>, A: Operand<'a>, B: Operand<'a>>(left: A, right: B) -> T {
            compared(left.any(), right.any(), |$left, $right| $how)
        }
    )*};
}

comparisons! {
    /// `a = b`.
    eq: |left, right| Ok(equality(left, right)? == Some(true));
    /// `a <> b`.
    ne: |left, right| Ok(equality(left, right)? == Some(false));
    /// `a < b`.
    lt: |left, right| Ok(order(left, right)? == Some(Ordering::Less));
    /// `a <= b`.
    le: |left, right| Ok(matches!(order(left, right)?, Some(Ordering::Less | Ordering::Equal)));
    /// `a > b`.
    gt: |left, right| Ok(order(left, right)? == Some(Ordering::Greater));
    /// `a >= b`.
    ge: |left, right| Ok(matches!(order(left, right)?, Some(Ordering::Greater | Ordering::Equal)));
}

/// `a IS DISTINCT FROM b`: two `NULL`s are not, one is.
#[inline]
pub fn distinct<'a, T: Output<'a>, A: Operand<'a>, B: Operand<'a>>(left: A, right: B) -> T {
    T::from_any(match (left.any(), right.any()) {
        (Any::Failed, _) | (_, Any::Failed) => Any::Failed,
        (Any::Null, Any::Null) => Any::Boolean(false),
        (Any::Null, _) | (_, Any::Null) => Any::Boolean(true),
        (left, right) => equality(left, right)
            .map(|equal| equal == Some(false))
            .any(),
    })
}

/// `a IS NOT DISTINCT FROM b`.
#[inline]
pub fn not_distinct<'a, T: Output<'a>, A: Operand<'a>, B: Operand<'a>>(left: A, right: B) -> T {
    super::logic::not(distinct::<Result<bool, Failed>, A, B>(left, right))
}

/// `a BETWEEN low AND high`: `a >= low AND a <= high`.
#[inline]
pub fn between<'a, T: Output<'a>, A: Operand<'a>, B: Operand<'a>, C: Operand<'a>>(
    value: A,
    low: B,
    high: C,
) -> T {
    super::logic::and(ge::<Result<bool, Failed>, A, B>(value, low), || {
        le::<Result<bool, Failed>, A, C>(value, high)
    })
}

/// `a IN (..)`: elements that are `NULL` are passed over, a `NULL` on the left matches nothing.
#[inline]
pub fn is_in<'a, T: Output<'a>, A: Operand<'a>>(value: A, list: &[Any<'a>]) -> T {
    let value = value.any();
    let mut found = match value {
        Any::Failed => Err(Failed),
        _ => Ok(false),
    };
    for item in list {
        match (found, value, *item) {
            (Ok(true) | Err(_), ..) => break,
            (_, _, Any::Failed) => found = Err(Failed),
            (_, Any::Null, _) | (_, _, Any::Null) => {}
            (_, value, item) if is_nested(value) => found = Ok(alike(value, item, true)),
            (_, value, item) => found = equality(value, item).map(|equal| equal == Some(true)),
        }
    }
    T::from_any(found.any())
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
