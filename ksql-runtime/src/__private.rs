//! The one path generated code goes through. Not part of the public API.

pub use std::sync::OnceLock;

pub use crate::codec::{
    Codec, Date, Dec, DecimalValue, DecodeError, Defect, Fixed, Format, Formatted, KeyValue, Reader, TextValue, Time,
    Timestamp, Value, checked_pattern, frame, write,
};
pub use crate::entity::{Entity, EntityKey, NoKey, TableEntity, Window, Windowed, Writable};
pub use ksql_schema as schema;
pub use ksql_schema::datetime_format::Pattern;

/// The event time of a field's borrowed form, in milliseconds.
pub trait EventTime {
    /// Milliseconds since 1970-01-01 UTC; nothing where a text is no such time.
    fn millis(&self, pattern: Option<&Pattern>) -> Option<i64>;
}

impl EventTime for i64 {
    fn millis(&self, _pattern: Option<&Pattern>) -> Option<i64> {
        Some(*self)
    }
}

impl<Z: chrono::TimeZone> EventTime for chrono::DateTime<Z> {
    fn millis(&self, _pattern: Option<&Pattern>) -> Option<i64> {
        Some(self.timestamp_millis())
    }
}

impl EventTime for String {
    fn millis(&self, pattern: Option<&Pattern>) -> Option<i64> {
        crate::codec::millis_of(pattern?, self)
    }
}

impl EventTime for chrono::NaiveDate {
    fn millis(&self, _pattern: Option<&Pattern>) -> Option<i64> {
        Some(self.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis())
    }
}

/// A window's bound as a field holds it.
pub trait WindowBound: Sized {
    /// From milliseconds.
    ///
    /// # Errors
    /// Where no such moment can be held.
    fn from_millis(millis: i64) -> Result<Self, DecodeError>;
    /// To milliseconds.
    fn to_millis(&self) -> i64;
}

impl WindowBound for i64 {
    fn from_millis(millis: i64) -> Result<Self, DecodeError> {
        Ok(millis)
    }

    fn to_millis(&self) -> i64 {
        *self
    }
}

impl WindowBound for chrono::DateTime<chrono::Utc> {
    fn from_millis(millis: i64) -> Result<Self, DecodeError> {
        chrono::DateTime::from_timestamp_millis(millis).ok_or_else(|| DecodeError::new("no moment a date-time can hold"))
    }

    fn to_millis(&self) -> i64 {
        self.timestamp_millis()
    }
}

/// What `#[max_length]` counts: characters of text, bytes of bytes.
pub trait Length {
    /// The length.
    fn length(&self) -> usize;
}

impl Length for String {
    fn length(&self) -> usize {
        // Every character has at least a byte: short texts need no counting.
        self.chars().count()
    }
}

impl Length for Vec<u8> {
    fn length(&self) -> usize {
        self.len()
    }
}

impl<T: Length> Length for Option<T> {
    fn length(&self) -> usize {
        self.as_ref().map_or(0, Length::length)
    }
}

/// Refuses a value longer than its column allows.
///
/// # Errors
/// Where it is longer.
#[inline]
pub fn check_length(value: &impl Length, most: u32) -> Result<(), Defect> {
    let length = value.length();
    if length <= most as usize { Ok(()) } else { Err(Defect::new(format!("the length is {length}, and at most {most} is allowed"))) }
}
