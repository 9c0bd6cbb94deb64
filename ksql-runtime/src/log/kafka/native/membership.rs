//! What a consumer does as a member of a group. Each call waits for librdkafka's own threads, those that say so for brokers.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Offset, TopicPartitionList};

use super::{Consumer, text};
use crate::log::kafka::failure::Failure;

impl Consumer {
    /// Joins the group of the configuration, to read the consumer's topic.
    pub(in crate::log::kafka) fn subscribe(&self) -> KafkaResult<()> {
        let topic = self.topic.to_string_lossy();
        self.consumer.subscribe(&[&topic])
    }

    /// Takes what the group assigned, from these offsets on.
    pub(in crate::log::kafka) fn take(&self, partitions: &[(i32, i64)]) -> KafkaResult<()> {
        let topic = self.topic.to_string_lossy();
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for (partition, offset) in partitions {
            list.add_partition_offset(&topic, *partition, Offset::Offset(*offset))?;
        }
        self.consumer.incremental_assign(&list)
    }

    /// Gives back what the group wanted back, all of it at once.
    pub(in crate::log::kafka) fn give_back(&self, partitions: &[i32]) -> KafkaResult<()> {
        let known = self.consumer.assignment()?;
        let topic = self.topic.to_string_lossy();
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            // One that was never taken cannot be given back.
            if known.find_partition(&topic, *partition).is_some() {
                list.add_partition(&topic, *partition);
            }
        }
        self.consumer.incremental_unassign(&list)
    }

    /// Whether the group has given up this member, which has not given back its partitions yet.
    pub(in crate::log::kafka) fn is_lost(&self) -> bool {
        self.consumer.assignment_lost()
    }

    /// The name the group has given this member. Empty before there is one, and when the group does not know it any more;
    /// another one after it has joined again.
    pub(in crate::log::kafka) fn member_id(&self) -> String {
        // SAFETY: the client is alive; what is given is ours to free, by librdkafka's own function, and is copied before.
        unsafe {
            let name = sys::rd_kafka_memberid(self.consumer.client().native_ptr());
            let id = text(name);
            sys::rd_kafka_mem_free(self.consumer.client().native_ptr(), name.cast());
            id
        }
    }

    /// Fetches no more of a partition. What was fetched ahead is dropped, and fetched again later.
    pub(in crate::log::kafka) fn pause(&self, partition: i32) -> KafkaResult<()> {
        self.consumer.pause(&self.list(&[partition]))
    }

    /// Fetches on.
    pub(in crate::log::kafka) fn resume(&self, partition: i32) -> KafkaResult<()> {
        self.consumer.resume(&self.list(&[partition]))
    }

    /// Reads a partition that was taken from another offset on; what was fetched ahead is dropped.
    pub(in crate::log::kafka) fn seek(
        &self,
        partition: i32,
        offset: i64,
        timeout: Duration,
    ) -> Result<(), Failure> {
        let topic = self.topic.to_string_lossy();
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition_offset(&topic, partition, Offset::Offset(offset))?;
        let sought = self.consumer.seek_partitions(list, timeout)?;
        for place in sought.elements() {
            place.error()?;
        }
        Ok(())
    }

    /// What the group has committed of partitions; those without are left out. Asks the coordinator.
    pub(in crate::log::kafka) fn committed(
        &self,
        partitions: &[i32],
        timeout: Duration,
    ) -> KafkaResult<BTreeMap<i32, i64>> {
        let found = self
            .consumer
            .committed_offsets(self.list(partitions), timeout)?;
        let mut committed = BTreeMap::new();
        for place in found.elements() {
            place.error()?;
            if let Offset::Offset(offset) = place.offset() {
                committed.insert(place.partition(), offset);
            }
        }
        Ok(committed)
    }

    /// Commits offsets as this member. Asks the coordinator.
    pub(in crate::log::kafka) fn commit(&self, offsets: &[(i32, i64)]) -> KafkaResult<()> {
        let topic = self.topic.to_string_lossy();
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (partition, offset) in offsets {
            list.add_partition_offset(&topic, *partition, Offset::Offset(*offset))?;
        }
        match self.consumer.commit(&list, CommitMode::Sync) {
            // Nothing to commit is no failure.
            Err(KafkaError::ConsumerCommit(rdkafka::types::RDKafkaErrorCode::NoOffset)) => Ok(()),
            other => other,
        }
    }

    fn list(&self, partitions: &[i32]) -> TopicPartitionList {
        let topic = self.topic.to_string_lossy();
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition(&topic, *partition);
        }
        list
    }
}
