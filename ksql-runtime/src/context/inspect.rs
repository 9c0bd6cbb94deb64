//! What is there of everything the entities need, compared with what the definitions say.
//!
//! Invariant: nothing is changed here, and everything is looked at before anything is changed: what start refuses it refuses
//! with nothing sent. Called to show a plan, and by start, which makes what is missing from what was found.

use std::sync::Arc;

use super::builder::Registration;
use super::owner;
use super::plan::{Plan, PlanStep};
use super::services::Services;
#[cfg(feature = "kafka")]
use super::sources::Source;
#[cfg(feature = "kafka")]
use super::statements;
use super::subjects::{self, Subject};
use super::topics::Topic;
use crate::config::Config;
use crate::engine::Runner;
use crate::error::{Error, Result, Step};

/// What was found of one entity's needs.
#[derive(Debug)]
pub(super) struct Found {
    entity: &'static str,
    pub(super) topic: Topic,
    pub(super) subjects: Vec<Subject>,
    #[cfg(feature = "kafka")]
    pub(super) sources: Vec<Source>,
}

/// What was found of everything that start makes.
#[derive(Debug)]
pub(super) struct All {
    pub(super) entities: Vec<Found>,
    /// The topic that says who owns the queries, where there has to be one.
    pub(super) owner: Option<Topic>,
    /// Nothing where there is no entity whose records could fail.
    pub(super) dead_letters: Option<Topic>,
    /// The statements of queries, where ksqlDB runs them.
    #[cfg(feature = "kafka")]
    pub(super) statements: Vec<statements::Found>,
}

/// Looks at everything the entities and queries need, in the order in which start makes it.
pub(super) async fn look(
    services: &Services,
    entities: &[Registration],
    queries: &[Arc<dyn Runner>],
    config: &Config,
) -> Result<All> {
    #[cfg(not(feature = "kafka"))]
    let _ = queries;
    let mut found = Vec::new();
    for entity in entities {
        let topic = Topic::look(&services.log, entity, config)
            .await
            .map_err(|error| of(Step::CreateTopics, entity.model.name, error.into()))?;
        found.push(Found {
            entity: entity.model.name,
            topic,
            subjects: Vec::new(),
            #[cfg(feature = "kafka")]
            sources: Vec::new(),
        });
    }
    let owner = owner::look(&services.log, entities, config)
        .await
        .map_err(|error| Error::from(error).at(Step::CreateTopics, None))?;
    let dead_letters = match entities {
        [] => None,
        _ => Some(
            Topic::look_for_dead_letters(&services.log, config)
                .await
                .map_err(|error| Error::from(error).at(Step::CreateTopics, None))?,
        ),
    };
    for (entity, found) in entities.iter().zip(&mut found) {
        found.subjects = subjects::look(&services.registry, entity, config)
            .await
            .map_err(|error| of(Step::RegisterSchemas, found.entity, error.into()))?;
    }
    #[cfg(feature = "kafka")]
    let mut statements = Vec::new();
    #[cfg(feature = "kafka")]
    if let Some(ksqldb) = &services.ksqldb {
        for (entity, found) in entities.iter().zip(&mut found) {
            found.sources = super::sources::look(ksqldb, entity, config)
                .await
                .map_err(|error| of(Step::CreateSources, found.entity, error.into()))?;
        }
        statements = statements::look(ksqldb, queries, entities, config)
            .await
            .map_err(|error| error.at(Step::StartQueries, None))?;
    }
    Ok(All {
        entities: found,
        owner,
        dead_letters,
        #[cfg(feature = "kafka")]
        statements,
    })
}

/// What start would do about everything the entities need.
pub(super) async fn plan(
    services: &Services,
    entities: &[Registration],
    queries: &[Arc<dyn Runner>],
    config: &Config,
) -> Result<Plan> {
    Ok(plan_of(&look(services, entities, queries, config).await?))
}

/// The plan where nothing exists yet.
pub(super) fn plan_from_nothing(entities: &[Registration], config: &Config) -> Plan {
    let absent = |entity: &Registration| Found {
        entity: entity.model.name,
        topic: Topic::absent(entity, config),
        subjects: subjects::absent(entity, config),
        // Without a cluster there are none.
        #[cfg(feature = "kafka")]
        sources: Vec::new(),
    };
    plan_of(&All {
        entities: entities.iter().map(absent).collect(),
        owner: None,
        dead_letters: (!entities.is_empty()).then(|| Topic::of_dead_letters(config)),
        #[cfg(feature = "kafka")]
        statements: Vec::new(),
    })
}

fn plan_of(all: &All) -> Plan {
    let found = &all.entities;
    let beside = all.owner.iter().chain(&all.dead_letters);
    let topics = found
        .iter()
        .map(|found| found.topic.step())
        .chain(beside.map(Topic::step));
    let subjects = found
        .iter()
        .flat_map(|found| found.subjects.iter().map(Subject::step));
    #[cfg(feature = "kafka")]
    let sources = found
        .iter()
        .flat_map(|found| found.sources.iter().map(Source::step))
        .chain(all.statements.iter().map(statements::Found::step));
    #[cfg(not(feature = "kafka"))]
    let sources = std::iter::empty::<PlanStep>();
    let steps: Vec<PlanStep> = topics.chain(subjects).chain(sources).collect();
    Plan { steps }
}

/// The first thing that start does not go on with, in the order of the plan.
pub(super) fn refuse(all: &All) -> Result<()> {
    let found = &all.entities;
    for found in found {
        found
            .topic
            .refusal()
            .map_err(|error| of(Step::CreateTopics, found.entity, error.into()))?;
    }
    if let Some(owner) = &all.owner {
        owner
            .refusal()
            .map_err(|error| Error::from(error).at(Step::CreateTopics, None))?;
    }
    for found in found {
        for subject in &found.subjects {
            subject
                .refusal()
                .map_err(|error| of(Step::RegisterSchemas, found.entity, error.into()))?;
        }
    }
    #[cfg(feature = "kafka")]
    for found in found {
        for source in &found.sources {
            source
                .refusal()
                .map_err(|error| of(Step::CreateSources, found.entity, error.into()))?;
        }
    }
    #[cfg(feature = "kafka")]
    for statement in &all.statements {
        statement
            .refusal()
            .map_err(|error| error.at(Step::StartQueries, None))?;
    }
    Ok(())
}

fn of(step: Step, entity: &'static str, error: Error) -> Error {
    error.at(step, Some(entity))
}
