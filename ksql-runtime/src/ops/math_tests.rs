//! Tables of functions of numbers.

use super::*;
use crate::codec::Dec;
use crate::ops::{Failed, Function, Operand, call, conditional};

fn run(function: Function, arguments: &[Any<'_>]) -> String {
    let scratch = Scratch::new();
    match call::<Result<Any<'_>, Failed>>(&scratch, function, arguments) {
        Err(Failed) => "failed".into(),
        Ok(any) => format!("{any:?}"),
    }
}

fn d(value: f64) -> Any<'static> {
    Any::Double(value)
}

#[test]
fn absolutes_and_signs_keep_the_type() {
    assert_eq!(run(abs, &[Any::Integer(i32::MIN)]), "Integer(-2147483648)");
    assert_eq!(run(abs, &[Any::Decimal(-32, 1)]), "Decimal(32, 1)");
    assert_eq!(run(abs, &[Any::Null]), "Null");
    assert_eq!(run(sign, &[Any::Decimal(-1, 1)]), "Integer(-1)");
    assert_eq!(run(sign, &[d(f64::NAN)]), "Integer(0)");
    assert_eq!(run(sign, &[Any::Bigint(9)]), "Integer(1)");
}

#[test]
fn logarithms_and_powers_are_javas() {
    assert_eq!(run(ln, &[Any::Integer(-1)]), "Double(NaN)");
    assert_eq!(run(ln, &[Any::Bigint(0)]), "Double(-inf)");
    assert_eq!(run(log, &[Any::Integer(1), Any::Integer(5)]), "Double(NaN)");
    assert_eq!(run(log, &[Any::Integer(2), Any::Integer(8)]), "Double(3.0)");
    assert_eq!(
        run(power, &[Any::Integer(15), Any::Integer(13)]),
        "Double(1946195068359375.0)"
    );
    assert_eq!(run(power, &[d(1.0), d(f64::NAN)]), "Double(NaN)");
    assert_eq!(run(power, &[d(-1.0), d(f64::INFINITY)]), "Double(NaN)");
    assert_eq!(run(power, &[d(f64::NAN), d(0.0)]), "Double(1.0)");
    assert_eq!(run(sqrt, &[Any::Null]), "Null");
}

#[test]
fn a_half_rounds_towards_the_positive() {
    for (value, whole) in [
        (1.5, 2),
        (-1.5, -1),
        (-1.6, -2),
        (0.49999999999999994, 0),
        (1e300, i64::MAX),
        (f64::NAN, 0),
    ] {
        assert_eq!(
            run(round, &[d(value)]),
            format!("Bigint({whole})"),
            "{value}"
        );
    }
    for (unscaled, places, rounded) in [
        (150, 0, 200),
        (-150, 0, -100),
        (-151, 0, -200),
        (149, 0, 100),
        (155, 1, 160),
        (-155, 1, -150),
        (155, 2, 155),
        (155, 9, 155),
        (55_000, -2, 60_000),
        (155, -9, 0),
    ] {
        assert_eq!(
            run(round, &[Any::Decimal(unscaled, 2), Any::Integer(places)]),
            format!("Decimal({rounded}, 2)"),
            "{unscaled} {places}"
        );
    }
    assert_eq!(run(round, &[Any::Decimal(-150, 2)]), "Decimal(-1, 0)");
    assert_eq!(run(round, &[Any::Integer(7)]), "Bigint(7)");
    // By the shortest text: 2.675 is 2.67499999999999982236431605997495353221893310546875.
    assert_eq!(run(round, &[d(2.675), Any::Integer(2)]), "Double(2.68)");
    assert_eq!(run(round, &[d(-2.675), Any::Integer(2)]), "Double(-2.67)");
    assert_eq!(run(round, &[d(1234.5), Any::Integer(-2)]), "Double(1200.0)");
    assert_eq!(run(round, &[d(f64::NAN), Any::Integer(2)]), "failed");
    assert_eq!(run(trunc, &[d(-1.9)]), "Bigint(-1)");
    assert_eq!(run(trunc, &[d(-2.679), Any::Integer(2)]), "Double(-2.67)");
    assert_eq!(run(trunc, &[Any::Decimal(-199, 2)]), "Decimal(-1, 0)");
}

#[test]
fn floors_and_ceilings_keep_the_scale() {
    for (unscaled, down, up) in [(15, 10, 20), (-15, -20, -10), (10, 10, 10), (0, 0, 0)] {
        assert_eq!(
            run(floor, &[Any::Decimal(unscaled, 1)]),
            format!("Decimal({down}, 1)")
        );
        assert_eq!(
            run(ceil, &[Any::Decimal(unscaled, 1)]),
            format!("Decimal({up}, 1)")
        );
    }
    assert_eq!(run(floor, &[Any::Integer(3)]), "Integer(3)");
    assert_eq!(run(ceil, &[d(-0.5)]), "Double(-0.0)");
}

#[test]
fn the_greatest_is_of_the_results_type_and_no_null() {
    let scratch = Scratch::new();
    let numbers = [
        Any::Integer(-1),
        Any::Bigint(1),
        Any::Decimal(555, 1),
        Any::Null,
    ];
    assert_eq!(greatest::<Option<f64>>(&scratch, &numbers), Some(55.5));
    assert_eq!(least::<Option<f64>>(&scratch, &numbers), Some(-1.0));
    let decimals = [Any::Decimal(123_456_789, 2), Any::Decimal(123_456, 6)];
    assert_eq!(
        format!("{:?}", least::<Dec<13, 6>>(&scratch, &decimals)),
        "0.123456"
    );
    let times = [Any::Time(33_370_000), Any::Null, Any::String("09:16:00")];
    assert!(matches!(
        greatest::<Option<crate::codec::Time>>(&scratch, &times).any(),
        Any::Time(33_370_000)
    ));
    assert_eq!(greatest::<Option<i32>>(&scratch, &[Any::Null]), None);
}

#[test]
fn the_first_that_is_there_and_null_where_equal() {
    assert_eq!(
        run(
            conditional::coalesce,
            &[Any::Null, Any::Integer(2), Any::Integer(3)]
        ),
        "Integer(2)"
    );
    assert_eq!(run(conditional::coalesce, &[Any::Null]), "Null");
    assert_eq!(
        run(conditional::coalesce, &[Any::Failed, Any::Integer(2)]),
        "failed"
    );
    assert_eq!(
        run(conditional::nullif, &[Any::Integer(1), Any::Integer(1)]),
        "Null"
    );
    assert_eq!(
        run(
            conditional::nullif,
            &[Any::Decimal(10, 1), Any::Decimal(100, 2)]
        ),
        "Decimal(10, 1)"
    );
    assert_eq!(
        run(conditional::nullif, &[Any::Integer(1), Any::Null]),
        "Integer(1)"
    );
    assert!(crate::ops::lenient(Any::Failed).is_null());
}
