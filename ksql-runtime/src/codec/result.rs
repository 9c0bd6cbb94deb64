//! Values as ksqlDB writes them into the topic of a query: every one nullable, at every depth.
//!
//! What a query wrote has ksqlDB's schema, whichever engine ran it (`ksql_schema::avro::result_schema`): a map is an array of
//! entries, lists and structs hold nullable values. The value says its own type, which is that of its column; a decimal may have a digit
//! more, for a cast asks for too many before it rounds. ksqlDB cannot write that, and its query stops.

use ksql_schema::model::{Column, Role};
use ksql_schema::query::Sql;
use ksql_schema::query::column::column_type;

use super::write;
use crate::entity::{Entity, EntityKey};
use crate::ops::decimal::has_at_most;
use crate::ops::{Any, Scratch};
use crate::query::group;

/// Where a row's columns go, in their order.
pub trait Cells<'a> {
    /// A key column.
    fn key(&mut self, value: Any<'a>);
    /// A value column.
    fn value(&mut self, value: Any<'a>);
}

/// A value has more digits than its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the column `{column}` is a DECIMAL({precision}, {scale}), and a value was rounded up to a digit more: convert to more digits, for example `as Decimal<{wider}, {scale}>`"
)]
pub struct TooLong {
    /// The field.
    pub column: &'static str,
    /// All its digits.
    pub precision: u32,
    /// Those behind the point.
    pub scale: u32,
    /// What is wide enough.
    pub wider: u32,
}

/// Appends a row's value columns as ksqlDB's Avro binary, without the frame.
///
/// # Errors
/// Where a decimal has more digits than its column, as only a cast's rounding makes one.
#[inline]
pub fn value<'a, T: Entity>(
    row: T::Row<'a>,
    scratch: &'a Scratch,
    out: &mut Vec<u8>,
) -> Result<(), TooLong> {
    struct Values<'o, 's> {
        out: &'o mut Vec<u8>,
        scratch: &'s Scratch,
        columns: std::slice::Iter<'static, Column<'static>>,
        wrong: Option<TooLong>,
    }
    impl<'a> Cells<'a> for Values<'_, '_> {
        #[inline]
        fn key(&mut self, _value: Any<'a>) {}

        #[inline]
        fn value(&mut self, value: Any<'a>) {
            let column = self.columns.find(|column| column.role == Role::Value);
            if let Any::Decimal(unscaled, _) = value {
                let wrong = column.and_then(|column| too_long(column, unscaled));
                self.wrong = self.wrong.or(wrong);
            }
            cell(value, self.scratch, self.out);
        }
    }
    let mut values = Values {
        out,
        scratch,
        columns: T::MODEL.columns.iter(),
        wrong: None,
    };
    T::cells(row, scratch, &mut values);
    values.wrong.map_or(Ok(()), Err)
}

#[inline]
fn too_long(column: &Column<'static>, unscaled: i128) -> Option<TooLong> {
    match column_type(column) {
        Sql::Decimal { precision, scale } if !has_at_most(unscaled, precision) => Some(TooLong {
            column: column.name,
            precision,
            scale,
            wider: precision.saturating_add(1),
        }),
        _ => None,
    }
}

/// Appends a row's key columns as the bytes a group's key is (see [`group`]); `false` where the only one is `NULL`. Of several some may be.
#[inline]
pub fn key<'a, T: Entity>(row: T::Row<'a>, scratch: &'a Scratch, out: &mut Vec<u8>) -> bool {
    struct Keys<'o>(&'o mut Vec<u8>, bool, bool);
    impl<'a> Cells<'a> for Keys<'_> {
        #[inline]
        fn key(&mut self, value: Any<'a>) {
            match self.1 {
                true => self.2 &= group::push(value, true, self.0),
                false => group::push_nullable(value, self.0),
            }
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
