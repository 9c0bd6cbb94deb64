//! Topics: created, described, changed and deleted, and where their partitions begin and end.
//!
//! Everything here asks the cluster and blocks for the answer; [`KafkaLog`](super::KafkaLog) keeps it off the callers'
//! tasks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ksql_schema::model::Cleanup;
use rdkafka::producer::Producer as _;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::Shared;
use super::catalog::Topic;
use super::failure::{Doing, Failure};
use super::native::{self, DescribedTopic, NewTopic, Settings};
use crate::log::error::LogError;
use crate::log::topic::{Created, TopicChange, TopicDescription, TopicSpec};

/// How long to wait before looking again whether brokers have learned of a topic.
const AGAIN: Duration = Duration::from_millis(20);

/// A topic to ask about where no topic is meant.
const ANY: &str = "__consumer_offsets";

const CLEANUP: &str = "cleanup.policy";
const RETENTION_MS: &str = "retention.ms";
const RETENTION_BYTES: &str = "retention.bytes";
const DELETE_RETENTION_MS: &str = "delete.retention.ms";

impl Shared {
    pub(super) fn doing<'a>(&'a self, action: &'static str, topic: &'a str) -> Doing<'a> {
        Doing {
            action,
            topic,
            group: None,
            bootstrap: &self.options.bootstrap,
        }
    }

    pub(super) fn timeout(&self) -> Duration {
        self.options.request_timeout
    }

    /// Asks for one topic.
    fn look(&self, topic: &str) -> Result<DescribedTopic, Failure> {
        self.look_within(topic, self.timeout())
    }

    fn look_within(&self, topic: &str, timeout: Duration) -> Result<DescribedTopic, Failure> {
        let found = native::describe_topics(&self.producer.client, &[topic], timeout)?;
        let found = found.into_iter().next();
        let found = found.unwrap_or_else(|| Err(Failure::wrong_answer()));
        if let Err(failure) = &found
            && matches!(
                failure.code,
                Code::UnknownTopicOrPartition | Code::UnknownTopic
            )
        {
            self.catalog.forget(topic);
        }
        found
    }

    /// The cluster's own id.
    pub(super) fn cluster_id(&self) -> Result<Option<String>, LogError> {
        // It comes with every answer about topics; one of them has come, unless nothing was asked yet.
        let known = || {
            let client = self.producer.client.client();
            client.fetch_cluster_id(Duration::ZERO)
        };
        if let Some(id) = known() {
            return Ok(Some(id));
        }
        match self.look(ANY) {
            Ok(_) => {}
            Err(failure) => match failure.code {
                Code::UnknownTopicOrPartition
                | Code::UnknownTopic
                | Code::TopicAuthorizationFailed => {}
                _ => {
                    return Err(self.doing("ask for the cluster's id", ANY).failed(failure));
                }
            },
        }
        Ok(known())
    }

    /// The topic as it is now, also for producing.
    pub(super) fn topic_now(&self, topic: &str) -> Result<Arc<Topic>, LogError> {
        self.topic_within(topic, self.timeout())
    }

    /// The same, waiting no longer than this.
    pub(super) fn topic_within(
        &self,
        topic: &str,
        timeout: Duration,
    ) -> Result<Arc<Topic>, LogError> {
        match self.look_within(topic, timeout) {
            Ok(described) => Ok(self.catalog.learn(&described)),
            Err(failure) => Err(self.doing("describe the topic", topic).failed(failure)),
        }
    }

    pub(super) fn describe(&self, topic: &str) -> Result<TopicDescription, LogError> {
        let doing = self.doing("describe the topic", topic);
        let described = self.look(topic).map_err(|failure| doing.failed(failure))?;
        self.catalog.learn(&described);
        let doing = self.doing("read the settings of the topic (DescribeConfigs)", topic);
        let settings = native::describe_settings(&self.producer.client, &[topic], self.timeout())
            .map_err(|failure| doing.failed(failure))?
            .remove(topic)
            .unwrap_or_else(|| Err(Failure::wrong_answer()))
            .map_err(|failure| doing.failed(failure))?;
        Ok(description(&described, &settings))
    }

    pub(super) fn describe_all(&self) -> Result<Vec<TopicDescription>, LogError> {
        let doing = self.doing("list the topics", "*");
        let failed = |failure: Failure| doing.failed(failure);
        let client = &self.producer.client;
        let metadata = client
            .client()
            .fetch_metadata(None, self.timeout())
            .map_err(|error| failed(Failure::from(error)))?;
        let names: Vec<&str> = metadata
            .topics()
            .iter()
            .map(rdkafka::metadata::MetadataTopic::name)
            .collect();
        let described = native::describe_topics(client, &names, self.timeout()).map_err(failed)?;
        // Deleted meanwhile, or not ours to see.
        let described: Vec<DescribedTopic> = described
            .into_iter()
            .flatten()
            .filter(|topic| !topic.internal)
            .collect();
        let names: Vec<&str> = described.iter().map(|topic| topic.name.as_str()).collect();
        let mut settings =
            native::describe_settings(client, &names, self.timeout()).map_err(failed)?;
        let mut all: Vec<TopicDescription> = described
            .iter()
            .filter_map(|topic| {
                let settings = settings.remove(&topic.name)?.ok()?;
                Some(description(topic, &settings))
            })
            .collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    /// Creates a topic, unless it is there. Two who create it at once both succeed; one of them created it.
    pub(super) fn create(&self, spec: &TopicSpec) -> Result<Created, LogError> {
        let name = spec.name.as_str();
        let doing = self.doing("create the topic", name);
        // Looked up first: who may not create topics can still use those that are there.
        match self.look(name) {
            Ok(_) => return self.existing(spec),
            Err(failure) => match failure.code {
                Code::UnknownTopicOrPartition | Code::UnknownTopic => {}
                _ => return Err(doing.failed(failure)),
            },
        }
        let topic = NewTopic {
            name,
            partitions: spec.partitions,
            replication: spec.replication,
            settings: settings(spec),
        };
        match native::create_topic(&self.producer.client, &topic, self.timeout()) {
            Ok(()) => {}
            Err(failure) => {
                return match failure.code {
                    Code::TopicAlreadyExists => {
                        self.wait_for(name, |found| found.is_ok())?;
                        self.existing(spec)
                    }
                    Code::InvalidTopic
                    | Code::InvalidPartitions
                    | Code::InvalidReplicationFactor
                    | Code::InvalidConfig
                    | Code::PolicyViolation => Err(LogError::InvalidTopic {
                        topic: name.to_owned(),
                        defect: format!("the broker says: {failure}"),
                    }),
                    _ => Err(doing.failed(failure)),
                };
            }
        }
        self.wait_for(name, |found| {
            found
                .as_ref()
                .is_ok_and(|topic| topic.led && topic.partitions == spec.partitions)
        })?;
        Ok(Created::New(self.describe(name)?))
    }

    fn existing(&self, spec: &TopicSpec) -> Result<Created, LogError> {
        let found = self.describe(&spec.name)?;
        if found.partitions == spec.partitions {
            Ok(Created::Existed(found))
        } else {
            Err(LogError::PartitionsDiffer {
                topic: spec.name.clone(),
                existing: found.partitions,
                requested: spec.partitions,
            })
        }
    }

    /// Brokers learn of a change one after the other: waits until the one that answers us has.
    fn wait_for(
        &self,
        topic: &str,
        done: impl Fn(&Result<DescribedTopic, Failure>) -> bool,
    ) -> Result<(), LogError> {
        let end = Instant::now() + self.timeout();
        loop {
            let found = self.look(topic);
            if done(&found) {
                return Ok(());
            }
            if Instant::now() >= end {
                let failure = found.err().unwrap_or_else(|| {
                    Failure::new(
                        Code::OperationTimedOut,
                        "the topic's partitions have no leaders yet",
                    )
                });
                return Err(self.doing("wait for the topic", topic).failed(failure));
            }
            std::thread::sleep(AGAIN);
        }
    }

    pub(super) fn delete(&self, topic: &str) -> Result<(), LogError> {
        native::delete_topic(&self.producer.client, topic, self.timeout())
            .map_err(|failure| self.doing("delete the topic", topic).failed(failure))?;
        self.catalog.forget(topic);
        self.wait_for(topic, Result::is_err)
    }

    pub(super) fn alter(&self, topic: &str, change: &TopicChange) -> Result<(), LogError> {
        let forever =
            |value: Option<u64>| value.map_or_else(|| "-1".to_owned(), |value| value.to_string());
        let changes: Vec<native::Change<'_>> = [
            (CLEANUP, change.cleanup.map(policy).map(str::to_owned)),
            (RETENTION_MS, change.retention_ms.map(forever)),
            (RETENTION_BYTES, change.retention_bytes.map(forever)),
            (
                DELETE_RETENTION_MS,
                change.delete_retention_ms.map(|value| value.to_string()),
            ),
        ]
        .into_iter()
        .filter(|(_, value)| value.is_some())
        .collect();
        if changes.is_empty() {
            return self.topic_now(topic).map(drop);
        }
        native::alter_topic(&self.producer.client, topic, &changes, self.timeout()).map_err(
            |failure| match failure.code {
                Code::InvalidConfig | Code::PolicyViolation => LogError::InvalidTopic {
                    topic: topic.to_owned(),
                    defect: format!("the broker says: {failure}"),
                },
                _ => self.doing("change the topic", topic).failed(failure),
            },
        )
    }

    /// Start and end of partitions; the end is behind the last record that is committed.
    pub(super) fn offsets(
        &self,
        topic: &str,
        partitions: &[i32],
    ) -> Result<BTreeMap<i32, (i64, i64)>, LogError> {
        self.offsets_within(topic, partitions, self.timeout())
    }

    /// The same, waiting no longer than this.
    pub(super) fn offsets_within(
        &self,
        topic: &str,
        partitions: &[i32],
        timeout: Duration,
    ) -> Result<BTreeMap<i32, (i64, i64)>, LogError> {
        self.edges_within(topic, partitions, timeout, true)
    }

    /// As [`offsets`](Shared::offsets); `committed` says whether records of open transactions lie behind the end.
    pub(super) fn edges_within(
        &self,
        topic: &str,
        partitions: &[i32],
        timeout: Duration,
        committed: bool,
    ) -> Result<BTreeMap<i32, (i64, i64)>, LogError> {
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        let client = &self.producer.client;
        let end = Instant::now() + timeout;
        loop {
            let (partition, failure) =
                match native::offsets_at(client, topic, partitions, timeout, committed) {
                    Ok(found) => return Ok(found),
                    Err(failed) => failed,
                };
            match failure.code {
                Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => {
                    let now = self.topic_within(topic, timeout)?;
                    if partition >= 0 && !now.has(partition) {
                        return Err(LogError::UnknownPartition {
                            topic: topic.to_owned(),
                            partition,
                            partitions: now.partitions(),
                        });
                    }
                }
                _ => {
                    let error = self.doing("ask for offsets", topic).failed(failure);
                    // A leader that moves is found a little later; what cannot be reached was waited for already.
                    if !matches!(
                        error,
                        LogError::Refused {
                            transient: true,
                            ..
                        }
                    ) {
                        return Err(error);
                    }
                    if Instant::now() >= end {
                        return Err(error);
                    }
                }
            }
            if Instant::now() >= end {
                return Err(LogError::UnknownTopic {
                    topic: topic.to_owned(),
                });
            }
            std::thread::sleep(AGAIN);
        }
    }
}

/// The broker's word for a policy.
fn policy(cleanup: Cleanup) -> &'static str {
    match cleanup {
        Cleanup::Delete => "delete",
        Cleanup::Compact => "compact",
        Cleanup::CompactDelete => "compact,delete",
    }
}

/// The settings a topic is created with: everything the specification says, since brokers' defaults differ.
fn settings(spec: &TopicSpec) -> Vec<(&'static str, String)> {
    let forever =
        |value: Option<u64>| value.map_or_else(|| "-1".to_owned(), |value| value.to_string());
    let mut settings = vec![(CLEANUP, policy(spec.cleanup).to_owned())];
    settings.push((RETENTION_MS, forever(spec.retention_ms)));
    settings.push((RETENTION_BYTES, forever(spec.retention_bytes)));
    settings.push((DELETE_RETENTION_MS, spec.delete_retention_ms.to_string()));
    settings
}

/// A topic in our words.
fn description(topic: &DescribedTopic, settings: &Settings) -> TopicDescription {
    let number = |name: &str| {
        settings
            .get(name)
            .and_then(|value| value.parse::<u64>().ok())
    };
    let policies = settings.get(CLEANUP).map_or("delete", String::as_str);
    let has = |policy: &str| policies.split(',').any(|one| one.trim() == policy);
    let cleanup = match (has("compact"), has("delete")) {
        (true, true) => Cleanup::CompactDelete,
        (true, false) => Cleanup::Compact,
        (false, _) => Cleanup::Delete,
    };
    TopicDescription {
        name: Arc::from(topic.name.as_str()),
        id: topic.id,
        partitions: topic.partitions,
        spec: TopicSpec {
            name: topic.name.clone(),
            partitions: topic.partitions,
            replication: topic.replication,
            cleanup,
            // -1, for ever, is no u64.
            retention_ms: number(RETENTION_MS),
            retention_bytes: number(RETENTION_BYTES),
            delete_retention_ms: number(DELETE_RETENTION_MS)
                .unwrap_or(TopicSpec::DELETE_RETENTION_MS),
        },
    }
}
