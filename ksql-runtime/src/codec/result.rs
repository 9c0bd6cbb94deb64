//! Values as ksqlDB writes them into the topic of a query: every one nullable, at every depth.
//!
//! What a query wrote has ksqlDB's schema, whichever engine ran it (`ksql_schema::avro::result_schema`): a map is an array of
//! entries, lists and structs hold nullable values. The value says its own type, which is that of its column.

use super::write;
use crate::entity::{Entity, EntityKey};
use crate::ops::{Any, Scratch};
use crate::query::group;

/// Where a row's columns go, in their order.
pub trait Cells<'a> {
    /// A key column.
    fn key(&mut self, value: Any<'a>);
    /// A value column.
    fn value(&mut self, value: Any<'a>);
}

/// Appends a row's value columns as ksqlDB's Avro binary, without the frame.
#[inline]
pub fn value<'a, T: Entity>(row: T::Row<'a>, scratch: &'a Scratch, out: &mut Vec<u8>) {
    struct Values<'o, 's>(&'o mut Vec<u8>, &'s Scratch);
    impl<'a> Cells<'a> for Values<'_, '_> {
        #[inline]
        fn key(&mut self, _value: Any<'a>) {}

        #[inline]
        fn value(&mut self, value: Any<'a>) {
            cell(value, self.1, self.0);
        }
    }
    T::cells(row, scratch, &mut Values(out, scratch));
}

/// Appends a row's key columns as the bytes a group's key is (see [`group`]); `false` where one is `NULL`.
#[inline]
pub fn key<'a, T: Entity>(row: T::Row<'a>, scratch: &'a Scratch, out: &mut Vec<u8>) -> bool {
    struct Keys<'o>(&'o mut Vec<u8>, bool, bool);
    impl<'a> Cells<'a> for Keys<'_> {
        #[inline]
        fn key(&mut self, value: Any<'a>) {
            self.2 &= group::push(value, self.1, self.0);
        }

        #[inline]
        fn value(&mut self, _value: Any<'a>) {}
    }
    let mut keys = Keys(out, T::Key::COLUMNS == 1, true);
    T::cells(row, scratch, &mut keys);
    keys.2
}

/// Appends a value, or that there is none.
pub fn cell(value: Any<'_>, scratch: &Scratch, out: &mut Vec<u8>) {
    if matches!(value, Any::Null | Any::Failed) {
        out.push(0);
        return;
    }
    out.push(2);
    match value {
        Any::Null | Any::Failed => {}
        Any::Boolean(value) => out.push(value.into()),
        Any::Integer(value) | Any::Date(value) | Any::Time(value) => write::long(value.into(), out),
        Any::Bigint(value) | Any::Timestamp(value) => write::long(value, out),
        Any::Double(value) => out.extend_from_slice(&value.to_le_bytes()),
        Any::Decimal(unscaled, _) => write::decimal(unscaled, out),
        // No column has so many digits: what has them was made narrower when it was put into its column.
        Any::Wide(unscaled, _) => write::decimal(unscaled.as_i128(), out),
        Any::String(text) => write::bytes(text.as_bytes(), out),
        Any::Uuid(uuid) => {
            let mut text = [0; 36];
            write::bytes(uuid.hyphenated().encode_lower(&mut text).as_bytes(), out);
        }
        Any::Bytes(bytes) => write::bytes(bytes, out),
        Any::List(list) => {
            let items = list.items(scratch);
            if !items.is_empty() {
                write::long(items.len() as i64, out);
                for item in items {
                    cell(*item, scratch, out);
                }
            }
            out.push(0);
        }
        Any::Map(map) => {
            let entries = map.entries(scratch);
            if !entries.is_empty() {
                write::long(entries.len() as i64, out);
                for (key, value) in entries {
                    out.push(2);
                    write::bytes(key.as_bytes(), out);
                    cell(*value, scratch, out);
                }
            }
            out.push(0);
        }
        Any::Struct(fields) => {
            for (_, value) in fields {
                cell(*value, scratch, out);
            }
        }
    }
}
