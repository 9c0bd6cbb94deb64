//! A reader of partitions that its caller chooses. It joins no group.
//!
//! Belongs to one thread; its waker to any.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::reading::Reading;
use crate::log::error::LogError;
use crate::log::event::Event;
use crate::log::reader::{Fetched, ReaderWaker};

/// Reads partitions of a topic of a Kafka cluster.
#[derive(Debug)]
pub struct KafkaReader(Reading);

impl KafkaReader {
    /// Blocks for some questions to the cluster.
    pub(super) fn new(
        shared: Arc<Shared>,
        topic: &str,
        from: &[(i32, i64)],
    ) -> Result<KafkaReader, LogError> {
        let mut reading = Reading::new(shared, topic, None)?;
        reading.read_from(from)?;
        Ok(KafkaReader(reading))
    }

    pub(crate) fn tell(&self, event: &Arc<Event>) {
        self.0.tell(event);
    }

    pub(crate) fn seek(&mut self, partition: i32, offset: i64) -> Result<(), LogError> {
        self.0.read_from(&[(partition, offset)])
    }

    pub(crate) fn positions(&self) -> Vec<(i32, i64)> {
        self.0.positions().collect()
    }

    /// How many partitions the topic has, as of the last check.
    pub(crate) fn partitions(&self) -> u32 {
        self.0.topic.partitions()
    }

    pub(crate) fn waker(&self) -> ReaderWaker {
        self.0.waker()
    }

    pub(crate) fn poll(
        &mut self,
        timeout: Duration,
        wanted: impl Fn(i32) -> bool,
    ) -> Result<Option<Fetched>, LogError> {
        let looking = |reading: &mut Reading| reading.look(&wanted);
        Reading::wait_for(&mut self.0, timeout, |reading| reading, looking)
    }
}
