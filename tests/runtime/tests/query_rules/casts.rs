//! Conversions between types.

use super::*;

entity! {
    Raw "raws" #[stream] {
        #[key]
        pub id: i64,
        pub l: i64,
        pub d: Dec<13, 3>,
        pub x: f64,
        pub s: String,
        pub b: Option<bool>,
    }
}

entity! {
    Whole "cast_wholes" #[stream] {
        #[key]
        pub id: i64,
        pub of_bigint: i32,
        pub of_decimal: i32,
        pub of_decimal_wide: i64,
        pub of_double: i32,
        pub of_double_wide: i64,
        pub of_text: Option<i32>,
        pub of_text_wide: Option<i64>,
    }
}

#[query]
fn wholes(raws: Stream<Raw>) -> Stream<Whole> {
    raws.map(|r| Whole {
        id: r.id,
        of_bigint: r.l as i32,
        of_decimal: r.d as i32,
        of_decimal_wide: r.d as i64,
        of_double: r.x as i32,
        of_double_wide: r.x as i64,
        of_text: r.s.parse::<i32>(),
        of_text_wide: r.s.parse::<i64>(),
    })
}

entity! {
    Fraction "cast_fractions" #[stream] {
        #[key]
        pub id: i64,
        pub of_decimal: Option<Dec<5, 2>>,
        pub of_double: Option<Dec<5, 2>>,
        pub of_bigint: Option<Dec<5, 0>>,
        pub of_text: Option<Dec<5, 2>>,
        pub double: Option<f64>,
    }
}

#[query]
fn fractions(raws: Stream<Raw>) -> Stream<Fraction> {
    raws.map(|r| Fraction {
        id: r.id,
        of_decimal: (r.d as Decimal<4, 2>) as Decimal<5, 2>,
        of_double: r.x as Decimal<5, 2>,
        of_bigint: r.l as Decimal<5, 0>,
        of_text: r.s.parse::<Decimal<5, 2>>(),
        double: r.s.parse::<f64>(),
    })
}

entity! {
    Written "cast_texts" #[stream] {
        #[key]
        pub id: i64,
        pub of_double: String,
        pub of_decimal: String,
        pub of_bigint: String,
        pub of_truth: Option<String>,
        pub truth: bool,
    }
}

#[query]
fn written(raws: Stream<Raw>) -> Stream<Written> {
    raws.map(|r| Written {
        id: r.id,
        of_double: r.x.to_string(),
        of_decimal: r.d.to_string(),
        of_bigint: r.l.to_string(),
        of_truth: r.b.to_string(),
        truth: r.s.parse::<bool>(),
    })
}

fn raws() -> Vec<Raw> {
    let raw = |id, l, d, x, s: &str, b| Raw {
        id,
        l,
        d: dec(d).expect("one"),
        x,
        s: s.to_owned(),
        b,
    };
    vec![
        raw(1, (1 << 32) + 5, "99.999", 2.5e10, "12", Some(true)),
        raw(2, -5, "-1.005", f64::NAN, " 7.5 ", None),
        raw(3, i64::MIN, "4294967301.000", -1e300, "yes", Some(false)),
        raw(4, 99_999, "0.004", 1.005, "t", None),
        raw(5, 100_000, "-0.005", -2.0, "3000000000", None),
    ]
}

/// 2.4: BIGINT and DECIMAL are cut, and then wrap; a DOUBLE is cut and goes no further than the ends, NaN is 0. A text is trimmed and
/// read as Java reads it, or NULL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_numbers_are_cut_and_wrap_or_stop() {
    let whole = |id,
                 of_bigint,
                 [of_decimal, of_double]: [i32; 2],
                 [of_decimal_wide, of_double_wide]: [i64; 2],
                 of_text,
                 of_text_wide| {
        Some(Whole {
            id,
            of_bigint,
            of_decimal,
            of_decimal_wide,
            of_double,
            of_double_wide,
            of_text,
            of_text_wide,
        })
    };
    assert_eq!(
        made::<Raw, Whole, _>(wholes, raws()).await,
        [
            whole(
                1,
                5,
                [99, i32::MAX],
                [99, 25_000_000_000],
                Some(12),
                Some(12)
            ),
            whole(2, -5, [-1, 0], [-1, 0], None, None),
            whole(3, 0, [5, i32::MIN], [4_294_967_301, i64::MIN], None, None),
            whole(4, 99_999, [0, 1], [0, 1], None, None),
            whole(5, 100_000, [0, -2], [0, -2], None, Some(3_000_000_000)),
        ]
    );
}

/// 2.3: a CAST to DECIMAL rounds half up, away from zero, and is NULL where the number has too many whole digits. A DOUBLE is first
/// rounded to as many digits: 1.005, which is a little less, becomes 1.0050 and then 1.01.
///
/// 99.999 has no more whole digits than DECIMAL(4, 2) before it is rounded and goes on as 100.00, which only a wider column takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decimals_are_rounded_half_up_and_null_beyond_their_digits() {
    let found: Vec<_> = made::<Raw, Fraction, _>(fractions, raws())
        .await
        .into_iter()
        .flatten()
        .map(|row| {
            (
                row.of_decimal.map(|d| d.to_string()),
                row.of_double.map(|d| d.to_string()),
                row.of_bigint.map(|d| d.to_string()),
                row.of_text.map(|d| d.to_string()),
                row.double,
            )
        })
        .collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        found,
        [
            (text("100.00"), None, None, text("12.00"), Some(12.0)),
            (text("-1.01"), None, text("-5"), text("7.50"), Some(7.5)),
            (None, None, None, None, None),
            (text("0.00"), text("1.01"), text("99999"), None, None),
            (text("-0.01"), text("-2.00"), None, None, Some(3e9)),
        ]
    );
}

/// 2.4: the text of a double is Java's, that of a decimal has all its digits, NULL stays NULL. A text is TRUE where it is a beginning of
/// `true` or `yes`, and FALSE otherwise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_are_javas_and_truths_are_their_beginnings() {
    let written_as =
        |id, [of_double, of_decimal, of_bigint]: [&str; 3], of_truth: Option<&str>, truth| {
            Some(Written {
                id,
                of_double: of_double.to_owned(),
                of_decimal: of_decimal.to_owned(),
                of_bigint: of_bigint.to_owned(),
                of_truth: of_truth.map(str::to_owned),
                truth,
            })
        };
    assert_eq!(
        made::<Raw, Written, _>(written, raws()).await,
        [
            written_as(1, ["2.5E10", "99.999", "4294967301"], Some("true"), false),
            written_as(2, ["NaN", "-1.005", "-5"], None, false),
            written_as(
                3,
                ["-1.0E300", "4294967301.000", "-9223372036854775808"],
                Some("false"),
                true
            ),
            written_as(4, ["1.005", "0.004", "99999"], None, true),
            written_as(5, ["-2.0", "-0.005", "100000"], None, false),
        ]
    );
}
