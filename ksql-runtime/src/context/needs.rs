//! What the entities need before their tables start: topics, schemas, sources; made where they are missing.
//!
//! Invariant: in this order, and nothing equal is sent again. Every step can be done again, so a start after one that was
//! killed, or beside another, ends in the same state.

use super::builder::Registration;
use super::inspect::{self, Subject};
use super::options::Operational;
use super::plan::{Action, Cure, Difference};
use super::services::Services;
#[cfg(feature = "kafka")]
use super::{sources, warm_up};
#[cfg(feature = "kafka")]
use crate::config::WarmUp;
use crate::config::{Config, OnDrift};
use crate::error::{Error, Result, Step};
use crate::log::{Log, LogError, TopicChange, TopicDescription, TopicSpec};
use crate::registry::{Registry, RegistryError};

/// How long to wait before an altered topic is looked at again.
const AGAIN: std::time::Duration = std::time::Duration::from_millis(20);

/// What is there once everything needed is.
#[derive(Debug)]
pub(super) struct Needs {
    /// The topic of each entity.
    pub(super) topics: Vec<TopicDescription>,
    /// The ids of each entity's value and key schema; 0 for a key that is no record.
    pub(super) schemas: Vec<(u32, u32)>,
}

/// Makes what is missing.
pub(super) async fn fulfil(
    services: &Services,
    entities: &[Registration],
    config: &Config,
) -> Result<Needs> {
    let mut topics = Vec::new();
    for entity in entities {
        let (topic, is_new) = topic(&services.log, entity, config)
            .await
            .map_err(|error| Error::from(error).at(Step::CreateTopics, Some(entity.model.name)))?;
        if is_new {
            tracing::info!(entity = entity.model.name, topic = %topic.name, partitions = topic.partitions, "topic created");
        }
        topics.push(topic);
    }
    let mut schemas = Vec::new();
    for (entity, topic) in entities.iter().zip(&topics) {
        let ids = register(&services.registry, entity, &topic.name, config).await;
        schemas
            .push(ids.map_err(|error| error.at(Step::RegisterSchemas, Some(entity.model.name)))?);
    }
    Ok(Needs { topics, schemas })
}

#[cfg(feature = "kafka")]
impl Needs {
    /// Makes what ksqlDB needs, where there is one: it looks at topics and schemas, so they come first.
    pub(super) async fn tell_ksqldb(
        &self,
        services: &Services,
        entities: &[Registration],
        config: &Config,
        now_ms: i64,
    ) -> Result<()> {
        let Some(ksqldb) = &services.ksqldb else {
            return Ok(());
        };
        let made = self.topics.iter().zip(&self.schemas);
        for (entity, (topic, ids)) in entities.iter().zip(made) {
            let at = |error: Error| error.at(Step::CreateSources, Some(entity.model.name));
            sources::ensure(ksqldb, entity, config).await.map_err(at)?;
            // Asked of the topic, not of this start, so that one that was killed before it sent is made good.
            if config.cluster.warm_up == WarmUp::DummyRecords
                && warm_up::is_untouched(&services.log, &topic.name)
                    .await
                    .map_err(|error| at(error.into()))?
            {
                warm_up::send(&services.log, entity.model, &topic.name, *ids, now_ms)
                    .await
                    .map_err(|error| at(error.into()))?;
            }
        }
        Ok(())
    }
}

/// The topic, and whether it was created just now.
async fn topic(
    log: &Log,
    entity: &Registration,
    config: &Config,
) -> Result<(TopicDescription, bool), LogError> {
    let operational = Operational::new(entity.model, config);
    tracing::debug!(
        entity = entity.model.name,
        statement = %ksql_schema::ddl::create(entity.model, &operational.as_ddl(config)),
        "generated KSQL"
    );
    let spec = operational.spec(entity.model);
    let (step, existing) = inspect::topic(log, entity, config).await?;
    match (step.action, existing) {
        (Action::Differs(differences), Some(topic)) => {
            let settled = settle(log, entity, config, &spec, topic, differences).await?;
            Ok((settled, false))
        }
        (_, Some(topic)) => Ok((topic, false)),
        (_, None) => {
            // Another instance may create it at the same moment: then it is there, and compared at the next start.
            let created = log.create_topic(&spec).await?;
            Ok((created.topic().clone(), created.is_new()))
        }
    }
}

/// Refuses, alters or reports what differs.
async fn settle(
    log: &Log,
    entity: &Registration,
    config: &Config,
    spec: &TopicSpec,
    topic: TopicDescription,
    differences: Vec<Difference>,
) -> Result<TopicDescription, LogError> {
    if topic.partitions != spec.partitions {
        return Err(LogError::PartitionsDiffer {
            topic: spec.name.clone(),
            existing: topic.partitions,
            requested: spec.partitions,
        });
    }
    for difference in &differences {
        tracing::warn!(entity = entity.model.name, topic = %topic.name, %difference, "the topic differs from its definition");
    }
    let alterable = differences
        .iter()
        .any(|difference| difference.cure == Cure::InPlace);
    if !alterable || config.cluster.on_drift != OnDrift::Alter {
        return Ok(topic);
    }
    let change = TopicChange {
        cleanup: (topic.spec.cleanup != spec.cleanup).then_some(spec.cleanup),
        retention_ms: (topic.spec.retention_ms != spec.retention_ms).then_some(spec.retention_ms),
        ..TopicChange::default()
    };
    log.alter_topic(&spec.name, &change).await?;
    tracing::info!(entity = entity.model.name, topic = %topic.name, "the topic was altered to its definition");
    seen(log, spec, config).await
}

/// The altered topic. Brokers learn of a change one after the other: looked at until the one that answers us has.
async fn seen(log: &Log, spec: &TopicSpec, config: &Config) -> Result<TopicDescription, LogError> {
    let end = tokio::time::Instant::now() + config.cluster.request_timeout;
    loop {
        let topic = log.describe(&spec.name).await?;
        let same = inspect::topic_differences(&topic, spec)
            .iter()
            .all(|difference| difference.cure != Cure::InPlace);
        if same || tokio::time::Instant::now() >= end {
            return Ok(topic);
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Registers value and key schema; says their ids.
async fn register(
    registry: &Registry,
    entity: &Registration,
    topic: &str,
    config: &Config,
) -> Result<(u32, u32)> {
    let (mut value, mut key) = (0, 0);
    for subject in inspect::subjects(entity, topic, config) {
        let id = match registry.lookup(&subject.name, subject.schema).await {
            Ok(found) => {
                set_level(registry, &subject).await?;
                found.id
            }
            Err(RegistryError::UnknownSchema { .. }) => {
                // First the level, since it says whether the schema fits.
                set_level(registry, &subject).await?;
                registry.register(&subject.name, subject.schema).await?
            }
            Err(RegistryError::UnknownSubject { .. }) => {
                // Nothing has to fit yet, and not every registry keeps the level of a subject without schemas.
                let id = registry.register(&subject.name, subject.schema).await?;
                set_level(registry, &subject).await?;
                id
            }
            Err(error) => return Err(error.into()),
        };
        *if subject.key { &mut key } else { &mut value } = id;
    }
    Ok((value, key))
}

/// Sets a subject's compatibility where it is another one.
async fn set_level(registry: &Registry, subject: &Subject) -> Result<(), RegistryError> {
    let name = Some(subject.name.as_str());
    if registry.compatibility(name).await? != subject.level {
        registry.set_compatibility(name, subject.level).await?;
    }
    Ok(())
}
