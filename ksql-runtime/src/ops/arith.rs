//! `+ - * / %` and the signs: integers wrap, doubles are IEEE, decimals are exact or fail.
//!
//! A `NULL` operand fails: alone in a column that is `NULL`, but ksqlDB computes on unboxed numbers, so what stands around
//! it - `IS NULL`, `COALESCE` - does not get to see it.
//!
//! The result's type says how is computed: each operand is first widened to it. Division truncates, a remainder has the
//! dividend's sign. Division by zero fails for integers and decimals.

use super::decimal::{self, Op};
use super::{Any, Operand, Output, Shape};

#[inline(always)]
fn arith<'a>(op: Op, shape: Shape, left: Any<'_>, right: Any<'_>) -> Any<'a> {
    match shape {
        Shape::Integer => match (left, right) {
            (Any::Integer(left), Any::Integer(right)) => {
                let value = match op {
                    Op::Add => Some(left.wrapping_add(right)),
                    Op::Sub => Some(left.wrapping_sub(right)),
                    Op::Mul => Some(left.wrapping_mul(right)),
                    Op::Div => (right != 0).then(|| left.wrapping_div(right)),
                    Op::Rem => (right != 0).then(|| left.wrapping_rem(right)),
                };
                Any::or_failed(value, Any::Integer)
            }
            _ => Any::Failed,
        },
        Shape::Bigint => match (left.bigint(), right.bigint()) {
            (Some(left), Some(right)) => {
                let value = match op {
                    Op::Add => Some(left.wrapping_add(right)),
                    Op::Sub => Some(left.wrapping_sub(right)),
                    Op::Mul => Some(left.wrapping_mul(right)),
                    Op::Div => (right != 0).then(|| left.wrapping_div(right)),
                    Op::Rem => (right != 0).then(|| left.wrapping_rem(right)),
                };
                Any::or_failed(value, Any::Bigint)
            }
            _ => Any::Failed,
        },
        Shape::Double => match (left.double(), right.double()) {
            (Some(left), Some(right)) => Any::Double(match op {
                Op::Add => left + right,
                Op::Sub => left - right,
                Op::Mul => left * right,
                Op::Div => left / right,
                Op::Rem => left % right,
            }),
            _ => Any::Failed,
        },
        Shape::Decimal { precision, scale } => {
            decimal::arith(op, left, right, precision, scale).unwrap_or(Any::Failed)
        }
        _ => Any::Failed,
    }
}

macro_rules! operators {
    ($($(#[$doc:meta])* $name:ident: $op:ident;)*) => {$(
        $(#[$doc])*
        #[inline]
        pub fn $name<'a, T: Output<'a>, A: Operand<'a>, B: Operand<'a>>(left: A, right: B) -> T {
            T::from_any(arith(Op::$op, T::SHAPE, left.any(), right.any()))
        }
    )*};
}

operators! {
    /// `a + b`.
    add: Add;
    /// `a - b`.
    sub: Sub;
    /// `a * b`.
    mul: Mul;
    /// `a / b`.
    div: Div;
    /// `a % b`.
    rem: Rem;
}

/// `-a`: of the smallest integer that integer.
#[inline]
pub fn neg<'a, T: Output<'a>, A: Operand<'a>>(value: A) -> T {
    T::from_any(match value.any() {
        Any::Integer(value) => Any::Integer(value.wrapping_neg()),
        Any::Bigint(value) => Any::Bigint(value.wrapping_neg()),
        Any::Double(value) => Any::Double(-value),
        Any::Decimal(unscaled, scale) => Any::Decimal(-unscaled, scale),
        Any::Wide(unscaled, scale) => Any::Wide(-unscaled, scale),
        _ => Any::Failed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Dec;
    use crate::ops::{Failed, Wide};

    type Strict<T> = Result<T, Failed>;

    fn dec<const P: u32, const S: u32>(text: &str) -> Option<Dec<P, S>> {
        text.parse().ok()
    }

    #[test]
    fn integers_wrap_and_truncate() {
        assert_eq!(add::<i32, _, _>(i32::MAX, 1), i32::MIN);
        assert_eq!(mul::<i64, _, _>(i64::MAX, 2_i32), -2);
        assert_eq!(div::<Strict<i32>, _, _>(-7, 2), Ok(-3));
        assert_eq!(rem::<Strict<i32>, _, _>(-7, 2), Ok(-1));
        assert_eq!(div::<Strict<i32>, _, _>(i32::MIN, -1), Ok(i32::MIN));
        assert_eq!(rem::<Strict<i64>, _, _>(i64::MIN, -1), Ok(0));
        assert_eq!(div::<Strict<i32>, _, _>(1, 0), Err(Failed));
        assert_eq!(neg::<Strict<i32>, _>(i32::MIN), Ok(i32::MIN));
    }

    #[test]
    fn doubles_are_ieee_and_take_the_other_side_along() {
        assert_eq!(div::<f64, _, _>(1, 0.0), f64::INFINITY);
        assert!(div::<f64, _, _>(0.0, 0.0).is_nan());
        assert_eq!(rem::<f64, _, _>(-7.5, 2), -1.5);
        assert_eq!(
            mul::<Option<f64>, _, _>(dec::<5, 2>("0.10"), 3.0),
            Some(0.30000000000000004)
        );
    }

    #[test]
    fn a_null_operand_fails_which_alone_is_null() {
        assert_eq!(
            add::<Strict<Option<i32>>, _, _>(None::<i32>, 1),
            Err(Failed)
        );
        assert_eq!(add::<Option<i32>, _, _>(None::<i32>, 1), None);
        assert_eq!(neg::<Strict<Option<i32>>, _>(None::<i32>), Err(Failed));
    }

    #[test]
    fn decimal_sums_and_products_have_the_scale_of_the_rules() {
        assert_eq!(
            add::<Strict<Dec<7, 3>>, _, _>(dec::<5, 2>("10.12"), dec::<6, 3>("-0.125")).ok(),
            dec("9.995")
        );
        assert_eq!(
            sub::<Strict<Dec<13, 2>>, _, _>(7, dec::<5, 2>("0.01")).ok(),
            dec("6.99")
        );
        assert_eq!(
            mul::<Strict<Dec<11, 4>>, _, _>(dec::<5, 2>("1.50"), dec::<5, 2>("-2.25")).ok(),
            dec("-3.3750")
        );
        assert_eq!(
            neg::<Strict<Dec<5, 2>>, _>(dec::<5, 2>("1.50")).ok(),
            dec("-1.50")
        );
    }

    #[test]
    fn decimal_quotients_are_exact_or_fail() {
        type Quotient = Dec<13, 7>;
        let divide =
            |left, right| div::<Strict<Quotient>, _, _>(dec::<4, 2>(left), dec::<4, 2>(right));
        assert_eq!(divide("10.10", "2.00").ok(), dec("5.0500000"));
        assert_eq!(divide("10.10", "3.00"), Err(Failed));
        assert_eq!(divide("10.10", "0.00"), Err(Failed));
        assert_eq!(divide("-0.01", "0.08").ok(), dec("-0.1250000"));
    }

    #[test]
    fn decimal_remainders_have_the_dividends_sign() {
        let remainder =
            |left, right| rem::<Strict<Dec<4, 2>>, _, _>(dec::<4, 2>(left), dec::<4, 2>(right));
        assert_eq!(remainder("-7.50", "2.00").ok(), dec("-1.50"));
        assert_eq!(remainder("7.50", "-2.00").ok(), dec("1.50"));
        assert_eq!(remainder("7.50", "0.00"), Err(Failed));
        // The whole quotient 12345 has more than the 3 digits of the result, and they are no zeros: Java refuses.
        assert_eq!(
            rem::<Strict<Dec<3, 2>>, _, _>(dec::<7, 2>("12345.00"), dec::<3, 2>("1.00")),
            Err(Failed)
        );
        assert_eq!(
            rem::<Strict<Dec<3, 2>>, _, _>(dec::<7, 2>("12300.00"), dec::<3, 2>("1.00")).ok(),
            dec("0.00")
        );
    }

    #[test]
    fn what_needs_more_than_38_digits_is_computed_in_256_bits() {
        type Ratio = Wide<41, 23>;
        let ratio =
            div::<Strict<Ratio>, _, _>(dec::<18, 4>("99999999999999.9999"), dec::<18, 4>("0.0001"));
        let back = mul::<Strict<Wide<60, 27>>, _, _>(ratio, dec::<18, 4>("0.0001"));
        assert_eq!(
            back.map(|back| add::<Strict<Dec<38, 4>>, _, _>(back, 0))
                .ok(),
            Some(Ok(dec("99999999999999.9999").unwrap_or_default()))
        );
    }
}
