//! Waiting for a query: until it runs on every node, without errors.
//!
//! RUNNING is no sign that a table can be read: that it answers is waited for by asking it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answers::{Answer, QueryDescription};
use super::backoff::Backoff;
use super::client::KsqlDb;
use super::error::{Class, KsqlDbError};
use super::outcome::nothing_in;

impl KsqlDb {
    /// `EXPLAIN` of a query: state on each node, errors.
    ///
    /// # Errors
    /// Where there is no such query, or the server cannot be asked.
    pub async fn explain(&self, query_id: &str) -> Result<QueryDescription, KsqlDbError> {
        let statement = format!("EXPLAIN {query_id};");
        let answers = self.read(&statement).await?;
        let found = answers.into_iter().find_map(|answer| match answer {
            Answer::QueryDescriptions(descriptions) => descriptions.into_iter().next(),
            _ => None,
        });
        found.ok_or_else(|| nothing_in(&statement, "a description of the query"))
    }

    /// Waits until a query runs on every node and has no errors.
    ///
    /// # Errors
    /// Where it fails, does not run in time, or is not there.
    pub async fn wait_running(
        &self,
        query_id: &str,
        limit: Duration,
    ) -> Result<QueryDescription, KsqlDbError> {
        // Versions that tell no state tell errors.
        let runs = |found: &QueryDescription| {
            matches!(found.worst_state(), "RUNNING" | "") && found.errors.is_empty()
        };
        self.wait_until(query_id, limit, runs).await
    }

    /// Waits until a query runs on every node or is paused. Errors from before are no matter; new ones are, for as long as they
    /// come.
    ///
    /// # Errors
    /// Where it has failed, does not run in time, or is not there.
    pub(crate) async fn wait_started(
        &self,
        query_id: &str,
        limit: Duration,
    ) -> Result<QueryDescription, KsqlDbError> {
        let mut errors = 0;
        let runs = |found: &QueryDescription| match found.worst_state() {
            "PAUSED" => true,
            "RUNNING" | "" => {
                std::mem::replace(&mut errors, found.errors.len()) == found.errors.len()
            }
            _ => false,
        };
        self.wait_until(query_id, limit, runs).await
    }

    async fn wait_until(
        &self,
        query_id: &str,
        limit: Duration,
        mut runs: impl FnMut(&QueryDescription) -> bool,
    ) -> Result<QueryDescription, KsqlDbError> {
        let mut backoff = Backoff::within(self.options(), limit);
        loop {
            let found = self.explain(query_id).await?;
            let state = found.worst_state().to_owned();
            if state == "ERROR" {
                return Err(failed(query_id, state, found.errors));
            }
            if runs(&found) {
                return Ok(found);
            }
            if !backoff.pause().await {
                return Err(if found.errors.is_empty() {
                    KsqlDbError::Deadline {
                        what: format!("RUNNING of query {query_id}"),
                        limit,
                        last: format!("it is {state}"),
                    }
                } else {
                    failed(query_id, state, found.errors)
                });
            }
        }
    }

    /// Waits until a table that a query makes answers a pull query. Where the server allows none over a whole table there is
    /// nothing to wait for.
    ///
    /// # Errors
    /// Where it is refused, or does not answer in time.
    pub(crate) async fn wait_answers(
        &self,
        table: &str,
        limit: Duration,
    ) -> Result<(), KsqlDbError> {
        let query = format!(
            "SELECT * FROM {} LIMIT 1;",
            ksql_schema::names::quoted(table)
        );
        let mut backoff = Backoff::within(self.options(), limit);
        loop {
            let error = match self.answers_once(&query).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let passes = match &error {
                KsqlDbError::Server(server) => match server.class {
                    Class::Invalid if server.message.contains("Table scan unsupported") => {
                        return Ok(());
                    }
                    Class::NotQueryable => true,
                    class => class.is_retryable(),
                },
                KsqlDbError::Lost { .. } | KsqlDbError::TimedOut { .. } => true,
                other => other.is_retryable(),
            };
            if !passes {
                return Err(error);
            }
            if !backoff.pause().await {
                return Err(KsqlDbError::NotReady {
                    source_name: table.to_owned(),
                    limit,
                    cause: Box::new(error),
                });
            }
        }
    }

    async fn answers_once(&self, query: &str) -> Result<(), KsqlDbError> {
        let mut rows = self.rows(query, &BTreeMap::new()).await?;
        while rows.next().await?.is_some() {}
        Ok(())
    }

    /// The consumer group of a query: its committed offsets tell what it has read, and made results of.
    ///
    /// # Errors
    /// Where the server cannot be asked.
    pub(crate) async fn group_of(&self, query_id: &str) -> Result<String, KsqlDbError> {
        let service = self.info().await?.ksql_service_id;
        let answers = self.read("SHOW PROPERTIES;").await?;
        let prefix = answers.into_iter().find_map(|answer| match answer {
            Answer::Settings(mut settings) => settings.remove("ksql.persistent.prefix")?,
            _ => None,
        });
        let prefix = prefix.as_deref().unwrap_or("query_");
        Ok(format!("_confluent-ksql-{service}{prefix}{query_id}"))
    }
}

fn failed(query_id: &str, state: String, errors: Vec<String>) -> KsqlDbError {
    KsqlDbError::QueryFailed {
        id: query_id.to_owned(),
        state,
        errors,
    }
}
