//! The peers: the same payloads through the Avro libraries there are.
//!
//! Each peer gets what suits it best: structs of its own without the key, schemas parsed once, buffers reused, validation off
//! where it can be. Conversion from and to our structs is not part of what is measured, except for `apache_avro::Value`,
//! where building the value is the work.

pub mod apache;
pub mod fast;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serializer};

/// Date-times as milliseconds, which is what both libraries take for `timestamp-millis`.
pub mod millis {
    use super::{DateTime, Deserialize, Deserializer, Serializer, Utc};

    pub fn serialize<S: Serializer>(value: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(value.timestamp_millis())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
        let millis = i64::deserialize(from)?;
        DateTime::from_timestamp_millis(millis)
            .ok_or_else(|| serde::de::Error::custom("timestamp out of range"))
    }
}

/// The same for an optional one.
pub mod some_millis {
    use super::{DateTime, Deserialize, Deserializer, Serializer, Utc};

    pub fn serialize<S: Serializer>(
        value: &Option<DateTime<Utc>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            None => to.serialize_none(),
            Some(value) => to.serialize_some(&value.timestamp_millis()),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<DateTime<Utc>>, D::Error> {
        Option::<i64>::deserialize(from)?
            .map(|millis| {
                DateTime::from_timestamp_millis(millis)
                    .ok_or_else(|| serde::de::Error::custom("timestamp out of range"))
            })
            .transpose()
    }
}
