//! The offsets that groups committed: entries of the small column family, beside the topics.
//!
//! Written by the writer thread, with everything else; read by any.

use super::catalog::Topic;
use super::layout::group_key;
use super::store::read_error;
use super::{Entries, Shared};
use crate::log::error::LogError;

impl Shared {
    /// The offset a group committed, if it did.
    pub(super) fn committed(
        &self,
        topic: &Topic,
        partition: i32,
        group: &str,
    ) -> Result<Option<i64>, LogError> {
        topic.state(partition)?;
        let Some(bytes) = self.entry(&group_key(topic.number, partition, group))? else {
            return Ok(None);
        };
        let offset = bytes.as_slice().try_into().map_err(|_| LogError::Corrupt {
            path: self.directory.clone(),
            what: format!("the offset of group `{group}` has {} bytes", bytes.len()),
            source: None,
        })?;
        Ok(Some(i64::from_le_bytes(offset)))
    }

    /// What is written to keep a group's offsets.
    pub(super) fn commits(
        topic: &Topic,
        group: &str,
        offsets: &[(i32, i64)],
    ) -> Result<Entries, LogError> {
        let mut entries = Vec::with_capacity(offsets.len());
        for (partition, offset) in offsets {
            topic.state(*partition)?;
            if *offset < 0 {
                return Err(topic.out_of_range(*partition, *offset));
            }
            entries.push((
                group_key(topic.number, *partition, group),
                offset.to_le_bytes().to_vec(),
            ));
        }
        Ok(entries)
    }

    fn entry(&self, key: &[u8]) -> Result<Option<Vec<u8>>, LogError> {
        self.store.with(|families| {
            families
                .db
                .get_cf(&families.meta, key)
                .map_err(|error| read_error(&self.directory, error))
        })
    }
}
