//! Functions of dates, times of day and moments.
//!
//! Patterns are the part of Java's that columns may use too ([`Pattern`]); another fails. Zones are UTC or an offset
//! (`GMT`, `Z`, `+02:00`, `UTC+2`): a zone of a place has rules that change, and is a failure here.

use std::fmt::Write;

use ksql_schema::datetime_format::{Parts, Pattern};

use super::cache::{Recent, recent};
use super::instant::{DAY, civil_from_days, days_from_civil, parse_offset};
use super::{Any, Scratch};

thread_local! {
    static PATTERNS: Recent<Pattern> = const { Recent::new(Vec::new()) };
}

/// A unit of time, as `TIMESTAMPADD` and its kin name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// `DAYS`.
    Days,
    /// `HOURS`.
    Hours,
    /// `MINUTES`.
    Minutes,
    /// `SECONDS`.
    Seconds,
    /// `MILLISECONDS`.
    Milliseconds,
}

impl Unit {
    const fn millis(self) -> i64 {
        match self {
            Unit::Days => DAY,
            Unit::Hours => 3_600_000,
            Unit::Minutes => 60_000,
            Unit::Seconds => 1000,
            Unit::Milliseconds => 1,
        }
    }
}

fn shifted<'a>(unit: Unit, sign: i64, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [count, value] = arguments else {
        return None;
    };
    let by = sign * i64::from(count.integer()?) * unit.millis();
    Some(match value {
        Any::Timestamp(millis) => Any::Timestamp(millis.wrapping_add(by)),
        // A part of a day is dropped, towards 1970.
        Any::Date(days) => {
            let millis = i64::from(*days) * DAY + by;
            Any::Date(i32::try_from(millis / DAY).ok()?)
        }
        // Round the clock.
        Any::Time(millis) => Any::Time((i64::from(*millis) + by).rem_euclid(DAY) as i32),
        _ => return None,
    })
}

/// `TIMESTAMPADD`, `DATEADD`, `TIMEADD` `(unit, count, x)`, of which the last two are arguments.
pub fn add<'a>(unit: Unit) -> impl FnOnce(&'a Scratch, &[Any<'a>]) -> Option<Any<'a>> {
    move |_scratch, arguments| shifted(unit, 1, arguments)
}

/// `TIMESTAMPSUB`, `DATESUB`, `TIMESUB`.
pub fn sub<'a>(unit: Unit) -> impl FnOnce(&'a Scratch, &[Any<'a>]) -> Option<Any<'a>> {
    move |_scratch, arguments| shifted(unit, -1, arguments)
}

/// The offset of a zone in milliseconds.
fn zone(name: &str) -> Option<i64> {
    let offset = ["UTC", "GMT", "UT"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name);
    match offset {
        "" if name.is_empty() => None,
        "" | "Z" => Some(0),
        offset => parse_offset(offset),
    }
}

/// Whether a pattern names parts of a date, and of a time of day.
fn names(pattern: &str) -> (bool, bool) {
    let mut quoted = false;
    let (mut date, mut time) = (false, false);
    for letter in pattern.chars() {
        match letter {
            '\'' => quoted = !quoted,
            _ if quoted => {}
            'y' | 'u' | 'M' | 'd' => date = true,
            'H' | 'h' | 'm' | 's' | 'S' | 'a' => time = true,
            _ => {}
        }
    }
    (date, time)
}

fn parts(millis: i64) -> Option<Parts> {
    let (year, month, day) = civil_from_days(millis.div_euclid(DAY));
    let of_day = u32::try_from(millis.rem_euclid(DAY)).ok()?;
    Some(Parts {
        year: i32::try_from(year).ok()?,
        month,
        day,
        hour: of_day / 3_600_000,
        minute: of_day / 60_000 % 60,
        second: of_day / 1000 % 60,
        nano: of_day % 1000 * 1_000_000,
    })
}

fn millis(parts: Parts) -> Option<i64> {
    let days = days_from_civil(parts.year.into(), parts.month, parts.day)?;
    let seconds = i64::from((parts.hour * 60 + parts.minute) * 60 + parts.second);
    Some(i64::from(days) * DAY + seconds * 1000 + i64::from(parts.nano / 1_000_000))
}

/// Value or text, pattern, and the offset of the zone.
fn arguments<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<(Any<'a>, &'a str, i64)> {
    let (value, pattern, offset) = match arguments {
        [value, pattern] => (value, pattern, 0),
        [value, pattern, name] => (value, pattern, zone(name.text(scratch)?)?),
        _ => return None,
    };
    Some((*value, pattern.text(scratch)?, offset))
}

/// `FORMAT_TIMESTAMP(x, pattern [, zone])`, `FORMAT_DATE`, `FORMAT_TIME`.
pub fn format<'a>(scratch: &'a Scratch, given: &[Any<'a>]) -> Option<Any<'a>> {
    let (value, text, offset) = arguments(scratch, given)?;
    let (date, time) = names(text);
    let millis = match value {
        Any::Timestamp(millis) => millis.checked_add(offset)?,
        Any::Date(days) if !time => i64::from(days) * DAY,
        Any::Time(millis) if !date => millis.into(),
        _ => return None,
    };
    let pattern = recent(&PATTERNS, text, |text| Pattern::parse(text).ok())?;
    let mut out = String::new();
    pattern.format(&parts(millis)?, &mut out).ok()?;
    Some(Any::String(scratch.write(|text| {
        let _ = text.write_str(&out);
    })))
}

/// The moment a text names.
fn parse<'a>(scratch: &'a Scratch, given: &[Any<'a>]) -> Option<(i64, bool, bool)> {
    let (value, text, offset) = arguments(scratch, given)?;
    let pattern = recent(&PATTERNS, text, |text| Pattern::parse(text).ok())?;
    let read = pattern.read(value.text(scratch)?).ok()?;
    let (date, time) = names(text);
    Some((millis(read)?.checked_sub(offset)?, date, time))
}

/// `PARSE_TIMESTAMP(s, pattern [, zone])`.
pub fn parse_timestamp<'a>(scratch: &'a Scratch, given: &[Any<'a>]) -> Option<Any<'a>> {
    parse(scratch, given).map(|(millis, _, _)| Any::Timestamp(millis))
}

/// `PARSE_DATE(s, pattern)`: the pattern names no time.
pub fn parse_date<'a>(scratch: &'a Scratch, given: &[Any<'a>]) -> Option<Any<'a>> {
    let (millis, _, time) = parse(scratch, given)?;
    let days = i32::try_from(millis.div_euclid(DAY)).ok()?;
    (!time).then_some(Any::Date(days))
}

/// `PARSE_TIME(s, pattern)`: the pattern names no date.
pub fn parse_time<'a>(scratch: &'a Scratch, given: &[Any<'a>]) -> Option<Any<'a>> {
    let (millis, date, _) = parse(scratch, given)?;
    (!date).then_some(Any::Time(millis.rem_euclid(DAY) as i32))
}

/// `UNIX_TIMESTAMP(ts)`: milliseconds.
pub fn unix_timestamp<'a>(_scratch: &'a Scratch, given: &[Any<'a>]) -> Option<Any<'a>> {
    match given {
        [Any::Timestamp(millis)] => Some(Any::Bigint(*millis)),
        _ => None,
    }
}

/// `FROM_UNIXTIME(ms)`.
pub fn from_unixtime<'a>(_scratch: &'a Scratch, given: &[Any<'a>]) -> Option<Any<'a>> {
    match given {
        [millis] => millis.bigint().map(Any::Timestamp),
        _ => None,
    }
}

/// `UNIX_DATE(d)`: days.
pub fn unix_date<'a>(_scratch: &'a Scratch, given: &[Any<'a>]) -> Option<Any<'a>> {
    match given {
        [Any::Date(days)] => Some(Any::Integer(*days)),
        _ => None,
    }
}

/// `FROM_DAYS(n)`.
pub fn from_days<'a>(_scratch: &'a Scratch, given: &[Any<'a>]) -> Option<Any<'a>> {
    match given {
        [days] => days.integer().map(Any::Date),
        _ => None,
    }
}

/// `CONVERT_TZ(ts, from, to)`.
pub fn convert_tz<'a>(scratch: &'a Scratch, given: &[Any<'a>]) -> Option<Any<'a>> {
    let [Any::Timestamp(millis), from, to] = given else {
        return None;
    };
    let (from, to) = (zone(from.text(scratch)?)?, zone(to.text(scratch)?)?);
    Some(Any::Timestamp(millis.checked_add(to - from)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Date, Time, Timestamp};
    use crate::ops::call;

    #[test]
    fn dates_drop_parts_of_a_day_and_times_go_round_the_clock() {
        let scratch = Scratch::new();
        let by = |count: i32, value| [Any::Integer(count), value];
        for (start, count, end) in [(5, -5, 0), (10, -5, 5), (2, -5, 86_399_997)] {
            let time: Time = call(
                &scratch,
                add(Unit::Milliseconds),
                &by(count, Any::Time(start)),
            );
            assert_eq!(time, Time(end));
        }
        let date: Date = call(&scratch, add(Unit::Hours), &by(47, Any::Date(10)));
        assert_eq!(date, Date(11));
        let date: Date = call(&scratch, sub(Unit::Hours), &by(1, Any::Date(10)));
        assert_eq!(date, Date(9));
        let moment: Timestamp = call(&scratch, sub(Unit::Days), &by(1, Any::Timestamp(5)));
        assert_eq!(moment, Timestamp(5 - DAY));
        let none: Option<Time> = call(&scratch, add(Unit::Days), &[Any::Null, Any::Time(5)]);
        assert_eq!(none, None);
    }

    #[test]
    fn patterns_write_and_read_each_type() {
        let scratch = Scratch::new();
        let text = |value, pattern| -> Option<&str> {
            call(&scratch, format, &[value, Any::String(pattern)])
        };
        assert_eq!(text(Any::Date(18_993), "dd-MMM-yyyy"), Some("01-Jan-2022"));
        assert_eq!(
            text(Any::Date(-1), "dd-MM-yyyy'Sophia'"),
            Some("31-12-1969Sophia")
        );
        assert_eq!(text(Any::Date(0), "HH:mm"), None);
        assert_eq!(
            text(Any::Time(46_800_000), "hh:mm:ss a"),
            Some("01:00:00 PM")
        );
        assert_eq!(
            text(Any::Timestamp(1), "yyyy-MM-dd HH:mm:ss.SSS"),
            Some("1970-01-01 00:00:00.001")
        );
        assert_eq!(text(Any::Timestamp(1), "QQQ"), None);
        let zoned: &str = call(
            &scratch,
            format,
            &[
                Any::Timestamp(0),
                Any::String("HH:mm"),
                Any::String("+02:00"),
            ],
        );
        assert_eq!(zoned, "02:00");
        let pair = |text, pattern| [Any::String(text), Any::String(pattern)];
        assert_eq!(
            call::<Option<Date>>(&scratch, parse_date, &pair("01-JAN-2022", "dd-MMM-yyyy")),
            Some(Date(18_993))
        );
        assert_eq!(
            call::<Option<Time>>(&scratch, parse_time, &pair("01:00:00 Pm", "hh:mm:ss a")),
            Some(Time(46_800_000))
        );
        assert_eq!(
            call::<Option<Time>>(&scratch, parse_time, &pair("x", "HH:mm")),
            None
        );
        let moment: Timestamp = call(
            &scratch,
            parse_timestamp,
            &[
                Any::String("1970-01-01 02"),
                Any::String("yyyy-MM-dd HH"),
                Any::String("UTC+2"),
            ],
        );
        assert_eq!(moment, Timestamp(0));
        let place: Option<Timestamp> = call(
            &scratch,
            convert_tz,
            &[
                Any::Timestamp(0),
                Any::String("UTC"),
                Any::String("Europe/Kiev"),
            ],
        );
        assert_eq!(place, None, "no rules of places");
    }
}
