//! From records to the parts of a produce command: validated, sent to their partitions, cut into chunks.
//!
//! Pure but for the turn of records without a key; runs on the caller's task.

use super::catalog::Topic;
use super::queue::{Chunk, Part};
use super::writer::STORED_BYTES;
use crate::log::batch::RecordBatch;
use crate::log::error::LogError;
use crate::log::packed;
use crate::log::partition::partition_for_key;
use crate::log::record::Record;
use ksql_schema::model::Cleanup;

impl Part {
    fn new(partition: i32, room: usize) -> Part {
        Part {
            partition,
            count: 0,
            bytes: Vec::with_capacity(room),
            chunks: Vec::new(),
        }
    }

    /// Appends a packed record.
    fn push(&mut self, record: &[u8], timestamp: i64) {
        let from = match self
            .chunks
            .len()
            .checked_sub(2)
            .and_then(|at| self.chunks.get(at))
        {
            Some(before) => before.end,
            None => 0,
        };
        self.bytes.extend_from_slice(record);
        self.count = self.count.saturating_add(1);
        let end = self.bytes.len();
        match self.chunks.last_mut() {
            Some(chunk) if end.saturating_sub(from) <= STORED_BYTES => {
                chunk.count = chunk.count.saturating_add(1);
                chunk.end = end;
                chunk.max_timestamp = chunk.max_timestamp.max(timestamp);
            }
            _ => self.chunks.push(Chunk {
                count: 1,
                end,
                max_timestamp: timestamp,
            }),
        }
    }
}

/// One record as the part it belongs to.
pub(super) fn single(topic: &Topic, record: &Record<'_>) -> Result<Part, LogError> {
    let partition = choose(topic, record.partition, record.key, || {
        topic.next_partition()
    })?;
    let length = record
        .key
        .map_or(0, <[u8]>::len)
        .saturating_add(record.value.map_or(0, <[u8]>::len));
    let mut bytes = Vec::with_capacity(length.saturating_add(32));
    packed::begin_record(&mut bytes, record.timestamp);
    let right = packed::write_part(&mut bytes, record.key)
        && packed::write_part(&mut bytes, record.value)
        && packed::write_headers(&mut bytes, record.headers);
    if !right {
        return Err(invalid(
            topic,
            "a key, value or header is longer than 256 MiB",
        ));
    }
    let chunk = Chunk {
        count: 1,
        end: bytes.len(),
        max_timestamp: record.timestamp,
    };
    Ok(Part {
        partition,
        count: 1,
        bytes,
        chunks: vec![chunk],
    })
}

/// A batch as parts, one a partition, and the partition of each record where there are several.
pub(super) fn batch(topic: &Topic, batch: &RecordBatch) -> Result<(Vec<Part>, Vec<i32>), LogError> {
    if let Some(defect) = batch.defect() {
        return Err(invalid(topic, defect));
    }
    let partitions = topic.count;
    let room = batch.bytes().checked_div(partitions as usize).unwrap_or(0);
    // Where each partition's part is; made when its first record comes.
    let mut at: Vec<Option<usize>> = vec![None; partitions as usize];
    let mut parts: Vec<Part> = Vec::new();
    let mut chosen = Vec::with_capacity(if partitions > 1 { batch.len() } else { 0 });
    let mut without_key = None;
    for (entry, bytes) in batch.entries() {
        let record = packed::read_record(&mut { bytes })
            .ok_or_else(|| invalid(topic, "an encoder wrote over the record before it"))?;
        let keyless = || *without_key.get_or_insert_with(|| topic.next_partition());
        let partition = choose(topic, entry.partition, record.key, keyless)?;
        if partitions > 1 {
            chosen.push(partition);
        }
        let slot = usize::try_from(partition)
            .ok()
            .and_then(|index| at.get_mut(index));
        let slot = slot.ok_or_else(|| invalid(topic, "its partition does not exist"))?;
        let index = *slot.get_or_insert_with(|| {
            parts.push(Part::new(partition, room.saturating_add(room / 8)));
            parts.len().saturating_sub(1)
        });
        if let Some(part) = parts.get_mut(index) {
            part.push(bytes, record.timestamp);
        }
    }
    if parts.len() == 1 {
        chosen = Vec::new();
    }
    Ok((parts, chosen))
}

fn choose(
    topic: &Topic,
    wanted: Option<i32>,
    key: Option<&[u8]>,
    keyless: impl FnOnce() -> i32,
) -> Result<i32, LogError> {
    if key.is_none() && topic.spec().cleanup != Cleanup::Delete {
        return Err(invalid(
            topic,
            "a compacted topic keeps the latest record of each key, and this record has none",
        ));
    }
    match (wanted, key) {
        (Some(partition), _) => {
            if topic.partitions().contains(&partition) {
                Ok(partition)
            } else {
                Err(LogError::UnknownPartition {
                    topic: topic.name.to_string(),
                    partition,
                    partitions: topic.count,
                })
            }
        }
        (None, Some(key)) => Ok(partition_for_key(key, topic.count)),
        (None, None) => Ok(keyless()),
    }
}

fn invalid(topic: &Topic, defect: &str) -> LogError {
    LogError::InvalidRecord {
        topic: topic.name.to_string(),
        defect: defect.to_owned(),
    }
}
