//! What the entities need before their tables start: topics, schemas, sources; made where they are missing.
//!
//! Invariant: everything is looked at first, and what is refused is refused before anything is sent. Then in this order, from
//! what was found: nothing equal is asked for or sent again. Every step can be done again, so a start after one that was
//! killed, or beside another, ends in the same state: what another instance made since is found by the step that would.

use std::sync::Arc;

use super::builder::Registration;
use super::inspect;
use super::options::Operational;
use super::services::Services;
use super::subjects;
#[cfg(feature = "kafka")]
use super::{
    sources::{self, Source},
    statements, topics, warm_up,
};
use crate::config::Config;
#[cfg(feature = "kafka")]
use crate::config::{Engine, WarmUp};
use crate::engine::Runner;
use crate::error::{Error, Result, Step};
use crate::log::TopicDescription;

/// What is there once everything needed is.
#[derive(Debug)]
pub(super) struct Needs {
    /// The topic of each entity.
    pub(super) topics: Vec<TopicDescription>,
    /// The topic that says who owns the queries, where there has to be one.
    pub(super) owner: Option<TopicDescription>,
    /// The ids of each entity's value and key schema; 0 for a key that is no record.
    pub(super) schemas: Vec<(u32, u32)>,
    /// What ksqlDB has of each entity.
    #[cfg(feature = "kafka")]
    sources: Vec<Vec<Source>>,
    /// What it has of the queries.
    #[cfg(feature = "kafka")]
    statements: Vec<statements::Found>,
    /// The topics that were not there before.
    #[cfg(feature = "kafka")]
    created: Vec<String>,
    /// The queries that it runs.
    #[cfg(feature = "kafka")]
    pub(super) made: Vec<statements::Made>,
}

/// Makes topics and schemas that are missing, where nothing is refused.
pub(super) async fn fulfil(
    services: &Services,
    entities: &[Registration],
    queries: &[Arc<dyn Runner>],
    config: &Config,
) -> Result<Needs> {
    for entity in entities.iter().filter(|entity| entity.result.is_none()) {
        let operational = Operational::new(entity.model, config);
        tracing::debug!(
            entity = entity.model.name,
            statement = %ksql_schema::ddl::create(entity.model, &operational.as_ddl(config)),
            "generated KSQL"
        );
    }
    let found = inspect::look(services, entities, queries, config).await?;
    inspect::refuse(&found)?;
    let mut topics = Vec::new();
    let mut needed = Vec::new();
    #[cfg(feature = "kafka")]
    let mut sources = Vec::new();
    #[cfg(feature = "kafka")]
    let mut created = Vec::new();
    for (entity, found) in entities.iter().zip(found.entities) {
        let (topic, origin) = found
            .topic
            .make(&services.log, config)
            .await
            .map_err(|error| Error::from(error).at(Step::CreateTopics, Some(entity.model.name)))?;
        #[cfg(feature = "kafka")]
        if origin == topics::Origin::Ours {
            created.push(topic.name.to_string());
        }
        topics.push(topic);
        needed.push((found.subjects, origin));
        #[cfg(feature = "kafka")]
        sources.push(found.sources);
    }
    let mut owner = None;
    if let Some(topic) = found.owner {
        let made = topic.make(&services.log, config).await;
        let (topic, _) = made.map_err(|error| Error::from(error).at(Step::CreateTopics, None))?;
        owner = Some(topic);
    }
    if let Some(topic) = found.dead_letters {
        topic
            .make(&services.log, config)
            .await
            .map_err(|error| Error::from(error).at(Step::CreateTopics, None))?;
    }
    let mut schemas = Vec::new();
    for (entity, (subjects, origin)) in entities.iter().zip(needed) {
        let ids = subjects::make(subjects, origin, &services.registry).await;
        schemas.push(ids.map_err(|error| {
            Error::from(error).at(Step::RegisterSchemas, Some(entity.model.name))
        })?);
    }
    Ok(Needs {
        topics,
        owner,
        schemas,
        #[cfg(feature = "kafka")]
        sources,
        #[cfg(feature = "kafka")]
        statements: found.statements,
        #[cfg(feature = "kafka")]
        created,
        #[cfg(feature = "kafka")]
        made: Vec::new(),
    })
}

#[cfg(feature = "kafka")]
impl Needs {
    /// Makes what ksqlDB needs, where there is one: it looks at topics and schemas, so they come first.
    pub(super) async fn tell_ksqldb(
        &mut self,
        services: &Services,
        entities: &[Registration],
        config: &Config,
        now_ms: i64,
    ) -> Result<()> {
        let Some(ksqldb) = &services.ksqldb else {
            return Ok(());
        };
        let found = std::mem::take(&mut self.sources);
        let made = self.topics.iter().zip(&self.schemas).zip(found);
        for (entity, ((topic, ids), found)) in entities.iter().zip(made) {
            let at = |error: Error| error.at(Step::CreateSources, Some(entity.model.name));
            sources::make(found, ksqldb, config).await.map_err(at)?;
            // Asked of the topic, not of this start, so that one that was killed before it sent is made good.
            if config.cluster.warm_up == WarmUp::DummyRecords
                && entity.result.is_none()
                && warm_up::is_untouched(&services.log, &topic.name)
                    .await
                    .map_err(|error| at(error.into()))?
            {
                warm_up::send(&services.log, entity.model, &topic.name, *ids, now_ms)
                    .await
                    .map_err(|error| at(error.into()))?;
            }
        }
        if config.cluster.engine == Engine::KsqlDb {
            let at = |error: Error| error.at(Step::StartQueries, None);
            let found = std::mem::take(&mut self.statements);
            let made = statements::make(found, &self.created, ksqldb, config).await;
            self.made = made.map_err(at)?;
            if config.wait_for_ready {
                let limit = config.ready_timeout;
                statements::wait(&self.made, ksqldb, limit)
                    .await
                    .map_err(at)?;
            }
        }
        Ok(())
    }
}
