//! What the derive macro generates: the [`Entity`] and [`EntityKey`] traits and the markers of what an entity can do.

use std::fmt::Debug;
use std::hash::Hash;

use ksql_schema::Column;

use crate::codec::result::Cells;
use crate::codec::{DecodeError, Defect};
use crate::ops::Scratch;

/// A struct with a topic: implemented by `#[derive(Entity)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an entity",
    label = "not an entity",
    note = "add `#[derive(Entity)]` and `#[topic(\"..\")]` to `{Self}`"
)]
pub trait Entity: Sized + Send + Sync + 'static {
    /// The generated key type.
    type Key: EntityKey;
    /// The generated value type: all value columns.
    type Value;
    /// The generated borrowed row.
    type Row<'a>: Copy;
    /// The definition as data.
    const MODEL: &'static ksql_schema::Entity<'static>;
    /// The columns of the definition.
    const COLUMNS: &'static [Column<'static>];
    /// The value's Avro schema.
    const VALUE_SCHEMA: &'static str;
    /// The key's Avro schema; empty unless the key is a record.
    const KEY_SCHEMA: &'static str;
    /// The `CREATE` statement of the definition as written.
    const CREATE: &'static str;
    /// A fingerprint of all texts of the definition.
    const FINGERPRINT: u64;

    /// The key of this entity.
    fn key(&self) -> Self::Key;
    /// Key and value; ignored fields are dropped.
    fn split(self) -> (Self::Key, Self::Value);
    /// The entity of a key and a value; ignored fields are restored with `Default`.
    fn join(key: Self::Key, value: Self::Value) -> Self;
    /// Appends the key's wire bytes; `false` if the entity has no key.
    ///
    /// # Errors
    /// Where a key column breaks a rule such as `#[max_length]`.
    fn encode_key(&self, schema_id: u32, out: &mut Vec<u8>) -> Result<bool, Defect>;
    /// Appends the value as Avro binary, without the frame.
    ///
    /// # Errors
    /// Where a field cannot be written; the error names it.
    fn encode_value(&self, out: &mut Vec<u8>) -> Result<(), Defect>;
    /// The entity of a key and a value in the entity's own Avro form, without the frame.
    ///
    /// # Errors
    /// Where the bytes are no such value; the error names the field.
    fn decode(key: Self::Key, body: &[u8]) -> Result<Self, DecodeError>;
    /// The borrowed row of a key and a value.
    ///
    /// # Errors
    /// As [`Entity::decode`].
    fn decode_row<'a>(key: &'a Self::Key, body: &'a [u8]) -> Result<Self::Row<'a>, DecodeError>;
    /// Whether the bytes are a value of this entity; builds nothing.
    ///
    /// # Errors
    /// As [`Entity::decode`].
    fn check(body: &[u8]) -> Result<(), DecodeError>;
    /// The borrowed row of this entity.
    fn row(&self) -> Self::Row<'_>;
    /// The entity of a row.
    ///
    /// # Errors
    /// Where a value of the row does not fit its field.
    fn from_row(row: Self::Row<'_>) -> Result<Self, DecodeError>;
    /// The event time in milliseconds, where `#[timestamp]` is declared.
    fn timestamp(&self) -> Option<i64>;
    /// Shows a row's key and value columns in their order, as a query has them.
    #[doc(hidden)]
    fn cells<'a>(row: Self::Row<'a>, scratch: &'a Scratch, cells: &mut impl Cells<'a>);
}

/// A generated key type.
pub trait EntityKey: Clone + Eq + Ord + Hash + Debug + Send + Sync + 'static {
    /// The number of key columns.
    const COLUMNS: usize;
    /// Sets the end of the window, where the wire bytes carry its start alone; `size` is in milliseconds. Nothing without a
    /// window, or with a session's.
    fn end_window(&mut self, _size: i64) {}
    /// Appends the wire bytes: a Kafka primitive, or a framed Avro record.
    fn encode(&self, schema_id: u32, out: &mut Vec<u8>);
    /// The key of a record that has none; nothing where a key column is no `Option`, for such a record is no row.
    fn absent() -> Option<Self> {
        None
    }
    /// Whether the record has no key: its only column is NULL.
    fn is_absent(&self) -> bool {
        false
    }
    /// Reads the wire bytes; a record must be in the entity's own form.
    ///
    /// # Errors
    /// Where the bytes are no such key.
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError>;
    /// Appends the bytes stores sort by.
    fn encode_ordered(&self, out: &mut Vec<u8>);
    /// Reads the bytes stores sort by.
    ///
    /// # Errors
    /// Where the bytes are no such key.
    fn decode_ordered(bytes: &[u8]) -> Result<Self, DecodeError>;
}

/// The key of a stream that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NoKey;

impl EntityKey for NoKey {
    const COLUMNS: usize = 0;

    fn encode(&self, _schema_id: u32, _out: &mut Vec<u8>) {}

    fn absent() -> Option<Self> {
        Some(NoKey)
    }

    fn decode(_bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(NoKey)
    }

    fn encode_ordered(&self, _out: &mut Vec<u8>) {}

    fn decode_ordered(_bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(NoKey)
    }
}

/// The window a record of a windowed table belongs to, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// The start.
    pub start: i64,
    /// The end. Keys of tumbling and hopping windows carry the start only: whoever reads the topic knows the size and sets
    /// this; until then it equals the start.
    pub end: i64,
}

impl Window {
    /// Appends the window's part of a key: the start, or end and start of a session.
    pub fn encode(self, session: bool, out: &mut Vec<u8>) {
        if session {
            out.extend_from_slice(&self.end.to_be_bytes());
        }
        out.extend_from_slice(&self.start.to_be_bytes());
    }

    /// Splits the window's part off a key.
    ///
    /// # Errors
    /// Where the key is too short.
    pub fn decode(bytes: &[u8], session: bool) -> Result<(&[u8], Window), DecodeError> {
        let short = || DecodeError::new("the key is too short for a windowed key");
        let (rest, start) = bytes.split_last_chunk::<8>().ok_or_else(short)?;
        let start = i64::from_be_bytes(*start);
        if !session {
            return Ok((rest, Window { start, end: start }));
        }
        let (rest, end) = rest.split_last_chunk::<8>().ok_or_else(short)?;
        Ok((
            rest,
            Window {
                start,
                end: i64::from_be_bytes(*end),
            },
        ))
    }
}

/// An entity whose topic is a table that is read by key: `get`, `to_list`, `range`, `remove`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a table that can be read by key",
    label = "a stream, or a windowed table",
    note = "a stream has records, not rows: add `#[table]` to `{Self}` if the latest record of a key is what counts",
    note = "a windowed table has one store for each window and is read through it"
)]
pub trait TableEntity: Entity {}

/// An entity that programs may add records to.
#[diagnostic::on_unimplemented(
    message = "records cannot be added to `{Self}`",
    label = "read-only",
    note = "the topics of a windowed table are written by the query that fills it"
)]
pub trait Writable: Entity {}

/// An entity with a `#[window]`.
pub trait Windowed: Entity {}
