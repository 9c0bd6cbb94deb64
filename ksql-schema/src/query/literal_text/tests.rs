//! Tests of this module's rules; the properties over numbers of a generator, since this crate has no dependencies.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use super::*;
use crate::query::literal;

/// Numbers without an end, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[test]
fn literals_are_written_as_the_table_says() {
    let table = [
        (string("it's"), "'it''s'"),
        (string("a\\b\n\t`\""), "'a\\b\n\t`\"'"),
        (string(""), "''"),
        (boolean(true), "true"),
        (number(42), "42"),
        (number(3_000_000_000), "3000000000"),
        (number(i64::MIN), "CAST('-9223372036854775808' AS BIGINT)"),
        (integer(-7), "-7"),
        (integer(i32::MIN), "CAST(-2147483648 AS INTEGER)"),
        (bigint(5), "CAST(5 AS BIGINT)"),
        (bigint(3_000_000_000), "3000000000"),
        (bigint(i64::MIN), "CAST('-9223372036854775808' AS BIGINT)"),
        (double(1.5).unwrap(), "1.5E0"),
        (double(1.0).unwrap(), "1.0E0"),
        (double(-1e300).unwrap(), "-1.0E300"),
        (double(2.5e-8).unwrap(), "2.5E-8"),
        (decimal("1.50").unwrap(), "1.50"),
        (decimal(".8").unwrap(), "0.8"),
        (decimal("-007.5").unwrap(), "-7.5"),
        (decimal("1_000.25").unwrap(), "1000.25"),
        (decimal("10").unwrap(), "CAST(10.0 AS DECIMAL(2, 0))"),
        (sized_decimal(150, 18, 4), "CAST(0.0150 AS DECIMAL(18, 4))"),
        (
            sized_decimal(-15_000, 18, 4),
            "CAST(-1.5000 AS DECIMAL(18, 4))",
        ),
        (sized_decimal(5, 9, 0), "CAST(5.0 AS DECIMAL(9, 0))"),
        (sized_decimal(0, 4, 4), "CAST(0.0000 AS DECIMAL(4, 4))"),
        (null(Sql::Date), "CAST(NULL AS DATE)"),
        (bytes(&[0, 255, 16]), "TO_BYTES('00ff10', 'hex')"),
        (date(0).unwrap(), "CAST('1970-01-01' AS DATE)"),
        (date(-1).unwrap(), "CAST('1969-12-31' AS DATE)"),
        (date(19_782).unwrap(), "CAST('2024-02-29' AS DATE)"),
        (date(2_932_896).unwrap(), "CAST('9999-12-31' AS DATE)"),
        (date(-719_528).unwrap(), "CAST('0000-01-01' AS DATE)"),
        (time(86_399_999).unwrap(), "CAST('23:59:59.999' AS TIME)"),
        (
            timestamp(-1).unwrap(),
            "CAST('1969-12-31T23:59:59.999' AS TIMESTAMP)",
        ),
        (
            timestamp(951_782_400_001).unwrap(),
            "CAST('2000-02-29T00:00:00.001' AS TIMESTAMP)",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(text, expected);
    }
}

#[test]
fn what_has_no_text_is_none() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(double(value), None);
    }
    assert_eq!(decimal("1e5"), None);
    assert_eq!(date(2_932_897), None);
    assert_eq!(date(i32::MIN), None);
    assert_eq!(time(-1), None);
    assert_eq!(time(86_400_000), None);
    assert_eq!(timestamp(i64::MAX), None);
    assert_eq!(timestamp(i64::MIN), None);
}

#[test]
fn a_text_is_read_back_whatever_it_holds() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let letters = ['\'', 'a', '\\', '"', '`', '\n', '€', '\u{1f600}', ';', '-'];
    for _ in 0..500 {
        let length = numbers.next() % 12;
        let value: String = (0..length)
            .filter_map(|_| letters.get(numbers.next() as usize % letters.len()))
            .collect();
        let text = string(&value);
        let inner = text
            .strip_prefix('\'')
            .and_then(|rest| rest.strip_suffix('\''))
            .unwrap();
        assert_eq!(inner.replace("''", "'"), value);
        // The literal ends where its text ends: no quote inside stands alone.
        assert!(!inner.replace("''", "").contains('\''), "{text}");
    }
}

#[test]
fn a_double_is_read_back_bit_by_bit() {
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let mut seen = 0;
    for _ in 0..5000 {
        let value = f64::from_bits(numbers.next());
        let Some(text) = double(value) else {
            continue;
        };
        seen += 1;
        assert_eq!(
            text.parse::<f64>().unwrap().to_bits(),
            value.to_bits(),
            "{text}"
        );
        let (digits, exponent) = text.split_once('E').unwrap();
        assert!(
            digits.contains('.') && exponent.parse::<i32>().is_ok(),
            "{text}"
        );
    }
    assert!(seen > 4000, "most bits are numbers");
}

#[test]
fn a_decimal_is_read_back_with_its_size() {
    let mut numbers = Numbers(0x1234_5678_9abc_def1);
    for _ in 0..2000 {
        let precision = u32::try_from(numbers.next() % 38).unwrap() + 1;
        let scale = u32::try_from(numbers.next() % u64::from(precision + 1)).unwrap();
        let limit = 10_i128.pow(precision);
        let high = i128::from(numbers.next()) << 64 | i128::from(numbers.next());
        let unscaled = high % limit;
        let text = sized_decimal(unscaled, precision, scale);
        let ty = sql_text(Sql::Decimal { precision, scale });
        let inner = text
            .strip_prefix("CAST(")
            .and_then(|rest| rest.strip_suffix(&format!(" AS {ty})")))
            .unwrap();
        // A literal of scale 0 has a zero behind its point.
        let written = scale.max(1);
        let exact = if scale == 0 {
            inner.strip_suffix(".0").unwrap()
        } else {
            inner
        };
        let digits: i128 = exact.replace('.', "").parse().unwrap();
        assert_eq!(digits, unscaled, "{text}");
        assert_eq!(literal::decimal(inner).scale(), written, "{text}");
    }
}

#[test]
fn days_follow_one_another() {
    let month = |text: &str| text.get(11..13).unwrap().parse::<u32>().unwrap();
    let of_month = |text: &str| text.get(14..16).unwrap().parse::<u32>().unwrap();
    let mut before = date(-719_528).unwrap();
    let mut days = 0;
    for at in -719_527..=0 {
        let after = date(at).unwrap();
        if of_month(&after) == 1 {
            let length = of_month(&before);
            assert!((28..=31).contains(&length), "{before} {after}");
            assert_eq!(month(&after), month(&before) % 12 + 1);
        } else {
            assert_eq!(of_month(&after), of_month(&before) + 1);
            assert_eq!(month(&after), month(&before));
        }
        before = after;
        days += 1;
    }
    assert_eq!(days, 719_528);
    assert_eq!(before, "CAST('1970-01-01' AS DATE)");
}
