//! The one who writes dead letters: acknowledged when it resolves.
//!
//! Invariant: a letter that is not acknowledged is an error, and whoever reads the record stays before it; only a hook of the
//! program can decline one. May be called from any task; clones share it.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::failed::{Failed, Stage, WriteError, Written};
use super::headers::{Around, Letter};
use super::options::DeadLetterOptions;
use super::tally::Tally;
use crate::clock::Clock;
use crate::log::{Created, Log, LogError, Receipt, Record, TopicSpec};

/// Writes dead letters. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetters(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    log: Log,
    spec: TopicSpec,
    clock: Clock,
    source: String,
    options: DeadLetterOptions,
    /// Of the topic as it was last seen; 0 where it was not.
    partitions: AtomicU32,
    /// What the timestamps of a topic mean, once it was asked for; nothing where it could not be.
    stamps: Mutex<HashMap<String, Option<&'static str>>>,
    /// Letters written by this process.
    written: Mutex<BTreeMap<(String, Stage, String), u64>>,
    /// Records that hooks declined in this process.
    declined: AtomicU64,
    /// The letters there are, once somebody asked.
    tally: Arc<Mutex<Tally>>,
}

impl DeadLetters {
    /// The writer of an application's letters. Nothing is asked of the log yet.
    pub(crate) fn new(
        log: Log,
        spec: TopicSpec,
        clock: Clock,
        application: &str,
        options: DeadLetterOptions,
    ) -> DeadLetters {
        let source = options.own_source().map_or_else(
            || format!("{application}/{}@{}", env!("CARGO_PKG_VERSION"), host()),
            str::to_owned,
        );
        DeadLetters(Arc::new(Shared {
            log,
            spec,
            clock,
            source,
            options,
            partitions: AtomicU32::new(0),
            stamps: Mutex::default(),
            written: Mutex::default(),
            declined: AtomicU64::new(0),
            tally: Arc::default(),
        }))
    }

    /// The topic's name.
    pub(crate) fn topic(&self) -> &str {
        &self.0.spec.name
    }

    pub(super) fn log(&self) -> &Log {
        &self.0.log
    }

    pub(super) fn tally(&self) -> &Arc<Mutex<Tally>> {
        &self.0.tally
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Letters that this process wrote, by entity, stage and class.
    pub(crate) fn written(&self) -> Vec<(String, Stage, String, u64)> {
        let written = self
            .0
            .written
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        written
            .iter()
            .map(|((entity, stage, class), count)| (entity.clone(), *stage, class.clone(), *count))
            .collect()
    }

    /// Records that hooks declined in this process.
    pub(crate) fn declined(&self) -> u64 {
        self.0.declined.load(Ordering::Relaxed)
    }

    /// Makes sure that the topic is there. One with another number of partitions is as good.
    ///
    /// # Errors
    /// Where it is missing and cannot be created, or cannot be asked for.
    pub(crate) async fn ready(&self) -> Result<(), LogError> {
        let partitions = match self.0.log.create_topic_stamping(&self.0.spec).await {
            Ok(created) => {
                if let Created::New(topic) = &created {
                    tracing::info!(topic = %topic.name, partitions = topic.partitions, "the dead letters' topic was created");
                }
                created.topic().partitions
            }
            Err(LogError::PartitionsDiffer { existing, .. }) => existing,
            Err(error) => return Err(error),
        };
        self.0.partitions.store(partitions, Ordering::Relaxed);
        Ok(())
    }

    /// Writes a failed record as a dead letter; resolves when it is durable. One that is refused for its size is sent again
    /// without the headers it can do without.
    ///
    /// # Errors
    /// Where the letter is not there. It is the reader's to try again, and not to go on meanwhile.
    pub(crate) async fn write(&self, failed: &Failed<'_>) -> Result<Written, WriteError> {
        let shared = &*self.0;
        if failed.topic == shared.spec.name {
            return Err(WriteError::Log(LogError::InvalidRecord {
                topic: shared.spec.name.clone(),
                defect: format!(
                    "it was read from this topic, at offset {} of partition {}, and would be read again for ever: a \
                     consumer of the dead letters cannot have its own go there",
                    failed.record.offset, failed.partition
                ),
            }));
        }
        if !shared.options.wants(&failed.candidate()) {
            shared.declined.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(
                entity = failed.entity,
                topic = failed.topic,
                partition = failed.partition,
                offset = failed.record.offset,
                class = failed.class,
                "a record was declined by the program and is no dead letter"
            );
            return Ok(Written::Declined);
        }
        let letter = Letter::of(
            failed,
            Around {
                options: &shared.options,
                source: &shared.source,
                now_ms: shared.clock.now_ms(),
                timestamp_type: self.timestamp_type(failed.topic).await,
            },
        );
        let receipt = match self.send(failed, &letter).await {
            Err(LogError::TooLarge { .. }) => {
                let smaller = letter.without_optional();
                self.send(failed, &smaller)
                    .await
                    .map_err(|error| match error {
                        LogError::TooLarge { .. } => WriteError::TooLarge {
                            topic: failed.topic.to_owned(),
                            partition: failed.partition,
                            offset: failed.record.offset,
                            source: error,
                        },
                        other => WriteError::Log(other),
                    })?
            }
            other => other?,
        };
        tracing::warn!(
            entity = failed.entity,
            topic = failed.topic,
            partition = failed.partition,
            offset = failed.record.offset,
            stage = failed.stage.as_str(),
            class = failed.class,
            attempts = failed.attempts,
            letter_partition = receipt.partition,
            letter_offset = receipt.offset,
            "a record became a dead letter"
        );
        let mut written = shared
            .written
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let kind = (
            failed.entity.to_owned(),
            failed.stage,
            failed.class.to_owned(),
        );
        let count = written.entry(kind).or_default();
        *count = count.saturating_add(1);
        Ok(Written::Acknowledged(receipt))
    }

    /// Sends a letter; once more where the topic is not what it was: somebody removed it, or made it anew.
    async fn send(&self, failed: &Failed<'_>, letter: &Letter<'_>) -> Result<Receipt, LogError> {
        if self.0.partitions.load(Ordering::Relaxed) == 0 {
            self.ready().await?;
        }
        match self.produce(failed, letter).await {
            Err(LogError::UnknownTopic { .. } | LogError::UnknownPartition { .. }) => {
                self.ready().await?;
                self.produce(failed, letter).await
            }
            other => other,
        }
    }

    async fn produce(&self, failed: &Failed<'_>, letter: &Letter<'_>) -> Result<Receipt, LogError> {
        let partition = u32::try_from(letter.partition)
            .unwrap_or(0)
            .checked_rem(self.0.partitions.load(Ordering::Relaxed))
            .unwrap_or(0);
        let headers = letter.all();
        // Clients cannot send the time 0.
        let now = self.0.clock.now_ms().max(1);
        let record = Record::new(failed.record.key, failed.record.value, now)
            .headers(&headers)
            .partition(partition.cast_signed());
        self.0.log.produce(self.topic(), record).await
    }

    /// What the timestamps of a topic mean. Asked for once: whether it is known changes nothing but a header.
    async fn timestamp_type(&self, topic: &str) -> Option<&'static str> {
        let known = |shared: &Shared| {
            let stamps = shared.stamps.lock().unwrap_or_else(PoisonError::into_inner);
            stamps.get(topic).copied()
        };
        if let Some(known) = known(&self.0) {
            return known;
        }
        let asked = self.0.log.timestamp_type(topic).await.ok();
        let mut stamps = self.0.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        stamps.insert(topic.to_owned(), asked);
        asked
    }
}

/// The machine's name, for people who look for the one that wrote a letter.
fn host() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let named = || {
        ["HOSTNAME", "COMPUTERNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok())
    };
    told.map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .or_else(named)
        .unwrap_or_else(|| "unknown".to_owned())
}
