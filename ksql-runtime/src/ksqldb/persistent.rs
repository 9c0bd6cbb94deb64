//! Persistent queries: `CREATE .. AS SELECT` and `INSERT INTO .. SELECT`.
//!
//! Never sent where an equal one runs: `OR REPLACE` restarts a query even for identical text and leaves it silent for the
//! better part of a minute, and a second `INSERT INTO` writes every row twice.

use super::canonical::same_query;
use super::client::KsqlDb;
use super::describe::SourceDescription;
use super::drift::{Difference, Ensured};
use super::error::KsqlDbError;
use super::statement::{Effect, Statement};

impl KsqlDb {
    /// Starts a query where no equal one runs. Found by its sink and its statement; nothing is replaced.
    ///
    /// # Errors
    /// Where the statement is none of a query, the server cannot be asked, or refuses it.
    pub async fn ensure_query(&self, statement: &str) -> Result<Ensured, KsqlDbError> {
        let statement = Statement::parse(statement)?;
        match statement.effect() {
            Effect::CreateAs { name, .. } => self.ensure_sink(&statement, name).await,
            Effect::InsertInto { name, query_id } => {
                self.ensure_insert(&statement, name, query_id.as_deref())
                    .await
            }
            _ => Err(KsqlDbError::Statement {
                statement: statement.text().to_owned(),
                reason: "it starts no persistent query: use `execute` or `ensure_source`"
                    .to_owned(),
            }),
        }
    }

    async fn ensure_sink(&self, statement: &Statement, sink: &str) -> Result<Ensured, KsqlDbError> {
        if let Some(found) = self.describe(sink).await? {
            return Ok(compare(statement, &found));
        }
        let executed = self.execute_parsed(statement).await?;
        if executed.skipped.is_none() {
            return Ok(Ensured::Created {
                query_id: executed.query_id,
            });
        }
        match self.describe(sink).await? {
            Some(found) => Ok(compare(statement, &found)),
            None => Err(KsqlDbError::Failed {
                statement: statement.text().to_owned(),
                message: executed.skipped.unwrap_or_default(),
            }),
        }
    }

    async fn ensure_insert(
        &self,
        statement: &Statement,
        sink: &str,
        query_id: Option<&str>,
    ) -> Result<Ensured, KsqlDbError> {
        let queries = self.queries().await?;
        for query in queries
            .into_iter()
            .filter(|query| query.sinks.iter().any(|found| found == sink))
        {
            let same = same_query(&query.query_string, statement.text());
            let same_id = query_id.is_some_and(|id| id.eq_ignore_ascii_case(&query.id));
            if same && (query_id.is_none() || same_id) {
                return Ok(Ensured::Unchanged {
                    query_id: Some(query.id),
                });
            }
            if same_id {
                return Ok(Ensured::Drift(vec![Difference::OtherQuery {
                    id: query.id,
                    found: query.query_string,
                }]));
            }
        }
        let executed = self.execute_parsed(statement).await?;
        Ok(Ensured::Created {
            query_id: executed.query_id,
        })
    }
}

fn compare(statement: &Statement, found: &SourceDescription) -> Ensured {
    let made = Statement::split(&found.statement).unwrap_or_default();
    if made
        .first()
        .is_some_and(|made| !matches!(made.effect(), Effect::CreateAs { .. }))
    {
        return Ensured::Drift(vec![Difference::NotMadeByQuery]);
    }
    // The sink's own query is the one that created it; others are `INSERT INTO`.
    let own = found.write_queries.iter().find(|query| {
        Statement::parse(&query.query_string)
            .is_ok_and(|made| matches!(made.effect(), Effect::CreateAs { .. }))
    });
    match own {
        None => Ensured::Drift(vec![Difference::QueryGone]),
        Some(query) if same_query(&query.query_string, statement.text()) => Ensured::Unchanged {
            query_id: Some(query.id.clone()),
        },
        Some(query) => Ensured::Drift(vec![Difference::OtherQuery {
            id: query.id.clone(),
            found: query.query_string.clone(),
        }]),
    }
}
