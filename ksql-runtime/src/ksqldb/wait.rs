//! Waiting for a query: until it runs on every node, without errors.
//!
//! RUNNING is no sign that a table can be read: whoever pulls retries (`pull`).

use std::time::Duration;

use super::answers::{Answer, QueryDescription};
use super::backoff::Backoff;
use super::client::KsqlDb;
use super::error::KsqlDbError;
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
        let mut backoff = Backoff::within(self.options(), limit);
        loop {
            let found = self.explain(query_id).await?;
            let state = found.worst_state().to_owned();
            if state == "ERROR" {
                return Err(failed(query_id, state, found.errors));
            }
            // Versions that tell no state tell errors.
            if (state == "RUNNING" || state.is_empty()) && found.errors.is_empty() {
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
}

fn failed(query_id: &str, state: String, errors: Vec<String>) -> KsqlDbError {
    KsqlDbError::QueryFailed {
        id: query_id.to_owned(),
        state,
        errors,
    }
}
