//! ksqlDB's sources: what a program's entities are called in KSQL. Compared first; created only where nothing is there.
//!
//! Invariant: nothing is dropped or replaced, and a statement that is equal is not sent again.

use ksql_schema::model::SubjectStrategy;

use super::builder::Registration;
use super::options::Operational;
use super::plan::{Action, Cure, Difference, Part, PlanStep};
use crate::config::{Config, OnDrift};
use crate::error::Result;
use crate::ksqldb::{Ensured, KsqlDb, KsqlDbError, Remedy, SourceDefinition};

/// The sources of an entity. One whose subjects have other names than ksqlDB looks for has none.
fn definitions(
    entity: &Registration,
    config: &Config,
) -> Result<Vec<SourceDefinition>, KsqlDbError> {
    if entity.model.subjects != SubjectStrategy::TopicName {
        return Ok(Vec::new());
    }
    let operational = Operational::new(entity.model, config);
    SourceDefinition::of_model(entity.model, &operational.as_ddl(config))
}

/// What start would do about an entity's sources.
pub(super) async fn steps(
    ksqldb: &KsqlDb,
    entity: &Registration,
    config: &Config,
) -> Result<Vec<PlanStep>, KsqlDbError> {
    let mut steps = Vec::new();
    for definition in definitions(entity, config)? {
        let action = match ksqldb.describe(definition.name()).await? {
            None => Action::Create,
            Some(found) => match definition.compare(&found) {
                equal if equal.is_empty() => Action::Keep,
                differences => Action::Differs(differences.iter().map(difference).collect()),
            },
        };
        steps.push(PlanStep {
            part: Part::Statement,
            name: definition.name().to_owned(),
            entity: entity.model.name,
            action,
            definition: definition.statement().to_owned(),
        });
    }
    Ok(steps)
}

fn difference(found: &crate::ksqldb::Difference) -> Difference {
    Difference {
        what: "the source".to_owned(),
        existing: None,
        defined: None,
        cure: match found.remedy() {
            Remedy::InPlace(_) => Cure::InPlace,
            Remedy::NewVersion => Cure::NewVersion,
            Remedy::Refused => Cure::Refused,
        },
        advice: found.to_string(),
    }
}

/// Creates an entity's sources where they are missing, and refuses, alters or reports what differs.
pub(super) async fn ensure(ksqldb: &KsqlDb, entity: &Registration, config: &Config) -> Result<()> {
    let (name, alters) = (entity.model.name, config.cluster.on_drift == OnDrift::Alter);
    for definition in definitions(entity, config)? {
        let ensured = if alters {
            ksqldb.alter_source(&definition).await?
        } else {
            ksqldb.ensure_source(&definition).await?
        };
        let differences = match ensured {
            Ensured::Created { .. } => {
                tracing::info!(entity = name, source = definition.name(), "source created");
                continue;
            }
            Ensured::Unchanged { .. } => continue,
            Ensured::Drift(differences) => differences,
        };
        let in_place = |difference: &crate::ksqldb::Difference| {
            matches!(difference.remedy(), Remedy::InPlace(_))
        };
        if !differences.iter().all(in_place) {
            return Err(KsqlDbError::Drift {
                name: definition.name().to_owned(),
                differences: differences.iter().map(ToString::to_string).collect(),
            }
            .into());
        }
        for difference in &differences {
            tracing::warn!(entity = name, source = definition.name(), %difference, "the source differs from its definition");
        }
    }
    Ok(())
}
