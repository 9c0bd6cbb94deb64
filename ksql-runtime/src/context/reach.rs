//! The log and registry of a program that is not started: for whoever only looks, as the command line does.
//!
//! Invariant: nothing is created. Of a cluster anybody may look beside programs that run; an embedded log has one owner, and is taken while it
//! is looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::builder::Registration;
use super::options::{self, Operational};
use super::services::{self, Services};
use super::{ContextBuilder, results, start};
use crate::cli::MakeView;
use crate::config::Config;
use crate::consume;
use crate::directory::DirectoryLock;
use crate::dlq::{DeadLetterTopic, DeadLetters};
use crate::error::Result;
use crate::log::{Log, TopicSpec};
use crate::registry::Registry;
use crate::state::Origin;

/// What a program would stand on.
pub(crate) struct Reached {
    pub(crate) config: Config,
    /// What time it is.
    pub(crate) now_ms: i64,
    services: Services,
    letters: DeadLetterTopic,
    pub(crate) topics: Vec<Place>,
    _lock: Option<DirectoryLock>,
}

/// A topic of an entity, and how its records are opened.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) model: &'static ksql_schema::Entity<'static>,
    /// The size of its windows, and what they are called.
    pub(crate) window: Option<(u64, String)>,
    pub(crate) spec: TopicSpec,
    pub(crate) view: MakeView,
    /// Whether queries write it.
    pub(crate) result: bool,
}

impl Reached {
    /// Reaches log and registry. Nothing where there is nothing yet: an embedded program that never ran.
    pub(crate) async fn open(builder: &ContextBuilder) -> Result<Option<Reached>> {
        let config = builder.configuration()?;
        let entities = results::topics(&builder.entities, &builder.queries, &config);
        let embedded = config.cluster.bootstrap.is_none();
        if embedded && !config.state_dir.join("log").exists() {
            return Ok(None);
        }
        let lock = match embedded {
            true => Some(start::own(&config).await?),
            false => None,
        };
        let services = services::open(&config, &builder.clock, &entities, 0).await?;
        let letters = DeadLetters::new(
            services.log.clone(),
            options::dead_letters(&config),
            builder.clock.clone(),
            &config.application_id,
            builder.dead_letters.clone(),
        );
        let letters = DeadLetterTopic::new(
            letters,
            services.registry.clone(),
            Arc::new(options::key_forms(&entities, &config)),
        );
        let topics = entities.iter().map(|entity| place(entity, &config));
        Ok(Some(Reached {
            topics: topics.collect(),
            now_ms: builder.clock.now_ms(),
            config,
            services,
            letters,
            _lock: lock,
        }))
    }

    /// The topics of a program, whether they are there or not. Nobody is asked.
    pub(crate) fn places(builder: &ContextBuilder) -> Result<Vec<Place>> {
        let config = builder.configuration()?;
        let entities = results::topics(&builder.entities, &builder.queries, &config);
        Ok(entities
            .iter()
            .map(|entity| place(entity, &config))
            .collect())
    }

    pub(crate) fn log(&self) -> &Log {
        &self.services.log
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.services.registry
    }

    pub(crate) fn letters(&self) -> &DeadLetterTopic {
        &self.letters
    }

    /// The queries that ksqlDB has, by id: what they write and how they are.
    pub(crate) async fn ksqldb_queries(
        &self,
    ) -> Result<Option<BTreeMap<String, (String, String)>>> {
        #[cfg(feature = "kafka")]
        if let Some(ksqldb) = &self.services.ksqldb {
            let queries = ksqldb.queries().await?.into_iter();
            let told = queries.map(|query| {
                let state = query.worst_state().to_owned();
                (query.id, (query.sinks.join(", "), state))
            });
            return Ok(Some(told.collect()));
        }
        Ok(None)
    }

    /// The group that handles an entity's records where none is named.
    pub(crate) fn group(&self, place: &Place) -> String {
        let window = place.window.as_ref().map(|(_, label)| label.as_str());
        consume::group_of(&self.config.application_id, place.model.name, window)
    }

    /// Where the records of a topic come from. Every one is read by the schema that wrote it: which one is the program's own need not be
    /// known.
    pub(crate) fn origin(&self, place: &Place) -> Origin {
        Origin {
            topic: Arc::from(place.spec.name.as_str()),
            value_schema: options::OTHER_FORM,
            key_schema: options::OTHER_FORM,
            // Whoever opens a record knows its window.
            window: None,
        }
    }

    /// Lets go of everything.
    pub(crate) async fn close(self) -> Result<()> {
        self.services.log.close().await?;
        Ok(())
    }
}

fn place(entity: &Registration, config: &Config) -> Place {
    let window = entity.result.and_then(|result| result.window);
    let labelled = window.zip(entity.model.window).map(|(size, window)| {
        let label = ksql_schema::ddl::label(&window, size);
        (size, label)
    });
    Place {
        model: entity.model,
        window: labelled,
        spec: Operational::of(entity, config).spec(entity.model),
        view: entity.view,
        result: entity.result.is_some(),
    }
}
