//! Both widths against each other and against the rules.

use proptest::prelude::*;

use super::*;

/// A decimal of a type: precision, scale, value.
fn decimal(most: u32) -> impl Strategy<Value = (u32, u32, i128)> {
    (1..=most).prop_flat_map(|precision| {
        (0..=precision).prop_flat_map(move |scale| {
            let limit = power(precision).unwrap_or(i128::MAX);
            (Just(precision), Just(scale), (1 - limit)..limit)
        })
    })
}

/// The rules for results.
fn shape(op: Op, (p1, s1): (u32, u32), (p2, s2): (u32, u32)) -> (u32, u32) {
    match op {
        Op::Add | Op::Sub => (s1.max(s2) + (p1 - s1).max(p2 - s2) + 1, s1.max(s2)),
        Op::Mul => (p1 + p2 + 1, s1 + s2),
        Op::Div => {
            let scale = 6.max(s1 + p2 + 1);
            (p1 - s1 + s2 + scale, scale)
        }
        Op::Rem => ((p1 - s1).min(p2 - s2) + s1.max(s2), s1.max(s2)),
    }
}

fn value(any: Option<Any<'_>>) -> Option<I256> {
    any.and_then(Any::wide).map(|(unscaled, _)| unscaled)
}

proptest! {
    #[test]
    fn both_widths_agree_and_sums_and_products_never_fail(
        (p1, s1, left) in decimal(19),
        (p2, s2, right) in decimal(19),
        op in prop_oneof![Just(Op::Add), Just(Op::Sub), Just(Op::Mul), Just(Op::Div), Just(Op::Rem)],
    ) {
        let (precision, scale) = shape(op, (p1, s1), (p2, s2));
        let (a, b) = (Any::Decimal(left, s1), Any::Decimal(right, s2));
        let narrow = value(arith(op, a, b, precision, scale));
        prop_assert_eq!(narrow, value(wide(op, (left.into(), s1), (right.into(), s2), precision, scale)));
        if matches!(op, Op::Add | Op::Sub | Op::Mul) {
            prop_assert!(narrow.is_some());
        }
        if let (Op::Div, Some(quotient)) = (op, narrow) {
            // Exact: the quotient times the divisor is the dividend.
            let back = (quotient * I256::from(right), scale + s2);
            prop_assert_eq!(rescale_wide(back.0, back.1, s1), Some(left.into()));
        }
        if let (Op::Rem, Some(rest)) = (op, narrow) {
            let unit = rescale_wide(right.into(), s2, scale).map(I256::abs);
            prop_assert!(unit.is_some_and(|unit| rest.abs() < unit));
            prop_assert!(rest == 0 || (rest > 0) == (left > 0));
        }
    }

    #[test]
    fn order_is_that_of_cross_multiplied_numbers((_, s1, left) in decimal(37), (_, s2, right) in decimal(37)) {
        let wanted = (I256::from(left) * wide_power(s2).unwrap_or(I256::ONE)).cmp(&(I256::from(right) * wide_power(s1).unwrap_or(I256::ONE)));
        prop_assert_eq!(compare(Any::Decimal(left, s1), Any::Decimal(right, s2)), Some(wanted));
        let digits = Digits::parse(&format!("{left}e-{s1}"));
        prop_assert_eq!(digits.map(|digits| digits.compare(right.into(), s2)), Some(wanted));
    }

    #[test]
    fn casts_of_numbers_and_of_their_texts_agree((_, s1, number) in decimal(30), (p2, s2, _) in decimal(38)) {
        let mut text = String::new();
        write_plain(number.into(), s1, &mut text).unwrap_or_default();
        let from_text = Digits::parse(&text).and_then(|digits| digits.cast(p2, s2));
        prop_assert_eq!(value(cast(Any::Decimal(number, s1), p2, s2)), value(from_text), "{} to {},{}", text, p2, s2);
    }

    #[test]
    fn a_double_is_the_nearest_to_a_decimal((_, scale, number) in decimal(38)) {
        let nearest: Result<f64, _> = format!("{number}e-{scale}").parse();
        prop_assert_eq!(Ok(to_double(number, scale)), nearest);
    }
}

#[test]
fn two_prices_divide_in_256_bits() {
    let quotient = arith(Op::Div, Any::Decimal(3, 4), Any::Decimal(2, 4), 41, 23);
    assert_eq!(value(quotient), wide_power(22).map(|unit| unit * 15));
    assert!(arith(Op::Div, Any::Decimal(1, 4), Any::Decimal(3, 4), 41, 23).is_none());
}

#[test]
fn plain_text_has_all_digits_of_the_scale() {
    for (unscaled, scale, wanted) in [
        (0, 0, "0"),
        (0, 2, "0.00"),
        (-5, 2, "-0.05"),
        (12345, 2, "123.45"),
        (7, 0, "7"),
    ] {
        let mut text = String::new();
        write_plain(I256::from(unscaled), scale, &mut text).unwrap_or_default();
        assert_eq!(text, wanted);
    }
}
