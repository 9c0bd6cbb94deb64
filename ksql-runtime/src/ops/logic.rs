//! `AND`, `OR`, `NOT` and conditions: two values and a failure, never three values.
//!
//! As Java's short-circuit operators: the right side is evaluated only where it decides, and a `NULL` that is evaluated
//! fails. A condition holds where it is true; a `WHERE` leaves a failed row out as it does a false one.

use super::{Any, Failed, Operand, Output};

#[inline]
fn truth(any: Any<'_>) -> Result<bool, Failed> {
    match any {
        Any::Boolean(value) => Ok(value),
        _ => Err(Failed),
    }
}

/// Whether a condition holds; a `NULL` or a failure fails. What `if` in a query asks, so that a failed condition is no `else`.
///
/// # Errors
/// Where the condition is neither true nor false.
#[inline]
pub fn condition<'a, A: Operand<'a>>(condition: A) -> Result<bool, Failed> {
    truth(condition.any())
}

/// Whether a row stays.
#[inline]
pub fn holds<'a, A: Operand<'a>>(condition: A) -> bool {
    truth(condition.any()) == Ok(true)
}

/// `a AND b`; the right side is evaluated where the left is true.
#[inline]
pub fn and<'a, T: Output<'a>, A: Operand<'a>, B: Operand<'a>>(
    left: A,
    right: impl FnOnce() -> B,
) -> T {
    T::from_any(match truth(left.any()) {
        Ok(true) => truth(right().any()).any(),
        other => other.any(),
    })
}

/// `a OR b`; the right side is evaluated where the left is false.
#[inline]
pub fn or<'a, T: Output<'a>, A: Operand<'a>, B: Operand<'a>>(
    left: A,
    right: impl FnOnce() -> B,
) -> T {
    T::from_any(match truth(left.any()) {
        Ok(false) => truth(right().any()).any(),
        other => other.any(),
    })
}

/// `NOT a`.
#[inline]
pub fn not<'a, T: Output<'a>, A: Operand<'a>>(value: A) -> T {
    T::from_any(truth(value.any()).map(|value| !value).any())
}

/// `a IS NULL`; a failure is not asked.
#[inline]
pub fn is_null<'a, T: Output<'a>, A: Operand<'a>>(value: A) -> T {
    T::from_any(match value.any() {
        Any::Failed => Any::Failed,
        any => Any::Boolean(any.is_null()),
    })
}

/// `a IS NOT NULL`.
#[inline]
pub fn is_not_null<'a, T: Output<'a>, A: Operand<'a>>(value: A) -> T {
    not(is_null::<Result<bool, Failed>, A>(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Truth = Result<bool, Failed>;

    const T: Option<bool> = Some(true);
    const F: Option<bool> = Some(false);
    const N: Option<bool> = None;

    #[test]
    fn a_null_that_is_evaluated_fails_and_one_that_is_not_does_not() {
        for (left, right, both, either) in [
            (T, T, Ok(true), Ok(true)),
            (T, F, Ok(false), Ok(true)),
            (F, T, Ok(false), Ok(true)),
            (F, F, Ok(false), Ok(false)),
            (F, N, Ok(false), Err(Failed)),
            (T, N, Err(Failed), Ok(true)),
            (N, T, Err(Failed), Err(Failed)),
            (N, F, Err(Failed), Err(Failed)),
        ] {
            assert_eq!(
                and::<Truth, _, _>(left, || right),
                both,
                "{left:?} and {right:?}"
            );
            assert_eq!(
                or::<Truth, _, _>(left, || right),
                either,
                "{left:?} or {right:?}"
            );
        }
        assert_eq!(not::<Truth, _>(N), Err(Failed));
        assert_eq!(not::<Truth, _>(F), Ok(true));
    }

    #[test]
    fn the_right_side_runs_only_where_it_decides() {
        let mut runs = 0;
        let _: Truth = and(F, || {
            runs += 1;
            T
        });
        let _: Truth = or(T, || {
            runs += 1;
            T
        });
        assert_eq!(runs, 0);
    }

    #[test]
    fn a_row_stays_only_where_the_condition_is_true() {
        assert!(holds(T));
        assert!(!holds(F));
        assert!(!holds(N));
        assert!(
            !holds(not::<Truth, _>(N)),
            "a failure turned round is no truth"
        );
        assert_eq!(condition(N), Err(Failed));
        assert_eq!(is_null::<Truth, _>(N), Ok(true));
        assert_eq!(is_not_null::<Truth, _>(N), Ok(false));
        assert_eq!(is_null::<Truth, _>(Any::Failed), Err(Failed));
    }
}
