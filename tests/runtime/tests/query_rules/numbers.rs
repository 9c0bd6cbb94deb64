//! Arithmetic: of decimals, of integers, of doubles.

use super::*;

entity! {
    Pair "pairs" #[stream] {
        #[key]
        pub id: i64,
        pub a: Option<Dec<6, 2>>,
        pub b: Option<Dec<5, 3>>,
    }
}

entity! {
    Computed "computed" #[stream] {
        #[key]
        pub id: i64,
        pub sum: Option<Dec<8, 3>>,
        pub difference: Option<Dec<8, 3>>,
        pub product: Option<Dec<12, 5>>,
        pub quotient: Option<Dec<15, 8>>,
        pub remainder: Option<Dec<5, 3>>,
    }
}

#[query]
fn computed(pairs: Stream<Pair>) -> Stream<Computed> {
    pairs.map(|p| Computed {
        id: p.id,
        sum: p.a + p.b,
        difference: p.a - p.b,
        product: p.a * p.b,
        quotient: p.a / p.b,
        remainder: p.a % p.b,
    })
}

/// 2.3, the table: DECIMAL(6, 2) with DECIMAL(5, 3) is (8, 3) by `+` and `-`, (12, 5) by `*`, (15, 8) by `/`, (5, 3) by `%`. The
/// output's columns are exactly these, so that nothing is converted.
#[test]
fn the_size_of_a_decimal_result_follows_from_its_operands() {
    assert!(!computed::KSQL[0].contains("CAST"), "{}", computed::KSQL[0]);
}

/// 2.3: results are exact, of the result's scale, or NULL; a remainder has the dividend's sign. 2.2: by zero, and of NULL, is NULL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decimal_results_are_exact_to_their_last_digit_or_null() {
    /// Operands, then sum, difference, product, quotient and remainder.
    type Case = (
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        Option<&'static str>,
        Option<&'static str>,
    );
    let cases: [Case; 10] = [
        (
            "10.10",
            "2.000",
            "12.100",
            "8.100",
            "20.20000",
            Some("5.05000000"),
            Some("0.100"),
        ),
        // 3.3666.. has no end.
        (
            "10.10",
            "3.000",
            "13.100",
            "7.100",
            "30.30000",
            None,
            Some("1.100"),
        ),
        (
            "-7.50",
            "2.000",
            "-5.500",
            "-9.500",
            "-15.00000",
            Some("-3.75000000"),
            Some("-1.500"),
        ),
        (
            "7.50",
            "-2.000",
            "5.500",
            "9.500",
            "-15.00000",
            Some("-3.75000000"),
            Some("1.500"),
        ),
        (
            "-7.50",
            "-2.000",
            "-9.500",
            "-5.500",
            "15.00000",
            Some("3.75000000"),
            Some("-1.500"),
        ),
        ("1.00", "0.000", "1.000", "1.000", "0.00000", None, None),
        (
            "0.00",
            "1.234",
            "1.234",
            "-1.234",
            "0.00000",
            Some("0.00000000"),
            Some("0.000"),
        ),
        // 0.01953125 needs all 8 digits of the scale.
        (
            "0.01",
            "0.512",
            "0.522",
            "-0.502",
            "0.00512",
            Some("0.01953125"),
            Some("0.010"),
        ),
        // 0.009765625 ends, but behind the scale.
        (
            "0.01",
            "1.024",
            "1.034",
            "-1.014",
            "0.01024",
            None,
            Some("0.010"),
        ),
        // The largest and the smallest there are.
        (
            "9999.99",
            "99.999",
            "10099.989",
            "9899.991",
            "999989.00001",
            None,
            Some("0.090"),
        ),
    ];
    let mut rows: Vec<_> = (0..)
        .zip(&cases)
        .map(|(id, (a, b, ..))| Pair {
            id,
            a: dec(a),
            b: dec(b),
        })
        .collect();
    for (a, b) in [(None, dec("1.000")), (dec("1.00"), None)] {
        rows.push(Pair { id: 99, a, b });
    }
    let mut expected: Vec<_> = (0..)
        .zip(&cases)
        .map(
            |(id, (_, _, sum, difference, product, quotient, remainder))| {
                Some(Computed {
                    id,
                    sum: dec(sum),
                    difference: dec(difference),
                    product: dec(product),
                    quotient: quotient.and_then(dec),
                    remainder: remainder.and_then(dec),
                })
            },
        )
        .collect();
    let nothing = Computed {
        id: 99,
        sum: None,
        difference: None,
        product: None,
        quotient: None,
        remainder: None,
    };
    expected.extend([Some(nothing.clone()), Some(nothing)]);
    assert_eq!(made::<Pair, Computed, _>(computed, rows).await, expected);
}

entity! {
    Mixed "mixed" #[stream] {
        #[key]
        pub id: i64,
        pub a: Dec<6, 2>,
        pub n: i32,
        pub large: i64,
        pub x: f64,
    }
}

entity! {
    Widened "widened" #[stream] {
        #[key]
        pub id: i64,
        pub sum: Dec<13, 2>,
        pub product: Dec<26, 2>,
        pub quotient: Option<Dec<19, 7>>,
        pub remainder: Option<Dec<6, 2>>,
        pub double: f64,
    }
}

#[query]
fn widened(rows: Stream<Mixed>) -> Stream<Widened> {
    rows.map(|r| Widened {
        id: r.id,
        sum: r.a + r.n,
        product: r.large * r.a,
        quotient: r.n / r.a,
        remainder: r.a % r.n,
        double: r.a * r.x,
    })
}

/// 2.3: INTEGER counts as DECIMAL(10, 0) and BIGINT as (19, 0); 2.2: with a DOUBLE on either side the result is one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_integer_beside_a_decimal_is_one_and_a_double_makes_a_double() {
    assert!(!widened::KSQL[0].contains("CAST"), "{}", widened::KSQL[0]);
    let row = |a, n, large, x| Mixed {
        id: 1,
        a: dec(a).expect("one"),
        n,
        large,
        x,
    };
    let rows = vec![
        row("0.50", -3, 3, 0.1),
        row("-7.25", 3, i64::MIN, 1.5),
        // 4 / 10.25 has no end.
        row("10.25", 4, i64::MAX, -2.0),
    ];
    let result = |sum, product, quotient: Option<&str>, remainder, double| {
        Some(Widened {
            id: 1,
            sum: dec(sum).expect("one"),
            product: dec(product).expect("one"),
            quotient: quotient.and_then(dec),
            remainder: dec(remainder),
            double,
        })
    };
    assert_eq!(
        made::<Mixed, Widened, _>(widened, rows).await,
        [
            result("-2.50", "1.50", Some("-6.0000000"), "0.50", 0.05),
            // 3 / -7.25 = -0.4137.. has no end.
            result("-4.25", "66869447267197124608.00", None, "-1.25", -10.875),
            result("14.25", "94539563377761452021.75", None, "2.25", -20.5),
        ]
    );
}

entity! {
    Whole "wholes" #[stream] {
        #[key]
        pub id: i64,
        pub a: Option<i32>,
        pub b: Option<i32>,
        pub c: i64,
    }
}

entity! {
    Counted "counted" #[stream] {
        #[key]
        pub id: i64,
        pub sum: Option<i32>,
        pub difference: Option<i32>,
        pub product: Option<i32>,
        pub quotient: Option<i32>,
        pub remainder: Option<i32>,
        pub widened_behind: Option<i64>,
        pub widened_before: Option<i64>,
        pub large: Option<i64>,
    }
}

#[query]
fn counted(wholes: Stream<Whole>) -> Stream<Counted> {
    wholes.map(|w| Counted {
        id: w.id,
        sum: w.a + w.b,
        difference: w.a - w.b,
        product: w.a * w.b,
        quotient: w.a / w.b,
        remainder: w.a % w.b,
        widened_behind: w.a * w.b,
        widened_before: (w.a as i64) * w.b,
        large: w.a + w.c,
    })
}

/// 2.2: overflow wraps, INTEGER with INTEGER stays in 32 bits (also where the column is wider); division truncates towards zero, `%`
/// takes the dividend's sign; by zero is NULL, and so is everything of a NULL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn integers_wrap_truncate_and_are_null_by_zero() {
    let row = |a, b, c| Whole { id: 1, a, b, c };
    let rows = vec![
        row(Some(i32::MAX), Some(1), 1),
        row(Some(i32::MIN), Some(-1), -1),
        row(Some(-7), Some(2), i64::MAX),
        row(Some(7), Some(-2), i64::MIN),
        row(Some(-7), Some(-2), i64::MIN),
        row(Some(65_536), Some(65_537), 0),
        row(Some(5), Some(0), 0),
        row(None, Some(3), 0),
        row(Some(3), None, 0),
    ];
    let result = |sum, difference, product, quotient, remainder, before, large| {
        Some(Counted {
            id: 1,
            sum: Some(sum),
            difference: Some(difference),
            product: Some(product),
            quotient,
            remainder,
            widened_behind: Some(product.into()),
            widened_before: Some(before),
            large: Some(large),
        })
    };
    let null = Counted {
        id: 1,
        sum: None,
        difference: None,
        product: None,
        quotient: None,
        remainder: None,
        widened_behind: None,
        widened_before: None,
        large: None,
    };
    assert_eq!(
        made::<Whole, Counted, _>(counted, rows).await,
        [
            result(
                -2_147_483_648,
                2_147_483_646,
                2_147_483_647,
                Some(2_147_483_647),
                Some(0),
                2_147_483_647,
                2_147_483_648
            ),
            result(
                2_147_483_647,
                -2_147_483_647,
                -2_147_483_648,
                Some(-2_147_483_648),
                Some(0),
                2_147_483_648,
                -2_147_483_649
            ),
            result(
                -5,
                -9,
                -14,
                Some(-3),
                Some(-1),
                -14,
                9_223_372_036_854_775_800
            ),
            result(
                5,
                9,
                -14,
                Some(-3),
                Some(1),
                -14,
                -9_223_372_036_854_775_801
            ),
            result(-9, -5, 14, Some(3), Some(-1), 14, 9_223_372_036_854_775_801),
            result(
                131_073,
                -1,
                65_536,
                Some(0),
                Some(65_536),
                4_295_032_832,
                65_536
            ),
            result(5, 5, 0, None, None, 0, 5),
            Some(null.clone()),
            Some(Counted {
                large: Some(3),
                ..null
            }),
        ]
    );
}

entity! {
    Real "reals" #[stream] {
        #[key]
        pub id: i64,
        pub x: f64,
        pub y: f64,
    }
}

entity! {
    Divided "divided" #[stream] {
        #[key]
        pub id: i64,
        pub quotient: String,
        pub remainder: String,
    }
}

#[query]
fn divided(reals: Stream<Real>) -> Stream<Divided> {
    reals.map(|r| Divided {
        id: r.id,
        quotient: (r.x / r.y).to_string(),
        remainder: (r.x % r.y).to_string(),
    })
}

/// 2.2: a double divided by zero is Infinity or NaN, and never NULL. 2.4: Java's text of a double.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doubles_by_zero_are_infinite_or_no_number() {
    let cases = [
        (1.0, 0.0, "Infinity", "NaN"),
        (-1.0, 0.0, "-Infinity", "NaN"),
        (1.0, -0.0, "-Infinity", "NaN"),
        (0.0, 0.0, "NaN", "NaN"),
        (-7.5, 2.0, "-3.75", "-1.5"),
        (1e7, 1.0, "1.0E7", "0.0"),
        (-4.0, 2.0, "-2.0", "-0.0"),
    ];
    let rows = cases.map(|(x, y, ..)| Real { id: 1, x, y }).to_vec();
    let expected = cases.map(|(_, _, quotient, remainder)| {
        Some(Divided {
            id: 1,
            quotient: quotient.to_owned(),
            remainder: remainder.to_owned(),
        })
    });
    assert_eq!(made::<Real, Divided, _>(divided, rows).await, expected);
}
