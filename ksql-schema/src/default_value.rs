//! What `#[default_value(..)]` says for a type: whether it fits, and the JSON that Avro wants for it.
//!
//! A default is kept as it was written, as JSON text of the literal: a number, a bool or a string. Where the type is
//! behind an alias only the compiler knows it, so both questions are answered in constants too. Invariant: what
//! [`fits`] is rendered exactly, never rounded.

use crate::text::Sink;
use crate::types::Type;

/// Whether a default can be written for the type at all.
pub const fn has_form(ty: &Type<'_>) -> bool {
    !matches!(ty, Type::Array(_) | Type::Map(_) | Type::Struct(_))
}

/// What a default of the type is, for messages.
pub const fn wanted(ty: &Type<'_>) -> &'static str {
    match ty {
        Type::Boolean => "`true` or `false`",
        Type::Int16 => "a whole number that fits `i16`",
        Type::Int32 => "a whole number that fits `i32`",
        Type::Int64 => "a whole number that fits `i64`",
        Type::Float32 => "a number that fits `f32`",
        Type::Float64 => "a number that fits `f64`",
        Type::String => "a string literal",
        Type::Bytes => "a string literal of ASCII",
        Type::Uuid => "a UUID in quotes",
        Type::Enum => "the name of a variant in quotes",
        Type::Decimal { .. } => "a decimal that its precision and scale hold exactly",
        Type::DateTime => "a moment with its zone in quotes, to the millisecond",
        Type::Date => "a date in quotes",
        Type::Time => "a time of day in quotes, to the millisecond",
        Type::Array(_) | Type::Map(_) | Type::Struct(_) | Type::Unknown => "nothing",
    }
}

/// A default of the type to paste.
pub const fn example(ty: &Type<'_>) -> &'static str {
    match ty {
        Type::Boolean => "#[default_value(false)]",
        Type::Float32 | Type::Float64 => "#[default_value(1.5)]",
        Type::String | Type::Bytes => "#[default_value(\"new\")]",
        Type::Uuid => "#[default_value(\"00000000-0000-0000-0000-000000000000\")]",
        Type::Enum => "#[default_value(\"Variant\")]",
        Type::Decimal { .. } => "#[default_value(\"1.50\")]",
        Type::DateTime => "#[default_value(\"2024-01-31T12:30:00Z\")]",
        Type::Date => "#[default_value(\"2024-01-31\")]",
        Type::Time => "#[default_value(\"12:30:00\")]",
        _ => "#[default_value(5)]",
    }
}

/// Whether a default fits the type. `number` is its value where it is a number: constants cannot read one.
pub const fn fits(ty: &Type<'_>, written: &str, number: f64) -> bool {
    let inner = unquoted(written);
    match (ty, inner) {
        (Type::Boolean, None) => matches!(written.as_bytes(), b"true" | b"false"),
        (Type::Int16, None) => whole(written, i16::MIN as i128, i16::MAX as i128),
        (Type::Int32, None) => whole(written, i32::MIN as i128, i32::MAX as i128),
        (Type::Int64, None) => whole(written, i64::MIN as i128, i64::MAX as i128),
        (Type::Float32, None) => {
            let narrow = number as f32;
            is_number(written) && narrow.is_finite() && (narrow != 0.0 || number == 0.0)
        }
        (Type::Float64, None) => is_number(written) && number.is_finite(),
        (Type::String | Type::Enum, Some(_)) => true,
        (Type::Bytes, Some(_)) => written.is_ascii(),
        (Type::Uuid, Some(text)) => is_uuid(text.as_bytes()),
        (Type::Decimal { precision, scale }, _) => unscaled(written, *precision, *scale).is_some(),
        (Type::Date, Some(text)) => date(text).is_some(),
        (Type::Time, Some(text)) => time(text).is_some(),
        (Type::DateTime, Some(text)) => moment(text).is_some(),
        (Type::Unknown, _) => true,
        _ => false,
    }
}

/// Whether a default is the name of one of the variants.
pub const fn is_variant(written: &str, variants: &[&str]) -> bool {
    let Some(name) = unquoted(written) else {
        return false;
    };
    let mut variants = variants;
    while let [variant, rest @ ..] = variants {
        variants = rest;
        if same(variant.as_bytes(), name.as_bytes()) {
            return true;
        }
    }
    false
}

/// Renders a default as the JSON that Avro has for the type.
pub const fn render(ty: Type<'_>, written: &str, sink: &mut Sink<'_>) {
    let text = match unquoted(written) {
        Some(text) => text,
        None => written,
    };
    let number = match ty {
        Type::Date => date(text),
        Type::Time => time(text),
        Type::DateTime => moment(text),
        _ => None,
    };
    if let Some(number) = number {
        sink.push_number(number);
        return;
    }
    match ty {
        Type::Decimal { precision, scale } => match unscaled(written, precision, scale) {
            Some(unscaled) => push_bytes(unscaled, sink),
            None => sink.push(written),
        },
        Type::Uuid => {
            let mut bytes = written.as_bytes();
            while let [byte, rest @ ..] = bytes {
                bytes = rest;
                sink.byte(byte.to_ascii_lowercase());
            }
        }
        _ => sink.push(written),
    }
}

/// The JSON that Avro has for a default.
pub fn json(ty: Type<'_>, written: &str) -> String {
    let mut sink = Sink::new(&mut []);
    render(ty, written, &mut sink);
    let mut out = vec![0; sink.len()];
    render(ty, written, &mut Sink::new(&mut out));
    String::from_utf8_lossy(&out).into_owned()
}

/// The text of a default that is a string, without quotes and escapes.
pub fn text(written: &str) -> Option<String> {
    let mut rest = unquoted(written)?.chars();
    let mut text = String::new();
    while let Some(character) = rest.next() {
        text.push(match character {
            '\\' => match rest.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let digits: String = rest.by_ref().take(4).collect();
                    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                }
                other => other,
            },
            other => other,
        });
    }
    Some(text)
}

/// What stands between the quotes, escapes left as they are.
const fn unquoted(written: &str) -> Option<&str> {
    match written.as_bytes() {
        [b'"', inner @ .., b'"'] => Some(crate::text::as_str(inner)),
        _ => None,
    }
}

const fn is_number(written: &str) -> bool {
    matches!(
        written.as_bytes(),
        [b'0'..=b'9', ..] | [b'-', b'0'..=b'9', ..]
    )
}

const fn whole(written: &str, least: i128, most: i128) -> bool {
    match unscaled(written, 38, 0) {
        // `5.0` is no whole number here: nothing says that its zeros were meant to go.
        Some(number) => number >= least && number <= most && only_digits(written.as_bytes()),
        None => false,
    }
}

const fn only_digits(bytes: &[u8]) -> bool {
    let mut rest = match bytes {
        [b'-', rest @ ..] => rest,
        rest => rest,
    };
    while let [b'0'..=b'9', more @ ..] = rest {
        rest = more;
    }
    rest.is_empty()
}

/// The digits of a decimal at a scale, where the precision holds them: in quotes or not, without an exponent.
const fn unscaled(written: &str, precision: u32, scale: u32) -> Option<i128> {
    let text = match unquoted(written) {
        Some(text) => text.as_bytes(),
        None => written.as_bytes(),
    };
    let (negative, mut rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut number: i128 = 0;
    let mut point = false;
    let mut places = 0;
    let mut digits = 0;
    while let [byte, more @ ..] = rest {
        rest = more;
        if *byte == b'.' && !point && digits > 0 && !rest.is_empty() {
            point = true;
            continue;
        }
        if !byte.is_ascii_digit() {
            return None;
        }
        digits += 1;
        let digit = (*byte - b'0') as i128;
        if point {
            places += 1;
            if places > scale {
                // Zeros behind the last place say nothing new.
                if digit != 0 {
                    return None;
                }
                continue;
            }
        }
        number = match number.checked_mul(10) {
            Some(tens) => match tens.checked_add(digit) {
                Some(number) => number,
                None => return None,
            },
            None => return None,
        };
    }
    if digits == 0 {
        return None;
    }
    while places < scale {
        places += 1;
        number = match number.checked_mul(10) {
            Some(number) => number,
            None => return None,
        };
    }
    match 10_i128.checked_pow(precision) {
        Some(limit) if number >= limit => None,
        _ if negative => Some(-number),
        _ => Some(number),
    }
}

/// A decimal's bytes as Avro's JSON has them: a string whose characters are the bytes, the fewest that hold the sign.
const fn push_bytes(unscaled: i128, sink: &mut Sink<'_>) {
    let bytes = unscaled.to_be_bytes();
    let mut rest: &[u8] = &bytes;
    while let [first, tail @ ..] = rest {
        let next = match tail {
            [next, ..] => *next,
            [] => break,
        };
        let filler = (*first == 0 && next < 0x80) || (*first == 0xff && next >= 0x80);
        if !filler {
            break;
        }
        rest = tail;
    }
    sink.byte(b'"');
    while let [byte, tail @ ..] = rest {
        rest = tail;
        sink.push("\\u00");
        sink.byte(hex(*byte >> 4));
        sink.byte(hex(*byte & 15));
    }
    sink.byte(b'"');
}

const fn hex(digit: u8) -> u8 {
    if digit < 10 {
        b'0' + digit
    } else {
        b'a' + (digit - 10)
    }
}

const fn same(one: &[u8], two: &[u8]) -> bool {
    let (mut one, mut two) = (one, two);
    while let ([a, one_rest @ ..], [b, two_rest @ ..]) = (one, two) {
        if *a != *b {
            return false;
        }
        (one, two) = (one_rest, two_rest);
    }
    one.is_empty() && two.is_empty()
}

const fn is_uuid(text: &[u8]) -> bool {
    let mut rest = text;
    let mut at = 0;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        let right = match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        };
        if !right {
            return false;
        }
        at += 1;
    }
    at == 36
}

/// Two digits as a number up to `most`.
const fn two(tens: u8, ones: u8, most: i64) -> Option<i64> {
    if !tens.is_ascii_digit() || !ones.is_ascii_digit() {
        return None;
    }
    let number = (tens - b'0') as i64 * 10 + (ones - b'0') as i64;
    if number <= most { Some(number) } else { None }
}

/// Days since 1970-01-01 of `2024-01-31`.
const fn date(text: &str) -> Option<i64> {
    match text.as_bytes() {
        [c, d, y, z, b'-', m, n, b'-', e, f] => days([*c, *d, *y, *z], [*m, *n], [*e, *f]),
        _ => None,
    }
}

const fn days(year: [u8; 4], month: [u8; 2], day: [u8; 2]) -> Option<i64> {
    let ([c, d, y, z], [m, n], [e, f]) = (year, month, day);
    let (Some(century), Some(year), Some(month), Some(day)) =
        (two(c, d, 99), two(y, z, 99), two(m, n, 12), two(e, f, 31))
    else {
        return None;
    };
    let year = century * 100 + year;
    if year < 1 || month < 1 || day < 1 || day > month_days(year, month) {
        return None;
    }
    // Years begin in March, so that the leap day is the last one: the days before them are then a plain sum.
    let (years, months) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let before = years * 365 + years / 4 - years / 100 + years / 400;
    Some(before + (months * 153 + 2) / 5 + day - 1 - 719_468)
}

const fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Milliseconds since midnight of `12:30`, `12:30:05` or `12:30:05.123`.
const fn time(text: &str) -> Option<i64> {
    match clock(text.as_bytes()) {
        Some((millis, [])) => Some(millis),
        _ => None,
    }
}

/// A time of day, and what stands behind it.
const fn clock(text: &[u8]) -> Option<(i64, &[u8])> {
    let [h, o, b':', m, i, rest @ ..] = text else {
        return None;
    };
    let (Some(hours), Some(minutes)) = (two(*h, *o, 23), two(*m, *i, 59)) else {
        return None;
    };
    let millis = (hours * 60 + minutes) * 60_000;
    let [b':', s, e, rest @ ..] = rest else {
        return Some((millis, rest));
    };
    let Some(seconds) = two(*s, *e, 59) else {
        return None;
    };
    let millis = millis + seconds * 1000;
    let [b'.', rest @ ..] = rest else {
        return Some((millis, rest));
    };
    let (mut rest, mut part, mut unit) = (rest, 0, 100);
    while let [digit @ b'0'..=b'9', tail @ ..] = rest {
        // A fourth digit is finer than a millisecond.
        if unit == 0 && *digit != b'0' {
            return None;
        }
        part += unit * (*digit - b'0') as i64;
        unit /= 10;
        rest = tail;
    }
    if unit == 100 {
        return None;
    }
    Some((millis + part, rest))
}

/// Milliseconds since 1970-01-01 UTC of `2024-01-31T12:30:00Z`, or with an offset such as `+02:00`.
const fn moment(text: &str) -> Option<i64> {
    let [c, d, y, z, b'-', m, n, b'-', e, f, b'T' | b' ', rest @ ..] = text.as_bytes() else {
        return None;
    };
    let (Some(days), Some((millis, zone))) =
        (days([*c, *d, *y, *z], [*m, *n], [*e, *f]), clock(rest))
    else {
        return None;
    };
    let offset = match zone {
        [b'Z'] => 0,
        [sign @ (b'+' | b'-'), h, o, b':', m, i] => match (two(*h, *o, 23), two(*m, *i, 59)) {
            (Some(hours), Some(minutes)) if *sign == b'+' => hours * 60 + minutes,
            (Some(hours), Some(minutes)) => -(hours * 60 + minutes),
            _ => return None,
        },
        _ => return None,
    };
    Some(days * 86_400_000 + millis - offset * 60_000)
}

#[cfg(test)]
mod tests {
    use super::{fits, is_variant, json, text};
    use crate::types::Type;

    const DECIMAL: Type<'static> = Type::Decimal {
        precision: 6,
        scale: 2,
    };

    #[test]
    fn dates_and_times_are_the_numbers_of_avro() {
        for (ty, written, expected) in [
            (Type::Date, "\"1970-01-01\"", "0"),
            (Type::Date, "\"2024-02-29\"", "19782"),
            (Type::Date, "\"1969-12-31\"", "-1"),
            (Type::Date, "\"0001-01-01\"", "-719162"),
            (Type::Time, "\"12:30\"", "45000000"),
            (Type::Time, "\"00:00:01.25\"", "1250"),
            (Type::DateTime, "\"1970-01-02T00:00:00.001Z\"", "86400001"),
            (Type::DateTime, "\"1970-01-01T01:00:00+02:00\"", "-3600000"),
        ] {
            assert!(fits(&ty, written, 0.0), "{written}");
            assert_eq!(json(ty, written), expected, "{written}");
        }
    }

    #[test]
    fn decimals_are_the_fewest_bytes_that_hold_them() {
        for (written, expected) in [
            ("\"1.50\"", r#""\u0000\u0096""#),
            ("1.5", r#""\u0000\u0096""#),
            ("0", r#""\u0000""#),
            ("-1", r#""\u009c""#),
            ("\"-0.01\"", r#""\u00ff""#),
            ("9999.990", r#""\u000f\u0042\u003f""#),
        ] {
            assert!(fits(&DECIMAL, written, 0.0), "{written}");
            assert_eq!(json(DECIMAL, written), expected, "{written}");
        }
    }

    #[test]
    fn what_would_be_rounded_or_does_not_exist_is_refused() {
        for (ty, written) in [
            (DECIMAL, "10000"),
            (DECIMAL, "1.501"),
            (DECIMAL, "1e2"),
            (DECIMAL, "\"\""),
            (DECIMAL, "\"1.\""),
            (Type::Date, "\"2023-02-29\""),
            (Type::Date, "\"2024-1-31\""),
            (Type::Date, "20240131"),
            (Type::Time, "\"24:00\""),
            (Type::Time, "\"12:30:00.1234\""),
            (Type::Time, "\"12:30:00.\""),
            (Type::DateTime, "\"2024-01-31T12:30:00\""),
            (Type::Uuid, "\"00000000-0000-0000-0000-00000000000\""),
            (Type::Int64, "5.0"),
            (Type::Int64, "\"5\""),
            (Type::String, "5"),
            (Type::Bytes, "\"ä\""),
        ] {
            assert!(!fits(&ty, written, 0.0), "{written} for {ty:?}");
        }
        assert!(!fits(&Type::Float32, "1e39", 1e39));
        assert!(!fits(&Type::Float32, "1e-60", 1e-60));
        assert!(fits(&Type::Float32, "0.1", 0.1));
    }

    #[test]
    fn a_text_is_what_was_written_before_it_became_json() {
        assert_eq!(text(r#""a\"\n\u0001ä""#).as_deref(), Some("a\"\n\u{1}ä"));
        assert_eq!(text("5"), None);
        assert!(is_variant("\"New\"", &["Old", "New"]));
        assert!(!is_variant("\"Ne\"", &["Old", "New"]));
    }
}
