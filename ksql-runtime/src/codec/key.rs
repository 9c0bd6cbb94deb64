//! Key columns: Kafka's primitive bytes for one, an Avro record of nullable fields for several, and the encoding stores
//! sort by.

use ksql_schema::{Type, ordered};
use uuid::Uuid;

use super::{DecodeError, Reader, Value};

/// A type that can be a key column.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key column",
    label = "no key type",
    note = "only i32, i64, String and Uuid can be key columns: write dates and times as i64 milliseconds, flags and small numbers as i32, everything else as String"
)]
pub trait KeyValue: Value + Clone + Ord + std::hash::Hash + std::fmt::Debug {
    /// Appends Kafka's primitive bytes.
    fn encode_kafka(&self, out: &mut Vec<u8>);
    /// Reads Kafka's primitive bytes.
    ///
    /// # Errors
    /// Where the bytes are no such key.
    fn decode_kafka(bytes: &[u8]) -> Result<Self, DecodeError>;
    /// Appends the bytes stores sort by; `last` if no column follows.
    fn encode_ordered(&self, last: bool, out: &mut Vec<u8>);
    /// Reads the bytes stores sort by.
    ///
    /// # Errors
    /// Where the bytes are no such key.
    fn decode_ordered(last: bool, input: &mut &[u8]) -> Result<Self, DecodeError>;
    /// Appends the key as a nullable field of an Avro record.
    #[inline]
    fn encode_part(&self, out: &mut Vec<u8>) {
        out.push(2);
        // Key types have no defects: any value can be written.
        let _ = self.encode(out);
    }
    /// What stands for no key; nothing where the type has no such value.
    #[inline]
    fn absent() -> Option<Self> {
        None
    }
    /// Whether it is no key.
    #[inline]
    fn is_absent(&self) -> bool {
        false
    }
    /// Reads a nullable field of an Avro record.
    ///
    /// # Errors
    /// Where it is null: a record without a key is in no table.
    fn decode_part(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if input.present()? {
            Self::decode(input)
        } else {
            Err(DecodeError::new("a key column cannot be null"))
        }
    }
}

fn no_key(_: ordered::NotAKey) -> DecodeError {
    DecodeError::new("the stored bytes are no key of this type")
}

fn exactly<const N: usize>(bytes: &[u8]) -> Result<[u8; N], DecodeError> {
    <[u8; N]>::try_from(bytes).map_err(|_| {
        DecodeError::new(format!(
            "a key of this type has {N} bytes, not {}",
            bytes.len()
        ))
    })
}

macro_rules! integer {
    ($ty:ty, $push:ident, $read:ident) => {
        impl KeyValue for $ty {
            #[inline]
            fn encode_kafka(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            #[inline]
            fn decode_kafka(bytes: &[u8]) -> Result<Self, DecodeError> {
                exactly(bytes).map(Self::from_be_bytes)
            }

            #[inline]
            fn encode_ordered(&self, _last: bool, out: &mut Vec<u8>) {
                ordered::$push(*self, out);
            }

            #[inline]
            fn decode_ordered(_last: bool, input: &mut &[u8]) -> Result<Self, DecodeError> {
                ordered::$read(input).map_err(no_key)
            }
        }
    };
}

integer!(i32, push_i32, read_i32);
integer!(i64, push_i64, read_i64);

impl KeyValue for String {
    #[inline]
    fn encode_kafka(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }

    #[inline]
    fn decode_kafka(bytes: &[u8]) -> Result<Self, DecodeError> {
        std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|_| DecodeError::new("the key is no UTF-8"))
    }

    #[inline]
    fn encode_ordered(&self, last: bool, out: &mut Vec<u8>) {
        ordered::push_str(self, last, out);
    }

    #[inline]
    fn decode_ordered(last: bool, input: &mut &[u8]) -> Result<Self, DecodeError> {
        ordered::read_str(last, input).map_err(no_key)
    }
}

impl KeyValue for Uuid {
    fn encode_kafka(&self, out: &mut Vec<u8>) {
        let mut text = [0; 36];
        out.extend_from_slice(self.hyphenated().encode_lower(&mut text).as_bytes());
    }

    fn decode_kafka(bytes: &[u8]) -> Result<Self, DecodeError> {
        Uuid::try_parse_ascii(bytes).map_err(|_| DecodeError::new("the key is no UUID"))
    }

    fn encode_ordered(&self, _last: bool, out: &mut Vec<u8>) {
        ordered::push_uuid(self.as_bytes(), out);
    }

    fn decode_ordered(_last: bool, input: &mut &[u8]) -> Result<Self, DecodeError> {
        ordered::read_uuid(input)
            .map(Uuid::from_bytes)
            .map_err(no_key)
    }
}

/// Of a stream, whose records may have no key.
#[diagnostic::do_not_recommend]
impl<K: KeyValue> KeyValue for Option<K>
where
    Option<K>: Value,
{
    #[inline]
    fn encode_kafka(&self, out: &mut Vec<u8>) {
        if let Some(key) = self {
            key.encode_kafka(out);
        }
    }

    #[inline]
    fn decode_kafka(bytes: &[u8]) -> Result<Self, DecodeError> {
        K::decode_kafka(bytes).map(Some)
    }

    fn encode_ordered(&self, last: bool, out: &mut Vec<u8>) {
        out.push(self.is_some().into());
        if let Some(key) = self {
            key.encode_ordered(last, out);
        }
    }

    fn decode_ordered(last: bool, input: &mut &[u8]) -> Result<Self, DecodeError> {
        match input.split_first() {
            Some((0, rest)) => {
                *input = rest;
                Ok(None)
            }
            Some((1, rest)) => {
                *input = rest;
                K::decode_ordered(last, input).map(Some)
            }
            _ => Err(no_key(ordered::NotAKey)),
        }
    }

    #[inline]
    fn encode_part(&self, out: &mut Vec<u8>) {
        match self {
            Some(key) => key.encode_part(out),
            None => out.push(0),
        }
    }

    #[inline]
    fn absent() -> Option<Self> {
        Some(None)
    }

    #[inline]
    fn is_absent(&self) -> bool {
        self.is_none()
    }

    #[inline]
    fn decode_part(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if input.present()? {
            K::decode(input).map(Some)
        } else {
            Ok(None)
        }
    }
}

/// Whether a type is one of the key types, for constants.
pub const fn is_key(ty: Type<'static>) -> bool {
    ksql_schema::rules::consts::may_be_key(&ty)
}
