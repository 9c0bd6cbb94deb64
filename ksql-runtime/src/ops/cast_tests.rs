//! Tables of casts.

use super::*;
use crate::codec::{Date, Dec, Time, Timestamp};

fn one<'a, T: Output<'a>, A: Operand<'a>>(scratch: &'a Scratch, value: A) -> T {
    cast(scratch, value)
}

fn dec<const P: u32, const S: u32>(text: &str) -> Option<Dec<P, S>> {
    text.parse().ok()
}

#[test]
fn numbers_truncate_then_wrap_or_saturate() {
    let scratch = Scratch::new();
    assert_eq!(one::<i32, _>(&scratch, 4_294_967_298_i64), 2);
    assert_eq!(one::<i32, _>(&scratch, dec::<12, 1>("4294967298.9")), 2);
    assert_eq!(
        one::<i64, _>(&scratch, dec::<38, 0>("18446744073709551617")),
        1
    );
    assert_eq!(one::<i32, _>(&scratch, -1.9), -1);
    assert_eq!(one::<i32, _>(&scratch, 1e20), i32::MAX);
    assert_eq!(one::<i64, _>(&scratch, f64::NAN), 0);
    assert_eq!(one::<f64, _>(&scratch, dec::<5, 2>("0.10")), 0.1);
    assert_eq!(
        one::<f64, _>(
            &scratch,
            dec::<38, 20>("123456789012345678.12345678901234567891")
        ),
        123456789012345678.12345678901234567891
    );
}

#[test]
fn decimals_round_half_up_after_the_bound_was_asked() {
    let scratch = Scratch::new();
    for (from, to) in [
        ("10.125", Some("10.13")),
        ("-10.125", Some("-10.13")),
        ("10.124", Some("10.12")),
        ("99.994", Some("99.99")),
        ("100.000", None),
        ("-100.000", None),
    ] {
        assert_eq!(
            one::<Option<Dec<4, 2>>, _>(&scratch, dec::<6, 3>(from)),
            to.and_then(dec),
            "{from}"
        );
    }
    assert_eq!(one::<Option<Dec<2, 1>>, _>(&scratch, 10), None);
    assert_eq!(one::<Option<Dec<2, 1>>, _>(&scratch, -1), dec("-1.0"));
    // It was below the bound before it was rounded, and has a digit more than the type: ksqlDB lets it pass.
    let most = one::<Any<'_>, _>(&scratch, dec::<5, 3>("99.999"));
    assert!(matches!(most, Any::Null), "a cast has a type");
    let most = one::<Option<Dec<4, 2>>, _>(&scratch, dec::<5, 3>("99.999"));
    assert_eq!(most.map(Dec::unscaled), Some(10_000));
    assert!(matches!(
        to(
            &scratch,
            dec::<5, 3>("99.999").any(),
            Shape::Decimal {
                precision: 4,
                scale: 2
            }
        ),
        Any::Decimal(10_000, 2)
    ));
}

#[test]
fn doubles_are_rounded_twice_on_their_way_to_a_decimal() {
    let scratch = Scratch::new();
    for (from, to) in [
        (0.1, Some("0.1")),
        (0.99, Some("1.0")),
        (0.01, Some("0.0")),
        (9.94, Some("9.9")),
        (10.0, None),
        (f64::NAN, None),
        (f64::INFINITY, None),
        (-1.05, Some("-1.1")),
        (1e-300, Some("0.0")),
        (0.0, Some("0.0")),
    ] {
        assert_eq!(
            one::<Option<Dec<2, 1>>, _>(&scratch, from),
            to.and_then(dec),
            "{from}"
        );
    }
    // The exact value lies below the half: 1.00499999999999989...
    assert_eq!(one::<Option<Dec<38, 2>>, _>(&scratch, 1.005), dec("1.00"));
    assert_eq!(
        one::<Option<Dec<4, 2>>, _>(&scratch, 1.005),
        dec("1.01"),
        "four digits first: 1.005"
    );
}

#[test]
fn texts_become_numbers_as_java_parses() {
    let scratch = Scratch::new();
    for (text, number) in [
        (" 42 ", Some(42)),
        ("+7", Some(7)),
        ("-0", Some(0)),
        ("2147483648", None),
        ("1.0", None),
        ("", None),
        ("abc", None),
        ("1 2", None),
    ] {
        assert_eq!(one::<Option<i32>, _>(&scratch, text), number, "{text}");
    }
    for (text, number) in [
        ("0.99", Some("1.0")),
        (" 1e0 ", Some("1.0")),
        (".5", Some("0.5")),
        ("5.", Some("5.0")),
        ("-0.05", Some("-0.1")),
        ("10", None),
        ("NaN", None),
        ("", None),
        (".", None),
        ("1e", None),
        ("0e99", Some("0.0")),
        ("1e-99999", Some("0.0")),
        ("9.95", Some("10.0")),
    ] {
        let to = to(
            &scratch,
            Any::String(text),
            Shape::Decimal {
                precision: 2,
                scale: 1,
            },
        );
        let wanted = number.map(|number| number.replace('.', "").parse::<i128>());
        let got = match to {
            Any::Decimal(unscaled, 1) => Some(Ok(unscaled)),
            _ => None,
        };
        assert_eq!(got, wanted, "{text}");
    }
    assert_eq!(one::<Option<f64>, _>(&scratch, " 1.5e3f "), Some(1500.0));
    assert_eq!(one::<Option<f64>, _>(&scratch, "NaN"), None);
    for (text, truth) in [
        ("true", true),
        ("T", true),
        ("yE", true),
        (" yes ", true),
        ("", false),
        ("truest", false),
        ("no", false),
        ("1", false),
    ] {
        assert_eq!(
            one::<Option<bool>, _>(&scratch, text),
            Some(truth),
            "{text}"
        );
    }
}

#[test]
fn texts_of_values_are_javas() {
    let scratch = Scratch::new();
    assert_eq!(one::<&str, _>(&scratch, -1), "-1");
    assert_eq!(one::<&str, _>(&scratch, 1e10), "1.0E10");
    assert_eq!(one::<&str, _>(&scratch, dec::<9, 4>("-0.5")), "-0.5000");
    assert_eq!(one::<&str, _>(&scratch, true), "true");
    assert_eq!(
        one::<&str, _>(&scratch, Timestamp(10)),
        "1970-01-01T00:00:00.010"
    );
    assert_eq!(one::<&str, _>(&scratch, Time(4000)), "00:00:04");
    assert_eq!(one::<&str, _>(&scratch, Date(4)), "1970-01-05");
    assert_eq!(one::<Option<&str>, _>(&scratch, None::<i32>), None);
    assert_eq!(one::<Option<&str>, _>(&scratch, &b"x"[..]), None);
    let list = [Any::Integer(1), Any::Null, Any::String("x")];
    assert_eq!(one::<&str, _>(&scratch, List::new(&list)), "[1, null, x]");
}

#[test]
fn temporal_casts_are_in_utc() {
    let scratch = Scratch::new();
    for (millis, day, time) in [
        (5000, 0, 5000),
        (-2000, -1, 86_398_000),
        (86_400_100, 1, 100),
    ] {
        assert_eq!(one::<Date, _>(&scratch, Timestamp(millis)), Date(day));
        assert_eq!(one::<Time, _>(&scratch, Timestamp(millis)), Time(time));
    }
    assert_eq!(
        one::<Timestamp, _>(&scratch, Date(1)),
        Timestamp(86_400_000)
    );
    assert_eq!(one::<Option<Time>, _>(&scratch, "foo"), None);
    assert_eq!(
        one::<Option<Time>, _>(&scratch, " 00:01 "),
        Some(Time(60_000))
    );
    assert_eq!(one::<Option<&[u8]>, _>(&scratch, "aGk="), Some(&b"hi"[..]));
    assert_eq!(one::<Option<&[u8]>, _>(&scratch, "aGk"), Some(&b"hi"[..]));
    assert_eq!(one::<Option<&[u8]>, _>(&scratch, "a*"), None);
}

#[test]
fn elements_are_cast_one_by_one_and_fail_one_by_one() {
    let scratch = Scratch::new();
    let items = [Any::String("10"), Any::Null, Any::String("x")];
    let whole = Sql::Array(ksql_schema::query::Elem::new(Sql::Integer, true));
    let list = deep(&scratch, Any::List(List::new(&items)), whole);
    assert_eq!(format!("{list:?}"), "List([Integer(10), Null, Null])");
    let entries = [("a", Any::String("1")), ("b", Any::String("x"))];
    let whole = Sql::Map(ksql_schema::query::Elem::new(Sql::Bigint, true));
    let map = deep(&scratch, Any::Map(Map::new(&entries)), whole);
    assert_eq!(format!("{map:?}"), "Map({\"a\": Bigint(1), \"b\": Null})");
    let none = deep(&scratch, Any::Failed, whole);
    assert!(none.is_null());
}

#[test]
fn a_failure_inside_a_cast_is_null_in_its_place() {
    let scratch = Scratch::new();
    assert_eq!(
        one::<Result<Option<i32>, super::super::Failed>, _>(&scratch, Any::Failed),
        Ok(None)
    );
}
