//! The log on a Kafka cluster, through librdkafka.
//!
//! One producer serves producing and every question to the cluster; each reader and each member of a group has a consumer
//! of its own, and each group whose offsets are kept otherwise another. A reader's picture of the parts: `options` (what
//! each client is told) → `topics` (what the cluster says) → `catalog` (what is remembered of it) → `produce` and
//! `pending`, `reading` (under `reader` and `member`) with `watch`, `slot` and `signal`, `groups`, `election` and
//! `transactions`; `native` holds the calls rdkafka has no safe form for, `failure` what their answers mean.
//!
//! Beyond what every log promises: records of a batch may be written in part, since a batch is no transaction
//! ([`LogError::NotDelivered`] says how many were); the offsets of a batch need not follow one another, since others
//! produce too; and offsets that hold transaction markers or records compacted away are passed over. A retry is
//! recognised by the broker, so it writes nothing twice, but for records whose timestamps are more than a day old
//! (`producer.id.expiration.ms`): a broker that restarts forgets who wrote them, and what was on its way then may be
//! there twice.

mod catalog;
mod context;
mod election;
mod failure;
mod groups;
mod member;
mod native;
mod options;
mod pending;
mod produce;
mod reader;
mod reading;
mod signal;
mod slot;
mod statistics;
mod topics;
mod transactions;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::producer::Producer as _;
use rdkafka::types::RDKafkaErrorCode as Code;

pub(crate) use election::{Ownership, Turn, Writer};
pub(crate) use member::KafkaMember;
pub use options::KafkaOptions;
pub use reader::KafkaReader;

use super::batch::{BatchReceipt, RecordBatch};
use super::error::LogError;
use super::packed;
use super::reader::LogReader;
use super::record::{Receipt, Record};
use super::topic::{Created, Offsets, TopicChange, TopicDescription, TopicSpec};
use catalog::{Catalog, Topic};
use failure::Failure;
use groups::Groups;
use pending::Outcome;
use produce::Producer;
use statistics::Readers;

/// The log on a Kafka cluster. Clones share it; dropping the last one, readers included, closes it.
#[derive(Debug, Clone)]
pub struct KafkaLog(Arc<Shared>);

/// What clones and readers share.
#[derive(Debug)]
struct Shared {
    options: KafkaOptions,
    producer: Producer,
    catalog: Catalog,
    groups: Groups,
    readers: Readers,
    closed: AtomicBool,
}

impl Shared {
    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Finishes what is on its way. Blocks.
    /// `waited` is how much of the patience is used up.
    fn close(&self, waited: Duration) -> Result<(), LogError> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let patience = self.options.close_timeout.saturating_sub(waited);
        let lost = self.producer.close(patience);
        self.groups.close();
        if lost == 0 {
            return Ok(());
        }
        Err(LogError::GivenUp {
            records: lost,
            after: self.options.close_timeout,
        })
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Err(error) = self.close(Duration::ZERO) {
            tracing::error!(%error, "closing the log");
        }
    }
}

impl KafkaLog {
    /// Opens the log of a cluster. Nothing is asked of the cluster yet.
    ///
    /// # Errors
    /// [`LogError::InvalidSetting`] where a setting is not possible.
    pub fn open(options: KafkaOptions) -> Result<KafkaLog, LogError> {
        options.check()?;
        options.validate_consumer()?;
        let producer = Producer::new(&options)?;
        Ok(KafkaLog(Arc::new(Shared {
            options,
            producer,
            catalog: Catalog::default(),
            groups: Groups::default(),
            readers: Readers::default(),
            closed: AtomicBool::new(false),
        })))
    }

    /// What it was opened with.
    pub fn options(&self) -> &KafkaOptions {
        &self.0.options
    }

    /// What its producer, which serves all requests but those of readers, and its readers count; nothing of one until it
    /// counted for the first time.
    pub(crate) fn statistics(&self) -> Vec<crate::operation::Client> {
        let context = self.0.producer.client.client().context();
        let mut clients: Vec<_> = context.statistics.read().into_iter().collect();
        clients.extend(self.0.readers.read());
        clients
    }

    fn open_still(&self) -> Result<&Shared, LogError> {
        if self.0.is_closed() {
            Err(LogError::Closed)
        } else {
            Ok(&self.0)
        }
    }

    /// Runs what waits for the cluster where waiting disturbs no task.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Shared) -> Result<T, LogError> + Send + 'static,
    ) -> Result<T, LogError> {
        self.open_still()?;
        let shared = Arc::clone(&self.0);
        let (answer, answered) = tokio::sync::oneshot::channel();
        // No blocking task: a runtime that ends waits for those, and a question to brokers that are away takes its time.
        std::thread::Builder::new()
            .name("ksql-kafka-ask".to_owned())
            .spawn(move || {
                // Nobody may be waiting any more.
                let _ = answer.send(question(&shared));
            })
            .map_err(|error| LogError::Storage {
                action: "start a thread",
                source: Arc::new(error),
            })?;
        answered.await.unwrap_or(Err(LogError::Closed))
    }

    /// See [`Log::create_topic`](super::Log::create_topic).
    pub async fn create_topic(&self, spec: &TopicSpec) -> Result<Created, LogError> {
        if let Some(defect) = spec.defect() {
            return Err(LogError::InvalidTopic {
                topic: spec.name.clone(),
                defect,
            });
        }
        let spec = spec.clone();
        self.ask(move |shared| shared.create(&spec, false)).await
    }

    /// All topics but those of the cluster itself, by name.
    pub async fn topics(&self) -> Result<Vec<TopicDescription>, LogError> {
        self.ask(Shared::describe_all).await
    }

    /// The id of the cluster. Nothing where its brokers have none to tell.
    ///
    /// # Errors
    /// Where no broker answers.
    pub async fn cluster_id(&self) -> Result<Option<String>, LogError> {
        self.ask(Shared::cluster_id).await
    }

    /// One topic.
    pub async fn describe(&self, topic: &str) -> Result<TopicDescription, LogError> {
        let topic = topic.to_owned();
        self.ask(move |shared| shared.describe(&topic, shared.timeout()))
            .await
    }

    pub(crate) async fn describe_soon(&self, topic: &str) -> Result<TopicDescription, LogError> {
        let topic = topic.to_owned();
        self.ask(move |shared| shared.describe(&topic, reading::patience(shared)))
            .await
    }

    /// See [`Log::alter_topic`](super::Log::alter_topic).
    pub async fn alter_topic(&self, topic: &str, change: &TopicChange) -> Result<(), LogError> {
        let (topic, change) = (topic.to_owned(), *change);
        self.ask(move |shared| shared.alter(&topic, &change)).await
    }

    /// See [`Log::delete_topic`](super::Log::delete_topic).
    pub async fn delete_topic(&self, topic: &str) -> Result<(), LogError> {
        let topic = topic.to_owned();
        self.ask(move |shared| shared.delete(&topic)).await
    }

    /// The topic to produce to, from memory where it is known.
    async fn topic(&self, topic: &str) -> Result<Arc<Topic>, LogError> {
        match self.0.catalog.get(topic) {
            Some(known) => Ok(known),
            None => self.topic_now(topic).await,
        }
    }

    async fn topic_now(&self, topic: &str) -> Result<Arc<Topic>, LogError> {
        let topic = topic.to_owned();
        self.ask(move |shared| shared.topic_now(&topic)).await
    }

    /// The topic, once more where it seems not to have this partition: it may have been added.
    async fn with_partition(
        &self,
        topic: Arc<Topic>,
        partition: i32,
    ) -> Result<Arc<Topic>, LogError> {
        if topic.has(partition) {
            return Ok(topic);
        }
        let topic = self.topic_now(&topic.name).await?;
        if topic.has(partition) {
            return Ok(topic);
        }
        Err(LogError::UnknownPartition {
            topic: topic.name.to_string(),
            partition,
            partitions: topic.partitions(),
        })
    }

    /// See [`Log::produce`](super::Log::produce).
    pub async fn produce(&self, topic: &str, record: Record<'_>) -> Result<Receipt, LogError> {
        let shared = self.open_still()?;
        let mut topic = self.topic(topic).await?;
        if let Some(partition) = record.partition {
            topic = self.with_partition(topic, partition).await?;
        }
        if let Some(defect) = produce::defect(record.timestamp) {
            return Err(invalid(&topic, defect));
        }
        let Outcome {
            places,
            timestamp,
            failure,
        } = shared.producer.one(&topic, &record).await?;
        let bytes = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
        if let Some(failure) = failure {
            return Err(self.undelivered(&topic, failure, bytes));
        }
        let (partition, offset) = self
            .placed(&topic, places)
            .await?
            .first()
            .copied()
            .ok_or(LogError::Closed)?;
        Ok(Receipt {
            topic: Arc::clone(&topic.name),
            partition,
            offset,
            timestamp: timestamp.unwrap_or(record.timestamp),
        })
    }

    /// See [`Log::produce_batch`](super::Log::produce_batch).
    pub async fn produce_batch(
        &self,
        topic: &str,
        batch: RecordBatch,
    ) -> Result<BatchReceipt, LogError> {
        let shared = self.open_still()?;
        self.produce_by(&shared.producer, topic, batch).await
    }

    /// Produces a batch by this producer.
    async fn produce_by(
        &self,
        producer: &Producer,
        topic: &str,
        batch: RecordBatch,
    ) -> Result<BatchReceipt, LogError> {
        self.open_still()?;
        let mut topic = self.topic(topic).await?;
        if let Some(defect) = batch.defect() {
            return Err(invalid(&topic, defect));
        }
        // Everything that can be known before is: what is wrong with one record leaves nothing of the others.
        let mut largest = 0;
        for (entry, bytes) in batch.entries() {
            let record = packed::read_record(&mut { bytes })
                .ok_or_else(|| invalid(&topic, "an encoder wrote over the record before it"))?;
            if let Some(defect) = produce::defect(record.timestamp) {
                return Err(invalid(&topic, defect));
            }
            if let Some(partition) = entry.partition {
                topic = self.with_partition(topic, partition).await?;
            }
            largest = largest.max(bytes.len());
        }
        let Outcome {
            places, failure, ..
        } = producer.batch(&topic, &batch).await?;
        if let Some(failure) = failure {
            let acknowledged = places
                .iter()
                .filter(|(partition, _)| *partition >= 0)
                .count();
            return Err(LogError::NotDelivered {
                topic: topic.name.to_string(),
                records: batch.len(),
                acknowledged,
                source: Arc::new(self.undelivered(&topic, failure, largest)),
            });
        }
        let places = self.placed(&topic, places).await?;
        Ok(BatchReceipt::each(Arc::clone(&topic.name), places))
    }

    /// The broker may know only that a record is there, not where (a repeat of an old one). The end of the partition is
    /// behind it: a reader who has come there has seen it.
    async fn placed(
        &self,
        topic: &Arc<Topic>,
        mut places: Vec<(i32, i64)>,
    ) -> Result<Vec<(i32, i64)>, LogError> {
        let mut unknown: Vec<i32> = places
            .iter()
            .filter(|(_, offset)| *offset < 0)
            .map(|(partition, _)| *partition)
            .collect();
        if unknown.is_empty() {
            return Ok(places);
        }
        unknown.sort_unstable();
        unknown.dedup();
        let name = Arc::clone(&topic.name);
        let edges = self
            .ask(move |shared| shared.offsets(&name, &unknown))
            .await?;
        for (partition, offset) in places.iter_mut().filter(|(_, offset)| *offset < 0) {
            let (_, end) = edges.get(partition).copied().unwrap_or((0, 0));
            *offset = end.saturating_sub(1);
        }
        Ok(places)
    }

    /// What a failed delivery means.
    fn undelivered(&self, topic: &Topic, failure: Failure, bytes: usize) -> LogError {
        let name = topic.name.to_string();
        match failure.code {
            Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidMessageSize => {
                LogError::TooLarge {
                    topic: name,
                    bytes,
                    source: Arc::new(failure),
                }
            }
            Code::MessageTimedOut => LogError::NotAcknowledged {
                topic: name,
                after: self.0.options.delivery_timeout,
                source: Arc::new(failure),
            },
            Code::PurgeQueue | Code::PurgeInflight => {
                // Given up by the end of the log, or with what made the producer unusable.
                let fatal = self.0.producer.fatal();
                fatal.map_or(LogError::Closed, |fatal| ended(name, fatal))
            }
            Code::InvalidTimestamp | Code::InvalidRecord => {
                invalid(topic, &format!("the broker says: {failure}"))
            }
            Code::UnknownPartition => LogError::UnknownPartition {
                topic: name,
                partition: -1,
                partitions: topic.partitions(),
            },
            Code::UnknownTopicOrPartition | Code::UnknownTopic => {
                self.0.catalog.forget(&name);
                LogError::UnknownTopic { topic: name }
            }
            // What made the producer unusable is kept by it; the record was only the next one.
            Code::Fatal => ended(name, self.0.producer.fatal().unwrap_or(failure)),
            Code::OutOfOrderSequenceNumber | Code::UnknownProducerId => LogError::Poisoned {
                reason: failure.to_string(),
            },
            _ => self.0.doing("produce", &topic.name).failed(failure),
        }
    }

    /// The first offset still there and the one behind the last record that can be read.
    pub async fn offsets(&self, topic: &str, partition: i32) -> Result<Offsets, LogError> {
        self.open_still()?;
        let known = self.topic(topic).await?;
        let known = self.with_partition(known, partition).await?;
        let name = Arc::clone(&known.name);
        let edges = self
            .ask(move |shared| shared.offsets(&name, &[partition]))
            .await?;
        let (start, end) = edges.get(&partition).copied().unwrap_or((0, 0));
        Ok(Offsets {
            start,
            end,
            // Brokers do not tell what compaction removed.
            resume_from: 0,
        })
    }

    /// See [`Log::all_offsets`](super::Log::all_offsets).
    pub async fn all_offsets(&self, topic: &str) -> Result<Vec<Offsets>, LogError> {
        self.all_edges(topic, true).await
    }

    /// As [`KafkaLog::all_offsets`], with what open transactions have written before the end.
    pub(crate) async fn all_written(&self, topic: &str) -> Result<Vec<Offsets>, LogError> {
        self.all_edges(topic, false).await
    }

    async fn all_edges(&self, topic: &str, committed: bool) -> Result<Vec<Offsets>, LogError> {
        let topic = topic.to_owned();
        self.ask(move |shared| {
            let known = shared.topic_now(&topic)?;
            let partitions: Vec<i32> = (0..known.partitions().cast_signed()).collect();
            let timeout = shared.timeout();
            let edges = shared.edges_within(&topic, &partitions, timeout, committed)?;
            Ok(partitions
                .iter()
                .map(|partition| {
                    let (start, end) = edges.get(partition).copied().unwrap_or((0, 0));
                    Offsets {
                        start,
                        end,
                        resume_from: 0,
                    }
                })
                .collect())
        })
        .await
    }

    /// See [`Log::commit_all`](super::Log::commit_all).
    pub async fn commit_all(
        &self,
        group: &str,
        topic: &str,
        offsets: &[(i32, i64)],
    ) -> Result<(), LogError> {
        let (group, topic, offsets) = (group.to_owned(), topic.to_owned(), offsets.to_vec());
        self.ask(move |shared| shared.commit(&group, &topic, &offsets))
            .await
    }

    /// The offset a group committed, if it did.
    pub async fn committed(
        &self,
        group: &str,
        topic: &str,
        partition: i32,
    ) -> Result<Option<i64>, LogError> {
        let (group, topic) = (group.to_owned(), topic.to_owned());
        self.ask(move |shared| shared.committed(&group, &topic, partition))
            .await
    }

    /// See [`Log::reader`](super::Log::reader). Blocks for some questions to the cluster.
    pub fn reader(&self, topic: &str, from: &[(i32, i64)]) -> Result<LogReader, LogError> {
        self.open_still()?;
        Ok(LogReader::kafka(KafkaReader::new(
            Arc::clone(&self.0),
            topic,
            from,
        )?))
    }

    /// See [`Log::flush`](super::Log::flush).
    pub async fn flush(&self) -> Result<(), LogError> {
        self.open_still()?.producer.flush().await
    }

    /// See [`Log::close`](super::Log::close). What is not acknowledged within
    /// [`close_timeout`](KafkaOptions::close_timeout) is given up, and [`LogError::GivenUp`] says how much.
    pub async fn close(&self) -> Result<(), LogError> {
        self.close_after(Duration::ZERO).await
    }

    /// As [`KafkaLog::close`], by a caller who has waited for acknowledgements so long already.
    pub(crate) async fn close_after(&self, waited: Duration) -> Result<(), LogError> {
        let shared = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || shared.close(waited))
            .await
            .unwrap_or(Ok(()))
    }
}

/// What made the producer unusable, told to whoever produces to this topic.
fn ended(topic: String, fatal: Failure) -> LogError {
    if fatal.code == Code::ClusterAuthorizationFailed {
        LogError::Unauthorized {
            action: "produce",
            resource: format!("topic `{topic}` (Write), or on the cluster (IdempotentWrite),"),
            source: Arc::new(fatal),
        }
    } else {
        LogError::Poisoned {
            reason: fatal.to_string(),
        }
    }
}

fn invalid(topic: &Topic, defect: &str) -> LogError {
    LogError::InvalidRecord {
        topic: topic.name.to_string(),
        defect: defect.to_owned(),
    }
}
