//! Durations and date-time patterns: what is written is read back, what means something else to the server is refused.

#![allow(missing_docs)]

use ksql_runtime::prelude::*;
use ksql_schema::datetime_format::{Parts, Pattern};
use ksql_schema::duration;
use ksql_tests::strategies::cases;
use proptest::prelude::*;

const UNITS: [(&str, u64); 17] = [
    ("ms", 1),
    ("millis", 1),
    ("milliseconds", 1),
    ("s", 1000),
    ("sec", 1000),
    ("secs", 1000),
    ("second", 1000),
    ("seconds", 1000),
    ("m", 60_000),
    ("min", 60_000),
    ("minute", 60_000),
    ("minutes", 60_000),
    ("h", 3_600_000),
    ("hour", 3_600_000),
    ("hours", 3_600_000),
    ("d", 86_400_000),
    ("days", 86_400_000),
];

/// Dates that every calendar has, in years of four digits.
fn moments() -> impl Strategy<Value = Parts> {
    (
        1_i32..=9999,
        1_u32..=12,
        1_u32..=28,
        0_u32..24,
        0_u32..60,
        0_u32..60,
        0_u32..1_000_000_000,
    )
        .prop_map(|(year, month, day, hour, minute, second, nano)| Parts {
            year,
            month,
            day,
            hour,
            minute,
            second,
            nano,
        })
}

fn text_of(pattern: &Pattern, parts: &Parts) -> Result<String, String> {
    let mut text = String::new();
    pattern.format(parts, &mut text).map(|()| text)
}

/// Letters of a pattern that hold a whole moment, in any order, with separators of all kinds between them.
fn patterns() -> impl Strategy<Value = String> {
    let units = (
        prop::sample::select(vec!["yyyy", "uuuu", "y", "u"]),
        prop::sample::select(vec!["MM", "MMM", "M"]),
        prop::sample::select(vec!["dd", "d"]),
        prop::sample::select(vec!["HH", "H", "hh a", "a'-'h"]),
        prop::sample::select(vec!["mm", "m"]),
        prop::sample::select(vec!["ss", "s"]),
        Just("SSSSSSSSS"),
    );
    let between = prop::sample::select(vec![
        "-",
        "/",
        " ",
        ".",
        ":",
        ",",
        "_",
        "'T'",
        "' o''clock '",
        "''",
        "'é'",
        "é",
    ]);
    (
        units,
        prop::collection::vec(between, 6),
        Just([0, 1, 2, 3, 4, 5, 6]).prop_shuffle(),
    )
        .prop_map(|((y, mo, d, h, mi, s, n), between, order)| {
            let units = [y, mo, d, h, mi, s, n];
            let mut out = String::new();
            for (place, unit) in order.into_iter().enumerate() {
                if place > 0 {
                    out.push_str(between[place - 1]);
                }
                out.push_str(units[unit]);
            }
            out
        })
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn a_duration_is_its_number_of_units(number in 0_u64..1_000_000, unit in prop::sample::select(UNITS.to_vec()), spaces in 0_usize..3) {
        let text = format!("{number}{}{}", " ".repeat(spaces), unit.0);
        prop_assert_eq!(duration::parse(&text), Ok(number * unit.1));
    }

    #[test]
    fn no_text_makes_a_duration_panic_and_none_overflows(text in any::<String>(), number in any::<u128>(), unit in prop::sample::select(UNITS.to_vec())) {
        let _ = duration::parse(&text);
        let wanted = number.checked_mul(unit.1.into()).and_then(|millis| i64::try_from(millis).ok());
        prop_assert_eq!(duration::parse(&format!("{number}{}", unit.0)).ok(), wanted.map(|millis| millis as u64));
    }

    #[test]
    fn only_whole_numbers_of_known_units_are_durations(text in "[0-9]{0,3}[ .,-]{0,1}[a-z]{0,4}") {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        let unit = text[digits.len()..].trim();
        let known = UNITS.iter().any(|(name, _)| *name == unit) || ["millisecond", "mins", "day"].contains(&unit);
        prop_assert_eq!(duration::parse(&text).is_ok(), !digits.is_empty() && known, "{}", text);
    }

    #[test]
    fn a_pattern_of_full_precision_reads_back_what_it_writes(pattern in patterns(), parts in moments()) {
        let read = Pattern::parse(&pattern).expect("the pattern is right");
        prop_assert!(read.has_date() && read.has_time());
        let text = text_of(&read, &parts).expect("the year fits");
        prop_assert_eq!(read.read(&text), Ok(parts), "{}: {}", pattern, text);
    }

    #[test]
    fn digits_without_separators_are_read_back_where_each_has_its_width(parts in moments()) {
        for pattern in ["yyyyMMddHHmmssSSSSSSSSS", "SSSSSSSSSssmmHHddMMyyyy", "uuuuMMMddHHmmssSSSSSSSSS", "hhammyyyyMMddssSSSSSSSSS"] {
            let read = Pattern::parse(pattern).expect("the pattern is right");
            let text = text_of(&read, &parts).expect("the year fits");
            prop_assert_eq!(read.read(&text), Ok(parts), "{}: {}", pattern, text);
        }
    }

    #[test]
    fn what_a_pattern_writes_after_reading_is_what_it_read(text in "[0-9]{1,4}-[0-9]{1,2}-[0-9]{1,2} [0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}") {
        let pattern = Pattern::parse("yyyy-MM-dd HH:mm:ss").expect("the pattern is right");
        if let Ok(parts) = pattern.read(&text) {
            prop_assert_eq!(text_of(&pattern, &parts), Ok(text));
        }
    }

    #[test]
    fn no_pattern_and_no_text_panic(pattern in prop_oneof![any::<String>(), "[yuMdHhmsSaT' :{}é0-9]{0,12}"], text in any::<String>(), near in "[0-9A-Za-zé :.-]{0,24}", parts in moments()) {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            let _ = pattern.read(&text);
            let _ = pattern.read(&near);
            if let Ok(written) = text_of(&pattern, &parts) {
                // Whatever a pattern accepts for writing it can read, if not in full.
                prop_assert!(pattern.read(&written).is_ok(), "{:?}: {}", pattern, written);
            }
        }
    }

    #[test]
    fn letters_that_are_not_known_are_refused_by_name(letter in "[A-Za-z]", width in 1_usize..4) {
        let pattern = format!("yyyy-MM-dd {}", letter.repeat(width));
        let known = "yuMdHhmsSa".contains(&letter);
        match Pattern::parse(&pattern) {
            Ok(_) => prop_assert!(known, "{}", pattern),
            Err(refusal) => prop_assert!(refusal.contains(&letter) && (!known || refusal.contains("wide")), "{}: {}", pattern, refusal),
        }
    }

    #[test]
    fn quoted_text_is_taken_as_it_stands(inside in "[^']{1,10}", parts in moments()) {
        let pattern = Pattern::parse(&format!("yyyy'{inside}'MM")).expect("the pattern is right");
        let wanted = format!("{:04}{inside}{:02}", parts.year, parts.month);
        prop_assert_eq!(text_of(&pattern, &parts), Ok(wanted));
    }
}

/// What Java's `DateTimeFormatter` writes for 2024-02-09T15:04:05.678901234.
#[test]
fn patterns_mean_what_java_makes_of_them() {
    let parts = Parts {
        year: 2024,
        month: 2,
        day: 9,
        hour: 15,
        minute: 4,
        second: 5,
        nano: 678_901_234,
    };
    for (pattern, wanted) in [
        ("yyyy-MM-dd", "2024-02-09"),
        ("HH:mm:ss.SSS", "15:04:05.678"),
        ("yyyy-MM-dd'T'HH:mm:ss", "2024-02-09T15:04:05"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "2024-02-09T15:04:05.678Z"),
        ("yyyyMMddHHmmssSSS", "20240209150405678"),
        ("d.M.yy h:m a", "9.2.24 3:4 PM"),
        ("dd MMM uuuu hh 'o''clock' a", "09 Feb 2024 03 o'clock PM"),
        ("''yyyy''", "'2024'"),
        ("y", "2024"),
        ("ss.S ss.SSSSSSSSS", "05.6 05.678901234"),
    ] {
        let found = Pattern::parse(pattern).and_then(|pattern| text_of(&pattern, &parts));
        assert_eq!(found.as_deref(), Ok(wanted), "{pattern}");
    }
}

#[test]
fn midnight_and_noon_are_twelve_on_a_clock_of_half_days() {
    let pattern = Pattern::parse("hh:mm a").expect("the pattern is right");
    for (hour, wanted) in [
        (0, "12:30 AM"),
        (1, "01:30 AM"),
        (11, "11:30 AM"),
        (12, "12:30 PM"),
        (13, "01:30 PM"),
        (23, "11:30 PM"),
    ] {
        let parts = Parts {
            hour,
            minute: 30,
            ..Parts::default()
        };
        assert_eq!(text_of(&pattern, &parts).as_deref(), Ok(wanted));
        assert_eq!(pattern.read(&wanted.to_lowercase()), Ok(parts));
    }
}

#[test]
fn texts_that_java_refuses_are_refused() {
    for (pattern, text) in [
        ("yyyy-MM-dd", "12024-01-01"),
        ("yyyy-MM-dd", "2024-1-01"),
        ("yyyy-MM-dd", "2024-13-01"),
        ("yyyy-MM-dd", "2024-00-01"),
        ("yyyy-MM-dd", "2024-01-32"),
        ("yyyy-MM-dd", "2024-01-01 "),
        ("yyyy-MM-dd", ""),
        ("yyyy-MM-dd", "0000-01-01"),
        ("yyyy-MM-dd", "-001-01-01"),
        ("yy-MM-dd", "2024-01-01"),
        ("HH:mm", "24:00"),
        ("HH:mm", "10:60"),
        ("HH:mm:ss", "10:10:60"),
        ("hh:mm a", "13:00 PM"),
        ("hh:mm a", "00:00 AM"),
        ("hh:mm a", "10:00 XM"),
        ("HH a", "15 AM"),
        ("ss.S", "05.123"),
        ("ss.SSS", "05.12"),
        ("dd MMM yyyy", "01 Foo 2024"),
        ("dd MMM yyyy", "01 Fé"),
        ("yyyy-MM-dd'T'HH", "2024-01-01 10"),
        ("HH:mm", "١٢:٠٠"),
    ] {
        let read = Pattern::parse(pattern)
            .expect("the pattern is right")
            .read(text);
        assert!(read.is_err(), "{pattern} read {text:?} as {read:?}");
    }
}

/// Java would take the last day of the month instead: two texts would be one moment.
#[test]
fn days_that_no_calendar_has_are_refused() {
    let read = |pattern: &str, text: &str| {
        Pattern::parse(pattern)
            .and_then(|pattern| pattern.read(text))
            .is_ok()
    };
    for (text, exists) in [
        ("2024-02-29", true),
        ("2023-02-29", false),
        ("2000-02-29", true),
        ("1900-02-29", false),
        ("2024-02-30", false),
        ("2024-04-30", true),
        ("2024-04-31", false),
        ("2024-12-31", true),
        ("2024-11-31", false),
    ] {
        assert_eq!(read("yyyy-MM-dd", text), exists, "{text}");
    }
    assert!(
        read("dd.MM", "29.02") && !read("dd.MM", "30.02"),
        "without a year every February may have 29 days"
    );
}

#[test]
fn what_a_pattern_does_not_name_is_that_of_the_epoch() {
    let read =
        |pattern: &str, text: &str| Pattern::parse(pattern).and_then(|pattern| pattern.read(text));
    assert_eq!(
        read("yyyy-MM-dd", "2024-02-09"),
        Ok(Parts {
            year: 2024,
            month: 2,
            day: 9,
            ..Parts::default()
        })
    );
    assert_eq!(
        read("HH:mm", "10:30"),
        Ok(Parts {
            hour: 10,
            minute: 30,
            ..Parts::default()
        })
    );
    let covers = |pattern: &str| {
        Pattern::parse(pattern).map(|pattern| (pattern.has_date(), pattern.has_time()))
    };
    assert_eq!(covers("yyyy-MM-dd"), Ok((true, false)));
    assert_eq!(covers("yyyy-MM HH"), Ok((false, true)));
    assert_eq!(covers("hh:mm"), Ok((false, false)));
    assert_eq!(covers("hh a"), Ok((false, true)));
}

#[test]
fn years_that_could_not_be_read_back_are_not_written() {
    for (pattern, least, most) in [
        ("yyyy", 1, 9999),
        ("uuuu", 1, 9999),
        ("yy", 2000, 2099),
        ("y", 1, 262_142),
    ] {
        let read = Pattern::parse(pattern).expect("the pattern is right");
        for year in [least, most] {
            let parts = Parts {
                year,
                ..Parts::default()
            };
            let text = text_of(&read, &parts).expect("the year fits");
            assert_eq!(read.read(&text), Ok(parts), "{pattern} {text}");
        }
        assert!(
            text_of(
                &read,
                &Parts {
                    year: least - 1,
                    ..Parts::default()
                }
            )
            .is_err_and(|text| text.contains("does not fit")),
            "{pattern}"
        );
        if most < 100_000 {
            assert!(
                text_of(
                    &read,
                    &Parts {
                        year: most + 1,
                        ..Parts::default()
                    }
                )
                .is_err(),
                "{pattern}"
            );
        }
    }
}

#[test]
fn a_number_without_a_width_may_not_run_into_digits() {
    for (pattern, letter) in [
        ("Hmm", 'H'),
        ("yMMdd", 'y'),
        ("yyyMM", 'y'),
        ("yyyyMd", 'M'),
        ("d'1'", 'd'),
        ("s0", 's'),
        ("hmm a", 'h'),
    ] {
        let refusal = Pattern::parse(pattern).expect_err(pattern);
        assert!(
            refusal.contains(&format!("write `{letter}{letter}`")),
            "{pattern}: {refusal}"
        );
    }
    for pattern in ["HHm", "H:mm", "dMMM", "ha", "SSs", "yyMMdd"] {
        assert!(Pattern::parse(pattern).is_ok(), "{pattern}");
    }
}

#[test]
fn zones_and_what_is_better_quoted_are_refused_with_the_cure() {
    for (pattern, cure) in [
        ("yyyy-MM-ddTHH:mm", "`'T'`"),
        ("HH:mm z", "UTC"),
        ("HH:mm Z", "UTC"),
        ("HH:mm XXX", "UTC"),
        ("HH:mm x", "UTC"),
        ("VV HH", "UTC"),
        ("O HH", "UTC"),
        ("EEE dd", "unknown"),
        ("YYYY-MM-dd", "unknown"),
        ("DDD", "unknown"),
        ("LLL", "unknown"),
        ("n", "unknown"),
        ("MMMM", "wide"),
        ("HHH", "wide"),
        ("SSSSSSSSSS", "wide"),
        ("hh aa", "wide"),
        ("yyyy{", "`'{'`"),
        ("[HH]", "`'['`"),
        ("HH#", "`'#'`"),
        ("HH 'uhr", "close it"),
        ("'HH'", "no date"),
        ("---", "no date"),
    ] {
        assert!(
            Pattern::parse(pattern).is_err_and(|text| text.contains(cure)),
            "{pattern}: {:?}",
            Pattern::parse(pattern)
        );
    }
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("letters")]
#[stream]
struct Letter {
    #[datetime_format(
        "'written on the day that is, in the order of year and month and day,' yyyy-MM-dd"
    )]
    on: NaiveDate,
    text: String,
}

#[test]
fn a_text_whose_length_needs_two_bytes_is_read_back() {
    let letter = Letter {
        on: NaiveDate::from_ymd_opt(2024, 2, 29).expect("a day"),
        text: "dear".into(),
    };
    let mut body = Vec::new();
    letter.encode_value(&mut body).expect("it is written");
    assert!(body.first().is_some_and(|first| first & 0x80 != 0));
    assert_eq!(
        Letter::decode(ksql_runtime::entity::NoKey, &body),
        Ok(letter)
    );
}
