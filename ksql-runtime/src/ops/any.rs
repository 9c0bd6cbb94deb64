//! A value of any SQL type, and what goes in and comes out of operations.
//!
//! An [`Any`] lives within one operation: operands become one, the result leaves it, everything is inlined and the compiler
//! removes it. Only elements of lists and maps are kept as one.

use ethnum::I256;
use uuid::Uuid;

use super::{List, Map, Scratch};
use crate::codec::{Date, Time, Timestamp};

/// A value of any SQL type.
#[derive(Debug, Clone, Copy)]
pub enum Any<'a> {
    /// What throws in ksqlDB: ends the expression.
    Failed,
    /// Absent.
    Null,
    /// `BOOLEAN`.
    Boolean(bool),
    /// `INTEGER`.
    Integer(i32),
    /// `BIGINT`.
    Bigint(i64),
    /// `DOUBLE`.
    Double(f64),
    /// `DECIMAL` to 38 digits: unscaled value and scale.
    Decimal(i128, u32),
    /// `DECIMAL` of 39 to 76 digits.
    Wide(I256, u32),
    /// `STRING`.
    String(&'a str),
    /// `STRING` that is held as a UUID.
    Uuid(Uuid),
    /// `BYTES`.
    Bytes(&'a [u8]),
    /// `DATE`: days since 1970-01-01.
    Date(i32),
    /// `TIME`: milliseconds since midnight.
    Time(i32),
    /// `TIMESTAMP`: milliseconds since 1970-01-01 UTC.
    Timestamp(i64),
    /// `ARRAY`.
    List(List<'a>),
    /// `MAP<STRING, ..>`.
    Map(Map<'a>),
    /// `STRUCT`: names and values in order.
    Struct(&'a [(&'a str, Any<'a>)]),
}

/// The failure of an expression: what throws in ksqlDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed;

/// The type an operation is to result in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// No type: the query has an error elsewhere.
    Unknown,
    /// `BOOLEAN`.
    Boolean,
    /// `INTEGER`.
    Integer,
    /// `BIGINT`.
    Bigint,
    /// `DOUBLE`.
    Double,
    /// `DECIMAL(precision, scale)`, to 76 digits.
    Decimal {
        /// All digits.
        precision: u32,
        /// Digits after the point.
        scale: u32,
    },
    /// `STRING`.
    String,
    /// `BYTES`.
    Bytes,
    /// `DATE`.
    Date,
    /// `TIME`.
    Time,
    /// `TIMESTAMP`.
    Timestamp,
    /// `ARRAY`.
    Array,
    /// `MAP`.
    Map,
    /// `STRUCT`.
    Struct,
}

impl<'a> Any<'a> {
    /// Whether it is `NULL`; a failure is not.
    #[inline]
    pub fn is_null(self) -> bool {
        matches!(self, Any::Null)
    }

    /// As a double: of any number.
    #[inline]
    pub fn double(self) -> Option<f64> {
        match self {
            Any::Integer(value) => Some(value.into()),
            Any::Bigint(value) => Some(value as f64),
            Any::Double(value) => Some(value),
            Any::Decimal(unscaled, scale) => Some(super::decimal::to_double(unscaled, scale)),
            Any::Wide(unscaled, scale) => Some(super::decimal::wide_to_double(unscaled, scale)),
            _ => None,
        }
    }

    /// As a 64-bit integer: of an integer.
    #[inline]
    pub fn bigint(self) -> Option<i64> {
        match self {
            Any::Integer(value) => Some(value.into()),
            Any::Bigint(value) => Some(value),
            _ => None,
        }
    }

    /// As a 32-bit integer: of an integer that fits.
    #[inline]
    pub fn integer(self) -> Option<i32> {
        match self {
            Any::Integer(value) => Some(value),
            Any::Bigint(value) => i32::try_from(value).ok(),
            _ => None,
        }
    }

    /// Unscaled value and scale: of an integer or a decimal to 38 digits.
    #[inline]
    pub fn decimal(self) -> Option<(i128, u32)> {
        match self {
            Any::Integer(value) => Some((value.into(), 0)),
            Any::Bigint(value) => Some((value.into(), 0)),
            Any::Decimal(unscaled, scale) => Some((unscaled, scale)),
            _ => None,
        }
    }

    /// Unscaled value and scale: of an integer or a decimal.
    #[inline]
    pub fn wide(self) -> Option<(I256, u32)> {
        match self {
            Any::Wide(unscaled, scale) => Some((unscaled, scale)),
            other => other
                .decimal()
                .map(|(unscaled, scale)| (I256::from(unscaled), scale)),
        }
    }

    /// The text of a `STRING`.
    #[inline]
    pub fn text(self, scratch: &'a Scratch) -> Option<&'a str> {
        match self {
            Any::String(text) => Some(text),
            Any::Uuid(uuid) => {
                let mut text = [0; 36];
                Some(scratch.text(uuid.hyphenated().encode_lower(&mut text)))
            }
            _ => None,
        }
    }

    /// The items of an `ARRAY`.
    pub fn list(self) -> Option<List<'a>> {
        match self {
            Any::List(list) => Some(list),
            _ => None,
        }
    }

    /// The entries of a `MAP`.
    pub fn map(self) -> Option<Map<'a>> {
        match self {
            Any::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The value, or a failure where there is none.
    #[inline]
    pub(crate) fn or_failed<T>(value: Option<T>, make: impl FnOnce(T) -> Any<'a>) -> Any<'a> {
        value.map_or(Any::Failed, make)
    }
}

/// What an operation takes.
pub trait Operand<'a>: Copy {
    /// The value.
    fn any(self) -> Any<'a>;

    /// The value where making it may need memory: of a struct.
    #[inline]
    fn any_in(self, scratch: &'a Scratch) -> Any<'a> {
        let _ = scratch;
        self.any()
    }
}

/// What an operation gives.
pub trait Output<'a>: Copy {
    /// Its SQL type.
    const SHAPE: Shape;
    /// From the value; what cannot be held is absent.
    fn from_any(any: Any<'a>) -> Self;

    /// From the value where holding it may need memory: a list in the form of a column.
    #[inline]
    fn from_any_in(any: Any<'a>, scratch: &'a Scratch) -> Self {
        let _ = scratch;
        Self::from_any(any)
    }
}

/// A type that holds no `NULL`.
pub trait Scalar<'a>: Copy {
    /// Its SQL type.
    const SHAPE: Shape;
    /// The value, if there is one of this type.
    fn take(any: Any<'a>) -> Option<Self>;
    /// What stands where there is none: only a query that does not compile gets to see it.
    fn absent() -> Self;

    /// As [`Scalar::take`], with memory.
    #[inline]
    fn take_in(any: Any<'a>, scratch: &'a Scratch) -> Option<Self> {
        let _ = scratch;
        Self::take(any)
    }
}

impl<'a, T: Scalar<'a>> Output<'a> for T {
    const SHAPE: Shape = T::SHAPE;

    #[inline]
    fn from_any(any: Any<'a>) -> Self {
        T::take(any).unwrap_or_else(T::absent)
    }

    #[inline]
    fn from_any_in(any: Any<'a>, scratch: &'a Scratch) -> Self {
        T::take_in(any, scratch).unwrap_or_else(T::absent)
    }
}

impl<'a, T: Scalar<'a>> Output<'a> for Option<T> {
    const SHAPE: Shape = T::SHAPE;

    #[inline]
    fn from_any(any: Any<'a>) -> Self {
        T::take(any)
    }

    #[inline]
    fn from_any_in(any: Any<'a>, scratch: &'a Scratch) -> Self {
        T::take_in(any, scratch)
    }
}

impl<'a, T: Output<'a>> Output<'a> for Result<T, Failed> {
    const SHAPE: Shape = T::SHAPE;

    #[inline]
    fn from_any(any: Any<'a>) -> Self {
        match any {
            Any::Failed => Err(Failed),
            any => Ok(T::from_any(any)),
        }
    }

    #[inline]
    fn from_any_in(any: Any<'a>, scratch: &'a Scratch) -> Self {
        match any {
            Any::Failed => Err(Failed),
            any => Ok(T::from_any_in(any, scratch)),
        }
    }
}

impl<'a> Output<'a> for Any<'a> {
    const SHAPE: Shape = Shape::Unknown;

    #[inline]
    fn from_any(any: Any<'a>) -> Self {
        any
    }
}

impl<'a, T: Operand<'a>> Operand<'a> for Option<T> {
    #[inline]
    fn any(self) -> Any<'a> {
        self.map_or(Any::Null, T::any)
    }

    #[inline]
    fn any_in(self, scratch: &'a Scratch) -> Any<'a> {
        self.map_or(Any::Null, |value| value.any_in(scratch))
    }
}

impl<'a, T: Operand<'a>> Operand<'a> for Result<T, Failed> {
    #[inline]
    fn any(self) -> Any<'a> {
        self.map_or(Any::Failed, T::any)
    }

    #[inline]
    fn any_in(self, scratch: &'a Scratch) -> Any<'a> {
        self.map_or(Any::Failed, |value| value.any_in(scratch))
    }
}

impl<'a> Operand<'a> for Any<'a> {
    #[inline]
    fn any(self) -> Any<'a> {
        self
    }
}

/// A native type: its operand form, its shape, how it is taken, what stands for none.
macro_rules! native {
    ($ty:ty, $shape:expr, |$value:ident| $any:expr, |$from:ident| $take:expr, $absent:expr) => {
        impl<'a> Operand<'a> for $ty {
            #[inline]
            fn any(self) -> Any<'a> {
                let $value = self;
                $any
            }
        }

        impl<'a> Scalar<'a> for $ty {
            const SHAPE: Shape = $shape;

            #[inline]
            fn take($from: Any<'a>) -> Option<Self> {
                $take
            }

            #[inline]
            fn absent() -> Self {
                $absent
            }
        }
    };
}

/// The value of one variant.
macro_rules! only {
    ($any:expr, $variant:ident, $make:expr) => {
        match $any {
            Any::$variant(value) => Some(($make)(value)),
            _ => None,
        }
    };
}

native!(
    bool,
    Shape::Boolean,
    |value| Any::Boolean(value),
    |any| only!(any, Boolean, |value| value),
    false
);
native!(
    i16,
    Shape::Integer,
    |value| Any::Integer(value.into()),
    |any| any.integer().and_then(|value| i16::try_from(value).ok()),
    0
);
native!(
    i8,
    Shape::Integer,
    |value| Any::Integer(value.into()),
    |any| any.integer().and_then(|value| i8::try_from(value).ok()),
    0
);
native!(
    u8,
    Shape::Integer,
    |value| Any::Integer(value.into()),
    |any| any.integer().and_then(|value| u8::try_from(value).ok()),
    0
);
native!(
    u16,
    Shape::Integer,
    |value| Any::Integer(value.into()),
    |any| any.integer().and_then(|value| u16::try_from(value).ok()),
    0
);
native!(
    u32,
    Shape::Bigint,
    |value| Any::Bigint(value.into()),
    |any| any.bigint().and_then(|value| u32::try_from(value).ok()),
    0
);
native!(
    i32,
    Shape::Integer,
    |value| Any::Integer(value),
    |any| any.integer(),
    0
);
native!(
    i64,
    Shape::Bigint,
    |value| Any::Bigint(value),
    |any| any.bigint(),
    0
);
native!(
    f32,
    Shape::Double,
    |value| Any::Double(value.into()),
    |any| any.double().map(|value| value as f32),
    0.0
);
native!(
    f64,
    Shape::Double,
    |value| Any::Double(value),
    |any| any.double(),
    0.0
);
native!(
    &'a str,
    Shape::String,
    |value| Any::String(value),
    |any| only!(any, String, |value| value),
    ""
);
native!(
    Uuid,
    Shape::String,
    |value| Any::Uuid(value),
    |any| match any {
        Any::Uuid(uuid) => Some(uuid),
        Any::String(text) => Uuid::try_parse(text).ok(),
        _ => None,
    },
    Uuid::nil()
);
native!(
    &'a [u8],
    Shape::Bytes,
    |value| Any::Bytes(value),
    |any| only!(any, Bytes, |value| value),
    &[]
);
native!(
    Date,
    Shape::Date,
    |value| Any::Date(value.0),
    |any| only!(any, Date, Date),
    Date(0)
);
native!(
    Time,
    Shape::Time,
    |value| Any::Time(value.0),
    |any| only!(any, Time, Time),
    Time(0)
);
native!(
    Timestamp,
    Shape::Timestamp,
    |value| Any::Timestamp(value.0),
    |any| only!(any, Timestamp, Timestamp),
    Timestamp(0)
);

impl<'a> Operand<'a> for char {
    /// Its text needs memory.
    fn any(self) -> Any<'a> {
        Any::Failed
    }

    fn any_in(self, scratch: &'a Scratch) -> Any<'a> {
        Any::String(scratch.text(self.encode_utf8(&mut [0; 4])))
    }
}

impl<'a> Scalar<'a> for char {
    const SHAPE: Shape = Shape::String;

    fn take(any: Any<'a>) -> Option<Self> {
        let Any::String(text) = any else {
            return None;
        };
        let mut letters = text.chars();
        letters.next().filter(|_| letters.next().is_none())
    }

    fn absent() -> Self {
        char::default()
    }
}

/// A column's value as the native type of its node.
#[inline]
pub fn column<'a, T: Output<'a>>(value: impl Operand<'a>, scratch: &'a Scratch) -> T {
    T::from_any_in(value.any_in(scratch), scratch)
}

/// A function call that is itself the argument of a function, an element or a field: failing, it is `NULL` in its place.
#[inline]
pub fn lenient<'a, A: Operand<'a>>(value: A) -> Any<'a> {
    match value.any() {
        Any::Failed => Any::Null,
        any => any,
    }
}
