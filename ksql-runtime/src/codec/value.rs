//! The traits of a field's type, and the codecs that attributes choose between.
//!
//! Generated code calls these by name for each field, in a straight line: no schema is walked, no value tree is built.

use std::fmt::Debug;

use ksql_schema::Type;

use super::{DecodeError, Defect, Reader};
use crate::ops::Operand;

/// A type that can be a column.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a column",
    label = "no column type",
    note = "columns are bool, i16, i32, i64, f32, f64, String, Vec<u8>, Uuid, Dec<P, S>, Decimal with `#[decimal_precision]`, DateTime<Utc>, NaiveDate, NaiveTime, and Option, Vec and maps with String keys of these",
    note = "a struct of your own becomes one with `#[derive(Struct)]`, an enum of unit variants with `#[derive(Enum)]`"
)]
pub trait Value: Sized + Sync + 'static {
    /// What the type is in Avro and KSQL.
    const TYPE: Type<'static>;
    /// Whether it is an `Option`.
    const NULLABLE: bool = false;
    /// The names of the variants, if it is an enum.
    const VARIANTS: &'static [&'static str] = &[];
    /// The borrowed form in rows.
    type Ref<'a>: Copy + Debug + Operand<'a>;
    /// Appends the value as Avro binary.
    ///
    /// # Errors
    /// Where the value cannot be written.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), Defect>;
    /// Reads an owned value.
    ///
    /// # Errors
    /// Where the bytes are no such value.
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError>;
    /// Reads a borrowed value.
    ///
    /// # Errors
    /// Where the bytes are no such value.
    fn decode_ref<'a>(input: &mut Reader<'a>) -> Result<Self::Ref<'a>, DecodeError>;
    /// The borrowed form of an owned value.
    fn as_ref(&self) -> Self::Ref<'_>;
    /// The owned form of a borrowed value.
    ///
    /// # Errors
    /// Where a lazily decoded part is no such value.
    fn from_ref(value: Self::Ref<'_>) -> Result<Self, DecodeError>;
    /// What stands in a row where there is no value: only a query that does not compile gets to see it.
    fn absent<'a>() -> Self::Ref<'a>;
}

impl<T: Value> Value for Option<T> {
    // An alias hides an inner `Option` from the macro; what this says instead is refused in a constant on the field.
    const TYPE: Type<'static> = if T::NULLABLE {
        ksql_schema::rules::consts::OPTION_IN_OPTION
    } else {
        T::TYPE
    };
    const NULLABLE: bool = true;
    const VARIANTS: &'static [&'static str] = T::VARIANTS;
    type Ref<'a> = Option<T::Ref<'a>>;

    #[inline]
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), Defect> {
        match self {
            None => {
                out.push(0);
                Ok(())
            }
            Some(value) => {
                out.push(2);
                value.encode(out)
            }
        }
    }

    #[inline]
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if input.present()? {
            T::decode(input).map(Some)
        } else {
            Ok(None)
        }
    }

    #[inline]
    fn decode_ref<'a>(input: &mut Reader<'a>) -> Result<Self::Ref<'a>, DecodeError> {
        if input.present()? {
            T::decode_ref(input).map(Some)
        } else {
            Ok(None)
        }
    }

    #[inline]
    fn as_ref(&self) -> Self::Ref<'_> {
        self.as_ref().map(Value::as_ref)
    }

    fn from_ref(value: Self::Ref<'_>) -> Result<Self, DecodeError> {
        value.map(T::from_ref).transpose()
    }

    fn absent<'a>() -> Self::Ref<'a> {
        None
    }
}

/// How a field of type `T` is written where an attribute says otherwise than its type.
pub trait Codec<T: 'static> {
    /// What the column is.
    const TYPE: Type<'static>;
    /// Whether it may be null.
    const NULLABLE: bool;
    /// The borrowed form in rows.
    type Ref<'a>: Copy + Debug + Operand<'a>;
    /// Appends a value.
    ///
    /// # Errors
    /// Where the value cannot be written.
    fn encode(value: &T, out: &mut Vec<u8>) -> Result<(), Defect>;
    /// Reads an owned value.
    ///
    /// # Errors
    /// Where the bytes are no such value.
    fn decode(input: &mut Reader<'_>) -> Result<T, DecodeError>;
    /// Reads a borrowed value.
    ///
    /// # Errors
    /// Where the bytes are no such value.
    fn decode_ref<'a>(input: &mut Reader<'a>) -> Result<Self::Ref<'a>, DecodeError>;
    /// The borrowed form of an owned value.
    fn as_ref(value: &T) -> Self::Ref<'_>;
    /// The owned form of a borrowed value.
    ///
    /// # Errors
    /// Where the value does not fit.
    fn from_ref(value: Self::Ref<'_>) -> Result<T, DecodeError>;
}
