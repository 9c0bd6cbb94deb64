//! Values that accumulators own, and their binary form.

use super::{Nest, Nested};
use crate::codec::{Date, Dec, DecodeError, Reader, Time, Timestamp, Value, write};
use crate::ops::native::{
    ARRAY, BIGINT, BOOLEAN, BYTES, DATE, DECIMAL, DOUBLE, INTEGER, MAP, STRING, STRUCT, TIME,
    TIMESTAMP, UNKNOWN,
};
use crate::ops::{Any, Operand, Scalar, Scratch, Shape, Ty};

/// An owned value of one SQL type.
pub trait Stored: Clone + std::fmt::Debug + Sync + 'static {
    /// Its SQL type.
    const SHAPE: Shape;
    /// From a value, if there is one of this type.
    fn take(any: Any<'_>) -> Option<Self>;
    /// The value, with memory for what is in it.
    fn any<'a>(&'a self, scratch: &'a Scratch) -> Any<'a>;
    /// The bytes it takes beside its size.
    #[inline]
    fn owned(&self) -> usize {
        0
    }
    /// Replaces the value; memory that is there is used again.
    #[inline]
    fn set(&mut self, any: Any<'_>) {
        if let Some(value) = Self::take(any) {
            *self = value;
        }
    }
    /// Appends the binary form.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads the binary form.
    ///
    /// # Errors
    /// Where the bytes are no such value.
    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

/// The owned type of a [`Ty`]; of a nested one `N` names the whole type.
pub trait Keep<N> {
    /// The type.
    type S: Stored;
}

/// A type that is its own row form, written as a column is.
macro_rules! copied {
    ($([$($generics:tt)*] $ty:ty, $code:ident, |$value:ident, $out:ident| $write:expr, |$input:ident| $read:expr;)*) => {$(
        impl<$($generics)*> Stored for $ty {
            const SHAPE: Shape = <$ty as Scalar<'static>>::SHAPE;

            #[inline]
            fn take(any: Any<'_>) -> Option<Self> {
                Scalar::take(any)
            }

            #[inline]
            fn any<'a>(&'a self, _scratch: &'a Scratch) -> Any<'a> {
                Operand::any(*self)
            }

            #[inline]
            fn write(&self, $out: &mut Vec<u8>) {
                let $value = *self;
                $write
            }

            #[inline]
            fn read($input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                $read
            }
        }
    )*};
}

copied! {
    [] bool, BOOLEAN, |value, out| out.push(value.into()), |input| Value::decode(input);
    [] i32, INTEGER, |value, out| write::long(value.into(), out), |input| Value::decode(input);
    [] i64, BIGINT, |value, out| write::long(value, out), |input| Value::decode(input);
    [] f64, DOUBLE, |value, out| out.extend_from_slice(&value.to_le_bytes()), |input| Value::decode(input);
    [const P: u32, const S: u32] Dec<P, S>, DECIMAL, |value, out| write::decimal(value.unscaled(), out), |input| Value::decode(input);
    [] Date, DATE, |value, out| write::long(value.0.into(), out), |input| input.int().map(Date);
    [] Time, TIME, |value, out| write::long(value.0.into(), out), |input| input.int().map(Time);
    [] Timestamp, TIMESTAMP, |value, out| write::long(value.0, out), |input| input.long().map(Timestamp);
}

macro_rules! keeps {
    ($($code:ident: $ty:ty;)*) => {$(
        impl<N: Nest, const P: u32, const S: u32, const NULLABLE: bool> Keep<N> for Ty<$code, P, S, NULLABLE> {
            type S = $ty;
        }
    )*};
}

keeps! {
    UNKNOWN: Nothing;
    BOOLEAN: bool;
    INTEGER: i32;
    BIGINT: i64;
    DOUBLE: f64;
    DECIMAL: Dec<P, S>;
    STRING: String;
    BYTES: Vec<u8>;
    DATE: Date;
    TIME: Time;
    TIMESTAMP: Timestamp;
    ARRAY: Nested<N>;
    MAP: Nested<N>;
    STRUCT: Nested<N>;
}

impl Stored for String {
    const SHAPE: Shape = Shape::String;

    fn take(any: Any<'_>) -> Option<Self> {
        let scratch = Scratch::new();
        // The text of a UUID is made, that of a string is only borrowed.
        any.text(&scratch).map(str::to_owned)
    }

    #[inline]
    fn any<'a>(&'a self, _scratch: &'a Scratch) -> Any<'a> {
        Any::String(self)
    }

    #[inline]
    fn owned(&self) -> usize {
        self.capacity()
    }

    fn set(&mut self, any: Any<'_>) {
        match any {
            Any::String(text) => {
                self.clear();
                self.push_str(text);
            }
            any => {
                if let Some(text) = Self::take(any) {
                    *self = text;
                }
            }
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        write::bytes(self.as_bytes(), out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.text().map(str::to_owned)
    }
}

impl Stored for Vec<u8> {
    const SHAPE: Shape = Shape::Bytes;

    fn take(any: Any<'_>) -> Option<Self> {
        match any {
            Any::Bytes(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    }

    #[inline]
    fn any<'a>(&'a self, _scratch: &'a Scratch) -> Any<'a> {
        Any::Bytes(self)
    }

    #[inline]
    fn owned(&self) -> usize {
        self.capacity()
    }

    fn write(&self, out: &mut Vec<u8>) {
        write::bytes(self, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.bytes().map(<[u8]>::to_vec)
    }
}

/// What stands for a type where the query has an error elsewhere: it is never there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nothing;

impl Stored for Nothing {
    const SHAPE: Shape = Shape::Unknown;

    fn take(_any: Any<'_>) -> Option<Self> {
        None
    }

    fn any<'a>(&'a self, _scratch: &'a Scratch) -> Any<'a> {
        Any::Null
    }

    fn write(&self, _out: &mut Vec<u8>) {}

    fn read(_input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Nothing)
    }
}

/// The binary form of a value that may be absent.
pub(super) fn write_optional<S: Stored>(value: Option<&S>, out: &mut Vec<u8>) {
    match value {
        None => out.push(0),
        Some(value) => {
            out.push(2);
            value.write(out);
        }
    }
}

pub(super) fn read_optional<S: Stored>(input: &mut Reader<'_>) -> Result<Option<S>, DecodeError> {
    if input.present()? {
        S::read(input).map(Some)
    } else {
        Ok(None)
    }
}

/// The binary form of several.
pub(super) fn write_all<T>(items: &[T], out: &mut Vec<u8>, write_one: impl Fn(&T, &mut Vec<u8>)) {
    write::long(items.len() as i64, out);
    for item in items {
        write_one(item, out);
    }
}

pub(super) fn read_all<T>(
    input: &mut Reader<'_>,
    mut read_one: impl FnMut(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    // The count is no reason to reserve: bytes that are damaged may name any.
    let count = input.long()?;
    (0..count).map(|_| read_one(input)).collect()
}
