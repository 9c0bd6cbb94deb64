//! Topics: as they are defined, as they were found, and made what they are to be.
//!
//! Invariant: looking changes nothing; making uses what was found, alters only what `on_drift` lets it, and can be done
//! again. Called by the inspection and, behind it, by start.

use ksql_schema::model::Cleanup;

use super::builder::Registration;
use super::options::{self, Operational};
use super::plan::{Action, Cure, Difference, Part, PlanStep};
use crate::config::{Config, OnDrift};
use crate::log::{Created, Log, LogError, TopicChange, TopicDescription, TopicSpec};

/// How long to wait before an altered topic is looked at again.
const AGAIN: std::time::Duration = std::time::Duration::from_millis(20);

/// Whom the plan names beside the dead letters' topic.
const DEAD_LETTERS: &str = "(dead letters)";

/// A topic of an entity or of the dead letters, and what is there of it.
#[derive(Debug)]
pub(super) struct Topic {
    entity: &'static str,
    spec: TopicSpec,
    /// Any number of partitions is right for dead letters.
    dead_letters: bool,
    existing: Option<TopicDescription>,
    differences: Vec<Difference>,
}

/// Whose a topic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was there before.
    Before,
    /// This start created it.
    Ours,
    /// Somebody created it since it was looked at: another instance that starts at the same moment.
    Another,
}

impl Topic {
    /// Compares the topic with its definition.
    pub(super) async fn look(
        log: &Log,
        entity: &Registration,
        config: &Config,
    ) -> Result<Topic, LogError> {
        Topic::absent(entity, config).compared(log).await
    }

    /// Compares the dead letters' topic with the configuration.
    pub(super) async fn look_for_dead_letters(
        log: &Log,
        config: &Config,
    ) -> Result<Topic, LogError> {
        Topic::of_dead_letters(config).compared(log).await
    }

    /// As [`Topic::look`], by what the topic is to be.
    pub(super) async fn sought(
        log: &Log,
        entity: &'static str,
        spec: TopicSpec,
    ) -> Result<Topic, LogError> {
        let topic = Topic {
            entity,
            spec,
            dead_letters: false,
            existing: None,
            differences: Vec::new(),
        };
        topic.compared(log).await
    }

    async fn compared(mut self, log: &Log) -> Result<Topic, LogError> {
        match log.describe(&self.spec.name).await {
            Ok(existing) => {
                self.differences = differences(&existing, &self.spec);
                if self.dead_letters {
                    self.differences
                        .retain(|differs| differs.cure != Cure::Refused);
                }
                self.existing = Some(existing);
            }
            Err(LogError::UnknownTopic { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(self)
    }

    /// The topic where nothing exists yet.
    pub(super) fn absent(entity: &Registration, config: &Config) -> Topic {
        Topic {
            entity: entity.model.name,
            spec: Operational::of(entity, config).spec(entity.model),
            dead_letters: false,
            existing: None,
            differences: Vec::new(),
        }
    }

    /// The dead letters' topic where nothing exists yet.
    pub(super) fn of_dead_letters(config: &Config) -> Topic {
        Topic {
            entity: DEAD_LETTERS,
            spec: options::dead_letters(config),
            dead_letters: true,
            existing: None,
            differences: Vec::new(),
        }
    }

    async fn create(&self, log: &Log) -> Result<Created, LogError> {
        if !self.dead_letters {
            return log.create_topic(&self.spec).await;
        }
        match log.create_topic_stamping(&self.spec).await {
            // Another application made it since, with a number of its own.
            Err(LogError::PartitionsDiffer { topic, .. }) => {
                Ok(Created::Existed(log.describe(&topic).await?))
            }
            other => other,
        }
    }

    /// What start would do about it.
    pub(super) fn step(&self) -> PlanStep {
        let spec = &self.spec;
        PlanStep {
            part: Part::Topic,
            name: spec.name.clone(),
            entity: self.entity,
            action: match &self.existing {
                None => Action::Create,
                Some(_) => Action::of(self.differences.clone()),
            },
            definition: format!(
                "partitions={}, replication={}, cleanup.policy={}, retention.ms={}",
                spec.partitions,
                spec.replication,
                cleanup_text(spec.cleanup),
                retention_text(spec.retention_ms)
            ),
        }
    }

    /// Why start does not go on with it.
    pub(super) fn refusal(&self) -> Result<(), LogError> {
        match &self.existing {
            Some(existing) if !self.dead_letters && existing.partitions != self.spec.partitions => {
                Err(LogError::PartitionsDiffer {
                    topic: self.spec.name.clone(),
                    existing: existing.partitions,
                    requested: self.spec.partitions,
                })
            }
            _ => Ok(()),
        }
    }

    /// Creates it where it is missing; alters or reports what differs.
    pub(super) async fn make(
        self,
        log: &Log,
        config: &Config,
    ) -> Result<(TopicDescription, Origin), LogError> {
        self.refusal()?;
        let Some(existing) = &self.existing else {
            return match self.create(log).await? {
                Created::New(topic) => {
                    tracing::info!(entity = self.entity, topic = %topic.name, partitions = topic.partitions, "topic created");
                    Ok((topic, Origin::Ours))
                }
                // Compared at the next start.
                Created::Existed(topic) => Ok((topic, Origin::Another)),
            };
        };
        for difference in &self.differences {
            tracing::warn!(entity = self.entity, topic = %existing.name, %difference, "the topic differs from its definition");
        }
        let alterable = self
            .differences
            .iter()
            .any(|difference| difference.cure == Cure::InPlace);
        if !alterable || config.cluster.on_drift != OnDrift::Alter {
            return Ok((existing.clone(), Origin::Before));
        }
        let spec = &self.spec;
        let change = TopicChange {
            cleanup: (existing.spec.cleanup != spec.cleanup).then_some(spec.cleanup),
            retention_ms: (existing.spec.retention_ms != spec.retention_ms)
                .then_some(spec.retention_ms),
            ..TopicChange::default()
        };
        log.alter_topic(&spec.name, &change).await?;
        tracing::info!(entity = self.entity, topic = %existing.name, "the topic was altered to its definition");
        Ok((seen(log, spec, config).await?, Origin::Before))
    }
}

/// The altered topic. Brokers learn of a change one after the other: looked at until the one that answers us has.
async fn seen(log: &Log, spec: &TopicSpec, config: &Config) -> Result<TopicDescription, LogError> {
    let end = tokio::time::Instant::now() + config.cluster.request_timeout;
    loop {
        let topic = log.describe(&spec.name).await?;
        let same = differences(&topic, spec)
            .iter()
            .all(|difference| difference.cure != Cure::InPlace);
        if same || tokio::time::Instant::now() >= end {
            return Ok(topic);
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// How a topic differs from its definition.
fn differences(topic: &TopicDescription, spec: &TopicSpec) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut differs = |what: &str, existing: String, defined: String, cure, advice: &str| {
        if existing != defined {
            differences.push(Difference {
                what: what.to_owned(),
                existing: Some(existing),
                defined: Some(defined),
                cure,
                advice: advice.to_owned(),
            });
        }
    };
    differs(
        "partitions",
        topic.partitions.to_string(),
        spec.partitions.to_string(),
        Cure::Refused,
        "records of one key would lie in two partitions; state the number the topic has, or name another topic",
    );
    differs(
        "replication",
        topic.spec.replication.to_string(),
        spec.replication.to_string(),
        Cure::ByHand,
        "Kafka's own tools move replicas",
    );
    differs(
        "cleanup.policy",
        cleanup_text(topic.spec.cleanup).to_owned(),
        cleanup_text(spec.cleanup).to_owned(),
        Cure::InPlace,
        "set `on_drift = \"alter\"` to change it, or state the policy the topic has",
    );
    // Where nothing is deleted by age, the age says nothing.
    if spec.cleanup != Cleanup::Compact {
        differs(
            "retention.ms",
            retention_text(topic.spec.retention_ms),
            retention_text(spec.retention_ms),
            Cure::InPlace,
            "set `on_drift = \"alter\"` to change it, or state the retention the topic has",
        );
    }
    differences
}

fn cleanup_text(cleanup: Cleanup) -> &'static str {
    match cleanup {
        Cleanup::Delete => "delete",
        Cleanup::Compact => "compact",
        Cleanup::CompactDelete => "compact,delete",
    }
}

fn retention_text(retention_ms: Option<u64>) -> String {
    retention_ms.map_or_else(|| "-1".to_owned(), |millis| millis.to_string())
}
