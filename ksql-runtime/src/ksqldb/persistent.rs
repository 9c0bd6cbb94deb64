//! Persistent queries: `CREATE .. AS SELECT` and `INSERT INTO .. SELECT`.
//!
//! Never sent where an equal one runs: `OR REPLACE` restarts a query even for identical text and leaves it silent for the
//! better part of a minute, and a second `INSERT INTO` writes every row twice. Starting one again is asked for by its own name.

use super::canonical::{replaceable, same_query};
use super::client::KsqlDb;
use super::describe::SourceDescription;
use super::drift::{Difference, Ensured};
use super::error::KsqlDbError;
use super::outcome::is_absent;
use super::statement::{Effect, Statement};

/// What is there of a query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    /// The query; none where it was terminated and what it made is left.
    pub(crate) query_id: Option<String>,
    /// Its worst state on any node; empty where the server does not say.
    pub(crate) state: String,
    /// How it differs from its definition.
    pub(crate) differences: Vec<Difference>,
}

impl KsqlDb {
    /// Starts a query where no equal one runs. Found by its sink and its statement; nothing is replaced.
    ///
    /// # Errors
    /// Where the statement is none of a query, the server cannot be asked, or refuses it.
    pub async fn ensure_query(&self, statement: &str) -> Result<Ensured, KsqlDbError> {
        let statement = Statement::parse(statement)?;
        self.ensure_parsed(&statement).await
    }

    /// The same of a statement that was read.
    pub(crate) async fn ensure_parsed(
        &self,
        statement: &Statement,
    ) -> Result<Ensured, KsqlDbError> {
        match self.standing(statement).await? {
            Some(found) => Ok(found.ensured()),
            None => self.start_query(statement).await,
        }
    }

    /// What is there of a query; nothing where it was never started. Nothing is sent.
    ///
    /// # Errors
    /// Where the statement is none of a query, or the server cannot be asked.
    pub(crate) async fn standing(
        &self,
        statement: &Statement,
    ) -> Result<Option<Standing>, KsqlDbError> {
        match statement.effect() {
            Effect::CreateAs { name, .. } => {
                let found = self.describe(name).await?;
                Ok(found.map(|found| compare(statement, &found)))
            }
            Effect::InsertInto { name, query_id } => {
                self.standing_insert(statement, name, query_id.as_deref())
                    .await
            }
            _ => Err(KsqlDbError::Statement {
                statement: statement.text().to_owned(),
                reason: "it starts no persistent query: use `execute` or `ensure_source`"
                    .to_owned(),
            }),
        }
    }

    /// Starts a query where there was just found to be none.
    ///
    /// # Errors
    /// Where the server refuses it.
    pub(crate) async fn start_query(&self, statement: &Statement) -> Result<Ensured, KsqlDbError> {
        let executed = self.execute_parsed(statement).await?;
        if executed.skipped.is_none() {
            return Ok(Ensured::Created {
                query_id: executed.query_id,
            });
        }
        // Another instance was faster.
        match self.standing(statement).await? {
            Some(found) => Ok(found.ensured()),
            None => Err(KsqlDbError::Failed {
                statement: statement.text().to_owned(),
                message: executed.skipped.unwrap_or_default(),
            }),
        }
    }

    /// Starts a query again that is there and does not run, or whose results are left: `CREATE OR REPLACE` takes up the same
    /// query where it is still there; an `INSERT INTO` is terminated and sent again.
    ///
    /// # Errors
    /// Where the server refuses it.
    pub(crate) async fn start_again(
        &self,
        statement: &Statement,
        query_id: Option<&str>,
    ) -> Result<Option<String>, KsqlDbError> {
        let again = match (statement.replacing(), query_id) {
            (Some(text), _) => Statement::parse(&text)?,
            (None, Some(id)) => {
                match self.execute(&format!("TERMINATE {id};")).await {
                    Ok(_) => {}
                    // Somebody else did it meanwhile.
                    Err(error) if is_absent(&error) => {}
                    Err(error) => return Err(error),
                }
                statement.clone()
            }
            (None, None) => statement.clone(),
        };
        Ok(self.execute_parsed(&again).await?.query_id)
    }

    async fn standing_insert(
        &self,
        statement: &Statement,
        sink: &str,
        query_id: Option<&str>,
    ) -> Result<Option<Standing>, KsqlDbError> {
        let queries = self.queries().await?;
        for query in queries
            .into_iter()
            .filter(|query| query.sinks.iter().any(|found| found == sink))
        {
            let same = same_query(&query.query_string, statement.text());
            let same_id = query_id.is_some_and(|id| id.eq_ignore_ascii_case(&query.id));
            if (same && query_id.is_none()) || same_id {
                return Ok(Some(Standing {
                    state: query.worst_state().to_owned(),
                    query_id: Some(query.id.clone()),
                    differences: match same {
                        true => Vec::new(),
                        false => vec![Difference::OtherQuery {
                            id: query.id,
                            found: query.query_string,
                            upgrade: None,
                        }],
                    },
                }));
            }
        }
        Ok(None)
    }
}

impl Standing {
    fn ensured(self) -> Ensured {
        if self.differences.is_empty() {
            Ensured::Unchanged {
                query_id: self.query_id,
            }
        } else {
            Ensured::Drift(self.differences)
        }
    }

    fn differs(query_id: Option<String>, state: &str, difference: Difference) -> Standing {
        Standing {
            query_id,
            state: state.to_owned(),
            differences: vec![difference],
        }
    }
}

/// What a sink says of the query that makes it.
fn compare(statement: &Statement, found: &SourceDescription) -> Standing {
    let made = Statement::split(&found.statement).unwrap_or_default();
    if made
        .first()
        .is_some_and(|made| !matches!(made.effect(), Effect::CreateAs { .. }))
    {
        return Standing::differs(None, "", Difference::NotMadeByQuery);
    }
    // The sink's own query is the one that created it; others are `INSERT INTO`.
    let own = found.write_queries.iter().find(|query| {
        Statement::parse(&query.query_string)
            .is_ok_and(|made| matches!(made.effect(), Effect::CreateAs { .. }))
    });
    match own {
        // What is left says what made it.
        None if !found.statement.is_empty()
            && !same_query(&found.statement, statement.text())
            && !replaceable(&found.statement, statement.text()) =>
        {
            Standing::differs(None, "", other("(terminated)", &found.statement, statement))
        }
        None => Standing::differs(None, "", Difference::QueryGone),
        Some(query) if same_query(&query.query_string, statement.text()) => Standing {
            query_id: Some(query.id.clone()),
            state: query.worst_state().to_owned(),
            differences: Vec::new(),
        },
        Some(query) => Standing::differs(
            Some(query.id.clone()),
            query.worst_state(),
            other(&query.id, &query.query_string, statement),
        ),
    }
}

fn other(id: &str, found: &str, statement: &Statement) -> Difference {
    let upgrade = statement
        .replacing()
        .filter(|_| replaceable(found, statement.text()));
    Difference::OtherQuery {
        id: id.to_owned(),
        found: found.to_owned(),
        upgrade,
    }
}
