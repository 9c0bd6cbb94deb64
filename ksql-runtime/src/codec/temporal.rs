//! Dates and times: milliseconds on the wire, chrono types in structs, plain numbers in rows.
//!
//! What is finer than a millisecond is cut off towards the past; an offset is converted to UTC.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveTime, Timelike, Utc};
use ksql_schema::Type;

use super::{DecodeError, Defect, Reader, Value, write};

/// A moment in a row: milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// A date in a row: days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub i32);

/// A time of day in a row: milliseconds since midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i32);

/// 1970-01-01 as chrono counts days.
const EPOCH_DAY: i32 = 719_163;

pub(crate) fn moment(millis: i64) -> Result<DateTime<Utc>, DecodeError> {
    DateTime::from_timestamp_millis(millis).ok_or_else(|| {
        DecodeError::new(format!(
            "{millis} ms is beyond the years a date-time can hold"
        ))
    })
}

pub(crate) fn days(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - EPOCH_DAY
}

pub(crate) fn date(days: i32) -> Result<NaiveDate, DecodeError> {
    days.checked_add(EPOCH_DAY)
        .and_then(NaiveDate::from_num_days_from_ce_opt)
        .ok_or_else(|| DecodeError::new(format!("day {days} is beyond the years a date can hold")))
}

pub(crate) fn millis_of_day(time: NaiveTime) -> i32 {
    // A leap second counts as the last millisecond of its second.
    (time.num_seconds_from_midnight() * 1000 + (time.nanosecond() / 1_000_000).min(999)) as i32
}

pub(crate) fn time(millis: i32) -> Result<NaiveTime, DecodeError> {
    u32::try_from(millis)
        .ok()
        .and_then(|millis| {
            NaiveTime::from_num_seconds_from_midnight_opt(millis / 1000, millis % 1000 * 1_000_000)
        })
        .ok_or_else(|| DecodeError::new(format!("{millis} ms is no time of day")))
}

/// A chrono type with a number for a borrowed form.
macro_rules! temporal {
    ($ty:ty, $kind:expr, $row:ident, $number:ident, |$value:ident| $to:expr, |$from:ident| $back:expr) => {
        impl Value for $ty {
            const TYPE: Type<'static> = $kind;
            type Ref<'a> = $row;

            #[inline]
            fn encode(&self, out: &mut Vec<u8>) -> Result<(), Defect> {
                let $value = *self;
                write::long(($to).into(), out);
                Ok(())
            }

            #[inline]
            fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let $from = input.$number()?;
                $back
            }

            #[inline]
            fn decode_ref<'a>(input: &mut Reader<'a>) -> Result<Self::Ref<'a>, DecodeError> {
                let $from = input.$number()?;
                // A row is held to what the struct can hold, or a table would keep what cannot be read.
                let _: Self = ($back)?;
                Ok($row($from))
            }

            #[inline]
            fn as_ref(&self) -> Self::Ref<'_> {
                let $value = *self;
                $row($to)
            }

            #[inline]
            fn from_ref(value: Self::Ref<'_>) -> Result<Self, DecodeError> {
                let $from = value.0;
                $back
            }

            fn absent<'a>() -> Self::Ref<'a> {
                $row(0)
            }
        }
    };
}

temporal!(
    DateTime<Utc>,
    Type::DateTime,
    Timestamp,
    long,
    |value| value.timestamp_millis(),
    |number| moment(number)
);
temporal!(
    DateTime<FixedOffset>,
    Type::DateTime,
    Timestamp,
    long,
    |value| value.timestamp_millis(),
    |number| moment(number).map(|moment| moment.fixed_offset())
);
temporal!(
    NaiveDate,
    Type::Date,
    Date,
    int,
    |value| days(value),
    |number| date(number)
);
temporal!(
    NaiveTime,
    Type::Time,
    Time,
    int,
    |value| millis_of_day(value),
    |number| time(number)
);
