//! Offsets by time: the first record with a timestamp or a later one.
//!
//! Looks at the headers of stored batches, which know their latest timestamp, and into the first batch that can hold it.
//! Blocks for the time that takes.

use std::sync::Arc;

use super::catalog::Topic;
use super::maintenance::each_batch;
use super::{EmbeddedLog, Shared};
use crate::log::error::LogError;
use crate::log::packed;

impl EmbeddedLog {
    /// See [`Log::offset_at`](crate::log::Log::offset_at).
    pub async fn offset_at(
        &self,
        topic: &str,
        partition: i32,
        timestamp_ms: i64,
    ) -> Result<Option<i64>, LogError> {
        self.open_still()?;
        let shared = Arc::clone(&self.0.shared);
        let topic = shared.catalog.get(topic)?;
        tokio::task::spawn_blocking(move || shared.offset_at(&topic, partition, timestamp_ms))
            .await
            .unwrap_or(Err(LogError::Closed))
    }
}

impl Shared {
    /// The first record of a partition with this timestamp or a later one.
    pub(super) fn offset_at(
        &self,
        topic: &Topic,
        partition: i32,
        timestamp: i64,
    ) -> Result<Option<i64>, LogError> {
        loop {
            let state = topic.state(partition)?;
            let mut found = None;
            let looked = each_batch(self, topic, partition, state.start, state.end, |batch| {
                if batch.header.max_timestamp < timestamp {
                    return Ok(true);
                }
                batch.check(topic, partition)?;
                let (mut records, mut next) = (batch.records, batch.base);
                while let Some(record) = packed::read_record(&mut records) {
                    let offset = next.saturating_add_unsigned(record.gap);
                    next = offset.saturating_add(1);
                    if record.timestamp >= timestamp && offset >= state.start {
                        found = Some(offset);
                        return Ok(false);
                    }
                }
                // Only records before the start were so late.
                Ok(true)
            });
            match looked {
                Ok(()) => return Ok(found),
                Err(LogError::CorruptRecords { .. }) if topic.is_deleted() => {
                    return Err(self.catalog.gone(topic));
                }
                // Retention was faster: what is missing is not damaged.
                Err(LogError::CorruptRecords { .. })
                    if topic.state(partition)?.start > state.start => {}
                Err(error) => return Err(error),
            }
        }
    }
}
