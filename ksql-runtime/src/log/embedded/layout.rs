//! How the log lies in RocksDB: the keys of both column families and the values of the small one.
//!
//! `default` holds what is known about topics: `f` the format, `n` the next topic number, `t`+topic the topic, `p`+topic
//! +partition its [`PartitionState`], `g`+topic+partition+group a committed offset, `r`.. the registry's entries. `log`
//! holds the records in batches under topic, partition and base offset. Numbers in keys are big-endian, so that keys are
//! in the order of offsets; topic numbers are never used again. Pure functions.

use ksql_schema::model::Cleanup;
use serde::{Deserialize, Serialize};

use crate::log::topic::{TopicId, TopicSpec};

/// The column family of the records.
pub(super) const LOG: &str = "log";
/// The column family of everything else.
pub(super) const META: &str = "default";
/// The version of this layout.
pub(super) const FORMAT: u32 = 2;

pub(super) const FORMAT_KEY: &[u8] = b"f";
pub(super) const NEXT_TOPIC_KEY: &[u8] = b"n";
pub(super) const TOPIC_PREFIX: u8 = b't';
pub(super) const PARTITION_PREFIX: u8 = b'p';
pub(super) const GROUP_PREFIX: u8 = b'g';

/// Where a batch lies.
pub(super) fn batch_key(topic: u32, partition: i32, base: i64) -> [u8; 16] {
    let mut key = [0; 16];
    let (head, offset) = key.split_at_mut(8);
    let (first, second) = head.split_at_mut(4);
    first.copy_from_slice(&topic.to_be_bytes());
    second.copy_from_slice(&partition.to_be_bytes());
    offset.copy_from_slice(&base.to_be_bytes());
    key
}

/// The base offset in a batch's key.
pub(super) fn base_of(key: &[u8]) -> Option<i64> {
    let (head, offset) = key.split_last_chunk::<8>()?;
    (head.len() == 8).then(|| i64::from_be_bytes(*offset))
}

/// A key of a topic: `t`, or the beginning of all `p` and `g` keys of the topic.
pub(super) fn topic_key(prefix: u8, topic: u32) -> Vec<u8> {
    let mut key = vec![prefix];
    key.extend_from_slice(&topic.to_be_bytes());
    key
}

/// The key of a partition's state.
pub(super) fn partition_key(topic: u32, partition: i32) -> Vec<u8> {
    let mut key = topic_key(PARTITION_PREFIX, topic);
    key.extend_from_slice(&partition.to_be_bytes());
    key
}

/// The key of an offset committed by a group.
pub(super) fn group_key(topic: u32, partition: i32, group: &str) -> Vec<u8> {
    let mut key = topic_key(GROUP_PREFIX, topic);
    key.extend_from_slice(&partition.to_be_bytes());
    key.extend_from_slice(group.as_bytes());
    key
}

/// The topic number behind a one-byte prefix.
pub(super) fn topic_of(key: &[u8]) -> Option<u32> {
    let (_, rest) = key.split_first()?;
    Some(u32::from_be_bytes(*rest.first_chunk::<4>()?))
}

/// What is known about a partition. It is written in the same batch as the records that change it.
///
/// Invariant: the stored batches from `start` on lie one behind the other without a gap up to `end`; what compaction
/// removes leaves its offsets to the batch around it. So a batch that is missing is always noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PartitionState {
    /// The first offset.
    pub(super) start: i64,
    /// The offset of the next record.
    pub(super) end: i64,
    /// Bytes of the stored batches.
    pub(super) bytes: u64,
    /// Compaction has been here: before this offset every key occurs once.
    pub(super) cleaned_to: i64,
    /// Bytes of the stored batches before `cleaned_to`.
    pub(super) cleaned_bytes: u64,
    /// The earliest time at which a tombstone before `cleaned_to` may go.
    pub(super) horizon: i64,
    /// Behind the last tombstone that is not there any more: who stopped reading before it may have missed a deletion.
    pub(super) tombstones_to: i64,
}

/// A horizon that never comes: there is no tombstone.
pub(super) const NEVER: i64 = i64::MAX;

impl PartitionState {
    pub(super) const EMPTY: PartitionState = PartitionState {
        start: 0,
        end: 0,
        bytes: 0,
        cleaned_to: 0,
        cleaned_bytes: 0,
        horizon: NEVER,
        tombstones_to: 0,
    };

    pub(super) fn to_bytes(self) -> Vec<u8> {
        let PartitionState {
            start,
            end,
            bytes,
            cleaned_to,
            cleaned_bytes,
            horizon,
            tombstones_to,
        } = self;
        [
            start.to_le_bytes(),
            end.to_le_bytes(),
            bytes.to_le_bytes(),
            cleaned_to.to_le_bytes(),
            cleaned_bytes.to_le_bytes(),
            horizon.to_le_bytes(),
            tombstones_to.to_le_bytes(),
        ]
        .concat()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<PartitionState> {
        let (chunks, []) = bytes.as_chunks::<8>() else {
            return None;
        };
        let [
            start,
            end,
            bytes,
            cleaned_to,
            cleaned_bytes,
            horizon,
            tombstones_to,
        ] = chunks
        else {
            return None;
        };
        Some(PartitionState {
            start: i64::from_le_bytes(*start),
            end: i64::from_le_bytes(*end),
            bytes: u64::from_le_bytes(*bytes),
            cleaned_to: i64::from_le_bytes(*cleaned_to),
            cleaned_bytes: u64::from_le_bytes(*cleaned_bytes),
            horizon: i64::from_le_bytes(*horizon),
            tombstones_to: i64::from_le_bytes(*tombstones_to),
        })
    }
}

/// A topic as it is stored: text, so that a human can read it.
#[derive(Debug, Serialize, Deserialize)]
struct StoredTopic {
    name: String,
    /// As text, which has one length for all ids: so files of equal logs differ in nothing but the ids.
    id: String,
    partitions: u32,
    replication: u16,
    cleanup: String,
    retention_ms: Option<u64>,
    retention_bytes: Option<u64>,
    delete_retention_ms: u64,
}

pub(super) fn topic_to_bytes(id: TopicId, spec: &TopicSpec) -> Vec<u8> {
    let cleanup = match spec.cleanup {
        Cleanup::Delete => "delete",
        Cleanup::Compact => "compact",
        Cleanup::CompactDelete => "compact,delete",
    };
    let stored = StoredTopic {
        name: spec.name.clone(),
        id: id.to_string(),
        partitions: spec.partitions,
        replication: spec.replication,
        cleanup: cleanup.to_owned(),
        retention_ms: spec.retention_ms,
        retention_bytes: spec.retention_bytes,
        delete_retention_ms: spec.delete_retention_ms,
    };
    // Text and numbers always have a JSON form.
    serde_json::to_vec(&stored).unwrap_or_default()
}

pub(super) fn topic_from_bytes(bytes: &[u8]) -> Option<(TopicId, TopicSpec)> {
    let stored: StoredTopic = serde_json::from_slice(bytes).ok()?;
    let cleanup = match stored.cleanup.as_str() {
        "delete" => Cleanup::Delete,
        "compact" => Cleanup::Compact,
        "compact,delete" => Cleanup::CompactDelete,
        _ => return None,
    };
    let spec = TopicSpec {
        name: stored.name,
        partitions: stored.partitions,
        replication: stored.replication,
        cleanup,
        retention_ms: stored.retention_ms,
        retention_bytes: stored.retention_bytes,
        delete_retention_ms: stored.delete_retention_ms,
    };
    Some((TopicId::parse(&stored.id)?, spec))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_stored_topic_has_one_length_whatever_its_id_and_comes_back() {
        let spec = TopicSpec::new("t", 3).compacted().retention_ms(5);
        let ids = [[0; 16], [255; 16], [7; 16]].map(TopicId::from_bytes);
        let stored = ids.map(|id| topic_to_bytes(id, &spec));
        assert!(stored.iter().all(|bytes| bytes.len() == stored[0].len()));
        for (id, bytes) in ids.iter().zip(&stored) {
            assert_eq!(topic_from_bytes(bytes), Some((*id, spec.clone())));
        }
    }

    #[test]
    fn a_partition_state_comes_back() {
        let state = PartitionState {
            start: 1,
            end: 2,
            bytes: 3,
            cleaned_to: 4,
            cleaned_bytes: 5,
            horizon: 6,
            tombstones_to: 7,
        };
        assert_eq!(PartitionState::from_bytes(&state.to_bytes()), Some(state));
    }
}
