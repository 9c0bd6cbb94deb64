//! Avro binary, Confluent framing, schema resolution.
//!
//! [`Value`] is a type's own form, [`Codec`] what an attribute makes of it; generated code calls them field by field.
//! What another schema wrote goes through a [`resolve::Plan`], which rewrites it into the entity's own form first, so
//! that there is one decoder and it is straight-line. Pure functions: any thread may call them.

pub(crate) mod collections;
mod converted;
pub(crate) mod decimal;
mod error;
pub mod frame;
mod key;
mod reader;
pub mod resolve;
pub mod result;
mod scalars;
pub(crate) mod temporal;
mod text;
mod value;
pub mod write;

pub use collections::{HashMapRef, ListRef, MapRef};
pub use converted::Converted;
pub use decimal::{Dec, DecimalValue, Fixed};
pub use error::{DecodeError, Defect};
pub use key::{KeyValue, is_key};
pub use reader::Reader;
pub use temporal::{Date, Time, Timestamp};
#[cfg(feature = "kafka")]
pub(crate) use temporal::{days, millis_of_day};
#[doc(hidden)]
pub use text::checked_pattern;
pub(crate) use text::millis_of;
pub use text::{Format, Formatted, FormattedRef, TextValue};
pub use value::{Codec, Value};
