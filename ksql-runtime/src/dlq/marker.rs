//! Records of the dead letters' topic that are no letters: they say which letters were replayed or purged.
//!
//! A marker stands in the partition of its letters, behind them, so it is there as long as they are. Its header
//! [`MARKER`](super::headers::MARKER) says what it says, its value is JSON; a kind this version does not know says nothing.
//!
//! Invariant: a letter is marked as replayed after its record was acknowledged, and as purged before its caller is told.

use serde_json::{Value, json};

use super::headers::{self, MARKER};
use super::letter::Replayed;
use crate::log::{Header, Log, LogError, Record, RecordRef};

const REPLAYED: &str = "replayed";
const PURGED: &str = "purged";

/// So many letters are named by one marker.
pub(super) const AT_ONCE: usize = 1000;

/// What a marker says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Marker {
    /// The letter at this offset was replayed.
    Replayed(i64, Replayed),
    /// The letters at these offsets are no more.
    Purged(Vec<i64>),
    /// What a later version knows.
    Unknown,
}

impl Marker {
    /// What a record says of letters; nothing where it is a letter itself.
    pub(super) fn read(record: RecordRef<'_>) -> Option<Marker> {
        record.headers.last(MARKER)?;
        let kind = headers::text(record.headers, MARKER);
        let value = record.value.map(serde_json::from_slice::<Value>);
        let Some(Ok(value)) = value else {
            return Some(Marker::Unknown);
        };
        let marker = match kind {
            Some(REPLAYED) => replayed(&value),
            Some(PURGED) => value
                .get("offsets")
                .and_then(Value::as_array)
                .map(|all| Marker::Purged(all.iter().filter_map(Value::as_i64).collect())),
            _ => None,
        };
        Some(marker.unwrap_or(Marker::Unknown))
    }
}

fn replayed(value: &Value) -> Option<Marker> {
    let number = |name| value.get(name).and_then(Value::as_i64);
    Some(Marker::Replayed(
        number("letter")?,
        Replayed {
            topic: value.get("topic")?.as_str()?.to_owned(),
            partition: i32::try_from(number("partition")?).ok()?,
            offset: number("offset")?,
            at: number("at")?,
        },
    ))
}

/// Notes durably that a letter was replayed.
pub(super) async fn note_replayed(
    log: &Log,
    topic: &str,
    (partition, offset): (i32, i64),
    to: &Replayed,
) -> Result<(), LogError> {
    let value = json!({
        "letter": offset,
        "topic": to.topic,
        "partition": to.partition,
        "offset": to.offset,
        "at": to.at,
    });
    write(log, topic, partition, REPLAYED, &value, to.at).await
}

/// Notes durably that letters of a partition are no more: at most [`AT_ONCE`] of them.
pub(super) async fn note_purged(
    log: &Log,
    topic: &str,
    partition: i32,
    offsets: &[i64],
    now_ms: i64,
) -> Result<(), LogError> {
    let value = json!({ "offsets": offsets });
    write(log, topic, partition, PURGED, &value, now_ms).await
}

async fn write(
    log: &Log,
    topic: &str,
    partition: i32,
    kind: &str,
    value: &Value,
    now_ms: i64,
) -> Result<(), LogError> {
    let headers = [Header::new(MARKER, kind.as_bytes())];
    let value = value.to_string();
    let record = Record::new(None, Some(value.as_bytes()), now_ms.max(1))
        .headers(&headers)
        .partition(partition);
    log.produce(topic, record).await.map(drop)
}
