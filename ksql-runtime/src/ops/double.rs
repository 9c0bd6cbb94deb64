//! Doubles as Java writes, reads and orders them.

use std::cmp::Ordering;
use std::fmt::Write;

/// Appends the text of Java's `Double.toString` (19 and later): the shortest digits that read back as the same number, of
/// these the nearest, at least two of them; from 0.001 to below ten million plain, else with an exponent.
pub fn write_java(value: f64, out: &mut dyn Write) -> std::fmt::Result {
    if value.is_nan() {
        return out.write_str("NaN");
    }
    if value.is_infinite() {
        return out.write_str(if value < 0.0 { "-Infinity" } else { "Infinity" });
    }
    if value == 0.0 {
        return out.write_str(if value.is_sign_negative() {
            "-0.0"
        } else {
            "0.0"
        });
    }
    let mut text = format!("{value:e}");
    // One digit is never written alone: the nearest of two digits stands for it, which may be another (4.9E-324, not 5E-324).
    if !text.contains('.') {
        let two = format!("{value:.1e}");
        if two.parse() == Ok(value) {
            text = two;
        }
    }
    if let Some(even) = even_of_two(value, &text) {
        text = even;
    }
    let (number, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let number = match number.strip_prefix('-') {
        Some(number) => {
            out.write_char('-')?;
            number
        }
        None => number,
    };
    let (first, rest) = number.split_once('.').unwrap_or((number, ""));
    let rest = match rest.trim_end_matches('0') {
        "" => "0",
        rest => rest,
    };
    if !(-3..7).contains(&exponent) {
        return write!(out, "{first}.{rest}E{exponent}");
    }
    let digits = format!("{first}{}", rest.trim_end_matches('0'));
    if exponent < 0 {
        let zeros = exponent.unsigned_abs() as usize - 1;
        return write!(out, "0.{:0<zeros$}{digits}", "");
    }
    let whole = exponent.unsigned_abs() as usize + 1;
    let padded = format!("{digits:0<whole$}");
    let (whole, part) = padded.split_at_checked(whole).unwrap_or((&padded, ""));
    write!(out, "{whole}.{}", if part.is_empty() { "0" } else { part })
}

/// Where the number lies in the middle of two shortest texts, the one that ends even; Rust takes the larger.
fn even_of_two(value: f64, text: &str) -> Option<String> {
    let (number, exponent) = text.split_once('e')?;
    // Only numbers that need nearly all digits have a neighbour so near.
    if number.len() < 15 {
        return None;
    }
    let exact = format!("{value:.30e}");
    let (smaller, rest) = exact.split_once('e')?.0.split_at_checked(number.len())?;
    let middle = rest.strip_prefix('5')?.bytes().all(|digit| digit == b'0');
    let even = smaller.ends_with(['0', '2', '4', '6', '8']);
    let candidate = format!("{smaller}e{exponent}");
    (middle && even && candidate.parse() == Ok(value)).then_some(candidate)
}

/// Reads what `CAST` of a text to `DOUBLE` reads: Java's form, with its suffixes, but nothing that is not finite.
pub fn parse_java(text: &str) -> Option<f64> {
    let text = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    // Rust reads names of infinities and NaN too; Java knows others, and both are refused.
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if !plain {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Java's order: NaN above all, -0.0 below 0.0.
#[inline]
pub fn total_order(left: f64, right: f64) -> Ordering {
    let canonical = |value: f64| if value.is_nan() { f64::NAN } else { value };
    canonical(left).total_cmp(&canonical(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn java(value: f64) -> String {
        let mut text = String::new();
        write_java(value, &mut text).unwrap_or_default();
        text
    }

    #[test]
    fn texts_are_those_of_java() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-1.5, "-1.5"),
            (100.0, "100.0"),
            (1234.5678, "1234.5678"),
            (0.001, "0.001"),
            (0.00123, "0.00123"),
            (0.0001, "1.0E-4"),
            (0.00012, "1.2E-4"),
            (9_999_999.0, "9999999.0"),
            (9_999_999.5, "9999999.5"),
            (1e7, "1.0E7"),
            (12_345_678.9, "1.23456789E7"),
            (1e10, "1.0E10"),
            (2e23, "2.0E23"),
            (1.0 / 3.0, "0.3333333333333333"),
            // The middle of two: 1125899906842889.25.
            (
                f64::from_bits(0x4310_0000_0000_0425),
                "1.1258999068428892E15",
            ),
            (
                f64::from_bits(0xc306_0d62_fc81_c41a),
                "-7.758960352441632E14",
            ),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (f64::from_bits(1), "4.9E-324"),
            (f64::from_bits(2), "9.9E-324"),
            (f64::from_bits(4), "2.0E-323"),
            (2.2e-322, "2.2E-322"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, text) in cases {
            assert_eq!(java(value), text);
        }
    }

    #[test]
    fn texts_are_read_as_java_reads_them() {
        for (text, value) in [
            ("1", Some(1.0)),
            ("-1.5e3", Some(-1500.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("1.5f", Some(1.5)),
            ("2D", Some(2.0)),
            ("1e999", None),
            ("NaN", None),
            ("Infinity", None),
            ("inf", None),
            ("", None),
            ("d", None),
            ("1_0", None),
            ("1 0", None),
        ] {
            assert_eq!(parse_java(text), value, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_double_is_read_back_from_its_text(bits: u64) {
            let value = f64::from_bits(bits);
            if value.is_finite() {
                proptest::prop_assert_eq!(parse_java(&java(value)).map(f64::to_bits), Some(bits));
            }
        }
    }

    #[test]
    fn nan_is_the_largest_and_negative_zero_below_zero() {
        assert_eq!(total_order(-f64::NAN, f64::INFINITY), Ordering::Greater);
        assert_eq!(total_order(f64::NAN, -f64::NAN), Ordering::Equal);
        assert_eq!(total_order(-0.0, 0.0), Ordering::Less);
    }
}
