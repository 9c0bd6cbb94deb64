//! Columns with `#[datetime_format]`: strings on the wire, checked against their pattern both ways.

use std::fmt::Debug;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveTime, Timelike, Utc};
use ksql_schema::Type;
use ksql_schema::datetime_format::{Parts, Pattern};

use super::{Codec, DecodeError, Defect, Reader, write};
use crate::ops::{Any, Operand, Scalar, Scratch, Shape};

/// The pattern of one column; generated for each `#[datetime_format]`.
pub trait Format {
    /// The pattern as written.
    const PATTERN: &'static str;
    /// The pattern, read once.
    fn pattern() -> &'static Pattern;
}

/// Reads a pattern that the derive has checked.
#[doc(hidden)]
pub fn checked_pattern(pattern: &str) -> Pattern {
    // The derive refuses what does not parse; an ISO date is what is left to a hand-written impl that does not.
    Pattern::parse(pattern)
        .or_else(|_| Pattern::parse("yyyy-MM-dd"))
        .unwrap_or_else(|_| unreachable!("a valid pattern"))
}

/// A type that `#[datetime_format]` applies to.
#[diagnostic::on_unimplemented(
    message = "`#[datetime_format]` is for `String`, `DateTime`, `NaiveDate` and `NaiveTime`, and `{Self}` is none of them",
    label = "no text and no time",
    note = "remove the attribute"
)]
pub trait TextValue: Sized + 'static {
    /// Whether it is an `Option`.
    const NULLABLE: bool;
    /// The form in rows.
    type Row<'a>: Copy + Debug;
    /// Appends the text as Avro.
    ///
    /// # Errors
    /// Where a string does not fit the pattern.
    fn encode(&self, pattern: &Pattern, out: &mut Vec<u8>) -> Result<(), Defect>;
    /// Reads the text.
    ///
    /// # Errors
    /// Where it does not fit the pattern.
    fn decode(pattern: &Pattern, input: &mut Reader<'_>) -> Result<Self, DecodeError>;
    /// Reads the row's form.
    ///
    /// # Errors
    /// Where it does not fit the pattern.
    fn decode_row<'a>(
        pattern: &Pattern,
        input: &mut Reader<'a>,
    ) -> Result<Self::Row<'a>, DecodeError>;
    /// The row's form of a value.
    fn to_row(&self) -> Self::Row<'_>;
    /// The value of a row's form.
    fn from_row(row: Self::Row<'_>) -> Self;
    /// The text of a row's form: what the column is to a query.
    fn show<'a>(row: Self::Row<'a>, pattern: &Pattern, scratch: &'a Scratch) -> Any<'a>;
    /// The row's form of a query's value, if it is text that fits the pattern.
    fn take<'a>(any: Any<'a>, pattern: &Pattern) -> Option<Self::Row<'a>>;
    /// What stands where there is none.
    fn absent<'a>() -> Self::Row<'a>;
}

impl TextValue for String {
    const NULLABLE: bool = false;
    type Row<'a> = &'a str;

    fn encode(&self, pattern: &Pattern, out: &mut Vec<u8>) -> Result<(), Defect> {
        pattern.read(self).map_err(Defect::new)?;
        write::bytes(self.as_bytes(), out);
        Ok(())
    }

    fn decode(pattern: &Pattern, input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::decode_row(pattern, input).map(str::to_owned)
    }

    fn decode_row<'a>(pattern: &Pattern, input: &mut Reader<'a>) -> Result<&'a str, DecodeError> {
        let text = input.text()?;
        pattern.read(text).map_err(DecodeError::new)?;
        Ok(text)
    }

    fn to_row(&self) -> &str {
        self
    }

    fn from_row(row: &str) -> Self {
        row.to_owned()
    }

    fn show<'a>(row: &'a str, _pattern: &Pattern, _scratch: &'a Scratch) -> Any<'a> {
        Any::String(row)
    }

    fn take<'a>(any: Any<'a>, pattern: &Pattern) -> Option<&'a str> {
        match any {
            Any::String(text) => pattern.read(text).is_ok().then_some(text),
            _ => None,
        }
    }

    fn absent<'a>() -> &'a str {
        ""
    }
}

/// The moment of a text, in milliseconds: how a `String` becomes the event time.
pub(crate) fn millis_of(pattern: &Pattern, text: &str) -> Option<i64> {
    pattern
        .read(text)
        .ok()
        .and_then(moment)
        .map(|moment| moment.timestamp_millis())
}

fn day(parts: Parts) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(parts.year, parts.month, parts.day)
}

fn time_of_day(parts: Parts) -> Option<NaiveTime> {
    NaiveTime::from_hms_nano_opt(parts.hour, parts.minute, parts.second, parts.nano)
}

fn moment(parts: Parts) -> Option<DateTime<Utc>> {
    Some(day(parts)?.and_time(time_of_day(parts)?).and_utc())
}

fn parts_of(date: NaiveDate, time: NaiveTime) -> Parts {
    Parts {
        year: date.year(),
        month: date.month(),
        day: date.day(),
        hour: time.hour(),
        minute: time.minute(),
        second: time.second(),
        nano: time.nanosecond().min(999_999_999),
    }
}

/// Text that goes straight behind what is already encoded.
struct Tail<'a>(&'a mut Vec<u8>);

impl std::fmt::Write for Tail<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Appends a moment as text. Its length stands before it and is known after it: one byte is kept for it, and only a pattern
/// with much text of its own needs more.
fn format(pattern: &Pattern, parts: Parts, out: &mut Vec<u8>) -> Result<(), Defect> {
    let at = out.len();
    out.push(0);
    pattern
        .format(&parts, &mut Tail(out))
        .map_err(Defect::new)?;
    let mut length = Vec::new();
    match (out.len() - at - 1, out.get_mut(at)) {
        (short @ 0..64, Some(byte)) => *byte = (short << 1) as u8,
        (long, _) => {
            write::long(long as i64, &mut length);
            out.splice(at..=at, length);
        }
    }
    Ok(())
}

/// A chrono type through its parts.
macro_rules! formatted {
    ($ty:ty, |$value:ident| $parts:expr, |$from:ident| $back:expr) => {
        impl TextValue for $ty {
            const NULLABLE: bool = false;
            type Row<'a> = $ty;

            fn encode(&self, pattern: &Pattern, out: &mut Vec<u8>) -> Result<(), Defect> {
                let $value = self;
                format(pattern, $parts, out)
            }

            fn decode(pattern: &Pattern, input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let text = input.text()?;
                let $from = pattern.read(text).map_err(DecodeError::new)?;
                ($back).ok_or_else(|| DecodeError::new(format!("`{text}` is no date that exists")))
            }

            fn decode_row<'a>(
                pattern: &Pattern,
                input: &mut Reader<'a>,
            ) -> Result<Self::Row<'a>, DecodeError> {
                Self::decode(pattern, input)
            }

            fn to_row(&self) -> Self::Row<'_> {
                *self
            }

            fn from_row(row: Self::Row<'_>) -> Self {
                row
            }

            fn show<'a>(row: Self::Row<'a>, pattern: &Pattern, scratch: &'a Scratch) -> Any<'a> {
                let $value = &row;
                let parts = $parts;
                let mut shown = true;
                let text = scratch.write(|text| shown = pattern.format(&parts, text).is_ok());
                if shown {
                    Any::String(text)
                } else {
                    Any::Failed
                }
            }

            fn take<'a>(any: Any<'a>, pattern: &Pattern) -> Option<Self::Row<'a>> {
                let Any::String(text) = any else {
                    return None;
                };
                let $from = pattern.read(text).ok()?;
                $back
            }

            fn absent<'a>() -> Self::Row<'a> {
                <$ty>::default()
            }
        }
    };
}

formatted!(
    DateTime<Utc>,
    |value| parts_of(value.date_naive(), value.time()),
    |parts| moment(parts)
);
formatted!(
    DateTime<FixedOffset>,
    |value| {
        let utc = value.naive_utc();
        parts_of(utc.date(), utc.time())
    },
    |parts| moment(parts).map(|moment| moment.fixed_offset())
);
formatted!(
    NaiveDate,
    |value| parts_of(*value, NaiveTime::MIN),
    |parts| day(parts)
);
formatted!(
    NaiveTime,
    |value| parts_of(NaiveDate::default(), *value),
    |parts| time_of_day(parts)
);

impl<T: TextValue> TextValue for Option<T> {
    const NULLABLE: bool = true;
    type Row<'a> = Option<T::Row<'a>>;

    fn encode(&self, pattern: &Pattern, out: &mut Vec<u8>) -> Result<(), Defect> {
        match self {
            None => {
                out.push(0);
                Ok(())
            }
            Some(value) => {
                out.push(2);
                value.encode(pattern, out)
            }
        }
    }

    fn decode(pattern: &Pattern, input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if input.present()? {
            T::decode(pattern, input).map(Some)
        } else {
            Ok(None)
        }
    }

    fn decode_row<'a>(
        pattern: &Pattern,
        input: &mut Reader<'a>,
    ) -> Result<Self::Row<'a>, DecodeError> {
        if input.present()? {
            T::decode_row(pattern, input).map(Some)
        } else {
            Ok(None)
        }
    }

    fn to_row(&self) -> Self::Row<'_> {
        self.as_ref().map(T::to_row)
    }

    fn from_row(row: Self::Row<'_>) -> Self {
        row.map(T::from_row)
    }

    fn show<'a>(row: Self::Row<'a>, pattern: &Pattern, scratch: &'a Scratch) -> Any<'a> {
        row.map_or(Any::Null, |row| T::show(row, pattern, scratch))
    }

    fn take<'a>(any: Any<'a>, pattern: &Pattern) -> Option<Self::Row<'a>> {
        Some(T::take(any, pattern))
    }

    fn absent<'a>() -> Self::Row<'a> {
        None
    }
}

/// A formatted column in a row: a value to the program, a text to a query.
pub struct FormattedRef<'a, T: TextValue, F> {
    row: T::Row<'a>,
    _format: std::marker::PhantomData<fn() -> F>,
}

impl<'a, T: TextValue, F> FormattedRef<'a, T, F> {
    fn new(row: T::Row<'a>) -> Self {
        FormattedRef {
            row,
            _format: std::marker::PhantomData,
        }
    }

    /// The value.
    pub fn get(self) -> T::Row<'a> {
        self.row
    }
}

impl<T: TextValue, F> Clone for FormattedRef<'_, T, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: TextValue, F> Copy for FormattedRef<'_, T, F> {}

impl<T: TextValue, F> Debug for FormattedRef<'_, T, F> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.row.fmt(formatter)
    }
}

impl<'a, T: TextValue, F: Format> Operand<'a> for FormattedRef<'a, T, F> {
    /// Its text needs memory.
    fn any(self) -> Any<'a> {
        Any::Failed
    }

    fn any_in(self, scratch: &'a Scratch) -> Any<'a> {
        T::show(self.row, F::pattern(), scratch)
    }
}

impl<'a, T: TextValue, F: Format> Scalar<'a> for FormattedRef<'a, T, F> {
    const SHAPE: Shape = Shape::String;

    fn take(any: Any<'a>) -> Option<Self> {
        T::take(any, F::pattern()).map(Self::new)
    }

    fn absent() -> Self {
        Self::new(T::absent())
    }
}

/// The codec `#[datetime_format]` chooses.
#[derive(Debug, Clone, Copy)]
pub struct Formatted<F>(std::marker::PhantomData<F>);

impl<T: TextValue, F: Format + 'static> Codec<T> for Formatted<F> {
    const TYPE: Type<'static> = Type::String;
    const NULLABLE: bool = T::NULLABLE;
    type Ref<'a> = FormattedRef<'a, T, F>;

    fn encode(value: &T, out: &mut Vec<u8>) -> Result<(), Defect> {
        value.encode(F::pattern(), out)
    }

    fn decode(input: &mut Reader<'_>) -> Result<T, DecodeError> {
        T::decode(F::pattern(), input)
    }

    fn decode_ref<'a>(input: &mut Reader<'a>) -> Result<Self::Ref<'a>, DecodeError> {
        T::decode_row(F::pattern(), input).map(FormattedRef::new)
    }

    fn as_ref(value: &T) -> Self::Ref<'_> {
        FormattedRef::new(value.to_row())
    }

    fn from_ref(value: Self::Ref<'_>) -> Result<T, DecodeError> {
        Ok(T::from_row(value.row))
    }
}
