//! What a program using entities imports.

pub use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, Utc};
pub use ksql_derive::{Entity, Enum, Struct, ksql, query};
pub use rust_decimal::Decimal;
pub use uuid::Uuid;

pub use crate::codec::Dec;
pub use crate::entity::{Entity, EntityKey, TableEntity, Writable};
pub use crate::model::Model;
pub use crate::query::{IntoQuery, Query, Stream, Table};
#[cfg(feature = "embedded")]
pub use crate::{
    config::Config,
    consume::Records as _,
    context::{Context, ContextBuilder},
    set::EntitySet,
};
