//! The one path generated code goes through. Not part of the public API.

pub use std::sync::OnceLock;

pub use crate::codec::result::Cells;
pub use crate::codec::{
    Codec, Converted, Date, Dec, DecimalValue, DecodeError, Defect, Fixed, Format, Formatted,
    KeyValue, Reader, TextValue, Time, Timestamp, Value, checked_pattern, frame, write,
};
pub use crate::entity::{Entity, EntityKey, NoKey, TableEntity, Window, Windowed, Writable};
pub use crate::ops;
pub use crate::ops::encode::record;
pub use crate::ops::{Any, Operand, Output, Scalar, Scratch, Shape};
pub use crate::query::code as query;
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
        Some(
            self.and_time(chrono::NaiveTime::MIN)
                .and_utc()
                .timestamp_millis(),
        )
    }
}

/// A window's bound as a field holds it.
pub trait WindowBound: Value {
    /// From milliseconds.
    ///
    /// # Errors
    /// Where no such moment can be held.
    fn from_millis(millis: i64) -> Result<Self, DecodeError>;
    /// The row's form from milliseconds; borrowed from nothing.
    ///
    /// # Errors
    /// As [`WindowBound::from_millis`].
    fn row(millis: i64) -> Result<Self::Ref<'static>, DecodeError>;
    /// To milliseconds.
    fn to_millis(&self) -> i64;
}

impl WindowBound for i64 {
    fn from_millis(millis: i64) -> Result<Self, DecodeError> {
        Ok(millis)
    }

    fn row(millis: i64) -> Result<i64, DecodeError> {
        Ok(millis)
    }

    fn to_millis(&self) -> i64 {
        *self
    }
}

impl WindowBound for chrono::DateTime<chrono::Utc> {
    fn from_millis(millis: i64) -> Result<Self, DecodeError> {
        chrono::DateTime::from_timestamp_millis(millis)
            .ok_or_else(|| DecodeError::new("no moment a date-time can hold"))
    }

    fn row(millis: i64) -> Result<Timestamp, DecodeError> {
        Self::from_millis(millis).map(|_| Timestamp(millis))
    }

    fn to_millis(&self) -> i64 {
        self.timestamp_millis()
    }
}

impl WindowBound for chrono::DateTime<chrono::FixedOffset> {
    fn from_millis(millis: i64) -> Result<Self, DecodeError> {
        chrono::DateTime::<chrono::Utc>::from_millis(millis).map(|moment| moment.fixed_offset())
    }

    fn row(millis: i64) -> Result<Timestamp, DecodeError> {
        chrono::DateTime::<chrono::Utc>::row(millis)
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
    if length <= most as usize {
        Ok(())
    } else {
        Err(Defect::new(format!(
            "the length is {length}, and at most {most} is allowed"
        )))
    }
}

macro_rules! assumed {
    ($($(#[$doc:meta])* $name:ident: $what:ident $(+ $more:ident)?;)*) => {
        $(
            $(#[$doc])*
            pub trait $name<'a>: $what $(+ $more)? {}
            impl<'a, T: $what $(+ $more)?> $name<'a> for T {}
        )*
    };
}

assumed! {
    /// Assumed of what stands in for a definition with errors.
    AssumedShared: Send + Sync;
    /// Assumed of a type that only the compiler knows; the lifetime makes it possible to assume what does not hold.
    AssumedColumn: Value;
    /// The same of a key column.
    AssumedKey: KeyValue;
    /// The same of a decimal.
    AssumedDecimal: DecimalValue;
    /// The same of a text.
    AssumedText: TextValue;
    /// The same of what `#[max_length]` counts.
    AssumedLength: Length;
    /// The same of an event time.
    AssumedEventTime: EventTime;
    /// The same of a window's bound.
    AssumedBound: WindowBound + Default;
}

/// Refuses what is no key column.
pub const fn a_key<T: KeyValue>() {}

/// What a field with `#[kafka_ignore]` holds after reading.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not sent and has no default to be restored with",
    label = "no `Default`",
    note = "a field with `#[kafka_ignore]` is restored with `Default`: implement it for `{Self}`, or write `Option<..>`"
)]
pub trait Restored {
    /// The value.
    fn restored() -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Default> Restored for T {
    fn restored() -> Self {
        T::default()
    }
}

/// What encoders write into.
pub type Bytes = Vec<u8>;

/// Appends a window to an ordered key.
pub fn encode_window_ordered(window: Window, out: &mut Bytes) {
    schema::ordered::push_i64(window.start, out);
    schema::ordered::push_i64(window.end, out);
}

/// Reads a window from an ordered key.
///
/// # Errors
/// Where the bytes are too few.
pub fn decode_window_ordered(input: &mut &[u8]) -> Result<Window, DecodeError> {
    let short = |_| DecodeError::new("the stored key has no window");
    Ok(Window {
        start: schema::ordered::read_i64(input).map_err(short)?,
        end: schema::ordered::read_i64(input).map_err(short)?,
    })
}

/// Refuses bytes behind an ordered key.
///
/// # Errors
/// Where there are some.
pub fn nothing_left(rest: &[u8]) -> Result<(), DecodeError> {
    if rest.is_empty() {
        Ok(())
    } else {
        Err(DecodeError::new(
            "bytes are left over behind the stored key",
        ))
    }
}

/// A window's bound where nothing can be refused: one that no field can hold becomes the epoch.
pub fn bound_or_epoch<T: WindowBound + Default>(millis: i64) -> T {
    T::from_millis(millis).unwrap_or_default()
}

/// The error of a string that is no variant of an enum.
#[cold]
pub fn unknown_variant(name: &str, found: &str, known: &str) -> DecodeError {
    DecodeError::new(format!(
        "`{found}` is no variant of `{name}`: there are {known}"
    ))
}

/// Never implemented by what a stub's `From` would clash with.
pub trait NotAStub {}

/// The model of a definition with errors.
pub static STUB_COLUMNS: [schema::Column<'static>; 0] = [];
/// The model of a definition with errors.
pub const STUB: schema::Entity<'static> = schema::Entity {
    name: "",
    namespace: "",
    record_name: "",
    sql_name: "",
    kind: schema::Kind::Table,
    kind_from: schema::KindFrom::Attribute,
    topic: schema::Topic {
        name: "",
        declared: true,
        partitions: None,
        replication: None,
        retention_ms: None,
        cleanup: None,
    },
    value_format: schema::ValueFormat::Avro,
    subjects: schema::SubjectStrategy::TopicName,
    columns: &[],
    window: None,
    mode: schema::Mode::Strict,
};
