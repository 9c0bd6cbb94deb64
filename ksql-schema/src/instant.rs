//! Dates, times of day and moments as ksqlDB's casts and comparisons read and write them.
//!
//! A date may lack the day, or month and day; a moment may end anywhere in its time of day and may name an offset. All is UTC
//! where no offset is named, in the proleptic Gregorian calendar.

use std::fmt::{self, Write};

/// Milliseconds of a day.
pub const DAY: i64 = 86_400_000;

/// Days since 1970-01-01 of a date that exists.
pub fn days_from_civil(year: i64, month: u32, day: u32) -> Option<i32> {
    if !(1..=12).contains(&month) || day == 0 || day > month_length(year, month) {
        return None;
    }
    let (year, month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let day_of_year = i64::from((153 * month + 2) / 5 + day - 1);
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468;
    i32::try_from(days).ok()
}

/// Year, month and day of days since 1970-01-01.
pub fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month + 2) / 5 + 1) as u32;
    let month = if month < 10 { month + 3 } else { month - 9 } as u32;
    (era * 400 + year + i64::from(month <= 2), month, day)
}

/// The days of a month.
pub fn month_length(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Digits of exactly this number, and what is behind them.
fn number(text: &str, width: usize) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(width)?;
    let all = digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((digits.parse().ok().filter(|_| all)?, rest))
}

/// `2020`, `2020-05` and `2020-05-26`: what is missing is the first.
fn complete(text: &str) -> String {
    match text.trim_end_matches('-').split('-').count() {
        1 => format!("{text}-01-01"),
        2 => format!("{text}-01"),
        _ => text.to_owned(),
    }
}

fn year_month_day(text: &str) -> Option<(i64, u32, u32)> {
    let (negative, signed) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let width = signed.bytes().take_while(u8::is_ascii_digit).count();
    let plain = width == 4 && !text.starts_with('+');
    let long = (5..=9).contains(&width) && (negative || text.starts_with('+'));
    if !plain && !long {
        return None;
    }
    let (year, rest) = number(signed, width)?;
    let (month, rest) = number(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = number(rest.strip_prefix('-')?, 2)?;
    let year = i64::from(year) * if negative { -1 } else { 1 };
    rest.is_empty().then_some((year, month, day))
}

/// A date, as days since 1970-01-01.
pub fn parse_date(text: &str) -> Option<i32> {
    let (year, month, day) = year_month_day(&complete(text))?;
    days_from_civil(year, month, day)
}

/// A time of day, as milliseconds since midnight; `HH:mm` at the least.
pub fn parse_time(text: &str) -> Option<i32> {
    let (hour, rest) = number(text, 2)?;
    let (minute, rest) = number(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => number(rest, 2)?,
        None => (0, rest),
    };
    let millis = match rest.strip_prefix('.') {
        Some(part) if part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit()) => {
            // Without seconds there is no fraction.
            if text.len() - rest.len() != 8 {
                return None;
            }
            format!("{part:0<3}").get(..3)?.parse().ok()?
        }
        Some(_) => return None,
        None if rest.is_empty() => 0,
        None => return None,
    };
    (hour < 24 && minute < 60 && second < 60)
        .then_some((((hour * 60 + minute) * 60 + second) * 1000 + millis) as i32)
}

/// An offset in milliseconds: `+2`, `+02`, `+0200`, `+02:00`, with seconds too.
pub fn parse_offset(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, text.get(1..)?),
        b'-' => (-1, text.get(1..)?),
        _ => return None,
    };
    let (hour, rest) = match digits.len() {
        1 => number(digits, 1)?,
        _ => number(digits, 2)?,
    };
    let colon = rest.starts_with(':');
    let mut rest = rest;
    let mut parts = [0, 0];
    for part in &mut parts {
        if rest.is_empty() {
            break;
        }
        let digits = if colon { rest.strip_prefix(':')? } else { rest };
        (*part, rest) = number(digits, 2)?;
    }
    let [minute, second] = parts;
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    (rest.is_empty() && minute < 60 && second < 60 && seconds <= 18 * 3600)
        .then_some(sign * seconds * 1000)
}

/// What stands where a time of day ends early.
const REST: &str = "00:00:00.000";

/// A moment, as milliseconds since 1970-01-01 UTC.
pub fn parse_timestamp(text: &str) -> Option<i64> {
    let (date, time, offset) = match text.split_once('T') {
        None => (complete(text), REST.to_owned(), 0),
        Some((date, behind)) => {
            let zone = behind.find('+').or_else(|| behind.find('-'));
            let (time, zone) = behind.split_at_checked(zone.unwrap_or(behind.len()))?;
            let time = time.strip_suffix('Z').unwrap_or(time);
            let offset = if zone.is_empty() {
                0
            } else {
                parse_offset(zone)?
            };
            let rest = REST.get(time.len()..).unwrap_or_default();
            (date.to_owned(), format!("{time}{rest}"), offset)
        }
    };
    // A year of an era is never negative, and a day that its month has not is the month's last.
    let (year, month, day) = year_month_day(&date)?;
    if year < 1 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let days = days_from_civil(year, month, day.min(month_length(year, month)))?;
    // Midnight may be written as the day's end.
    let millis = if time == "24:00:00.000" {
        DAY
    } else {
        (time.len() == REST.len())
            .then(|| parse_time(&time))??
            .into()
    };
    Some(i64::from(days) * DAY + millis - offset)
}

fn write_year(year: i64, out: &mut dyn Write) -> fmt::Result {
    match year {
        10_000.. => write!(out, "+{year}"),
        0.. => write!(out, "{year:04}"),
        _ => write!(out, "-{:04}", -year),
    }
}

/// Appends a date: `2020-05-26`.
pub fn write_date(days: i32, out: &mut dyn Write) -> fmt::Result {
    let (year, month, day) = civil_from_days(days.into());
    write_year(year, out)?;
    write!(out, "-{month:02}-{day:02}")
}

/// Appends a time of day, whose milliseconds ksqlDB drops, and its seconds where they are none: `23:59:59`, `00:00`.
pub fn write_time(millis: i32, out: &mut dyn Write) -> fmt::Result {
    let seconds = millis.rem_euclid(DAY as i32) / 1000;
    write!(out, "{:02}:{:02}", seconds / 3600, seconds / 60 % 60)?;
    match seconds % 60 {
        0 => Ok(()),
        second => write!(out, ":{second:02}"),
    }
}

/// Appends a moment: `2020-05-26T23:59:58.000`. A year before the first is that of its era.
pub fn write_timestamp(millis: i64, out: &mut dyn Write) -> fmt::Result {
    let (year, month, day) = civil_from_days(millis.div_euclid(DAY));
    let of_day = millis.rem_euclid(DAY);
    let year = if year > 0 { year } else { 1 - year };
    write_year(year, out)?;
    write!(
        out,
        "-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}",
        of_day / 3_600_000,
        of_day / 60_000 % 60,
        of_day / 1000 % 60,
        of_day % 1000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut String) -> fmt::Result) -> String {
        let mut text = String::new();
        write(&mut text).unwrap_or_default();
        text
    }

    #[test]
    fn moments_may_end_early_and_name_an_offset() {
        let day = parse_date("2020-05-26").map(|days| i64::from(days) * DAY);
        let after = |millis| day.map(|day| day + millis);
        for (text, millis) in [
            ("2020-05-26", day),
            ("2020", parse_timestamp("2020-01-01")),
            ("2020-05", parse_timestamp("2020-05-01")),
            ("2020-05-26T", day),
            ("2020-05-26T23", after(23 * 3_600_000)),
            ("2020-05-26T23:59", after(23 * 3_600_000 + 59 * 60_000)),
            ("2020-05-26T00:00:07", after(7000)),
            ("2020-05-26T00:00:07.5", after(7500)),
            ("2020-05-26T00:00:07.125", after(7125)),
            ("2020-05-26T00:00:07.125Z", after(7125)),
            ("2020-05-26T02:00:00.000+0200", day),
            ("2020-05-26T02:00:00.000+02:00", day),
            ("2020-05-26T02:00-07", after(9 * 3_600_000)),
            ("2020-05-26T24:00:00.000", after(DAY)),
            ("2020-02-31", parse_timestamp("2020-02-29")),
            ("+12345-01-01", Some(327_403_382_400_000)),
            ("-2020-01-01", None),
            ("2020-02-32", None),
            ("2020-13-01", None),
            ("20-01-01", None),
            ("2020-05-26 10:00", None),
            ("2020-05-26T25:00", None),
            ("2020-05-26T00:00:07.1255", None),
            ("2020-05-26T00:00+19:00", None),
            ("", None),
            ("foo", None),
            ("2020é", None),
        ] {
            assert_eq!(parse_timestamp(text), millis, "{text}");
        }
    }

    #[test]
    fn dates_and_times_are_read_strictly() {
        for (text, days) in [
            ("1970-01-02", Some(1)),
            ("1970", Some(0)),
            ("1970-02", Some(31)),
            ("1969-12-31", Some(-1)),
            ("2021-02-29", None),
            ("0000-01-01", Some(-719_528)),
            ("+12345-01-01", days_from_civil(12_345, 1, 1)),
            ("12345-01-01", None),
            ("1970-1-1", None),
        ] {
            assert_eq!(parse_date(text), days, "{text}");
        }
        for (text, millis) in [
            ("00:01", Some(60_000)),
            ("00:00:01", Some(1000)),
            ("00:00:00.010", Some(10)),
            ("00:00:00.0109999", Some(10)),
            ("23:59:59.999999999", Some(86_399_999)),
            ("24:00", None),
            ("1:00", None),
            ("00:00.5", None),
            ("foo", None),
        ] {
            assert_eq!(parse_time(text), millis, "{text}");
        }
    }

    #[test]
    fn texts_are_those_of_ksqldb() {
        assert_eq!(text(|out| write_date(10, out)), "1970-01-11");
        assert_eq!(text(|out| write_date(-1, out)), "1969-12-31");
        assert_eq!(text(|out| write_time(4000, out)), "00:00:04");
        assert_eq!(text(|out| write_time(4999, out)), "00:00:04");
        assert_eq!(text(|out| write_time(0, out)), "00:00");
        assert_eq!(
            text(|out| write_timestamp(10, out)),
            "1970-01-01T00:00:00.010"
        );
        assert_eq!(
            text(|out| write_timestamp(-1, out)),
            "1969-12-31T23:59:59.999"
        );
    }
}
