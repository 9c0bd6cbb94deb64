//! What is there compared with what the definitions say: one step of the plan for each topic, subject and source.
//!
//! Invariant: nothing is changed here. Called to show a plan, and by start, which does what the steps say.

use ksql_schema::Entity as Model;
use ksql_schema::model::{Cleanup, SubjectStrategy};

use super::builder::Registration;
use super::options::Operational;
use super::plan::{Action, Cure, Difference, Part, Plan, PlanStep};
use super::services::Services;
use crate::config::Config;
use crate::error::{Error, Result, Step};
use crate::log::{Log, LogError, TopicDescription, TopicSpec};
use crate::registry::{Compatibility, Registry, RegistryError};

/// What start would do about everything the entities need.
pub(super) async fn plan(
    services: &Services,
    entities: &[Registration],
    config: &Config,
) -> Result<Plan> {
    let mut plan = Plan::default();
    for entity in entities {
        let at = |error: Error| error.at(Step::CreateTopics, Some(entity.model.name));
        let (step, _) = topic(&services.log, entity, config)
            .await
            .map_err(|error| at(error.into()))?;
        plan.steps.push(step);
    }
    for entity in entities {
        let at = |error: Error| error.at(Step::RegisterSchemas, Some(entity.model.name));
        let topic = Operational::new(entity.model, config)
            .spec(entity.model)
            .name;
        for needed in subjects(entity, &topic, config) {
            let step = subject(&services.registry, entity.model.name, &needed)
                .await
                .map_err(|error| at(error.into()))?;
            plan.steps.push(step);
        }
    }
    #[cfg(feature = "kafka")]
    if let Some(ksqldb) = &services.ksqldb {
        for entity in entities {
            let steps = super::sources::steps(ksqldb, entity, config)
                .await
                .map_err(|error| {
                    Error::from(error).at(Step::CreateSources, Some(entity.model.name))
                })?;
            plan.steps.extend(steps);
        }
    }
    Ok(plan)
}

/// The plan where nothing exists yet.
pub(super) fn plan_from_nothing(entities: &[Registration], config: &Config) -> Plan {
    let topics = entities
        .iter()
        .map(|entity| topic_step(entity, config, Action::Create));
    let subjects = entities.iter().flat_map(|entity| {
        let topic = Operational::new(entity.model, config)
            .spec(entity.model)
            .name;
        subjects(entity, &topic, config)
            .into_iter()
            .map(|subject| subject_step(entity.model.name, &subject, Action::Create))
    });
    let mut plan = Plan::default();
    plan.steps.extend(topics.chain(subjects));
    plan
}

/// A topic, and what it is now where it exists.
pub(super) async fn topic(
    log: &Log,
    entity: &Registration,
    config: &Config,
) -> Result<(PlanStep, Option<TopicDescription>), LogError> {
    let spec = Operational::new(entity.model, config).spec(entity.model);
    let existing = match log.describe(&spec.name).await {
        Ok(topic) => Some(topic),
        Err(LogError::UnknownTopic { .. }) => None,
        Err(error) => return Err(error),
    };
    let action = match &existing {
        None => Action::Create,
        Some(topic) => of_differences(topic_differences(topic, &spec)),
    };
    Ok((topic_step(entity, config, action), existing))
}

fn topic_step(entity: &Registration, config: &Config, action: Action) -> PlanStep {
    let spec = Operational::new(entity.model, config).spec(entity.model);
    PlanStep {
        part: Part::Topic,
        definition: format!(
            "partitions={}, replication={}, cleanup.policy={}, retention.ms={}",
            spec.partitions,
            spec.replication,
            cleanup_text(spec.cleanup),
            retention_text(spec.retention_ms)
        ),
        name: spec.name,
        entity: entity.model.name,
        action,
    }
}

/// How a topic differs from its definition.
pub(super) fn topic_differences(topic: &TopicDescription, spec: &TopicSpec) -> Vec<Difference> {
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

fn of_differences(differences: Vec<Difference>) -> Action {
    if differences.is_empty() {
        Action::Keep
    } else {
        Action::Differs(differences)
    }
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

/// A subject of an entity: its name, and the schema that belongs there.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) schema: &'static str,
    pub(super) level: Compatibility,
    pub(super) key: bool,
}

/// The subjects of an entity: the value's, and the key's where it is a record.
pub(super) fn subjects(entity: &Registration, topic: &str, config: &Config) -> Vec<Subject> {
    let level = config
        .of_entity(entity.model.name)
        .compatibility
        .unwrap_or(config.compatibility);
    [(false, entity.value_schema), (true, entity.key_schema)]
        .into_iter()
        .filter(|(_, schema)| !schema.is_empty())
        .map(|(key, schema)| Subject {
            name: subject_name(entity.model, topic, key),
            schema,
            level,
            key,
        })
        .collect()
}

fn subject_name(model: &Model<'_>, topic: &str, key: bool) -> String {
    let namespace = model.namespace.replace("::", ".").replace("r#", "");
    let part = if key { "key" } else { "value" };
    let suffix = if key { "Key" } else { "" };
    let record = match namespace.as_str() {
        "" => format!("{}{suffix}", model.record_name),
        namespace => format!("{namespace}.{}{suffix}", model.record_name),
    };
    match model.subjects {
        SubjectStrategy::TopicName => format!("{topic}-{part}"),
        SubjectStrategy::RecordName => record,
        SubjectStrategy::TopicRecordName => format!("{topic}-{record}"),
    }
}

/// What start would do about a subject.
pub(super) async fn subject(
    registry: &Registry,
    entity: &'static str,
    subject: &Subject,
) -> Result<PlanStep, RegistryError> {
    let action = match registry.lookup(&subject.name, subject.schema).await {
        Ok(_) => of_differences(level_differences(registry, subject).await?),
        Err(RegistryError::UnknownSubject { .. }) => Action::Create,
        Err(RegistryError::UnknownSchema { .. }) => fits(registry, subject).await?,
        Err(error) => return Err(error),
    };
    Ok(subject_step(entity, subject, action))
}

/// How the subject's compatibility differs.
async fn level_differences(
    registry: &Registry,
    subject: &Subject,
) -> Result<Vec<Difference>, RegistryError> {
    let existing = registry.compatibility(Some(&subject.name)).await?;
    if existing == subject.level {
        return Ok(Vec::new());
    }
    Ok(vec![Difference {
        what: "compatibility".to_owned(),
        existing: Some(existing.to_string()),
        defined: Some(subject.level.to_string()),
        cure: Cure::AtStart,
        advice: "start sets it".to_owned(),
    }])
}

fn subject_step(entity: &'static str, subject: &Subject, action: Action) -> PlanStep {
    PlanStep {
        part: Part::Subject,
        name: subject.name.clone(),
        entity,
        action,
        definition: subject.schema.to_owned(),
    }
}

/// Whether a new version would go with the earlier ones.
async fn fits(registry: &Registry, subject: &Subject) -> Result<Action, RegistryError> {
    match registry.check(&subject.name, subject.schema).await {
        Ok(()) => Ok(Action::NewVersion),
        Err(RegistryError::Incompatible(refusal)) => {
            let difference = |violation: &dyn std::fmt::Display| Difference {
                what: format!("the schema, against version {}", refusal.version),
                existing: None,
                defined: None,
                cure: Cure::Refused,
                advice: violation.to_string(),
            };
            Ok(Action::Differs(
                refusal
                    .violations
                    .iter()
                    .map(|violation| difference(violation))
                    .collect(),
            ))
        }
        Err(error) => Err(error),
    }
}
