//! Offsets of consumer groups: kept by the cluster, written and read without joining the group.
//!
//! A consumer a group, made when it is first asked about. Blocks; called off the callers' tasks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::Shared;
use super::context::Logging;
use super::failure::{Doing, Failure};
use crate::log::error::LogError;

type Member = Arc<BaseConsumer<Logging>>;

/// The consumers, by group.
#[derive(Default)]
pub(super) struct Groups(Mutex<HashMap<String, Member>>);

impl std::fmt::Debug for Groups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Groups")
    }
}

impl Groups {
    /// Lets go of all of them.
    pub(super) fn close(&self) {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        drop(all);
    }
}

impl Shared {
    fn group(&self, group: &str) -> Result<Member, LogError> {
        let mut groups = self.groups.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(member) = groups.get(group) {
            return Ok(Arc::clone(member));
        }
        let config = self.options.group_config(group);
        let member = BaseConsumer::from_config_and_context(&config, Logging)
            .map_err(|error| super::options::refused(error, "consumer"))?;
        let member = Arc::new(member);
        groups.insert(group.to_owned(), Arc::clone(&member));
        Ok(member)
    }

    fn committing<'a>(
        &'a self,
        action: &'static str,
        group: &'a str,
        topic: &'a str,
    ) -> impl Fn(Failure) -> LogError + 'a {
        let doing = Doing {
            group: Some(group),
            ..self.doing(action, topic)
        };
        move |failure| doing.failed(failure)
    }

    /// Partitions that do not exist would be refused alone, the others kept: they are found before anything is sent.
    fn known_partitions(&self, topic: &str, partitions: &[i32]) -> Result<(), LogError> {
        let mut known = match self.catalog.get(topic) {
            Some(known) => known,
            None => self.topic_now(topic)?,
        };
        for partition in partitions {
            if !known.has(*partition) {
                known = self.topic_now(topic)?;
            }
            if !known.has(*partition) {
                return Err(LogError::UnknownPartition {
                    topic: topic.to_owned(),
                    partition: *partition,
                    partitions: known.partitions(),
                });
            }
        }
        Ok(())
    }

    pub(super) fn commit(
        &self,
        group: &str,
        topic: &str,
        offsets: &[(i32, i64)],
    ) -> Result<(), LogError> {
        let partitions: Vec<i32> = offsets.iter().map(|(partition, _)| *partition).collect();
        self.known_partitions(topic, &partitions)?;
        if offsets.is_empty() {
            return Ok(());
        }
        let failed = self.committing("commit offsets", group, topic);
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (partition, offset) in offsets {
            if *offset < 0 {
                let edges = self.offsets(topic, &[*partition])?;
                let (start, end) = edges.get(partition).copied().unwrap_or((0, 0));
                return Err(LogError::OffsetOutOfRange {
                    topic: topic.to_owned(),
                    partition: *partition,
                    offset: *offset,
                    start,
                    end,
                });
            }
            list.add_partition_offset(topic, *partition, Offset::Offset(*offset))
                .map_err(|error| failed(Failure::from(error)))?;
        }
        let member = self.group(group)?;
        let committed = member.commit(&list, CommitMode::Sync);
        explained(&member, committed).map_err(failed)
    }

    pub(super) fn committed(
        &self,
        group: &str,
        topic: &str,
        partition: i32,
    ) -> Result<Option<i64>, LogError> {
        self.known_partitions(topic, &[partition])?;
        let failed = self.committing("read committed offsets", group, topic);
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition(topic, partition);
        let member = self.group(group)?;
        let found = member.committed_offsets(list, self.options.request_timeout);
        let found = explained(&member, found).map_err(&failed)?;
        let Some(place) = found.find_partition(topic, partition) else {
            return Ok(None);
        };
        place.error().map_err(Failure::from).map_err(failed)?;
        Ok(match place.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        })
    }
}

/// The outcome of a question to a group's coordinator. Where there was no answer, the reason is among what the consumer
/// has to tell: nobody polls it otherwise, and so that does not pile up either.
fn explained<T>(
    member: &BaseConsumer<Logging>,
    outcome: Result<T, KafkaError>,
) -> Result<T, Failure> {
    let mut told = None;
    while let Some(event) = member.poll(Duration::ZERO) {
        if let Err(error) = event {
            let failure = Failure::from(error);
            let decides = failure.is_authentication()
                || failure.code == RDKafkaErrorCode::GroupAuthorizationFailed;
            told = told.or(decides.then_some(failure));
        }
    }
    outcome.map_err(|error| {
        let failure = Failure::from(error);
        let silence =
            failure.is_silence() || failure.code == RDKafkaErrorCode::WaitingForCoordinator;
        told.filter(|_| silence).unwrap_or(failure)
    })
}
