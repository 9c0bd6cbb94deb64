//! ksqlDB's sources: what a program's entities are called in KSQL. Compared first; created only where nothing is there.
//!
//! Invariant: nothing is dropped or replaced, and a statement that is equal is not sent again. Called by the inspection and,
//! behind it, by start.

use ksql_schema::ddl::create_stream_of_window;
use ksql_schema::model::SubjectStrategy;

use super::builder::Registration;
use super::options::Operational;
use super::plan::{self, Action, Cure, Part, PlanStep};
use crate::config::{Config, Engine, OnDrift};
use crate::error::Result;
use crate::ksqldb::{Difference, Ensured, KsqlDb, KsqlDbError, Remedy, SourceDefinition};

/// A source of an entity, and what is there of it.
#[derive(Debug)]
pub(super) struct Source {
    entity: &'static str,
    definition: SourceDefinition,
    /// How what is there differs. None where nothing is there.
    differences: Option<Vec<Difference>>,
}

/// Compares the sources of an entity with its statements. One whose subjects have other names than ksqlDB looks for has
/// none.
pub(super) async fn look(
    ksqldb: &KsqlDb,
    entity: &Registration,
    config: &Config,
) -> Result<Vec<Source>, KsqlDbError> {
    let (window, created, read) = match entity.result {
        None => (None, false, false),
        Some(result) => (result.window, result.created, result.read),
    };
    if entity.model.subjects != SubjectStrategy::TopicName {
        return Ok(Vec::new());
    }
    let mut definitions = Vec::new();
    // What a query writes is declared by its own statement.
    if !created {
        let operational = Operational::new(entity.model, config);
        let mut all = SourceDefinition::of_model(entity.model, &operational.as_ddl(config))?;
        // Of each window the statement stands with its own topic.
        if let Some((size, of)) = window.zip(entity.model.window) {
            let number = of.sizes_ms.iter().position(|one| *one == size);
            all = number
                .filter(|number| *number < all.len())
                .map(|number| all.swap_remove(number))
                .into_iter()
                .collect();
        }
        definitions.extend(all);
    }
    // What is made of a window's records reads them as a stream, which has a name of its own.
    if read
        && config.cluster.engine == Engine::KsqlDb
        && let Some((size, of)) = window.zip(entity.model.window)
    {
        let operational = Operational::of(entity, config);
        let text = create_stream_of_window(entity.model, &operational.as_ddl(config), &of, size);
        definitions.push(SourceDefinition::parse(&text)?);
    }
    let mut sources = Vec::new();
    for definition in definitions {
        let found = ksqldb.describe(definition.name()).await?;
        sources.push(Source {
            entity: entity.model.name,
            differences: found.map(|found| definition.compare(&found)),
            definition,
        });
    }
    Ok(sources)
}

/// Creates the sources that are missing; alters or reports what differs.
pub(super) async fn make(sources: Vec<Source>, ksqldb: &KsqlDb, config: &Config) -> Result<()> {
    for source in sources {
        source.make(ksqldb, config).await?;
    }
    Ok(())
}

impl Source {
    /// What start would do about it.
    pub(super) fn step(&self) -> PlanStep {
        PlanStep {
            part: Part::Statement,
            name: self.definition.name().to_owned(),
            entity: self.entity,
            action: match &self.differences {
                None => Action::Create,
                Some(differences) => Action::of(differences.iter().map(planned).collect()),
            },
            definition: self.definition.statement().to_owned(),
        }
    }

    /// Why start does not go on with it.
    pub(super) fn refusal(&self) -> Result<(), KsqlDbError> {
        self.refuse(self.differences.as_deref().unwrap_or_default())
    }

    fn refuse(&self, differences: &[Difference]) -> Result<(), KsqlDbError> {
        let in_place = |difference: &Difference| matches!(difference.remedy(), Remedy::InPlace(_));
        if differences.iter().all(in_place) {
            return Ok(());
        }
        Err(KsqlDbError::Drift {
            name: self.definition.name().to_owned(),
            differences: differences.iter().map(ToString::to_string).collect(),
        })
    }

    async fn make(&self, ksqldb: &KsqlDb, config: &Config) -> Result<(), KsqlDbError> {
        let (entity, source) = (self.entity, self.definition.name());
        let alters = config.cluster.on_drift == OnDrift::Alter;
        let differences = match &self.differences {
            Some(equal) if equal.is_empty() => return Ok(()),
            // Looked at once more: another instance may have altered it since, and a column is not added twice.
            Some(_) if alters => match ksqldb.alter_source(&self.definition).await? {
                Ensured::Created { .. } | Ensured::Unchanged { .. } => return Ok(()),
                Ensured::Drift(differences) => differences,
            },
            Some(differences) => differences.clone(),
            None => match ksqldb.create_source(&self.definition).await? {
                Ensured::Created { .. } => {
                    tracing::info!(entity, source, "source created");
                    return Ok(());
                }
                Ensured::Unchanged { .. } => return Ok(()),
                // Another instance was faster, with another definition.
                Ensured::Drift(differences) => differences,
            },
        };
        self.refuse(&differences)?;
        for difference in &differences {
            tracing::warn!(entity, source, %difference, "the source differs from its definition");
        }
        Ok(())
    }
}

fn planned(found: &Difference) -> plan::Difference {
    plan::Difference {
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
