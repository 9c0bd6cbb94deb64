//! The key of a group, part by part.
//!
//! The bytes are those of the output's wire key: one column is Kafka's primitive, several are the body of ksqlDB's key record,
//! each a nullable field, without the frame - whoever writes the topic knows the schema's id. They are what groups are told
//! apart by, what the partition is computed from, and what the row's key columns are read from again.

use crate::codec::{Reader, write};
use crate::ops::{Any, Output, native};

/// Appends a part; `alone` where it is the only one. `false` where it is `NULL` or failed, and nothing is appended.
#[inline]
pub fn push(part: Any<'_>, alone: bool, out: &mut Vec<u8>) -> bool {
    if !alone && !matches!(part, Any::Null | Any::Failed) {
        out.push(2);
    }
    let text = |text: &[u8], out: &mut Vec<u8>| {
        if alone {
            out.extend_from_slice(text);
        } else {
            write::bytes(text, out);
        }
    };
    match part {
        Any::Integer(value) if alone => out.extend_from_slice(&value.to_be_bytes()),
        Any::Bigint(value) if alone => out.extend_from_slice(&value.to_be_bytes()),
        Any::Integer(value) => write::long(value.into(), out),
        Any::Bigint(value) => write::long(value, out),
        Any::String(value) => text(value.as_bytes(), out),
        Any::Uuid(uuid) => {
            let mut buffer = [0; 36];
            text(uuid.hyphenated().encode_lower(&mut buffer).as_bytes(), out);
        }
        // Other types are no key: such a query does not compile.
        _ => return false,
    }
    true
}

/// Appends one of several parts, which may be `NULL`: of a record's key, where grouping would leave the row out.
#[inline]
pub fn push_nullable(part: Any<'_>, out: &mut Vec<u8>) {
    if !push(part, false, out) {
        out.push(0);
    }
}

/// Reads a part of the type with this code; of bytes that are none, what is absent.
#[inline]
pub fn read<'a, T: Output<'a>>(input: &mut Reader<'a>, alone: bool, code: u8) -> T {
    T::from_any(part(input, alone, code).unwrap_or(Any::Null))
}

#[inline]
fn part<'a>(input: &mut Reader<'a>, alone: bool, code: u8) -> Option<Any<'a>> {
    if alone {
        let bytes = input.rest();
        return match code {
            native::INTEGER => bytes
                .try_into()
                .ok()
                .map(|bytes| Any::Integer(i32::from_be_bytes(bytes))),
            native::BIGINT => bytes
                .try_into()
                .ok()
                .map(|bytes| Any::Bigint(i64::from_be_bytes(bytes))),
            native::STRING => std::str::from_utf8(bytes).ok().map(Any::String),
            _ => None,
        };
    }
    if !input.present().ok()? {
        return None;
    }
    match code {
        native::INTEGER => input.int().ok().map(Any::Integer),
        native::BIGINT => input.long().ok().map(Any::Bigint),
        native::STRING => input.text().ok().map(Any::String),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn null_and_what_is_no_key_are_no_part() {
        for any in [Any::Null, Any::Failed, Any::Double(1.0), Any::Boolean(true)] {
            for alone in [true, false] {
                assert!(!push(any, alone, &mut Vec::new()), "{any:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn parts_are_read_as_they_were_written(text in ".*", int: i32, long: i64) {
            let mut out = Vec::new();
            for part in [Any::String(&text), Any::Integer(int), Any::Bigint(long)] {
                prop_assert!(push(part, false, &mut out));
            }
            let mut input = Reader::new(&out);
            prop_assert_eq!(read::<&str>(&mut input, false, native::STRING), &text);
            prop_assert_eq!(read::<i32>(&mut input, false, native::INTEGER), int);
            prop_assert_eq!(read::<i64>(&mut input, false, native::BIGINT), long);
            input.finish().unwrap();

            let mut alone = Vec::new();
            prop_assert!(push(Any::String(&text), true, &mut alone));
            prop_assert_eq!(alone.as_slice(), text.as_bytes());
            prop_assert_eq!(read::<&str>(&mut Reader::new(&alone), true, native::STRING), &text);
            alone.clear();
            prop_assert!(push(Any::Bigint(long), true, &mut alone));
            prop_assert_eq!(alone.as_slice(), long.to_be_bytes());
            prop_assert_eq!(read::<i64>(&mut Reader::new(&alone), true, native::BIGINT), long);
        }
    }
}
