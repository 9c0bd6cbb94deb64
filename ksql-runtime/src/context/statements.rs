//! The statements of queries that ksqlDB runs: compared with what runs there, sent where nothing does, waited for.
//!
//! Invariant: a query that runs with an equal statement is left alone; one that runs with another text is changed only where
//! `on_drift` lets start and ksqlDB takes it in place; one that was terminated or has failed is started again. Nothing is dropped. Called by the inspection and,
//! behind it, by start; what comes out is watched (see the watch).

use std::sync::Arc;
use std::time::Duration;

use ksql_schema::model::WindowKind;

use super::builder::Registration;
use super::options::Operational;
use super::plan::{self, Action, Cure, Part, PlanStep};
use super::results;
use crate::config::{Config, Engine, OnDrift};
use crate::engine::Runner;
use crate::error::{Error, Result};
use crate::ksqldb::{
    Difference, Effect, Ensured, KsqlDb, KsqlDbError, Remedy, SourceKind, Standing, Statement,
};

/// One statement of a query.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    /// The query.
    pub(super) query: &'static str,
    /// The entity of its results.
    pub(super) entity: &'static str,
    pub(super) statement: Statement,
    /// The topics it reads.
    pub(super) reads: Vec<String>,
    /// The topic it writes.
    pub(super) writes: String,
    /// Whether its results can be asked for with a pull query over all of them.
    pull: bool,
}

/// A statement and what is there of it. Nothing where it was never sent.
#[derive(Debug)]
pub(super) struct Found {
    sent: Sent,
    standing: Option<Standing>,
    /// Whether this process runs the query itself.
    embedded: bool,
}

/// A statement whose query runs.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) sent: Sent,
    pub(super) query_id: Option<String>,
}

/// Every statement of the queries, in the order in which they are sent.
fn all(
    queries: &[Arc<dyn Runner>],
    entities: &[Registration],
    config: &Config,
) -> Result<Vec<Sent>> {
    let mut all = Vec::new();
    for query in results::in_order(queries) {
        let plan = query.plan();
        let failed = |reason: String| Error::Query {
            query: plan.name,
            reason,
        };
        let texts = query
            .statements()
            .map_err(|error| failed(error.to_string()))?;
        let inputs = query.inputs();
        let reads: Vec<String> = entities
            .iter()
            .filter(|entity| {
                let window = entity.result.and_then(|result| result.window);
                inputs.contains(&entity.id) && window == results::read_window(entity, plan.output)
            })
            .map(|entity| Operational::of(entity, config).spec(entity.model).name)
            .collect();
        let written = entities
            .iter()
            .filter(|entity| entity.id == query.output() && entity.result.is_some());
        for ((number, text), written) in texts.iter().enumerate().zip(written) {
            let text = results::statement(plan, number, text, entities, config);
            let statement = Statement::parse(&text).map_err(Error::from)?;
            let session = written
                .model
                .window
                .is_some_and(|window| window.kind == WindowKind::Session);
            all.push(Sent {
                query: plan.name,
                entity: written.model.name,
                // What is made of windows' records is a stream of them.
                pull: !session
                    && matches!(
                        statement.effect(),
                        Effect::CreateAs {
                            kind: SourceKind::Table,
                            ..
                        }
                    ),
                statement,
                reads: reads.clone(),
                writes: Operational::of(written, config).spec(written.model).name,
            });
        }
    }
    Ok(all)
}

/// Compares the statements of the queries with what runs. Where this process runs them, only what ksqlDB runs of them too is
/// found.
pub(super) async fn look(
    ksqldb: &KsqlDb,
    queries: &[Arc<dyn Runner>],
    entities: &[Registration],
    config: &Config,
) -> Result<Vec<Found>> {
    let embedded = config.cluster.engine == Engine::Embedded;
    let mut found = Vec::new();
    for sent in all(queries, entities, config)? {
        let standing = ksqldb.standing(&sent.statement).await?;
        let runs = standing
            .as_ref()
            .is_some_and(|standing| standing.query_id.is_some());
        if !embedded || runs {
            found.push(Found {
                sent,
                standing,
                embedded,
            });
        }
    }
    Ok(found)
}

/// Starts the queries that do not run, one behind the other. `created` are the topics that were not there before.
pub(super) async fn make(
    found: Vec<Found>,
    created: &[String],
    ksqldb: &KsqlDb,
    config: &Config,
) -> Result<Vec<Made>> {
    let mut made = Vec::new();
    for found in found {
        let at = |error: KsqlDbError| failed(&found.sent, error);
        let query_id = found.make(created, ksqldb, config).await.map_err(at)?;
        made.push(Made {
            sent: found.sent,
            query_id,
        });
    }
    Ok(made)
}

/// Waits until every query runs, and tables answer.
pub(super) async fn wait(made: &[Made], ksqldb: &KsqlDb, limit: Duration) -> Result<()> {
    let deadline = tokio::time::Instant::now() + limit;
    for made in made {
        let left = deadline.saturating_duration_since(tokio::time::Instant::now());
        let waited = made.wait(ksqldb, left).await;
        waited.map_err(|error| failed(&made.sent, error))?;
    }
    Ok(())
}

fn failed(sent: &Sent, error: KsqlDbError) -> Error {
    Error::Query {
        query: sent.query,
        reason: error.to_string(),
    }
}

impl Sent {
    /// The name of what it writes in ksqlDB.
    pub(super) fn sink(&self) -> &str {
        match self.statement.effect() {
            Effect::CreateAs { name, .. } | Effect::InsertInto { name, .. } => name,
            _ => "",
        }
    }
}

impl Found {
    /// What start would do about it.
    pub(super) fn step(&self) -> PlanStep {
        PlanStep {
            part: Part::Statement,
            name: match self.sent.statement.effect() {
                Effect::InsertInto { name, query_id } => match query_id {
                    Some(id) => format!("{name} ({id})"),
                    None => name.clone(),
                },
                _ => self.sent.sink().to_owned(),
            },
            entity: self.sent.entity,
            action: match &self.standing {
                None => Action::Create,
                Some(standing) => Action::of(self.planned(standing)),
            },
            definition: self.sent.statement.text().to_owned(),
        }
    }

    fn planned(&self, standing: &Standing) -> Vec<plan::Difference> {
        let difference = |cure, advice: String| plan::Difference {
            what: "the query".to_owned(),
            existing: None,
            defined: None,
            cure,
            advice,
        };
        if self.embedded {
            return vec![difference(Cure::Refused, self.written_twice(standing))];
        }
        let mut planned: Vec<plan::Difference> = standing
            .differences
            .iter()
            .map(|found| {
                let cure = match (found, found.remedy()) {
                    (Difference::QueryGone, _) => Cure::AtStart,
                    (_, Remedy::InPlace(_)) => Cure::InPlace,
                    (_, Remedy::NewVersion) => Cure::NewVersion,
                    (_, Remedy::Refused) => Cure::Refused,
                };
                let advice = match found {
                    Difference::QueryGone => {
                        "it was terminated: start starts it again, from the beginning of what it reads"
                            .to_owned()
                    }
                    other => other.to_string(),
                };
                difference(cure, advice)
            })
            .collect();
        if planned.is_empty() && standing.state == "ERROR" {
            planned.push(difference(
                Cure::AtStart,
                "it has failed: start starts it again where it stopped".to_owned(),
            ));
        }
        planned
    }

    fn written_twice(&self, standing: &Standing) -> String {
        let id = standing.query_id.as_deref().unwrap_or_default();
        format!(
            "ksqlDB runs it as {id}, and this program would write its results to `{}` a second time: set `engine` to `ksqldb`, or end \
             ksqlDB's query with `TERMINATE {id};`",
            self.sent.writes
        )
    }

    /// Why start does not go on with it.
    pub(super) fn refusal(&self) -> Result<()> {
        let Some(standing) = &self.standing else {
            return Ok(());
        };
        if self.embedded {
            return Err(Error::Query {
                query: self.sent.query,
                reason: self.written_twice(standing),
            });
        }
        self.refuse(&standing.differences)
            .map_err(|error| failed(&self.sent, error))
    }

    fn refuse(&self, differences: &[Difference]) -> Result<(), KsqlDbError> {
        let passes = |difference: &Difference| {
            *difference == Difference::QueryGone
                || matches!(difference.remedy(), Remedy::InPlace(_))
        };
        if differences.iter().all(passes) {
            return Ok(());
        }
        Err(KsqlDbError::Drift {
            name: self.sent.sink().to_owned(),
            differences: differences.iter().map(ToString::to_string).collect(),
        })
    }

    /// The query's id, where it runs now.
    async fn make(
        &self,
        created: &[String],
        ksqldb: &KsqlDb,
        config: &Config,
    ) -> Result<Option<String>, KsqlDbError> {
        let Sent {
            query, statement, ..
        } = &self.sent;
        let sink = self.sent.sink();
        let Some(standing) = &self.standing else {
            return match ksqldb.start_query(statement).await? {
                Ensured::Created { query_id } => {
                    tracing::info!(query, sink, query_id, "query started in ksqlDB");
                    Ok(query_id)
                }
                Ensured::Unchanged { query_id } => Ok(query_id),
                // Another instance was faster, with another definition.
                Ensured::Drift(differences) => {
                    self.refuse(&differences)?;
                    Ok(None)
                }
            };
        };
        let id = standing.query_id.as_deref();
        let topics = || self.sent.reads.iter().chain([&self.sent.writes]);
        let reason = match standing.differences.as_slice() {
            [Difference::QueryGone] => "it was terminated",
            [] if standing.state == "ERROR" => "it has failed",
            // It says that it runs, and reads a topic that is not there any more.
            [] if topics().any(|topic| created.contains(topic)) => {
                "a topic of it was gone, and was created anew"
            }
            [] => return Ok(standing.query_id.clone()),
            differences if config.cluster.on_drift == OnDrift::Alter => {
                self.refuse(differences)?;
                "its definition changed"
            }
            differences => {
                for difference in differences {
                    tracing::warn!(query, sink, %difference, "the query differs from its definition");
                }
                return Ok(standing.query_id.clone());
            }
        };
        tracing::warn!(
            query,
            sink,
            query_id = id,
            reason,
            "the query is started again"
        );
        let again = ksqldb.start_again(statement, id).await?;
        match again {
            Some(id) => Ok(Some(id)),
            None => Ok(ksqldb
                .standing(statement)
                .await?
                .and_then(|standing| standing.query_id)),
        }
    }
}

impl Made {
    async fn wait(&self, ksqldb: &KsqlDb, limit: Duration) -> Result<(), KsqlDbError> {
        let Some(id) = &self.query_id else {
            return Ok(());
        };
        let found = ksqldb.wait_started(id, limit).await?;
        if found.worst_state() == "PAUSED" {
            let query = self.sent.query;
            tracing::warn!(
                query,
                query_id = id,
                "the query is paused: `RESUME {id};` lets it go on"
            );
            return Ok(());
        }
        if self.sent.pull {
            ksqldb.wait_answers(self.sent.sink(), limit).await?;
        }
        Ok(())
    }
}
