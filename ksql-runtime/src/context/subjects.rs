//! Subjects: the schemas of an entity as they are defined, as they were found, and registered.
//!
//! Invariant: looking changes nothing, and judges a new schema at the level that will hold for it, so that a plan and a
//! start agree. Registering uses what was found and can be done again. Called by the inspection and, behind it, by start.

use std::borrow::Cow;
use std::time::Duration;

use ksql_schema::Entity as Model;
use ksql_schema::model::SubjectStrategy;

use super::builder::Registration;
use super::options::Operational;
use super::plan::{Action, Cure, Difference, Part, PlanStep};
use super::topics::Origin;
use crate::config::Config;
use crate::registry::{Compatibility, Incompatible, Registry, RegistryError};

/// How long an instance that created the topic is left to register its schemas: it may have ended meanwhile.
const HEAD_START: Duration = Duration::from_secs(5);
/// How long to wait before it is looked again whether it has.
const AGAIN: Duration = Duration::from_millis(50);

/// A subject of an entity, and what is there of it.
#[derive(Debug)]
pub(super) struct Subject {
    entity: &'static str,
    name: String,
    schema: Cow<'static, str>,
    /// Whether the schema is the key's.
    key: bool,
    /// The level that is configured.
    level: Compatibility,
    found: Found,
}

/// What is there under a subject's name. The level is the one that holds there.
#[derive(Debug)]
enum Found {
    Nothing,
    /// The schema, with this id.
    Schema(u32, Compatibility),
    /// Earlier schemas, which this one fits.
    Fitting(Compatibility),
    /// Earlier schemas, which this one does not fit.
    Other(Compatibility, Box<Incompatible>),
}

/// The subjects of an entity where nothing exists yet: the value's, and the key's where it is a record.
pub(super) fn absent(entity: &Registration, config: &Config) -> Vec<Subject> {
    let topic = Operational::of(entity, config).spec(entity.model).name;
    let level = config
        .of_entity(entity.model.name)
        .compatibility
        .unwrap_or(config.compatibility);
    [
        (false, entity.value_schema.clone()),
        (true, Cow::Borrowed(entity.key_schema)),
    ]
    .into_iter()
    .filter(|(_, schema)| !schema.is_empty())
    .map(|(key, schema)| Subject {
        entity: entity.model.name,
        name: subject_name(entity.model, &topic, key),
        schema,
        key,
        level,
        found: Found::Nothing,
    })
    .collect()
}

/// Compares the subjects of an entity with its schemas.
pub(super) async fn look(
    registry: &Registry,
    entity: &Registration,
    config: &Config,
) -> Result<Vec<Subject>, RegistryError> {
    let mut subjects = absent(entity, config);
    for subject in &mut subjects {
        subject.look(registry).await?;
    }
    Ok(subjects)
}

/// Registers what is missing; says the ids of value and key schema, 0 for a key that is no record. Who created the topic goes
/// first: some registries give one text two versions when two register it at the same instant.
pub(super) async fn make(
    subjects: Vec<Subject>,
    topic: Origin,
    registry: &Registry,
) -> Result<(u32, u32), RegistryError> {
    let (mut value, mut key) = (0, 0);
    for subject in subjects {
        let id = if subject.key { &mut key } else { &mut value };
        *id = subject.make(topic, registry).await?;
    }
    Ok((value, key))
}

impl Subject {
    async fn look(&mut self, registry: &Registry) -> Result<(), RegistryError> {
        let id = match registry.lookup(&self.name, &self.schema).await {
            Ok(found) => Some(found.id),
            Err(RegistryError::UnknownSchema { .. }) => None,
            Err(RegistryError::UnknownSubject { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let existing = registry.compatibility(Some(&self.name)).await?;
        self.found = match id {
            Some(id) => Found::Schema(id, existing),
            None => {
                let checked = registry
                    .check_at(&self.name, &self.schema, self.level, existing)
                    .await;
                match checked {
                    Ok(()) => Found::Fitting(existing),
                    Err(RegistryError::Incompatible(why)) => Found::Other(existing, why),
                    Err(error) => return Err(error),
                }
            }
        };
        Ok(())
    }

    /// What start would do about it.
    pub(super) fn step(&self) -> PlanStep {
        let action = match &self.found {
            Found::Nothing => Action::Create,
            Found::Schema(_, existing) => Action::of(self.level_differences(*existing)),
            Found::Fitting(existing) => Action::NewVersion(self.level_differences(*existing)),
            Found::Other(existing, why) => {
                let mut differences = self.level_differences(*existing);
                differences.extend(why.violations.iter().map(|violation| Difference {
                    what: format!("the schema, against version {}", why.version),
                    existing: None,
                    defined: None,
                    cure: Cure::Refused,
                    advice: violation.to_string(),
                }));
                Action::Differs(differences)
            }
        };
        PlanStep {
            part: Part::Subject,
            name: self.name.clone(),
            entity: self.entity,
            action,
            definition: self.schema.clone().into_owned(),
        }
    }

    fn level_differences(&self, existing: Compatibility) -> Vec<Difference> {
        if existing == self.level {
            return Vec::new();
        }
        vec![Difference {
            what: "compatibility".to_owned(),
            existing: Some(existing.to_string()),
            defined: Some(self.level.to_string()),
            cure: Cure::AtStart,
            advice: "start sets it".to_owned(),
        }]
    }

    /// Why start does not go on with it.
    pub(super) fn refusal(&self) -> Result<(), RegistryError> {
        match &self.found {
            Found::Other(_, why) => Err(RegistryError::Incompatible(why.clone())),
            Found::Nothing | Found::Schema(..) | Found::Fitting(_) => Ok(()),
        }
    }

    /// Registers the schema where it is missing, and sets the level where it is another one; says the schema's id.
    async fn make(self, topic: Origin, registry: &Registry) -> Result<u32, RegistryError> {
        self.refusal()?;
        match self.found {
            Found::Schema(id, existing) => {
                self.set_level(registry, existing).await?;
                Ok(id)
            }
            Found::Fitting(existing) | Found::Other(existing, _) => {
                // First the level, since it says whether the schema fits.
                self.set_level(registry, existing).await?;
                registry.register_compared(&self.name, &self.schema).await
            }
            Found::Nothing => {
                let by_another = match topic {
                    Origin::Another => self.registered_meanwhile(registry).await?,
                    Origin::Ours | Origin::Before => None,
                };
                // Nothing has to fit yet, and not every registry keeps the level of a subject without schemas.
                let id = match by_another {
                    Some(id) => id,
                    None => registry.register_compared(&self.name, &self.schema).await?,
                };
                let existing = registry.compatibility(Some(&self.name)).await?;
                self.set_level(registry, existing).await?;
                Ok(id)
            }
        }
    }

    /// The id that another instance registers the schema with, if it does.
    async fn registered_meanwhile(
        &self,
        registry: &Registry,
    ) -> Result<Option<u32>, RegistryError> {
        let end = tokio::time::Instant::now() + HEAD_START;
        while tokio::time::Instant::now() < end {
            match registry.lookup(&self.name, &self.schema).await {
                Ok(found) => return Ok(Some(found.id)),
                Err(RegistryError::UnknownSubject { .. } | RegistryError::UnknownSchema { .. }) => {
                    tokio::time::sleep(AGAIN).await
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    async fn set_level(
        &self,
        registry: &Registry,
        existing: Compatibility,
    ) -> Result<(), RegistryError> {
        if existing == self.level {
            return Ok(());
        }
        registry
            .set_compatibility(Some(&self.name), self.level)
            .await
    }
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
