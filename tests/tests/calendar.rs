//! Days and dates are those of another calendar of the same rules.

use ksql_schema::instant::{civil_from_days, days_from_civil, parse_timestamp, write_timestamp};

proptest::proptest! {
    #[test]
    fn days_and_dates_are_one_to_one(days in -3_000_000_i32..3_000_000) {
        let (year, month, day) = civil_from_days(days.into());
        proptest::prop_assert_eq!(days_from_civil(year, month, day), Some(days));
        let chrono = chrono::NaiveDate::from_num_days_from_ce_opt(days + 719_163);
        use chrono::Datelike;
        proptest::prop_assert_eq!(chrono.map(|date| (date.year().into(), date.month(), date.day())), Some((year, month, day)));
    }

    #[test]
    fn a_moment_is_read_back_from_its_text(millis in -62_135_596_800_000_i64..253_402_300_800_000) {
        let mut text = String::new();
        write_timestamp(millis, &mut text).expect("a text takes it");
        proptest::prop_assert_eq!(parse_timestamp(&text), Some(millis));
    }
}
