//! Columns of types KSQL has not, in relaxed mode: written as what holds every value of them, checked where they are read.

use ksql_schema::Type;

use super::{Codec, DecodeError, Defect, Reader, write};

/// The codec relaxed mode chooses for `char` and small integers, and for an `Option` of one.
#[derive(Debug, Clone, Copy)]
pub struct Converted;

/// A type that is its own form in rows.
macro_rules! converted {
    ($ty:ty, $kind:expr, |$value:ident, $out:ident| $encode:expr, |$input:ident| $decode:expr) => {
        impl Codec<$ty> for Converted {
            const TYPE: Type<'static> = $kind;
            const NULLABLE: bool = false;
            type Ref<'a> = $ty;

            #[inline]
            fn encode(value: &$ty, $out: &mut Vec<u8>) -> Result<(), Defect> {
                let $value = *value;
                $encode;
                Ok(())
            }

            #[inline]
            fn decode($input: &mut Reader<'_>) -> Result<$ty, DecodeError> {
                $decode
            }

            #[inline]
            fn decode_ref<'a>(input: &mut Reader<'a>) -> Result<$ty, DecodeError> {
                Self::decode(input)
            }

            #[inline]
            fn as_ref(value: &$ty) -> $ty {
                *value
            }

            #[inline]
            fn from_ref(value: $ty) -> Result<$ty, DecodeError> {
                Ok(value)
            }
        }
    };
}

macro_rules! integer {
    ($ty:ident, $kind:expr, $read:ident, $wide:literal) => {
        converted!(
            $ty,
            $kind,
            |value, out| write::long(value.into(), out),
            |input| {
                let value = input.$read()?;
                $ty::try_from(value).map_err(|_| {
                    DecodeError::new(format!(
                        concat!(
                            "{} does not fit `",
                            stringify!($ty),
                            "`: write `",
                            $wide,
                            "`"
                        ),
                        value
                    ))
                })
            }
        );
    };
}

integer!(i8, Type::Int32, int, "i32");
integer!(u8, Type::Int32, int, "i32");
integer!(u16, Type::Int32, int, "i32");
integer!(u32, Type::Int64, long, "i64");

converted!(
    char,
    Type::String,
    |value, out| write::bytes(value.encode_utf8(&mut [0; 4]).as_bytes(), out),
    |input| {
        let text = input.text()?;
        let mut letters = text.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => Ok(letter),
            _ => Err(DecodeError::new(format!(
                "`{text}` is not one character: write `String`"
            ))),
        }
    }
);

impl<T: 'static> Codec<Option<T>> for Converted
where
    Converted: Codec<T>,
{
    const TYPE: Type<'static> = <Self as Codec<T>>::TYPE;
    const NULLABLE: bool = true;
    type Ref<'a> = Option<<Self as Codec<T>>::Ref<'a>>;

    fn encode(value: &Option<T>, out: &mut Vec<u8>) -> Result<(), Defect> {
        match value {
            None => {
                out.push(0);
                Ok(())
            }
            Some(value) => {
                out.push(2);
                <Self as Codec<T>>::encode(value, out)
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Option<T>, DecodeError> {
        if input.present()? {
            <Self as Codec<T>>::decode(input).map(Some)
        } else {
            Ok(None)
        }
    }

    fn decode_ref<'a>(input: &mut Reader<'a>) -> Result<Self::Ref<'a>, DecodeError> {
        if input.present()? {
            <Self as Codec<T>>::decode_ref(input).map(Some)
        } else {
            Ok(None)
        }
    }

    fn as_ref(value: &Option<T>) -> Self::Ref<'_> {
        value.as_ref().map(<Self as Codec<T>>::as_ref)
    }

    fn from_ref(value: Self::Ref<'_>) -> Result<Option<T>, DecodeError> {
        value.map(<Self as Codec<T>>::from_ref).transpose()
    }
}
