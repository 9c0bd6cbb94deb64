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

use super::catalog::Topic;
use super::failure::{Doing, Failure};
use super::native::{self, DescribedTopic, NewTopic, Settings};
use super::{KafkaLog, Shared};
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
const TIMESTAMP_TYPE: &str = "message.timestamp.type";
const APPENDED: &str = "LogAppendTime";

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

    pub(super) fn describe(
        &self,
        topic: &str,
        timeout: Duration,
    ) -> Result<TopicDescription, LogError> {
        let doing = self.doing("describe the topic", topic);
        let described = self
            .look_within(topic, timeout)
            .map_err(|failure| doing.failed(failure))?;
        self.catalog.learn(&described);
        Ok(description(&described, &self.settings_of(topic, timeout)?))
    }

    fn settings_of(&self, topic: &str, timeout: Duration) -> Result<Settings, LogError> {
        let doing = self.doing("read the settings of the topic (DescribeConfigs)", topic);
        native::describe_settings(&self.producer.client, &[topic], timeout)
            .map_err(|failure| doing.failed(failure))?
            .remove(topic)
            .unwrap_or_else(|| Err(Failure::wrong_answer()))
            .map_err(|failure| doing.failed(failure))
    }

    /// What the timestamps of a topic's records mean.
    pub(super) fn timestamp_type(&self, topic: &str) -> Result<&'static str, LogError> {
        let settings = self.settings_of(topic, self.timeout())?;
        let appended = settings
            .get(TIMESTAMP_TYPE)
            .is_some_and(|word| word == APPENDED);
        Ok(if appended { APPENDED } else { "CreateTime" })
    }

    /// Removes the records of a partition before an offset; false where the topic's policy forbids it.
    pub(super) fn remove_before(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<bool, LogError> {
        let end = Instant::now() + self.timeout();
        loop {
            let client = &self.producer.client;
            let removed = native::remove_before(client, topic, partition, offset, self.timeout());
            let failure = match removed {
                Ok(()) => return Ok(true),
                Err(failure) => failure,
            };
            match failure.code {
                Code::PolicyViolation => return Ok(false),
                Code::OffsetOutOfRange => {
                    let edges = self.offsets(topic, &[partition])?;
                    let (start, end) = edges.get(&partition).copied().unwrap_or((0, 0));
                    // Somebody removed them already.
                    if offset <= start {
                        return Ok(true);
                    }
                    return Err(LogError::OffsetOutOfRange {
                        topic: topic.to_owned(),
                        partition,
                        offset,
                        start,
                        end,
                    });
                }
                _ => {}
            }
            let error = self
                .doing("remove records of the topic", topic)
                .failed(failure);
            // A leader that moves is found a little later.
            let passes = matches!(
                error,
                LogError::Refused {
                    transient: true,
                    ..
                }
            );
            if !passes || Instant::now() >= end {
                return Err(error);
            }
            std::thread::sleep(AGAIN);
        }
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
    /// `stamping` lets the broker give its records the time of their arrival.
    pub(super) fn create(&self, spec: &TopicSpec, stamping: bool) -> Result<Created, LogError> {
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
        let mut topic = NewTopic {
            name,
            partitions: spec.partitions,
            replication: spec.replication,
            settings: settings(spec),
        };
        if stamping {
            topic.settings.push((TIMESTAMP_TYPE, APPENDED.to_owned()));
        }
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
        Ok(Created::New(self.describe(name, self.timeout())?))
    }

    fn existing(&self, spec: &TopicSpec) -> Result<Created, LogError> {
        let found = self.describe(&spec.name, self.timeout())?;
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
        let client = &self.producer.client;
        self.until_led(topic, partitions, timeout, || {
            native::offsets_at(client, topic, partitions, timeout, committed)
        })
    }

    /// The first record of partitions with this timestamp or a later one, where there is one.
    pub(super) fn offsets_of_time(
        &self,
        topic: &str,
        partitions: &[i32],
        time: i64,
        timeout: Duration,
    ) -> Result<BTreeMap<i32, Option<i64>>, LogError> {
        let client = &self.producer.client;
        self.until_led(topic, partitions, timeout, || {
            native::offsets_of_time(client, topic, partitions, time, timeout)
        })
    }

    /// Asks the leaders of partitions, once more while leaders move.
    fn until_led<T>(
        &self,
        topic: &str,
        partitions: &[i32],
        timeout: Duration,
        ask: impl Fn() -> Result<BTreeMap<i32, T>, (i32, Failure)>,
    ) -> Result<BTreeMap<i32, T>, LogError> {
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        let end = Instant::now() + timeout;
        loop {
            let (partition, failure) = match ask() {
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

impl KafkaLog {
    /// See [`Log::create_topic_stamping`](crate::log::Log::create_topic_stamping).
    pub(crate) async fn create_topic_stamping(
        &self,
        spec: &TopicSpec,
    ) -> Result<Created, LogError> {
        if let Some(defect) = spec.defect() {
            return Err(LogError::InvalidTopic {
                topic: spec.name.clone(),
                defect,
            });
        }
        let spec = spec.clone();
        self.ask(move |shared| shared.create(&spec, true)).await
    }

    /// See [`Log::timestamp_type`](crate::log::Log::timestamp_type).
    pub(crate) async fn timestamp_type(&self, topic: &str) -> Result<&'static str, LogError> {
        let topic = topic.to_owned();
        self.ask(move |shared| shared.timestamp_type(&topic)).await
    }

    /// See [`Log::remove_before`](crate::log::Log::remove_before).
    pub(crate) async fn remove_before(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<bool, LogError> {
        let topic = topic.to_owned();
        self.ask(move |shared| shared.remove_before(&topic, partition, offset))
            .await
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
