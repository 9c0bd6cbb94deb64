//! Booleans, numbers, text, bytes and UUIDs.

use ksql_schema::Type;
use uuid::Uuid;

use super::{DecodeError, Defect, Reader, Value, write};

/// A type that is its own borrowed form.
macro_rules! copied {
    ($ty:ty, $kind:expr, |$value:ident, $out:ident| $encode:expr, |$input:ident| $decode:expr) => {
        impl Value for $ty {
            const TYPE: Type<'static> = $kind;
            type Ref<'a> = $ty;

            #[inline]
            fn encode(&self, $out: &mut Vec<u8>) -> Result<(), Defect> {
                let $value = *self;
                $encode;
                Ok(())
            }

            #[inline]
            fn decode($input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                $decode
            }

            #[inline]
            fn decode_ref<'a>(input: &mut Reader<'a>) -> Result<Self::Ref<'a>, DecodeError> {
                Self::decode(input)
            }

            #[inline]
            fn as_ref(&self) -> Self::Ref<'_> {
                *self
            }

            #[inline]
            fn from_ref(value: Self::Ref<'_>) -> Result<Self, DecodeError> {
                Ok(value)
            }

            fn absent<'a>() -> Self::Ref<'a> {
                <$ty>::default()
            }
        }
    };
}

copied!(
    bool,
    Type::Boolean,
    |value, out| out.push(u8::from(value)),
    |input| match input.byte()? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(DecodeError::new(format!("{other} is no boolean"))),
    }
);
copied!(
    i16,
    Type::Int16,
    |value, out| write::long(value.into(), out),
    |input| {
        let value = input.int()?;
        i16::try_from(value)
            .map_err(|_| DecodeError::new(format!("{value} does not fit `i16`: write `i32`")))
    }
);
copied!(
    i32,
    Type::Int32,
    |value, out| write::long(value.into(), out),
    |input| input.int()
);
copied!(
    i64,
    Type::Int64,
    |value, out| write::long(value, out),
    |input| input.long()
);
copied!(
    f32,
    Type::Float32,
    |value, out| out.extend_from_slice(&value.to_le_bytes()),
    |input| Ok(f32::from_le_bytes(input.array()?))
);
copied!(
    f64,
    Type::Float64,
    |value, out| out.extend_from_slice(&value.to_le_bytes()),
    |input| Ok(f64::from_le_bytes(input.array()?))
);
copied!(
    Uuid,
    Type::Uuid,
    |value, out| {
        out.push(72);
        let mut text = [0; 36];
        out.extend_from_slice(value.hyphenated().encode_lower(&mut text).as_bytes());
    },
    |input| {
        let text = input.text()?;
        Uuid::try_parse(text).map_err(|_| DecodeError::new(format!("`{text}` is no UUID")))
    }
);

impl Value for String {
    const TYPE: Type<'static> = Type::String;
    type Ref<'a> = &'a str;

    #[inline]
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), Defect> {
        write::bytes(self.as_bytes(), out);
        Ok(())
    }

    #[inline]
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.text().map(str::to_owned)
    }

    #[inline]
    fn decode_ref<'a>(input: &mut Reader<'a>) -> Result<Self::Ref<'a>, DecodeError> {
        input.text()
    }

    #[inline]
    fn as_ref(&self) -> Self::Ref<'_> {
        self
    }

    fn from_ref(value: Self::Ref<'_>) -> Result<Self, DecodeError> {
        Ok(value.to_owned())
    }

    fn absent<'a>() -> Self::Ref<'a> {
        ""
    }
}

impl Value for Vec<u8> {
    const TYPE: Type<'static> = Type::Bytes;
    type Ref<'a> = &'a [u8];

    #[inline]
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), Defect> {
        write::bytes(self, out);
        Ok(())
    }

    #[inline]
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.bytes().map(<[u8]>::to_vec)
    }

    #[inline]
    fn decode_ref<'a>(input: &mut Reader<'a>) -> Result<Self::Ref<'a>, DecodeError> {
        input.bytes()
    }

    #[inline]
    fn as_ref(&self) -> Self::Ref<'_> {
        self
    }

    fn from_ref(value: Self::Ref<'_>) -> Result<Self, DecodeError> {
        Ok(value.to_vec())
    }

    fn absent<'a>() -> Self::Ref<'a> {
        &[]
    }
}
